//! Every error a caller can see: its code, meaning, HTTP status, and whether trying again can help.
//!
//! A `Deny` is an answer, not an error. Whoever asks for a decision and gets one of these has no decision, and
//! must treat that as a denial.

use std::fmt;

use crate::{
    domain::{Invalid, InvalidKind},
    store::StoreError,
};

/// Whether sending the same request again can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before the request is changed.
    Never,
    /// Yes, after a moment.
    Later,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $retry:ident;)+) => {
        /// The public error codes. A code never changes its meaning; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// All codes, in the order of their statuses.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the spelling on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Returns whether trying again can help.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON, not UTF-8, or not of the form the endpoint takes.
    MalformedBody = "malformed_body", 400, Never;
    /// A required field is absent.
    MissingField = "missing_field", 400, Never;
    /// A field that does not exist, or does not belong beside the others.
    UnexpectedField = "unexpected_field", 400, Never;
    /// A value has the wrong form, length or characters.
    InvalidValue = "invalid_value", 400, Never;
    /// The action is not in the catalogue.
    UnknownAction = "unknown_action", 400, Never;
    /// The resource type is not in the catalogue or not one of the action's.
    UnknownType = "unknown_type", 400, Never;
    /// More items than a batch may have, or none.
    TooManyItems = "too_many_items", 400, Never;
    /// The revision was not given out by this service for this account, or was edited.
    InvalidRevision = "invalid_revision", 400, Never;
    /// The token is missing, unknown, revoked or of another service.
    Unauthenticated = "unauthenticated", 401, Never;
    /// The token may not be used for this.
    Forbidden = "forbidden", 403, Never;
    /// No such path.
    NotFound = "not_found", 404, Never;
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405, Never;
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408, Later;
    /// Another change came first, several times over.
    Conflict = "conflict", 409, Later;
    /// The body is larger than the endpoint reads.
    PayloadTooLarge = "payload_too_large", 413, Never;
    /// The content type is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, Never;
    /// A defect of this service; nothing was decided.
    Internal = "internal", 500, Later;
    /// This replica is behind the revision that was demanded.
    ReplicaStale = "replica_stale", 503, Later;
    /// The store cannot be reached, or the service is starting or stopping.
    Unavailable = "unavailable", 503, Later;
    /// The store has no room for the change; nothing was written.
    StoreFull = "store_full", 507, Later;
}

/// An error on its way to a caller: the code, and words that name field, value and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub code: ErrorCode,
    /// One sentence: lowercase, no full stop, input in backticks.
    pub message: String,
    /// The field it is about, as the caller spells it.
    pub field: Option<String>,
    /// The value that was refused, shortened.
    pub value: Option<String>,
    /// What to do next.
    pub help: String,
}

impl Error {
    /// Returns an error that is about no field in particular.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, value: None, help: help.into() }
    }

    /// Returns the error of a defect. `detail` goes to the log; the caller learns only that it happened.
    #[must_use]
    pub fn internal(detail: &str) -> Self {
        tracing::error!(detail, "internal error");
        Self::new(
            ErrorCode::Internal,
            "the service failed on this request",
            "nothing was decided or changed; the log has the cause under this request id",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {} ({})", self.message, self.help),
            None => write!(f, "{} ({})", self.message, self.help),
        }
    }
}

impl std::error::Error for Error {}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        let code = match invalid.kind {
            InvalidKind::MissingField => ErrorCode::MissingField,
            InvalidKind::UnexpectedField => ErrorCode::UnexpectedField,
            InvalidKind::InvalidValue => ErrorCode::InvalidValue,
            InvalidKind::UnknownAction => ErrorCode::UnknownAction,
            InvalidKind::UnknownType => ErrorCode::UnknownType,
            InvalidKind::InvalidRevision => ErrorCode::InvalidRevision,
            InvalidKind::Malformed => ErrorCode::MalformedBody,
        };
        Self {
            code,
            message: invalid.message,
            // What is wrong as a whole has no field.
            field: Some(invalid.field).filter(|field| !field.is_empty()),
            value: invalid.value,
            help: invalid.help,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::new(
                ErrorCode::Conflict,
                "other changes of this account came first",
                "nothing was changed; read again and repeat the request",
            ),
            StoreError::Full => Self::new(
                ErrorCode::StoreFull,
                "the store has no room for the change",
                "nothing was written; free some space on the volume of the store",
            ),
            StoreError::Unavailable { may_be_applied, detail } => {
                tracing::error!(detail, may_be_applied, "the store is not available");
                let help = if may_be_applied {
                    "the change may have been applied; look before repeating it, or repeat it with the same request id"
                } else {
                    "nothing was changed; try again in a moment"
                };
                Self::new(ErrorCode::Unavailable, "the store is not available", help)
            }
            StoreError::RequestReused => Self::new(
                ErrorCode::InvalidValue,
                "the request id was used before for another change",
                "use a new request id for a new change",
            ),
            other => Self::internal(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_spelling_of_its_own_and_an_error_status() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!((400..=599).contains(&code.status()), "{code:?}");
            assert_eq!(
                code.retry() == Retry::Later,
                matches!(code.status(), 408 | 409 | 500..),
                "{code:?}"
            );
        }
    }
}
