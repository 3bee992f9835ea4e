//! What a change costs: compiling and validating a custom role, building the snapshot of an account.

use std::{hint::black_box, sync::Arc};

use criterion::Criterion;
use pai_authz::{
    catalog::{Catalog, ManagedIn, catalog},
    domain::{
        AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, EntityAccess, EnvMode,
        Identity, Member, ModulePermission, Op, PermissionGrant, PermissionRule, PermissionType,
        Principal, PrincipalId, PrincipalKind, Profile, RoleName, RoleRef, RuleAccessibility,
        Timestamp, UserName, Workspace, WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Snapshot},
};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    roles(&mut criterion);
    tables(&mut criterion);
    snapshots(&mut criterion);
    criterion.final_summary();
}

fn roles(criterion: &mut Criterion) {
    let engine = Engine::new("cn-hangzhou").expect("the compiled-in policies are sound");
    let workspace = workspace_id();
    let cases = [
        ("13-modules-full-access", level_role("role-1", PermissionType::FullAccess)),
        ("13-modules-read-write", level_role("role-2", PermissionType::ReadWrite)),
        ("custom-permissions-every-dlc-code", custom_permissions_role("role-3")),
    ];
    for (name, role) in cases {
        let compiled = engine.role_policies(&workspace, &role).expect("a sound role");
        let policies = engine.check_role(&workspace, &role).expect("a sound role");
        assert!(policies > 0, "{name}");
        assert!(engine.validate(&compiled).is_ok(), "{name}");
        criterion.bench_function(&format!("compile/{name}"), |bencher| {
            bencher.iter(|| engine.role_policies(&workspace, black_box(&role)));
        });
        criterion.bench_function(&format!("validate/{name}"), |bencher| {
            bencher.iter(|| engine.validate(black_box(&compiled)));
        });
        criterion.bench_function(&format!("compile+validate+slice/{name}"), |bencher| {
            bencher.iter(|| engine.check_role(&workspace, black_box(&role)));
        });
    }
}

/// What tables cost: those of the built-in roles at the start, that of a custom role when it is put.
fn tables(criterion: &mut Criterion) {
    criterion.bench_function("engine/new", |bencher| {
        bencher.iter(|| Engine::new(black_box("cn-hangzhou")));
    });
    let engine = Engine::new("cn-hangzhou").expect("the compiled-in policies are sound");
    let snapshot = Snapshot::build(Arc::clone(&engine), &records(10, 0)).expect("no role");
    let put = |role: CustomRole| {
        let op = Op::PutRole(workspace_id(), role);
        snapshot.with(&[op], snapshot.revision().next()).expect("a sound role")
    };
    let mut number = 0;
    criterion.bench_function("put/a-role-that-grants-what-none-does", |bencher| {
        bencher.iter(|| {
            number += 1;
            put(numbered_role(number))
        });
    });
    let kept = put(level_role("role-1", PermissionType::FullAccess));
    criterion.bench_function("put/a-role-that-grants-what-another-does", |bencher| {
        bencher.iter(|| put(level_role("role-2", PermissionType::FullAccess)));
    });
    drop(kept);
}

/// Returns a role with every module of custom roles at one level, but for codes of DLC that its number tells.
fn numbered_role(number: u32) -> CustomRole {
    let mut role = level_role("role-1", PermissionType::FullAccess);
    let codes = catalog().points().iter().filter(|point| {
        point.module == "DLC" && point.managed != ManagedIn::Ram && point.variant.is_none()
    });
    let chosen = codes.enumerate().filter(|(bit, _)| *bit > 20 || number >> bit & 1 == 1);
    let grant = PermissionGrant {
        codes: chosen.map(|(_, point)| point.code.to_owned()).collect(),
        rules: vec![PermissionRule {
            accessibility: RuleAccessibility::Any,
            entity_access: EntityAccess::Any,
        }],
    };
    for module in role.modules.iter_mut().filter(|module| module.module == "DLC") {
        module.permission_type = PermissionType::CustomPermissions;
        module.permissions = vec![grant.clone()];
    }
    role
}

