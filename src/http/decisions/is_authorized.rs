//! `POST /v1/is-authorized`: may a principal take an action on a resource?

use actix_web::{HttpRequest, HttpResponse, web};

use super::{answer, answered, wire};
use crate::{
    domain::Scope,
    error::Error,
    http::{
        body,
        error::HttpError,
        object::{self, Object},
        state::State,
        token,
    },
};

/// Answers one request for a decision. A `Deny` is a successful answer; any other status means that no decision
/// was reached.
pub(in crate::http) async fn is_authorized(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    answered(&request, decided(&request, payload).await)
}

async fn decided(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Error> {
    let state = State::of(request)?;
    let pep = token::caller(request, state).await?;
    let body = body::single(request, payload.into_inner(), state).await?;
    pep.demand(Scope::Decide)?;
    let Object(mut wire): Object<wire::IsAuthorizedRequest<'_>> = object::read(&body)?;
    let authorizer = &state.services.authorizer;
    let suggests = wire.suggests();
    let (question, at_least) = wire.question();
    let answer = if suggests {
        let judged = authorizer.suggest(&pep.account, question, at_least).await?;
        let (decision, suggested) = judged.answer;
        let revision = authorizer.revision_token(&pep.account, judged.revision);
        answer::decision(&decision, &revision, Some(suggested))
    } else {
        let mut asked = authorizer.asked(&pep.account, question, at_least).await?;
        let (decision, revision) = authorizer.decide(&mut asked);
        answer::decision(&decision, revision, None)
    };
    answer.map_err(|error| Error::internal(&error.to_string()))
}
