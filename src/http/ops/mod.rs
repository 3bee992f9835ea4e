//! Health of the process, on a listener of its own: alive, and ready for requests.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpResponse, web};
use serde_json::json;

/// Whether the service should be sent requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Health(Arc<AtomicBool>);

impl Health {
    /// Says that requests are welcome.
    pub(super) fn set_ready(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Returns whether requests are welcome.
    pub(super) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// `GET /livez`: the process runs. Never depends on anything else.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: 200 when the data is loaded and the service is not stopping, else 503.
pub(super) async fn readyz(health: web::Data<Health>) -> HttpResponse {
    if health.is_ready() {
        HttpResponse::Ok().json(json!({ "status": "ready" }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "status": "draining" }))
    }
}
