//! Decisions while an account changes: how late answers are beside a quiet account, and what memory a million changes take.
//!
//! The service are threads of this process with its store in memory, on one core; load and signed calls come from the other. Every
//! 10 ms somebody gets or loses a role, every second a custom role grants something else. Quiet and changing turns follow each
//! other in one run. Then a million changes are made past the signatures as fast as they go, one in a hundred of a custom role.
//! `cargo bench --bench changes`; `PAI_AUTHZ_BENCH_ROUNDS`, `PAI_AUTHZ_BENCH_MS` and `PAI_AUTHZ_BENCH_CHANGES` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

#[path = "support/caller.rs"]
mod caller;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/settings.rs"]
mod settings;
#[path = "support/signed.rs"]
mod signed;
mod support;
#[path = "support/world.rs"]
mod world;

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use caller::caller;
use pai_authz::{
    config::LogFormat,
    domain::{
        BuiltinRole, Import, ImportedWorkspace, ModulePermission, PermissionType, PrincipalId,
        RoleRef, WorkspaceId,
    },
    error::Error,
    load::{self, Arrivals, Pace, Plan, Report, Target, post},
    service::{DEV_TOKEN, Management, MemberRef},
    store::{Mode, RedbStore},
    telemetry,
};
use serde_json::{Value, json};
use settings::number;
use signed::{exchange, signed};
use support::{numbers::median, quartiles, start_service};
use tokio::net::TcpStream;
use world::{ACCOUNT, World, Written};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORKSPACES: u64 = 10;
const PATH: &str = "/v1/is-authorized";

fn main() {
    let rounds = number("PAI_AUTHZ_BENCH_ROUNDS", 45);
    // Short and many: where the machine stands still for some milliseconds, as shared ones do, that is the slowest hundredth of a turn. A
    // custom role is changed in each.
    let turn = Duration::from_millis(number("PAI_AUTHZ_BENCH_MS", 1_000) as u64);
    let changes = number("PAI_AUTHZ_BENCH_CHANGES", 1_000_000);
    telemetry::start("error", LogFormat::Json).unwrap();
    // Threads begin where the one that starts them is.
    pin_this_thread_to(0);
    let world = World::new(WORKSPACES, None, 2_026);
    let (content, asked) = (import(&world), world.questions(4_096));
    let store = RedbStore::in_memory(Mode::Development).unwrap();
    let service = start_service(store, |_| content);
    pin_this_thread_to(1);
    let address = service.0;
    let target = Target::url(&format!("http://{address}")).unwrap();
    let mut written = Written::default();
    let requests: Vec<Vec<u8>> = asked
        .iter()
        .map(|asked| {
            written.write(asked);
            post(PATH, Some(DEV_TOKEN), target.host(), &body(&written).to_string())
        })
        .collect();
    let mut manager = Manager::new(service, &world);

    let mut best = [0; 3].map(|_| run(&target, &requests, Pace::Closed, turn / 2).achieved);
    best.sort_by(f64::total_cmp);
    let best = median(&best);
    // Half of what it does at most: at that rate nobody waits for long, unless something is in the way.
    let rate = (best / 2.0).round();
    println!("{best:.0} requests/s at most, turns of {turn:?} at {rate:.0}\n");
    let mut of: [[Vec<f64>; 3]; 2] = Default::default();
    let mut made = 0;
    for round in 0..=rounds {
        for (is_changing, figures) in [false, true].into_iter().zip(&mut of) {
            eprint!("\rround {round} of {rounds}  ");
            let pace = Pace::Open { rate, arrivals: Arrivals::Uniform, seed: round as u64 };
            let ended = AtomicBool::new(false);
            let report = thread::scope(|scope| {
                let changing = is_changing.then(|| scope.spawn(|| manager.now_and_then(&ended)));
                let report = run(&target, &requests, pace, turn);
                ended.store(true, Ordering::Relaxed);
                made += changing.map_or(0, |thread| thread.join().unwrap());
                report
            });
            assert!(!report.is_saturated(), "half of what it does is too much: {report:?}");
            // The first round warms up.
            for (figures, quantile) in
                figures.iter_mut().zip([0.5, 0.99, 0.999]).filter(|_| round > 0)
            {
                figures.push(report.latency.quantile(quantile).as_secs_f64() * 1e6);
            }
        }
    }
    eprint!("\r");
    println!("| µs from when a request was due | quiet | changing | ratio |\n|---|---|---|---|");
    let [quiet, changing] = &mut of;
    for ((name, quiet), changing) in ["p50", "p99", "p99.9"].iter().zip(quiet).zip(changing) {
        let mut ratios: Vec<f64> = changing.iter().zip(&*quiet).map(|(a, b)| a / b).collect();
        let [quiet, changing] = [quiet, changing].map(|list| quartiles(list, 0));
        println!("| {name} | {quiet} | {changing} | {} |", quartiles(&mut ratios, 2));
    }
    println!("\n{made} changes were made meanwhile");
    manager.without_end(changes);
}

