//! What an explanation says holds: in random accounts each change it suggests turns the request into an Allow, nothing smaller
//! of its kind does, and every near miss is one. Sizes are counted in the tables, by code that shares nothing with the engine.

use std::collections::{BTreeMap, BTreeSet};

use pai_authz::{
    domain::{
        Accessibility, AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, Effect,
        Holder, IdRef, Member, ModulePermission, Op, PermissionType, PolicyRef, PolicyType,
        PrincipalKind, Reason, Request, Resource, RoleRef, WorkspaceId,
    },
    engine::{Beside, Differs, Explanation, NearMiss, Remedy, Snapshot, Source},
};

use crate::{
    decisions::{ACCOUNT, ENGINE, TABLES, THEN},
    support::{full, life::Life, naive::Code, records::custom_policy, report, timed},
};

/// Most roles a member may hold here: few enough that some hold as many.
const MOST_ROLES: usize = 6;
const LEVELS: [PermissionType; 4] = [
    PermissionType::NoPrivilege,
    PermissionType::ReadOnly,
    PermissionType::ReadWrite,
    PermissionType::FullAccess,
];

/// An account, and a request of which it is asked why.
struct Tried<'a> {
    snapshot: &'a Snapshot,
    records: &'a AccountRecords,
    request: &'a Request<'a>,
}

impl Tried<'_> {
    fn explain(&self) -> Explanation {
        let beside = Beside {
            recorded: &|workspace, id| self.records.roles.get(&(workspace.clone(), id.clone())),
            is_readable: &|_| true,
            most_roles: MOST_ROLES,
        };
        self.snapshot.explain(self.request, &beside).unwrap()
    }

    fn allows(&self, ops: &[Op]) -> bool {
        let changed = self.snapshot.with(ops, self.snapshot.revision()).unwrap();
        changed.is_authorized(self.request).effect() == Effect::Allow
    }

    fn workspace(&self) -> Option<WorkspaceId> {
        self.request.resource.workspace().map(IdRef::to_id)
    }

    /// Returns the roles held in the workspace, each once.
    fn held(&self, workspace: &WorkspaceId) -> Vec<RoleRef> {
        let members = self.records.rosters.get(workspace);
        let member = members.and_then(|it| it.get(self.request.principal.id.digits()));
        let mut roles = member.map(|it| it.roles).unwrap_or_default();
        roles.sort();
        roles.dedup();
        roles
    }

    fn with_role(&self, workspace: &WorkspaceId, role: &RoleRef) -> Op {
        let mut roles = self.held(workspace);
        roles.push(role.clone());
        let principal = self.request.principal.id.to_id();
        Op::PutMember(workspace.clone(), Member { principal, roles, created: THEN })
    }

    /// Returns the smallest role that would do, with its size: every role there is is tried.
    fn smallest_role(&self) -> Option<(usize, RoleRef)> {
        let workspace = self.workspace()?;
        let held = self.held(&workspace);
        if held.len() >= MOST_ROLES {
            return None;
        }
        let builtin = BuiltinRole::ALL.into_iter().filter(|it| *it != BuiltinRole::Owner);
        let here = self.records.roles.iter().filter(|((of, _), _)| *of == workspace);
        let custom = here.map(|((_, id), role)| {
            (size(|code| TABLES.custom(role, code)), RoleRef::Custom(id.clone()))
        });
        let builtin =
            builtin.map(|it| (size(|code| TABLES.builtin(it.code(), code)), RoleRef::Builtin(it)));
        let mut all: Vec<_> = builtin.chain(custom).collect();
        // The sort is stable: those in front are the first among equals.
        all.sort_by_key(|(size, _)| *size);
        let mut would_do = all.into_iter().filter(|(_, role)| {
            !held.contains(role) && self.allows(&[self.with_role(&workspace, role)])
        });
        would_do.next()
    }

    /// Returns the lowest level that would do, and of which role: every level of every role that is held is tried.
    fn lowest_level(&self, module: Option<&str>) -> Option<(PermissionType, CustomRoleId)> {
        let (workspace, module) = (self.workspace()?, module?);
        let mut found: Vec<(usize, usize, CustomRoleId)> = Vec::new();
        for role in self.held(&workspace) {
            let RoleRef::Custom(id) = role else { continue };
            let Some(role) = self.records.roles.get(&(workspace.clone(), id.clone())) else {
                continue;
            };
            let Some(from) = LEVELS.iter().position(|it| *it == level_of(role, module)) else {
                continue;
            };
            for (place, level) in LEVELS.into_iter().enumerate().skip(from + 1) {
                let raised = raised(role, module, level);
                if self.allows(&[Op::PutRole(workspace.clone(), raised.clone())]) {
                    let of = |role| size(|code| TABLES.custom(role, code));
                    found.push((place, of(&raised) - of(role), id.clone()));
                }
            }
        }
        found.into_iter().min().map(|(place, _, id)| (LEVELS[place], id))
    }
}

