//! Redis dies, hangs, is replaced, forgets: decisions go on from memory as long as they may, and never from a past that
//! is older, or from a history that lost something.

use std::time::Duration;

use crate::support::{
    fleet::{ACCOUNT, Fleet, Said, grant, revision_of, revoke},
    full,
    load::{Load, Seen, last},
    redis::{Cluster, Proxy, Redis, Sentinels},
    report,
    server::until,
    signed::ok,
    timed,
    wire::Request,
};

/// Nothing that was acknowledged is lost when the server is killed.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
/// How old an answer may be: as long as replicas may be stale by default, and the time it takes to be answered.
const STALENESS: Duration = Duration::from_millis(5_500);

#[track_caller]
fn assert_nobody_was_refused(what: &str, seen: &Seen, recovered: Duration) {
    let Seen { verdict, failed, slowest } = seen;
    assert!(verdict.refusals.is_empty(), "{what}: {:?}", verdict.refusals);
    report(&format!(
        "{what}: {} changes and {} decisions replayed, 0 wrong, 0 refused; {failed} writes failed and were sent again, \
         answered in {slowest:.1?} at most; writing again {recovered:.1?} after the fault",
        verdict.changes, verdict.answers
    ));
}

#[test]
fn decisions_go_on_while_redis_is_killed_and_started_again() {
    let mut redis = Redis::tcp(&DURABLE);
    let fleet = Fleet::start(&redis.url(), 3, &[]);
    let mut recovered = Duration::ZERO;
    let seen = Load::run(&fleet, STALENESS, |load| {
        for _ in 0..full(1, 20) {
            redis.kill();
            last(Duration::from_secs(1));
            redis.restart();
            recovered = recovered.max(load.wait_for_writes());
            // Each time begins with all they may be behind.
            fleet.wait_until_heard();
        }
    });
    assert_nobody_was_refused("SIGKILL", &seen, recovered);
}

#[test]
fn decisions_go_on_while_redis_hangs() {
    // Nothing is killed, so nothing has to be on the disk: one that is slow would hang as well, and at other times.
    let redis = Redis::tcp(&[]);
    let fleet = Fleet::start(&redis.url(), 3, &[]);
    let mut recovered = Duration::ZERO;
    let seen = Load::run(&fleet, STALENESS, |load| {
        for _ in 0..full(1, 20) {
            redis.stop_process();
            last(Duration::from_secs(3));
            redis.continue_process();
            recovered = recovered.max(load.wait_for_writes());
            // Each time begins with all they may be behind.
            fleet.wait_until_heard();
        }
    });
    assert_nobody_was_refused("SIGSTOP", &seen, recovered);
    assert!(seen.slowest < Duration::from_secs(10), "a write is answered: {:?}", seen.slowest);
}

#[test]
fn decisions_and_writes_go_on_after_sentinels_replaced_the_primary() {
    for _ in 0..full(1, 10) {
        let mut servers = Sentinels::start(&[]);
        let quorum = ["--write-quorum", "1", "--max-staleness-ms", "30000"];
        let fleet = Fleet::start(&servers.url(), 3, &quorum);
        let mut recovered = Duration::ZERO;
        let seen = Load::run(&fleet, Duration::from_millis(30_500), |load| {
            let primary = servers.primary();
            servers.kill(primary);
            servers.wait_for_primary_other_than(primary);
            recovered = load.wait_for_writes();
        });
        assert_nobody_was_refused("Sentinel failover", &seen, recovered);
    }
}