/// Returns the body of a request that asks something.
fn body(asked: &Written) -> Value {
    let question = asked.question();
    json!({
        "principal": { "type": question.principal_type, "id": question.principal_id },
        "action": question.action,
        "resource": {
            "workspace": question.workspace,
            "creator": question.creator,
            "accessibility": question.accessibility,
        },
    })
}

/// Returns an account as a file to import would have it.
fn import(world: &World) -> Import {
    let records = world.records();
    let workspaces = records.workspaces.values().map(|workspace| {
        let roles = records.roles.iter().filter(|((of, _), _)| *of == workspace.id);
        ImportedWorkspace {
            workspace: workspace.clone(),
            roles: roles.map(|(_, role)| role.clone()).collect(),
            members: records.rosters[&workspace.id].iter().collect(),
        }
    });
    Import {
        workspaces: workspaces.collect(),
        identities: records.identities.values().cloned().collect(),
    }
}

fn run(target: &Target, requests: &[Vec<u8>], pace: Pace, turn: Duration) -> Report {
    let plan = Plan {
        duration: turn,
        warmup: turn / 5,
        connections: 64,
        ..Plan::new(target.clone(), pace)
    };
    let report = load::run(&plan, requests, &mut |_| {}).unwrap();
    assert_eq!(report.counts.failed(), 0, "{:?}", report.counts);
    report
}

