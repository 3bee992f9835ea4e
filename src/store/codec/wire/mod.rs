//! The stored form of every record, as JSON; read back field by field into the domain.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use crate::domain::{
    AccessKeyId, Assumable, BuiltinRole, Change, CustomRole, CustomRoleId, EntityAccess, EnvMode,
    GroupId, IdForm, Identity, LogEntry, Member, ModulePermission, Op, PermissionGrant,
    PermissionRule, PermissionType, PolicyName, Principal, PrincipalId, PrincipalKind, Profile,
    RequestId, ResourceGroupId, Revision, RoleName, RoleRef, RuleAccessibility, Timestamp, TokenId,
    UserName, Workspace, WorkspaceId, WorkspaceName,
};

/// Why bytes are not what they should be; for the operator, not for branching.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Undecodable {
    #[error("a value has format {0:?}, which is unknown")]
    ValueFormat(Option<u8>),
    #[error("a value is not what its table holds: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`{0}` is not a valid {1}")]
    Field(String, &'static str),
    #[error("the record under `{0}` belongs elsewhere")]
    Misplaced(String),
}

/// Defines stored structs: all fields required but those that may be nothing, unknown ones refused.
macro_rules! wire {
    ($($name:ident { $($(#[$how:meta])* $field:ident: $type:ty),* $(,)? })*) => { $(
        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::store::codec) struct $name { $($(#[$how])* $field: $type),* }
    )* };
}

mod config;
mod credentials;
mod ram;

use ram::{WireAssumable, WireHolding, WireInGroup};
pub(in crate::store::codec) use ram::{
    WireAttachment, WireGroup, WireGroupMember, WirePolicy, holder,
};

wire! {
    WireIdentity { kind: String, id: String, name: String, display_name: String, comments: String, email: String, mobile_phone: String, created_ms: u64, modified_ms: u64, assumable: Option<WireAssumable> }
    WireWorkspace { id: String, name: String, display_name: String, description: String, env_types: Vec<String>, resource_group: Option<String>, creator: String, created_ms: u64, modified_ms: u64 }
    WireMember { workspace: String, principal: String, roles: Vec<String>, created_ms: u64 }
    WireRole { workspace: String, id: String, name: String, modules: Vec<WireModule>, creator: String, created_ms: u64, modified_ms: u64 }
    WireConfig { name: WireConfigName, value: String, created_ms: u64, modified_ms: u64 }
    WireConfigName { workspace: String, category: String, key: String, labels: BTreeMap<String, String> }
    WireModule { module: String, permission_type: String, permissions: Vec<WireGrant> }
    WireGrant { codes: Vec<String>, rules: Vec<WireRule> }
    WireRule { accessibility: String, entity_access: String }
    WireToken {
        id: String, name: String, digest: String, scopes: Vec<String>, created_ms: u64,
        // Left out where there is none: versions before bundles read such tokens as well.
        #[serde(default, skip_serializing_if = "Option::is_none")] bundle: Option<String>,
    }
    WireAccessKey { id: String, owner: String, sealed_secret: String, active: bool, created_ms: u64 }
    WireRetiredName { name: String, since_ms: u64 }
    WireDefault { workspace: String }
    WireInWorkspace { workspace: String, id: String }
    WireChange { actor: String, action: String, ops: Vec<WireOp> }
    WireEntry { request_id: String, at_ms: u64, before: String, after: String, change: WireChange }
}

/// An op as the change log keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WireOp {
    PutIdentity(WireIdentity),
    RemoveIdentity(String),
    PutWorkspace(WireWorkspace),
    RemoveWorkspace(String),
    PutRole(WireRole),
    RemoveRole(WireInWorkspace),
    PutConfig(WireConfig),
    RemoveConfig(WireConfigName),
    PutMember(WireMember),
    RemoveMember(WireInWorkspace),
    PutToken(WireToken),
    RemoveToken(String),
    PutAccessKey(WireAccessKey),
    RemoveAccessKey(String),
    PutRetiredName(WireRetiredName),
    RemoveRetiredName(String),
    PutDefaultWorkspace(WireDefault),
    RemoveDefaultWorkspace(()),
    PutPolicy(WirePolicy),
    RemovePolicy(String),
    PutGroup(WireGroup),
    RemoveGroup(String),
    PutGroupMember(WireGroupMember),
    RemoveGroupMember(WireInGroup),
    PutAttachment(WireAttachment),
    RemoveAttachment(WireHolding),
}

impl From<&Identity> for WireIdentity {
    fn from(identity: &Identity) -> Self {
        Self {
            kind: identity.principal.kind.as_str().to_owned(),
            id: identity.principal.id.to_string(),
            name: identity.name.to_string(),
            display_name: identity.profile.display_name.clone(),
            comments: identity.profile.comments.clone(),
            email: identity.profile.email.clone(),
            mobile_phone: identity.profile.mobile_phone.clone(),
            assumable: identity.assumable.as_ref().map(WireAssumable::from),
            created_ms: identity.created.as_millis(),
            modified_ms: identity.modified.as_millis(),
        }
    }
}

impl From<&Workspace> for WireWorkspace {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name.to_string(),
            display_name: workspace.display_name.clone(),
            description: workspace.description.clone(),
            env_types: workspace.env.env_types().iter().map(ToString::to_string).collect(),
            resource_group: workspace.resource_group.as_ref().map(ToString::to_string),
            creator: workspace.creator.to_string(),
            created_ms: workspace.created.as_millis(),
            modified_ms: workspace.modified.as_millis(),
        }
    }
}

impl From<(&WorkspaceId, &Member)> for WireMember {
    fn from((workspace, member): (&WorkspaceId, &Member)) -> Self {
        Self {
            workspace: workspace.to_string(),
            principal: member.principal.to_string(),
            roles: member.roles.iter().map(ToString::to_string).collect(),
            created_ms: member.created.as_millis(),
        }
    }
}

impl From<(&WorkspaceId, &CustomRole)> for WireRole {
    fn from((workspace, role): (&WorkspaceId, &CustomRole)) -> Self {
        Self {
            workspace: workspace.to_string(),
            id: role.id.to_string(),
            name: role.name.to_string(),
            modules: role.modules.iter().map(WireModule::from).collect(),
            creator: role.creator.to_string(),
            created_ms: role.created.as_millis(),
            modified_ms: role.modified.as_millis(),
        }
    }
}

impl From<&ModulePermission> for WireModule {
    fn from(module: &ModulePermission) -> Self {
        Self {
            module: module.module.clone(),
            permission_type: module.permission_type.as_str().to_owned(),
            permissions: module.permissions.iter().map(WireGrant::from).collect(),
        }
    }
}

impl From<&PermissionGrant> for WireGrant {
    fn from(grant: &PermissionGrant) -> Self {
        let rule = |rule: &PermissionRule| WireRule {
            accessibility: rule.accessibility.as_str().to_owned(),
            entity_access: rule.entity_access.as_str().to_owned(),
        };
        Self { codes: grant.codes.clone(), rules: grant.rules.iter().map(rule).collect() }
    }
}

impl From<(&WorkspaceName, Timestamp)> for WireRetiredName {
    fn from((name, since): (&WorkspaceName, Timestamp)) -> Self {
        Self { name: name.to_string(), since_ms: since.as_millis() }
    }
}

impl From<&WorkspaceId> for WireDefault {
    fn from(workspace: &WorkspaceId) -> Self {
        Self { workspace: workspace.to_string() }
    }
}

impl From<&Op> for WireOp {
    fn from(op: &Op) -> Self {
        let within = |workspace: &WorkspaceId, id: &str| WireInWorkspace {
            workspace: workspace.to_string(),
            id: id.to_owned(),
        };
        match op {
            Op::PutIdentity(identity) => Self::PutIdentity(identity.into()),
            Op::RemoveIdentity(id) => Self::RemoveIdentity(id.to_string()),
            Op::PutWorkspace(workspace) => Self::PutWorkspace(workspace.into()),
            Op::RemoveWorkspace(id) => Self::RemoveWorkspace(id.to_string()),
            Op::PutRole(workspace, role) => Self::PutRole((workspace, role).into()),
            Op::RemoveRole(workspace, id) => Self::RemoveRole(within(workspace, id.as_str())),
            Op::PutConfig(workspace, config) => Self::PutConfig((workspace, config).into()),
            Op::RemoveConfig(workspace, name) => Self::RemoveConfig((workspace, name).into()),
            Op::PutMember(workspace, member) => Self::PutMember((workspace, member).into()),
            Op::RemoveMember(workspace, id) => Self::RemoveMember(within(workspace, id.as_str())),
            Op::PutToken(token) => Self::PutToken(token.into()),
            Op::RemoveToken(id) => Self::RemoveToken(id.to_string()),
            Op::PutAccessKey(key) => Self::PutAccessKey(key.into()),
            Op::RemoveAccessKey(id) => Self::RemoveAccessKey(id.to_string()),
            Op::PutRetiredName(name, since) => Self::PutRetiredName((name, *since).into()),
            Op::RemoveRetiredName(name) => Self::RemoveRetiredName(name.to_string()),
            Op::PutDefaultWorkspace(id) => Self::PutDefaultWorkspace(id.into()),
            Op::RemoveDefaultWorkspace => Self::RemoveDefaultWorkspace(()),
            Op::PutPolicy(policy) => Self::PutPolicy(policy.into()),
            Op::RemovePolicy(name) => Self::RemovePolicy(name.to_string()),
            Op::PutGroup(group) => Self::PutGroup(group.into()),
            Op::RemoveGroup(id) => Self::RemoveGroup(id.to_string()),
            Op::PutGroupMember(group, member, since) => {
                Self::PutGroupMember((group, member, *since).into())
            }
            Op::RemoveGroupMember(group, member) => Self::RemoveGroupMember((group, member).into()),
            Op::PutAttachment(to, policy, since) => {
                Self::PutAttachment((to, policy, *since).into())
            }
            Op::RemoveAttachment(to, policy) => Self::RemoveAttachment((to, policy).into()),
        }
    }
}

impl From<&Change> for WireChange {
    fn from(change: &Change) -> Self {
        Self {
            actor: change.actor.clone(),
            action: change.action.clone(),
            ops: change.ops.iter().map(WireOp::from).collect(),
        }
    }
}

impl WireEntry {
    pub(super) fn new(change: &Change, before: &[u8; 32], after: &[u8; 32]) -> Self {
        Self {
            request_id: change.request_id.to_string(),
            at_ms: change.at.as_millis(),
            before: BASE64.encode(before),
            after: BASE64.encode(after),
            change: change.into(),
        }
    }

    pub(super) fn into_domain(self, revision: Revision) -> Result<LogEntry, Undecodable> {
        Ok(LogEntry {
            revision,
            before: digest(&self.before)?,
            after: digest(&self.after)?,
            change: Change {
                actor: self.change.actor,
                action: self.change.action,
                request_id: id(&self.request_id, RequestId::parse)?,
                asked: None,
                nonce: None,
                at: Timestamp::from_millis(self.at_ms),
                ops: all(self.change.ops, Op::try_from)?,
            },
        })
    }
}

impl TryFrom<WireOp> for Op {
    type Error = Undecodable;

    fn try_from(op: WireOp) -> Result<Self, Undecodable> {
        Ok(match op {
            WireOp::PutIdentity(wire) => Self::PutIdentity(wire.try_into()?),
            WireOp::RemoveIdentity(text) => Self::RemoveIdentity(id(&text, PrincipalId::parse)?),
            WireOp::PutWorkspace(wire) => Self::PutWorkspace(wire.try_into()?),
            WireOp::RemoveWorkspace(text) => Self::RemoveWorkspace(id(&text, WorkspaceId::parse)?),
            WireOp::PutRole(wire) => {
                Self::PutRole(id(&wire.workspace, WorkspaceId::parse)?, wire.try_into()?)
            }
            WireOp::RemoveRole(wire) => Self::RemoveRole(
                id(&wire.workspace, WorkspaceId::parse)?,
                id(&wire.id, CustomRoleId::parse)?,
            ),
            WireOp::PutConfig(wire) => {
                let (workspace, config) = wire.try_into()?;
                Self::PutConfig(workspace, config)
            }
            WireOp::RemoveConfig(wire) => {
                let (workspace, name) = wire.try_into()?;
                Self::RemoveConfig(workspace, name)
            }
            WireOp::PutMember(wire) => {
                Self::PutMember(id(&wire.workspace, WorkspaceId::parse)?, wire.try_into()?)
            }
            WireOp::RemoveMember(wire) => Self::RemoveMember(
                id(&wire.workspace, WorkspaceId::parse)?,
                id(&wire.id, PrincipalId::parse)?,
            ),
            WireOp::PutToken(wire) => Self::PutToken(wire.try_into()?),
            WireOp::RemoveToken(text) => Self::RemoveToken(id(&text, TokenId::parse)?),
            WireOp::PutAccessKey(wire) => Self::PutAccessKey(wire.try_into()?),
            WireOp::RemoveAccessKey(text) => Self::RemoveAccessKey(id(&text, AccessKeyId::parse)?),
            WireOp::PutRetiredName(wire) => Self::PutRetiredName(
                id(&wire.name, WorkspaceName::parse)?,
                Timestamp::from_millis(wire.since_ms),
            ),
            WireOp::RemoveRetiredName(text) => {
                Self::RemoveRetiredName(id(&text, WorkspaceName::parse)?)
            }
            WireOp::PutDefaultWorkspace(wire) => {
                Self::PutDefaultWorkspace(id(&wire.workspace, WorkspaceId::parse)?)
            }
            WireOp::RemoveDefaultWorkspace(()) => Self::RemoveDefaultWorkspace,
            WireOp::PutPolicy(wire) => Self::PutPolicy(wire.try_into()?),
            WireOp::RemovePolicy(text) => Self::RemovePolicy(id(&text, PolicyName::parse)?),
            WireOp::PutGroup(wire) => Self::PutGroup(wire.try_into()?),
            WireOp::RemoveGroup(text) => Self::RemoveGroup(id(&text, GroupId::parse)?),
            WireOp::PutGroupMember(wire) => {
                let (group, member, since) = wire.try_into()?;
                Self::PutGroupMember(group, member, since)
            }
            WireOp::RemoveGroupMember(wire) => {
                let (group, member) = wire.try_into()?;
                Self::RemoveGroupMember(group, member)
            }
            WireOp::PutAttachment(wire) => {
                let (to, policy, since) = wire.try_into()?;
                Self::PutAttachment(to, policy, since)
            }
            WireOp::RemoveAttachment(wire) => {
                let (to, policy) = wire.try_into()?;
                Self::RemoveAttachment(to, policy)
            }
        })
    }
}

impl TryFrom<WireIdentity> for Identity {
    type Error = Undecodable;

    fn try_from(wire: WireIdentity) -> Result<Self, Undecodable> {
        Ok(Self {
            principal: Principal {
                kind: named(&wire.kind, "principal kind", PrincipalKind::parse)?,
                id: id(&wire.id, PrincipalId::parse)?,
            },
            name: id(&wire.name, UserName::parse)?,
            profile: Profile {
                display_name: wire.display_name,
                comments: wire.comments,
                email: wire.email,
                mobile_phone: wire.mobile_phone,
            },
            assumable: wire.assumable.map(Assumable::from),
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        })
    }
}

impl TryFrom<WireWorkspace> for Workspace {
    type Error = Undecodable;

    fn try_from(wire: WireWorkspace) -> Result<Self, Undecodable> {
        Ok(Self {
            id: id(&wire.id, WorkspaceId::parse)?,
            name: id(&wire.name, WorkspaceName::parse)?,
            display_name: wire.display_name,
            description: wire.description,
            env: EnvMode::parse(&wire.env_types)
                .ok_or_else(|| Undecodable::Field(wire.env_types.join(","), "environment"))?,
            resource_group: wire
                .resource_group
                .map(|text| id(&text, ResourceGroupId::parse))
                .transpose()?,
            creator: id(&wire.creator, PrincipalId::parse)?,
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        })
    }
}

impl TryFrom<WireMember> for Member {
    type Error = Undecodable;

    fn try_from(wire: WireMember) -> Result<Self, Undecodable> {
        Ok(Self {
            principal: id(&wire.principal, PrincipalId::parse)?,
            roles: all(wire.roles, |text| named(&text, "role", role_ref))?,
            created: Timestamp::from_millis(wire.created_ms),
        })
    }
}

impl TryFrom<WireRole> for CustomRole {
    type Error = Undecodable;

    fn try_from(wire: WireRole) -> Result<Self, Undecodable> {
        Ok(Self {
            id: id(&wire.id, CustomRoleId::parse)?,
            name: id(&wire.name, RoleName::parse)?,
            modules: all(wire.modules, ModulePermission::try_from)?,
            creator: id(&wire.creator, PrincipalId::parse)?,
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        })
    }
}

impl TryFrom<WireModule> for ModulePermission {
    type Error = Undecodable;

    fn try_from(wire: WireModule) -> Result<Self, Undecodable> {
        Ok(Self {
            module: wire.module,
            permission_type: named(
                &wire.permission_type,
                "permission type",
                PermissionType::parse,
            )?,
            permissions: all(wire.permissions, PermissionGrant::try_from)?,
        })
    }
}

impl TryFrom<WireGrant> for PermissionGrant {
    type Error = Undecodable;

    fn try_from(wire: WireGrant) -> Result<Self, Undecodable> {
        let rule = |rule: WireRule| {
            Ok(PermissionRule {
                accessibility: named(
                    &rule.accessibility,
                    "accessibility",
                    RuleAccessibility::parse,
                )?,
                entity_access: named(&rule.entity_access, "entity access", EntityAccess::parse)?,
            })
        };
        Ok(Self { codes: wire.codes, rules: all(wire.rules, rule)? })
    }
}

/// A built-in role by its code, else a custom one by its id: codes have a `.`, ids have none.
fn role_ref(text: &str) -> Option<RoleRef> {
    BuiltinRole::parse(text)
        .map(RoleRef::Builtin)
        .or_else(|| CustomRoleId::parse(text).ok().map(RoleRef::Custom))
}

fn id<T>(text: &str, parse: fn(&str) -> Result<T, IdForm>) -> Result<T, Undecodable> {
    parse(text).map_err(|form| {
        let what = form.expected.strip_prefix("a ").unwrap_or(form.expected);
        Undecodable::Field(text.to_owned(), what)
    })
}

fn named<T>(
    text: &str,
    what: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, Undecodable> {
    parse(text).ok_or_else(|| Undecodable::Field(text.to_owned(), what))
}

fn all<T, U>(
    items: Vec<T>,
    convert: impl Fn(T) -> Result<U, Undecodable>,
) -> Result<Vec<U>, Undecodable> {
    items.into_iter().map(convert).collect()
}

fn digest(text: &str) -> Result<[u8; 32], Undecodable> {
    BASE64
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Undecodable::Field("…".to_owned(), "digest"))
}
