//! The conformance suite: what every store does, once per store.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use pai_authz::{
    domain::{AccountRecords, Op, Revision},
    store::{Store, StoreError},
};

use crate::{
    store_retries::*,
    support::{
        Fixture, begin_all,
        records::{
            HOSTILE, KINDS, Reach as _, account, assert_log_leads_to, change, op, records_after,
            revision, workspace_change,
        },
        redis::{Cluster, Sentinels},
    },
};

/// Runs every behaviour on every store.
macro_rules! on_every_store {
    ($($behaviour:ident),* $(,)?) => {
        on_every_store!(@store redb_file: $($behaviour)*);
        on_every_store!(@store redb_memory: $($behaviour)*);
        on_every_store!(@store redis: $($behaviour)*);
        on_every_store!(@store redis_tls: $($behaviour)*);
        on_every_store!(@store redis_6: $($behaviour)*);
        on_every_store!(@store valkey_8: $($behaviour)*);

        /// Servers that take long to start are started once, and emptied between two behaviours.
        #[tokio::test]
        async fn sentinels_behave_as_every_store() {
            let servers = Sentinels::start(&[]);
            $(
                servers.cli(servers.primary(), &["FLUSHALL"]);
                $behaviour(Fixture::at(&servers.url())).await;
            )*
        }

        #[tokio::test]
        async fn a_cluster_behaves_as_every_store() {
            let servers = Cluster::start();
            $(
                for node in 0..6 {
                    // Replicas refuse, and follow their primaries.
                    servers.cli(node, &["FLUSHALL"]);
                }
                $behaviour(Fixture::at(&servers.url())).await;
            )*
        }
    };
    (@store $store:ident: $($behaviour:ident)*) => {
        mod $store {
            use crate::support::Fixture;
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(Fixture::$store()).await;
            })*
        }
    };
}

on_every_store!(
    an_account_that_was_never_written_is_empty_and_at_the_origin,
    what_was_applied_is_loaded,
    every_kind_of_op_keeps_every_field,
    hostile_names_come_back_as_they_were,
    removing_what_is_not_there_is_no_error,
    the_last_op_on_a_record_counts,
    a_conflict_tells_where_the_account_is_and_writes_nothing,
    a_retry_answers_the_first_revision_and_writes_nothing,
    a_retry_among_others_in_flight_is_applied_once,
    a_request_id_used_for_another_change_is_refused,
    a_request_id_of_one_account_is_unknown_to_another,
    a_request_id_is_forgotten_after_24_hours,
    many_forgotten_request_ids_do_not_come_back,
    a_nonce_is_used_up_with_the_change_and_not_before,
    a_change_without_ops_uses_its_nonce_up_and_nothing_else,
    a_nonce_is_forgotten_after_30_minutes,
    a_request_id_is_recalled_with_what_was_asked,
    what_was_asked_tells_a_retry_whose_records_differ,
    a_change_that_no_store_takes_is_refused,
    the_log_is_contiguous_in_order_and_limited,
    digests_of_changes_to_the_same_records_chain,
    accounts_are_listed_sorted_once_written,
    accounts_do_not_see_one_another,
    one_writer_wins_each_revision_and_none_is_lost,
    writers_of_different_accounts_all_succeed,
    changes_that_build_on_each_other_may_be_in_flight_together,
);

async fn an_account_that_was_never_written_is_empty_and_at_the_origin(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    assert_eq!(store.load(&id).await.unwrap(), AccountRecords::empty(id.clone()));
    assert_eq!(store.log(&id, Revision::ORIGIN, 10).await.unwrap(), []);
    assert_eq!(store.accounts().await.unwrap(), []);
}

async fn what_was_applied_is_loaded(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let changes = [workspace_change("r-1", 1), workspace_change("r-2", 2)];
    for (counter, change) in (0..).zip(&changes) {
        let at = store.reach(&id, revision(counter), change).await.unwrap();
        assert_eq!(at, revision(counter + 1));
    }
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes));
}

async fn every_kind_of_op_keeps_every_field(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    for (counter, (kind, seed)) in (0..).zip((0..KINDS).flat_map(|k| (0..8).map(move |s| (k, s)))) {
        let change = change(&format!("r-{counter}"), vec![op(kind, seed % 3, seed)]);
        store.reach(&id, revision(counter), &change).await.unwrap();
        let entry = store.log(&id, revision(counter), 1).await.unwrap().pop().unwrap();
        assert_eq!(entry.change, change);
    }
    let log = store.log(&id, Revision::ORIGIN, usize::MAX).await.unwrap();
    assert_log_leads_to(&log, &store.load(&id).await.unwrap());
}

