//! Which path leads where.

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    web::{self, ServiceConfig},
};

use super::{
    authzen, decisions, dialect::Dialect, docs, error::HttpError, management, ops, ram,
    state::State, tokens,
};
use crate::{
    domain::{Invalid, shortened},
    error::{Error, ErrorCode},
};

/// The service's own API.
pub(super) fn api(config: &mut ServiceConfig) {
    config
        .service(
            resource(decisions::IS_AUTHORIZED, "POST")
                .route(web::post().to(decisions::is_authorized::is_authorized)),
        )
        .service(
            resource(decisions::BATCH, "POST")
                .route(web::post().to(decisions::batch_is_authorized::batch_is_authorized)),
        )
        .service(
            resource(decisions::ALLOWED_ACTIONS, "POST")
                .route(web::post().to(decisions::allowed_actions::allowed_actions)),
        )
        .service(resource("/v1/ram/validate", "POST").route(web::post().to(ram::validate)))
        .service(resource("/v1/ram/simulate", "POST").route(web::post().to(ram::simulate)))
        .service(
            resource("/v1/tokens", "GET, POST")
                .route(web::get().to(tokens::list::list))
                .route(web::post().to(tokens::create::create)),
        )
        .service(
            resource("/v1/tokens/{id}", "DELETE").route(web::delete().to(tokens::revoke::revoke)),
        );
    authzen::routes(config);
    // Signed calls are routed by the catalogue, on the raw path.
    for path in ["/v1/workspaces", "/v1/users"] {
        config.service(web::resource(path).to(management::call));
    }
    docs::serve(config);
}

/// Health, on its own listener.
pub(super) fn ops(config: &mut ServiceConfig) {
    config
        .service(resource("/livez", "GET").route(web::get().to(ops::livez)))
        .service(resource("/readyz", "GET").route(web::get().to(ops::readyz)))
        .service(resource("/metrics", "GET").route(web::get().to(ops::metrics)));
}

/// Returns a resource that answers other methods than `allowed` as it should.
pub(super) fn resource(path: &str, allowed: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        Err::<HttpResponse, _>(HttpError::wrong_method(&request, allowed))
    }))
}

/// Answers the paths of the vendor's interfaces, and those that lead nowhere.
pub(super) async fn elsewhere(
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, HttpError> {
    if Dialect::of(request.head()) == Dialect::Vendor {
        return management::call(request, state, payload).await;
    }
    not_found(request).await
}

/// Answers paths that lead nowhere.
pub(super) async fn not_found(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let error = Error {
        field: Some("path".to_owned()),
        value: Some(shortened(request.path(), Invalid::MAX_VALUE)),
        ..Error::new(
            ErrorCode::NotFound,
            "there is nothing at this path",
            "the API is `/v1/is-authorized`, `/v1/batch-is-authorized`, `/v1/allowed-actions`, `/v1/ram/validate`, `/v1/ram/simulate`, `/v1/tokens`, `/v1/workspaces`, `/v1/users`, `/access/v1/…` and `/api/v1/…`, described at `/openapi.json` and `/docs`; on its own listener `/livez`, `/readyz` and `/metrics`",
        )
    };
    Err(HttpError::new(&request, error))
}