/// Returns how many pairs of a code and a cell are granted.
fn size(cells: impl Fn(&'static Code) -> String) -> usize {
    let granted = |code| cells(code).chars().collect::<BTreeSet<char>>().len();
    TABLES.codes.iter().map(granted).sum()
}

fn level_of(role: &CustomRole, module: &str) -> PermissionType {
    let listed = role.modules.iter().find(|it| it.module == module);
    listed.map_or(PermissionType::NoPrivilege, |it| it.permission_type)
}

fn raised(role: &CustomRole, module: &str, permission_type: PermissionType) -> CustomRole {
    let mut role = role.clone();
    role.modules.retain(|it| it.module != module);
    let module = module.to_owned();
    role.modules.push(ModulePermission { module, permission_type, permissions: Vec::new() });
    role
}

/// How often what was met.
#[derive(Default)]
struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

/// Checks that an asset that differs as a near miss says would not be denied for want of a grant.
fn check_near(tried: &Tried<'_>, near: &NearMiss, tell: &dyn Fn() -> String) -> bool {
    let mut other = tried.request.clone();
    let Resource::Asset { creator, accessibility, workspace, .. } = &mut other.resource else {
        return false;
    };
    let own = tried.request.principal.id;
    let somebody = IdRef::parse(if own.as_str() == "77" { "78" } else { "77" }).unwrap();
    let is_own = *creator == Some(own);
    let changed = if is_own { somebody } else { own };
    let mut swap = |creator_too: bool, accessibility_too: bool| {
        if creator_too {
            *creator = Some(changed);
        }
        if accessibility_too {
            *accessibility = accessibility.map(|it| match it {
                Accessibility::Private => Accessibility::Public,
                Accessibility::Public => Accessibility::Private,
            });
        }
    };
    match near.differs {
        Differs::Creator => swap(true, false),
        Differs::Accessibility => swap(false, true),
        Differs::CreatorAndAccessibility => swap(true, true),
        Differs::Workspace => {
            *workspace = near.workspace.as_ref().map(WorkspaceId::borrowed);
            let decision = tried.snapshot.is_authorized(&other);
            assert_ne!(decision.reason, Reason::ImplicitDeny, "{near:?}: {}", tell());
            return true;
        }
        Differs::Unstated | Differs::Condition | Differs::Resource => return false,
    }
    let decision = tried.snapshot.is_authorized(&other);
    assert_ne!(decision.reason, Reason::ImplicitDeny, "{near:?}: {}", tell());
    if decision.reason == Reason::ExplicitAllow {
        let ids = decision.determining_policies.to_vec();
        assert!(ids.contains(&near.policy), "{near:?}: {ids:?}: {}", tell());
    }
    true
}

fn check(tried: &Tried<'_>, module: Option<&str>, counts: &mut Counts, tell: &dyn Fn() -> String) {
    let decision = tried.snapshot.is_authorized(tried.request);
    let explanation = tried.explain();
    let ids: Vec<String> = explanation.policies.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(decision.determining_policies.to_vec(), ids, "{}", tell());
    for (id, source) in &explanation.policies {
        let begins = match source.as_ref().unwrap_or_else(|| panic!("{id}: {}", tell())) {
            Source::BuiltinRole(role) => format!("{role}/"),
            Source::CustomRole { id, name, .. } => {
                assert!(name.is_some());
                format!("{id}/")
            }
            Source::Document { policy, version, statement, .. } => {
                format!("{policy}/{version}/Statement/{statement}")
            }
            Source::Switch { key, .. } => {
                assert_eq!(*id, format!("switch/{key}"), "{}", tell());
                counts.note("switches");
                id.clone()
            }
            Source::KnownUsers => "known-users/".to_owned(),
            Source::Account => "account/".to_owned(),
        };
        assert!(id.starts_with(&begins), "{id}: {begins}: {}", tell());
        counts.note("sources");
    }
    let nothing_helps = explanation.near_misses.is_empty() && explanation.remedies.is_empty();
    if decision.reason != Reason::ImplicitDeny {
        assert!(nothing_helps, "{}", tell());
        return;
    }
    let facts = &explanation.facts;
    if !facts.principal_known || facts.workspace_known == Some(false) {
        assert!(nothing_helps, "{}", tell());
        counts.note("not known");
        return;
    }
    for near in &explanation.near_misses {
        counts.note(near.differs.as_str());
        if check_near(tried, near, tell) {
            counts.note("near misses tried");
        }
    }
    let (mut role, mut level) = (None, None);
    for remedy in &explanation.remedies {
        match remedy {
            Remedy::AddRole { role: id, grants, .. } => role = Some((*grants, id.clone())),
            Remedy::RaiseLevel { role: id, to, .. } => level = Some((*to, id.clone())),
            Remedy::RamStatement { statement, .. } => {
                let policy = custom_policy("remedy", &statement.document());
                let reference =
                    PolicyRef { policy_type: PolicyType::Custom, name: policy.name.clone() };
                let holder = Holder::Principal(tried.request.principal.id.to_id());
                let ops = [Op::PutPolicy(policy), Op::PutAttachment(holder, reference, THEN)];
                assert!(tried.allows(&ops), "{remedy:?}: {}", tell());
                counts.note("statements");
            }
        }
    }
    // What is suggested is what trying everything finds: so it does, and nothing smaller would.
    let of_account = tried.request.principal.kind == PrincipalKind::Account;
    let smallest = if of_account { None } else { tried.smallest_role() };
    assert_eq!(role, smallest, "the smallest role: {}", tell());
    let lowest = if of_account { None } else { tried.lowest_level(module) };
    assert_eq!(level, lowest, "the lowest level: {}", tell());
    counts.note(if role.is_some() { "roles" } else { "no role" });
    counts.note(if level.is_some() { "levels" } else { "no level" });
    counts.note("implicit denials");
}

#[test]
fn remedies_of_random_accounts_allow_and_nothing_smaller_does() {
    let wanted = full(300, 20_000);
    let mut counts = Counts::default();
    let count = |counts: &Counts, what| counts.0.get(what).copied().unwrap_or_default();
    let mut seed = 0;
    let ((), took) = timed(|| {
        while count(&counts, "implicit denials") < wanted {
            seed += 1;
            let mut life = Life::new(&TABLES, seed);
            let account = AccountId::parse(ACCOUNT).unwrap();
            let mut records = AccountRecords::empty(account);
            let mut ops = life.begin();
            for _ in 0..10 {
                ops.extend(life.change().1);
            }
            for op in &ops {
                records.apply(op);
            }
            let snapshot = Snapshot::build(ENGINE.clone(), &records).unwrap();
            for number in 0..60 {
                let ask = life.ask();
                let request = ask.request(&snapshot).unwrap();
                let tried = Tried { snapshot: &snapshot, records: &records, request: &request };
                let module = ask.code.map(|code| TABLES.module(&code.module));
                let module = module.and_then(|module| module.api_name.as_deref());
                let tell = || format!("seed {seed}, {number}: {}", life.book.tell(&ask));
                check(&tried, module, &mut counts, &tell);
            }
        }
    });
    report(&format!("{:?}, {seed} accounts, {:.1} s", counts.0, took.as_secs_f64()));
    for (what, least) in [
        ("roles", wanted / 4),
        ("no role", wanted / 20),
        ("levels", wanted / 40),
        ("statements", wanted / 2),
        ("sources", wanted / 4),
        ("switches", wanted / 100),
        ("creator", wanted / 100),
        ("accessibility", wanted / 150),
        ("workspace", wanted / 10),
        ("resource", wanted / 40),
        ("condition", wanted / 60),
        ("near misses tried", wanted / 4),
    ] {
        assert!(count(&counts, what) >= least, "{what}: {:?} are too few", counts.0);
    }
}
