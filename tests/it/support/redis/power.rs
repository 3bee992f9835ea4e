//! What a power cut leaves of a server's files: what it had synced, and nothing of what only the kernel had.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tempfile::TempDir;

use super::process::must;

/// Where, in the folder of a server, is written down what it synced.
const SYNCED: &str = "synced";

/// Returns what a server must find in its environment for [`cut`].
pub(super) fn environment() -> [(&'static str, PathBuf); 2] {
    static LIBRARY: OnceLock<TempDir> = OnceLock::new();
    let directory = LIBRARY.get_or_init(|| {
        let directory = TempDir::new().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/redis/power.c");
        let source = source.to_str().unwrap();
        must(
            "cc",
            &["-shared", "-fPIC", "-O1", "-Wall", "-o", "power.so", source],
            directory.path(),
        );
        directory
    });
    [("LD_PRELOAD", directory.path().join("power.so")), ("SYNCED", SYNCED.into())]
}

/// Cuts off what a dead server had not synced of its append-only file.
pub(super) fn cut(directory: &Path) {
    let notes = fs::read_to_string(directory.join(SYNCED)).unwrap();
    let mut synced = BTreeMap::<u64, u64>::new();
    for line in notes.lines() {
        let (inode, bytes) = line.split_once(' ').unwrap();
        let most = synced.entry(inode.parse().unwrap()).or_default();
        *most = bytes.parse::<u64>().unwrap().max(*most);
    }
    for entry in fs::read_dir(directory.join("appendonlydir")).unwrap() {
        let path = entry.unwrap().path();
        let file = File::options().write(true).open(&path).unwrap();
        let (inode, bytes) = (file.metadata().unwrap().ino(), file.metadata().unwrap().len());
        let left = synced.get(&inode).copied().unwrap_or(0);
        file.set_len(left.min(bytes)).unwrap();
    }
}
