//! What surrounds every request: its id, its span, and the net under a panic.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    body::BodyRead,
    connections::Connection,
    error::{Dialect, HttpError},
    state::State,
};
use crate::{
    domain::RequestId,
    error::{Error, ErrorCode},
};

/// The header that carries a request's id, both ways.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, kept beside it.
#[derive(Clone)]
struct Id(RequestId);

/// Returns the id of a request.
pub(super) fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Id>().map(|id| id.0.to_string())
}

/// Returns a new id for a change. The caller's request id may be shared by many requests of one trace, so it does
/// not tell changes apart.
pub(super) fn change_id() -> Result<RequestId, Error> {
    RequestId::parse(&uuid::Uuid::now_v7().simple().to_string())
        .map_err(|_| Error::internal("a random request id has a wrong form"))
}

/// Returns a new id for a request, as its callers know such ids: the vendor's are upper-case UUIDs.
fn new_id(dialect: Dialect) -> Result<RequestId, Error> {
    if dialect == Dialect::Own {
        return change_id();
    }
    RequestId::parse(&uuid::Uuid::now_v7().hyphenated().to_string().to_uppercase())
        .map_err(|_| Error::internal("a random request id has a wrong form"))
}

/// Gives each request an id (the caller's, if it sent a sound one), a span, and an answer even when a handler
/// panics. While the service drains, every answer closes its connection.
pub(super) async fn surround(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let stated = request
        .headers()
        .get(&X_REQUEST_ID)
        .and_then(|value| RequestId::parse(value.to_str().ok()?).ok());
    let dialect = Dialect::of(request.head());
    let id = match stated {
        Some(id) => id,
        None => new_id(dialect).map_err(|error| {
            // No id can be made: the answer goes without one.
            HttpError::without_id(error)
        })?,
    };
    request.extensions_mut().insert(Id(id.clone()));
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
