//! One change: encoded here, carried out by `apply.lua`.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use redis::{FromRedisValue, Script, Value};

use super::{
    FORMAT, chunk,
    connect::Connection,
    fault::{damaged, fault, refused_command},
    head::{Head, META, mode_letter, read_meta, revision_of_text},
    keys::{CHANNEL, Keys},
    number,
    quorum::{Invoked, Quorum, invoke},
    revision_of,
    roster::{self, SHAPE, Shape, Touched},
};
use crate::{
    domain::{AccountId, Change, Op, Revision, Timestamp, WorkspaceId},
    store::{
        KEPT, Mode, NONCE_USED, REMEMBERED, StoreError,
        codec::{self, Undecodable},
    },
};

/// Bytes by name, `None` where nothing is: what digests are made of, and what is written.
type Values = BTreeMap<String, Option<Vec<u8>>>;

/// Which of the script's keys is the first hash it changes, counted from 1.
const FIRST_HASH: usize = 9;

/// What the script says of a change.
pub(super) enum Said {
    /// The revision it led to, and where the account is then, if that is sure.
    Written(Revision, Option<Head>),
    Repeated(Revision),
    Conflict(Revision),
    RequestReused,
    NonceUsed,
    /// The revision is the expected one, but what was looked at was of another: look again.
    Again,
}

/// A change made ready to be written: encoded, so that nothing about it can fail any more.
pub(super) struct Prepared<'c> {
    keys: Keys<'c>,
    expected: Revision,
    change: &'c Change,
    digest: [u8; 32],
    /// Fields of the records, and members of rosters, as they will be.
    records: Values,
    rosters: BTreeMap<WorkspaceId, Touched>,
    after_digest: [u8; 32],
    /// What tells this attempt from every other.
    attempt: String,
    mode: Mode,
    quorum: Option<Quorum>,
}

/// What stands where a change goes, and where the account was then.
struct Observed {
    head: Head,
    digest: [u8; 32],
    /// How many of the hashes to write are rosters.
    rosters: usize,
    /// The fields to write, by the key of their hash: rosters first, records last.
    writes: Vec<(String, Values)>,
}

impl<'c> Prepared<'c> {
    /// Encodes a change.
    pub(super) fn new(
        account: &'c AccountId,
        mode: Mode,
        expected: Revision,
        change: &'c Change,
        quorum: Option<Quorum>,
    ) -> Result<Self, Undecodable> {
        let keys = Keys(account);
        let mut records = Values::new();
        let mut rosters: BTreeMap<WorkspaceId, Touched> = BTreeMap::new();
        for op in &change.ops {
            match op {
                Op::PutMember(at, member) => {
                    let touched = rosters.entry(at.clone()).or_default();
                    touched.insert(member.principal.clone(), Some(member.clone()));
                }
                Op::RemoveMember(at, id) => {
                    rosters.entry(at.clone()).or_default().insert(id.clone(), None);
                }
                other => {
                    let (key, value) = codec::touch(account, other)?;
                    let field = key.split_once(':').map_or("", |(_, field)| field).to_owned();
                    records.insert(field, value);
                }
            }
        }
        Ok(Self {
            digest: match change.asked {
                Some(asked) => asked,
                None => codec::change_digest(change)?,
            },
            after_digest: digest_of(keys, &records, &rosters),
            keys,
            expected,
            change,
            records,
            rosters,
            attempt: unique(),
            mode,
            quorum,
        })
    }

