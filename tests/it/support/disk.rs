//! A disk in memory that counts, waits, fails and loses power on demand.

use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use redb::StorageBackend;

use super::Seeded;

/// What a real disk tears at the smallest.
const SECTOR: usize = 512;

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a test")]
struct State {
    /// What a reader of the running machine sees.
    bytes: Vec<u8>,
    /// What is there after a power cut if nothing unsynced made it.
    synced: Vec<u8>,
    /// What was asked for since the last sync.
    unsynced: Vec<Step>,
    /// Writes, length changes and syncs so far.
    steps: u64,
    syncs: u64,
    /// The step from which on everything fails.
    cut_at: Option<u64>,
    /// The syncs to fail: this many from now, the next being 0.
    failing_sync: Option<u64>,
    /// Whether writes and growth fail for want of room.
    full: bool,
    holding: bool,
    held: bool,
    /// Whether the next sync panics.
    panicking: bool,
}

enum Step {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

/// The disk; clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<(Mutex<State>, Condvar)>);

impl Disk {
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.state().synced.clone_from(&bytes);
        disk.state().bytes = bytes;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    pub(crate) fn synced_bytes(&self) -> Vec<u8> {
        self.state().synced.clone()
    }

    pub(crate) fn steps(&self) -> u64 {
        self.state().steps
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Makes the power fail at step `step`: it and all later ones do not happen.
    pub(crate) fn cut_power_at(&self, step: u64) {
        self.state().cut_at = Some(step);
    }

    /// Makes a sync fail once, after `passing` more have passed.
    pub(crate) fn fail_sync_after(&self, passing: u64) {
        self.state().failing_sync = Some(passing);
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// Makes the next sync panic, as a defect below the store would.
    pub(crate) fn panic_at_next_sync(&self) {
        self.state().panicking = true;
    }

    /// Holds the next sync up until [`Disk::let_go`].
    pub(crate) fn hold_syncs(&self) {
        self.state().holding = true;
    }

    /// Waits until a sync is held up.
    pub(crate) fn wait_until_held(&self) {
        let mut state = self.state();
        while !state.held {
            state = self.0.1.wait(state).unwrap();
        }
    }

    pub(crate) fn let_go(&self) {
        self.state().holding = false;
        self.0.1.notify_all();
    }

    /// Returns what is on the disk after a power cut in which each unsynced sector made it or did not.
    pub(crate) fn after_power_cut(&self, seeded: &mut Seeded) -> Vec<u8> {
        let state = self.state();
        let mut bytes = state.synced.clone();
        for step in &state.unsynced {
            match step {
                Step::SetLen(len) if seeded.below(2) == 0 => bytes.resize(*len, 0),
                Step::SetLen(_) => {}
                Step::Write(at, data) => {
                    for (index, sector) in data.chunks(SECTOR).enumerate() {
                        let at = at + index * SECTOR;
                        if seeded.below(2) == 0
                            && let Some(target) = bytes.get_mut(at..at + sector.len())
                        {
                            target.copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl State {
    /// Counts a step and refuses it when the power is off.
    fn step(&mut self) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        match self.cut_at {
            Some(cut) if step >= cut => Err(io::Error::other("the power is off")),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let state = self.state();
        let source = state.bytes.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(source);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).unwrap();
        let mut state = self.state();
        state.step()?;
        if state.full && len > state.bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.bytes.resize(len, 0);
        state.unsynced.push(Step::SetLen(len));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let mut state = self.state();
        state.step()?;
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state
            .bytes
            .get_mut(at..at + data.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?
            .copy_from_slice(data);
        state.unsynced.push(Step::Write(at, data.to_vec()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        while state.holding {
            state.held = true;
            self.0.1.notify_all();
            state = self.0.1.wait(state).unwrap();
        }
        state.held = false;
        if std::mem::take(&mut state.panicking) {
            drop(state);
            panic!("a defect below the store");
        }
        match state.failing_sync {
            Some(0) => {
                state.failing_sync = None;
                return Err(io::Error::other("the disk is on fire"));
            }
            Some(passing) => state.failing_sync = Some(passing - 1),
            None => {}
        }
        state.syncs += 1;
        state.unsynced.clear();
        let bytes = state.bytes.clone();
        state.synced = bytes;
        Ok(())
    }
}
