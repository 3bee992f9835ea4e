//! Making a store and opening one: what is damaged is refused as it is.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, StorageBackend, StorageError,
    TableError, backends::FileBackend,
};

use super::{
    apply::{GiveUp, Tables},
    medium::{Guarded, Medium},
    tables::{self, FORMAT, MARKER, MARKER_KEY, Marked},
};
use crate::store::{Mode, StoreError};

/// Memory redb may use for pages, in bytes; decisions are made from snapshots and never wait for it.
const CACHE: usize = 64 * 1024 * 1024;

/// A store that was opened: where it is, and the database that reads are to use.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) path: PathBuf,
    database: RwLock<Arc<Database>>,
}

impl Opened {
    /// Returns the database to use now; after a failed write it is another one.
    pub(super) fn database(&self) -> Arc<Database> {
        Arc::clone(&self.database.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, database: Database) {
        let mut current = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::new(database));
        drop(current);
        let_go(old);
    }

    fn new(path: PathBuf, database: Database) -> Arc<Self> {
        Arc::new(Self { path, database: RwLock::new(Arc::new(database)) })
    }
}

/// Drops a database that may be the last of its kind and broken: closing one after a panic panics again.
pub(super) fn let_go(database: Arc<Database>) {
    drop(catch_unwind(AssertUnwindSafe(|| drop(database))));
}

/// Opens the store file at `path`.
pub(super) fn open_file(path: &Path, mode: Mode) -> Result<(Arc<Opened>, Guarded), StoreError> {
    let metadata = fs::metadata(path).map_err(|error| io_error(path, &error))?;
    if !metadata.is_file() {
        return Err(damaged(path, "it is not a file"));
    }
    if is_exposed(&metadata) {
        return Err(StoreError::Exposed { path: path.to_owned() });
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| io_error(path, &error))?;
    let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
    open_backend(path, Box::new(backend), mode)
}

/// Opens the store on `backend`; `path` is only for messages.
pub(super) fn open_backend(
    path: &Path,
    backend: Box<dyn StorageBackend>,
    mode: Mode,
) -> Result<(Arc<Opened>, Guarded), StoreError> {
    let medium = Medium::new(backend);
    let view = Guarded::staged(&medium).map_err(|error| io_error(path, &error))?;
    check_start(path, &view)?;
    let database = open_view(path, &view)?;
    view.keep_locks();
    check_marker(path, &database, mode)?;
    view.release().map_err(|error| io_error(path, &error))?;
    Ok((Opened::new(path.to_owned(), database), view))
}

/// Opens another view of the same medium, staged, and directs reads to it.
pub(super) fn view_again(failed: &Guarded, opened: &Opened) -> Result<Guarded, StoreError> {
    let view = failed.again().map_err(|error| io_error(&opened.path, &error))?;
    opened.replace(open_view(&opened.path, &view)?);
    Ok(view)
}

/// Makes a store file at `path`, where nothing may be yet.
///
/// The file gets its name only when it is complete: a crash leaves no half-made store behind.
pub(super) fn create_file(path: &Path, mode: Mode) -> Result<(Arc<Opened>, Guarded), StoreError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(StoreError::Exists { path: path.to_owned() });
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Exists { path: path.to_owned() },
        _ => not_written(path, &error),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_directories(directory).map_err(failed)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = directory.join(name);
    let outcome = (|| {
        let file = create_private(&unfinished).map_err(failed)?;
        let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
        let store = create_backend(path, Box::new(backend), mode)?;
        // Linking, unlike renaming, refuses to replace what somebody else has just put there.
        fs::hard_link(&unfinished, path).map_err(failed)?;
        Ok(store)
    })();
    // Whether it was linked or not, this name is not needed any more; if it stays it does no harm.
    drop(fs::remove_file(&unfinished));
    let store = outcome?;
    // The name must survive a power cut as the content does.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(store)
}

/// Makes a store on `backend`, which must be empty; `path` is only for messages.
pub(super) fn create_backend(
    path: &Path,
    backend: Box<dyn StorageBackend>,
    mode: Mode,
) -> Result<(Arc<Opened>, Guarded), StoreError> {
    let medium = Medium::new(backend);
    let view = Guarded::released(&medium);
    match view.len() {
        Ok(0) => {}
        Ok(_) => return Err(StoreError::Exists { path: path.to_owned() }),
        Err(error) => return Err(not_written(path, &error)),
    }
    let failed = |why: String| match view.failure() {
        Some(failure) if failure.is_full() => StoreError::Full,
        _ => StoreError::Unavailable { may_be_applied: false, detail: why },
    };
    let database = Builder::new()
        .set_cache_size(CACHE)
        .create_with_backend(view.clone())
        .map_err(|error| failed(error.to_string()))?;
    view.keep_locks();
    write_marker(&database, mode).map_err(|GiveUp(why)| failed(why))?;
    Ok((Opened::new(path.to_owned(), database), view))
}

