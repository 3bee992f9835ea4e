//! `POST /v1/is-authorized`: may a principal take an action on a resource?

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{answer, wire};
use crate::{
    domain::Scope,
    error::Error,
    http::{
        body::Body,
        error::HttpError,
        object::{self, Object},
        state::State,
        token::Caller,
    },
};

/// Answers one request for a decision. A `Deny` is a successful answer; any other status means that no decision
/// was reached.
pub(in crate::http) async fn is_authorized(
    request: HttpRequest,
    state: web::Data<State>,
    Caller(pep): Caller,
    Body(body): Body,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    pep.demand(Scope::Decide).map_err(refuse)?;
    let Object(wire): Object<wire::IsAuthorizedRequest<'_>> =
        object::read(&body).map_err(|refusal| refuse(refusal.into()))?;
    let (question, at_least) = wire.to_domain();
    let authorizer = &state.services.authorizer;
    let token = |revision| authorizer.revision_token(&pep.account, revision);
    let body = if wire.suggests() {
        let judged = authorizer.suggest(&pep.account, question, at_least).await.map_err(refuse)?;
        let (decision, suggested) = judged.answer;
        answer::decision(&decision, &token(judged.revision), Some(suggested))
    } else {
        let mut asked = authorizer.asked(&pep.account, question, at_least).await.map_err(refuse)?;
        let revision = token(asked.revision());
        answer::decision(&authorizer.decide(&mut asked), &revision, None)
    };
    let body = body.map_err(|error| refuse(Error::internal(&error.to_string())))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body))
}
