//! Files of the embedded store: made, opened, shared with nobody.

use std::{fs, path::Path, process::Command};

use pai_authz::{
    domain::Revision,
    store::{Mode, RedbStore, Store as _, StoreError},
};
use tempfile::TempDir;

use crate::support::records::{Reach as _, account, records_after, revision, workspace_change};

fn opening(path: &Path, mode: Mode) -> StoreError {
    let before = fs::read(path).ok();
    let refused = RedbStore::open(path, mode).unwrap_err();
    assert_eq!(fs::read(path).ok(), before, "a refused file is left as it is");
    refused
}

#[tokio::test]
async fn a_reopened_store_holds_everything() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let id = account("1000");
    let changes: Vec<_> = (0..9).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    drop(RedbStore::create(&path, Mode::Production).unwrap());
    for (counter, change) in (0..).zip(&changes) {
        let store = RedbStore::open(&path, Mode::Production).unwrap();
        assert_eq!(
            store.reach(&id, revision(counter), change).await.unwrap(),
            revision(counter + 1)
        );
    }
    let store = RedbStore::open(&path, Mode::Production).unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes));
    // Request ids are remembered across restarts, too.
    assert_eq!(store.reach(&id, revision(77), &changes[3]).await.unwrap(), revision(4));
    assert_eq!(store.accounts().await.unwrap(), [id]);
}

#[tokio::test]
async fn dropping_a_store_writes_what_was_queued() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let store = RedbStore::create(&path, Mode::Production).unwrap();
    let id = account("1000");
    let changes: Vec<_> = (0..40).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    {
        let applies = (0..).zip(&changes).map(|(n, c)| store.reach(&id, revision(n), c));
        // Begun, and nobody waits for the answers.
        drop(crate::support::begin_all(applies).await);
    }
    drop(store);
    let store = RedbStore::open(&path, Mode::Production).unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes));
}

#[test]
fn a_store_that_is_open_is_refused_to_this_process_and_to_others() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let store = RedbStore::create(&path, Mode::Development).unwrap();
    let refused = opening(&path, Mode::Development);
    assert!(matches!(&refused, StoreError::InUse { path: named } if *named == path), "{refused:?}");
    let other = || {
        Command::new(env!("CARGO_BIN_EXE_pai-authz"))
            .args(["bench", "store", "--seconds", "1", "--store"])
            .arg(format!("redb:{}", path.display()))
            .output()
            .unwrap()
    };
    let output = other();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("is in use by another process"), "{message}");
    drop(store);
    assert!(other().status.success());
}

#[test]
fn a_store_of_the_other_mode_is_refused_with_what_to_do() {
    for (made, asked, what_to_do) in [
        (Mode::Production, Mode::Development, "open it without `--dev`"),
        (Mode::Development, Mode::Production, "open it with `--dev`"),
    ] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store.redb");
        drop(RedbStore::create(&path, made).unwrap());
        let refused = opening(&path, asked);
        assert!(matches!(refused, StoreError::Mode(_)), "{refused:?}");
        assert!(refused.to_string().contains(what_to_do), "{refused}");
        RedbStore::open(&path, made).unwrap();
    }
}

#[test]
fn a_store_others_can_write_is_not_trusted() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    drop(RedbStore::create(&path, Mode::Production).unwrap());
    let set = |mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&path, permissions).unwrap();
    };
    for exposed in [0o620, 0o602, 0o666] {
        set(exposed);
        let refused = opening(&path, Mode::Production);
        assert!(matches!(refused, StoreError::Exposed { .. }), "{refused:?}");
    }
    set(0o640);
    RedbStore::open(&path, Mode::Production).unwrap();
}

#[test]
fn a_store_that_is_not_there_is_missing_and_not_made() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let refused = opening(&path, Mode::Production);
    assert!(matches!(refused, StoreError::Missing { .. }), "{refused:?}");
    assert!(!path.exists());
}

#[test]
fn a_new_store_gets_its_directories_and_nobody_else_may_read_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a/b/store.redb");
    drop(RedbStore::create(&path, Mode::Production).unwrap());
    let beside: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "nothing but the store is left: {beside:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[test]
fn a_new_store_never_replaces_what_is_there() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    fs::write(&path, "something dear").unwrap();
    for what in [&path, directory.path()] {
        let refused = RedbStore::create(what, Mode::Production).unwrap_err();
        assert!(matches!(refused, StoreError::Exists { .. }), "{refused:?}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"something dear");
}

#[tokio::test]
async fn a_store_written_by_a_newer_version_is_refused() {
    use redb::{Database, TableDefinition};
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    drop(RedbStore::create(&path, Mode::Production).unwrap());
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(TableDefinition::<&str, &[u8]>::new("marker"))
        .unwrap()
        .insert("store", b"pai-authz store\0\0\0\0\x03p-and-more".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = opening(&path, Mode::Production);
    assert!(matches!(refused, StoreError::Format { found: 3, supported: 2 }), "{refused:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_damage_and_not_skipped() {
    use redb::{Database, TableDefinition};
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    let store = RedbStore::create(&path, Mode::Production).unwrap();
    let id = account("1000");
    store.reach(&id, Revision::ORIGIN, &workspace_change("r-1", 1)).await.unwrap();
    drop(store);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(TableDefinition::<&str, &[u8]>::new("records"))
        .unwrap()
        .insert("{1000}:member:1:1", b"\x01{}".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let store = RedbStore::open(&path, Mode::Production).unwrap();
    let refused = store.load(&id).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Damaged { path: named, .. } if *named == path),
        "{refused:?}"
    );
    // Another account is not concerned.
    store.load(&account("100")).await.unwrap();
}