fn write_marker(database: &Database, mode: Mode) -> Result<(), GiveUp> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    {
        let mut table = transaction.open_table(MARKER)?;
        table.insert(MARKER_KEY, tables::marker(mode).as_slice())?;
        // All tables from the start: a reader need not ask whether they are there.
        drop(Tables::open(&transaction, true)?);
    }
    Ok(transaction.commit()?)
}

/// Returns whether others than the owner can write the file.
#[cfg(unix)]
fn is_exposed(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn create_directories(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_directories(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a file only its owner may read: it holds digests and sealed secrets.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // What a crashed process with this id left behind is overwritten.
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Lets redb open and check the view; panics of redb about a damaged file are answers, too.
fn open_view(path: &Path, view: &Guarded) -> Result<Database, StoreError> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        Builder::new()
            .set_cache_size(CACHE)
            // Verifies the checksum of every page in use, whether or not the last shutdown was clean.
            .set_check_integrity_on_open(true)
            .create_with_backend(view.clone())
    }));
    match opened {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(error)) => Err(open_error(path, error)),
        Err(_) => Err(damaged(path, "redb cannot make sense of it")),
    }
}

/// First bytes of every redb file ("redb design document, Super-header").
const REDB_MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Length of the header with both commit slots.
const HEADER: usize = 320;

/// Refuses what is no redb file before redb sees it: redb would make an empty database of an empty file.
fn check_start(path: &Path, view: &Guarded) -> Result<(), StoreError> {
    let len = view.len().map_err(|error| io_error(path, &error))?;
    if len < HEADER as u64 {
        return Err(damaged(path, &format!("it is {len} bytes long, too short for a store")));
    }
    let mut start = [0; REDB_MAGIC.len()];
    view.read_medium(0, &mut start).map_err(|error| io_error(path, &error))?;
    if start != *REDB_MAGIC {
        return Err(damaged(path, "it is not a store"));
    }
    Ok(())
}

fn check_marker(path: &Path, database: &Database, mode: Mode) -> Result<(), StoreError> {
    let read = || -> Result<Marked, GiveUp> {
        let transaction = database.begin_read()?;
        let table = match transaction.open_table(MARKER) {
            Ok(table) => table,
            Err(TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Ok(Marked::Nothing),
        };
        let row = table.get(MARKER_KEY)?;
        Ok(row.map_or(Marked::Nothing, |row| tables::read_marker(row.value())))
    };
    let marked = catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(GiveUp("redb panicked".to_owned())))
        .map_err(|GiveUp(why)| damaged(path, &why))?;
    match (marked, mode) {
        (Marked::Store(found), wanted) if found == wanted => Ok(()),
        (Marked::Store(_), Mode::Production) => Err(StoreError::Mode(
            "this is a development store: open it with `--dev`, or give another `--store`",
        )),
        (Marked::Store(_), Mode::Development) => Err(StoreError::Mode(
            "this is a production store, which gets no development credentials: open it without `--dev`, or give another `--store`",
        )),
        (Marked::Format(found), _) => Err(StoreError::Format { found, supported: FORMAT }),
        (Marked::Nothing, _) => Err(damaged(path, "it is a redb file but no store of pai-authz")),
    }
}

pub(super) fn damaged(path: &Path, detail: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), detail: detail.to_owned() }
}

fn not_written(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => io_error(path, error),
    }
}

fn io_error(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing { path: path.to_owned() },
        // Shorter than it says, or not redb's: how redb reports such a file.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            damaged(path, &error.to_string())
        }
        _ => StoreError::Unavailable {
            may_be_applied: false,
            detail: format!("{}: {error}", path.display()),
        },
    }
}

fn open_error(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::InUse { path: path.to_owned() }
        }
        DatabaseError::Storage(StorageError::Io(error)) => io_error(path, &error),
        DatabaseError::Storage(StorageError::Corrupted(detail)) => damaged(path, &detail),
        other => damaged(path, &other.to_string()),
    }
}
