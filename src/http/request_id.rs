//! The id of a request: in its answer, on its log lines, and beside what it changes.

use std::cell::Cell;

use actix_web::{
    HttpMessage, HttpRequest,
    dev::RequestHead,
    http::header::{HeaderName, HeaderValue},
};
use uuid::Uuid;

use super::dialect::Dialect;
use crate::{domain::RequestId, error::Error};

/// The header that carries a request's id, both ways.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, kept beside it.
#[derive(Clone)]
pub(super) struct Id(HeaderValue);

impl Id {
    /// Returns its text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Returns it as a header has it.
    pub(super) fn into_header(self) -> HeaderValue {
        self.0
    }
}

/// Gives a request an id and returns it: the caller's, if it sent a sound one, or a new one.
///
/// # Errors
/// When none can be made.
pub(super) fn give(request: &impl HttpMessage, head: &RequestHead) -> Result<Id, Error> {
    let is_sound =
        |value: &&HeaderValue| value.to_str().is_ok_and(|text| RequestId::parse(text).is_ok());
    let stated = head.headers.get(&X_REQUEST_ID).filter(is_sound);
    let id = Id(match stated {
        Some(stated) => stated.clone(),
        None => new_id(Dialect::of(head))?,
    });
    request.extensions_mut().insert(id.clone());
    Ok(id)
}

/// Returns the id of a request.
pub(super) fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Id>().map(|id| id.as_str().to_owned())
}

/// Returns a new id for a change. The caller's request id may be shared by many requests of one trace, so it does
/// not tell changes apart.
pub(super) fn change_id() -> Result<RequestId, Error> {
    RequestId::parse(&Uuid::now_v7().simple().to_string())
        .map_err(|_| Error::internal("a random request id has a wrong form"))
}

thread_local! {
    /// The last id of this thread: it counts on from a random one, for the system need not be asked for each request.
    static LAST: Cell<u128> = Cell::new(Uuid::new_v4().as_u128());
}

/// Returns a new id for a request, as its callers know such ids: the vendor's are upper-case UUIDs.
fn new_id(dialect: Dialect) -> Result<HeaderValue, Error> {
    let wrong = |_| Error::internal("a random request id has a wrong form");
    if dialect == Dialect::Vendor {
        let text = Uuid::now_v7().hyphenated().to_string().to_uppercase();
        return HeaderValue::try_from(text).map_err(wrong);
    }
    let next = LAST.get().wrapping_add(1);
    LAST.set(next);
    let mut text = Uuid::encode_buffer();
    HeaderValue::from_str(Uuid::from_u128(next).simple().encode_lower(&mut text)).map_err(wrong)
}
