//! `pai-authz recover`: what was lost is shown, accepted, or brought back.

use std::sync::Arc;

use pai_authz::{
    config::RedisSettings,
    domain::{AccountId, Revision},
    store::{Mode, Store, StoreError},
};
use serde_json::{Value, json};

use crate::{
    cli::refused,
    support::{
        records::{Reach as _, account, revision, workspace_change},
        redis::Redis,
        redis_store,
        server::{Done, run},
    },
};

fn store(redis: &Redis) -> Arc<dyn Store> {
    redis_store(&redis.url(), &RedisSettings::default(), Mode::Production)
}

/// Writes two changes of an account.
async fn write(store: &dyn Store, id: &AccountId) {
    for counter in 0..2 {
        let change = workspace_change(&format!("r-{counter}"), counter);
        store.reach(id, revision(counter), &change).await.unwrap();
    }
}

/// Notices that both changes are gone, and suspends the account as the service does.
async fn suspend(store: &dyn Store, id: &AccountId) {
    match store.load(id).await {
        Err(StoreError::Regressed { known, found }) => {
            assert_eq!((known, found), (revision(2), Revision::ORIGIN));
            store.shared().unwrap().suspend(id, known).await.unwrap();
        }
        other => panic!("{other:?}"),
    }
}

fn recover(redis: &Redis, more: &[&str]) -> Done {
    let url = redis.url();
    let fixed = ["--format", "json", "recover", "--store", &url, "--account", "1000"];
    run(fixed.into_iter().chain(more.iter().copied()))
}

#[track_caller]
fn says(done: &Done, code: i32, answer: &Value) {
    assert_eq!(done.code, code, "{done:?}");
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap(), *answer, "{done:?}");
}

#[tokio::test]
async fn a_loss_is_shown_and_accepted_and_a_new_epoch_begins() {
    let (redis, id) = (Redis::tcp(&[]), account("1000"));
    let running = store(&redis);
    write(&*running, &id).await;
    redis.cli(&["FLUSHALL"]);
    suspend(&*running, &id).await;
    let suspended = json!({"account": "1000", "suspended": true, "known": "1.2", "found": "1.0"});
    says(&recover(&redis, &[]), 1, &suspended);
    // Looking changes nothing.
    says(&recover(&redis, &[]), 1, &suspended);
    let refused = store(&redis).load(&id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Suspended { .. }), "{refused:?}");

    let going_on = json!({"account": "1000", "suspended": false, "revision": "2.3"});
    says(&recover(&redis, &["--accept-loss"]), 0, &going_on);
    says(&recover(&redis, &["--accept-loss"]), 0, &going_on);
    let first = Revision { epoch: 2, counter: 3 };
    // The process that knew what was lost goes on as well as a new one.
    for store in [running.clone(), store(&redis)] {
        let records = store.load(&id).await.unwrap();
        assert_eq!((records.revision, records.workspaces.len()), (first, 0));
    }
    let log = running.log(&id, Revision::ORIGIN, 9).await.unwrap();
    let [entry] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!(entry.revision, first);
    assert_eq!((&*entry.change.actor, &*entry.change.action), ("cli", "AcceptLoss"));
    let next = running.reach(&id, first, &workspace_change("r-9", 9)).await.unwrap();
    assert_eq!(next, Revision { epoch: 2, counter: 4 });
}

#[tokio::test]
async fn with_the_right_data_back_in_place_an_account_goes_on_by_itself() {
    let (redis, id) = (Redis::tcp(&[]), account("1000"));
    let running = store(&redis);
    write(&*running, &id).await;
    // Another data set takes its place, and goes again.
    redis.cli(&["SWAPDB", "0", "1"]);
    suspend(&*running, &id).await;
    assert_eq!(recover(&redis, &[]).code, 1);
    redis.cli(&["SWAPDB", "0", "1"]);
    let going_on = json!({"account": "1000", "suspended": false, "revision": "1.2"});
    says(&recover(&redis, &[]), 0, &going_on);
    assert_eq!(running.load(&id).await.unwrap().revision, revision(2));
}

#[tokio::test]
async fn a_person_reads_what_a_suspension_means_and_what_there_is_to_choose() {
    let (redis, id) = (Redis::tcp(&[]), account("1000"));
    let running = store(&redis);
    write(&*running, &id).await;
    let url = redis.url();
    let person = || run(["recover", "--store", &url, "--account", "1000"]);
    let sound = person();
    assert_eq!(sound.code, 0, "{sound:?}");
    assert_eq!(sound.out.trim(), "account 1000 is not suspended: it is at revision 1.2");
    redis.cli(&["FLUSHALL"]);
    suspend(&*running, &id).await;
    let lost = person();
    assert_eq!(lost.code, 1, "{lost:?}");
    for part in
        ["is suspended", "1.2", "1.0: 2 changes are missing", "--accept-loss", "old primary"]
    {
        assert!(lost.out.contains(part), "`{part}` in {lost:?}");
    }
}

#[test]
fn where_there_is_nothing_to_recover_that_is_an_error() {
    let redis = Redis::tcp(&[]);
    refused(&recover(&redis, &[]), &["account `1000` is not in this store"]);
    refused(&recover(&redis, &["--accept-loss"]), &["account `1000` is not in this store"]);
    let embedded = ["recover", "--store", "redb:x", "--account", "1000"];
    refused(&run(embedded), &["`redb:x` is not on Redis"]);
    let nowhere = ["recover", "--store", "redis://127.0.0.1:1", "--account", "1000"];
    refused(&run(nowhere), &["the store is not available"]);
    let slip = ["recover", "--store", "redis://127.0.0.1:1", "--account", "x"];
    refused(&run(slip), &["`x` is not an account id"]);
}