async fn hostile_names_come_back_as_they_were(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let mut change = workspace_change("r\"{}[]:;\\", 1);
    HOSTILE[1].clone_into(&mut change.actor);
    HOSTILE[2].clone_into(&mut change.action);
    if let Some(Op::PutWorkspace(workspace)) = change.ops.first_mut() {
        workspace.description = HOSTILE.concat();
    }
    store.reach(&id, Revision::ORIGIN, &change).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&change]));
    assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap()[0].change, change);
}

async fn removing_what_is_not_there_is_no_error(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let change = change("r-1", (0..KINDS / 2).map(|kind| op(2 * kind + 1, 7, 0)).collect());
    store.reach(&id, Revision::ORIGIN, &change).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&change]));
}

async fn the_last_op_on_a_record_counts(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let ops = vec![op(0, 1, 1), op(1, 1, 0), op(0, 1, 2), op(2, 3, 1), op(2, 3, 2), op(3, 3, 0)];
    let change = change("r-1", ops);
    store.reach(&id, Revision::ORIGIN, &change).await.unwrap();
    let records = store.load(&id).await.unwrap();
    assert_eq!(records, records_after(&id, [&change]));
    assert_eq!((records.identities.len(), records.workspaces.len()), (1, 0));
}

async fn a_conflict_tells_where_the_account_is_and_writes_nothing(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let first = workspace_change("r-1", 1);
    store.reach(&id, Revision::ORIGIN, &first).await.unwrap();
    let elsewhere = [0, 2, u64::MAX].map(revision);
    for expected in elsewhere.into_iter().chain([Revision { epoch: 2, counter: 1 }]) {
        let refused = store.reach(&id, expected, &workspace_change("r-2", 2)).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Conflict { current } if current == revision(1)),
            "{refused:?}"
        );
    }
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first]));
    assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap().len(), 1);
    // The refused request left no trace either: the same id may be used when it fits.
    store.reach(&id, revision(1), &workspace_change("r-2", 3)).await.unwrap();
}

async fn a_change_that_no_store_takes_is_refused(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let good = workspace_change("r-1", 1);
    let mut bad = vec![good.clone(); 5];
    bad[0].ops.clear();
    bad[1].actor.clear();
    bad[2].actor = "名".repeat(129);
    bad[3].action.clear();
    bad[4].action = "x".repeat(129);
    for change in &bad {
        let refused = store.reach(&id, Revision::ORIGIN, change).await.unwrap_err();
        assert!(matches!(refused, StoreError::Malformed(_)), "{refused:?}");
    }
    assert_eq!(store.accounts().await.unwrap(), []);
    let longest = pai_authz::domain::Change { actor: "名".repeat(128), ..good };
    store.reach(&id, Revision::ORIGIN, &longest).await.unwrap();
}

async fn the_log_is_contiguous_in_order_and_limited(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    for counter in 0..12 {
        let change = workspace_change(&format!("r-{counter}"), counter);
        store.reach(&id, revision(counter), &change).await.unwrap();
    }
    let page = async |after, limit| {
        let log = store.log(&id, after, limit).await.unwrap();
        log.iter().map(|entry| entry.revision.counter).collect::<Vec<_>>()
    };
    assert_eq!(page(Revision::ORIGIN, usize::MAX).await, (1..=12).collect::<Vec<_>>());
    assert_eq!(page(revision(3), 4).await, [4, 5, 6, 7]);
    assert_eq!(page(revision(10), 4).await, [11, 12]);
    assert_eq!(page(revision(3), 0).await, [0; 0]);
    assert_eq!(page(revision(12), 4).await, [0; 0]);
    assert_eq!(page(revision(u64::MAX), 4).await, [0; 0]);
    assert_eq!(page(Revision { epoch: 2, counter: 0 }, 4).await, [0; 0]);
    assert_eq!(page(Revision { epoch: 0, counter: 9 }, 1).await, [1]);
}

async fn digests_of_changes_to_the_same_records_chain(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    // The same two keys each time, the last time nothing changes.
    let ops = [
        vec![op(0, 1, 1), op(2, 1, 1)],
        vec![op(2, 1, 2), op(0, 1, 3)],
        vec![op(1, 1, 0), op(3, 1, 0)],
        vec![op(3, 1, 0), op(1, 1, 0)],
    ];
    for (counter, ops) in (0..).zip(ops) {
        store.reach(&id, revision(counter), &change(&format!("r-{counter}"), ops)).await.unwrap();
    }
    let log = store.log(&id, Revision::ORIGIN, 9).await.unwrap();
    for pair in log.windows(2) {
        assert_eq!(pair[0].after, pair[1].before);
    }
    let distinct: BTreeSet<_> = log.iter().map(|entry| entry.after).collect();
    assert_eq!(distinct.len(), 3);
    assert_eq!(log[0].before, log[2].after);
    assert_eq!(log[3].before, log[3].after);
}

