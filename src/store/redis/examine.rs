//! Looks at the servers as an operator would: whether they keep what they acknowledge, whether this service may do all
//! it needs to, and whether the accounts in them can be decided on.
//!
//! Nothing is changed. What a server does not tell is a warning: whoever runs Redis for others often forbids to ask.

use std::collections::HashMap;

use redis::{
    Cmd, ErrorKind, FromRedisValue, InfoDict, RedisError, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
};
use tokio::time::Instant;

use super::{
    RedisStore,
    connect::{Connection, primaries},
    keys::CHANNEL,
    number,
};
use crate::{
    domain::Timestamp,
    store::{Examined, Severity, SharedStore, Store, StoreError},
};

/// What the service does on every server, with arguments that a server takes, between semicolons.
const DONE: &str = "EVALSHA 0 1 {0}:meta;SCRIPT LOAD -;MULTI;EXEC;TYPE {0}:meta;\
    HMGET {0}:meta -;HGET {0}:meta -;HSET {0}:meta - -;HDEL {0}:meta -;HLEN {0}:meta;HSCAN {0}:meta 0;\
    HGETALL {0}:meta;SADD {0}:rosters -;SREM {0}:rosters -;SCARD {0}:rosters;SISMEMBER {0}:rosters -;SMEMBERS {0}:rosters;XADD {0}:log * - -;\
    XTRIM {0}:log MINID 0-1;XRANGE {0}:log - +;ZADD {0}:nonces-by-time 0 -;ZREM {0}:nonces-by-time -;\
    ZRANGE {0}:nonces-by-time 0 0;ZRANGEBYSCORE {0}:nonces-by-time -inf +inf;SCAN 0;ROLE;PING";
/// Slots of a cluster.
const SLOTS: u64 = 16_384;
/// How far apart clocks may be before whoever compares logs is misled.
const APART: u64 = 2_000;
/// What to do about a question that is not answered.
const UNTOLD: &str =
    "examine as a user who may `INFO`, `TIME`, `CONFIG|GET`, `ACL|WHOAMI` and `ACL|DRYRUN`";
/// Accounts whose revisions are asked for in one go.
const ASKED_AT_ONCE: usize = 256;

/// The time, as it goes on from when it was told.
#[derive(Clone, Copy)]
struct Running {
    told: Timestamp,
    since: Instant,
}

impl Running {
    fn now(self) -> Timestamp {
        self.told.plus(self.since.elapsed())
    }
}

/// What the service asks of a server beyond its being there.
struct Wanted {
    /// Whether another server is to take its place when it fails.
    replicated: bool,
    /// How many replicas confirm a change.
    quorum: Option<usize>,
    /// What is done there.
    done: Vec<String>,
}

/// Fields by name, as a server tells them.
type Told = HashMap<String, String>;

/// Where a server is in a cluster; `None` for the one the connection leads to.
type At = Option<(String, u16)>;

/// One server that is looked at.
struct Node<'c> {
    connection: &'c mut Connection,
    at: At,
    found: Vec<Examined>,
}

impl RedisStore {
    /// Returns what an operator should know of the servers and of the accounts in them.
    pub(super) async fn examine_servers(&self, now: Timestamp) -> Vec<Examined> {
        let running = Running { told: now, since: Instant::now() };
        let mut lease = match self.reads.lease().await {
            Ok(lease) => lease,
            Err(fault) => return vec![unreachable(why(&fault))],
        };
        let (nodes, mut all) = match nodes(&mut lease.connection).await {
            Ok(nodes) => nodes,
            Err(fault) => return vec![unreachable(fault.to_string())],
        };
        let sentinels = self.sentinels().await;
        let in_cluster = matches!(lease.connection, Connection::Cluster(_));
        let wanted = Wanted {
            replicated: in_cluster || !sentinels.is_empty(),
            quorum: self.quorum.map(|it| usize::try_from(it.replicas).unwrap_or(usize::MAX)),
            done: self.done_here(in_cluster, lease.connection.get_db()),
        };
        for at in nodes {
            let name = match &at {
                Some((host, port)) => format!("{host}:{port}"),
                None => lease.address.to_string(),
            };
            let mut node = Node { connection: &mut lease.connection, at, found: Vec::new() };
            if let Err(fault) = node.look(running, &wanted).await {
                node.found.push(unreachable(fault.to_string()));
            }
            all.extend(node.found.into_iter().map(|one| Examined { node: name.clone(), ..one }));
        }
        all.extend(sentinels);
        all.extend(self.accounts_examined().await);
        all
    }

