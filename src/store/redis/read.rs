//! Reads an account while others may write it.
//!
//! It is read piece by piece, so that nobody waits long, and pieces may be of different revisions; then the changes that
//! came meanwhile are applied once more. They say what is, not what is to be added, so that ends where the last of them led.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use redis::{AsyncCommands, FromRedisValue, RedisError, Value};

use super::{
    connect::Connection,
    fault::{damaged, fault},
    head::{COUNTS, Head, META, read_meta},
    keys::Keys,
    log::{self, Proven},
    roster,
};
use crate::{
    domain::{AccountRecords, WorkspaceId},
    store::{Mode, StoreError, codec},
};

/// How often an account that changes too fast is read anew.
const ATTEMPTS: usize = 3;
/// Fields that one reply of a scan holds, roughly.
pub(super) const SCANNED: usize = 1_000;
/// Rosters that are asked for at the same time.
const AT_ONCE: usize = 32;
/// Longest value of a record, in bytes. What is longer was not written by this program.
const LONGEST: usize = 1 << 20;
/// Changes that are made up for at most, after an account was read.
const MISSED: usize = 10_000;

/// Fields of a hash and their values.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns where an account is.
pub(super) async fn head(
    connection: &mut Connection,
    keys: Keys<'_>,
    mode: Mode,
) -> Result<Head, StoreError> {
    let meta: Value =
        connection.hmget(keys.meta(), &META).await.map_err(|error| fault(&error, false))?;
    read_meta(meta, mode)
}

