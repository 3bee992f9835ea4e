//! Records and changes, short to write.

use pai_authz::domain::{
    AccessKey, AccessKeyId, AccountId, AccountRecords, Assumable, BuiltinRole, BundleName, Change,
    Config, ConfigCategory, ConfigKey, ConfigName, CustomRole, CustomRoleId, EntityAccess, EnvMode,
    Group, GroupId, GroupName, Holder, Identity, KeyStatus, LogEntry, Member, ModulePermission, Op,
    PermissionGrant, PermissionRule, PermissionType, Policy, PolicyName, PolicyRef, PolicyType,
    PolicyVersion, Principal, PrincipalId, PrincipalKind, Profile, RequestId, ResourceGroupId,
    Revision, RoleName, RoleRef, RuleAccessibility, Scope, Scopes, Timestamp, Token, TokenDigest,
    TokenId, UserName, VersionId, Workspace, WorkspaceId, WorkspaceName,
};

use pai_authz::store::{Store, StoreError};

use super::Seeded;

/// What most tests ask of a store: a change applied, and the revision it led to.
pub(crate) trait Reach: Store {
    /// Applies a change and returns the revision it led to, now or the first time.
    async fn reach(
        &self,
        account: &AccountId,
        expected: Revision,
        change: &Change,
    ) -> Result<Revision, StoreError> {
        self.apply(account, expected, change).await.map(|applied| applied.revision)
    }
}

impl<T: Store + ?Sized> Reach for T {}

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

pub(crate) fn revision(counter: u64) -> Revision {
    Revision { epoch: 1, counter }
}

pub(crate) fn request(text: &str) -> RequestId {
    RequestId::parse(text).unwrap()
}

pub(crate) fn principal(id: u64) -> PrincipalId {
    PrincipalId::parse(&id.to_string()).unwrap()
}

pub(crate) fn workspace_id(id: u64) -> WorkspaceId {
    WorkspaceId::parse(&id.to_string()).unwrap()
}

