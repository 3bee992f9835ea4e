//! One change: encoded here, carried out by `apply.lua`.

use std::collections::BTreeMap;

use redis::{FromRedisValue, Script, Value, aio::ConnectionManager};

use super::{
    FORMAT,
    fault::{damaged, fault, refused_command},
    keys::Keys,
    member, number, revision_of,
};
use crate::{
    domain::{AccountId, Change, Op, Revision, Timestamp},
    store::{
        NONCE_USED, REMEMBERED, StoreError,
        codec::{self, Undecodable},
    },
};

/// Where the value of a record stands: the key of its hash, and its field.
type Place = (String, String);
/// What stands where.
type Values = BTreeMap<Place, Option<Vec<u8>>>;

/// Which of the script's keys is the first hash it changes, counted from 1.
const FIRST_HASH: usize = 8;

/// What the script says of a change.
pub(super) enum Said {
    Written(Revision),
    Repeated(Revision),
    Conflict(Revision),
    RequestReused,
    NonceUsed,
    OtherMode,
    Format(u32),
    /// The revision is the expected one, but what was looked at was of another: look again.
    Again,
}

/// A change made ready to be written: encoded, so that nothing about it can fail any more.
pub(super) struct Prepared<'c> {
    keys: Keys<'c>,
    expected: Revision,
    change: &'c Change,
    digest: [u8; 32],
    after: Values,
    after_digest: [u8; 32],
    /// The hashes that are touched, rosters first.
    hashes: Vec<String>,
    rosters: usize,
}

impl<'c> Prepared<'c> {
    /// Encodes a change.
    pub(super) fn new(
        account: &'c AccountId,
        expected: Revision,
        change: &'c Change,
    ) -> Result<Self, Undecodable> {
        let keys = Keys(account);
        let after: Values =
            change.ops.iter().map(|op| touch(&keys, op)).collect::<Result<_, _>>()?;
        let mut hashes: Vec<String> = after.keys().map(|(key, _)| key.clone()).collect();
        hashes.dedup();
        let records = keys.records();
        hashes.sort_by_key(|key| *key == records);
        Ok(Self {
            rosters: hashes.iter().filter(|key| **key != records).count(),
            digest: match change.asked {
                Some(asked) => asked,
                None => codec::change_digest(change)?,
            },
            after_digest: digest_of(&after),
            keys,
            expected,
            change,
            after,
            hashes,
        })
    }

    /// Looks at what the change touches, for the log, and runs the script.
    pub(super) async fn run(
        &self,
        script: &Script,
        mode: &str,
        connection: &mut ConnectionManager,
    ) -> Result<Said, StoreError> {
        let (observed, before) = self.observe(connection).await?;
        let entry = if self.after.is_empty() {
            Vec::new()
        } else {
            codec::encode_entry(self.change, &digest_of(&before), &self.after_digest)
                .map_err(|error| damaged(&error.to_string()))?
        };
        let Change { request_id, asked, nonce, at, ops, .. } = self.change;
        let millis = |time: Timestamp| time.as_millis().to_string();
        let remembered = !ops.is_empty() || asked.is_some();
        let nonce = nonce.as_ref().map(|used| format!("{}:{}", used.key, used.nonce));
        let [requests, requests_by_time] = self.keys.requests();
        let [nonces, nonces_by_time] = self.keys.nonces();
        let (meta, log, rosters) = (self.keys.meta(), self.keys.log(), self.keys.rosters());

        let mut call = script.prepare_invoke();
        for key in [&meta, &log, &requests, &requests_by_time, &nonces, &nonces_by_time, &rosters] {
            call.key(key);
        }
        for hash in &self.hashes {
            call.key(hash);
        }
        call.arg(FORMAT)
            .arg(mode)
            .arg(self.expected.epoch.to_string())
            .arg(self.expected.counter.to_string())
            .arg(self.expected.next().counter.to_string())
            .arg(observed)
            .arg(millis(*at))
            .arg(millis(at.minus(REMEMBERED)))
            .arg(millis(at.minus(NONCE_USED)))
            .arg(if remembered { request_id.as_str() } else { "" })
            .arg(blake3::Hash::from_bytes(self.digest).to_hex().as_str())
            .arg(nonce.unwrap_or_default())
            .arg(entry)
            .arg(self.rosters);
        for ((key, field), value) in &self.after {
            let hash = self.hashes.iter().position(|other| other == key).unwrap_or_default();
            call.arg(FIRST_HASH + hash).arg(field).arg(u8::from(value.is_some()));
            call.arg(value.as_deref().unwrap_or_default());
        }
        let reply: Vec<String> =
            call.invoke_async(connection).await.map_err(|error| fault(&error, true))?;
        said(&reply)
    }

