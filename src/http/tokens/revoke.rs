//! `DELETE /v1/tokens/{id}`: the next request with the token is refused.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::{
    domain::{Invalid, Scope, TokenId},
    error::Error,
    http::{error::HttpError, request_id::change_id, state::State, token::Caller},
    service::Actor,
};

/// Revokes a token of the caller's account.
pub(in crate::http) async fn revoke(
    request: HttpRequest,
    state: web::Data<State>,
    Caller(pep): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    pep.demand(Scope::Tokens).map_err(refuse)?;
    let id = TokenId::parse(&id)
        .map_err(|form| refuse(Invalid::value("id", &id, form.expected, form.help).into()))?;
    let actor = Actor::new(pep.name.to_string(), change_id().map_err(refuse)?);
    let revision = state.services.tokens.revoke(&pep.account, &actor, &id).await.map_err(refuse)?;
    let revision = state.services.authorizer.revision_token(&pep.account, revision);
    Ok(HttpResponse::Ok().json(serde_json::json!({ "revision": revision })))
}
