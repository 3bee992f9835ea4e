//! `GET /.well-known/authzen-configuration`: where everything is. Addresses come from the settings, never from what a request
//! says it was sent to: whoever caches them would be led elsewhere.

use actix_web::{HttpRequest, HttpResponse, http::header};
use serde_json::json;

use super::{EVALUATION, EVALUATIONS, SEARCH_ACTION, SEARCH_RESOURCE, SEARCH_SUBJECT};
use crate::{
    domain::{Invalid, shortened},
    error::{Error, ErrorCode},
    http::{error::HttpError, state::State},
};

/// Tells where the endpoints are, of the account's or of a bundle's.
pub(super) async fn discovery(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let refuse = |error: Error| HttpError::new(&request, error);
    let state = State::of(&request).map_err(refuse)?;
    let Some(url) = state.services.public_url.as_deref() else {
        let help = "whoever runs this service gives `--public-url https://…`; the endpoints are at their usual paths, as `/access/v1/evaluation`";
        let error = Error::new(ErrorCode::NotFound, "this service does not know its address", help);
        return Err(refuse(error));
    };
    let tenant = match request.match_info().get("bundle") {
        None => String::new(),
        Some(name) if state.services.bundles.get(name).is_some() => format!("/{name}"),
        Some(name) => {
            let help = "see which bundles `serve` was given";
            let error = Error::new(ErrorCode::NotFound, "there is no such bundle", help);
            return Err(refuse(error.about("path", &shortened(name, Invalid::MAX_VALUE))));
        }
    };
    let at = |path: &str| format!("{url}{tenant}{path}");
    let body = json!({
        "policy_decision_point": at(""),
        "access_evaluation_endpoint": at(EVALUATION),
        "access_evaluations_endpoint": at(EVALUATIONS),
        "search_subject_endpoint": at(SEARCH_SUBJECT),
        "search_resource_endpoint": at(SEARCH_RESOURCE),
        "search_action_endpoint": at(SEARCH_ACTION),
    });
    let cache = (header::CACHE_CONTROL, "public, max-age=300");
    Ok(HttpResponse::Ok().insert_header(cache).json(body))
}
