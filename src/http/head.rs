//! What is looked at of the head of every request: found in one pass, for each look-up in the headers costs as much.

use actix_web::{
    dev::RequestHead,
    http::header::{self, HeaderValue},
};

use super::request_id::X_REQUEST_ID;

/// The headers of a request that are looked at whatever is asked; of one that stands several times the first.
#[derive(Default)]
pub(super) struct Head<'r> {
    pub(super) request_id: Option<&'r HeaderValue>,
    pub(super) authorization: Option<&'r HeaderValue>,
    content_type: Option<&'r HeaderValue>,
    length: Option<&'r HeaderValue>,
    is_chunked: bool,
    is_encoded: bool,
    authorizations: usize,
}

impl<'r> Head<'r> {
    pub(super) fn of(head: &'r RequestHead) -> Self {
        let mut found = Self::default();
        for (name, value) in &head.headers {
            let place = match *name {
                header::CONTENT_LENGTH => &mut found.length,
                header::CONTENT_TYPE => &mut found.content_type,
                header::AUTHORIZATION => {
                    found.authorizations += 1;
                    &mut found.authorization
                }
                header::TRANSFER_ENCODING => {
                    found.is_chunked = true;
                    continue;
                }
                header::CONTENT_ENCODING => {
                    found.is_encoded = true;
                    continue;
                }
                _ if name == X_REQUEST_ID => &mut found.request_id,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        found
    }

    /// Returns whether a body follows.
    pub(super) fn has_body(&self) -> bool {
        self.is_chunked || self.length.is_some_and(|length| length.as_bytes() != b"0")
    }

    /// Returns whether it is beyond doubt who asks, and that a body of JSON follows as it is, of at most so many bytes.
    pub(super) fn is_plain(&self, limit: usize) -> bool {
        let length = self.length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        self.authorizations <= 1
            && !self.is_chunked
            && !self.is_encoded
            && length.is_some_and(|length| length <= limit)
            && self.content_type.is_some_and(|it| it.as_bytes() == b"application/json")
    }
}
