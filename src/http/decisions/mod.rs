//! Decisions: one request or a batch.

mod answer;
pub(super) mod batch_is_authorized;
pub(super) mod is_authorized;
pub(super) mod wire;

use actix_web::http::header::HeaderValue;

pub use answer::decision as render_decision;
pub(super) use batch_is_authorized::read as read_batch;
pub(super) use wire::IsAuthorizedRequest;

/// The type of answers.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns whether a path is one of these.
pub(super) fn is_path(path: &str) -> bool {
    path == IS_AUTHORIZED || path == BATCH
}

/// The paths.
pub(super) const IS_AUTHORIZED: &str = "/v1/is-authorized";
pub(super) const BATCH: &str = "/v1/batch-is-authorized";
