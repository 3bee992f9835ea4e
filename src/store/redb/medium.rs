//! What lies between redb and the file: writes are held back until the file is known to be sound, and failures
//! are remembered.
//!
//! redb repairs what it opens. A file that is refused must stay byte for byte as it was, so a [`Guarded`] medium
//! starts *staged*: what redb writes while it opens and checks is kept in memory and read back from there. Only
//! [`Guarded::release`] carries it out, in the order redb asked for, syncs included, so a crash meanwhile is the
//! crash redb is built for. After a failed write the store opens a second, never released view of the same
//! medium: reads go on there, and nothing more is written.

use std::{
    fmt, io,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use redb::{BackendError, StorageBackend};

/// The bytes themselves, shared by the views of them; closed when the last view is gone.
pub(super) struct Medium {
    inner: Box<dyn StorageBackend>,
    // One lock for all views: a second view of the same process is not a second process.
    locked: AtomicBool,
}

impl Medium {
    pub(super) fn new(inner: Box<dyn StorageBackend>) -> Arc<Self> {
        Arc::new(Self { inner, locked: AtomicBool::new(false) })
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        // Nothing can be done about an error here, and every acknowledged change was synced before.
        drop(self.inner.close());
    }
}

impl fmt::Debug for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// One thing redb asked for while the medium was staged.
#[derive(Debug)]
enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

/// What was asked for and not carried out.
#[derive(Debug)]
struct Staged {
    /// How much of the medium still shows through.
    visible: u64,
    /// The length redb sees.
    len: u64,
    steps: Vec<Step>,
}

impl Staged {
    fn read(&self, medium: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len);
        let Some(end) = end else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let shown = usize::try_from(self.visible.min(end).saturating_sub(offset))
            .map_err(io::Error::other)?;
        if let Some((below, beyond)) = out.split_at_mut_checked(shown) {
            if !below.is_empty() {
                medium.read(offset, below)?;
            }
            beyond.fill(0);
        }
        for step in &self.steps {
            match step {
                Step::Write(at, data) => overlay(out, offset, data, *at),
                // What is cut off and grown again reads as zeros.
                Step::SetLen(len) => {
                    let kept = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
                    if let Some(cut) = out.get_mut(kept..) {
                        cut.fill(0);
                    }
                }
                Step::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies the part of `data` (lying at `at`) that falls into `out` (lying at `offset`).
fn overlay(out: &mut [u8], offset: u64, data: &[u8], at: u64) {
    let skip_out = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let skip_data = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    if let (Some(out), Some(data)) = (out.get_mut(skip_out..), data.get(skip_data..)) {
        for (target, source) in out.iter_mut().zip(data) {
            *target = *source;
        }
    }
}

/// The first failure since the medium was opened.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: io::ErrorKind,
    pub(super) detail: String,
    /// Whether a sync failed. What was written before it may then be lost even if a later sync succeeds.
    pub(super) syncing: bool,
}

impl Failure {
    /// Whether the medium had no room.
    pub(super) const fn is_full(&self) -> bool {
        matches!(
            self.kind,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }
}

#[derive(Debug)]
struct View {
    medium: Arc<Medium>,
    /// `None` once released: then everything goes straight to the medium.
    staged: RwLock<Option<Staged>>,
    severed: AtomicBool,
    syncs: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

/// A view of a medium, to be given to redb; clones are the same view.
#[derive(Debug, Clone)]
pub(super) struct Guarded(Arc<View>);

impl Guarded {
    /// Returns a staged view: it reads the medium and keeps every write to itself.
    pub(super) fn staged(medium: &Arc<Medium>) -> io::Result<Self> {
        let len = medium.inner.len()?;
        Ok(Self::new(medium, Some(Staged { visible: len, len, steps: Vec::new() })))
    }

    /// Returns a view that writes straight through, for a medium that is still empty.
    pub(super) fn released(medium: &Arc<Medium>) -> Self {
        Self::new(medium, None)
    }

    fn new(medium: &Arc<Medium>, staged: Option<Staged>) -> Self {
        Self(Arc::new(View {
            medium: Arc::clone(medium),
            staged: RwLock::new(staged),
            severed: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            failure: Mutex::new(None),
        }))
    }

    /// Reads the medium itself, past everything held back.
    pub(super) fn read_medium(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.medium.inner.read(offset, out)
    }

    /// Notes that the locks are held for as long as the medium lives.
    pub(super) fn keep_locks(&self) {
        self.0.medium.locked.store(true, Ordering::Release);
    }

    /// Ends this view: once this returns nothing goes through it any more, in either direction.
    ///
    /// A view that failed is severed before another one may write, for its readers would find their pages
    /// overwritten and its closing would write over what the other one wrote.
    pub(super) fn sever(&self) {
        // Taking the lock waits for what is going on.
        let staged = self.0.staged.write().unwrap_or_else(PoisonError::into_inner);
        self.0.severed.store(true, Ordering::Release);
        drop(staged);
    }

    /// Carries out what was held back and holds nothing back from now on.
    ///
    /// # Errors
    /// The medium's first failure; the view then stays staged.
    pub(super) fn release(&self) -> io::Result<()> {
        let mut staged = self.0.staged.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = staged.as_ref() else { return Ok(()) };
        let medium = &self.0.medium.inner;
        for step in &held.steps {
            match step {
                Step::Write(offset, data) => medium.write(*offset, data)?,
                Step::SetLen(len) => medium.set_len(*len)?,
                Step::Sync => medium.sync_data()?,
            }
        }
        *staged = None;
        Ok(())
    }

    /// Returns another, staged view of the same medium, as it is now.
    pub(super) fn again(&self) -> io::Result<Self> {
        Self::staged(&self.0.medium)
    }

    /// Returns how many syncs have succeeded.
    pub(super) fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::Acquire)
    }

    /// Returns the first failure, if there was one.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure_slot().clone()
    }

    fn failure_slot(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn staged_now(&self) -> RwLockReadGuard<'_, Option<Staged>> {
        self.0.staged.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, syncing: bool, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.failure_slot().get_or_insert_with(|| Failure {
                kind: error.kind(),
                detail: error.to_string(),
                syncing,
            });
        }
        result
    }

    /// Asks the medium, unless this view is severed.
    fn ask<T>(
        &self,
        syncing: bool,
        ask: impl FnOnce(&dyn StorageBackend) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.0.severed.load(Ordering::Acquire) {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.note(syncing, ask(&*self.0.medium.inner))
    }

    /// Holds a step back if the view is staged; otherwise asks the medium.
    fn hold_or<T: Default>(
        &self,
        step: impl FnOnce() -> Step,
        ask: impl FnOnce(&dyn StorageBackend) -> io::Result<T>,
    ) -> io::Result<T> {
        // A released view stays released, and its writes need not exclude its reads.
        let staged = self.staged_now();
        if staged.is_none() {
            return self.ask(false, ask);
        }
        drop(staged);
        let mut staged = self.0.staged.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = staged.as_mut() else { return self.ask(false, ask) };
        let step = step();
        if let Step::SetLen(len) = step {
            held.len = len;
            held.visible = held.visible.min(len);
        }
        held.steps.push(step);
        Ok(T::default())
    }
}

impl StorageBackend for Guarded {
    fn len(&self) -> io::Result<u64> {
        let staged = self.staged_now();
        staged.as_ref().map_or_else(|| self.ask(false, StorageBackend::len), |held| Ok(held.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let staged = self.staged_now();
        self.ask(false, |medium| match staged.as_ref() {
            Some(held) => held.read(medium, offset, out),
            None => medium.read(offset, out),
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.hold_or(|| Step::SetLen(len), |medium| medium.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let staged = self.staged_now();
        if staged.is_some() {
            drop(staged);
            return self.hold_or(|| Step::Sync, StorageBackend::sync_data);
        }
        self.ask(true, StorageBackend::sync_data)?;
        self.0.syncs.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.hold_or(|| Step::Write(offset, data.to_vec()), |medium| medium.write(offset, data))
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        // INVARIANT: redb in its exclusive mode takes all its locks in one open, on one thread; views after the
        // first are opened only once that open has succeeded.
        if self.0.medium.locked.load(Ordering::Acquire) {
            return Ok(true);
        }
        self.0.medium.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        if self.0.medium.locked.load(Ordering::Acquire) {
            return Ok(true);
        }
        self.0.medium.inner.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if self.0.medium.locked.load(Ordering::Acquire) {
            return Ok(());
        }
        self.0.medium.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.medium.inner.query_lock_range(start, end)
    }

    // `close` keeps its empty default: the medium is closed, and its locks released, with its last view.
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    #[track_caller]
    fn check(view: &Guarded, offset: u64, expected: &[u8]) {
        let mut out = vec![9; expected.len()];
        view.read(offset, &mut out).unwrap();
        assert_eq!(out, expected);
    }

    #[test]
    fn a_staged_view_reads_its_own_writes_and_leaves_the_medium_alone_until_it_is_released() {
        let bytes = InMemoryBackend::new();
        bytes.set_len(6).unwrap();
        bytes.write(0, b"abcdef").unwrap();
        let medium = Medium::new(Box::new(bytes));
        let view = Guarded::staged(&medium).unwrap();
        view.write(2, b"XY").unwrap();
        check(&view, 0, b"abXYef");
        check(&view, 3, b"Ye");
        view.set_len(3).unwrap();
        view.set_len(8).unwrap();
        check(&view, 1, b"bX\0\0\0\0\0");
        view.write(6, b"z!").unwrap();
        view.sync_data().unwrap();
        check(&view, 0, b"abX\0\0\0z!");
        assert!(view.read(7, &mut [0; 2]).is_err());
        let other = view.again().unwrap();
        check(&other, 0, b"abcdef");
        view.release().unwrap();
        let mut out = [0; 8];
        medium.inner.read(0, &mut out).unwrap();
        assert_eq!(&out, b"abX\0\0\0z!");
        view.write(0, b"A").unwrap();
        medium.inner.read(0, &mut out).unwrap();
        assert_eq!(&out, b"AbX\0\0\0z!");
    }
}
