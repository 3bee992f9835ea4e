//! What a million memberships cost: bytes of Redis, bytes of the service, the time to load them and to apply a change.
//!
//! Starts a `redis-server` of its own. `cargo bench --bench scale` takes minutes; `-- --accounts 10` a tenth of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench is a program of its own: it measures time, prints, and ends at the first surprise"
)]

use std::{
    hint::black_box,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use pai_authz::{
    cli::open_store,
    config::RedisSettings,
    domain::{
        AccountId, AccountRecords, BuiltinRole, Change, EnvMode, Identity, Member, Op, Principal,
        PrincipalId, PrincipalKind, Profile, RequestId, Revision, RoleRef, Timestamp, UserName,
        Workspace, WorkspaceId, WorkspaceName,
    },
    engine::Engine,
    service::{Accounts, Keyring, MasterKey, Residency, View},
    store::{Mode, Store},
    telemetry::SystemClock,
};

#[path = "support/numbers.rs"]
mod numbers;

use numbers::{median, quartiles};

/// When the accounts were made; their memberships come two days later. Times are those the changes say.
const START: u64 = 1_795_500_000_000;
const HOUR: u64 = 3_600_000;
const LATER: u64 = START + 50 * HOUR;
/// Users of an account, workspaces of it and members of each.
const USERS: u64 = 1_000;
const WORKSPACES: u64 = 100;
const MEMBERS: u64 = 100;
/// Ops of a change that imports.
const BATCH: usize = 1_000;
/// Changes of an account in a day.
const DAILY: u64 = 256;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Some(url) = after("--load") {
        println!("{}", runtime.block_on(load(&url)));
        return;
    }
    let accounts = after("--accounts").map_or(100, |text| text.parse().unwrap());
    runtime.block_on(measure(accounts));
    one_change();
}

