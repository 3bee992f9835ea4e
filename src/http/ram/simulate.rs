//! `POST /v1/ram/simulate`: what do documents say of actions on resources?

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};
use serde_json::{Value, json};

use super::wire;
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
    service::Row,
};

/// Answers a simulation. Denials are successful answers.
pub(in crate::http) async fn simulate(
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    let body = body::batch(&request, payload.into_inner(), &state);
    let (pep, body) = token::caller_with(&request, &state, body).await.map_err(refuse)?;
    pep.demand(Scope::Decide).map_err(refuse)?;
    let Object(wire): Object<wire::SimulateRequest<'_>> =
        object::read(&body).map_err(|refusal| refuse(wire::refused(refusal)))?;
    let asked = wire.to_domain().map_err(|invalid| refuse(invalid.into()))?;
    let principal = wire.principal().map_err(|invalid| refuse(invalid.into()))?;
    let authorizer = &state.services.authorizer;
    let account = pep.account.clone();
    let named = principal.map(|(kind, id)| (kind.to_owned(), id.to_owned()));
    let tell = move |rows: Vec<Row>| {
        let named = named.as_ref();
        let whom = named.map(|(kind, id)| (account.as_str(), kind.as_str(), id.as_str()));
        let rows: Vec<Value> = rows.iter().map(|row| wire::row(row, whom)).collect();
        json!({ "results": rows }).to_string()
    };
    let told = authorizer.simulate(&pep.account, principal, asked, tell).await.map_err(refuse)?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(told))
}
