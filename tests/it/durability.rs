//! What may be lost of what was acknowledged, by how Redis is run and what goes wrong: the cells of docs/durability.md.
//!
//! Eight writers write, a server is killed under them, and what is found afterwards is compared with what was
//! acknowledged. Whatever is lost must be noticed by who had seen it, every time.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use pai_authz::{
    config::RedisSettings,
    domain::{AccountId, Revision},
    store::{Mode, RedbStore, Store, StoreError},
};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use crate::support::{
    Seeded, full,
    load::last,
    records::{Reach as _, account, revision, workspace_change},
    redis::{Cluster, Redis, Sentinels},
    redis_store, report,
    server::until,
};

const WRITERS: u64 = 8;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A server process dies.
    Kill,
    /// A single server loses what it had not synced.
    PowerCut,
    /// A single server loses its disk, and is given the copy of it that was made a moment before.
    Restore,
    /// The replicas are cut off for a while, and then the primary dies for good.
    CutOff,
    /// Somebody empties the primary.
    Empty,
}

/// Servers that can break and be mended.
trait Breaks {
    fn url(&self) -> String;
    /// Returns when the fault has happened.
    fn fail(&mut self, fault: Fault);
    /// Returns when there is a primary again that takes writes.
    fn mend(&mut self, fault: Fault);
}

/// Lets some changes be acknowledged that a backup or a replica does not have.
fn let_some_changes_come() {
    last(Duration::from_millis(200));
}

impl Breaks for Redis {
    fn url(&self) -> String {
        Self::url(self)
    }

    fn fail(&mut self, fault: Fault) {
        match fault {
            Fault::Kill => self.kill(),
            Fault::PowerCut => self.cut_power(),
            Fault::Empty => assert_eq!(self.cli(&["FLUSHALL"]), "OK"),
            Fault::Restore => {
                let folder = self.append_only_folder();
                let backup = TempDir::new().unwrap();
                for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                    fs::copy(entry.path(), backup.path().join(entry.file_name())).unwrap();
                }
                let_some_changes_come();
                self.kill();
                for entry in fs::read_dir(backup.path()).unwrap().map(Result::unwrap) {
                    fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
                }
            }
            Fault::CutOff => unreachable!("a single server has no replicas"),
        }
    }

    fn mend(&mut self, fault: Fault) {
        if fault != Fault::Empty {
            self.restart();
        }
    }
}

struct Watched {
    servers: Sentinels,
    dead: usize,
}

impl Watched {
    fn start() -> Self {
        Self { servers: Sentinels::start(&[]), dead: 0 }
    }
}

impl Breaks for Watched {
    fn url(&self) -> String {
        self.servers.url()
    }

    fn fail(&mut self, fault: Fault) {
        self.dead = self.servers.primary();
        if fault == Fault::Empty {
            assert_eq!(self.servers.cli(self.dead, &["FLUSHALL"]), "OK");
            return;
        }
        if fault == Fault::CutOff {
            for node in (0..3).filter(|node| *node != self.dead) {
                self.servers.cut_replication(node);
            }
            let_some_changes_come();
        }
        self.servers.kill(self.dead);
    }

    fn mend(&mut self, fault: Fault) {
        if fault == Fault::Empty {
            return;
        }
        let primary = self.servers.wait_for_primary_other_than(self.dead);
        self.servers.restart(self.dead);
        self.servers.wait_until_followed(primary);
    }
}

struct Clustered {
    servers: Cluster,
    dead: usize,
}

impl Clustered {
    fn start() -> Self {
        Self { servers: Cluster::start(), dead: 0 }
    }
}

impl Breaks for Clustered {
    fn url(&self) -> String {
        self.servers.url()
    }

    fn fail(&mut self, fault: Fault) {
        self.dead = self.servers.node_of("{1}:meta");
        if fault == Fault::Empty {
            assert_eq!(self.servers.cli(self.dead, &["FLUSHALL"]), "OK");
            return;
        }
        if fault == Fault::CutOff {
            self.servers.cut_replicas_of(self.dead);
            let_some_changes_come();
        }
        self.servers.kill(self.dead);
    }

    fn mend(&mut self, fault: Fault) {
        if fault == Fault::Empty {
            return;
        }
        self.servers.wait_until_ok_without(self.dead);
        self.servers.restart(self.dead);
        self.servers.allow_replication();
        self.servers.wait_until_ok();
    }
}

/// What was acknowledged and what was lost of it.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: u64,
    lost: u64,
    rounds_with_loss: u64,
}

