//! The conformance suite, second part: what a store remembers of requests, so that a retry is safe and a signed request
//! is carried out once. `store.rs` runs it on every store.

use pai_authz::{
    domain::{AccessKeyId, Change, Nonce, Revision, Timestamp, UsedNonce},
    store::{Applied, Recalled, StoreError},
};

use crate::support::{
    Fixture, begin_all,
    records::{Reach as _, account, change_at, records_after, request, revision, workspace_change},
};

pub(crate) async fn a_retry_answers_the_first_revision_and_writes_nothing(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let changes = [workspace_change("r-1", 1), workspace_change("r-2", 2)];
    store.reach(&id, revision(0), &changes[0]).await.unwrap();
    store.reach(&id, revision(1), &changes[1]).await.unwrap();
    let later = change_at("r-1", 1_700_000_009_000, changes[0].ops.clone());
    for expected in [0, 1, 2, 77] {
        assert_eq!(store.reach(&id, revision(expected), &later).await.unwrap(), revision(1));
    }
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, &changes));
    assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap().len(), 2);
}

pub(crate) async fn a_retry_among_others_in_flight_is_applied_once(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let change = workspace_change("r-1", 1);
    let applies = (0..20).map(|_| store.reach(&id, Revision::ORIGIN, &change));
    for answer in begin_all(applies).await.finish().await {
        assert_eq!(answer.unwrap(), revision(1));
    }
    assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_request_id_used_for_another_change_is_refused(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let first = workspace_change("r-1", 1);
    store.reach(&id, Revision::ORIGIN, &first).await.unwrap();
    let mut others = [first.clone(), first.clone(), workspace_change("r-1", 2)];
    others[0].actor.push('x');
    others[1].action.push('x');
    for other in &others {
        let refused = store.reach(&id, revision(1), other).await.unwrap_err();
        assert!(matches!(refused, StoreError::RequestReused), "{refused:?}");
    }
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first]));
}

pub(crate) async fn a_request_id_of_one_account_is_unknown_to_another(fixture: Fixture) {
    let store = fixture.store;
    for (id, number) in [("1", 1), ("10", 2), ("100", 3)] {
        let change = workspace_change("r-1", number);
        assert_eq!(
            store.reach(&account(id), Revision::ORIGIN, &change).await.unwrap(),
            revision(1)
        );
    }
}

const HOUR: u64 = 3_600_000;

pub(crate) async fn a_request_id_is_forgotten_after_24_hours(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let ops = workspace_change("r-1", 1).ops;
    store.reach(&id, revision(0), &change_at("r-1", 100 * HOUR, ops.clone())).await.unwrap();
    let in_time = change_at("r-1", 124 * HOUR, ops.clone());
    assert_eq!(store.reach(&id, revision(1), &in_time).await.unwrap(), revision(1));
    let too_late = change_at("r-1", 124 * HOUR + 1, ops.clone());
    assert_eq!(store.reach(&id, revision(1), &too_late).await.unwrap(), revision(2));
    // From now on the second use is the one that is remembered.
    let again = change_at("r-1", 148 * HOUR, ops);
    assert_eq!(store.reach(&id, revision(9), &again).await.unwrap(), revision(2));
}

pub(crate) async fn many_forgotten_request_ids_do_not_come_back(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let apply = async |name: &str, at: u64, counter: u64| {
        let change = change_at(name, at, workspace_change("x", counter).ops);
        store.reach(&id, revision(counter), &change).await.unwrap()
    };
    for n in 0..40 {
        apply(&format!("r-{n}"), n, n).await;
    }
    // Some are pruned and some are only too old; both are forgotten, in whatever order they are used.
    for n in (0..40).rev() {
        let counter = 79 - n;
        assert_eq!(apply(&format!("r-{n}"), 48 * HOUR, counter).await, revision(counter + 1));
    }
    for n in 0..40 {
        let change = change_at(&format!("r-{n}"), 49 * HOUR, workspace_change("x", 79 - n).ops);
        assert_eq!(store.reach(&id, revision(0), &change).await.unwrap(), revision(80 - n));
    }
}

fn signed(request_id: &str, millis: u64, number: u64, nonce: &str) -> Change {
    let nonce = UsedNonce {
        key: AccessKeyId::parse("LTAI1000x1").unwrap(),
        nonce: Nonce::parse(nonce).unwrap(),
    };
    let ops = workspace_change("x", number).ops;
    Change { nonce: Some(nonce), ..change_at(request_id, millis, ops) }
}

#[track_caller]
fn assert_nonce_used(answer: &Result<Revision, StoreError>) {
    assert!(matches!(answer, Err(StoreError::NonceUsed)), "{answer:?}");
}

