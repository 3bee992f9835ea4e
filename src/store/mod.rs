//! Where accounts are kept: the contract every store fulfils, and the stores.
//!
//! A store knows records and changes, never what they mean: it enforces no rule of roles or members. One
//! conformance suite (`tests/it/store.rs`) holds all stores to this contract. It is shaped so that a change is
//! one atomic step on one node of a distributed store: everything of an account stands together, and nothing
//! spans accounts.

mod error;
mod redb;

use async_trait::async_trait;

pub use self::error::StoreError;
pub use self::redb::RedbStore;

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
    /// Two changes are the same change when actor, action and ops are equal; `at` is when it was asked for *this*
    /// time. The 24 hours are counted between the `at`s, so that no store needs a clock.
    ///
    /// # Errors
    /// - [`StoreError::Malformed`]: no ops, or an actor or action that is empty or longer than 128 characters.
    /// - [`StoreError::Conflict`]: the account has moved past `expected`; load, decide again, apply again.
    /// - [`StoreError::RequestReused`]: the request id was used for another change.
    /// - [`StoreError::Unavailable`]: not durable; `may_be_applied` tells whether it may show up later:
    ///   then ask again with the same request id when the store is back.
    /// - [`StoreError::Full`]: no room; nothing was written. Writing goes on by itself when there is room.
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

/// Longest actor and action, in characters.
const MAX_NAME: usize = 128;

/// Refuses a change no store takes; every store calls this first.
fn check_change(change: &Change) -> Result<(), StoreError> {
    let length_is_right = |text: &str| (1..=MAX_NAME).contains(&text.chars().count());
    if change.ops.is_empty() {
        return Err(StoreError::Malformed("it has no ops"));
    }
    if !length_is_right(&change.actor) {
        return Err(StoreError::Malformed("its actor is not 1 to 128 characters long"));
    }
    if !length_is_right(&change.action) {
        return Err(StoreError::Malformed("its action is not 1 to 128 characters long"));
    }
    Ok(())
}