    /// Looks at what the change touches, for the log, and runs the script. `floor` is how far the account is known to
    /// have come.
    pub(super) async fn run(
        &self,
        script: &Script,
        floor: Option<Head>,
        connection: &mut Connection,
    ) -> Result<Said, StoreError> {
        let observed = self.observe(connection).await?;
        if let Some(floor) = floor {
            floor.precedes(observed.head)?;
        }
        let entry = if self.change.ops.is_empty() {
            Vec::new()
        } else {
            codec::encode_entry(self.change, &observed.digest, &self.after_digest)
                .map_err(|error| damaged(&error.to_string()))?
        };
        let lineage = observed.head.lineage.after(&entry);
        let Change { request_id, asked, nonce, at, ops, .. } = self.change;
        let millis = |time: Timestamp| time.as_millis().to_string();
        let remembered = !ops.is_empty() || asked.is_some();
        let nonce = nonce.as_ref().map(|used| format!("{}:{}", used.key, used.nonce));
        let Head { revision: seen, lineage: seen_lineage } = observed.head;
        let mut looked_at = format!("{} {} ", seen.epoch, seen.counter).into_bytes();
        looked_at.extend_from_slice(seen_lineage.as_bytes());
        let [requests, requests_by_time] = self.keys.requests();
        let [nonces, nonces_by_time] = self.keys.nonces();
        let (meta, log) = (self.keys.meta(), self.keys.log());
        let (rosters, records) = (self.keys.rosters(), self.keys.records());

        let mut call = script.prepare_invoke();
        let by_time = [&requests, &requests_by_time, &nonces, &nonces_by_time];
        for key in [&meta, &log].into_iter().chain(by_time).chain([&rosters, &records]) {
            call.key(key);
        }
        for (hash, _) in &observed.writes {
            call.key(hash);
        }
        call.arg(FORMAT)
            .arg(mode_letter(self.mode))
            .arg(self.expected.epoch.to_string())
            .arg(self.expected.counter.to_string())
            .arg(self.expected.next().counter.to_string())
            .arg(looked_at)
            .arg(millis(*at))
            .arg(millis(at.minus(REMEMBERED)))
            .arg(millis(at.minus(NONCE_USED)))
            .arg(if remembered { request_id.as_str() } else { "" })
            .arg(blake3::Hash::from_bytes(self.digest).to_hex().as_str())
            .arg(nonce.unwrap_or_default())
            .arg(entry)
            .arg(observed.rosters)
            .arg(lineage.as_bytes())
            .arg(&self.attempt)
            .arg(KEPT)
            .arg(CHANNEL)
            .arg(self.keys.0.as_str())
            .arg(u8::from(self.quorum.is_some()));
        for (index, (_, fields)) in observed.writes.iter().enumerate() {
            for (field, value) in fields {
                call.arg(FIRST_HASH + index).arg(field).arg(u8::from(value.is_some()));
                call.arg(value.as_deref().unwrap_or_default());
            }
        }
        let Invoked { reply, confirmed } = invoke(&call, self.quorum, connection).await?;
        let said = self.said(&reply, Head { revision: self.expected.next(), lineage })?;
        if matches!(said, Said::Written(..) | Said::Repeated(_)) {
            confirmed?;
        }
        Ok(said)
    }

    /// Returns what stands at the places the change touches, and of which revision that is. When another change comes
    /// between two looks, it is of the first, which the script will not take for the present one.
    async fn observe(&self, connection: &mut Connection) -> Result<Observed, StoreError> {
        let undecodable = |error: Undecodable| damaged(&error.to_string());
        let mut reads = redis::pipe();
        reads.atomic().hmget(self.keys.meta(), &META);
        for field in self.records.keys() {
            reads.hget(self.keys.records(), field);
        }
        for workspace in self.rosters.keys() {
            reads.hget(self.keys.roster(workspace), SHAPE);
        }
        let (head, mut read) = self.look(&reads, connection).await?;
        let mut before: Values = Values::new();
        for field in self.records.keys() {
            before.insert(field.clone(), bytes(read.next())?);
        }
        let mut shapes = Vec::new();
        for (workspace, touched) in &self.rosters {
            let shape = Shape::decode(bytes(read.next())?.as_deref()).map_err(undecodable)?;
            shapes.push((workspace, touched, shape, roster::needed(shape, touched)));
        }
        let mut was: BTreeMap<WorkspaceId, Touched> = BTreeMap::new();
        let mut writes = Vec::new();
        if !shapes.is_empty() {
            let mut reads = redis::pipe();
            reads.atomic().hmget(self.keys.meta(), &META);
            for (workspace, _, _, needed) in &shapes {
                for place in needed {
                    reads.hget(self.keys.roster(workspace), place.to_string());
                }
            }
            let (head_then, mut read) = self.look(&reads, connection).await?;
            if head_then != head {
                return Ok(Observed { head, digest: [0; 32], rosters: 0, writes: Vec::new() });
            }
            for (workspace, touched, shape, needed) in shapes {
                let mut chunks = BTreeMap::new();
                for place in needed {
                    chunks.insert(place, bytes(read.next())?);
                }
                let changed = roster::change(shape, &chunks, touched).map_err(undecodable)?;
                was.insert(workspace.clone(), changed.before);
                writes.push((self.keys.roster(workspace), changed.fields));
            }
        }
        if !self.records.is_empty() {
            writes.push((self.keys.records(), self.records.clone()));
        }
        let digest = digest_of(self.keys, &before, &was);
        Ok(Observed { head, digest, rosters: was.len(), writes })
    }

