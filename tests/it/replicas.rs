//! Several services on one Redis: what one changes all decide by, soon, and at once for who asks for it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    Seeded,
    fleet::{ACCOUNT, Fleet, Said, grant, revision_of, revoke},
    full,
    redis::Redis,
    report,
    server::{run, until},
    signed::{Call, ok},
    timed,
    wire::Request,
};

#[test]
fn a_change_on_one_replica_is_decided_by_on_every_other() {
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::start(&redis.url(), 3, &[]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (user, _) = api.create_user("kim");
    let mut askers = [0, 1, 2].map(|n| fleet.asker(n));
    for (call, said) in
        [(grant(&workspace, &user), Said::Allow), (revoke(&workspace, &user), Said::Deny)]
    {
        let revision = revision_of(&mut api, &call);
        for asker in &mut askers {
            // At once for who asks for it, and then for everybody.
            assert_eq!(asker.may(&user, &workspace, Some(&revision)), said);
            assert_eq!(asker.may(&user, &workspace, None), said);
        }
    }
    // Any of them changes the account, and each write is decided on what all wrote before.
    let revision = revision_of(&mut fleet.api(1), &grant(&workspace, &user));
    assert_eq!(askers[2].may(&user, &workspace, Some(&revision)), Said::Allow);
    // Also without saying so: a write is not refused for what this replica has not heard of yet.
    for n in 0..30 {
        ok(&fleet.api(n % 3).send(&revoke(&workspace, &user)));
        ok(&fleet.api((n + 1) % 3).send(&grant(&workspace, &user)));
    }
    let late = grant(&workspace, &user).with("x-pai-authz-at-least", &revision);
    assert_eq!(fleet.api(2).send(&late).status, 200);
}

#[test]
fn a_revocation_reaches_every_replica_within_moments() {
    let revocations = full(100, 10_000);
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::start(&redis.url(), 3, &[]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (user, _) = api.create_user("kim");
    let mut took = Vec::new();
    for _ in 0..revocations {
        let granted = revision_of(&mut api, &grant(&workspace, &user));
        for n in 0..3 {
            assert_eq!(fleet.asker(n).may(&user, &workspace, Some(&granted)), Said::Allow);
        }
        let denied = AtomicUsize::new(0);
        let slowest = thread::scope(|scope| {
            // They ask before it is revoked, so that no time passes until they notice.
            let askers: Vec<_> = (0..3)
                .map(|n| {
                    let (fleet, denied, user, workspace) = (&fleet, &denied, &user, &workspace);
                    scope.spawn(move || {
                        let mut asker = fleet.asker(n);
                        while asker.may(user, workspace, None) == Said::Allow {}
                        denied.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            ok(&api.send(&revoke(&workspace, &user)));
            timed(|| askers.into_iter().for_each(|asker| asker.join().unwrap())).1
        });
        took.push(slowest);
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    report(&format!(
        "{revocations} revocations, from the acknowledgement until the last of 3 replicas denies: p50 {:.2?}, p99 {:.2?}, \
         max {:.2?}",
        at(50),
        at(99),
        at(100)
    ));
    assert!(at(100) < Duration::from_secs(5), "never longer than replicas may be stale");
}

#[test]
fn with_a_token_no_replica_answers_from_the_past() {
    let trials = full(300, 100_000);
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::start(&redis.url(), 3, &[]);
    let mut apis = [0, 1, 2].map(|n| fleet.api(n));
    let mut askers = [0, 1, 2].map(|n| fleet.asker(n));
    let mut seeded = Seeded(20_261_124);
    let mut any = || usize::try_from(seeded.below(3)).unwrap();
    let (old, new) =
        (apis[0].create_workspace("old_content"), apis[0].create_workspace("new_content"));
    let (kim, _) = apis[0].create_user("kim");
    let (lee, _) = apis[0].create_user("lee");
    let mut refused = 0;
    for trial in 0..trials {
        // Read your writes, through any replica.
        let (call, said) = if trial % 2 == 0 {
            (grant(&old, &kim), Said::Allow)
        } else {
            (revoke(&old, &kim), Said::Deny)
        };
        // Who makes it must have seen the one before.
        let revision = loop {
            let answer = apis[any()].send(&call);
            if answer.status == 200 {
                break answer.header("x-pai-authz-revision").unwrap().to_owned();
            }
            assert!([404, 409].contains(&answer.status), "{answer:?}");
        };
        // New enemy: what comes after a revocation never goes with who was there before it.
        let (call, later) = if trial % 2 == 0 {
            (revoke(&new, &lee), Said::Deny)
        } else {
            (grant(&new, &lee), Said::Allow)
        };
        let after = if trial == 0 {
            revision.clone()
        } else {
            let call = call.with("x-pai-authz-at-least", &revision);
            revision_of(&mut apis[any()], &call)
        };
        for (user, workspace, said, token) in
            [(&kim, &old, said, &revision), (&kim, &old, said, &after), (&lee, &new, later, &after)]
        {
            match askers[any()].may(user, workspace, Some(token)) {
                Said::Refused("replica_stale") => refused += 1,
                answer => assert_eq!(answer, said, "trial {trial}"),
            }
        }
    }
    report(&format!(
        "{trials} trials with tokens: 0 stale answers, {refused} refused as not fresh enough in 200 ms"
    ));
    assert!(refused * 100 <= trials, "{refused}");
}

#[test]
fn an_account_that_comes_later_is_loaded_when_it_is_first_asked_for() {
    let redis = Redis::tcp(&[]);
    let mut fleet = Fleet::start(&redis.url(), 1, &[]);
    let key = fleet.master_key();
    let other = "1000000000000078";
    let made = run([
        "--format",
        "json",
        "init",
        "--store",
        &redis.url(),
        "--account",
        other,
        "--master-key-file",
        &key,
    ]);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let question = json!({
        "principal": { "type": "Account", "id": other }, "action": "PaiWorkspace:CreateWorkspace", "resource": {},
    });
    let server = &fleet.servers[0];
    assert_eq!(server.decide(&token, &question)["decision"], "Allow");
    // Made-up accounts are nobody, and do not make the store busy.
    let before = commands(&redis);
    for n in 0..200 {
        let nobody = format!("pat_{}_a1_{}", 5_000 + n % 20, "0".repeat(64));
        let body = question.to_string();
        let request = Request::post("/v1/is-authorized", body.as_bytes()).token(&nobody);
        assert_eq!(server.send(&request).status, 401);
    }
    assert!(commands(&redis) - before < 1_500, "{}", commands(&redis) - before);
    // With room for one only, the account that was not asked for the longest time leaves.
    fleet.add(&["--account-memory-mib", "1"]);
    assert_eq!(fleet.servers[1].decide(&token, &question)["decision"], "Allow");
}

fn commands(redis: &Redis) -> u64 {
    let info = redis.cli(&["INFO", "stats"]);
    let line = info.lines().find(|line| line.starts_with("total_commands_processed:")).unwrap();
    line.split(':').nth(1).unwrap().trim().parse().unwrap()
}

#[test]
fn what_cannot_be_trusted_is_quarantined_and_the_rest_is_served() {
    let redis = Redis::tcp(&[]);
    let mut fleet = Fleet::start(&redis.url(), 1, &[]);
    let mut api = fleet.api(0);
    let (good, bad) = (api.create_workspace("good"), api.create_workspace("bad"));
    let (user, _) = api.create_user("kim");
    for workspace in [&good, &bad] {
        ok(&api.send(&grant(workspace, &user)));
    }
    let roster = format!("{{{ACCOUNT}}}:roster:{bad}");
    redis.cli(&["COPY", &roster, "kept"]);
    redis.cli(&["HSET", &roster, "0", "poison"]);
    fleet.add(&[]);
    let mut asker = fleet.asker(1);
    assert_eq!(asker.may(&user, &good, None), Said::Allow);
    assert_eq!(asker.may(&user, &bad, None), Said::Refused("quarantined"));
    let mut api = fleet.api(1);
    for call in [
        Call::new("GetMember", &[&bad]).query(&[("UserId", &user)]),
        revoke(&bad, &user),
        Call::new("DeleteUser", &[]).query(&[("UserName", "kim")]),
        Call::new("ListWorkspaces", &[]),
    ] {
        let answer = api.send(&call);
        assert_eq!(
            (answer.status, &answer.json()["Code"]),
            (503, &json!("ServiceUnavailable")),
            "{answer:?}"
        );
    }
    ok(&api.send(&revoke(&good, &user)));
    let metrics = String::from_utf8(fleet.servers[1].health("/metrics").body).unwrap();
    assert!(metrics.contains("pai_authz_quarantined_workspaces 1\n"), "{metrics}");
    assert!(fleet.servers[1].log().contains("quarantined"), "{}", fleet.servers[1].log());
    // Repaired, it is served again without help.
    redis.cli(&["RENAME", "kept", &roster]);
    until("the workspace is served again", || asker.may(&user, &bad, None) == Said::Allow);
    // What is the account's own stops the account, and no other.
    let dev = fleet.command(&[
        "token",
        "list",
        "--account",
        ACCOUNT,
        "--master-key-file",
        &fleet.master_key(),
    ]);
    assert_eq!(dev.code, 0, "{dev:?}");
    redis.cli(&["HSET", &format!("{{{ACCOUNT}}}:records"), "identity:7", "poison"]);
    fleet.add(&[]);
    assert_eq!(fleet.asker(2).may(&user, &good, None), Said::Refused("unavailable"));
    assert_eq!(asker.may(&user, &good, None), Said::Deny, "who knew the account before goes on");
}
