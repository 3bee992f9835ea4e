//! What may be lost of what was acknowledged, by how Redis is run and what goes wrong: the cells of docs/durability.md.
//!
//! Eight writers write, a server is killed under them, and what is found afterwards is compared with what was
//! acknowledged. Whatever is lost must be noticed by who had seen it, every time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use pai_authz::{
    config::RedisSettings,
    domain::{AccountId, Revision},
    store::{Mode, Store, StoreError},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use crate::support::{
    Seeded, full,
    load::last,
    records::{account, workspace_change},
    redis::{Cluster, Redis, Sentinels},
    redis_store, report,
    server::until,
};

const WRITERS: u64 = 8;

/// Servers that can break and be mended.
trait Breaks {
    fn url(&self) -> String;
    /// Returns when the fault has happened.
    fn fail(&mut self);
    /// Returns when there is a primary again that takes writes.
    fn mend(&mut self);
}

impl Breaks for Redis {
    fn url(&self) -> String {
        Self::url(self)
    }

    fn fail(&mut self) {
        self.kill();
    }

    fn mend(&mut self) {
        self.restart();
    }
}

struct Watched {
    servers: Sentinels,
    dead: usize,
    /// Whether the replicas are cut off for a while before the primary is killed.
    cut: bool,
}

impl Watched {
    fn start(cut: bool) -> Self {
        Self { servers: Sentinels::start(&[]), dead: 0, cut }
    }
}

impl Breaks for Watched {
    fn url(&self) -> String {
        self.servers.url()
    }

    fn fail(&mut self) {
        self.dead = self.servers.primary();
        if self.cut {
            for node in (0..3).filter(|node| *node != self.dead) {
                self.servers.cut_replication(node);
            }
            last(Duration::from_millis(200));
        }
        self.servers.kill(self.dead);
    }

    fn mend(&mut self) {
        let primary = self.servers.wait_for_primary_other_than(self.dead);
        self.servers.restart(self.dead);
        // Sentinel has servers write their settings down, a wrong password as well.
        for node in 0..3 {
            self.servers.cli(node, &["CONFIG", "SET", "masterauth", "replica"]);
        }
        until("both replicas follow again", || {
            let info = self.servers.cli(primary, &["INFO", "replication"]);
            info.matches("state=online").count() == 2
        });
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

    fn fail(&mut self) {
        self.dead = self.servers.node_of("{1}:meta");
        self.servers.kill(self.dead);
    }

    fn mend(&mut self) {
        self.servers.wait_until_ok_without(self.dead);
        self.servers.restart(self.dead);
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
fn measure(servers: &mut dyn Breaks, settings: &RedisSettings, rounds: u64) -> Tally {
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
        servers.fail();
        // Those whose node lives would write for ever.
        over.store(true, Ordering::SeqCst);
        let acknowledged: Vec<(AccountId, Revision)> = runtime.block_on(writers.join_all());
        servers.mend();
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
            Err(StoreError::Unavailable { .. }) => return (id, reached),
            Err(other) => panic!("{other:?}"),
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
fn cell(mode: &str, servers: &mut dyn Breaks, quorum: u32, rounds: u64) -> Tally {
    let write_quorum = (quorum > 0).then_some(quorum);
    let settings = RedisSettings { write_quorum, ..RedisSettings::default() };
    let tally = measure(servers, &settings, rounds);
    let Tally { acknowledged, lost, rounds_with_loss } = tally;
    report(&format!(
        "{mode}, quorum {quorum}: {rounds} kills, {acknowledged} changes acknowledged, {lost} lost in \
         {rounds_with_loss} of the kills, every loss noticed"
    ));
    assert!(acknowledged > rounds * 50, "{tally:?}");
    tally
}

fn sync(how: &str) -> Redis {
    Redis::tcp(&["--appendonly", "yes", "--appendfsync", how])
}

#[test]
fn a_single_server_that_syncs_always_loses_nothing_when_it_is_killed() {
    assert_eq!(cell("single, AOF always", &mut sync("always"), 0, full(5, 200)).lost, 0);
}

#[test]
fn a_single_server_that_syncs_every_second_and_is_killed_may_lose_and_that_is_noticed() {
    cell("single, AOF everysec", &mut sync("everysec"), 0, full(5, 200));
}

#[test]
fn a_single_server_without_log_loses_everything_and_that_is_noticed() {
    let tally = cell("single, no AOF", &mut Redis::tcp(&[]), 0, full(3, 20));
    assert_eq!(tally.lost, tally.acknowledged);
}

#[test]
fn sentinels_that_replace_a_killed_primary_may_lose_and_that_is_noticed() {
    cell("Sentinel", &mut Watched::start(false), 0, full(2, 100));
}

#[test]
fn sentinels_lose_nothing_that_every_replica_confirmed() {
    assert_eq!(cell("Sentinel", &mut Watched::start(false), 2, full(2, 100)).lost, 0);
}

#[test]
fn sentinels_that_promote_a_replica_that_was_cut_off_lose_and_that_is_noticed() {
    assert!(cell("Sentinel, cut off before", &mut Watched::start(true), 0, full(1, 20)).lost > 0);
}

#[test]
fn what_no_replica_confirmed_is_not_acknowledged() {
    assert_eq!(cell("Sentinel, cut off before", &mut Watched::start(true), 2, full(1, 20)).lost, 0);
}

#[test]
fn a_cluster_that_replaces_a_killed_primary_may_lose_and_that_is_noticed() {
    cell("Cluster", &mut Clustered::start(), 0, full(1, 20));
}

#[test]
fn a_cluster_loses_nothing_that_every_replica_confirmed() {
    assert_eq!(cell("Cluster", &mut Clustered::start(), 1, full(1, 20)).lost, 0);
}
