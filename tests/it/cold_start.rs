//! Many services start at once on a store none of them knows: each reads everything once, and all are ready soon.

use std::thread;

use pai_authz::{
    config::RedisSettings,
    domain::{BuiltinRole, Member, Op, Revision, RoleRef, Timestamp},
    store::{Mode, Store},
};
use tokio::runtime::Builder;

use crate::support::{
    fleet::Fleet,
    full,
    records::{account, change, principal, workspace_id},
    redis::Redis,
    redis_store, report,
    server::{Server, until},
    timed,
};

const SERVICES: usize = 8;
const MEMBERS: u64 = 100;

/// Writes accounts with workspaces of a hundred members, and returns how many rosters there are.
async fn fill(store: &dyn Store, accounts: u64, workspaces: u64) -> u64 {
    for a in 0..accounts {
        let (id, mut reached) = (account(&(5_000 + a).to_string()), Revision::ORIGIN);
        for w in 0..workspaces {
            let member = |n: u64| Member {
                principal: principal(200_000_000_000_000_000 + n * 7_919_000_017),
                roles: vec![RoleRef::Builtin(BuiltinRole::Developer)],
                created: Timestamp::from_millis(1_795_500_000_000 + n),
            };
            let members = (0..MEMBERS).map(|n| Op::PutMember(workspace_id(w), member(w * 31 + n)));
            let change = change(&format!("r-{w}"), members.collect());
            reached = store.apply(&id, reached, &change).await.unwrap().revision;
        }
    }
    accounts * workspaces
}

/// Returns how often a command was carried out.
fn calls(redis: &Redis, command: &str) -> u64 {
    let info = redis.cli(&["INFO", "commandstats"]);
    let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
    line.map_or(0, |line| {
        let calls = line.split("calls=").nth(1).unwrap().split(',').next().unwrap();
        calls.parse().unwrap()
    })
}

#[test]
fn services_that_start_together_read_everything_once_each_and_are_ready_soon() {
    let (accounts, workspaces) = (full(4, 100), full(20, 100));
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::without_service(&redis.url());
    let store = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let rosters = runtime.block_on(fill(&*store, accounts, workspaces));
    redis.cli(&["CONFIG", "RESETSTAT"]);
    let (url, key) = (redis.url(), fleet.master_key());
    let start = || Server::start(["--store", &url, "--master-key-file", &key, "--workers", "1"]);
    let (servers, took) = timed(|| {
        let servers: Vec<Server> = thread::scope(|scope| {
            let starting: Vec<_> = (0..SERVICES).map(|_| scope.spawn(start)).collect();
            starting.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for server in &servers {
            until("it is ready", || server.health("/readyz").status == 200);
        }
        servers
    });
    let (read, scanned) = (calls(&redis, "hgetall"), calls(&redis, "hscan"));
    let most = (SERVICES as u64 * rosters) * 11 / 10;
    let resident = servers.iter().map(Server::resident).max().unwrap() / 1_024;
    report(&format!(
        "{SERVICES} services at once on {} memberships: ready after {took:.1?}; {read} rosters read of {rosters} there are, \
         {scanned} scans; {resident} MiB the largest",
        rosters * MEMBERS
    ));
    assert!((SERVICES as u64 * rosters..=most).contains(&read), "{read}");
    assert!(scanned <= (SERVICES as u64 * (accounts + 1)) * 11 / 10, "{scanned}");
    assert!(took.as_secs() < 60, "{took:?}");
}