/// Pins the thread that is all there is of this process as yet, or its main thread.
fn pin_this_thread_to(core: usize) {
    let done = Command::new("taskset")
        .args(["-cp", &core.to_string(), &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(done.is_ok_and(|status| status.success()), "taskset, of util-linux");
}

/// Memory of this process, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

/// A membership, as far as it is changed.
struct Membership {
    workspace: WorkspaceId,
    member: PrincipalId,
    roles: Vec<RoleRef>,
}

/// A change.
enum Change {
    /// Somebody gets a role, or loses it.
    Member { workspace: WorkspaceId, member: PrincipalId, role: BuiltinRole, gets: bool },
    /// A custom role grants at other levels.
    Role { workspace: WorkspaceId, levels: Vec<(&'static str, PermissionType)> },
}

/// Who changes the account: by signed calls one after another, or past them.
struct Manager {
    address: SocketAddr,
    management: Management,
    client: tokio::runtime::Runtime,
    stream: Option<TcpStream>,
    members: Vec<Membership>,
}

impl Manager {
    fn new((address, management): (SocketAddr, Management), world: &World) -> Self {
        let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rosters = world.records().rosters;
        let members = rosters.iter().flat_map(|(workspace, members)| {
            members.iter().map(|member| Membership {
                workspace: workspace.clone(),
                member: member.principal,
                roles: member.roles,
            })
        });
        Self { address, management, client, stream: None, members: members.collect() }
    }

    /// Gives a member a role, or takes it, one member after the other.
    fn member(&mut self, number: usize) -> Change {
        let place = number % self.members.len();
        let Membership { workspace, member, roles } = &mut self.members[place];
        let [label, guest] = [BuiltinRole::LabelManager, BuiltinRole::Guest];
        let held = |role| RoleRef::Builtin(role);
        // The last role stays.
        let gets = !roles.contains(&held(label)) || roles.len() == 1;
        let role = if gets && roles.contains(&held(label)) { guest } else { label };
        if gets {
            roles.push(held(role));
        } else {
            roles.retain(|other| *other != held(role));
        }
        Change::Member { workspace: workspace.clone(), member: member.clone(), role, gets }
    }

    /// Makes a change by a signed call.
    fn call(&mut self, change: &Change) {
        let (action, method, path, body) = match change {
            Change::Member { workspace, member, role, gets } => {
                let (action, method) =
                    if *gets { ("AddMemberRole", "POST") } else { ("RemoveMemberRole", "DELETE") };
                let role = role.code();
                let path = format!(
                    "/api/v1/workspaces/{workspace}/members/{workspace}-{member}/roles/{role}"
                );
                (action, method, path, String::new())
            }
            Change::Role { workspace, levels } => {
                let levels = levels.iter().map(|(module, level)| {
                    json!({ "ModuleName": module, "PermissionType": level.as_str() })
                });
                let body = json!({ "ModulePermissions": levels.collect::<Vec<_>>() });
                let path = format!("/api/v1/workspaces/{workspace}/roles/role-{workspace}");
                ("UpdateWorkspaceRole", "PUT", path, body.to_string())
            }
        };
        let request = signed(self.address, action, method, (&path, ""), &body);
        self.client.block_on(async {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => TcpStream::connect(self.address).await.unwrap(),
            };
            stream.set_nodelay(true).unwrap();
            let goes_on = exchange(&mut stream, &request, &mut Vec::new()).await;
            self.stream = goes_on.then_some(stream);
        });
    }

    /// Makes a change as the service does once a call was found right. Signed calls are remembered for half an hour, and there may
    /// be so many.
    fn make(&self, change: &Change) {
        let management = &self.management;
        let made: Result<(), Error> = self.client.block_on(async {
            match change {
                Change::Member { workspace, member, role, gets } => {
                    let named = MemberRef::parse(workspace, member.as_str());
                    if *gets {
                        let caller = caller(ACCOUNT, "AddMemberRole");
                        management
                            .add_member_role(&caller, workspace, &named, role.code())
                            .await
                            .map(drop)
                    } else {
                        let caller = caller(ACCOUNT, "RemoveMemberRole");
                        management
                            .remove_member_role(&caller, workspace, &named, role.code())
                            .await
                            .map(drop)
                    }
                }
                Change::Role { workspace, levels } => {
                    let modules: Vec<ModulePermission> = levels
                        .iter()
                        .map(|(module, level)| ModulePermission {
                            module: (*module).to_owned(),
                            permission_type: *level,
                            permissions: Vec::new(),
                        })
                        .collect();
                    let (caller, named) =
                        (caller(ACCOUNT, "UpdateWorkspaceRole"), format!("role-{workspace}"));
                    management
                        .update_role(&caller, workspace, &named, None, Some(&modules))
                        .await
                        .map(drop)
                }
            }
        });
        made.unwrap();
    }

    /// Makes a change every 10 ms, and one of a custom role every second, until the end; returns how many.
    fn now_and_then(&mut self, ended: &AtomicBool) -> usize {
        let begun = Instant::now();
        let mut made = 0;
        while !ended.load(Ordering::Relaxed) {
            let change = self.member(made);
            self.call(&change);
            if made % 100 == 0 {
                self.call(&role(made / 100));
            }
            made += 1;
            let due = begun + Duration::from_millis(10) * u32::try_from(made).unwrap();
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        made
    }

    /// Makes changes as fast as they go, and says how much memory there is of after every tenth of them.
    fn without_end(&mut self, changes: usize) {
        println!("\n| changes | changes/s | resident, MiB |\n|---|---|---|");
        println!("| 0 | | {:.1} |", resident());
        let tenth = changes.div_ceil(10);
        for part in 0..10 {
            let begun = Instant::now();
            for number in part * tenth..(part + 1) * tenth {
                let change =
                    if number % 100 == 0 { role(number / 100) } else { self.member(number) };
                self.make(&change);
            }
            let rate = tenth as f64 / begun.elapsed().as_secs_f64();
            println!("| {} | {rate:.0} | {:.1} |", (part + 1) * tenth, resident());
        }
    }
}

/// Lets a custom role grant something else: at one of three levels each of seven modules.
fn role(number: usize) -> Change {
    let workspace = WorkspaceId::parse(&(10_001 + number as u64 % WORKSPACES).to_string()).unwrap();
    let levels = [PermissionType::ReadOnly, PermissionType::ReadWrite, PermissionType::FullAccess];
    let modules = ["DLC", "DSW", "PaiDesigner", "Dataset", "Model", "Image", "CodeSource"];
    let modules = modules.into_iter().enumerate();
    let level = |place| levels[number / 3_usize.pow(u32::try_from(place).unwrap()) % 3];
    Change::Role { workspace, levels: modules.map(|(place, it)| (it, level(place))).collect() }
}
