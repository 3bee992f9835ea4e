//! A disk that is slow, full, failing or without power: what was acknowledged stays, the rest is honest.

use pai_authz::{
    domain::{AccountId, AccountRecords, Change, Revision},
    store::{Mode, RedbStore, Store as _, StoreError},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
};

use crate::support::{
    Seeded, begin_all,
    disk::Disk,
    records::{
        KINDS, Reach as _, account, assert_log_leads_to, change, op, records_after, revision,
        workspace_change,
    },
};

#[tokio::test]
async fn changes_that_wait_for_a_sync_share_the_next_one() {
    let disk = Disk::default();
    let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
    let ids: Vec<_> = (1..=8).map(|n| account(&n.to_string())).collect();
    let (id, first) = (account("1000"), workspace_change("first", 1));
    let before = disk.syncs();
    disk.hold_syncs();
    let held = begin_all([store.reach(&id, Revision::ORIGIN, &first)]).await;
    let waiting = disk.clone();
    spawn_blocking(move || waiting.wait_until_held()).await.unwrap();
    let changes: Vec<_> = (0..8).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    let applies = ids.iter().flat_map(|id| {
        (0..).zip(&changes).map(|(counter, change)| store.reach(id, revision(counter), change))
    });
    let queued = begin_all(applies).await;
    disk.let_go();
    assert_eq!(held.finish().await.pop().unwrap().unwrap(), revision(1));
    let answers = queued.finish().await;
    assert_eq!(answers.len(), 64);
    assert!(answers.iter().all(Result::is_ok));
    // Two syncs a commit, two more where the file grows: one commit for the first change, one for the 64 behind it.
    let syncs = disk.syncs() - before;
    assert!((4..=8).contains(&syncs), "{syncs} syncs");
    for id in &ids {
        assert_eq!(store.load(id).await.unwrap(), records_after(id, &changes));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_changes_keeps_answering_and_goes_on_when_there_is_room() {
    let disk = Disk::default();
    let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
    let id = account("1000");
    let first = workspace_change("r-1", 1);
    store.reach(&id, Revision::ORIGIN, &first).await.unwrap();
    disk.set_full(true);
    let (second, third) = (workspace_change("r-2", 2), workspace_change("r-3", 3));
    for _ in 0..3 {
        let refused = store.reach(&id, revision(1), &second).await.unwrap_err();
        assert!(matches!(refused, StoreError::Full), "{refused:?}");
        assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first]));
        assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap().len(), 1);
    }
    disk.set_full(false);
    assert_eq!(store.reach(&id, revision(1), &third).await.unwrap(), revision(2));
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first, &third]));
    drop(store);
    let store = RedbStore::open_on(Disk::holding(disk.synced_bytes()), Mode::Production).unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first, &third]));
}

#[track_caller]
fn assert_unavailable(refused: &StoreError, expected: bool) {
    assert!(
        matches!(refused, StoreError::Unavailable { may_be_applied, .. } if *may_be_applied == expected),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_failed_sync_is_not_acknowledged_and_stops_writing_until_the_store_is_reopened() {
    // A commit syncs twice; after the first the change may be there when the store is opened again.
    for (passing, in_doubt) in [(0, false), (1, true)] {
        let disk = Disk::default();
        let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
        let id = account("1000");
        let changes: Vec<_> = (0..3).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
        store.reach(&id, revision(0), &changes[0]).await.unwrap();
        disk.fail_sync_after(passing);
        let refused = store.reach(&id, revision(1), &changes[1]).await.unwrap_err();
        assert_unavailable(&refused, in_doubt);
        // The disk is well again, but nobody knows what it dropped.
        let refused = store.reach(&id, revision(1), &changes[1]).await.unwrap_err();
        assert_unavailable(&refused, in_doubt);
        let refused = store.reach(&id, revision(1), &changes[2]).await.unwrap_err();
        assert_unavailable(&refused, false);
        let seen = store.load(&id).await.unwrap();
        let log = store.log(&id, Revision::ORIGIN, 9).await.unwrap();
        assert_log_leads_to(&log, &seen);
        assert!((1..=1 + usize::from(in_doubt)).contains(&log.len()));
        drop(store);
        for bytes in [disk.bytes(), disk.synced_bytes()] {
            let store = RedbStore::open_on(Disk::holding(bytes), Mode::Production).unwrap();
            let found = store.load(&id).await.unwrap();
            let applied = usize::try_from(found.revision.counter).unwrap();
            assert_eq!(found, records_after(&id, &changes[..applied]));
            assert!((1..=1 + usize::from(in_doubt)).contains(&applied));
            // A retry under the same id ends the doubt.
            assert_eq!(store.reach(&id, revision(1), &changes[1]).await.unwrap(), revision(2));
        }
    }
}

#[tokio::test]
async fn a_failed_commit_is_told_to_everybody_who_shared_it() {
    let disk = Disk::default();
    let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
    let (one, other) = (account("1"), account("2"));
    let first = workspace_change("first", 1);
    let changes: Vec<_> = (0..5).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    disk.hold_syncs();
    let held = begin_all([store.reach(&one, revision(0), &first)]).await;
    let waiting = disk.clone();
    spawn_blocking(move || waiting.wait_until_held()).await.unwrap();
    let applies = (0..).zip(&changes).map(|(n, change)| store.reach(&other, revision(n), change));
    let queued = begin_all(applies).await;
    disk.fail_sync_after(2);
    disk.let_go();
    assert_eq!(held.finish().await.pop().unwrap().unwrap(), revision(1));
    for answer in queued.finish().await {
        assert_unavailable(&answer.unwrap_err(), false);
    }
    assert_eq!(store.load(&one).await.unwrap(), records_after(&one, [&first]));
    assert_eq!(store.load(&other).await.unwrap(), AccountRecords::empty(other));
}

#[tokio::test]
async fn a_panic_below_the_store_is_a_failed_commit_and_nothing_is_written_after_it() {
    let disk = Disk::default();
    let store = RedbStore::create_on(disk.clone(), Mode::Production).unwrap();
    let id = account("1000");
    let changes: Vec<_> = (0..3).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    store.reach(&id, revision(0), &changes[0]).await.unwrap();
    disk.panic_at_next_sync();
    assert_unavailable(&store.reach(&id, revision(1), &changes[1]).await.unwrap_err(), false);
    let steps = disk.steps();
    assert_unavailable(&store.reach(&id, revision(1), &changes[2]).await.unwrap_err(), false);
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes[..1]));
    drop(store);
    assert_eq!(disk.steps(), steps, "closing it wrote to what is in doubt");
    let store = RedbStore::open_on(Disk::holding(disk.bytes()), Mode::Production).unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes[..1]));
}

