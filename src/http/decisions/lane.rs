//! The short way of a request for decisions, one or a batch: who asks is known from the request before, its body comes with it, and
//! what it asks is looked up at once.
//!
//! Routes, extractors and handlers cost several times as much as a decision. Whatever is not so (a first request, a revision
//! to wait for, a suggestion, anything doubtful about the head) goes the long way, through the handler, which answers alike.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_http::{Payload, Request};
use actix_web::{
    HttpMessage, HttpResponse,
    http::Method,
    web::{self, Bytes},
};
use futures_util::{future::ready, stream::once};

use super::{BATCH, IS_AUTHORIZED, batch_is_authorized, is_authorized, ok};
use crate::{
    error::Error,
    http::{
        authzen,
        body::Reading,
        dialect::Dialect,
        error::HttpError,
        head::Head,
        outlet,
        request_id::Note,
        state::{Limits, State},
        token,
    },
    service::Known,
};

/// What has a short way.
#[derive(Clone, Copy)]
enum Short {
    IsAuthorized,
    Batch,
    Evaluation,
}

impl Short {
    fn of(path: &str) -> Option<Self> {
        match path {
            IS_AUTHORIZED => Some(Self::IsAuthorized),
            BATCH => Some(Self::Batch),
            authzen::EVALUATION => Some(Self::Evaluation),
            _ => None,
        }
    }

    /// Returns the most bytes of its body.
    const fn limit(self, limits: &Limits) -> usize {
        match self {
            Self::IsAuthorized | Self::Evaluation => limits.body,
            Self::Batch => limits.batch_body,
        }
    }

    /// Returns the answer to a request, where its caller is still known and there is one without waiting.
    fn answer(
        self,
        (request, body): (&mut Request, &[u8]),
        state: &State,
        caller: &Known,
    ) -> Option<Result<Vec<u8>, Error>> {
        let pep = &caller.pep;
        let view = state.services.authorizer.view_at_once(&pep.account)?;
        if !caller.is_still(view.revision()) {
            return None;
        }
        match self {
            Self::IsAuthorized => is_authorized::at_once(state, (pep, &view), body),
            Self::Batch => {
                outlet::spend(body.len());
                let answer = batch_is_authorized::at_once(state, (pep, &view), body);
                if answer.is_none() {
                    request.extensions_mut().insert(WasLookedUp);
                }
                answer
            }
            Self::Evaluation if state.services.authorizer.is_slow(&pep.account) => None,
            Self::Evaluation => Some(authzen::at_once(state, (pep, &view), body)),
        }
    }
}

/// Where a short way begins, and who goes it.
pub(in crate::http) struct Entry {
    short: Short,
    caller: Rc<Known>,
}

/// Stands beside a batch of which not all could be looked up.
pub(super) struct WasLookedUp;

/// A request on the short way, whose body is being read.
pub(in crate::http) struct Lane {
    state: Rc<web::Data<State>>,
    entry: Entry,
    request: Request,
    reading: Reading,
}

/// Where the short way led.
pub(in crate::http) enum Way {
    /// To an answer.
    Answered(HttpResponse),
    /// To the long way, with nothing done yet.
    Long(Request),
}

impl Lane {
    /// Returns where it begins, where the short way may be tried.
    pub(in crate::http) fn entry(
        request: &Request,
        head: &Head<'_>,
        state: &State,
    ) -> Option<Entry> {
        let short = Short::of(request.path())?;
        let may_be = request.method() == Method::POST && head.is_plain(short.limit(&state.limits));
        if !may_be {
            return None;
        }
        let caller = token::last(request, head.authorization)?;
        // Of somebody who is not known any more nothing long is read.
        let is_small = !matches!(short, Short::Batch);
        (is_small || state.services.authenticator.is_still(&caller))
            .then_some(Entry { short, caller })
    }

    pub(in crate::http) fn new(
        mut request: Request,
        entry: Entry,
        state: Rc<web::Data<State>>,
    ) -> Self {
        let limits = &state.limits;
        let limit = entry.short.limit(limits);
        let reading = Reading::new(request.take_payload(), limit, limits.body_timeout);
        Self { state, entry, request, reading }
    }

    /// Reads the body.
    pub(in crate::http) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, Error>> {
        Pin::new(&mut self.reading).poll(context)
    }

    /// Answers, once the body is read or cannot be.
    pub(in crate::http) fn end(
        self,
        body: Result<Bytes, Error>,
        note: &Note,
        dialect: Dialect,
    ) -> Way {
        let Self { state, entry: Entry { short, caller }, mut request, .. } = self;
        let decided = match body {
            Ok(body) => {
                note.read();
                let decided = short.answer((&mut request, &body), &state, &caller);
                let Some(decided) = decided else {
                    let payload = once(ready(Ok(body)));
                    *request.payload() = Payload::Stream { payload: Box::pin(payload) };
                    return Way::Long(request);
                };
                decided
            }
            Err(error) => Err(error),
        };
        Way::Answered(match decided {
            Ok(body) => ok(body),
            Err(error) => {
                HttpResponse::from_error(HttpError::with_id(note.header(), dialect, error))
            }
        })
    }
}
