//! The engine from outside: what is asked and what is answered. Its parts have tests of their own beside them.

mod combining;
mod custom_roles;
mod decisions;
mod documents;
mod explain;
mod following;
mod hostile;
mod policies;
mod resolving;
mod switches;

use std::sync::{Arc, LazyLock};

use super::{Engine, Plain, Snapshot};
use crate::domain::{
    AccountId, AccountRecords, BuiltinRole, CustomRole, CustomRoleId, Decision, EnvMode, Identity,
    Member, ModulePermission, PermissionGrant, PermissionRule, PermissionType, Principal,
    PrincipalId, PrincipalKind, Profile, Question, Reason, RoleName, RoleRef, Timestamp, UserName,
    Workspace, WorkspaceId, WorkspaceName,
};

const ACCOUNT: &str = "1000000000000001";
const REGION: &str = "cn-hangzhou";
const THEN: Timestamp = Timestamp::from_millis(0);

fn engine() -> &'static Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Engine::new(REGION).unwrap());
    &ENGINE
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn workspace_id(id: &str) -> WorkspaceId {
    WorkspaceId::parse(id).unwrap()
}

fn principal_id(id: &str) -> PrincipalId {
    PrincipalId::parse(id).unwrap()
}

/// Returns the kind of a fixture's id: users are 2…, RAM roles 3…, the account is itself.
fn kind(id: &str) -> PrincipalKind {
    match id {
        ACCOUNT => PrincipalKind::Account,
        id if id.starts_with('3') => PrincipalKind::RamRole,
        _ => PrincipalKind::User,
    }
}

fn identity(id: &str) -> Identity {
    let principal = Principal { kind: kind(id), id: principal_id(id) };
    let name = UserName::parse(&format!("n{id}")).unwrap();
    Identity {
        principal,
        name,
        profile: Profile::default(),
        assumable: None,
        created: THEN,
        modified: THEN,
    }
}

fn workspace(id: &str) -> Workspace {
    Workspace {
        id: workspace_id(id),
        name: WorkspaceName::parse(&format!("w_{id}")).unwrap(),
        display_name: String::new(),
        description: String::new(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: principal_id(ACCOUNT),
        created: THEN,
        modified: THEN,
    }
}

/// Returns a membership with roles by code or custom role id.
fn member(id: &str, roles: &[&str]) -> Member {
    let role = |text: &&str| match BuiltinRole::parse(text) {
        Some(builtin) => RoleRef::Builtin(builtin),
        None => RoleRef::Custom(CustomRoleId::parse(text).unwrap()),
    };
    Member { principal: principal_id(id), roles: roles.iter().map(role).collect(), created: THEN }
}

fn custom_role(id: &str, modules: Vec<ModulePermission>) -> CustomRole {
    CustomRole {
        id: CustomRoleId::parse(id).unwrap(),
        name: RoleName::parse(id).unwrap(),
        modules,
        creator: principal_id(ACCOUNT),
        created: THEN,
        modified: THEN,
    }
}

fn level(module: &str, permission_type: PermissionType) -> ModulePermission {
    ModulePermission { module: module.to_owned(), permission_type, permissions: Vec::new() }
}

/// Returns a module with the given codes, each entry under rules written `PRIVATE/CREATOR`, `PUBLIC`, `ANY` ….
fn codes(module: &str, grants: &[(&[&str], &[&str])]) -> ModulePermission {
    let rule = |text: &&str| {
        let (accessibility, entity) =
            text.split_once('/').map_or((*text, None), |(a, e)| (a, Some(e)));
        PermissionRule::parse(accessibility, entity).unwrap()
    };
    ModulePermission {
        module: module.to_owned(),
        permission_type: PermissionType::CustomPermissions,
        permissions: grants
            .iter()
            .map(|(codes, rules)| PermissionGrant {
                codes: codes.iter().map(|&code| code.to_owned()).collect(),
                rules: rules.iter().map(rule).collect(),
            })
            .collect(),
    }
}

/// Returns the records of an account with these identities, workspaces, roles and members.
fn records(
    identities: &[&str],
    workspaces: &[&str],
    roles: &[(&str, CustomRole)],
    members: &[(&str, &str, &[&str])],
) -> AccountRecords {
    let mut records = AccountRecords::empty(account());
    for id in identities {
        records.identities.insert(principal_id(id), identity(id));
    }
    for id in workspaces {
        records.workspaces.insert(workspace_id(id), workspace(id));
    }
    for (workspace, role) in roles {
        records.roles.insert((workspace_id(workspace), role.id.clone()), role.clone());
    }
    for (workspace, id, roles) in members {
        records.rosters.entry(workspace_id(workspace)).or_default().put(&member(id, roles));
    }
    records
}

fn snapshot(records: &AccountRecords) -> Snapshot {
    Snapshot::build(Arc::clone(engine()), records).unwrap()
}

/// Returns a question about nothing yet.
fn ask<'a>(who: &'a str, action: &'a str) -> Question<'a> {
    Question {
        principal_type: Some(kind(who).as_str()),
        principal_id: Some(who),
        action: Some(action),
        ..Question::default()
    }
}

/// Returns a question about an asset of the action's main type.
fn on<'a>(
    who: &'a str,
    action: &'a str,
    workspace: &'a str,
    creator: &'a str,
    accessibility: &'a str,
) -> Question<'a> {
    Question {
        workspace: Some(workspace),
        creator: Some(creator),
        accessibility: Some(accessibility),
        ..ask(who, action)
    }
}

/// Returns the answer to a well-formed question, which is Cedar's.
#[track_caller]
fn decide<'s>(snapshot: &'s Snapshot, question: &Question<'_>) -> Decision<'s> {
    let request = engine().resolve(&account(), *question).unwrap();
    let decision = snapshot.is_authorized(&request);
    let plain = Plain::default().judge(snapshot, &request);
    assert!(!Plain::differs(&decision, &plain), "{decision:?} and {plain:?}: {question:?}");
    if let Some(settled) = snapshot.settled(&request) {
        assert_eq!(settled, decision, "{question:?}");
    }
    assert_eq!(snapshot.ask(*question).as_ref(), Ok(&decision), "{question:?}");
    decision
}

#[track_caller]
fn check(snapshot: &Snapshot, question: &Question<'_>, reason: Reason, policies: &[&str]) {
    let decision = decide(snapshot, question);
    assert_eq!((decision.reason, &decision.faults[..]), (reason, &[][..]), "{question:?}");
    assert_eq!(decision.determining_policies.to_vec(), policies, "{question:?}");
}

#[track_caller]
fn allowed(snapshot: &Snapshot, question: &Question<'_>, policies: &[&str]) {
    check(snapshot, question, Reason::ExplicitAllow, policies);
}

#[track_caller]
fn denied(snapshot: &Snapshot, question: &Question<'_>) {
    check(snapshot, question, Reason::ImplicitDeny, &[]);
}
