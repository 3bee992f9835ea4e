//! `pai-authz doctor` on real servers: what is wrong with each is named, and how bad it is.

use pai_authz::{config::RedisSettings, store::Mode};
use serde_json::Value;

use crate::{
    cli::refused,
    support::{
        records::{Reach as _, account, revision, workspace_change},
        redis::{Cluster, Flavour, Redis, Sentinels, Tls},
        redis_store,
        server::{Done, command, finish, run},
    },
};

/// What the doctor says, and the exit code that must go with it.
struct Said {
    findings: Vec<Value>,
    ok: bool,
}

impl Said {
    #[track_caller]
    fn of(done: &Done) -> Self {
        let all: Value =
            serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        let ok = all["ok"].as_bool().unwrap();
        assert_eq!(done.code, i32::from(!ok), "{done:?}");
        let findings = all["findings"].as_array().unwrap().clone();
        let is_bad = findings.iter().any(|one| one["severity"] == "error");
        assert_eq!(ok, !is_bad, "{done:?}");
        for one in &findings {
            let helped = one["help"].as_str().is_some_and(|help| !help.is_empty());
            assert_eq!(helped, one["severity"] != "ok", "{one}");
            assert!(!one["node"].as_str().unwrap().is_empty(), "{one}");
        }
        Self { findings, ok }
    }

    fn all(&self, name: &str) -> Vec<&Value> {
        self.findings.iter().filter(|one| one["name"] == name).collect()
    }

    /// Asserts how bad something is, of which there is one, and what is said of it.
    #[track_caller]
    fn is(&self, name: &str, severity: &str, found: &str) {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {:?}", self.findings);
        assert_eq!(all[0]["severity"], severity, "{:?}", all[0]);
        assert!(all[0]["found"].as_str().unwrap().contains(found), "{:?}", all[0]);
    }
}

#[track_caller]
fn examine(url: &str, more: &[&str]) -> Said {
    let fixed = ["--format", "json", "doctor", "--store", url];
    Said::of(&run(fixed.into_iter().chain(more.iter().copied())))
}

#[track_caller]
fn examine_as(url: &str, password: &str) -> Said {
    let mut doctor = command(["--format", "json", "doctor", "--store", url]);
    Said::of(&finish(doctor.env("PAI_AUTHZ_REDIS_PASSWORD", password)))
}

#[test]
fn a_server_that_keeps_nothing_on_disk_is_warned_of() {
    let redis = Redis::tcp(&[]);
    let said = examine(&redis.url(), &[]);
    said.is("append-only-file", "warning", "a crash loses");
    for (name, found) in [
        ("version", "Redis "),
        ("role", "primary"),
        ("eviction", "noeviction"),
        ("disk", ""),
        ("replicas", "0 of 0"),
        ("clock", "ms apart"),
        ("permissions", "`default`"),
        ("accounts", "0 accounts"),
    ] {
        said.is(name, "ok", found);
    }
    assert!(said.ok && said.all("sentinels").is_empty() && said.all("slots").is_empty());
    assert_eq!(said.all("role")[0]["node"], format!("127.0.0.1:{}", redis.port()));
    assert_eq!(said.all("accounts")[0]["node"], redis.url());
}

#[test]
fn a_server_that_syncs_every_change_is_fine_and_one_that_syncs_later_is_warned_of() {
    for (fsync, severity) in [("always", "ok"), ("everysec", "warning"), ("no", "warning")] {
        let redis = Redis::start(&["--appendonly", "yes", "--appendfsync", fsync]);
        let said = examine(&redis.url(), &[]);
        said.is("append-only-file", "ok", "on");
        said.is("fsync", severity, fsync);
    }
}

