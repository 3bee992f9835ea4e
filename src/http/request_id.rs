//! The id of a request: in its answer, on its log lines, and beside what it changes.

use std::{cell::Cell, rc::Rc};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderName, HeaderValue},
};
use uuid::Uuid;

use super::dialect::Dialect;
use crate::{domain::RequestId, error::Error};

/// The header that carries a request's id, both ways.
pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Returns the text of an id, for logs and bodies; empty where it is no text of a usual length.
pub(super) fn shown(id: &HeaderValue) -> &str {
    id.to_str().ok().filter(|text| text.len() <= MAX_SHOWN).unwrap_or_default()
}

/// Longest id that is shown elsewhere than in its header, in bytes.
const MAX_SHOWN: usize = 128;

/// What stands beside a request: its id, and whether its body was read to the end.
pub(super) struct Note {
    id: HeaderValue,
    was_read: Cell<bool>,
}

impl Note {
    /// Returns the text of the id, for logs and bodies, as [`shown`].
    pub(super) fn id(&self) -> &str {
        shown(&self.id)
    }

    /// Returns the id as a header has it.
    pub(super) fn header(&self) -> HeaderValue {
        self.id.clone()
    }

    /// Notes that the body was read to the end.
    pub(super) fn read(&self) {
        self.was_read.set(true);
    }

    /// Returns whether the body was read to the end.
    pub(super) const fn was_read(&self) -> bool {
        self.was_read.get()
    }
}

/// Notes that the body of a request was read to the end.
pub(super) fn note_read(request: &HttpRequest) {
    if let Some(note) = request.extensions().get::<Rc<Note>>() {
        note.read();
    }
}

/// Returns what stands beside a request: its id, the caller's if it stated a sound one, or a new one.
///
/// # Errors
/// When none can be made.
pub(super) fn note(stated: Option<&HeaderValue>, dialect: Dialect) -> Result<Rc<Note>, Error> {
    let is_sound =
        |value: &&HeaderValue| value.to_str().is_ok_and(|text| RequestId::parse(text).is_ok());
    // AuthZEN has any text echoed as it is.
    let is_any = dialect == Dialect::AuthZen;
    let id = match stated.filter(|value| is_any || is_sound(value)) {
        Some(stated) => stated.clone(),
        None => new_id(dialect)?,
    };
    Ok(Rc::new(Note { id, was_read: Cell::new(false) }))
}

/// Puts a note beside its request, for handlers.
pub(super) fn give(request: &impl HttpMessage, note: Rc<Note>) {
    request.extensions_mut().insert(note);
}

/// Returns the id of a request, as a header has it.
pub(super) fn header(request: &HttpRequest) -> Option<HeaderValue> {
    request.extensions().get::<Rc<Note>>().map(|note| note.header())
}

/// Returns the id of a request.
pub(super) fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Rc<Note>>().map(|note| note.id().to_owned())
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
