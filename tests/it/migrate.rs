//! `pai-authz migrate`: what is copied is all there was, and nothing that is somebody else's is touched.

use pai_authz::{
    config::RedisSettings,
    domain::{AccountId, AccountRecords, Change, Revision},
    store::{Mode, RedbStore, Store},
};
use serde_json::json;

use crate::{
    cli::refused,
    support::{
        records::{
            KINDS, Reach as _, account, change, op, records_after, revision, workspace_change,
        },
        redis::Redis,
        redis_store,
        server::{Done, Place, run},
    },
};

/// Memberships of the account with many: more than go into one change.
const MANY: u64 = 1_500;

fn migrate(from: &str, to: &str) -> Done {
    run(["--format", "json", "migrate", "--from", from, "--to", to])
}

/// Returns changes that put every kind of record, and take some away again.
fn changes() -> Vec<Change> {
    let every =
        (0..3).flat_map(|id| (0..KINDS).step_by(2).map(move |kind| op(kind, id, id + kind)));
    let many = (0..MANY).map(|id| op(6, 10 + id, id));
    let fewer = (0..KINDS).filter(|kind| kind % 2 == 1 && *kind != 15).map(|kind| op(kind, 0, 0));
    vec![
        change("r-1", every.collect()),
        change("r-2", many.collect()),
        change("r-3", fewer.collect()),
    ]
}

/// Makes an embedded store with two accounts, and returns what they are.
async fn filled(place: &Place) -> Vec<AccountRecords> {
    let store = RedbStore::create(&place.path("store.redb"), Mode::Production).unwrap();
    let (many, few) = (account("1000"), account("2000"));
    let changes = changes();
    for (counter, change) in (0..).zip(&changes) {
        store.reach(&many, revision(counter), change).await.unwrap();
    }
    let one = workspace_change("r-1", 1);
    store.reach(&few, revision(0), &one).await.unwrap();
    vec![records_after(&many, &changes), records_after(&few, [&one])]
}

async fn on_redb(place: &Place, name: &str) -> Vec<AccountRecords> {
    let store = RedbStore::open(&place.path(name), Mode::Production).unwrap();
    all(&store).await
}

async fn on_redis(redis: &Redis) -> Vec<AccountRecords> {
    all(&*redis_store(&redis.url(), &RedisSettings::default(), Mode::Production)).await
}

/// Returns all accounts of a store, without where they have come to.
async fn all(store: &dyn Store) -> Vec<AccountRecords> {
    let mut all = Vec::new();
    for account in store.accounts().await.unwrap() {
        all.push(unnumbered(store.load(&account).await.unwrap()));
    }
    all
}

fn unnumbered(records: AccountRecords) -> AccountRecords {
    AccountRecords { revision: Revision::ORIGIN, ..records }
}

fn begin(records: &AccountRecords, request: &str, count: usize) -> Change {
    let ops = records.ops().take(count).collect();
    Change { actor: "cli".to_owned(), action: "Migrate".to_owned(), ..change(request, ops) }
}

#[tokio::test]
async fn accounts_come_to_redis_and_back_as_they_were() {
    let (place, redis) = (Place::new(), Redis::tcp(&[]));
    let before = filled(&place).await;
    let there = migrate(&place.store(), &redis.url());
    let members: usize = before.iter().map(AccountRecords::membership_count).sum();
    let records: usize = before.iter().map(|records| records.ops().count()).sum();
    let done = json!({
        "accounts": 2, "records": records - members, "memberships": members, "verified": true,
    });
    assert_eq!(there.json(), done);
    assert!(there.err.contains("Revisions begin anew"), "{there:?}");
    let before: Vec<_> = before.into_iter().map(unnumbered).collect();
    assert_eq!(on_redis(&redis).await, before);
    let again = format!("redb:{}", place.text("again.redb"));
    assert_eq!(migrate(&redis.url(), &again).json(), done);
    assert_eq!(on_redb(&place, "again.redb").await, before);
    // Who migrates again finds that all is there.
    assert_eq!(migrate(&redis.url(), &again).json(), done);
    let text = run(["migrate", "--from", &place.store(), "--to", &redis.url()]);
    assert!(text.out.starts_with("copied and compared 2 accounts"), "{text:?}");
    let log = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let log = log.log(&account("1000"), Revision::ORIGIN, 100).await.unwrap();
    assert_eq!(log.len(), 2);
    for entry in &log {
        assert_eq!((&*entry.change.actor, &*entry.change.action), ("cli", "Migrate"));
        assert!(entry.change.ops.len() <= 1_000);
    }
}

