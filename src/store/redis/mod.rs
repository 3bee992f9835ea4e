//! Accounts in Redis: one hash of records and a packed hash per workspace's members, changed by one script.
//!
//! A change is compared, checked, written, counted and logged by one Lua script on one node: `apply.lua`. What it
//! writes is encoded here. `docs/redis-layout.md` describes the keys.

mod apply;
mod fault;
mod keys;
mod member;

use std::time::Duration;

use async_trait::async_trait;
use redis::{
    AsyncCommands, Client, FromRedisValue, Script, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    streams::StreamRangeReply,
};
use tokio::sync::OnceCell;

use self::{
    apply::{Prepared, Said},
    fault::{damaged, fault},
    keys::{EVERY_META, Keys},
};
use super::{
    Applied, Mode, REMEMBERED, Recalled, Store, StoreError,
    codec::{self, Undecodable},
};
use crate::domain::{
    AccountId, AccountRecords, Change, LogEntry, Op, PrincipalId, RequestId, Revision, Timestamp,
};

/// Version of the keys and of every value in them.
const FORMAT: u32 = 1;
/// How long a connection may take, and an answer.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(5);
/// How often an account that changes while it is read is read anew.
const ATTEMPTS: usize = 10;
/// Fields that one reply of a scan holds, roughly.
const SCANNED: usize = 1_000;

/// A store on a Redis server.
pub struct RedisStore {
    client: Client,
    mode: Mode,
    connection: OnceCell<ConnectionManager>,
    script: Script,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        write!(f, "RedisStore({:?})", self.mode)
    }
}

impl RedisStore {
    /// Returns the store at `url`, as `redis://127.0.0.1:6379/0` or `redis+unix:///run/redis.sock`. It is connected to
    /// when it is first asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the address is not one.
    pub fn new(url: &str, mode: Mode) -> Result<Self, StoreError> {
        let client = Client::open(url).map_err(|error| fault(&error, false))?;
        let script = Script::new(include_str!("apply.lua"));
        Ok(Self { client, mode, connection: OnceCell::new(), script })
    }

