//! The short way of a request for a decision: who asks is known from the request before, its body comes with it, and what it
//! asks is looked up at once.
//!
//! Routes, extractors and handlers cost several times as much as the decision. Whatever is not so (a first request, a revision
//! to wait for, a suggestion, anything doubtful about the head) goes the long way, through the handler, which answers alike.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_http::{Payload, Request};
use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Bytes},
};
use futures_util::{future::ready, stream::once};

use super::{IS_AUTHORIZED, is_authorized, ok};
use crate::{
    error::Error,
    http::{
        authzen, body::Reading, dialect::Dialect, error::HttpError, head::Head, request_id::Note,
        state::State, token,
    },
    service::Known,
};

/// What has a short way.
#[derive(Clone, Copy)]
enum Short {
    IsAuthorized,
    Evaluation,
}

impl Short {
    fn of(path: &str) -> Option<Self> {
        match path {
            IS_AUTHORIZED => Some(Self::IsAuthorized),
            authzen::EVALUATION => Some(Self::Evaluation),
            _ => None,
        }
    }
}

impl Short {
    /// Returns the answer, where the caller is still known and there is one without waiting.
    fn answer(self, state: &State, caller: &Known, body: &[u8]) -> Option<Result<Vec<u8>, Error>> {
        let pep = &caller.pep;
        let view = state.services.authorizer.view_at_once(&pep.account)?;
        if !caller.is_still(view.revision()) {
            return None;
        }
        match self {
            Self::IsAuthorized => is_authorized::at_once(state, (pep, &view), body),
            Self::Evaluation => Some(authzen::at_once(state, (pep, &view), body)),
        }
    }
}

/// A request on the short way, whose body is being read.
pub(in crate::http) struct Lane {
    state: Rc<web::Data<State>>,
    caller: Rc<Known>,
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
    /// Returns who asks, where the short way may be tried.
    pub(in crate::http) fn caller(
        request: &Request,
        head: &Head<'_>,
        state: &State,
    ) -> Option<Rc<Known>> {
        let is_short = Short::of(request.path()).is_some()
            && request.method() == Method::POST
            && head.is_plain(state.limits.body);
        if is_short { token::last(request, head.authorization) } else { None }
    }

    pub(in crate::http) fn new(
        mut request: Request,
        caller: Rc<Known>,
        state: Rc<web::Data<State>>,
    ) -> Self {
        let limits = &state.limits;
        let reading = Reading::new(request.take_payload(), limits.body, limits.body_timeout);
        Self { state, caller, request, reading }
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
        let Self { state, caller, mut request, .. } = self;
        let decided = match body {
            Ok(body) => {
                note.read();
                let decided = Short::of(request.path())
                    .and_then(|short| short.answer(&state, &caller, &body));
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