pub(crate) async fn a_nonce_is_used_up_with_the_change_and_not_before(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let refused = store.reach(&id, revision(7), &signed("r-1", 1, 1, "n-1")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused:?}");
    let first = signed("r-1", 1, 1, "n-1");
    assert_eq!(store.reach(&id, revision(0), &first).await.unwrap(), revision(1));
    // Before the request id is looked at: what came twice is refused even when it is the very same.
    assert_nonce_used(&store.reach(&id, revision(1), &first).await);
    assert_nonce_used(&store.reach(&id, revision(1), &signed("r-2", 1, 2, "n-1")).await);
    let mut other_key = signed("r-3", 1, 3, "n-1");
    other_key.nonce.as_mut().unwrap().key = AccessKeyId::parse("LTAI1000x2").unwrap();
    assert_eq!(store.reach(&id, revision(1), &other_key).await.unwrap(), revision(2));
    let elsewhere = account("10");
    assert_eq!(store.reach(&elsewhere, revision(0), &first).await.unwrap(), revision(1));
    assert_eq!(store.load(&id).await.unwrap(), records_after(&id, [&first, &other_key]));
}

pub(crate) async fn a_change_without_ops_uses_its_nonce_up_and_nothing_else(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    store.reach(&id, revision(0), &workspace_change("r-0", 9)).await.unwrap();
    let before = store.load(&id).await.unwrap();
    let idle = Change { ops: Vec::new(), ..signed("r-1", 1, 1, "n-1") };
    let late = store.reach(&id, revision(0), &idle).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "it was decided on what is no more");
    assert_eq!(store.reach(&id, revision(1), &idle).await.unwrap(), revision(1));
    assert_nonce_used(&store.reach(&id, revision(1), &idle).await);
    assert_nonce_used(&store.reach(&id, revision(1), &signed("r-2", 1, 2, "n-1")).await);
    assert_eq!(store.load(&id).await.unwrap(), before);
    assert_eq!(store.log(&id, Revision::ORIGIN, 9).await.unwrap().len(), 1);
}

const MINUTE: u64 = 60_000;

pub(crate) async fn a_nonce_is_forgotten_after_30_minutes(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let start = 100 * HOUR;
    for n in 0..20 {
        let change = signed(&format!("r-{n}"), start + n, n, &format!("n-{n}"));
        store.reach(&id, revision(n), &change).await.unwrap();
    }
    let late = |n: u64, at: u64| signed(&format!("late-{n}-{at}"), at, 100 + n, &format!("n-{n}"));
    assert_nonce_used(&store.reach(&id, revision(20), &late(0, start + 30 * MINUTE)).await);
    // Some are pruned and some are only too old: all may be used anew, and are used up then.
    for n in 0..20 {
        let at = start + 31 * MINUTE;
        assert_eq!(
            store.reach(&id, revision(20 + n), &late(n, at)).await.unwrap(),
            revision(21 + n)
        );
    }
    for n in 0..20 {
        assert_nonce_used(&store.reach(&id, revision(40), &late(n, start + 32 * MINUTE)).await);
    }
}

pub(crate) async fn a_request_id_is_recalled_with_what_was_asked(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let asked = Some([7; 32]);
    let first = Change { asked, ..signed("r-1", 100 * HOUR, 1, "n-1") };
    store.reach(&id, revision(0), &first).await.unwrap();
    let second = change_at("r-2", 100 * HOUR, workspace_change("r-2", 2).ops);
    store.reach(&id, revision(1), &second).await.unwrap();
    let at = |hours| Timestamp::from_millis(hours * HOUR);
    let recalled = store.recall(&id, &request("r-1"), at(124)).await.unwrap().unwrap();
    let expected = Recalled { revision: revision(1), ops: first.ops, asked: [7; 32] };
    assert_eq!(recalled, expected);
    // One that found nothing to change is remembered as well, beside a revision that another one led to.
    let idle = Change { asked, ops: Vec::new(), ..signed("r-3", 100 * HOUR, 1, "n-3") };
    store.reach(&id, revision(2), &idle).await.unwrap();
    let recalled = store.recall(&id, &request("r-3"), at(100)).await.unwrap().unwrap();
    let expected = Recalled { revision: revision(2), ops: Vec::new(), asked: [7; 32] };
    assert_eq!(recalled, expected);
    assert_eq!(store.recall(&id, &request("r-1"), at(125)).await.unwrap(), None, "forgotten");
    assert_eq!(store.recall(&id, &request("r-9"), at(100)).await.unwrap(), None);
    assert_eq!(store.recall(&account("10"), &request("r-1"), at(100)).await.unwrap(), None);
}

pub(crate) async fn what_was_asked_tells_a_retry_whose_records_differ(fixture: Fixture) {
    let (store, id) = (fixture.store, account("1000"));
    let of = |number: u64, asked: [u8; 32]| Change {
        asked: Some(asked),
        ..change_at("r-1", 1, workspace_change("x", number).ops)
    };
    let first = store.apply(&id, revision(0), &of(1, [7; 32])).await.unwrap();
    assert_eq!(first, Applied { revision: revision(1), repeated: false });
    // Another id was made up: what was asked is the same.
    let again = store.apply(&id, revision(0), &of(2, [7; 32])).await.unwrap();
    assert_eq!(again, Applied { revision: revision(1), repeated: true });
    let refused = store.apply(&id, revision(1), &of(1, [8; 32])).await.unwrap_err();
    assert!(matches!(refused, StoreError::RequestReused), "{refused:?}");
    assert_eq!(store.load(&id).await.unwrap().workspaces.len(), 1);
}
