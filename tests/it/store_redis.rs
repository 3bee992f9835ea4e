//! What Redis alone can do to a store: refuse, run out of room, hold what nobody wrote, go away.

use std::sync::Arc;

use pai_authz::{
    config::RedisSettings,
    domain::{AccessKeyId, AccountRecords, Change, Nonce, Op, Revision, UsedNonce, WorkspaceId},
    store::{Mode, Store, StoreError},
};

use crate::support::{
    records::{Reach as _, account, change, op, records_after, revision, workspace_change},
    redis::{Redis, Tls},
    redis_store,
    server::{PATIENCE, until},
};

fn store(url: &str) -> Arc<dyn Store> {
    redis_store(url, &RedisSettings::default(), Mode::Production)
}

/// Returns the store as somebody.
fn store_as(url: &str, user: Option<&str>, password: &str) -> Arc<dyn Store> {
    let settings =
        RedisSettings { password: Some(password.to_owned()), ..RedisSettings::default() };
    let url = match user {
        Some(user) => url.replacen("://", &format!("://{user}@"), 1),
        None => url.to_owned(),
    };
    redis_store(&url, &settings, Mode::Production)
}

#[track_caller]
fn assert_unavailable(error: &StoreError, names: &str) {
    match error {
        StoreError::Unavailable { may_be_applied: false, detail } => {
            assert!(detail.contains(names), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_written_is_read_by_another_process_and_a_store_of_the_other_mode_is_refused() {
    let redis = Redis::start(&[]);
    let (one, id) = (store(&redis.url()), account("1000"));
    let changes = [workspace_change("r-1", 1), workspace_change("r-2", 2)];
    for (counter, change) in (0..).zip(&changes) {
        one.reach(&id, revision(counter), change).await.unwrap();
    }
    let two = store(&redis.url());
    assert_eq!(two.load(&id).await.unwrap(), records_after(&id, &changes));
    assert_eq!(two.reach(&id, revision(1), &changes[1]).await.unwrap(), revision(2));
    let late = two.reach(&id, revision(1), &workspace_change("r-3", 3)).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { current } if current == revision(2)));
    let development = redis_store(&redis.url(), &RedisSettings::default(), Mode::Development);
    let refused = development.load(&id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Mode(_)), "{refused:?}");
    let refused = development.reach(&id, revision(2), &workspace_change("r-3", 3)).await;
    assert!(matches!(refused, Err(StoreError::Mode(_))), "{refused:?}");
    redis.cli(&["HSET", "{1000}:meta", "format", "3"]);
    let refused = one.load(&id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Format { found: 3, supported: 2 }), "{refused:?}");
    let refused = one.reach(&id, revision(2), &workspace_change("r-3", 3)).await;
    assert!(matches!(refused, Err(StoreError::Format { found: 3, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_refusal_of_redis_says_what_to_do() {
    let redis = Redis::start(&["--requirepass", "secret"]);
    let (id, change) = (account("1000"), workspace_change("r-1", 1));
    let without = store(&redis.url());
    assert_unavailable(&without.load(&id).await.unwrap_err(), "--redis-password-file");
    let wrong = store_as(&redis.url(), None, "wrong");
    let refused = wrong.load(&id).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unavailable { may_be_applied: false, .. }),
        "{refused:?}"
    );
    let right = store_as(&redis.url(), None, "secret");
    right.reach(&id, revision(0), &change).await.unwrap();
    let auth = ["-a", "secret", "--no-auth-warning"];
    let cli = |command: &[&str]| redis.cli(&[&auth[..], command].concat());

    cli(&["ACL", "SETUSER", "reader", "on", ">r", "~*", "&*", "+@all", "-evalsha", "-eval"]);
    let reader = store_as(&redis.url(), Some("reader"), "r");
    reader.load(&id).await.unwrap();
    let refused = reader.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap_err();
    assert_unavailable(&refused, "allow the user");

    cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = right.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(
        right.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap(),
        revision(2)
    );

    cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let refused = right.reach(&id, revision(2), &workspace_change("r-3", 3)).await.unwrap_err();
    assert_unavailable(&refused, "give the primary");
    cli(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(
        right.reach(&id, revision(2), &workspace_change("r-3", 3)).await.unwrap(),
        revision(3)
    );
}

/// A config as it would be stored, of another workspace.
const OTHERS: &str = "\u{1}{\"name\":{\"workspace\":\"3\",\"category\":\"x.y_z\",\"key\":\"0\",\"labels\":{}},\"value\":\"\",\"created_ms\":1,\"modified_ms\":1}";

#[tokio::test]
async fn what_nobody_wrote_is_damage_of_the_workspace_or_else_of_the_account_and_of_no_other() {
    let redis = Redis::start(&[]);
    let (one, two) = (account("1000"), account("2000"));
    let large = "redis.call('HSET', KEYS[1], 'workspace:9', string.rep('x', 52428800))";
    for (poison, of_workspace) in [
        (&["HSET", "{1000}:records", "workspace:9", "\u{1}{}"][..], Some("9")),
        (&["HSET", "{1000}:records", "workspace:9", "\u{2}{}"], Some("9")),
        (&["EVAL", large, "1", "{1000}:records"], Some("9")),
        (&["HSET", "{1000}:records", "role:2:role-x", "x"], Some("2")),
        // A switch that cannot be read may be off.
        (&["HSET", "{1000}:records", "config:2:PaiAuthzSwitch:dlcEnterContainer:", "x"], Some("2")),
        (&["HSET", "{1000}:records", "config:2:x.y_z:0:0", OTHERS], Some("2")),
        (&["HSET", "{1000}:roster:2", "n", "x"], Some("2")),
        (&["HSET", "{1000}:roster:2", "0", "x"], Some("2")),
        (&["HSET", "{1000}:roster:2", "not-a-number", "x"], Some("2")),
        (&["HDEL", "{1000}:roster:2", "0"], Some("2")),
        (&["SET", "{1000}:roster:2", "x"], Some("2")),
        // What went missing is no reason to deny.
        (&["DEL", "{1000}:roster:2"], Some("2")),
        // More members than so many chunks can have.
        (
            &[
                "EVAL",
                "redis.call('HSET', KEYS[1], 'n', '\\1\\1\\255\\255\\255\\15')",
                "1",
                "{1000}:roster:2",
            ],
            Some("2"),
        ),
        (&["DEL", "{1000}:rosters"], None),
        (&["DEL", "{1000}:records"], None),
        (&["HDEL", "{1000}:records", "identity:1"], None),
        (&["HSET", "{1000}:records", "nonsense", "x"], None),
        (&["HSET", "{1000}:records", "identity:9", "x"], None),
        (&["HSET", "{1000}:records", "workspace:{}", "x"], None),
        (&["SADD", "{1000}:rosters", "{2000}:roster:2"], None),
        (&["SET", "{1000}:records", "x"], None),
        (&["SET", "{1000}:rosters", "x"], None),
        (&["HDEL", "{1000}:meta", "counter"], None),
        (&["HSET", "{1000}:meta", "counter", "many"], None),
        (&["HSET", "{1000}:meta", "lineage", "short"], None),
        (&["SET", "{1000}:meta", "x"], None),
    ] {
        redis.cli(&["FLUSHALL"]);
        let store = store(&redis.url());
        for id in [&one, &two] {
            let ops = (0..8).map(|k| op(2 * k, 1, k)).collect();
            store.reach(id, revision(0), &change("r-1", ops)).await.unwrap();
        }
        let (whole, good) = (store.load(&one).await.unwrap(), store.load(&two).await.unwrap());
        redis.cli(poison);
        let poison: Vec<String> =
            poison.iter().map(|part| part.chars().take(40).collect()).collect();
        match (store.load(&one).await, of_workspace) {
            (Ok(read), Some(workspace)) => {
                let unreadable: Vec<&str> =
                    read.unreadable.iter().map(WorkspaceId::as_str).collect();
                assert_eq!(unreadable, [workspace], "{poison:?}");
                assert_eq!(read.identities, whole.identities, "{poison:?}");
            }
            (Err(StoreError::Damaged { .. }), None) => {}
            (other, _) => panic!("{poison:?}: {other:?}"),
        }
        assert_eq!(store.load(&two).await.unwrap(), good, "{poison:?}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_written_whole_is_not_written_at_all() {
    let redis = Redis::start(&[]);
    let id = account("1000");
    let signed = |request: &str, n: u64| {
        let nonce = Nonce::parse(&format!("nonce-{n}")).unwrap();
        let nonce = UsedNonce { key: AccessKeyId::parse("LTAI1000xA").unwrap(), nonce };
        Change { nonce: Some(nonce), ..workspace_change(request, n) }
    };
    let keys = "log requests requests-by-time nonces nonces-by-time rosters records roster:2";
    let keys = keys.split(' ').map(|name| format!("{{1000}}:{name}"));
    let dump = || {
        let mut kept = redis.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect::<Vec<_>>();
        kept.sort();
        kept.into_iter()
            .map(|key| redis.cli(&["--no-raw", "DUMP", &key]) + &key)
            .collect::<Vec<_>>()
    };
    for key in keys {
        redis.cli(&["FLUSHALL"]);
        let root = store(&redis.url());
        root.reach(&id, revision(0), &signed("r-1", 1)).await.unwrap();
        redis.cli(&["DEL", &key]);
        // A bitmap, which no part of the store is.
        redis.cli(&["SETBIT", &key, "7", "1"]);
        let before = dump();
        let refused = root.reach(&id, revision(1), &signed("r-2", 2)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{key}: {refused:?}");
        assert_eq!(dump(), before, "{key}");
    }

    for (key, field) in [("requests", "r-2"), ("nonces", "LTAI1000xA:nonce-2")] {
        redis.cli(&["FLUSHALL"]);
        let root = store(&redis.url());
        root.reach(&id, revision(0), &signed("r-1", 1)).await.unwrap();
        redis.cli(&["HSET", &format!("{{1000}}:{key}"), field, "x"]);
        let before = dump();
        let refused = root.reach(&id, revision(1), &signed("r-2", 2)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{key}: {refused:?}");
        assert_eq!(dump(), before, "{key}");
    }

    redis.cli(&["FLUSHALL"]);
    let root = store(&redis.url());
    root.reach(&id, revision(0), &signed("r-1", 1)).await.unwrap();
    redis.cli(&["XADD", "{1000}:log", "1-2", "e", "x"]);
    let before = dump();
    let refused = root.reach(&id, revision(1), &signed("r-2", 2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    assert_eq!(dump(), before);

    redis.cli(&["FLUSHALL"]);
    let root = store(&redis.url());
    root.reach(&id, revision(0), &signed("r-1", 1)).await.unwrap();
    let before = dump();
    for command in
        "hset hdel hlen xadd xtrim zadd zrem zrange zrangebyscore sadd srem scard sismember publish"
            .split(' ')
    {
        let less = format!("-{command}");
        redis.cli(&["ACL", "SETUSER", "less", "reset", "on", ">l", "~*", "&*", "+@all", &less]);
        let user = store_as(&redis.url(), Some("less"), "l");
        let refused = user.reach(&id, revision(1), &signed("r-2", 2)).await.unwrap_err();
        assert_unavailable(&refused, &format!("the command {}", command.to_uppercase()));
        assert_eq!(dump(), before, "{command}");
    }
    // What docs/redis-layout.md says a user needs.
    let needed = "role evalsha script multi exec type hmget hget hset hdel hlen hscan hgetall sadd srem scard sismember smembers \
                  xadd xtrim xrange zadd zrem zrange zrangebyscore scan publish subscribe ping";
    let mut rule = vec![
        "ACL",
        "SETUSER",
        "least",
        "reset",
        "on",
        ">l",
        "~{*}:*",
        "&pai-authz:changes",
        "-@all",
    ];
    let allowed: Vec<String> = needed.split(' ').map(|command| format!("+{command}")).collect();
    rule.extend(allowed.iter().map(String::as_str));
    redis.cli(&rule);
    let least = store_as(&redis.url(), Some("least"), "l");
    least.reach(&id, revision(1), &signed("r-2", 2)).await.unwrap();
    assert_eq!(least.accounts().await.unwrap(), std::slice::from_ref(&id));
    assert_eq!(least.load(&id).await.unwrap().revision, revision(2));
    assert_eq!(least.log(&id, revision(0), 9).await.unwrap().len(), 2);
    let again = signed("r-2", 2);
    assert!(least.recall(&id, &again.request_id, again.at).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_at_once_and_found_again() {
    let id = account("1000");
    let nowhere = store("redis+unix:///nowhere/redis.sock");
    let refused = nowhere.load(&id).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unavailable { may_be_applied: false, .. }),
        "{refused:?}"
    );
    let redis = Redis::start(&[]);
    let store = store(&redis.url());
    store.reach(&id, revision(0), &workspace_change("r-1", 1)).await.unwrap();
    // Every connection is cut: the next question is asked on a new one.
    redis.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(store.load(&id).await);
        if answers.last().unwrap().is_ok() {
            break;
        }
    }
    assert_eq!(answers.pop().unwrap().unwrap().workspaces.len(), 1, "{answers:?}");
    for error in answers {
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_account_is_read_whole_while_it_is_written() {
    let redis = Redis::start(&[]);
    let (reader, writer, id) = (store(&redis.url()), store(&redis.url()), account("1000"));
    let writing = async {
        for n in 0..200 {
            // A workspace and its two members, together or not at all.
            writer.reach(&id, revision(n), &workspace_change(&format!("r-{n}"), n)).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let reading = async {
        let mut seen = 0;
        while seen < 200 {
            let records: AccountRecords = match reader.load(&id).await {
                Ok(records) => records,
                // It says so when it was changed under its hands every time.
                Err(StoreError::Unavailable { may_be_applied: false, .. }) => continue,
                Err(other) => panic!("{other:?}"),
            };
            seen = records.revision.counter;
            assert_eq!(records.workspaces.len() as u64, seen);
            assert_eq!(records.membership_count() as u64, 2 * seen);
        }
    };
    futures_util::future::join(writing, reading).await;
}

#[tokio::test]
async fn a_membership_takes_few_bytes() {
    let redis = Redis::start(&[]);
    let (store, id) = (store(&redis.url()), account("1000"));
    let used = || -> u64 {
        let info = redis.cli(&["MEMORY", "USAGE", "{1000}:roster:1", "SAMPLES", "0"]);
        info.parse().unwrap_or(0)
    };
    let members = (0..100).map(|n| {
        let member = pai_authz::domain::Member {
            principal: crate::support::records::principal(
                200_000_000_000_000_000 + n * 1_234_567_890_123_456,
            ),
            roles: vec![pai_authz::domain::RoleRef::Builtin(
                pai_authz::domain::BuiltinRole::Developer,
            )],
            created: pai_authz::domain::Timestamp::from_millis(1_795_500_000_000 + n * 60_000),
        };
        Op::PutMember(crate::support::records::workspace_id(1), member)
    });
    store.reach(&id, Revision::ORIGIN, &change("r-1", members.collect())).await.unwrap();
    let each = used() / 100;
    crate::support::report(&format!(
        "{each} bytes of Redis for a membership of a workspace of 100"
    ));
    assert!((8..=40).contains(&each), "{each}");
}

#[tokio::test]
async fn what_keeps_a_store_from_answering_is_said_with_what_to_do() {
    let redis = Redis::tcp(&["--busy-reply-threshold", "50"]);
    let id = account("1000");
    let first = store(&redis.url());
    first.reach(&id, revision(0), &workspace_change("r-1", 1)).await.unwrap();
    let ask = async |url: &str, settings: &RedisSettings| {
        redis_store(url, settings, Mode::Production).load(&id).await.unwrap_err()
    };
    let plain = RedisSettings::default();
    let refused = ask(&format!("{}/99", redis.url()), &plain).await;
    assert_unavailable(&refused, "give the number of a database that is there");
    let refused = ask(&redis.url().replace("redis:", "rediss:"), &plain).await;
    assert_unavailable(&refused, "is this the port for TLS");
    let tls = Tls::start();
    let refused = ask(&tls.url().replace("rediss:", "redis:"), &plain).await;
    assert_unavailable(&refused, "give `rediss://` where the server wants TLS");
    let refused = ask(&tls.url(), &plain).await;
    assert_unavailable(&refused, "check `--redis-ca`, `--redis-cert` and `--redis-key`");

    // Snapshots cannot be written, and Redis takes no changes until they can. It makes one by itself as soon as it may.
    let directory = redis.cli(&["CONFIG", "GET", "dir"]);
    let in_the_way = std::path::Path::new(directory.lines().last().unwrap()).join("dump.rdb");
    std::fs::create_dir(&in_the_way).unwrap();
    redis.cli(&["CONFIG", "SET", "save", "1 1"]);
    redis.cli(&["BGSAVE"]);
    until("the snapshot fails", || {
        redis.cli(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err")
    });
    let refused = first.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap_err();
    assert_unavailable(&refused, "cannot write to its disk");
    redis.cli(&["CONFIG", "SET", "save", ""]);
    first.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap();

    let redis = Arc::new(redis);
    let endless = tokio::task::spawn_blocking({
        let redis = redis.clone();
        move || redis.cli(&["EVAL", "while true do end", "0"])
    });
    until("the script runs", || redis.cli(&["GET", "x"]).contains("BUSY"));
    assert_unavailable(&first.load(&id).await.unwrap_err(), "SCRIPT KILL");
    redis.cli(&["SCRIPT", "KILL"]);
    endless.await.unwrap();
    let answers = async {
        while first.load(&id).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, answers).await.unwrap();
}

#[tokio::test]
async fn a_server_that_reads_its_data_is_waited_for() {
    let redis = Arc::new(Redis::start(&["--enable-debug-command", "yes"]));
    let (store, id) = (store(&redis.url()), account("1000"));
    store.reach(&id, revision(0), &workspace_change("r-1", 1)).await.unwrap();
    for n in 0..100 {
        redis.cli(&["SET", &format!("much:{n}"), &"x".repeat(4_096)]);
    }
    // It answers others while it reads, after so many bytes; and takes 20 ms for a key.
    redis.cli(&["CONFIG", "SET", "rdbcompression", "no"]);
    redis.cli(&["CONFIG", "SET", "loading-process-events-interval-bytes", "1024"]);
    redis.cli(&["CONFIG", "SET", "key-load-delay", "20000"]);
    let reads = tokio::task::spawn_blocking({
        let redis = redis.clone();
        move || redis.cli(&["DEBUG", "RELOAD"])
    });
    until("it reads", || redis.cli(&["GET", "much:0"]).contains("LOADING"));
    assert_unavailable(&store.load(&id).await.unwrap_err(), "wait until it is ready");
    let refused = store.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap_err();
    assert_unavailable(&refused, "wait until it is ready");
    assert_eq!(reads.await.unwrap(), "OK");
    store.reach(&id, revision(1), &workspace_change("r-2", 2)).await.unwrap();
}