fn role_id(id: u64) -> CustomRoleId {
    CustomRoleId::parse(&format!("role-{id}")).unwrap()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// What names may hold that a careless codec or key would trip over.
pub(crate) const HOSTILE: [&str; 7] = [
    "plain",
    "名前 👩‍🚀 \u{202e}reversed",
    "\"quoted\\\" {json: [1]}",
    "{1000}:member:1:2",
    "line\nbreak\ttab\r\u{7f}",
    "'); DROP TABLE records; --",
    "",
];

fn hostile(seed: u64) -> String {
    HOSTILE[usize::try_from(seed).unwrap() % HOSTILE.len()].to_owned()
}

/// How many kinds of ops there are.
pub(crate) const KINDS: u64 = 26;

/// Returns an op of the kind `kind % KINDS` over few ids, everything else drawn from `seed`.
pub(crate) fn op(kind: u64, id: u64, seed: u64) -> Op {
    let mut seeded = Seeded(seed);
    let within = workspace_id(1 + id % 2);
    match kind % KINDS {
        0 => Op::PutIdentity(Identity {
            principal: Principal {
                kind: PrincipalKind::ALL[usize::try_from(seeded.below(3)).unwrap()],
                id: principal(id),
            },
            name: UserName::parse(&format!("u-{}", seeded.below(1_000))).unwrap(),
            profile: Profile {
                display_name: hostile(seeded.next()),
                comments: hostile(seeded.next()),
                email: hostile(seeded.next()),
                mobile_phone: hostile(seeded.next()),
            },
            assumable: (seeded.below(2) == 0).then(|| Assumable {
                trust_document: DOCUMENT.into(),
                description: hostile(id),
                max_session_seconds: 3_600,
            }),
            created: at(seeded.next()),
            modified: at(seeded.next()),
        }),
        1 => Op::RemoveIdentity(principal(id)),
        2 => Op::PutWorkspace(Workspace {
            id: workspace_id(id),
            name: WorkspaceName::parse(&format!("w_{}", seeded.below(1_000))).unwrap(),
            display_name: hostile(seeded.next()),
            description: hostile(seeded.next()),
            env: EnvMode::ALL[usize::try_from(seeded.below(2)).unwrap()],
            resource_group: (seeded.below(2) == 0)
                .then(|| ResourceGroupId::parse(&format!("rg-{}", seeded.below(9))).unwrap()),
            creator: principal(seeded.below(9)),
            created: at(seeded.next()),
            modified: at(seeded.next()),
        }),
        3 => Op::RemoveWorkspace(workspace_id(id)),
        4 => Op::PutRole(within, custom_role(id, &mut seeded)),
        5 => Op::RemoveRole(within, role_id(id)),
        6 => Op::PutMember(within, member(id, &mut seeded)),
        7 => Op::RemoveMember(within, principal(id)),
        8 => Op::PutToken(Token {
            id: TokenId::parse(&format!("t{id}")).unwrap(),
            name: hostile(seeded.next()),
            digest: TokenDigest(std::array::from_fn(|_| seeded.next().to_le_bytes()[0])),
            scopes: Scopes::new(Scope::ALL.into_iter().filter(|_| seeded.below(2) == 0).collect()),
            bundle: (seeded.below(2) == 0).then(|| BundleName::parse("todo").unwrap()),
            created: at(seeded.next()),
        }),
        9 => Op::RemoveToken(TokenId::parse(&format!("t{id}")).unwrap()),
        10 => Op::PutAccessKey(AccessKey {
            id: AccessKeyId::parse(&format!("LTAI{id}")).unwrap(),
            owner: principal(seeded.below(9)),
            sealed_secret: (0..seeded.below(80)).map(|_| seeded.next().to_le_bytes()[0]).collect(),
            status: if seeded.below(2) == 0 { KeyStatus::Active } else { KeyStatus::Inactive },
            created: at(seeded.next()),
        }),
        11 => Op::RemoveAccessKey(AccessKeyId::parse(&format!("LTAI{id}")).unwrap()),
        12 => Op::PutRetiredName(retired(id), at(seeded.next())),
        13 => Op::RemoveRetiredName(retired(id)),
        14 => Op::PutDefaultWorkspace(workspace_id(id)),
        15 => Op::RemoveDefaultWorkspace,
        16 => Op::PutPolicy(policy(id, &mut seeded)),
        17 => Op::RemovePolicy(policy_name(id)),
        18 => Op::PutGroup(Group {
            id: group(id),
            name: GroupName::parse(&format!("g_{}", seeded.below(1_000))).unwrap(),
            comments: hostile(seeded.next()),
            created: at(seeded.next()),
            modified: at(seeded.next()),
        }),
        19 => Op::RemoveGroup(group(id)),
        20 => Op::PutGroupMember(group(seeded.below(3)), principal(id), at(seeded.next())),
        21 => Op::RemoveGroupMember(group(seeded.below(3)), principal(id)),
        22 => Op::PutAttachment(holder(&mut seeded), policy_ref(id), at(seeded.next())),
        23 => Op::RemoveAttachment(holder(&mut seeded), policy_ref(id)),
        24 => Op::PutConfig(
            within,
            Config {
                name: config_name(id),
                value: hostile(seeded.next()),
                created: at(seeded.next()),
                modified: at(seeded.next()),
            },
        ),
        _ => Op::RemoveConfig(within, config_name(id)),
    }
}

/// A switch among them.
fn config_name(id: u64) -> ConfigName {
    let (category, key) = [
        ("PaiAuthzSwitch", "dlcEnterContainer"),
        ("DLCPriorityConfig", "priorityConfig"),
        ("x.y_z", "0"),
    ][usize::try_from(id % 3).unwrap()];
    let label = |number: u64| (hostile(number), hostile(number + 1));
    ConfigName {
        category: ConfigCategory::parse(category).unwrap(),
        key: ConfigKey::parse(key).unwrap(),
        labels: (0..id / 3 % 3).map(label).collect(),
    }
}

fn group(id: u64) -> GroupId {
    GroupId::parse(&format!("g-{id}")).unwrap()
}

fn policy_name(id: u64) -> PolicyName {
    PolicyName::parse(&format!("policy-{id}")).unwrap()
}

fn policy_ref(id: u64) -> PolicyRef {
    PolicyRef {
        policy_type: PolicyType::ALL[usize::try_from(id % 2).unwrap()],
        name: policy_name(id),
    }
}

fn holder(seeded: &mut Seeded) -> Holder {
    let id = seeded.below(4);
    if seeded.below(2) == 0 { Holder::Group(group(id)) } else { Holder::Principal(principal(id)) }
}

fn policy(id: u64, seeded: &mut Seeded) -> Policy {
    let count = u32::try_from(seeded.below(5)).unwrap() + 1;
    let version = |number| PolicyVersion {
        id: VersionId(number),
        document: DOCUMENT.into(),
        created: at(u64::from(number)),
    };
    Policy {
        name: policy_name(id),
        description: hostile(id),
        versions: (1..=count).map(version).collect(),
        default: VersionId(count),
        next: VersionId(count + 1),
        created: at(seeded.next()),
        modified: at(seeded.next()),
    }
}

/// A document that means something.
const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":["log:Get*","paidlc:*"],"Resource":["acs:log:*:*:project/a?c","*"],"Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}]}"#;

