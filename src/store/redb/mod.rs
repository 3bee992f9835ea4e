//! The embedded store: one file, one process.
//!
//! A change is acknowledged when two syncs have put it on the disk; a power cut or `kill -9` at any moment loses
//! nothing that was acknowledged and leaves no change half-written. Where a disk acknowledges syncs it has not
//! carried out, no store can promise that. `docs/redb-layout.md` describes what is in the file.

mod apply;
mod medium;
mod open;
mod read;
mod tables;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use redb::{Database, StorageBackend, backends::InMemoryBackend};

use self::{apply::Prepared, medium::Guarded, open::Opened, writer::Writer};
use super::{Applied, Mode, Recalled, Store, StoreError};
use crate::domain::{AccountId, AccountRecords, Change, LogEntry, RequestId, Revision, Timestamp};

/// A store in one file.
///
/// Dropping it waits until what was queued is durable, closes the file and lets others open it; a read that is
/// still running keeps the file open until it ends.
#[derive(Debug)]
pub struct RedbStore {
    // Before `opened`: the writer ends, then the file closes.
    writer: Writer,
    opened: Arc<Opened>,
}

impl RedbStore {
    /// Makes a new store at `path`, with the directories above it; only its owner may read it.
    ///
    /// # Errors
    /// - [`StoreError::Exists`]: something is there already; it is left as it is.
    /// - [`StoreError::Full`], [`StoreError::Unavailable`]: the file cannot be written; none is left.
    pub fn create(path: &Path, mode: Mode) -> Result<Self, StoreError> {
        Self::start(open::create_file(path, mode)?, true)
    }

    /// Opens the store at `path`, recovering it first if the last process using it was killed.
    ///
    /// Reads and checks the whole file. A file that is refused is left byte for byte as it was.
    ///
    /// # Errors
    /// - [`StoreError::Missing`]: there is no such file; make one, or correct the path.
    /// - [`StoreError::InUse`]: another process, or this one, has it open.
    /// - [`StoreError::Exposed`]: others can write it; look into it, then take that away.
    /// - [`StoreError::Damaged`]: it is not a sound store; restore it.
    /// - [`StoreError::Format`]: another version of this program wrote it.
    /// - [`StoreError::Mode`]: it is a store of the other mode.
    /// - [`StoreError::Full`], [`StoreError::Unavailable`]: it cannot be read or written.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, StoreError> {
        Self::start(open::open_file(path, mode)?, true)
    }

    /// Makes a store in memory, which is gone when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: no thread could be started.
    pub fn in_memory(mode: Mode) -> Result<Self, StoreError> {
        let (path, backend) = (Path::new("(storage)"), Box::new(InMemoryBackend::new()));
        Self::start(open::create_backend(path, backend, mode)?, false)
    }

    /// Makes a store on a storage of the caller's, which must be empty. For tests that inject faults.
    ///
    /// # Errors
    /// As [`RedbStore::create`].
    pub fn create_on(backend: impl StorageBackend, mode: Mode) -> Result<Self, StoreError> {
        Self::start(open::create_backend(Path::new("(storage)"), Box::new(backend), mode)?, true)
    }

    /// Opens the store on a storage of the caller's. For tests that inject faults.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn open_on(backend: impl StorageBackend, mode: Mode) -> Result<Self, StoreError> {
        Self::start(open::open_backend(Path::new("(storage)"), Box::new(backend), mode)?, true)
    }

    fn start((opened, view): (Arc<Opened>, Guarded), is_lasting: bool) -> Result<Self, StoreError> {
        let writer = Writer::start(Arc::clone(&opened), view, is_lasting).map_err(|error| {
            StoreError::Unavailable { may_be_applied: false, detail: error.to_string() }
        })?;
        Ok(Self { writer, opened })
    }

    /// Runs a read on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&Path, &Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let opened = Arc::clone(&self.opened);
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let database = opened.database();
                let answer = read(&opened.path, &database);
                // A write may have failed meanwhile and taken the database along; then there is a new one.
                let replaced = !Arc::ptr_eq(&database, &opened.database());
                open::let_go(database);
                match answer {
                    Err(StoreError::Unavailable { .. }) if replaced => {}
                    answer => return answer,
                }
            }
        });
        reading.await.unwrap_or_else(|error| {
            if error.is_panic() {
                return Err(open::damaged(&self.opened.path, "redb panicked while reading it"));
            }
            Err(StoreError::Unavailable { may_be_applied: false, detail: error.to_string() })
        })
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.read(read::accounts).await
    }

    async fn load(&self, account: &AccountId) -> Result<AccountRecords, StoreError> {
        let account = account.clone();
        self.read(move |path, database| read::load(path, database, &account)).await
    }

    async fn apply(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Applied, StoreError> {
        super::check_change(change)?;
        let prepared = Prepared::new(account, expected, change).map_err(|error| {
            StoreError::Unavailable { may_be_applied: false, detail: error.to_string() }
        })?;
        self.writer.apply(prepared).await
    }

    async fn recall(
        &self,
        account: &AccountId,
        request_id: &RequestId,
        at: Timestamp,
    ) -> Result<Option<Recalled>, StoreError> {
        let (account, request_id) = (account.clone(), request_id.clone());
        self.read(move |path, database| read::recall(path, database, &account, &request_id, at))
            .await
    }

    async fn log(
        &self,
        account: &AccountId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let account = account.clone();
        self.read(move |path, database| read::log(path, database, &account, after, limit)).await
    }
}
