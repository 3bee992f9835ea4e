//! `POST /v1/ram/validate`: what is wrong with a RAM document?

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::wire;
use crate::{
    domain::Scope,
    error::Error,
    http::{
        body::Sent,
        error::HttpError,
        object::{self, Object},
        state::State,
    },
    ram::{lines::Lines, lint::lint},
};

/// Checks a document. A bad one is a successful answer, with findings.
pub(in crate::http) async fn validate(
    request: HttpRequest,
    state: web::Data<State>,
    Sent(pep, body): Sent,
) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    pep.demand(Scope::Decide).map_err(refuse)?;
    let Object(wire): Object<wire::ValidateRequest<'_>> =
        object::read(&body).map_err(|refusal| refuse(wire::refused(refusal)))?;
    let asked = wire.to_domain().map_err(|invalid| refuse(invalid.into()))?;
    // Long documents take milliseconds, which others on this thread would wait for.
    let check = move || {
        let report = lint(&asked.document, asked.kind);
        let lines = Lines::new(&asked.document);
        let tell = |found| wire::finding(found, &lines, asked.language);
        json!({
            "findings": report.findings.iter().map(tell).collect::<Vec<Value>>(),
            "statements": report.statements,
            "foreignActions": report.foreign_actions,
            "complete": report.is_complete,
        })
    };
    let answer = state.services.authorizer.apart(&pep.account, check).await.map_err(refuse)?;
    Ok(HttpResponse::Ok().json(answer))
}