#[tokio::test]
async fn an_account_that_is_there_is_refused_and_nothing_is_written() {
    let (place, redis) = (Place::new(), Redis::tcp(&[]));
    filled(&place).await;
    let target = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let other = workspace_change("r-9", 9);
    target.reach(&account("2000"), revision(0), &other).await.unwrap();
    let said = ["account `2000` is there already", "{2000}:*"];
    refused(&migrate(&place.store(), &redis.url()), &said);
    assert_eq!(target.accounts().await.unwrap(), [account("2000")]);
    let untouched = records_after(&account("2000"), [&other]);
    assert_eq!(target.load(&account("2000")).await.unwrap(), untouched);
}

#[tokio::test]
async fn an_interrupted_migration_is_continued_and_one_that_was_changed_is_not() {
    let (place, redis) = (Place::new(), Redis::tcp(&[]));
    let before = filled(&place).await;
    let target = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let first: &AccountId = &before[0].account;
    target.reach(first, revision(0), &begin(&before[0], "m-1", 1_000)).await.unwrap();
    assert_eq!(migrate(&place.store(), &redis.url()).code, 0);
    let expected: Vec<_> = before.iter().cloned().map(unnumbered).collect();
    assert_eq!(on_redis(&redis).await, expected);
    // The service has begun to work on the copy.
    target.reach(first, revision(2), &workspace_change("r-4", 7)).await.unwrap();
    refused(&migrate(&place.store(), &redis.url()), &["account `1000` is there already"]);

    redis.cli(&["FLUSHALL"]);
    let target = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let Change { mut ops, .. } = begin(&before[0], "m-1", 10);
    ops.reverse();
    let reversed = Change { ops, ..begin(&before[0], "m-1", 0) };
    target.reach(first, revision(0), &reversed).await.unwrap();
    refused(&migrate(&place.store(), &redis.url()), &["account `1000` is there already"]);
}

#[tokio::test]
async fn what_cannot_be_read_whole_is_not_copied() {
    let (place, redis) = (Place::new(), Redis::tcp(&[]));
    let source = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    let one = change("r-1", vec![op(2, 1, 1), op(6, 2, 1)]);
    source.reach(&account("1000"), revision(0), &one).await.unwrap();
    let to = |name: &str| format!("redb:{}", place.text(name));
    redis.cli(&["HSET", "{1000}:records", "workspace:1", "x"]);
    let said = ["account `1000`", "workspace `1` cannot be read whole"];
    refused(&migrate(&redis.url(), &to("a.redb")), &said);
    redis.cli(&["HSET", "{1000}:meta", "suspended", "1 9"]);
    let said = ["account `1000`", "suspended", "pai-authz recover"];
    refused(&migrate(&redis.url(), &to("b.redb")), &said);
    for name in ["a.redb", "b.redb"] {
        assert!(on_redb(&place, name).await.is_empty(), "{name}");
    }
}

#[test]
fn stores_that_cannot_be_copied_are_refused_before_anything_is_made() {
    let place = Place::new();
    place.init("1000");
    let (there, missing) = (place.store(), format!("redb:{}", place.text("missing.redb")));
    refused(&migrate(&there, &there), &["name the same store"]);
    refused(&migrate("memory:", &missing), &["memory:"]);
    refused(&migrate(&missing, &there), &["missing.redb", "there is no store"]);
    let redis = Redis::tcp(&[]);
    refused(&migrate(&redis.url(), &missing), &["has no account"]);
    let development = ["migrate", "--from", &there, "--to", &missing, "--dev"];
    refused(&run(development), &["without `--dev`"]);
    assert!(!place.path("missing.redb").exists());
    refused(&migrate(&there, "redis://127.0.0.1:1"), &["the store is not available"]);
}
