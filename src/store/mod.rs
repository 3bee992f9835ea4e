//! Where accounts are kept: the contract every store fulfils, and the stores.
//!
//! A store knows records and changes, never what they mean: it enforces no rule of roles or members. One
//! conformance suite (`tests/it/store.rs`) holds all stores to this contract. It is shaped so that a change is
//! one atomic step on one node of a distributed store: everything of an account stands together, and nothing
//! spans accounts.

mod error;
pub mod redb;

use async_trait::async_trait;

pub use error::StoreError;

use crate::domain::{AccountId, AccountRecords, Change, LogEntry, Revision};

/// Whether a store holds real data or a developer's. The two never mix: opening one as the other is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Real data, real credentials.
    Production,
    /// A developer's data; the service adds well-known development credentials to it.
    Development,
}

/// A place where accounts are kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns every account that was ever written, sorted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Damaged`].
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError>;

    /// Returns everything recorded of `account`, all of one revision; the empty account at
    /// [`Revision::ORIGIN`] when it was never written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Damaged`].
    async fn load(&self, account: &AccountId) -> Result<AccountRecords, StoreError>;

    /// Applies `change` to `account` and returns the revision it led to.
    ///
    /// Records, revision and change-log entry are one atomic, durable step: when this returns `Ok`, a power cut
    /// loses none of it. A change whose request id was applied in the last 24 hours is noticed before `expected`
    /// is compared, writes nothing and returns the revision it led to then, so a retry is safe.
    ///
    /// # Errors
    /// - [`StoreError::Conflict`]: the account has moved past `expected`; load, decide again, apply again.
    /// - [`StoreError::RequestReused`]: the request id was used for another change.
    /// - [`StoreError::Unavailable`]: not durable; `may_be_applied` tells whether it may show up later.
    /// - [`StoreError::Full`]: no room; nothing was written.
    async fn apply(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Revision, StoreError>;

    /// Returns the applied changes of `account` after `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Damaged`].
    async fn log(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError>;
}
