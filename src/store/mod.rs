//! Where accounts are kept: the contract every store fulfils, and the stores.
//!
//! A store knows records and changes, never what they mean: it enforces no rule of roles or members. One
//! conformance suite (`tests/it/store.rs`) holds all stores to this contract. It is shaped so that a change is
//! one atomic step on one node of a distributed store: everything of an account stands together, and nothing
//! spans accounts.

mod codec;
mod error;
mod redb;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use self::error::StoreError;
pub use self::redb::RedbStore;
pub use self::redis::{RedisOptions, RedisStore, RedisTls, RedisTopology, RedisUser};

use crate::domain::{
    AccountId, AccountRecords, Change, LogEntry, Op, RequestId, Revision, Timestamp,
};

/// Whether a store holds real data or a developer's. The two never mix: opening one as the other is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Real data, real credentials.
    Production,
    /// A developer's data; the service adds well-known development credentials to it.
    Development,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The revision it led to.
    pub revision: Revision,
    /// Whether it had been applied before, under the same request id: then this time nothing was written.
    pub repeated: bool,
}

/// What a request id led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The revision it led to, or that it found where there was nothing to change.
    pub revision: Revision,
    /// What was written; empty where there was nothing to change.
    pub ops: Vec<Op>,
    /// [`Change::asked`] of it; where it had none, a digest of what it is.
    pub asked: [u8; 32],
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
    /// Records, revision, change-log entry and used-up nonce are one atomic, durable step: when this returns `Ok`, a
    /// power cut loses none of it. First the nonce is looked up: one that was used up in the last 30 minutes is
    /// refused. Then the request id: a change whose id was applied in the last 24 hours is noticed before `expected`
    /// is compared, writes nothing and returns the revision it led to then, so a retry is safe. A change without ops
    /// uses up its nonce, leaves the revision as it is, and is remembered where it says what was asked.
    ///
    /// Two changes are the same change when [`Change::asked`] is equal, or without it when actor, action and ops are;
    /// `at` is when it was asked for *this* time. Hours and minutes are counted between the `at`s, so that no store
    /// needs a clock.
    ///
    /// # Errors
    /// - [`StoreError::Malformed`]: neither ops nor a nonce, or an actor or action that is empty or longer than 128
    ///   characters.
    /// - [`StoreError::NonceUsed`]: a signed request came twice.
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
    ) -> Result<Applied, StoreError>;

    /// Returns what `request_id` led to in the 24 hours before `at`; `None` when it is not remembered.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Damaged`].
    async fn recall(
        &self,
        account: &AccountId,
        request_id: &RequestId,
        at: Timestamp,
    ) -> Result<Option<Recalled>, StoreError>;

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

    /// Returns what the store offers to processes that share it; `None` when one process has it to itself.
    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }
}

/// What wakes a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// An account has come to a revision.
    Changed(AccountId, Revision),
    /// Announcements may have been missed: look at every account.
    Missed,
}

/// How much something that was found matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// A risk to be known.
    Warning,
    /// The service must not run like this.
    Error,
}

/// Something an operator should know of the servers of a store, or of the accounts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// How much it matters.
    pub severity: Severity,
    /// What was looked at.
    pub name: &'static str,
    /// Which server; empty where it is about the store.
    pub node: String,
    /// What was found.
    pub found: String,
    /// What to do; empty where there is nothing.
    pub help: String,
}

/// A store that several processes read and change at the same time.
///
/// It never answers from before what it answered: where an account has come to is remembered with what tells histories
/// apart, and whatever is behind or beside that is [`StoreError::Regressed`]. This holds for every method of [`Store`]
/// as well.
#[async_trait]
pub trait SharedStore: Store {
    /// Returns how far each of these accounts has come, in their order.
    async fn revisions(&self, accounts: &[AccountId]) -> Vec<Result<Revision, StoreError>>;

    /// Returns the changes of `account` after `after`, at most `limit`, proven to lead on from what this process has seen.
    ///
    /// # Errors
    /// - [`StoreError::Gap`]: the log does not reach back that far, or another epoch has begun: load the account.
    /// - [`StoreError::Regressed`], [`StoreError::Suspended`], [`StoreError::Damaged`], [`StoreError::Unavailable`].
    async fn follow(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError>;

    /// Suspends `account` for every process, because its history lacks what was acknowledged up to `known`. Once
    /// suspended it stays so until [`SharedStore::resume`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn suspend(&self, account: &AccountId, known: Revision) -> Result<(), StoreError>;

    /// Ends a suspension, as an operator confirmed who saw that `known` was lost and `found` is there, and returns the
    /// first revision of the new epoch. `change` tells the log who confirmed.
    ///
    /// # Errors
    /// - [`StoreError::Conflict`]: it is not as the operator saw it.
    /// - [`StoreError::Unavailable`].
    async fn resume(
        &self,
        account: &AccountId,
        known: Revision,
        found: Revision,
        change: &Change,
    ) -> Result<Revision, StoreError>;

    /// Returns the announcements from now on, beginning with [`Announcement::Missed`] when they can be heard. They may be
    /// late, twice, or missing after a [`Announcement::Missed`]; the log alone tells the truth.
    fn announcements(&self) -> mpsc::Receiver<Announcement>;

    /// Returns what an operator should know of the servers and the accounts in them; changes nothing. `now` is the
    /// present time, for comparing clocks.
    async fn examine(&self, now: Timestamp) -> Vec<Examined>;

    /// Makes sure that what answers is still the server that should.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nobody can tell.
    async fn look_around(&self) -> Result<(), StoreError>;
}

/// How many changes the log keeps of an account, however old they are.
const KEPT: u64 = 256;

/// How long a request id is remembered, and how long a nonce is used up.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
const NONCE_USED: Duration = Duration::from_secs(30 * 60);

/// Longest actor and action, in characters.
const MAX_NAME: usize = 128;

/// Refuses a change no store takes; every store calls this first.
fn check_change(change: &Change) -> Result<(), StoreError> {
    let length_is_right = |text: &str| (1..=MAX_NAME).contains(&text.chars().count());
    if change.ops.is_empty() && change.nonce.is_none() {
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
