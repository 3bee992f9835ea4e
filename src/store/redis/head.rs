//! How far an account has come and by which way, so that a history that was replaced is not taken for the same one.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use redis::{FromRedisValue, Value};

use super::{FORMAT, fault::damaged, number};
use crate::{
    domain::{AccountId, Revision},
    store::{Mode, StoreError},
};

/// Tells the histories that led to a revision apart: each change's is a digest of the one before and of the change.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lineage([u8; 16]);

impl Lineage {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the lineage after the change that has this log entry.
    pub(super) fn after(self, entry: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("pai-authz 2026 lineage of an account v1");
        hasher.update(&self.0).update(entry);
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        Self(out)
    }
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", u128::from_be_bytes(self.0))
    }
}

/// Where an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) revision: Revision,
    pub(super) lineage: Lineage,
}

impl Head {
    /// Where an account is that was never written.
    pub(super) const ORIGIN: Self = Self { revision: Revision::ORIGIN, lineage: Lineage([0; 16]) };
}

/// The fields of meta that tell it.
pub(super) const META: [&str; 6] = ["format", "mode", "epoch", "counter", "lineage", "suspended"];
/// The fields of meta that tell how many records and rosters there are.
pub(super) const COUNTS: [&str; 2] = ["records", "rosters"];

/// Reads the fields of meta.
///
/// # Errors
/// [`StoreError::Format`], [`StoreError::Mode`], [`StoreError::Suspended`], [`StoreError::Damaged`].
pub(super) fn read_meta(value: Value, mode: Mode) -> Result<Head, StoreError> {
    let wrong = |_| damaged("the meta of an account is not of the type the store gave it");
    let fields = Vec::<Option<Vec<u8>>>::from_redis_value(value).map_err(wrong)?;
    let [format, stored_mode, epoch, counter, lineage, suspended] = fields.as_slice() else {
        return Err(damaged("the meta of an account is not of the type the store gave it"));
    };
    let text = |field: &Option<Vec<u8>>| String::from_utf8(field.clone()?).ok();
    if let Some(format) = format
        && format != FORMAT.to_string().as_bytes()
    {
        let found = std::str::from_utf8(format).ok().and_then(number).unwrap_or_default();
        return Err(StoreError::Format { found, supported: FORMAT });
    }
    if let Some(stored) = stored_mode
        && stored != mode_letter(mode).as_bytes()
    {
        return Err(other_mode(mode));
    }
    let head = match (text(epoch), text(counter), lineage) {
        (Some(epoch), Some(counter), Some(lineage)) => {
            let revision = number(&epoch)
                .zip(number(&counter))
                .map(|(epoch, counter)| Revision { epoch, counter });
            revision
                .zip(Lineage::from_bytes(lineage))
                .map(|(revision, lineage)| Head { revision, lineage })
                .ok_or_else(|| damaged("the revision of an account is not one"))?
        }
        _ if epoch.is_none() && counter.is_none() && lineage.is_none() && format.is_none() => {
            Head::ORIGIN
        }
        _ => return Err(damaged("the meta of an account lacks a field")),
    };
    match suspended {
        None => Ok(head),
        Some(known) => {
            let known = std::str::from_utf8(known).ok().and_then(revision_of_text);
            let known = known.ok_or_else(|| damaged("the suspension of an account is not one"))?;
            Err(StoreError::Suspended { known, found: head.revision })
        }
    }
}

/// Returns the revision of `<epoch> <counter>`.
pub(super) fn revision_of_text(text: &str) -> Option<Revision> {
    let (epoch, counter) = text.split_once(' ')?;
    Some(Revision { epoch: number(epoch)?, counter: number(counter)? })
}

pub(super) const fn mode_letter(mode: Mode) -> &'static str {
    match mode {
        Mode::Production => "p",
        Mode::Development => "d",
    }
}

pub(super) const fn other_mode(mode: Mode) -> StoreError {
    StoreError::Mode(match mode {
        Mode::Production => "this is a store of development mode: give another, or `--dev`",
        Mode::Development => "this is a store of real data: give another, without `--dev`",
    })
}

impl Head {
    /// Refuses a head that is behind this one, or beside it.
    ///
    /// # Errors
    /// [`StoreError::Regressed`]: acknowledged changes are gone.
    pub(super) fn precedes(self, found: Self) -> Result<(), StoreError> {
        let replaced = self.revision == found.revision && self.lineage != found.lineage;
        if found.revision < self.revision || replaced {
            return Err(StoreError::Regressed { known: self.revision, found: found.revision });
        }
        Ok(())
    }
}

/// How far each account had come when Redis was last asked, so that going back shows.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<AccountId, Head>>);

impl Known {
    /// Returns how far an account is known to have come. To be asked before Redis is: whatever Redis answers to a
    /// question sent later is at least as far.
    pub(super) fn floor(&self, account: &AccountId) -> Option<Head> {
        self.lock().get(account).copied()
    }

    /// Remembers how far an account has come, once it is sure to be the way on from what was known.
    pub(super) fn raise(&self, account: &AccountId, head: Head) {
        if head == Head::ORIGIN {
            return;
        }
        let mut heads = self.lock();
        let known = heads.entry(account.clone()).or_insert(head);
        if known.revision < head.revision {
            *known = head;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Head>> {
        // Every entry is sound by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