fn retired(id: u64) -> WorkspaceName {
    WorkspaceName::parse(&format!("gone_{id}")).unwrap()
}

fn member(id: u64, seeded: &mut Seeded) -> Member {
    let mut roles: Vec<RoleRef> = BuiltinRole::ALL
        .into_iter()
        .filter(|_| seeded.below(3) == 0)
        .map(RoleRef::Builtin)
        .collect();
    roles.push(RoleRef::Custom(role_id(seeded.below(4))));
    Member { principal: principal(id), roles, created: at(seeded.next()) }
}

fn custom_role(id: u64, seeded: &mut Seeded) -> CustomRole {
    use RuleAccessibility as A;
    let mut rule = || PermissionRule {
        accessibility: [A::Public, A::Private, A::Any][usize::try_from(seeded.below(3)).unwrap()],
        entity_access: [EntityAccess::Any, EntityAccess::Creator]
            [usize::try_from(seeded.below(2)).unwrap()],
    };
    let rules = vec![rule(), rule()];
    let modules = PermissionType::ALL.into_iter().map(|permission_type| ModulePermission {
        module: format!("PaiWorkspace@@{}", hostile(id)),
        permission_type,
        permissions: vec![PermissionGrant {
            codes: vec!["PaiDLC:StopJob".to_owned(), hostile(id + 1)],
            rules: rules.clone(),
        }],
    });
    CustomRole {
        id: role_id(id),
        name: RoleName::parse(&format!("r-{id}_x")).unwrap(),
        modules: modules.collect(),
        creator: principal(seeded.below(9)),
        created: at(seeded.next()),
        modified: at(seeded.next()),
    }
}

/// Returns a change under a request id, asked for at one second after 2023-11-14T22:13:20Z.
pub(crate) fn change(request_id: &str, ops: Vec<Op>) -> Change {
    change_at(request_id, 1_700_000_001_000, ops)
}

/// Returns a change under a request id, asked for then.
pub(crate) fn change_at(request_id: &str, millis: u64, ops: Vec<Op>) -> Change {
    Change {
        actor: "2001".to_owned(),
        action: "CreateMember".to_owned(),
        request_id: request(request_id),
        asked: None,
        nonce: None,
        at: at(millis),
        ops,
    }
}

/// Returns a change that puts workspace `id` and two members: complete or not there.
pub(crate) fn workspace_change(request_id: &str, id: u64) -> Change {
    let mut seeded = Seeded(id);
    change(
        request_id,
        vec![
            op(2, id, id),
            Op::PutMember(workspace_id(id), member(1, &mut seeded)),
            Op::PutMember(workspace_id(id), member(2, &mut seeded)),
        ],
    )
}

/// Returns the records after those changes, each a revision.
pub(crate) fn records_after<'a>(
    account: &AccountId,
    changes: impl IntoIterator<Item = &'a Change>,
) -> AccountRecords {
    let mut records = AccountRecords::empty(account.clone());
    for change in changes {
        change.ops.iter().for_each(|op| records.apply(op));
        records.revision = records.revision.next();
    }
    records
}

/// Asserts that `log` is all of the account's history and that `records` are what it leads to.
#[track_caller]
pub(crate) fn assert_log_leads_to(log: &[LogEntry], records: &AccountRecords) {
    let counters: Vec<u64> = log.iter().map(|entry| entry.revision.counter).collect();
    assert_eq!(counters, (1..=records.revision.counter).collect::<Vec<_>>());
    let replayed = records_after(&records.account, log.iter().map(|entry| &entry.change));
    assert_eq!(replayed, *records);
}

/// A custom policy with one version, in force.
pub(crate) fn custom_policy(name: &str, document: &str) -> Policy {
    let version = PolicyVersion { id: VersionId(1), document: document.into(), created: at(0) };
    Policy {
        name: PolicyName::parse(name).unwrap(),
        description: String::new(),
        versions: vec![version],
        default: VersionId(1),
        next: VersionId(2),
        created: at(0),
        modified: at(0),
    }
}