/// A server of its own, on a Unix socket.
struct Server {
    child: Child,
    directory: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::TempDir::new().unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "r.sock"])
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server");
        let server = Self { child, directory };
        while std::os::unix::net::UnixStream::connect(server.directory.path().join("r.sock"))
            .is_err()
        {
            std::thread::yield_now();
        }
        server
    }

    fn url(&self) -> String {
        format!("redis+unix://{}/r.sock", self.directory.path().display())
    }

    async fn raw(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    async fn used(&self) -> u64 {
        let info: String =
            redis::cmd("INFO").arg("memory").query_async(&mut self.raw().await).await.unwrap();
        let line = info.lines().find(|line| line.starts_with("used_memory:")).unwrap();
        line.split(':').nth(1).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn account(n: u64) -> AccountId {
    AccountId::parse(&(1_000_000_000_000_000 + n).to_string()).unwrap()
}

/// Ids as RAM gives them out: 18 digits, spread over a part of their range.
fn user(n: u64) -> PrincipalId {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 90_000_000_000_000_000;
    PrincipalId::parse(&(200_000_000_000_000_000 + spread).to_string()).unwrap()
}

fn identity(n: u64) -> Op {
    let (created, id) = (Timestamp::from_millis(START), user(n));
    Op::PutIdentity(Identity {
        principal: Principal { kind: PrincipalKind::User, id },
        name: UserName::parse(&format!("user-{n}")).unwrap(),
        profile: Profile::default(),
        assumable: None,
        created,
        modified: created,
    })
}

fn workspace_id(n: u64) -> WorkspaceId {
    WorkspaceId::parse(&(10_000 + n).to_string()).unwrap()
}

fn workspace(n: u64) -> Op {
    let created = Timestamp::from_millis(START);
    Op::PutWorkspace(Workspace {
        id: workspace_id(n),
        name: WorkspaceName::parse(&format!("workspace_{n}")).unwrap(),
        display_name: format!("workspace {n}"),
        description: String::new(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: user(0),
        created,
        modified: created,
    })
}

/// The `n`th member of a workspace: every tenth holds two roles.
fn member(workspace: u64, n: u64, users: u64) -> Member {
    let mut roles = vec![RoleRef::Builtin(BuiltinRole::Developer)];
    if n.is_multiple_of(10) {
        roles.push(RoleRef::Builtin(BuiltinRole::Operator));
    }
    let created = Timestamp::from_millis(START + n * 60_000);
    Member { principal: user((workspace * 37 + n) % users), roles, created }
}

struct Writer<'s> {
    store: &'s dyn Store,
    account: AccountId,
    reached: Revision,
}

impl Writer<'_> {
    async fn write(&mut self, at: u64, ops: Vec<Op>) {
        let change = Change {
            actor: "205000000000000000".to_owned(),
            action: "CreateMember".to_owned(),
            request_id: RequestId::parse(&format!("bench-{}-{at}", self.reached.counter)).unwrap(),
            asked: None,
            nonce: None,
            at: Timestamp::from_millis(at),
            ops,
        };
        self.reached =
            self.store.apply(&self.account, self.reached, &change).await.unwrap().revision;
    }

    async fn write_all(&mut self, at: u64, ops: impl Iterator<Item = Op>) {
        let ops: Vec<Op> = ops.collect();
        for batch in ops.chunks(BATCH) {
            self.write(at, batch.to_vec()).await;
        }
    }
}

fn store(url: &str) -> Arc<dyn Store> {
    let address = url.parse().unwrap();
    open_store(&address, &RedisSettings::default(), Mode::Production, false).unwrap()
}

async fn measure(accounts: u64) {
    let memberships = accounts * WORKSPACES * MEMBERS;
    println!(
        "{accounts} accounts x {WORKSPACES} workspaces x {MEMBERS} members = {memberships} memberships"
    );
    let server = Server::start();
    let store = store(&server.url());
    let mut writers: Vec<Writer<'_>> = (0..accounts)
        .map(|n| Writer { store: &*store, account: account(n), reached: Revision::ORIGIN })
        .collect();
    for writer in &mut writers {
        writer
            .write_all(START, (0..USERS).map(identity).chain((0..WORKSPACES).map(workspace)))
            .await;
    }
    daily(&mut writers, START).await;
    let (empty, without) = (server.used().await, child_load(&server.url()));
    for writer in &mut writers {
        let ops = (0..WORKSPACES).flat_map(|w| {
            (0..MEMBERS).map(move |n| Op::PutMember(workspace_id(w), member(w, n, USERS)))
        });
        writer.write_all(LATER, ops).await;
    }
    daily(&mut writers, LATER).await;
    let grown = (server.used().await - empty) as f64 / memberships as f64;
    println!(
        "Redis, growth a membership (log, requests at their bound before and after): {grown:.1} bytes"
    );
    let whole = server.used().await / memberships;
    println!("Redis in all: {whole} bytes a membership, {USERS} users of each account included");
    let mut logs = 0;
    for part in ["log", "requests", "requests-by-time"] {
        let mut usage = redis::cmd("MEMORY");
        usage.arg("USAGE").arg(format!("{{{}}}:{part}", account(0))).arg("SAMPLES").arg(0);
        logs += usage.query_async::<u64>(&mut server.raw().await).await.unwrap();
    }
    let each = logs / (WORKSPACES * MEMBERS);
    println!(
        "log and request ids of an account with {DAILY} changes a day: {logs} bytes, {each} a membership"
    );
    let with = child_load(&server.url());
    let heap = (with.resident as f64 - without.resident as f64) * 1024.0 / memberships as f64;
    println!("service, growth of resident memory a membership: {heap:.1} bytes");

    // The peers, in a server of their own, with the same members.
    let other = Server::start();
    let mut raw = other.raw().await;
    let empty = other.used().await;
    for a in 0..accounts {
        let mut pipe = redis::pipe();
        for w in 0..WORKSPACES {
            let mut command = redis::cmd("HSET");
            command.arg(format!("{{{}}}:{w}", account(a)));
            for n in 0..MEMBERS {
                let member = member(w, n, USERS);
                let names: Vec<String> = member
                    .roles
                    .iter()
                    .map(|role| match role {
                        RoleRef::Builtin(role) => role.code().to_owned(),
                        RoleRef::Custom(id) => id.to_string(),
                    })
                    .collect();
                command.arg(member.principal.as_str()).arg(names.join(","));
            }
            pipe.add_command(command).ignore();
        }
        pipe.query_async::<()>(&mut raw).await.unwrap();
    }
    let hash = (other.used().await - empty) as f64 / memberships as f64;
    println!(
        "a hash per workspace, user to role names: {hash:.1} bytes; ratio {:.2}",
        grown / hash
    );

    compare_loads(accounts, &server, &other, &without).await;
    println!("load in all, users included: {:.3} s", with.took.as_secs_f64());
    large_workspaces(&server, &*store).await;
}

/// Loads the memberships, reads the same keys bare, and the hashes of the peers, in turn.
async fn compare_loads(accounts: u64, server: &Server, other: &Server, without: &Loaded) {
    let memberships = accounts * WORKSPACES * MEMBERS;
    let mut raw = other.raw().await;
    let (mut ours, mut bare, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let mut ours_raw = server.raw().await;
    for _ in 0..ROUNDS {
        ours.push(child_load(&server.url()).took.as_secs_f64() - without.took.as_secs_f64());
        let keys: Vec<String> = (0..accounts)
            .flat_map(|a| {
                (0..WORKSPACES)
                    .map(move |w| format!("{{{}}}:roster:{}", account(a), workspace_id(w)))
            })
            .collect();
        bare.push(bare_read(&mut ours_raw, &keys).await.as_secs_f64());
        let keys: Vec<String> = (0..accounts)
            .flat_map(|a| (0..WORKSPACES).map(move |w| format!("{{{}}}:{w}", account(a))))
            .collect();
        hashes.push(bare_read(&mut raw, &keys).await.as_secs_f64());
    }
    let rate = |seconds: &[f64]| {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        memberships as f64 / median(&sorted)
    };
    let (load, bare_rate, hash_rate) = (rate(&ours), rate(&bare), rate(&hashes));
    println!(
        "load of the memberships, compiled: {} s, {load:.0} a second",
        quartiles(&mut ours, 3)
    );
    println!(
        "bare pipelined read of the same keys: {} s; load at {:.0} % of it",
        quartiles(&mut bare, 3),
        100.0 * load / bare_rate
    );
    println!(
        "bare pipelined read of the hashes: {} s; load at {:.0} % of it",
        quartiles(&mut hashes, 3),
        100.0 * load / hash_rate
    );
}

async fn large_workspaces(server: &Server, store: &dyn Store) {
    let before = server.used().await;
    let mut writer = Writer { store, account: account(9_999), reached: Revision::ORIGIN };
    let large = (0..10).flat_map(|w| {
        (0..10_000).map(move |n| Op::PutMember(workspace_id(w), member(w, n, 20_000)))
    });
    writer.write_all(START, large).await;
    daily(std::slice::from_mut(&mut writer), START).await;
    let grown = (server.used().await - before) as f64 / 100_000.0;
    println!(
        "Redis at 10,000 members a workspace, log and requests included: {grown:.1} bytes a membership"
    );
}

/// Makes as many small changes as an account has in a day, two days after `before`: what came then is forgotten as far as
/// it ever is.
async fn daily(writers: &mut [Writer<'_>], before: u64) {
    for writer in writers {
        for n in 0..DAILY {
            // One who comes and goes: everything ends as it began.
            let guest = member(7, n, USERS * 2);
            let op = Op::PutMember(workspace_id(WORKSPACES), guest.clone());
            let op = if n % 2 == 0 {
                op
            } else {
                Op::RemoveMember(workspace_id(WORKSPACES), member(7, n - 1, USERS * 2).principal)
            };
            writer.write(before + 48 * HOUR + n, vec![op]).await;
        }
    }
}

async fn bare_read(raw: &mut redis::aio::MultiplexedConnection, keys: &[String]) -> Duration {
    let started = Instant::now();
    for some in keys.chunks(200) {
        let mut pipe = redis::pipe();
        for key in some {
            pipe.hgetall(key);
        }
        let read: Vec<redis::Value> = pipe.query_async(raw).await.unwrap();
        black_box(read);
    }
    started.elapsed()
}

/// What loading everything took another process, and its resident memory in KiB then.
struct Loaded {
    took: Duration,
    resident: u64,
}

fn child_load(url: &str) -> Loaded {
    let output =
        Command::new(std::env::current_exe().unwrap()).args(["--load", url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|n| n.parse().unwrap()).collect();
    Loaded { took: Duration::from_micros(numbers[0]), resident: numbers[1] }
}

async fn load(url: &str) -> String {
    let engine = Engine::new("cn-hangzhou").unwrap();
    let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
    let store = store(url);
    let started = Instant::now();
    let accounts =
        Accounts::new(engine, store, Arc::new(SystemClock), keyring, Residency::default());
    accounts.load_all().await.unwrap();
    let took = started.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let resident = line.split_whitespace().nth(1).unwrap();
    assert!(!accounts.list().is_empty());
    format!("{} {resident}", took.as_micros())
}

/// What following one change costs, as the account grows.
fn one_change() {
    let engine = Engine::new("cn-hangzhou").unwrap();
    for members in [100, 10_000, 100_000] {
        let mut records = AccountRecords::empty(account(1));
        records.apply(&workspace(0));
        records
            .rosters
            .insert(workspace_id(0), (0..members).map(|n| member(0, n, 200_000)).collect());
        let view = View::build(&engine, &records).unwrap();
        let joining = Op::PutMember(workspace_id(0), member(1, members + 1, 200_000));
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            for _ in 0..1_000 {
                let next = view.with(std::slice::from_ref(&joining), Revision::ORIGIN.next());
                black_box(next.unwrap());
            }
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        println!("one change at {members} members: {} us", quartiles(&mut times, 1));
    }
}