async fn accounts_are_listed_sorted_once_written(fixture: Fixture) {
    let store = fixture.store;
    for id in ["2", "100", "1", "10"] {
        store.reach(&account(id), Revision::ORIGIN, &workspace_change("r", 1)).await.unwrap();
    }
    assert_eq!(store.accounts().await.unwrap(), ["1", "10", "100", "2"].map(account));
}

async fn accounts_do_not_see_one_another(fixture: Fixture) {
    let store = fixture.store;
    let ids = ["1", "10", "100", "01", "11111111111111111111"].map(account);
    for (number, id) in (1..).zip(&ids) {
        let ops = (0..KINDS / 2).map(|kind| op(2 * kind, number, number)).collect();
        store.reach(id, Revision::ORIGIN, &change("r-1", ops)).await.unwrap();
    }
    let remove = change("r-2", (0..KINDS / 2).map(|kind| op(2 * kind + 1, 1, 1)).collect());
    store.reach(&ids[0], revision(1), &remove).await.unwrap();
    for (number, id) in (1..).zip(&ids) {
        let put = change("r-1", (0..KINDS / 2).map(|kind| op(2 * kind, number, number)).collect());
        let changes = if number == 1 { vec![put, remove.clone()] } else { vec![put] };
        assert_eq!(store.load(id).await.unwrap(), records_after(id, &changes));
        assert_eq!(store.log(id, Revision::ORIGIN, 9).await.unwrap().len(), changes.len(), "{id}");
    }
}

/// Applies `count` changes one after another, trying again from where the account is.
async fn write(store: &Arc<dyn Store>, id: &str, writer: u64, count: u64) -> Vec<u64> {
    let (id, mut at, mut won) = (account(id), Revision::ORIGIN, Vec::new());
    for n in 0..count {
        let change = workspace_change(&format!("w{writer}-{n}"), writer * 1_000 + n);
        loop {
            match store.reach(&id, at, &change).await {
                Ok(revision) => {
                    won.push(revision.counter);
                    at = revision;
                    break;
                }
                Err(StoreError::Conflict { current }) => at = current,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    won
}

async fn one_writer_wins_each_revision_and_none_is_lost(fixture: Fixture) {
    let store = &fixture.store;
    let mut won = join_all((0..8).map(|writer| write(store, "1000", writer, 8))).await.concat();
    won.sort_unstable();
    assert_eq!(won, (1..=64).collect::<Vec<_>>());
    let id = account("1000");
    let records = store.load(&id).await.unwrap();
    assert_eq!(records.workspaces.len(), 64);
    assert_log_leads_to(&store.log(&id, Revision::ORIGIN, usize::MAX).await.unwrap(), &records);
}

async fn writers_of_different_accounts_all_succeed(fixture: Fixture) {
    let store = &fixture.store;
    let ids = ["1", "10", "100", "1000", "2", "20", "200", "2000"];
    let won = join_all((0..).zip(ids).map(|(writer, id)| write(store, id, writer, 6))).await;
    for (id, won) in ids.into_iter().zip(won) {
        assert_eq!(won, (1..=6).collect::<Vec<_>>());
        let id = account(id);
        let log = store.log(&id, Revision::ORIGIN, usize::MAX).await.unwrap();
        assert_log_leads_to(&log, &store.load(&id).await.unwrap());
    }
}

async fn changes_that_build_on_each_other_may_be_in_flight_together(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let changes: Vec<_> = (0..50).map(|n| workspace_change(&format!("r-{n}"), n)).collect();
    // Every tenth is out of place and must not disturb the others.
    let stray = workspace_change("stray", 999);
    let applies = (0..).zip(&changes).flat_map(|(counter, change)| {
        let stray = (counter % 10 == 0).then(|| store.reach(&id, revision(7_777), &stray));
        stray.into_iter().chain([store.reach(&id, revision(counter), change)])
    });
    let answers = begin_all(applies).await.finish().await;
    let refused = answers.iter().filter(|a| matches!(a, Err(StoreError::Conflict { .. }))).count();
    assert_eq!((answers.len(), refused), (55, 5));
    let reached: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(reached, (1..=50).map(revision).collect::<Vec<_>>());
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes));
}
