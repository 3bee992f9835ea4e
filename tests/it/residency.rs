//! Which accounts of a shared store are in memory: those that were asked for, as many as fit, each loaded once.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use pai_authz::{
    config::RedisSettings,
    domain::AccountId,
    engine::Engine,
    error::ErrorCode,
    service::{Accounts, Keyring, MasterKey, Residency},
    store::Mode,
    telemetry::SystemClock,
};

use crate::support::{
    begin_all,
    records::{Reach as _, account, revision, workspace_change},
    redis::Redis,
    redis_store,
};

fn accounts(redis: &Redis, memory: usize) -> Arc<Accounts> {
    let store = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let engine = Engine::new("cn-hangzhou").unwrap();
    let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
    let residency = Residency { memory, ..Residency::default() };
    Arc::new(Accounts::new(engine, store, Arc::new(SystemClock), keyring, residency))
}

/// Writes so many accounts, each with a workspace of its own number.
async fn fill(redis: &Redis, count: u64) -> Vec<AccountId> {
    let store = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let ids: Vec<AccountId> = (0..count).map(|n| account(&(7_000 + n).to_string())).collect();
    for (n, id) in (0..).zip(&ids) {
        store.reach(id, revision(0), &workspace_change("r-1", n)).await.unwrap();
    }
    ids
}

fn scans(redis: &Redis) -> u64 {
    let info = redis.cli(&["INFO", "commandstats"]);
    let line = info.lines().find(|line| line.starts_with("cmdstat_hscan:"));
    line.map_or(0, |line| {
        line.split("calls=").nth(1).unwrap().split(',').next().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn accounts_that_were_not_asked_for_leave_to_make_room_and_come_back() {
    let redis = Redis::start(&[]);
    let ids = fill(&redis, 10).await;
    let accounts = accounts(&redis, 50_000);
    accounts.load_all().await.unwrap();
    let most = accounts.list().len();
    assert!((2..8).contains(&most), "{most}");
    for _ in 0..3 {
        for (n, id) in ids.iter().enumerate() {
            let view = accounts.fresh_view(id, None, Duration::ZERO).await.unwrap();
            let names: Vec<String> = view.workspaces().map(|w| w.id.to_string()).collect();
            assert_eq!(names, [n.to_string()], "{id}");
            assert!(accounts.list().len() <= most + 1);
        }
    }
}

#[tokio::test]
async fn an_account_is_loaded_once_for_all_who_ask_for_it() {
    let redis = Redis::start(&[]);
    let ids = fill(&redis, 1).await;
    let accounts = accounts(&redis, 1 << 30);
    let before = scans(&redis);
    for answer in join_all((0..50).map(|_| accounts.attend(&ids[0]))).await {
        answer.unwrap();
    }
    assert_eq!(scans(&redis) - before, 1);
}

#[tokio::test]
async fn who_goes_away_while_an_account_is_loaded_is_in_nobodys_way() {
    let redis = Redis::start(&[]);
    let ids = fill(&redis, 200).await;
    let accounts = accounts(&redis, 1 << 30);
    for some in ids.chunks(50) {
        // Each has begun, and none is waited for.
        drop(begin_all(some.iter().map(|id| accounts.attend(id))).await);
    }
    for id in &ids {
        accounts.attend(id).await.unwrap();
        assert!(accounts.view(id).is_some());
    }
}

#[tokio::test]
async fn accounts_that_are_made_up_are_looked_for_a_few_times_only() {
    let redis = Redis::start(&[]);
    let accounts = accounts(&redis, 1 << 30);
    let (mut absent, mut busy) = (0, 0);
    for n in 0..5_000_u64 {
        match accounts.attend(&account(&(90_000 + n).to_string())).await {
            Ok(()) => absent += 1,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Unavailable);
                busy += 1;
            }
        }
    }
    assert!(absent >= 2_000 && absent + busy == 5_000, "{absent} and {busy}");
    assert_eq!(scans(&redis), 0, "one look is enough to see that there is none");
    assert_eq!(accounts.list(), []);
}