/// Returns everything of an account, and where it is then. `floor` is how far it is known to have come.
pub(super) async fn account(
    connection: &mut Connection,
    keys: Keys<'_>,
    mode: Mode,
    floor: Option<Head>,
) -> Result<(AccountRecords, Head), StoreError> {
    let mut start = head(connection, keys, mode).await?;
    if let Some(floor) = floor {
        floor.precedes(start)?;
        log::leads_on(connection, keys, floor, start).await?;
    }
    for _ in 0..ATTEMPTS {
        let mut records = AccountRecords::empty(keys.0.clone());
        let read = pieces(connection, keys, &mut records).await?;
        let counts: [Option<usize>; 2] = connection
            .hmget(keys.meta(), &COUNTS)
            .await
            .map_err(|_| damaged("the counts of an account are not numbers"))?;
        let end = head(connection, keys, mode).await?;
        records.revision = start.revision;
        if end == start {
            // What went missing must not look like what was never there. Where changes came meanwhile that is not sure,
            // and the next change looks.
            if counts.iter().zip(read.counts).any(|(count, read)| count.is_some_and(|n| read < n)) {
                return Err(damaged("records or rosters of the account are missing"));
            }
            for workspace in read.gone {
                set_aside(&mut records, workspace, "its members are gone");
            }
            return Ok((records, end));
        }
        match log::after(connection, keys, start, start.revision, MISSED).await {
            Ok(Proven { entries, head: Some(reached) }) if reached.revision >= end.revision => {
                for op in entries.iter().flat_map(|entry| &entry.change.ops) {
                    records.apply(op);
                }
                records.revision = reached.revision;
                return Ok((records, reached));
            }
            Ok(_) | Err(StoreError::Gap | StoreError::Regressed { .. }) => start = end,
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Unavailable {
        may_be_applied: false,
        detail: "the account changes faster than it can be read".to_owned(),
    })
}

/// What there was to read.
struct Pieces {
    /// How many records and rosters.
    counts: [usize; 2],
    /// The workspaces that are said to have members, and were found to have none.
    gone: Vec<WorkspaceId>,
}

/// Reads everything.
async fn pieces(
    connection: &mut Connection,
    keys: Keys<'_>,
    records: &mut AccountRecords,
) -> Result<Pieces, StoreError> {
    let prefix = format!("{{{}}}:", keys.0);
    let (mut cursor, mut fields_read) = (0_u64, HashSet::new());
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(keys.records()).arg(cursor).arg("COUNT").arg(SCANNED);
        let (next, page): (u64, Fields) =
            scan.query_async(connection).await.map_err(|error| fault(&error, false))?;
        for (field, value) in page {
            // A scan may tell a field twice.
            fields_read.insert(blake3::hash(&field));
            let read = std::str::from_utf8(&field)
                .map_err(|_| "the name of a record is not UTF-8".to_owned())
                .and_then(|field| record(&format!("{prefix}{field}"), &value, records));
            match read {
                Ok(()) => {}
                Err(detail) => match workspace_of(&field) {
                    Some(workspace) => set_aside(records, workspace, &detail),
                    None => return Err(damaged(&detail)),
                },
            }
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    let rosters: Vec<String> =
        connection.smembers(keys.rosters()).await.map_err(|error| fault(&error, false))?;
    let workspace_of = |key: String| match keys.workspace_of(&key) {
        Some(workspace) => Ok((key, workspace)),
        None => Err(damaged(&format!("`{key}` is not the key of a roster"))),
    };
    let rosters: Vec<_> = rosters.into_iter().map(workspace_of).collect::<Result<_, _>>()?;
    let mut found = Pieces { counts: [fields_read.len(), rosters.len()], gone: Vec::new() };
    let mut read = stream::iter(rosters)
        .map(|(key, workspace)| {
            let mut connection = connection.clone();
            async move { (workspace, fields(connection.hgetall::<_, Value>(key).await)) }
        })
        .buffer_unordered(AT_ONCE);
    let mut replies = Vec::new();
    while let Some((workspace, reply)) = read.next().await {
        replies.push((workspace, reply?));
    }
    // Apart from those who wait for other accounts on this thread.
    let decode = move || {
        let members = replies.into_iter().map(|(workspace, fields)| {
            let members = fields
                .and_then(|fields| roster::decode(&fields).map_err(|error| error.to_string()));
            (workspace, members)
        });
        members.collect::<Vec<_>>()
    };
    let decoded = tokio::task::spawn_blocking(decode).await;
    for (workspace, members) in decoded.map_err(|error| damaged(&error.to_string()))? {
        match members {
            Ok(members) if members.is_empty() => {
                found.gone.push(workspace);
            }
            Ok(members) => {
                records.rosters.insert(workspace, members);
            }
            Err(detail) => set_aside(records, workspace, &detail),
        }
    }
    Ok(found)
}

/// Reads one record; what is wrong with it otherwise.
fn record(key: &str, value: &[u8], records: &mut AccountRecords) -> Result<(), String> {
    if value.len() > LONGEST {
        return Err(format!("the record under `{key}` has {} bytes", value.len()));
    }
    codec::decode_record(key, value, records).map_err(|error| error.to_string())
}

/// Returns the fields of a roster; what is wrong with it otherwise.
fn fields(reply: Result<Value, RedisError>) -> Result<Result<Fields, String>, StoreError> {
    let reply = match reply.map_err(|error| fault(&error, false)) {
        Ok(reply) => reply,
        Err(StoreError::Damaged { detail, .. }) => return Ok(Err(detail)),
        Err(error) => return Err(error),
    };
    let wrong = |_| "a roster is not a hash".to_owned();
    Ok(Fields::from_redis_value(reply).map_err(wrong))
}

/// Returns the workspace a record is of, by its field.
fn workspace_of(field: &[u8]) -> Option<WorkspaceId> {
    let mut parts = std::str::from_utf8(field).ok()?.split(':');
    match parts.next()? {
        "workspace" | "role" | "config" => WorkspaceId::parse(parts.next()?).ok(),
        _ => None,
    }
}

/// Notes that a workspace cannot be trusted; everything else can.
fn set_aside(records: &mut AccountRecords, workspace: WorkspaceId, detail: &str) {
    tracing::error!(account = %records.account, %workspace, detail, "a workspace is quarantined");
    records.unreadable.insert(workspace);
}