    /// Returns what this store does on its servers.
    fn done_here(&self, in_cluster: bool, database: i64) -> Vec<String> {
        let mut done: Vec<String> = DONE.split(';').map(str::to_owned).collect();
        done.extend([format!("PUBLISH {CHANNEL} -"), format!("SUBSCRIBE {CHANNEL}")]);
        if in_cluster {
            done.extend(["CLUSTER SLOTS", "ASKING"].map(str::to_owned));
        }
        if database != 0 {
            done.push(format!("SELECT {database}"));
        }
        if self.quorum.is_some() {
            done.push("WAIT 1 1".to_owned());
        }
        done
    }

    /// Returns whether the sentinels, where there are some, could replace the primary.
    async fn sentinels(&self) -> Vec<Examined> {
        let judged = match self.reads.sentinel().await {
            Ok(None) => return Vec::new(),
            Ok(Some((connection, primary))) => watched(connection, &primary).await,
            Err(fault) => Err(fault),
        };
        vec![judged.unwrap_or_else(|fault| {
            warning("sentinels", fault.to_string(), "bring them up, or allow their user `SENTINEL`")
        })]
    }

    /// Returns the accounts that cannot be decided on.
    async fn accounts_examined(&self) -> Vec<Examined> {
        let help = "nothing can be decided until the accounts can be read";
        let accounts = match self.accounts().await {
            Ok(accounts) => accounts,
            Err(fault) => return vec![error("accounts", why(&fault), help)],
        };
        let (mut sound, mut found) = (0, Vec::new());
        for some in accounts.chunks(ASKED_AT_ONCE) {
            for (account, at) in some.iter().zip(self.revisions(some).await) {
                match at {
                    Ok(_) => sound += 1,
                    Err(StoreError::Suspended { known, found: at }) => found.push(error(
                        "suspended",
                        format!("account {account}: had come to revision {known}, is at {at}"),
                        &format!("see `pai-authz recover --account {account}`"),
                    )),
                    // So are all the others.
                    Err(fault @ StoreError::Mode(_)) => {
                        return vec![error("accounts", fault.to_string(), help)];
                    }
                    Err(fault) => {
                        let found_there = format!("account {account}: {}", why(&fault));
                        found.push(error("accounts", found_there, help));
                    }
                }
            }
        }
        if found.is_empty() {
            found.push(ok("accounts", format!("{sound} accounts, none of them suspended")));
        }
        found
    }
}

