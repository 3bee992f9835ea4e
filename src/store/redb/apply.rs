//! One change, inside a write transaction that others share.
//!
//! Everything is read and decided first and written after: a change that is refused has written nothing, so the
//! changes before and after it in the same transaction stand.

use std::collections::BTreeMap;

use redb::{ReadableTable, Table, WriteTransaction};

use super::tables::{
    ACCOUNTS, LOG, LogKey, NONCES, NONCES_BY_TIME, NonceKey, RECORDS, REQUESTS, REQUESTS_BY_TIME,
    Request, RequestKey, log_key,
};
use crate::{
    domain::{AccountId, Change, Revision, UsedNonce},
    store::{
        KEPT, NONCE_USED, REMEMBERED, StoreError,
        codec::{self, Undecodable},
    },
};

/// How many forgotten request ids, and as many nonces, one change removes at most; more than it adds, so that a
/// backlog shrinks.
const PRUNED_PER_CHANGE: usize = 8;

/// A change made ready to be written: encoded, so that nothing about it can fail in the transaction.
#[derive(Debug)]
pub(super) struct Prepared {
    account: AccountId,
    expected: Revision,
    change: Change,
    digest: [u8; 32],
    /// What is under each touched key afterwards.
    after: BTreeMap<String, Option<Vec<u8>>>,
}

impl Prepared {
    pub(super) fn new(
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Self, Undecodable> {
        Ok(Self {
            account: account.clone(),
            expected,
            digest: match change.asked {
                Some(asked) => asked,
                None => codec::change_digest(change)?,
            },
            after: change
                .ops
                .iter()
                .map(|op| codec::touch(account, op))
                .collect::<Result<_, _>>()?,
            change: change.clone(),
        })
    }

    /// Returns what tells this request from all others.
    pub(super) fn request(&self) -> (AccountId, crate::domain::RequestId) {
        (self.account.clone(), self.change.request_id.clone())
    }
}

/// What became of a change.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is written, and stands once the transaction is committed.
    Written(Revision),
    /// It had been applied before; nothing is written.
    Repeated(Revision),
    /// It is refused; nothing is written.
    Refused(StoreError),
}

/// Why the whole transaction must be given up; the driver's words.
#[derive(Debug)]
pub(super) struct GiveUp(pub(super) String);

macro_rules! give_up_on {
    ($($error:ty),*) => { $(
        impl From<$error> for GiveUp {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )* };
}
give_up_on!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::SetDurabilityError,
    Undecodable
);

/// The tables, open for writing.
pub(super) struct Tables<'txn> {
    accounts: Table<'txn, &'static str, (u32, u64)>,
    records: Table<'txn, &'static str, &'static [u8]>,
    log: Table<'txn, LogKey<'static>, &'static [u8]>,
    requests: Table<'txn, RequestKey<'static>, Request<'static>>,
    requests_by_time: Table<'txn, (&'static str, u64, &'static str), ()>,
    nonces: Table<'txn, NonceKey<'static>, u64>,
    nonces_by_time: Table<'txn, (&'static str, u64, &'static str, &'static str), ()>,
    /// Whether what is written outlasts this process.
    is_lasting: bool,
}

