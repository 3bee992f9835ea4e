//! `POST /v1/is-authorized`: may a principal take an action on a resource?

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Beside, IsAuthorizedRequest, answer, answered};
use crate::{
    domain::{Decision, Invalid, Scope},
    error::Error,
    http::{
        body,
        error::HttpError,
        object::{self, Object, Text},
        state::State,
        token,
    },
    service::{Asked, Pep, Present},
};

/// Answers one request for a decision. A `Deny` is a successful answer; any other status means that no decision
/// was reached.
pub(in crate::http) async fn is_authorized(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, decided(&request, payload).await)
}

/// Returns the answer to a request of somebody who is known on a view, where there is one without waiting.
pub(super) fn at_once(
    state: &State,
    (pep, view): (&Pep, &Present),
    body: &[u8],
) -> Option<Result<Vec<u8>, Error>> {
    let authorizer = &state.services.authorizer;
    let answer = || {
        pep.demand(Scope::Decide)?;
        let read: Option<Object<IsAuthorizedRequest<&str>>> = object::read_sound(body);
        let Some(Object(wire)) = read.filter(|Object(wire)| wire.is_plain()) else {
            return Ok(None);
        };
        let (question, at_least) = wire.question();
        let revision = authorizer.revision_of(view);
        let answer = |decision: &Decision<'_>| answer::decision(decision, revision, None);
        let answer = authorizer.decide_on(view, (&question, at_least), answer)?;
        answer.transpose().map_err(unwritten)
    };
    answer().transpose()
}

fn decide(state: &State, mut asked: Asked<'_>) -> Result<Vec<u8>, Error> {
    let (decision, revision) = state.services.authorizer.decide(&mut asked);
    answer::decision(&decision, revision, None).map_err(unwritten)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what an error is mapped by")]
pub(super) fn unwritten(error: serde_json::Error) -> Error {
    Error::internal(&error.to_string())
}

async fn decided(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let body = body::single(request, payload.into_inner(), state);
    let (pep, body) = token::caller_with(request, state, body).await?;
    pep.demand(Scope::Decide)?;
    let Object(wire): Object<IsAuthorizedRequest<Text<'_>>> = object::read(&body)?;
    let authorizer = &state.services.authorizer;
    let (suggests, explains) = (wire.suggests(), wire.explains());
    let (question, at_least) = wire.question();
    let account = &pep.account;
    let (decision, beside, revision) = match (suggests, explains) {
        (false, false) => {
            return decide(state, authorizer.asked(account, question, at_least).await?);
        }
        (true, true) => {
            let help = "an explanation has the statement among its remedies: leave this out";
            return Err(Invalid::unexpected("suggest", "true", help).into());
        }
        (true, false) => {
            let judged = authorizer.suggest(account, question, at_least).await?;
            let (decision, suggested) = judged.answer;
            (decision, Beside::Suggestion(suggested), judged.revision)
        }
        (false, true) => {
            pep.demand(Scope::Explain)?;
            let judged = authorizer.explain(account, question, at_least).await?;
            let (decision, explained) = judged.answer;
            (decision, Beside::Explanation(Box::new(explained)), judged.revision)
        }
    };
    let revision = authorizer.revision_token(account, revision);
    answer::decision(&decision, &revision, Some(beside)).map_err(unwritten)
}