impl Node<'_> {
    async fn ask<T: FromRedisValue>(&mut self, command: Cmd) -> RedisResult<T> {
        match (&mut *self.connection, &self.at) {
            (Connection::Cluster(cluster), Some((host, port))) => {
                let (host, port) = (host.clone(), *port);
                let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port });
                let reply = cluster.route_command(command, node).await?;
                Ok(T::from_redis_value(reply.extract_error()?)?)
            }
            (connection, _) => command.query_async(connection).await,
        }
    }

    /// Passes on what the server says to a question; `None` when it refuses to answer, which is noted.
    async fn ask_for<T: FromRedisValue>(
        &mut self,
        name: &'static str,
        question: &str,
    ) -> RedisResult<Option<T>> {
        let mut words = question.split(' ');
        let mut command = redis::cmd(words.next().unwrap_or_default());
        for word in words {
            command.arg(word);
        }
        match self.ask(command).await {
            Ok(answer) => Ok(Some(answer)),
            Err(fault) if is_refusal(&fault) => {
                self.found.push(warning(name, format!("cannot tell: {fault}"), UNTOLD));
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Looks at everything of the server.
    ///
    /// # Errors
    /// It went away meanwhile.
    async fn look(&mut self, running: Running, wanted: &Wanted) -> RedisResult<()> {
        let told: Option<InfoDict> = self.ask_for("info", "INFO").await?;
        if let Some(info) = &told {
            self.found.extend(judge(info, wanted));
            if info.get("aof_enabled") == Some(1) {
                let set = self.setting("fsync", "appendfsync").await?;
                self.found.extend(set.map(|set| fsync(&set)));
            }
            if info.get("connected_slaves").unwrap_or(0) > 0 {
                let set = self.setting("min-replicas", "min-replicas-to-write").await?;
                self.found.extend(set.map(|set| min_replicas(&set, wanted)));
            }
        }
        let before = running.now();
        let told_time: Option<(u64, u64)> = self.ask_for("clock", "TIME").await?;
        self.found.extend(told_time.map(|time| clock(before, time, running.now())));
        if told.as_ref().and_then(version_of).is_some_and(|version| version < (7, 0)) {
            let help = "see that the user may do all that docs/redis-operations.md lists";
            self.found.push(warning("permissions", "cannot tell before Redis 7.0", help));
            return Ok(());
        }
        self.permissions(&wanted.done).await
    }

    async fn setting(&mut self, name: &'static str, setting: &str) -> RedisResult<Option<String>> {
        let answer: Option<Told> = self.ask_for(name, &format!("CONFIG GET {setting}")).await?;
        Ok(answer.and_then(|mut settings| settings.remove(setting)))
    }

    /// Asks whether the user may do everything the service does.
    async fn permissions(&mut self, all: &[String]) -> RedisResult<()> {
        let name = "permissions";
        let Some(user) = self.ask_for::<String>(name, "ACL WHOAMI").await? else { return Ok(()) };
        let (mut lacking, mut first) = (Vec::new(), None);
        for done in all {
            let question = format!("ACL DRYRUN {user} {done}");
            let answer: Option<String> = self.ask_for(name, &question).await?;
            let Some(answer) = answer else { return Ok(()) };
            if answer != "OK" {
                lacking.push(rule(done));
                first.get_or_insert(answer);
            }
        }
        self.found.push(match first {
            None => ok(name, format!("user `{user}` may do all that is needed")),
            Some(first) => error(
                name,
                format!("user `{user}` may not {}: {first}", lacking.join(", ")),
                &format!("allow them, as docs/redis-operations.md says: +{}", lacking.join(" +")),
            ),
        });
        Ok(())
    }
}

/// Returns the primaries to look at, and whether they serve everything.
async fn nodes(connection: &mut Connection) -> RedisResult<(Vec<At>, Vec<Examined>)> {
    let Connection::Cluster(cluster) = connection else { return Ok((vec![None], Vec::new())) };
    let slots: Value = redis::cmd("CLUSTER").arg("SLOTS").query_async(cluster).await?;
    let served = served(&slots);
    let nodes: Vec<_> = primaries(slots).into_iter().map(Some).collect();
    let found = format!("{served} of {SLOTS} slots are served, by {} primaries", nodes.len());
    let judged = if served == SLOTS {
        ok("slots", found)
    } else {
        error("slots", found, "bring the missing primaries up, or give their slots to others")
    };
    Ok((nodes, vec![judged]))
}

/// Returns how many slots a reply to CLUSTER SLOTS has.
fn served(slots: &Value) -> u64 {
    let Value::Array(ranges) = slots else { return 0 };
    let size = |range: &Value| {
        let Value::Array(range) = range else { return 0 };
        match range.as_slice() {
            [Value::Int(first), Value::Int(last), ..] => last.abs_diff(*first) + 1,
            _ => 0,
        }
    };
    ranges.iter().map(size).sum()
}

/// Returns whether the sentinels could replace `primary`, as one of them tells.
async fn watched(mut sentinel: MultiplexedConnection, primary: &str) -> RedisResult<Examined> {
    let command = || redis::cmd("SENTINEL");
    let all: Vec<Told> = command().arg("MASTERS").query_async(&mut sentinel).await?;
    let field = |of: &Told, name: &str| of.get(name).cloned().unwrap_or_default();
    let is_it = |of: &&Told| format!("{}:{}", field(of, "ip"), field(of, "port")) == primary;
    let Some(watched) = all.iter().find(is_it) else {
        let found = format!("{primary} is not watched");
        return Ok(warning("sentinels", found, "look again: it may have been replaced"));
    };
    let name = field(watched, "name");
    let sentinels: u32 = 1 + number(&field(watched, "num-other-sentinels")).unwrap_or(0);
    let found = format!("{sentinels} sentinels watch `{name}` at {primary}");
    let said: RedisResult<String> =
        command().arg("CKQUORUM").arg(&name).query_async(&mut sentinel).await;
    let help = "run three or more on machines apart: else a primary that fails is not replaced";
    Ok(match said {
        Ok(said) if sentinels >= 3 => ok("sentinels", format!("{found}: {said}")),
        Ok(said) => warning("sentinels", format!("{found}: {said}"), help),
        Err(fault) => warning("sentinels", format!("{found}: {fault}"), help),
    })
}

/// Returns what follows from what a server tells of itself.
fn judge(info: &InfoDict, wanted: &Wanted) -> Vec<Examined> {
    vec![
        version(info),
        role(info),
        eviction(info),
        append_only(info),
        disk(info),
        replicas(info, wanted),
    ]
}

/// Returns which Redis a server is, or is like.
fn version_of(info: &InfoDict) -> Option<(u32, u32)> {
    let version = info.get::<String>("redis_version")?;
    let mut parts = version.split('.').map(number);
    Some((parts.next()??, parts.next()??))
}

fn version(info: &InfoDict) -> Examined {
    let text = |field: &str| info.get::<String>(field);
    let shown = match (text("valkey_version"), text("redis_version")) {
        (Some(valkey), _) => format!("Valkey {valkey}"),
        (None, Some(redis)) => format!("Redis {redis}"),
        (None, None) => "unknown".to_owned(),
    };
    let help = "run Redis 7.0 or newer";
    match version_of(info) {
        Some(version) if version >= (7, 0) => ok("version", shown),
        Some(version) if version >= (6, 2) => {
            let found = format!("{shown}: a user who lacks a command could leave half a change");
            warning("version", found, help)
        }
        Some(_) => error("version", format!("{shown} lacks what the store uses"), help),
        None => warning("version", shown, help),
    }
}

fn role(info: &InfoDict) -> Examined {
    match (info.get("loading"), info.get::<String>("role").as_deref()) {
        (Some(1), _) => {
            error("role", "it reads its data, and answers nothing", "wait until it is ready")
        }
        (_, Some("master")) => ok("role", "primary"),
        (_, Some(_)) => error("role", "replica", "give the primary, or the sentinels that know it"),
        (_, None) => warning("role", "unknown", "see that it is the primary"),
    }
}

fn eviction(info: &InfoDict) -> Examined {
    let limit: u64 = info.get("maxmemory").unwrap_or(0);
    let policy: String = info.get("maxmemory_policy").unwrap_or_else(|| "unknown".to_owned());
    let (severity, means) = match (policy.as_str(), limit) {
        ("noeviction", _) => return ok("eviction", policy),
        ("unknown", _) => (Severity::Warning, "it may delete accounts"),
        (spared, _) if spared.starts_with("volatile-") => {
            (Severity::Warning, "deletes no key of the store, for none expires, and may surprise")
        }
        (_, 0) => (Severity::Warning, "deletes accounts once `maxmemory` is set"),
        _ => (Severity::Error, "deletes accounts when `maxmemory` is reached"),
    };
    let help = "set `maxmemory-policy noeviction`";
    one(severity, "eviction", format!("{policy}: {means}"), help)
}

fn append_only(info: &InfoDict) -> Examined {
    if info.get("aof_enabled") == Some(1) {
        return ok("append-only-file", "on");
    }
    let found = "off: a crash loses everything since the last snapshot";
    warning("append-only-file", found, "set `appendonly yes` and `appendfsync always`")
}

fn disk(info: &InfoDict) -> Examined {
    let failed = |field: &str| info.get::<String>(field).is_some_and(|status| status != "ok");
    let what = match (failed("aof_last_write_status"), failed("rdb_last_bgsave_status")) {
        (true, _) => "the append-only file",
        (false, true) => "the last snapshot",
        (false, false) => return ok("disk", "the last writes went well"),
    };
    let help = "see the log of Redis, and free some space";
    error("disk", format!("{what} could not be written"), help)
}

fn replicas(info: &InfoDict, wanted: &Wanted) -> Examined {
    let connected: usize = info.get("connected_slaves").unwrap_or(0);
    let follows = |n: &usize| {
        let replica = info.get::<String>(&format!("slave{n}"));
        replica.is_some_and(|replica| replica.contains("state=online"))
    };
    let online = (0..connected).filter(follows).count();
    let found = format!("{online} of {connected} follow");
    match wanted.quorum {
        Some(quorum) if online < quorum => {
            let found = format!("{found}, {quorum} must confirm a change: none is acknowledged");
            error("replicas", found, "see that they follow, or lower `--write-quorum`")
        }
        _ if online == 0 && wanted.replicated => {
            warning("replicas", found, "add a replica: nothing takes the place of this server")
        }
        _ if online < connected => warning("replicas", found, "see the logs of the others"),
        _ => ok("replicas", found),
    }
}

fn fsync(set: &str) -> Examined {
    let lost = match set {
        "always" => return ok("fsync", set),
        "everysec" => "the last two seconds",
        _ => "half a minute",
    };
    let found = format!("{set}: a power cut loses {lost} of what was acknowledged");
    warning("fsync", found, "set `appendfsync always`")
}

fn min_replicas(set: &str, wanted: &Wanted) -> Examined {
    if set != "0" || wanted.quorum.is_some() {
        return ok("min-replicas", set);
    }
    let found = "0: a primary that is cut off goes on acknowledging changes, and they are lost";
    let help = "set `min-replicas-to-write 1`, or give `--write-quorum 1`";
    warning("min-replicas", found, help)
}

/// Compares the server's time with ours, which was between `before` and `after` then.
fn clock(before: Timestamp, (seconds, micros): (u64, u64), after: Timestamp) -> Examined {
    let theirs = seconds.saturating_mul(1_000).saturating_add(micros / 1_000);
    let ours = theirs.clamp(before.as_millis(), after.as_millis().max(before.as_millis()));
    let apart = theirs.abs_diff(ours);
    let found = format!("{apart} ms apart");
    if apart <= APART {
        return ok("clock", found);
    }
    let help = "keep the clocks together: nothing is decided by Redis's, but logs do not match";
    warning("clock", found, help)
}

/// Returns how ACL rules name a command.
fn rule(done: &str) -> String {
    let mut words = done.split(' ');
    let command = words.next().unwrap_or_default().to_lowercase();
    match (command.as_str(), words.next()) {
        ("script" | "cluster", Some(of)) => format!("{command}|{}", of.to_lowercase()),
        _ => command,
    }
}

/// Returns whether the server answered that it does not answer this.
fn is_refusal(fault: &RedisError) -> bool {
    fault.code().is_some() || fault.kind() == ErrorKind::Parse
}

/// Returns all that is known of an error: whoever examines servers is to see the driver's words.
fn why(fault: &StoreError) -> String {
    match fault {
        StoreError::Unavailable { detail, .. } => detail.clone(),
        other => other.to_string(),
    }
}

fn unreachable(what: String) -> Examined {
    error("connection", what, "see that address, user and password are right and the server runs")
}

fn ok(name: &'static str, found: impl Into<String>) -> Examined {
    one(Severity::Ok, name, found.into(), "")
}

fn warning(name: &'static str, found: impl Into<String>, help: &str) -> Examined {
    one(Severity::Warning, name, found.into(), help)
}

fn error(name: &'static str, found: impl Into<String>, help: &str) -> Examined {
    one(Severity::Error, name, found.into(), help)
}

fn one(severity: Severity, name: &'static str, found: String, help: &str) -> Examined {
    Examined { severity, name, node: String::new(), found, help: help.to_owned() }
}