#[test]
fn a_server_that_deletes_accounts_when_it_is_full_must_not_be_used() {
    let redis = Redis::tcp(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let said = examine(&redis.url(), &[]);
    said.is("eviction", "error", "allkeys-lru");
    assert_eq!(said.findings[0]["name"], "eviction", "the worst comes first");
    for (limit, policy, severity) in [
        ("0", "allkeys-lru", "warning"),
        ("104857600", "volatile-lru", "warning"),
        ("104857600", "noeviction", "ok"),
    ] {
        redis.cli(&["CONFIG", "SET", "maxmemory", limit]);
        redis.cli(&["CONFIG", "SET", "maxmemory-policy", policy]);
        examine(&redis.url(), &[]).is("eviction", severity, policy);
    }
}

#[test]
fn a_replica_is_no_store() {
    let redis = Redis::tcp(&[]);
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let said = examine(&redis.url(), &[]);
    said.is("connection", "error", "replica");
    assert_eq!(said.findings.len(), 1);
}

#[test]
fn who_cannot_get_in_is_told_why() {
    let redis = Redis::tcp(&["--requirepass", "secret"]);
    examine_as(&redis.url(), "wrong").is("connection", "error", "");
    examine(&redis.url(), &[]).is("connection", "error", "--redis-password-file");
    let right = examine_as(&redis.url(), "secret");
    right.is("role", "ok", "primary");
    for one in &right.findings {
        assert!(!one.to_string().contains("secret"), "{one}");
    }
    examine("redis://127.0.0.1:1", &[]).is("connection", "error", "");
    let tls = Tls::start();
    let [ca, cert, key] = [tls.ca(), tls.client_cert(), tls.client_key()]
        .map(|path| path.to_str().unwrap().to_owned());
    // It wants a certificate.
    examine(&tls.url(), &["--redis-ca", &ca]).is("connection", "error", "");
    let flags = ["--redis-ca", &ca, "--redis-cert", &cert, "--redis-key", &key];
    examine(&tls.url(), &flags).is("role", "ok", "primary");
}

#[test]
fn a_user_who_may_not_do_all_is_told_what_is_lacking() {
    let redis = Redis::tcp(&[]);
    let url = redis.url().replacen("://", "://pai@", 1);
    let pai = |rules: &[&str]| {
        let reset = ["ACL", "SETUSER", "pai", "reset", "on", ">p", "~{*}:*"];
        assert_eq!(redis.cli(&[&reset[..], rules].concat()), "OK");
        examine_as(&url, "p")
    };
    let all = pai(&["&pai-authz:changes", "+@all"]);
    all.is("permissions", "ok", "`pai`");
    let less = pai(&["&pai-authz:changes", "+@all", "-hset", "-xtrim", "-script"]);
    less.is("permissions", "error", "script|load, hset, xtrim");
    pai(&["+@all"]).is("permissions", "error", "publish, subscribe");
    // Whoever runs Redis for others does not answer everything: that is no fault of the set-up.
    let dumb = pai(&["&pai-authz:changes", "+@all", "-config", "-time", "-acl|dryrun", "-info"]);
    for name in ["info", "clock", "permissions"] {
        dumb.is(name, "warning", "cannot tell");
    }
    assert!(dumb.ok, "{:?}", dumb.findings);
}

#[test]
fn versions_that_work_are_told_apart() {
    let old = Redis::of(Flavour::Redis6, &[]);
    let said = examine(&old.url(), &[]);
    said.is("version", "warning", "Redis 6.2");
    said.is("permissions", "warning", "before Redis 7.0");
    assert!(said.ok);
    let valkey = Redis::of(Flavour::Valkey8, &[]);
    let said = examine(&valkey.url(), &[]);
    said.is("version", "ok", "Valkey 8");
    said.is("permissions", "ok", "`default`");
}

#[test]
fn a_quorum_that_cannot_be_had_is_an_error() {
    let redis = Redis::tcp(&[]);
    let said = examine(&redis.url(), &["--write-quorum", "1"]);
    said.is("replicas", "error", "1 must confirm");
}

#[test]
fn under_sentinels_the_primary_its_replicas_and_the_sentinels_are_looked_at() {
    let servers = Sentinels::start(&[]);
    let said = examine(&servers.url(), &[]);
    said.is("role", "ok", "primary");
    said.is("replicas", "ok", "2 of 2");
    said.is("sentinels", "ok", "3 sentinels watch `pai`");
    said.is("min-replicas", "warning", "cut off");
    assert!(said.ok);
    examine(&servers.url(), &["--write-quorum", "1"]).is("min-replicas", "ok", "0");
    servers.cli(servers.primary(), &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    examine(&servers.url(), &[]).is("min-replicas", "ok", "1");
}

#[test]
fn in_a_cluster_every_primary_is_looked_at() {
    let servers = Cluster::start();
    let said = examine(&servers.url(), &[]);
    said.is("slots", "ok", "16384 of 16384 slots");
    let mut nodes = said.all("role").iter().map(|one| one["node"].clone()).collect::<Vec<_>>();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "{:?}", said.findings);
    for name in ["role", "replicas", "permissions", "eviction"] {
        let all = said.all(name);
        assert!(all.len() == 3 && all.iter().all(|one| one["severity"] == "ok"), "{all:?}");
    }
    assert!(said.ok);
    servers.cli(0, &["CONFIG", "SET", "maxmemory", "104857600"]);
    servers.cli(0, &["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    let said = examine(&servers.url(), &[]);
    let bad = said.all("eviction").into_iter().filter(|one| one["severity"] == "error").count();
    assert!(!said.ok && bad == 1, "{:?}", said.findings);
}

#[tokio::test]
async fn accounts_that_cannot_be_decided_on_are_named() {
    let redis = Redis::tcp(&[]);
    let store = redis_store(&redis.url(), &RedisSettings::default(), Mode::Production);
    for id in ["1000", "2000", "3000"] {
        let change = workspace_change("r-1", 1);
        store.reach(&account(id), revision(0), &change).await.unwrap();
    }
    examine(&redis.url(), &[]).is("accounts", "ok", "3 accounts");
    redis.cli(&["HSET", "{1000}:meta", "suspended", "1 9"]);
    redis.cli(&["HDEL", "{2000}:meta", "counter"]);
    let said = examine(&redis.url(), &[]);
    said.is("suspended", "error", "account 1000: had come to revision 1.9, is at 1.1");
    let help = said.all("suspended")[0]["help"].as_str().unwrap();
    assert!(help.contains("pai-authz recover --account 1000"), "{help}");
    said.is("accounts", "error", "account 2000");
    examine(&redis.url(), &["--dev"]).is("accounts", "error", "--dev");
}

#[test]
fn a_person_reads_lines_and_another_store_is_refused() {
    let redis = Redis::tcp(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let done = run(["doctor", "--store", &redis.url()]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.starts_with("error    eviction"), "{done:?}");
    assert!(done.out.contains("maxmemory-policy noeviction"), "{done:?}");
    assert!(done.out.trim_end().ends_with("errors: 1, warnings: 1"), "{done:?}");
    refused(&run(["doctor", "--store", "redb:x"]), &["`redb:x` is not on Redis"]);
    refused(&run(["doctor"]), &["--store"]);
}
