//! Accounts in Redis: one hash of records, the members of each workspace in chunks, and a log, changed by one script.
//!
//! A change is compared, checked, written, counted, logged and announced by one Lua script on one node: `apply.lua`.
//! What it writes is encoded here. `docs/redis-layout.md` describes the keys.

mod apply;
mod chunk;
mod connect;
mod examine;
mod fault;
mod head;
mod keys;
mod log;
mod options;
mod quorum;
mod read;
mod roster;
mod shared;

use async_trait::async_trait;
use redis::{AsyncCommands, Script};
use tokio::runtime::Runtime;

pub use self::options::{RedisOptions, RedisTls, RedisTopology, RedisUser};
use self::{
    apply::{Prepared, Said},
    connect::{Connection, Connector, Twice},
    fault::{damaged, fault},
    head::Known,
    keys::Keys,
    quorum::Quorum,
};
use super::{Applied, Mode, REMEMBERED, Recalled, SharedStore, Store, StoreError};
use crate::domain::{AccountId, AccountRecords, Change, LogEntry, RequestId, Revision, Timestamp};

/// Version of the keys and of every value in them.
const FORMAT: u32 = 2;
/// How often a change is prepared anew when others come between.
const ATTEMPTS: usize = 10;

/// A store on Redis, alone, under sentinels or as a cluster.
pub struct RedisStore {
    mode: Mode,
    reads: Connector,
    /// Changes have a connection of their own: while one waits for replicas, reads go on.
    writes: Connector,
    quorum: Option<Quorum>,
    known: Known,
    apply: Script,
    suspend: Script,
    resume: Script,
    /// What keeps connections alive; whoever asks has a thread of its own.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisStore({:?})", self.mode)
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is forbidden where other tasks run.
            runtime.shutdown_background();
        }
    }
}

impl RedisStore {
    /// Returns the store where the options say. It is connected to when it is first asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: an address or certificate is not one, or no thread can be started.
    pub fn new(options: &RedisOptions, mode: Mode) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redis")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable {
                may_be_applied: false,
                detail: error.to_string(),
            })?;
        let reads = match Connector::new(options, runtime.handle().clone()) {
            Ok(reads) => reads,
            Err(error) => {
                // Waiting for it is forbidden where other tasks run.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        Ok(Self {
            mode,
            writes: reads.apart(),
            reads,
            quorum: options.quorum.map(|(replicas, wait)| Quorum { replicas, wait }),
            known: Known::default(),
            apply: Script::new(include_str!("apply.lua")),
            suspend: Script::new(include_str!("suspend.lua")),
            resume: Script::new(include_str!("resume.lua")),
            runtime: Some(runtime),
        })
    }

    async fn apply_once(
        &self,
        prepared: &Prepared<'_>,
        account: &AccountId,
    ) -> Result<Said, StoreError> {
        let floor = self.known.floor(account);
        let mut lease = self.writes.lease().await?;
        let said = prepared.run(&self.apply, floor, &mut lease.connection).await;
        let said = lease.judge(said)?;
        match &said {
            Said::Written(_, Some(head)) => self.known.raise(account, *head),
            Said::Conflict(current) => {
                if let Some(floor) = floor
                    && *current < floor.revision
                {
                    return Err(StoreError::Regressed { known: floor.revision, found: *current });
                }
            }
            _ => {}
        }
        Ok(said)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn revision_of(reply: &[String]) -> Option<Revision> {
    let [epoch, counter] = reply else { return None };
    Some(Revision { epoch: number(epoch)?, counter: number(counter)? })
}

#[async_trait]
impl Store for RedisStore {
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        let mut reads = Twice::on(&self.reads);
        loop {
            let read = reads.connection().await?.accounts().await;
            let Some(read) = reads.judge(read) else { continue };
            let mut accounts = read?;
            // A scan may tell a key twice.
            accounts.sort();
            accounts.dedup();
            return Ok(accounts);
        }
    }

    async fn load(&self, account: &AccountId) -> Result<AccountRecords, StoreError> {
        let keys = Keys(account);
        let floor = self.known.floor(account);
        let mut reads = Twice::on(&self.reads);
        loop {
            let mut connection = reads.connection().await?;
            let read = read::account(&mut connection, keys, self.mode, floor).await;
            if let Some(read) = reads.judge(read) {
                let (records, head) = read?;
                self.known.raise(account, head);
                return Ok(records);
            }
        }
    }

    async fn apply(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Applied, StoreError> {
        super::check_change(change)?;
        let prepared =
            Prepared::new(account, self.mode, expected, change, self.quorum).map_err(|error| {
                StoreError::Unavailable { may_be_applied: false, detail: error.to_string() }
            })?;
        for _ in 0..ATTEMPTS {
            match self.apply_once(&prepared, account).await? {
                Said::Written(revision, _) => {
                    return Ok(Applied { revision, repeated: false });
                }
                Said::Repeated(revision) => return Ok(Applied { revision, repeated: true }),
                Said::Conflict(current) => return Err(StoreError::Conflict { current }),
                Said::RequestReused => return Err(StoreError::RequestReused),
                Said::NonceUsed => return Err(StoreError::NonceUsed),
                // What was looked at for the log is of an earlier revision.
                Said::Again => {}
            }
        }
        Err(StoreError::Unavailable {
            may_be_applied: false,
            detail: "the account changes faster than it can be looked at".to_owned(),
        })
    }

    async fn recall(
        &self,
        account: &AccountId,
        request_id: &RequestId,
        at: Timestamp,
    ) -> Result<Option<Recalled>, StoreError> {
        let mut reads = Twice::on(&self.reads);
        loop {
            let mut connection = reads.connection().await?;
            let read = recall(&mut connection, Keys(account), request_id, at).await;
            if let Some(read) = reads.judge(read) {
                return read;
            }
        }
    }

    async fn log(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut reads = Twice::on(&self.reads);
        loop {
            let mut connection = reads.connection().await?;
            let read = log::read(&mut connection, Keys(account), after, limit).await;
            if let Some(read) = reads.judge(read) {
                return log::decode(&read?);
            }
        }
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }
}

async fn recall(
    connection: &mut Connection,
    keys: Keys<'_>,
    request_id: &RequestId,
    at: Timestamp,
) -> Result<Option<Recalled>, StoreError> {
    let [requests, _] = keys.requests();
    let first: Option<String> = connection
        .hget(requests, request_id.as_str())
        .await
        .map_err(|error| fault(&error, false))?;
    let Some(first) = first else { return Ok(None) };
    let wrong = || damaged("a remembered request is not one");
    let parts: Vec<&str> = first.split(' ').collect();
    let [epoch, counter, then, asked] = parts[..] else { return Err(wrong()) };
    let (Some(epoch), Some(counter), Some(then), Ok(asked)) =
        (number(epoch), number(counter), number::<u64>(then), blake3::Hash::from_hex(asked))
    else {
        return Err(wrong());
    };
    if then < at.minus(REMEMBERED).as_millis() {
        return Ok(None);
    }
    let revision = Revision { epoch, counter };
    let ops = log::one(connection, keys, revision)
        .await?
        .map(|entry| entry.change)
        // What found nothing to change stands beside the revision it found, which another change led to.
        .filter(|change| change.request_id == *request_id)
        .map_or_else(Vec::new, |change| change.ops);
    Ok(Some(Recalled { revision, ops, asked: *asked.as_bytes() }))
}
