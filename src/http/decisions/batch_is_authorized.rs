//! `POST /v1/batch-is-authorized`: up to 1,000 requests, answered in order on one view of the account.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::{
    answer, answered,
    batch::{read, read_each},
    is_authorized::unwritten,
    lane::WasLookedUp,
};
use crate::{
    domain::{Decision, Scope},
    error::Error,
    http::{
        body,
        error::HttpError,
        object::{Object, Text},
        state::State,
        token,
    },
    service::{Pep, Present, Turn},
};

/// Bytes of a usual request.
const USUAL: usize = 128;

/// Answers a batch of requests for decisions.
pub(in crate::http) async fn batch_is_authorized(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, decided(&request, payload).await)
}

async fn decided(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::batch(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    pep.demand(Scope::Decide)?;
    let authorizer = &state.services.authorizer;
    if !request.extensions().contains::<WasLookedUp>()
        && let Some(view) = authorizer.view_at_once(&pep.account)
        && let Some(answer) = at_once(state, (&pep, &view), &body)
    {
        return answer;
    }
    let (items, at_least) = read(&body)?;
    let view = {
        let beside = items.iter().flatten().filter_map(|Object(wire)| wire.at_least());
        authorizer.view_for(&pep.account, at_least.as_ref().map(Text::as_str), beside).await?
    };
    let mut answer = answer::Batch::new(items.len());
    let mut turn = Turn::begin(&pep.account);
    for item in &items {
        let push = |decision: &Decision<'_>| answer.push(decision);
        let ((), was_looked_up) = match item {
            Err(refusal) => authorizer.decide_item(&view, Err(refusal.to_invalid()), push)?,
            Ok(Object(wire)) => {
                let plain = wire.check_plain();
                let (question, at_least) = wire.question();
                authorizer.decide_item(&view, plain.map(|()| (&question, at_least)), push)?
            }
        };
        // A thousand that are looked up take less than a turn.
        if !was_looked_up {
            turn.share().await?;
            if turn.is_spent() {
                return Err(Turn::spent("requests"));
            }
        }
    }
    answer.end(authorizer.revision_of(&view)).map_err(unwritten)
}

/// Returns the answer to a batch of somebody who is known on a view, where all of it is settled by what is looked up there.
pub(super) fn at_once(
    state: &State,
    (pep, view): (&Pep, &Present),
    body: &[u8],
) -> Option<Result<Vec<u8>, Error>> {
    if let Err(error) = pep.demand(Scope::Decide) {
        return Some(Err(error));
    }
    let authorizer = &state.services.authorizer;
    let mut run = authorizer.while_reading(view)?;
    let mut answer = answer::Batch::new(body.len() / USUAL);
    let at_least = read_each(body, |wire| {
        wire.is_plain().then_some(())?;
        run.look_up(|| wire.question(), |settled| answer.push_settled(settled))
    })
    .ok()?;
    run.end(at_least.as_ref().map(Text::as_str), |settled| answer.push_settled(settled))?;
    Some(answer.end(authorizer.revision_of(view)).map_err(unwritten))
}