/// What a script of changes came to before the power was cut.
struct Script {
    runtime: Runtime,
    ids: [AccountId; 2],
    changes: Vec<Change>,
}

impl Script {
    fn new() -> Self {
        let ids = ["1", "10"].map(account);
        let changes = (0..12_u64).map(|n| match n % 3 {
            0 => workspace_change(&format!("r-{n}"), n),
            1 => change(&format!("r-{n}"), (0..KINDS).map(|kind| op(kind, n % 4, n)).collect()),
            _ => change(&format!("r-{n}"), vec![op(2, 1, n), op(6, 3, n), op(3, n - 2, 0)]),
        });
        let runtime = Builder::new_current_thread().build().unwrap();
        Self { runtime, ids, changes: changes.collect() }
    }

    /// Opens the store and applies the changes in turn to the two accounts; returns how many were acknowledged.
    fn run(&self, disk: &Disk) -> usize {
        let Ok(store) = RedbStore::open_on(disk.clone(), Mode::Production) else { return 0 };
        let applies = (0..).zip(&self.changes).map(|(n, change)| {
            let id = &self.ids[n % 2];
            self.runtime.block_on(store.reach(id, revision(n as u64 / 2), change))
        });
        applies.take_while(Result::is_ok).count()
    }

    /// Asserts that the store holds the acknowledged changes, and at most one more, whole.
    #[track_caller]
    fn check(&self, bytes: Vec<u8>, acknowledged: usize, what: &str) {
        let store = RedbStore::open_on(Disk::holding(bytes), Mode::Production)
            .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let found = self.ids.each_ref().map(|id| {
            let records = self.runtime.block_on(store.load(id)).unwrap();
            let log = self.runtime.block_on(store.log(id, Revision::ORIGIN, 99)).unwrap();
            assert_log_leads_to(&log, &records);
            records
        });
        let expected = |applied: usize| {
            let of = |parity| {
                let mine =
                    (0..).zip(&self.changes[..applied]).filter(move |(n, _)| n % 2 == parity);
                records_after(&self.ids[parity], mine.map(|(_, change)| change))
            };
            [of(0), of(1)]
        };
        let one_more = (acknowledged + 1).min(self.changes.len());
        assert!(
            found == expected(acknowledged) || found == expected(one_more),
            "{what}: {acknowledged} acknowledged, found {found:?}"
        );
    }
}

#[test]
fn a_power_cut_at_any_write_loses_no_acknowledged_change_and_halves_none() {
    let script = Script::new();
    let fresh = Disk::default();
    drop(RedbStore::create_on(fresh.clone(), Mode::Production).unwrap());
    let fresh = fresh.bytes();
    let whole = Disk::holding(fresh.clone());
    assert_eq!(script.run(&whole), script.changes.len());
    assert!(whole.steps() > 60, "{} steps", whole.steps());
    for cut in 0..=whole.steps() {
        let disk = Disk::holding(fresh.clone());
        disk.cut_power_at(cut);
        let acknowledged = script.run(&disk);
        script.check(disk.synced_bytes(), acknowledged, &format!("cut at {cut}, only the synced"));
        script.check(disk.bytes(), acknowledged, &format!("cut at {cut}, killed"));
        for seed in 0..2 {
            let torn = disk.after_power_cut(&mut Seeded(cut * 10 + seed));
            script.check(torn, acknowledged, &format!("cut at {cut}, torn by seed {seed}"));
        }
    }
}