impl<'txn> Tables<'txn> {
    /// Opens them, making those that are not there yet.
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        is_lasting: bool,
    ) -> Result<Self, GiveUp> {
        Ok(Self {
            is_lasting,
            accounts: transaction.open_table(ACCOUNTS)?,
            records: transaction.open_table(RECORDS)?,
            log: transaction.open_table(LOG)?,
            requests: transaction.open_table(REQUESTS)?,
            requests_by_time: transaction.open_table(REQUESTS_BY_TIME)?,
            nonces: transaction.open_table(NONCES)?,
            nonces_by_time: transaction.open_table(NONCES_BY_TIME)?,
        })
    }

    /// Applies one change.
    ///
    /// # Errors
    /// [`GiveUp`] when the change may be half written: the transaction must be aborted.
    pub(super) fn apply(&mut self, prepared: &Prepared) -> Result<Outcome, GiveUp> {
        let Prepared { account, expected, change, digest, after } = prepared;
        if let Some(nonce) = &change.nonce
            && self.is_used(account, nonce, change)?
        {
            return Ok(Outcome::Refused(StoreError::NonceUsed));
        }
        if let Some((revision, first)) = self.remembered(account, change)? {
            return Ok(if first == *digest {
                Outcome::Repeated(revision)
            } else {
                Outcome::Refused(StoreError::RequestReused)
            });
        }
        let current = match self.accounts.get(account.as_str())? {
            Some(row) => {
                let (epoch, counter) = row.value();
                Revision { epoch, counter }
            }
            None => Revision::ORIGIN,
        };
        if current != *expected {
            return Ok(Outcome::Refused(StoreError::Conflict { current }));
        }
        if after.is_empty() {
            if change.asked.is_some() {
                self.remember(account, change, current, digest)?;
            }
            self.use_up(account, change)?;
            return Ok(Outcome::Written(current));
        }
        let revision = current.next();
        if revision == current {
            return Err(GiveUp("the counter of the account is exhausted".to_owned()));
        }
        let mut before = BTreeMap::new();
        for key in after.keys() {
            let value = self.records.get(key.as_str())?.map(|value| value.value().to_vec());
            before.insert(key.clone(), value);
        }
        let entry = codec::encode_entry(
            change,
            &codec::record_digest(&before),
            &codec::record_digest(after),
        )?;

        for (key, value) in after {
            match value {
                Some(value) => self.records.insert(key.as_str(), value.as_slice())?,
                None => self.records.remove(key.as_str())?,
            };
        }
        self.log.insert(log_key(account, revision), entry.as_slice())?;
        self.forget_behind(account, revision)?;
        self.accounts.insert(account.as_str(), (revision.epoch, revision.counter))?;
        self.remember(account, change, revision, digest)?;
        self.use_up(account, change)?;
        Ok(Outcome::Written(revision))
    }

    /// Returns whether a nonce was used up in the last 30 minutes.
    fn is_used(
        &self,
        account: &AccountId,
        UsedNonce { key, nonce }: &UsedNonce,
        change: &Change,
    ) -> Result<bool, GiveUp> {
        let row = self.nonces.get((account.as_str(), key.as_str(), nonce.as_str()))?;
        Ok(row.is_some_and(|at| at.value() >= change.at.minus(NONCE_USED).as_millis()))
    }

    /// Uses the nonce of a change up, and forgets a few that are too old.
    fn use_up(&mut self, account: &AccountId, change: &Change) -> Result<(), GiveUp> {
        let Some(UsedNonce { key, nonce }) = &change.nonce else { return Ok(()) };
        let (account, key, nonce) = (account.as_str(), key.as_str(), nonce.as_str());
        let at = change.at.as_millis();
        let replaced = self.nonces.insert((account, key, nonce), at)?.map(|at| at.value());
        if let Some(replaced) = replaced {
            self.nonces_by_time.remove((account, replaced, key, nonce))?;
        }
        self.nonces_by_time.insert((account, at, key, nonce), ())?;

        let old = (account, 0, "", "")..(account, change.at.minus(NONCE_USED).as_millis(), "", "");
        let mut forgotten = Vec::with_capacity(PRUNED_PER_CHANGE);
        for row in self.nonces_by_time.range(old)?.take(PRUNED_PER_CHANGE) {
            let (key, _) = row?;
            let (_, at, key, nonce) = key.value();
            forgotten.push((at, key.to_owned(), nonce.to_owned()));
        }
        for (at, key, nonce) in forgotten {
            self.nonces_by_time.remove((account, at, key.as_str(), nonce.as_str()))?;
            self.nonces.remove((account, key.as_str(), nonce.as_str()))?;
        }
        Ok(())
    }

    /// Returns what the request id led to in the last 24 hours, and the digest of that change.
    fn remembered(
        &self,
        account: &AccountId,
        change: &Change,
    ) -> Result<Option<(Revision, [u8; 32])>, GiveUp> {
        let row = self.requests.get((account.as_str(), change.request_id.as_str()))?;
        Ok(row.and_then(|row| {
            let (epoch, counter, at, digest) = row.value();
            (at >= oldest_remembered(change)).then_some((Revision { epoch, counter }, *digest))
        }))
    }

    /// Remembers the request id, and forgets a few that are too old.
    fn remember(
        &mut self,
        account: &AccountId,
        change: &Change,
        revision: Revision,
        digest: &[u8; 32],
    ) -> Result<(), GiveUp> {
        let (account, id) = (account.as_str(), change.request_id.as_str());
        let at = change.at.as_millis();
        let replaced = self
            .requests
            .insert((account, id), (revision.epoch, revision.counter, at, digest))?
            .map(|row| row.value().2);
        if let Some(replaced) = replaced {
            self.requests_by_time.remove((account, replaced, id))?;
        }
        if self.is_kept(change) {
            self.requests_by_time.insert((account, at, id), ())?;
        }

        let old = (account, 0, "")..(account, oldest_remembered(change), "");
        let mut forgotten = Vec::with_capacity(PRUNED_PER_CHANGE);
        for row in self.requests_by_time.range(old)?.take(PRUNED_PER_CHANGE) {
            let (key, ()) = row.map(|(key, value)| (key, value.value()))?;
            let (_, at, id) = key.value();
            forgotten.push((at, id.to_owned()));
        }
        for (at, id) in forgotten {
            self.requests_by_time.remove((account, at, id.as_str()))?;
            let row = self.requests.remove((account, id.as_str()))?;
            let led_to = row.map(|row| (row.value().0, row.value().1));
            // What the log keeps in any case is not looked for: it is removed when its turn comes.
            if let Some((epoch, counter)) = led_to
                && (epoch, counter.saturating_add(KEPT)) <= (revision.epoch, revision.counter)
            {
                self.log.remove((account, epoch, counter))?;
            }
        }
        Ok(())
    }

    /// Returns whether a change is remembered for as long as it may be asked for. In memory one that nobody asks for again, but
    /// the service itself and at once, is not: it goes with its place among the last changes, for the log would take all there is.
    const fn is_kept(&self, change: &Change) -> bool {
        self.is_lasting || change.asked.is_some()
    }

    /// Forgets the change that is no longer of the last ones the log keeps, unless its request is remembered for longer.
    fn forget_behind(&mut self, account: &AccountId, now: Revision) -> Result<(), GiveUp> {
        if self.is_lasting {
            return Ok(());
        }
        let Some(counter) = now.counter.checked_sub(KEPT) else { return Ok(()) };
        let revision = Revision { epoch: now.epoch, counter };
        let Some(row) = self.log.get(log_key(account, revision))? else { return Ok(()) };
        let change = codec::decode_entry(revision, row.value())?.change;
        drop(row);
        let (account, id) = (account.as_str(), change.request_id.as_str());
        if self.requests_by_time.get((account, change.at.as_millis(), id))?.is_none() {
            let row = self.requests.get((account, id))?;
            let led_to = row.map(|row| (row.value().0, row.value().1));
            if led_to == Some((revision.epoch, revision.counter)) {
                self.requests.remove((account, id))?;
            }
            self.log.remove((account, revision.epoch, revision.counter))?;
        }
        Ok(())
    }
}

/// Returns the earliest time, in milliseconds, whose requests are remembered when `change` is asked for.
fn oldest_remembered(change: &Change) -> u64 {
    change.at.minus(REMEMBERED).as_millis()
}