    async fn connection(&self) -> Result<ConnectionManager, StoreError> {
        let connect = async || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT))
                .set_response_timeout(Some(ANSWER))
                .set_number_of_retries(1);
            self.client.get_connection_manager_with_config(config).await
        };
        let connection = self.connection.get_or_try_init(connect).await;
        connection.cloned().map_err(|error| fault(&error, false))
    }

    const fn mode_letter(&self) -> &'static str {
        match self.mode {
            Mode::Production => "p",
            Mode::Development => "d",
        }
    }

    /// Returns the revision of an account, having looked that the account is one this program reads.
    async fn revision(
        &self,
        connection: &mut ConnectionManager,
        keys: &Keys<'_>,
    ) -> Result<Revision, StoreError> {
        let meta: Vec<Option<String>> = connection
            .hmget(keys.meta(), &["format", "mode", "epoch", "counter"])
            .await
            .map_err(|error| fault(&error, false))?;
        let [Some(format), Some(mode), Some(epoch), Some(counter)] = meta.as_slice() else {
            return if meta.iter().all(Option::is_none) {
                Ok(Revision::ORIGIN)
            } else {
                Err(damaged("the meta of an account lacks a field"))
            };
        };
        self.check(format, mode)?;
        number(epoch)
            .zip(number(counter))
            .map(|(epoch, counter)| Revision { epoch, counter })
            .ok_or_else(|| damaged("the revision of an account is not one"))
    }

    fn check(&self, format: &str, mode: &str) -> Result<(), StoreError> {
        if format != FORMAT.to_string() {
            let found = number(format).unwrap_or_default();
            return Err(StoreError::Format { found, supported: FORMAT });
        }
        if mode != self.mode_letter() {
            return Err(self.other_mode());
        }
        Ok(())
    }

    const fn other_mode(&self) -> StoreError {
        StoreError::Mode(match self.mode {
            Mode::Production => "this is a store of development mode: give another, or `--dev`",
            Mode::Development => "this is a store of real data: give another, without `--dev`",
        })
    }

    async fn scan(
        connection: &mut ConnectionManager,
        key: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut cursor: u64 = 0;
        let mut out = Vec::new();
        loop {
            let (next, page): (u64, Vec<(String, Vec<u8>)>) = redis::cmd("HSCAN")
                .arg(key)
                .arg(cursor)
                .arg("COUNT")
                .arg(SCANNED)
                .query_async(connection)
                .await
                .map_err(|error| fault(&error, false))?;
            out.extend(page);
            if next == 0 {
                return Ok(out);
            }
            cursor = next;
        }
    }

    /// Reads an account piece by piece; what is read is of one revision only if that is the same afterwards.
    async fn read(
        &self,
        connection: &mut ConnectionManager,
        keys: &Keys<'_>,
        records: &mut AccountRecords,
    ) -> Result<(), StoreError> {
        let undecodable = |error: Undecodable| damaged(&error.to_string());
        let prefix = format!("{{{}}}:", records.account);
        for (field, value) in Self::scan(connection, &keys.records()).await? {
            codec::decode_record(&format!("{prefix}{field}"), &value, records)
                .map_err(undecodable)?;
        }
        let rosters: Vec<String> =
            connection.smembers(keys.rosters()).await.map_err(|error| fault(&error, false))?;
        for key in rosters {
            let workspace = keys
                .workspace_of(&key)
                .ok_or_else(|| damaged(&format!("`{key}` is not the key of a roster")))?;
            for (field, value) in Self::scan(connection, &key).await? {
                let principal = PrincipalId::parse(&field)
                    .map_err(|_| damaged(&format!("`{field}` in `{key}` is not a principal")))?;
                let member = member::unpack(principal, &value).map_err(undecodable)?;
                records.apply(&Op::PutMember(workspace.clone(), member));
            }
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn revision_of(reply: &[String]) -> Option<Revision> {
    let [epoch, counter] = reply else { return None };
    Some(Revision { epoch: number(epoch)?, counter: number(counter)? })
}

fn too_busy() -> StoreError {
    StoreError::Unavailable {
        may_be_applied: false,
        detail: "the account changes faster than it can be read".to_owned(),
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        let mut connection = self.connection().await?;
        let mut accounts = Vec::new();
        let mut cursor: u64 = 0;
        loop {
            let (next, page): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(EVERY_META)
                .arg("COUNT")
                .arg(SCANNED)
                .query_async(&mut connection)
                .await
                .map_err(|error| fault(&error, false))?;
            accounts.extend(page.iter().filter_map(|key| Keys::account_of(key)));
            if next == 0 {
                break;
            }
            cursor = next;
        }
        // A scan may tell a key twice.
        accounts.sort();
        accounts.dedup();
        Ok(accounts)
    }

    async fn load(&self, account: &AccountId) -> Result<AccountRecords, StoreError> {
        let mut connection = self.connection().await?;
        let keys = Keys(account);
        for _ in 0..ATTEMPTS {
            let mut records = AccountRecords::empty(account.clone());
            records.revision = self.revision(&mut connection, &keys).await?;
            self.read(&mut connection, &keys, &mut records).await?;
            if self.revision(&mut connection, &keys).await? == records.revision {
                return Ok(records);
            }
        }
        Err(too_busy())
    }

    async fn apply(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Applied, StoreError> {
        super::check_change(change)?;
        let mut connection = self.connection().await?;
        let prepared = Prepared::new(account, expected, change).map_err(|error| {
            StoreError::Unavailable { may_be_applied: false, detail: error.to_string() }
        })?;
        for _ in 0..ATTEMPTS {
            let said = prepared.run(&self.script, self.mode_letter(), &mut connection).await?;
            match said {
                Said::Written(revision) => return Ok(Applied { revision, repeated: false }),
                Said::Repeated(revision) => return Ok(Applied { revision, repeated: true }),
                Said::Conflict(current) => return Err(StoreError::Conflict { current }),
                Said::RequestReused => return Err(StoreError::RequestReused),
                Said::NonceUsed => return Err(StoreError::NonceUsed),
                Said::OtherMode => return Err(self.other_mode()),
                Said::Format(found) => {
                    return Err(StoreError::Format { found, supported: FORMAT });
                }
                // What was looked at for the log is of an earlier revision.
                Said::Again => {}
            }
        }
        Err(too_busy())
    }

    async fn recall(
        &self,
        account: &AccountId,
        request_id: &RequestId,
        at: Timestamp,
    ) -> Result<Option<Recalled>, StoreError> {
        let mut connection = self.connection().await?;
        let keys = Keys(account);
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
        let id = format!("{epoch}-{counter}");
        let found: StreamRangeReply =
            connection.xrange(keys.log(), &id, &id).await.map_err(|error| fault(&error, false))?;
        let ops = entries(found)?
            .into_iter()
            .map(|entry| entry.change)
            // What found nothing to change stands beside the revision it found, which another change led to.
            .find(|change| change.request_id == *request_id)
            .map_or_else(Vec::new, |change| change.ops);
        Ok(Some(Recalled { revision, ops, asked: *asked.as_bytes() }))
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
        let mut connection = self.connection().await?;
        let mut read = redis::cmd("XRANGE");
        read.arg(Keys(account).log()).arg(format!("({}-{}", after.epoch, after.counter)).arg("+");
        if let Ok(count) = u32::try_from(limit) {
            read.arg("COUNT").arg(count);
        }
        let found: StreamRangeReply =
            read.query_async(&mut connection).await.map_err(|error| fault(&error, false))?;
        entries(found)
    }
}

/// Returns the entries of a part of the log.
fn entries(found: StreamRangeReply) -> Result<Vec<LogEntry>, StoreError> {
    let wrong = |id: &str| damaged(&format!("entry `{id}` of the log is not one"));
    let entry = |read: redis::streams::StreamId| {
        let parts: Vec<String> = read.id.split('-').map(str::to_owned).collect();
        let revision = revision_of(&parts).ok_or_else(|| wrong(&read.id))?;
        let value = read.map.get("e").cloned().unwrap_or(Value::Nil);
        let bytes = Vec::<u8>::from_redis_value(value).map_err(|_| wrong(&read.id))?;
        codec::decode_entry(revision, &bytes).map_err(|error| damaged(&error.to_string()))
    };
    found.ids.into_iter().map(entry).collect()
}