    /// Returns what stands at the places the change touches, and of which revision that is.
    async fn observe(
        &self,
        connection: &mut ConnectionManager,
    ) -> Result<(String, Values), StoreError> {
        let mut reads = redis::pipe();
        reads.atomic().hmget(self.keys.meta(), &["epoch", "counter"]);
        for (key, field) in self.after.keys() {
            reads.hget(key, field);
        }
        let read: Vec<Value> =
            reads.query_async(connection).await.map_err(|error| fault(&error, false))?;
        let wrong = |_| damaged("what a change touches is not of the type the store gave it");
        let mut read = read.into_iter();
        let revision = Vec::<Option<String>>::from_redis_value(read.next().unwrap_or(Value::Nil))
            .map_err(wrong)?;
        let observed = match revision.as_slice() {
            [Some(epoch), Some(counter)] => format!("{epoch} {counter}"),
            _ => format!("{} {}", Revision::ORIGIN.epoch, Revision::ORIGIN.counter),
        };
        let values = self.after.keys().cloned().zip(read).map(|(place, value)| {
            Option::<Vec<u8>>::from_redis_value(value).map(|value| (place, value)).map_err(wrong)
        });
        Ok((observed, values.collect::<Result<_, _>>()?))
    }
}

fn said(reply: &[String]) -> Result<Said, StoreError> {
    let (outcome, rest) = reply.split_first().ok_or_else(|| damaged("the script says nothing"))?;
    let revision = || revision_of(rest).ok_or_else(|| damaged("the script names no revision"));
    Ok(match outcome.as_str() {
        "written" => Said::Written(revision()?),
        "repeated" => Said::Repeated(revision()?),
        "conflict" => Said::Conflict(revision()?),
        "reused" => Said::RequestReused,
        "nonce" => Said::NonceUsed,
        "mode" => Said::OtherMode,
        "again" => Said::Again,
        "damage" => {
            let key = rest.first().map_or("?", String::as_str);
            return Err(damaged(&format!("`{key}` holds what the store did not write")));
        }
        "log" => return Err(damaged("the log has changes that the revision does not count")),
        "command" => return Err(refused_command(rest.first().map_or("?", String::as_str))),
        "format" => Said::Format(rest.first().and_then(|text| number(text)).unwrap_or_default()),
        other => return Err(damaged(&format!("the script says `{other}`"))),
    })
}

/// Returns what an op leaves, and where.
fn touch(keys: &Keys<'_>, op: &Op) -> Result<(Place, Option<Vec<u8>>), Undecodable> {
    Ok(match op {
        Op::PutMember(workspace, member) => {
            let place = (keys.roster(workspace), member.principal.to_string());
            (place, Some(member::pack(member)))
        }
        Op::RemoveMember(workspace, id) => ((keys.roster(workspace), id.to_string()), None),
        other => {
            let (key, value) = codec::touch(keys.0, other)?;
            let field = key.split_once(':').map_or("", |(_, field)| field).to_owned();
            ((keys.records(), field), value)
        }
    })
}

/// Returns the digest of what stands somewhere.
fn digest_of(values: &Values) -> [u8; 32] {
    let named = |((key, field), value): (&Place, &Option<Vec<u8>>)| {
        (format!("{key}/{field}"), value.clone())
    };
    codec::record_digest(&values.iter().map(named).collect())
}
