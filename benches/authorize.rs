//! One decision in process, from strings to the answer: what it costs as workspaces and roles grow, and beside Cedar.
//!
//! The cases of a table take turns in one run; a figure is the median of the rounds with the quartiles. Cedar judges the same
//! requests with request and entities built for each, over the policies that name the action and no others.
//! `cargo bench --bench authorize`; `PAI_AUTHZ_BENCH_ROUNDS` and `PAI_AUTHZ_BENCH_WORKSPACES` change its size.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

#[path = "support/numbers.rs"]
mod numbers;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/settings.rs"]
mod settings;

use std::{
    fmt::Write,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use numbers::{median, quartiles};
use pai_authz::{
    domain::{
        AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, Effect, EnvMode,
        Identity, Member, MembersBuilder, ModulePermission, PermissionType, Principal, PrincipalId,
        PrincipalKind, Profile, Question, RoleName, RoleRef, Timestamp, UserName, Workspace,
        WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Plain, Snapshot},
};
use seeded::Seeded;
use settings::number;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const ACCOUNT: &str = "1000000000000001";
const MEMBERS: u64 = 100;
const THEN: Timestamp = Timestamp::from_millis(0);
/// Questions of a round.
const QUESTIONS: usize = 200_000;

fn main() {
    let (rounds, workspaces) =
        (number("PAI_AUTHZ_BENCH_ROUNDS", 11), number("PAI_AUTHZ_BENCH_WORKSPACES", 10_000));
    let engine = Engine::new("cn-hangzhou").unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let mut cases = Vec::new();
    for (name, workspaces, roles) in [
        ("10 workspaces, 1 to 3 roles", 10, None),
        ("many workspaces, 1 to 3 roles", workspaces as u64, None),
        ("many workspaces, 1 role", workspaces as u64, Some(1)),
        ("many workspaces, 3 roles", workspaces as u64, Some(3)),
        ("many workspaces, 7 roles", workspaces as u64, Some(7)),
    ] {
        let started = Instant::now();
        let world = World::new(workspaces, roles, 2_026);
        let snapshot = Snapshot::build(Arc::clone(&engine), &world.records()).unwrap();
        println!(
            "{name}: {} memberships in {workspaces} workspaces, made in {:.1} s",
            workspaces * MEMBERS,
            started.elapsed().as_secs_f64()
        );
        cases.push(Case { name, asked: world.questions(QUESTIONS), snapshot });
    }
    for case in &cases {
        // What roles answer together is put together when it is first asked for.
        case.round(&engine, &account, QUESTIONS);
        let region = Region::new(ALLOCATOR);
        case.round(&engine, &account, QUESTIONS);
        let made = region.change().allocations;
        println!("{}: {made} allocations in {QUESTIONS} decisions", case.name);
        // The strings of the first round's questions are made once.
        assert!(made < 1_000, "a decision by roles allocates nothing");
    }
    let mut nanoseconds = vec![Vec::new(); cases.len()];
    let mut cedar = vec![Vec::new(); cases.len()];
    let mut plains: Vec<Plain> = cases.iter().map(|_| Plain::default()).collect();
    for round in 0..=rounds {
        for (index, case) in cases.iter().enumerate() {
            // The others have had the caches meanwhile.
            case.round(&engine, &account, QUESTIONS);
            let fast = case.round(&engine, &account, QUESTIONS);
            let plain = case.plainly(&engine, &account, plains.get_mut(index).unwrap());
            // The first round warms up.
            if round > 0 {
                nanoseconds.get_mut(index).unwrap().push(fast);
                cedar.get_mut(index).unwrap().push(plain);
            }
        }
    }
    let base = nanoseconds.first().unwrap().clone();
    let one = nanoseconds.get(2).unwrap().clone();
    println!("\n| case | ns | Cedar, µs | Cedar / ours | to 10 workspaces | to 1 role |");
    println!("|---|---|---|---|---|---|");
    for ((case, ours), cedar) in cases.iter().zip(&mut nanoseconds).zip(&mut cedar) {
        let against =
            |other: &[f64]| -> Vec<f64> { ours.iter().zip(other).map(|(a, b)| a / b).collect() };
        let mut by_cedar: Vec<f64> = cedar.iter().zip(&*ours).map(|(b, a)| b / a).collect();
        let (mut to_base, mut to_one) = (against(&base), against(&one));
        let mut micros: Vec<f64> = cedar.iter().map(|ns| ns / 1e3).collect();
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            case.name,
            quartiles(ours, 0),
            quartiles(&mut micros, 1),
            quartiles(&mut by_cedar, 0),
            quartiles(&mut to_base, 2),
            quartiles(&mut to_one, 2)
        );
        assert!(median(ours) > 0.0);
    }
}

