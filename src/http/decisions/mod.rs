//! Decisions: one request or a batch.

pub(super) mod allowed_actions;
mod answer;
mod batch;
pub(super) mod batch_is_authorized;
mod explanation;
pub(super) mod is_authorized;
mod lane;
pub(super) mod wire;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};

use super::error::HttpError;
use crate::error::Error;

pub use answer::{Beside, decision as render_decision};
pub(super) use answer::{write as write_decision, write_revision};
pub(super) use batch::{read as read_batch, read_each};
pub(super) use lane::{Lane, Way};
pub(super) use wire::{CONTEXT_KEYS, IsAuthorizedRequest, context_value};

/// The type of answers.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns the answer with this body, or the error that there is instead.
#[expect(clippy::result_large_err, reason = "it is what handlers return")]
pub(super) fn answered(
    request: &HttpRequest,
    body: Result<Vec<u8>, Error>,
) -> Result<HttpResponse, HttpError> {
    body.map(ok).map_err(|error| HttpError::new(request, error))
}

/// Returns the answer with this body.
fn ok(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, JSON)).body(body)
}

/// Returns whether a path is one of these.
pub(super) fn is_path(path: &str) -> bool {
    path == IS_AUTHORIZED || path == BATCH
}

/// The paths.
pub(super) const IS_AUTHORIZED: &str = "/v1/is-authorized";
pub(super) const ALLOWED_ACTIONS: &str = "/v1/allowed-actions";
pub(super) const BATCH: &str = "/v1/batch-is-authorized";
