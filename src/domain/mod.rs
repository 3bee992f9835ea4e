//! Values every other room speaks in: identifiers, workspaces, roles, requests, decisions, changes.
//!
//! Nothing here does I/O, knows a wire format, or reads a clock. Types cross a border by conversion: the
//! wire types of `http` and the codecs of `store` own their formats and may change apart from these.

mod account;
mod cells;
mod change;
mod clock;
mod config;
mod decision;
mod digits;
mod ids;
mod import;
mod invalid;
mod members;
mod padded;
mod ram;
mod request;
mod revision;
mod role;
mod soon;

pub use account::{
    AccessKey, AccountRecords, EnvMode, Identity, KeyStatus, Member, Principal, PrincipalKind,
    Profile, Scope, Scopes, Token, TokenDigest, Workspace,
};
pub use cells::{Accessibility, Cell, Cells, EntityAccess, PermissionRule, RuleAccessibility};
pub use change::{Change, LogEntry, Op, UsedNonce};
pub use clock::{Clock, Timestamp};
pub use config::{Config, ConfigName};
pub use decision::{
    Decision, Effect, Fault, HeldRoles, Policies, Reason, Remembered, RememberedPolicy, RoleLists,
    Settled,
};
pub use digits::{Digits, DigitsId, IdRef};
pub use ids::{
    AccessKeyId, AccountId, BundleName, ConfigCategory, ConfigKey, CustomRoleId, GroupId,
    GroupName, IdForm, Nonce, PolicyName, PrincipalId, RequestId, ResourceGroupId, ResourceId,
    RoleName, TokenId, UserName, WorkspaceId, WorkspaceName,
};
pub use import::{Import, ImportedWorkspace};
pub use invalid::{Invalid, InvalidKind, shortened};
pub use members::{Members, MembersBuilder, RoleSet, Roll};
pub use padded::Padded;
pub use ram::{Assumable, Group, Holder, Policy, PolicyRef, PolicyType, PolicyVersion, VersionId};
pub use request::{
    ActionId, Asker, ContextValue, KeptRequest, Question, Request, Resource, Scalar,
};
pub use revision::Revision;
pub use role::{
    BuiltinRole, CustomRole, ModulePermission, PermissionGrant, PermissionType, RoleRef,
};
pub use soon::soon;