/// A snapshot and what it is asked.
struct Case {
    name: &'static str,
    asked: Vec<Asked>,
    snapshot: Snapshot,
}

impl Case {
    /// Returns the nanoseconds of a decision, of as many.
    ///
    /// A caller's strings are where it has just read them: they are written a few at a time, outside the time that counts.
    fn round(&self, engine: &Engine, account: &AccountId, count: usize) -> f64 {
        let (mut took, mut allowed) = (Duration::ZERO, 0_usize);
        let mut written = vec![Written::default(); 64];
        for some in self.asked.get(..count).unwrap().chunks(written.len()) {
            for (asked, written) in some.iter().zip(&mut written) {
                written.write(asked);
            }
            let started = Instant::now();
            for written in written.iter().take(some.len()) {
                let request = engine.resolve(account, black_box(written.question())).unwrap();
                let decision = black_box(&self.snapshot).is_authorized(&request);
                allowed += usize::from(decision.effect() == Effect::Allow);
            }
            took += started.elapsed();
        }
        assert!(allowed > count / 10, "{allowed} of {count} are allowed");
        took.as_nanos() as f64 / count as f64
    }

    /// Returns the nanoseconds of Cedar's decision, of some of them.
    fn plainly(&self, engine: &Engine, account: &AccountId, plain: &mut Plain) -> f64 {
        let mut written = Written::default();
        let mut took = Duration::ZERO;
        let some = || self.asked.iter().step_by(self.asked.len() / 400);
        // The answers: a fast wrong one is worth nothing. And the policies of the custom roles are made, and kept.
        for asked in some() {
            written.write(asked);
            let request = engine.resolve(account, written.question()).unwrap();
            let (ours, theirs) =
                (self.snapshot.is_authorized(&request), plain.judge(&self.snapshot, &request));
            assert!(!Plain::differs(&ours, &theirs), "{request:?}");
        }
        for asked in some() {
            written.write(asked);
            let started = Instant::now();
            let request = engine.resolve(account, written.question()).unwrap();
            black_box(plain.judge(&self.snapshot, &request));
            took += started.elapsed();
        }
        took.as_nanos() as f64 / some().count() as f64
    }
}

/// What somebody asks.
#[derive(Clone, Copy)]
struct Asked {
    user: u64,
    workspace: u64,
    is_own: bool,
    is_public: bool,
    action: usize,
}

const ACTIONS: [&str; 5] = [
    "PaiDLC:StopJob",
    "PaiDLC:GetJob",
    "PaiDSW:StartInstance",
    "PaiDataset:GetDataset",
    "PaiModel:ListModels",
];

/// The same as strings.
#[derive(Clone, Default)]
struct Written {
    user: String,
    workspace: String,
    creator: String,
    action: String,
    is_public: bool,
}

impl Written {
    fn write(&mut self, asked: &Asked) {
        for text in [&mut self.user, &mut self.workspace, &mut self.creator, &mut self.action] {
            text.clear();
        }
        write!(self.user, "{}", asked.user).unwrap();
        write!(self.workspace, "{}", asked.workspace).unwrap();
        write!(self.creator, "{}", if asked.is_own { asked.user } else { 1 }).unwrap();
        self.action.push_str(ACTIONS[asked.action]);
        self.is_public = asked.is_public;
    }

    fn question(&self) -> Question<'_> {
        Question {
            principal_type: Some("User"),
            principal_id: Some(&self.user),
            workspace: Some(&self.workspace),
            creator: Some(&self.creator),
            action: Some(&self.action),
            accessibility: Some(if self.is_public { "PUBLIC" } else { "PRIVATE" }),
            ..Question::default()
        }
    }
}

/// Who is a member where, and of how many roles.
struct World {
    workspaces: u64,
    users: Vec<u64>,
    /// Members of each workspace with the bits of their roles; bit 7 is a custom role of the workspace.
    members: Vec<Vec<(u64, u8)>>,
}

