//! One decision in process, by the number of roles a member holds.
//!
//! `judge` is the decision alone; `resolve+judge` is what the service does for each request, from strings to answer.

use std::{hint::black_box, sync::Arc};

use criterion::Criterion;
use pai_authz::{
    domain::{
        AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, Effect, EntityAccess,
        EnvMode, Identity, Member, ModulePermission, PermissionGrant, PermissionRule,
        PermissionType, Principal, PrincipalId, PrincipalKind, Profile, Question, RoleName,
        RoleRef, RuleAccessibility, Timestamp, UserName, Workspace, WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Snapshot},
};

const ACCOUNT: &str = "1000000000000001";
const WORKSPACE: &str = "10001";
/// Members by how many roles they hold; every role has something to say about `PaiDLC:StopJob` or `PaiDLC:GetJob`.
const HOLDERS: [(usize, &str); 3] = [(1, "2001"), (3, "2003"), (7, "2007")];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    authorize(&mut criterion);
    criterion.final_summary();
}

fn authorize(criterion: &mut Criterion) {
    let engine = Engine::new("cn-hangzhou").expect("the compiled-in policies are sound");
    let snapshot = Snapshot::build(Arc::clone(&engine), &records()).expect("the roles compile");
    let account = AccountId::parse(ACCOUNT).expect("an account id");
    let mut cases = Vec::new();
    for (roles, id) in HOLDERS {
        cases.push((format!("{roles}-roles/allow"), own_private(id), Effect::Allow));
        cases.push((format!("{roles}-roles/deny"), others_public(id), Effect::Deny));
    }
    cases.push(("main-account/allow".to_owned(), others_public(ACCOUNT), Effect::Allow));
    cases.push(("non-member/deny".to_owned(), own_private("2999"), Effect::Deny));

    for (name, question, effect) in cases {
        let request = engine.resolve(&account, question.clone()).expect("a sound question");
        assert_eq!(snapshot.is_authorized(&request).effect(), effect, "{name}");
        criterion.bench_function(&format!("judge/{name}"), |bencher| {
            bencher.iter(|| black_box(&snapshot).is_authorized(black_box(&request)));
        });
        criterion.bench_function(&format!("resolve+judge/{name}"), |bencher| {
            bencher.iter(|| {
                let request = engine.resolve(&account, black_box(&question).clone());
                request.map(|request| snapshot.is_authorized(&request))
            });
        });
    }
}

fn own_private(id: &str) -> Question<'_> {
    stop_job(id, id, "PRIVATE")
}

fn others_public(id: &str) -> Question<'_> {
    stop_job(id, "2500", "PUBLIC")
}

fn stop_job<'a>(id: &'a str, creator: &'a str, accessibility: &'a str) -> Question<'a> {
    Question {
        principal_type: Some("User"),
        principal_id: Some(id),
        action: Some("PaiDLC:StopJob"),
        resource_type: Some("job"),
        resource_id: Some("dlc-1"),
        workspace: Some(WORKSPACE),
        creator: Some(creator),
        accessibility: Some(accessibility),
        ..Question::default()
    }
}

fn records() -> AccountRecords {
    let mut records = AccountRecords::empty(AccountId::parse(ACCOUNT).expect("an account id"));
    let workspace = WorkspaceId::parse(WORKSPACE).expect("a workspace id");
    let created = Timestamp::from_millis(0);
    records.workspaces.insert(
        workspace.clone(),
        Workspace {
            id: workspace.clone(),
            name: WorkspaceName::parse("bench").expect("a workspace name"),
            display_name: String::new(),
            description: String::new(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: principal(ACCOUNT),
            created,
            modified: created,
        },
    );
    let own = PermissionRule {
        accessibility: RuleAccessibility::Private,
        entity_access: EntityAccess::Creator,
    };
    let stop_own = PermissionGrant { codes: vec!["PaiDLC:StopJob".to_owned()], rules: vec![own] };
    let customs = [
        custom("role-1", PermissionType::CustomPermissions, vec![stop_own]),
        custom("role-2", PermissionType::ReadOnly, Vec::new()),
    ];
    for role in &customs {
        records.roles.insert((workspace.clone(), role.id.clone()), role.clone());
    }
    // No role among them stops others' public jobs, so that a denial has asked all of them.
    let held = [
        RoleRef::Builtin(BuiltinRole::Developer),
        RoleRef::Builtin(BuiltinRole::Operator),
        RoleRef::Custom(customs[0].id.clone()),
        RoleRef::Custom(customs[1].id.clone()),
        RoleRef::Builtin(BuiltinRole::LabelManager),
        RoleRef::Builtin(BuiltinRole::Guest),
        RoleRef::Builtin(BuiltinRole::MaxComputeDeveloper),
    ];
    for id in HOLDERS.map(|(_, id)| id).into_iter().chain(["2999"]) {
        let identity = Identity {
            principal: Principal { kind: PrincipalKind::User, id: principal(id) },
            name: UserName::parse(id).expect("a user name"),
            profile: Profile::default(),
            assumable: None,
            created,
            modified: created,
        };
        records.identities.insert(identity.principal.id.clone(), identity);
    }
    for (roles, id) in HOLDERS {
        let mut roles: Vec<RoleRef> = held.iter().take(roles).cloned().collect();
        roles.sort();
        let member = Member { principal: principal(id), roles, created };
        records.rosters.entry(workspace.clone()).or_default().put(&member);
    }
    records
}

fn principal(id: &str) -> PrincipalId {
    PrincipalId::parse(id).expect("a principal id")
}

fn custom(id: &str, level: PermissionType, permissions: Vec<PermissionGrant>) -> CustomRole {
    CustomRole {
        id: CustomRoleId::parse(id).expect("a role id"),
        name: RoleName::parse(id).expect("a role name"),
        modules: vec![ModulePermission {
            module: "DLC".to_owned(),
            permission_type: level,
            permissions,
        }],
        creator: principal(ACCOUNT),
        created: Timestamp::from_millis(0),
        modified: Timestamp::from_millis(0),
    }
}
