//! A damaged file is refused as it is, or holds exactly what it held: never less, never something else.

use std::{fs, path::Path};

use pai_authz::{
    domain::{AccountId, AccountRecords, LogEntry, Revision},
    store::{Mode, RedbStore, Store as _, StoreError},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    Seeded,
    disk::Disk,
    records::{KINDS, Reach as _, account, change, op, revision, workspace_change},
};

struct Original {
    runtime: Runtime,
    directory: TempDir,
    bytes: Vec<u8>,
    content: Vec<(AccountRecords, Vec<LogEntry>)>,
}

/// What became of a damaged file.
#[derive(PartialEq, Eq)]
enum Fate {
    Refused,
    Whole,
}

impl Original {
    /// Returns a closed store with that many changes, each of several records.
    fn new(changes: u64) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("original.redb");
        let store = RedbStore::create(&path, Mode::Production).unwrap();
        for n in 0..changes {
            let id = account(["1", "10", "100"][usize::try_from(n % 3).unwrap()]);
            let change = if n % 2 == 0 {
                workspace_change(&format!("r-{n}"), n)
            } else {
                change(&format!("r-{n}"), (0..KINDS / 2).map(|kind| op(2 * kind, n, n)).collect())
            };
            runtime.block_on(store.reach(&id, revision(n / 3), &change)).unwrap();
        }
        let content = content(&runtime, &store).unwrap();
        assert_eq!(content.len(), 3);
        drop(store);
        let bytes = fs::read(&path).unwrap();
        Self { runtime, directory, bytes, content }
    }

    /// Asserts that a store of those bytes is refused as damaged and left alone, or holds everything.
    #[track_caller]
    fn check(&self, bytes: &[u8], what: &str) -> Fate {
        let path = self.directory.path().join("damaged.redb");
        fs::write(&path, bytes).unwrap();
        match RedbStore::open(&path, Mode::Production) {
            Ok(store) => {
                let found = content(&self.runtime, &store).unwrap();
                assert!(found == self.content, "{what}: opened, and holds something else");
                Fate::Whole
            }
            Err(StoreError::Damaged { path: named, detail }) => {
                assert_eq!(named, path);
                assert!(!detail.is_empty(), "{what}");
                assert!(fs::read(&path).unwrap() == bytes, "{what}: refused, and changed");
                Fate::Refused
            }
            Err(other) => panic!("{what}: {other:?}"),
        }
    }
}

fn content(
    runtime: &Runtime,
    store: &RedbStore,
) -> Result<Vec<(AccountRecords, Vec<LogEntry>)>, StoreError> {
    let accounts: Vec<AccountId> = runtime.block_on(store.accounts())?;
    accounts
        .iter()
        .map(|id| {
            let log = runtime.block_on(store.log(id, Revision::ORIGIN, usize::MAX))?;
            Ok((runtime.block_on(store.load(id))?, log))
        })
        .collect()
}

#[test]
fn what_is_no_store_is_refused() {
    let original = Original::new(3);
    let mut seeded = Seeded(1);
    let garbage: Vec<u8> = (0..100_000).map(|_| seeded.next().to_le_bytes()[0]).collect();
    let mut beginning = original.bytes[..16].to_vec();
    beginning.extend_from_slice(&garbage);
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("a byte", b"r".to_vec()),
        ("text", b"SQLite format 3\0".repeat(4_000)),
        ("zeros", vec![0; 1 << 20]),
        ("garbage", garbage),
        ("garbage after the beginning of a store", beginning),
    ] {
        assert!(original.check(&bytes, what) == Fate::Refused, "{what}");
    }
}

#[test]
fn a_redb_file_of_another_program_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("other.redb");
    drop(redb::Database::create(&path).unwrap());
    check_refused(&path);
    let directory = directory.path().join("a directory");
    fs::create_dir(&directory).unwrap();
    let refused = RedbStore::open(&directory, Mode::Production).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
}

#[track_caller]
fn check_refused(path: &Path) {
    let before = fs::read(path).unwrap();
    let refused = RedbStore::open(path, Mode::Production).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    assert!(fs::read(path).unwrap() == before);
}

#[test]
fn a_truncated_store_is_refused() {
    let original = Original::new(60);
    let len = original.bytes.len();
    for step in 0..50 {
        let kept = len * step / 50;
        let what = format!("cut to {kept} of {len} bytes");
        assert!(original.check(&original.bytes[..kept], &what) == Fate::Refused, "{what}");
    }
    for cut in [1, 511, 4096] {
        let what = format!("{cut} bytes short");
        assert!(original.check(&original.bytes[..len - cut], &what) == Fate::Refused, "{what}");
    }
}

#[test]
fn a_store_with_something_appended_is_refused_or_whole() {
    let original = Original::new(6);
    for extra in [1, 512, 4096, 1 << 20] {
        let mut bytes = original.bytes.clone();
        bytes.resize(bytes.len() + extra, 0xa5);
        original.check(&bytes, &format!("{extra} bytes appended"));
    }
}

#[test]
fn a_store_with_a_flipped_bit_or_byte_is_refused_or_whole() {
    let original = Original::new(90);
    let mut seeded = Seeded(20_261_123);
    let mut refused = 0;
    for flip in 0..200 {
        let mut bytes = original.bytes.clone();
        let at = usize::try_from(seeded.below(bytes.len() as u64)).unwrap();
        let mask = if flip % 2 == 0 { 1 << seeded.below(8) } else { 1 + seeded.below(255) };
        bytes[at] ^= u8::try_from(mask).unwrap();
        if original.check(&bytes, &format!("byte {at} ^ {mask:#x}")) == Fate::Refused {
            refused += 1;
        }
    }
    // Most of a young file is room it has not used yet; the flips that hit something are the test.
    assert!(refused >= 10, "only {refused} flips hit something");
}

#[test]
fn a_store_with_any_bit_of_its_header_flipped_is_refused_or_whole() {
    let original = Original::new(6);
    for bit in 0..320 * 8 {
        let mut bytes = original.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // In memory: a good part of these open, and opening syncs.
        let disk = Disk::holding(bytes.clone());
        match RedbStore::open_on(disk.clone(), Mode::Production) {
            Ok(store) => {
                let found = content(&original.runtime, &store).unwrap();
                assert!(found == original.content, "bit {bit}");
            }
            Err(StoreError::Damaged { .. }) => assert!(disk.bytes() == bytes, "bit {bit}"),
            Err(other) => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn a_store_with_a_page_from_elsewhere_is_refused_or_whole() {
    const PAGE: usize = 4096;
    let original = Original::new(60);
    let used: Vec<usize> = (1..original.bytes.len() / PAGE)
        .filter(|page| original.bytes[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
        .collect();
    let mut seeded = Seeded(7);
    let mut any = || used[usize::try_from(seeded.below(used.len() as u64)).unwrap()];
    for _ in 0..60 {
        let (from, to) = (any(), any());
        let mut bytes = original.bytes.clone();
        bytes.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
        original.check(&bytes, &format!("page {from} over page {to}"));
    }
}
