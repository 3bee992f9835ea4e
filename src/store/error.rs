//! What a store can answer instead of a result, one variant per thing a caller can do about it.

use std::path::PathBuf;

use crate::domain::Revision;

impl StoreError {
    /// Returns what went wrong in the driver's words, where there are any: for logs and operators, never for callers.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Unavailable { detail, .. } => detail.clone(),
            other => other.to_string(),
        }
    }
}

/// A refusal or failure of a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The account is not at the expected revision; read again and decide again.
    #[error("the account has changed meanwhile: it is at revision {current}")]
    Conflict {
        /// Where it is.
        current: Revision,
    },
    /// The request id was already used for a change that is not this one.
    #[error("the request id was used before for another change")]
    RequestReused,
    /// The nonce was used up before: the request is a repetition of one that was carried out.
    #[error("the nonce was used before")]
    NonceUsed,
    /// Another process has the store open.
    #[error("`{path}` is in use by another process: stop that first; what manages a running service takes its `--url` instead of a store", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A new store was asked for where something is already; it is left as it is.
    #[error("there is already something at `{path}`: open it, or give another `--store`", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The change is not one that can be stored: a fault of the caller, never of the data.
    #[error("the change cannot be stored: {0}")]
    Malformed(&'static str),
    /// There is no store at that place.
    #[error("there is no store at `{path}`: make one with `pai-authz init`, or correct `--store`", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can write the store: what is in it cannot be trusted.
    #[error("the store at `{path}` can be written by others: look into it, then set its mode with `chmod 600`", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// What is there is not a sound store; it is left untouched.
    #[error("the store at `{path}` is damaged ({detail}): restore it from a backup; it was left as it is", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The store was written by another version of this program.
    #[error(
        "the store has format {found}, this program reads format {supported}: use the program that wrote it"
    )]
    Format {
        /// The format found.
        found: u32,
        /// The format this program reads and writes.
        supported: u32,
    },
    /// A development store was opened for production, or the other way round.
    #[error("{0}")]
    Mode(&'static str),
    /// The log does not lead on from there: load the account.
    #[error("the log of changes does not reach back that far")]
    Gap,
    /// Acknowledged changes are gone: the store was put back, or another one took its place.
    #[error("the store has lost changes: the account was at revision {known} and is at {found}")]
    Regressed {
        /// How far it had come.
        known: Revision,
        /// Where it is now.
        found: Revision,
    },
    /// The account is suspended, because changes were lost; an operator must look.
    #[error(
        "the account is suspended: changes up to revision {known} were lost, it is at {found}: see `pai-authz recover`"
    )]
    Suspended {
        /// How far it had come.
        known: Revision,
        /// Where it is now.
        found: Revision,
    },
    /// There is no room for the change; nothing was written.
    #[error("the store is full: free some space; nothing was written")]
    Full,
    /// The store cannot be read or written at present.
    #[error("the store is not available")]
    Unavailable {
        /// Whether the change may have been applied nevertheless.
        may_be_applied: bool,
        /// The driver's words, for the log only.
        detail: String,
    },
}