/// Breaks the servers so many times under load.
fn measure(servers: &mut dyn Breaks, fault: Fault, settings: &RedisSettings, rounds: u64) -> Tally {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut seeded = Seeded(20_261_125);
    let mut tally = Tally::default();
    for round in 0..rounds {
        let store = redis_store(&servers.url(), settings, Mode::Production);
        // Accounts of their own each round: what was lost before is not in the way.
        let accounts: Vec<AccountId> =
            (1..=WRITERS).map(|n| account(&(round * 100 + n).to_string())).collect();
        let (count, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut writers = JoinSet::new();
        for id in &accounts {
            writers.spawn_on(
                write(store.clone(), id.clone(), count.clone(), over.clone()),
                runtime.handle(),
            );
        }
        let enough = 50 + seeded.below(200);
        until("changes are acknowledged", || count.load(Ordering::SeqCst) >= enough);
        servers.fail(fault);
        // Those whose node lives would write for ever.
        over.store(true, Ordering::SeqCst);
        let acknowledged: Vec<(AccountId, Revision)> = runtime.block_on(writers.join_all());
        servers.mend(fault);
        let mut lost = 0;
        for (id, reached) in acknowledged {
            // One that knows nothing of before, as a service that starts now.
            let found =
                load(&runtime, &redis_store(&servers.url(), settings, Mode::Production), &id)
                    .unwrap();
            let missing = reached.counter.saturating_sub(found.counter);
            tally.acknowledged += reached.counter;
            lost += missing;
            // And one that does.
            match (missing, load(&runtime, &store, &id)) {
                (0, Ok(_)) | (_, Err(StoreError::Regressed { .. })) => {}
                (missing, other) => {
                    panic!("{missing} changes of {id} are lost, and noticed is {other:?}")
                }
            }
        }
        tally.lost += lost;
        tally.rounds_with_loss += u64::from(lost > 0);
    }
    tally
}

/// Writes until the store fails or it is over, and returns what was acknowledged.
async fn write(
    store: Arc<dyn Store>,
    id: AccountId,
    count: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
) -> (AccountId, Revision) {
    let mut reached = Revision::ORIGIN;
    while !over.load(Ordering::SeqCst) {
        let change = workspace_change(&format!("r-{}", reached.counter), reached.counter);
        match store.apply(&id, reached, &change).await {
            Ok(applied) => {
                reached = applied.revision;
                count.fetch_add(1, Ordering::SeqCst);
            }
            Err(StoreError::Unavailable { .. } | StoreError::Regressed { .. }) => {
                return (id, reached);
            }
            Err(other) => panic!("{id} at {reached:?}: {other:?}"),
        }
    }
    (id, reached)
}

/// Loads an account as soon as somebody answers.
fn load(runtime: &Runtime, store: &Arc<dyn Store>, id: &AccountId) -> Result<Revision, StoreError> {
    let mut answer = None;
    until("the account can be read", || {
        match runtime.block_on(store.load(id)) {
            Err(StoreError::Unavailable { .. }) => {}
            Ok(records) => answer = Some(Ok(records.revision)),
            Err(error) => answer = Some(Err(error)),
        }
        answer.is_some()
    });
    answer.unwrap()
}

/// Measures one cell of the table, tells it, and returns it. Whatever is lost must have been noticed.
#[track_caller]
fn cell(mode: &str, servers: &mut dyn Breaks, quorum: u32, fault: Fault, rounds: u64) -> Tally {
    let write_quorum = (quorum > 0).then_some(quorum);
    let settings = RedisSettings { write_quorum, ..RedisSettings::default() };
    let tally = measure(servers, fault, &settings, rounds);
    let Tally { acknowledged, lost, rounds_with_loss } = tally;
    report(&format!(
        "{mode}, quorum {quorum}, {fault:?}: {rounds} times, {acknowledged} changes acknowledged, {lost} lost in \
         {rounds_with_loss} of them, every loss noticed"
    ));
    assert!(acknowledged > rounds * 50, "{tally:?}");
    tally
}

#[test]
fn a_single_server_that_syncs_always_loses_nothing_when_it_is_killed_or_loses_its_power() {
    for fault in [Fault::Kill, Fault::PowerCut] {
        // Each with accounts that nobody has written before.
        let mut server = Redis::appending("always");
        assert_eq!(cell("single, AOF always", &mut server, 0, fault, full(5, 200)).lost, 0);
    }
}

/// While the disk is slow to sync, Redis holds back what it would append, for up to two seconds.
#[test]
fn a_single_server_that_syncs_every_second_and_is_killed_may_lose_and_that_is_noticed() {
    let mut server = Redis::appending("everysec");
    cell("single, AOF everysec", &mut server, 0, Fault::Kill, full(5, 200));
}

#[test]
fn a_single_server_that_syncs_every_second_and_loses_its_power_loses_and_that_is_noticed() {
    let mut server = Redis::appending("everysec");
    let tally = cell("single, AOF everysec", &mut server, 0, Fault::PowerCut, full(2, 20));
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn a_single_server_without_log_loses_everything_and_that_is_noticed() {
    let tally = cell("single, no AOF", &mut Redis::tcp(&[]), 0, Fault::Kill, full(3, 20));
    assert_eq!(tally.lost, tally.acknowledged);
}

#[test]
fn a_single_server_that_was_restored_lacks_what_came_after_the_backup_and_that_is_noticed() {
    let mut server = Redis::appending("always");
    let tally = cell("single, AOF always", &mut server, 0, Fault::Restore, full(2, 20));
    assert!(tally.lost > 0 && tally.lost < tally.acknowledged, "{tally:?}");
}

#[test]
fn an_embedded_store_that_was_restored_lacks_what_came_after_the_backup() {
    let directory = TempDir::new().unwrap();
    let [file, backup] = ["store.redb", "backup.redb"].map(|name| directory.path().join(name));
    let (runtime, id) = (Builder::new_current_thread().build().unwrap(), account("1"));
    let write = |store: &RedbStore, from: u64, count: u64| {
        for n in from..from + count {
            let change = workspace_change(&format!("r-{n}"), n);
            runtime.block_on(store.reach(&id, revision(n), &change)).unwrap();
        }
    };
    write(&RedbStore::create(&file, Mode::Production).unwrap(), 0, 20);
    fs::copy(&file, &backup).unwrap();
    write(&RedbStore::open(&file, Mode::Production).unwrap(), 20, 5);
    fs::copy(&backup, &file).unwrap();
    let restored = RedbStore::open(&file, Mode::Production).unwrap();
    assert_eq!(runtime.block_on(restored.load(&id)).unwrap().revision, revision(20));
}

#[test]
fn whoever_is_emptied_loses_everything_and_that_is_noticed() {
    let servers: [(&str, u32, &mut dyn Breaks); 3] = [
        ("single, AOF always", 0, &mut Redis::appending("always")),
        ("Sentinel", 2, &mut Watched::start()),
        ("Cluster", 1, &mut Clustered::start()),
    ];
    for (mode, quorum, servers) in servers {
        for quorum in BTreeSet::from([0, quorum]) {
            let tally = cell(mode, servers, quorum, Fault::Empty, full(1, 20));
            assert_eq!(tally.rounds_with_loss, full(1, 20), "{mode}: {tally:?}");
        }
    }
}

#[test]
fn sentinels_that_replace_a_killed_primary_may_lose_and_that_is_noticed() {
    cell("Sentinel", &mut Watched::start(), 0, Fault::Kill, full(2, 100));
}

#[test]
fn sentinels_lose_nothing_that_every_replica_confirmed() {
    assert_eq!(cell("Sentinel", &mut Watched::start(), 2, Fault::Kill, full(2, 100)).lost, 0);
}

#[test]
fn sentinels_that_promote_a_replica_that_was_cut_off_lose_and_that_is_noticed() {
    assert!(cell("Sentinel", &mut Watched::start(), 0, Fault::CutOff, full(1, 20)).lost > 0);
}

#[test]
fn what_no_replica_of_sentinels_confirmed_is_not_acknowledged() {
    assert_eq!(cell("Sentinel", &mut Watched::start(), 2, Fault::CutOff, full(1, 20)).lost, 0);
}

#[test]
fn a_cluster_that_replaces_a_killed_primary_may_lose_and_that_is_noticed() {
    cell("Cluster", &mut Clustered::start(), 0, Fault::Kill, full(1, 20));
}

#[test]
fn a_cluster_loses_nothing_that_every_replica_confirmed() {
    assert_eq!(cell("Cluster", &mut Clustered::start(), 1, Fault::Kill, full(1, 20)).lost, 0);
}

#[test]
fn a_cluster_that_promotes_a_replica_that_was_cut_off_loses_and_that_is_noticed() {
    assert!(cell("Cluster", &mut Clustered::start(), 0, Fault::CutOff, full(1, 20)).lost > 0);
}

#[test]
fn what_no_replica_of_a_cluster_confirmed_is_not_acknowledged() {
    assert_eq!(cell("Cluster", &mut Clustered::start(), 1, Fault::CutOff, full(1, 20)).lost, 0);
}
