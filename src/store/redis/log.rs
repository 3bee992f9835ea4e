//! The log of changes, read so that each is proven to follow the one before.

use redis::{
    AsyncCommands, FromRedisValue, Value,
    streams::{StreamId, StreamRangeReply},
};

use super::{
    connect::Connection,
    fault::{damaged, fault},
    head::{Head, Lineage},
    keys::Keys,
    revision_of,
};
use crate::{
    domain::{LogEntry, Revision},
    store::{StoreError, codec},
};

/// Changes that follow each other, and where the last of them led.
pub(super) struct Proven {
    pub(super) entries: Vec<LogEntry>,
    /// `None` when they end before what is known.
    pub(super) head: Option<Head>,
}

/// One entry as it stands in the log.
pub(super) struct Raw {
    pub(super) revision: Revision,
    bytes: Vec<u8>,
    lineage: Lineage,
}

impl Raw {
    fn decode(&self) -> Result<LogEntry, StoreError> {
        codec::decode_entry(self.revision, &self.bytes).map_err(|error| damaged(&error.to_string()))
    }

    /// Returns whether it is the change that came next.
    fn follows(&self, before: Head) -> bool {
        self.revision == before.revision.next() && self.lineage == before.lineage.after(&self.bytes)
    }

    const fn head(&self) -> Head {
        Head { revision: self.revision, lineage: self.lineage }
    }
}

/// Returns the entries after a revision, at most `limit`.
pub(super) async fn read(
    connection: &mut Connection,
    keys: Keys<'_>,
    after: Revision,
    limit: usize,
) -> Result<Vec<Raw>, StoreError> {
    let mut read = redis::cmd("XRANGE");
    read.arg(keys.log()).arg(format!("({}-{}", after.epoch, after.counter)).arg("+");
    if let Ok(count) = u32::try_from(limit) {
        read.arg("COUNT").arg(count);
    }
    let found: StreamRangeReply =
        read.query_async(connection).await.map_err(|error| fault(&error, false))?;
    found.ids.iter().map(raw).collect()
}

/// Returns the entry of one revision.
pub(super) async fn one(
    connection: &mut Connection,
    keys: Keys<'_>,
    revision: Revision,
) -> Result<Option<LogEntry>, StoreError> {
    let id = format!("{}-{}", revision.epoch, revision.counter);
    let found: StreamRangeReply =
        connection.xrange(keys.log(), &id, &id).await.map_err(|error| fault(&error, false))?;
    found.ids.first().map(|entry| raw(entry)?.decode()).transpose()
}

/// Returns the changes after `after`, at most `limit`. `known` is how far the account is known to have come: `after`, or
/// further where a change of this process is on its way to those who decide.
///
/// # Errors
/// - [`StoreError::Gap`]: the next one is not there any more, or of another epoch.
/// - [`StoreError::Regressed`]: what is there does not lead on from `known`: the history was replaced.
pub(super) async fn after(
    connection: &mut Connection,
    keys: Keys<'_>,
    known: Head,
    after: Revision,
    limit: usize,
) -> Result<Proven, StoreError> {
    let mut head = (after == known.revision).then_some(known);
    let mut reached = after;
    let mut entries = Vec::new();
    for raw in read(connection, keys, after, limit).await? {
        if raw.revision != reached.next() {
            return Err(StoreError::Gap);
        }
        let replaced = match head {
            Some(head) => !raw.follows(head),
            None => raw.revision == known.revision && raw.lineage != known.lineage,
        };
        if replaced {
            return Err(StoreError::Regressed { known: known.revision, found: raw.revision });
        }
        reached = raw.revision;
        if reached >= known.revision {
            head = Some(raw.head());
        }
        entries.push(raw.decode()?);
    }
    Ok(Proven { entries, head })
}

/// Makes sure that the way to where an account is leads over where it is known to have been, as far as the log tells.
///
/// # Errors
/// [`StoreError::Regressed`]: it does not.
pub(super) async fn leads_on(
    connection: &mut Connection,
    keys: Keys<'_>,
    known: Head,
    found: Head,
) -> Result<(), StoreError> {
    if found.revision.epoch != known.revision.epoch || found.revision == known.revision {
        return Ok(());
    }
    let next = read(connection, keys, known.revision, 1).await?.into_iter().next();
    let Some(next) = next.filter(|raw| raw.revision == known.revision.next()) else {
        return Err(damaged(&format!(
            "the log does not reach back to revision {}, which this process has seen, so that nobody can tell whether it \
             led to {}: restart the service to go on with what is there",
            known.revision, found.revision
        )));
    };
    if next.follows(known) {
        return Ok(());
    }
    Err(StoreError::Regressed { known: known.revision, found: found.revision })
}

/// Returns the entries of a part of the log as they are, for whoever looks into it.
pub(super) fn decode(entries: &[Raw]) -> Result<Vec<LogEntry>, StoreError> {
    entries.iter().map(Raw::decode).collect()
}

fn raw(entry: &StreamId) -> Result<Raw, StoreError> {
    let wrong = || damaged(&format!("entry `{}` of the log is not one", entry.id));
    let parts: Vec<String> = entry.id.split('-').map(str::to_owned).collect();
    let revision = revision_of(&parts).ok_or_else(wrong)?;
    let field = |name: &str| {
        let value = entry.map.get(name).cloned().unwrap_or(Value::Nil);
        Vec::<u8>::from_redis_value(value).map_err(|_| wrong())
    };
    let lineage = Lineage::from_bytes(&field("l")?).ok_or_else(wrong)?;
    Ok(Raw { revision, bytes: field("e")?, lineage })
}