impl World {
    fn new(workspaces: u64, roles: Option<u32>, seed: u64) -> Self {
        let mut seeded = Seeded(seed);
        let users: Vec<u64> =
            (0..10 * workspaces).map(|_| 200_000_000_000_000_000 + seeded.below(1 << 53)).collect();
        let mut members = Vec::new();
        for _ in 0..workspaces {
            let mut of_one: Vec<(u64, u8)> = (0..MEMBERS)
                .map(|_| {
                    let user = users.get(usize::try_from(seeded.below(10 * workspaces)).unwrap());
                    let count =
                        roles.unwrap_or_else(|| 1 + u32::try_from(seeded.below(3)).unwrap());
                    let mut bits = 0_u8;
                    // Never the Owner (bit 0): everybody would be allowed everything.
                    while bits.count_ones() < count {
                        bits |= 2 << seeded.below(7);
                    }
                    (*user.unwrap(), bits)
                })
                .collect();
            of_one.sort_unstable();
            of_one.dedup_by_key(|(user, _)| *user);
            members.push(of_one);
        }
        Self { workspaces, users, members }
    }

    fn records(&self) -> AccountRecords {
        let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).unwrap());
        for user in &self.users {
            let identity = identity(*user);
            records.identities.insert(identity.principal.id.clone(), identity);
        }
        for (number, members) in (10_001..).zip(&self.members) {
            let workspace = workspace(number);
            let role = custom_role(number);
            let mut builder = MembersBuilder::default();
            for (user, bits) in members {
                builder.add(&Member {
                    principal: principal(*user),
                    roles: held(*bits, &role.id),
                    created: THEN,
                });
            }
            records.roles.insert((workspace.id.clone(), role.id.clone()), role);
            records.rosters.insert(workspace.id.clone(), builder.build());
            records.workspaces.insert(workspace.id.clone(), workspace);
        }
        records
    }

    /// Returns questions of members, evenly over all memberships.
    fn questions(&self, count: usize) -> Vec<Asked> {
        let mut seeded = Seeded(7);
        let mut asked = Vec::with_capacity(count);
        for _ in 0..count {
            let place = usize::try_from(seeded.below(self.workspaces)).unwrap();
            let members = self.members.get(place).unwrap();
            let (user, _) = members[usize::try_from(seeded.below(members.len() as u64)).unwrap()];
            asked.push(Asked {
                user,
                workspace: 10_001 + place as u64,
                is_own: seeded.below(3) == 0,
                is_public: seeded.below(2) == 0,
                action: usize::try_from(seeded.below(5)).unwrap(),
            });
        }
        asked
    }
}

fn held(bits: u8, custom: &CustomRoleId) -> Vec<RoleRef> {
    let roles = BuiltinRole::ALL.into_iter().enumerate();
    let builtin = roles.filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, r)| RoleRef::Builtin(r));
    builtin.chain((bits >> 7 == 1).then(|| RoleRef::Custom(custom.clone()))).collect()
}

fn principal(id: u64) -> PrincipalId {
    PrincipalId::parse(&id.to_string()).unwrap()
}

fn identity(id: u64) -> Identity {
    Identity {
        principal: Principal { kind: PrincipalKind::User, id: principal(id) },
        name: UserName::parse(&id.to_string()).unwrap(),
        profile: Profile::default(),
        assumable: None,
        created: THEN,
        modified: THEN,
    }
}

fn workspace(number: u64) -> Workspace {
    Workspace {
        id: WorkspaceId::parse(&number.to_string()).unwrap(),
        name: WorkspaceName::parse(&format!("w{number}")).unwrap(),
        display_name: String::new(),
        description: String::new(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: principal(1_000_000_000_000_001),
        created: THEN,
        modified: THEN,
    }
}

/// A role of a workspace; there are ten that differ.
fn custom_role(number: u64) -> CustomRole {
    let level =
        if number.is_multiple_of(2) { PermissionType::ReadOnly } else { PermissionType::ReadWrite };
    let modules = ["DLC", "DSW", "Dataset", "Model", "Image"];
    let modules = modules.iter().take(1 + usize::try_from(number % 5).unwrap());
    let permission = |module: &&str| ModulePermission {
        module: (*module).to_owned(),
        permission_type: level,
        permissions: Vec::new(),
    };
    CustomRole {
        id: CustomRoleId::parse(&format!("role-{number}")).unwrap(),
        name: RoleName::parse("curator").unwrap(),
        modules: modules.map(permission).collect(),
        creator: principal(1_000_000_000_000_001),
        created: THEN,
        modified: THEN,
    }
}
