//! The id of a request: in its answer, on its log lines, and beside what it changes.

use actix_web::{HttpMessage, HttpRequest, dev::RequestHead, http::header::HeaderName};

use super::dialect::Dialect;

use crate::{domain::RequestId, error::Error};

/// The header that carries a request's id, both ways.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, kept beside it.
#[derive(Clone)]
struct Id(RequestId);

/// Gives a request an id and returns it: the caller's, if it sent a sound one, or a new one.
///
/// # Errors
/// When none can be made.
pub(super) fn give(request: &impl HttpMessage, head: &RequestHead) -> Result<RequestId, Error> {
    let stated = head
        .headers
        .get(&X_REQUEST_ID)
        .and_then(|value| RequestId::parse(value.to_str().ok()?).ok());
    let id = match stated {
        Some(id) => id,
        None => new_id(Dialect::of(head))?,
    };
    request.extensions_mut().insert(Id(id.clone()));
    Ok(id)
}

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