fn snapshots(criterion: &mut Criterion) {
    let engine = Engine::new("cn-hangzhou").expect("the compiled-in policies are sound");
    let mut group = criterion.benchmark_group("snapshot/1000-members");
    group.sample_size(20);
    for custom_roles in [0, 10] {
        let records = records(1_000, custom_roles);
        let built = Snapshot::build(Arc::clone(&engine), &records).expect("the roles compile");
        assert!(built.has_workspace(&workspace_id()));
        group.bench_function(format!("{custom_roles}-custom-roles"), |bencher| {
            bencher.iter(|| Snapshot::build(Arc::clone(&engine), black_box(&records)));
        });
    }
    group.finish();
}

fn workspace_id() -> WorkspaceId {
    WorkspaceId::parse("10001").expect("a workspace id")
}

/// Returns a role with every module of custom roles at one level.
fn level_role(id: &str, level: PermissionType) -> CustomRole {
    let modules = catalog().modules().iter().filter_map(|module| module.api_module);
    let at_level = |module: &str| ModulePermission {
        module: module.to_owned(),
        permission_type: level,
        permissions: Vec::new(),
    };
    role(id, modules.map(at_level).collect())
}

/// Returns a role that names every code of one module under own + public.
fn custom_permissions_role(id: &str) -> CustomRole {
    let catalog: &Catalog = catalog();
    let codes = catalog.points().iter().filter(|point| {
        point.module == "DLC" && point.managed != ManagedIn::Ram && point.variant.is_none()
    });
    let rule = |accessibility, entity_access| PermissionRule { accessibility, entity_access };
    let grant = PermissionGrant {
        codes: codes.map(|point| point.code.to_owned()).collect(),
        rules: vec![
            rule(RuleAccessibility::Private, EntityAccess::Creator),
            rule(RuleAccessibility::Public, EntityAccess::Any),
        ],
    };
    let module = ModulePermission {
        module: "DLC".to_owned(),
        permission_type: PermissionType::CustomPermissions,
        permissions: vec![grant],
    };
    role(id, vec![module])
}

fn role(id: &str, modules: Vec<ModulePermission>) -> CustomRole {
    CustomRole {
        id: CustomRoleId::parse(id).expect("a role id"),
        name: RoleName::parse(id).expect("a role name"),
        modules,
        creator: PrincipalId::parse("2000").expect("a principal id"),
        created: Timestamp::from_millis(0),
        modified: Timestamp::from_millis(0),
    }
}

/// Returns an account of one workspace; who holds which roles comes from a fixed seed.
fn records(members: u32, custom_roles: u32) -> AccountRecords {
    let account = AccountId::parse("1000000000000001").expect("an account id");
    let mut records = AccountRecords::empty(account);
    let workspace = workspace_id();
    let created = Timestamp::from_millis(0);
    let principal = |id: u32| PrincipalId::parse(&id.to_string()).expect("a principal id");
    records.workspaces.insert(
        workspace.clone(),
        Workspace {
            id: workspace.clone(),
            name: WorkspaceName::parse("bench").expect("a workspace name"),
            display_name: String::new(),
            description: String::new(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: principal(2_000),
            created,
            modified: created,
        },
    );
    let mut held: Vec<RoleRef> = BuiltinRole::ALL.into_iter().map(RoleRef::Builtin).collect();
    for number in 0..custom_roles {
        let role = level_role(&format!("role-{number}"), PermissionType::ReadWrite);
        held.push(RoleRef::Custom(role.id.clone()));
        records.roles.insert((workspace.clone(), role.id.clone()), role);
    }
    let mut seed: u32 = 20_260_101;
    for id in 2_000..2_000 + members {
        let identity = Identity {
            principal: Principal { kind: PrincipalKind::User, id: principal(id) },
            name: UserName::parse(&format!("user-{id}")).expect("a user name"),
            profile: Profile::default(),
            assumable: None,
            created,
            modified: created,
        };
        records.identities.insert(identity.principal.id.clone(), identity);
        // A linear congruential generator (Numerical Recipes): any fixed sequence does.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let skip = usize::from(seed.to_be_bytes()[0]) % held.len();
        let count = 1 + usize::from(seed.to_be_bytes()[1]) % 3;
        let mut roles: Vec<RoleRef> = held.iter().cycle().skip(skip).take(count).cloned().collect();
        roles.sort();
        let member = Member { principal: principal(id), roles, created };
        records.rosters.entry(workspace.clone()).or_default().put(&member);
    }
    records
}
