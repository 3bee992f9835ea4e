//! Reading: every answer comes from one transaction, and everything in it is checked.

use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, TableError};

use super::{
    open::damaged,
    tables::{ACCOUNTS, LOG, RECORDS, REQUESTS, log_from, log_key, record_bounds},
};
use crate::{
    domain::{AccountId, AccountRecords, LogEntry, RequestId, Revision, Timestamp},
    store::{REMEMBERED, Recalled, StoreError, codec},
};

/// Returns every account that was ever written, sorted.
pub(super) fn accounts(path: &Path, database: &Database) -> Result<Vec<AccountId>, StoreError> {
    let failed = |error: StorageError| read_error(path, error);
    let table = begin(database)?.open_table(ACCOUNTS).map_err(|e| table_error(path, e))?;
    let mut accounts = Vec::new();
    for row in table.iter().map_err(failed)? {
        let (key, _) = row.map_err(failed)?;
        let account = AccountId::parse(key.value())
            .map_err(|_| damaged(path, &format!("`{}` is not an account", key.value())))?;
        accounts.push(account);
    }
    Ok(accounts)
}

/// Returns everything recorded of `account`.
pub(super) fn load(
    path: &Path,
    database: &Database,
    account: &AccountId,
) -> Result<AccountRecords, StoreError> {
    let failed = |error: StorageError| read_error(path, error);
    let transaction = begin(database)?;
    let mut records = AccountRecords::empty(account.clone());
    records.revision = revision(path, &transaction, account)?;
    let table = transaction.open_table(RECORDS).map_err(|error| table_error(path, error))?;
    let (first, end) = record_bounds(account);
    for row in table.range(first.as_str()..end.as_str()).map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        codec::decode_record(key.value(), value.value(), &mut records)
            .map_err(|error| damaged(path, &error.to_string()))?;
    }
    // Written in the same step as the revision, so the two tell on each other.
    let log = transaction.open_table(LOG).map_err(|error| table_error(path, error))?;
    let last = log
        .range(log_from(account, Revision { epoch: 0, counter: 0 }))
        .map_err(failed)?
        .next_back()
        .transpose()
        .map_err(failed)?
        .map(|(key, _)| (key.value().1, key.value().2));
    let now = records.revision;
    if last.unwrap_or((Revision::ORIGIN.epoch, 0)) != (now.epoch, now.counter) {
        let detail = format!("account {account} is at revision {now}, which its log is not");
        return Err(damaged(path, &detail));
    }
    Ok(records)
}

/// Returns the applied changes of `account` after `after`, at most `limit`.
pub(super) fn log(
    path: &Path,
    database: &Database,
    account: &AccountId,
    after: Revision,
    limit: usize,
) -> Result<Vec<LogEntry>, StoreError> {
    let failed = |error: StorageError| read_error(path, error);
    let table = begin(database)?.open_table(LOG).map_err(|error| table_error(path, error))?;
    let mut entries = Vec::new();
    if after.next() == after {
        return Ok(entries);
    }
    for row in table.range(log_from(account, after.next())).map_err(failed)?.take(limit) {
        let (key, value) = row.map_err(failed)?;
        let (_, epoch, counter) = key.value();
        let entry = codec::decode_entry(Revision { epoch, counter }, value.value())
            .map_err(|error| damaged(path, &error.to_string()))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Returns what `request_id` led to in the 24 hours before `at`.
pub(super) fn recall(
    path: &Path,
    database: &Database,
    account: &AccountId,
    request_id: &RequestId,
    at: Timestamp,
) -> Result<Option<Recalled>, StoreError> {
    let failed = |error: StorageError| read_error(path, error);
    let transaction = begin(database)?;
    let requests = transaction.open_table(REQUESTS).map_err(|error| table_error(path, error))?;
    let Some(row) = requests.get((account.as_str(), request_id.as_str())).map_err(failed)? else {
        return Ok(None);
    };
    let (epoch, counter, then, asked) = row.value();
    if then < at.minus(REMEMBERED).as_millis() {
        return Ok(None);
    }
    let (revision, asked) = (Revision { epoch, counter }, *asked);
    let log = transaction.open_table(LOG).map_err(|error| table_error(path, error))?;
    let entry = log.get(log_key(account, revision)).map_err(failed)?;
    let entry = entry.map(|entry| codec::decode_entry(revision, entry.value())).transpose();
    let ops = entry
        .map_err(|error| damaged(path, &error.to_string()))?
        .map(|entry| entry.change)
        // What found nothing to change stands beside the revision it found, which another change led to.
        .filter(|change| change.request_id == *request_id)
        .map_or_else(Vec::new, |change| change.ops);
    Ok(Some(Recalled { revision, ops, asked }))
}

fn begin(database: &Database) -> Result<ReadTransaction, StoreError> {
    database.begin_read().map_err(|error| StoreError::Unavailable {
        may_be_applied: false,
        detail: error.to_string(),
    })
}

fn revision(
    path: &Path,
    transaction: &ReadTransaction,
    account: &AccountId,
) -> Result<Revision, StoreError> {
    let table = transaction.open_table(ACCOUNTS).map_err(|error| table_error(path, error))?;
    let row = table.get(account.as_str()).map_err(|error| read_error(path, error))?;
    Ok(row.map_or(Revision::ORIGIN, |row| {
        let (epoch, counter) = row.value();
        Revision { epoch, counter }
    }))
}

fn table_error(path: &Path, error: TableError) -> StoreError {
    match error {
        TableError::Storage(error) => read_error(path, error),
        other => damaged(path, &other.to_string()),
    }
}

fn read_error(path: &Path, error: StorageError) -> StoreError {
    match error {
        StorageError::Corrupted(detail) => damaged(path, &detail),
        other => StoreError::Unavailable { may_be_applied: false, detail: other.to_string() },
    }
}
