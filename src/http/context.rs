//! What surrounds every request: its id, its span, and the net under a panic.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix_web::{
    HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    body::BodyRead,
    connections::Connection,
    dialect::Dialect,
    error::HttpError,
    request_id::{self, X_REQUEST_ID},
    state::State,
};
use crate::{
    domain::RequestId,
    error::{Error, ErrorCode},
};

/// Gives each request an id (the caller's, if it sent a sound one), a span, and an answer even when a handler
/// panics. While the service drains, every answer closes its connection.
pub(super) async fn surround(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let dialect = Dialect::of(request.head());
    // Where no id can be made the answer goes without one.
    let id = request_id::give(&request, request.head()).map_err(HttpError::without_id)?;
    let draining =
        request.app_data::<web::Data<State>>().is_some_and(|state| !state.health.is_ready());
    let connections = request.app_data::<web::Data<State>>().map(|state| state.connections.clone());
    let place = connections.zip(request.conn_data::<Arc<Connection>>().cloned());
    let last =
        place.as_ref().is_some_and(|(connections, connection)| connections.begin(connection));
    let has_body = request.headers().contains_key(header::TRANSFER_ENCODING)
        || request
            .headers()
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0");
    let span = tracing::error_span!("request", id = id.as_str());
    // The call itself is inside: routing can panic as well as a handler. The request moves along, for a second
    // handle on it would keep the router from writing into it.
    let handling = AssertUnwindSafe(async move { next.call(request).await });
    let handled = handling.catch_unwind().instrument(span).await;
    let read = matches!(&handled, Ok(Ok(response)) if response.request().extensions().contains::<BodyRead>());
    if let Some((connections, connection)) = &place {
        connections.end(connection, has_body && !read);
    }
    let mut response = match handled {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(json(error, &id, dialect)),
        Err(_) => {
            return Err(
                HttpError::with_id(&id, dialect, Error::internal("a handler panicked")).into()
            );
        }
    };
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID.clone(), value);
    }
    if draining || last || (has_body && !read) {
        // Not as a header: the HTTP library writes that one itself, from this.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Handlers render their own errors; whatever actix itself refuses becomes one of ours.
fn json(error: actix_web::Error, id: &RequestId, dialect: Dialect) -> actix_web::Error {
    if error.as_error::<HttpError>().is_some() {
        return error;
    }
    let status = error.as_response_error().status_code();
    tracing::debug!(%error, %status, "refused before a handler");
    let refused = if status.is_client_error() {
        Error::new(
            ErrorCode::MalformedBody,
            "the request has a form that is not read",
            "see the documentation",
        )
    } else {
        Error::internal(&error.to_string())
    };
    HttpError::with_id(id, dialect, refused).into()
}