#[test]
fn a_primary_that_lives_on_as_a_replica_is_left_for_the_new_one() {
    let servers = Sentinels::start(&[]);
    let fleet = Fleet::start(&servers.url(), 2, &[]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (user, _) = api.create_user("kim");
    let first = servers.primary();
    // Nobody writes: the old primary takes changes for a moment that the new one will not have.
    servers.fail_over();
    let next = servers.wait_for_primary_other_than(first);
    let granted = || fleet.api(1).send(&grant(&workspace, &user));
    let mut answer = granted();
    until("writes are taken again", || {
        answer = granted();
        answer.status == 200
    });
    let revision = answer.header("x-pai-authz-revision").unwrap().to_owned();
    for n in 0..2 {
        assert_eq!(fleet.asker(n).may(&user, &workspace, Some(&revision)), Said::Allow);
        assert!(!fleet.servers[n].log().contains("panicked"), "{}", fleet.servers[n].log());
    }
    let roster = format!("{{{ACCOUNT}}}:roster:{workspace}");
    assert_eq!(servers.cli(next, &["EXISTS", &roster]), "1", "it is in the new one");
}

#[test]
fn decisions_and_writes_go_on_while_a_cluster_moves_the_account() {
    let servers = Cluster::start();
    let fleet = Fleet::start(&servers.url(), 3, &[]);
    let key = format!("{{{ACCOUNT}}}:meta");
    let mut recovered = Duration::ZERO;
    let seen = Load::run(&fleet, STALENESS, |load| {
        for _ in 0..full(1, 5) {
            let from = servers.node_of(&key);
            while servers.node_of(&key) == from {
                servers.reshard(1_000, from, (from + 1) % 3);
            }
            recovered = recovered.max(load.wait_for_writes());
        }
    });
    assert_nobody_was_refused("Cluster reshard", &seen, recovered);
}

#[test]
fn a_replica_that_is_cut_off_refuses_after_its_time_and_comes_back_by_itself() {
    let redis = Redis::tcp(&[]);
    let proxy = Proxy::to(redis.port());
    let mut fleet = Fleet::start(&redis.url(), 1, &[]);
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    fleet.add_at(&url, &["--max-staleness-ms", "1000"]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (user, _) = api.create_user("kim");
    for break_it in [Proxy::cut, Proxy::stall] {
        let granted = revision_of(&mut api, &grant(&workspace, &user));
        let (mut near, mut far) = (fleet.asker(0), fleet.asker(1));
        assert_eq!(far.may(&user, &workspace, Some(&granted)), Said::Allow);
        break_it(&proxy);
        let revoked = revision_of(&mut api, &revoke(&workspace, &user));
        assert_eq!(near.may(&user, &workspace, None), Said::Deny);
        // Who asks for what it cannot know is told so; others get what was true, for a while.
        assert_eq!(far.may(&user, &workspace, Some(&revoked)), Said::Refused("replica_stale"));
        let (said, took) = timed(|| {
            loop {
                match far.may(&user, &workspace, None) {
                    Said::Allow => {}
                    said => break said,
                }
            }
        });
        assert_eq!(said, Said::Refused("replica_stale"));
        assert!(took < Duration::from_millis(1_500), "{took:?}");
        assert_eq!(fleet.servers[1].health("/readyz").status, 503);
        assert_eq!(fleet.servers[1].health("/livez").status, 200);
        assert_eq!(fleet.servers[0].health("/readyz").status, 200);
        // A write says at once that it cannot be made.
        let refused = fleet.api(1).send(&grant(&workspace, &user));
        assert_eq!(refused.status, 503, "{refused:?}");
        proxy.pass();
        let ((), took) = timed(|| {
            until("it is served again", || far.may(&user, &workspace, None) == Said::Deny);
        });
        report(&format!("cut off and back: decides again {took:.1?} after the network is whole"));
        until("it is ready again", || fleet.servers[1].health("/readyz").status == 200);
    }
}

#[test]
fn a_store_that_was_emptied_is_not_taken_for_one_where_nobody_has_rights() {
    let redis = Redis::tcp(&[]);
    let mut fleet = Fleet::start(&redis.url(), 2, &[]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (user, _) = api.create_user("kim");
    let granted = revision_of(&mut api, &grant(&workspace, &user));
    let mut askers = [0, 1].map(|n| fleet.asker(n));
    assert_eq!(askers[1].may(&user, &workspace, Some(&granted)), Said::Allow);
    redis.cli(&["FLUSHALL"]);
    let ((), took) = timed(|| {
        for asker in &mut askers {
            until("it is noticed", || match asker.may(&user, &workspace, None) {
                Said::Allow => false,
                said => {
                    assert_eq!(said, Said::Refused("suspended"));
                    true
                }
            });
        }
    });
    report(&format!("FLUSHALL: noticed by both replicas within {took:.1?}"));
    // Whoever notices first says what was lost, and leaves it in the store for the others, who say that they found it there.
    let says = |n: usize, words: &str| fleet.servers[n].log().contains(words);
    until("the loss is logged", || (0..2).any(|n| says(n, "the store has lost changes")));
    until("both say so", || (0..2).all(|n| says(n, "until an operator has looked")));
    let refused = api.send(&revoke(&workspace, &user));
    assert_eq!(refused.status, 503, "{refused:?}");
    // One that starts now cannot know what was lost, and is told.
    fleet.add(&[]);
    assert_eq!(fleet.asker(2).may(&user, &workspace, None), Said::Refused("unavailable"));
    let metrics = String::from_utf8(fleet.servers[1].health("/metrics").body).unwrap();
    assert!(metrics.contains("pai_authz_suspended_accounts 1\n"), "{metrics}");
    // An operator who accepts the loss begins anew, and every service goes on with what is there: nothing.
    let accepted = fleet.command(&["recover", "--account", ACCOUNT, "--accept-loss"]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    for n in 0..3 {
        until("the service goes on", || {
            let body = String::from_utf8(fleet.servers[n].health("/metrics").body).unwrap();
            body.contains("pai_authz_suspended_accounts 0\n")
        });
        // Nobody's token is known any more.
        assert_eq!(
            fleet.servers[n].send(&Request::get("/v1/tokens").token(&fleet.token)).status,
            401
        );
    }
}

#[test]
fn a_primary_that_lacks_changes_is_not_decided_by_until_an_operator_confirms() {
    let mut servers = Sentinels::start(&[]);
    let fleet = Fleet::start(&servers.url(), 2, &["--max-staleness-ms", "60000"]);
    let mut api = fleet.api(0);
    let workspace = api.create_workspace("shared");
    let (kim, _) = api.create_user("kim");
    let (lee, _) = api.create_user("lee");
    ok(&api.send(&grant(&workspace, &kim)));
    let primary = servers.primary();
    until("the replicas have it", || {
        servers.cli(primary, &["WAIT", "2", "1000"]);
        (0..3).filter(|n| *n != primary).all(|n| {
            servers.cli(n, &["HGET", &format!("{{{ACCOUNT}}}:meta"), "counter"])
                == servers.cli(primary, &["HGET", &format!("{{{ACCOUNT}}}:meta"), "counter"])
        })
    });
    for node in (0..3).filter(|n| *n != primary) {
        servers.cut_replication(node);
    }
    // A revocation that no replica of Redis will have.
    let revoked = revision_of(&mut api, &revoke(&workspace, &kim));
    let mut askers = [0, 1].map(|n| fleet.asker(n));
    for asker in &mut askers {
        assert_eq!(asker.may(&kim, &workspace, Some(&revoked)), Said::Deny);
    }
    servers.kill(primary);
    servers.wait_for_primary_other_than(primary);
    let ((), took) = timed(|| {
        for asker in &mut askers {
            until("it is noticed", || match asker.may(&kim, &workspace, None) {
                // What was true before the primary died.
                Said::Deny => false,
                said => {
                    assert_eq!(said, Said::Refused("suspended"), "the revocation is not undone");
                    true
                }
            });
        }
    });
    report(&format!("a stale replica was promoted: noticed {took:.1?} after"));
    assert_eq!(askers[0].may(&lee, &workspace, None), Said::Refused("suspended"));
}