    /// Runs reads of which the first is of meta.
    async fn look(
        &self,
        reads: &redis::Pipeline,
        connection: &mut Connection,
    ) -> Result<(Head, std::vec::IntoIter<Value>), StoreError> {
        let read: Vec<Value> =
            reads.query_async(connection).await.map_err(|error| fault(&error, false))?;
        let mut read = read.into_iter();
        let head = read_meta(read.next().unwrap_or(Value::Nil), self.mode)?;
        Ok((head, read))
    }

    fn said(&self, reply: &[String], next: Head) -> Result<Said, StoreError> {
        let (outcome, rest) =
            reply.split_first().ok_or_else(|| damaged("the script says nothing"))?;
        let revision = || revision_of(rest).ok_or_else(|| damaged("the script names no revision"));
        Ok(match outcome.as_str() {
            "written" => {
                let revision = revision()?;
                // Where there was nothing to change, or it was done before, nobody knows more than before.
                let is_new = !self.change.ops.is_empty() && revision == next.revision;
                Said::Written(revision, is_new.then_some(next))
            }
            "repeated" => Said::Repeated(revision()?),
            "conflict" => Said::Conflict(revision()?),
            "reused" => Said::RequestReused,
            "nonce" => Said::NonceUsed,
            "mode" => return Err(super::head::other_mode(self.mode)),
            "again" => Said::Again,
            "damage" => {
                let key = rest.first().map_or("?", String::as_str);
                return Err(damaged(&format!("`{key}` holds what the store did not write")));
            }
            "log" => return Err(damaged("the log has changes that the revision does not count")),
            "command" => return Err(refused_command(rest.first().map_or("?", String::as_str))),
            "format" => {
                let found = rest.first().and_then(|text| number(text)).unwrap_or_default();
                return Err(StoreError::Format { found, supported: FORMAT });
            }
            "suspended" => {
                let known = rest.first().and_then(|text| revision_of_text(text));
                let found = rest.get(1..).and_then(revision_of);
                let (Some(known), Some(found)) = (known, found) else {
                    return Err(damaged("the suspension of an account is not one"));
                };
                return Err(StoreError::Suspended { known, found });
            }
            other => return Err(damaged(&format!("the script says `{other}`"))),
        })
    }
}

/// Returns the bytes of a field.
fn bytes(value: Option<Value>) -> Result<Option<Vec<u8>>, StoreError> {
    Option::<Vec<u8>>::from_redis_value(value.unwrap_or(Value::Nil))
        .map_err(|_| damaged("what a change touches is not of the type the store gave it"))
}

/// Returns a text that no other attempt of any process has.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Keys of the hash are random.
    let random = RandomState::new().build_hasher().finish();
    format!("{random:016x}{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the digest of records and memberships.
fn digest_of(
    keys: Keys<'_>,
    records: &Values,
    rosters: &BTreeMap<WorkspaceId, Touched>,
) -> [u8; 32] {
    let mut named = Values::new();
    for (field, value) in records {
        named.insert(format!("{}/{field}", keys.records()), value.clone());
    }
    for (workspace, touched) in rosters {
        let roster = keys.roster(workspace);
        for (principal, member) in touched {
            let member = member.as_ref().map(chunk::encode_one);
            named.insert(format!("{roster}/{principal}"), member);
        }
    }
    codec::record_digest(&named)
}
