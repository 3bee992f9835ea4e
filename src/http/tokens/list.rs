//! `GET /v1/tokens`: the tokens of the account, without their secrets.

use actix_web::{HttpRequest, HttpResponse, web};

use super::wire;
use crate::{
    domain::Scope,
    http::{error::HttpError, state::State, token::Caller},
};

/// Lists the tokens of the caller's account.
pub(in crate::http) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    Caller(pep): Caller,
) -> Result<HttpResponse, HttpError> {
    pep.demand(Scope::Tokens).map_err(|error| HttpError::new(&request, error))?;
    let tokens = state.services.tokens.list(&pep.account).await;
    let tokens = tokens.map_err(|error| HttpError::new(&request, error))?;
    Ok(HttpResponse::Ok().json(wire::ListBody { tokens: tokens.iter().map(Into::into).collect() }))
}
