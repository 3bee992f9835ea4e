//! Roles: the seven the product defines, and the custom ones a workspace makes.

use std::fmt;

use super::{CustomRoleId, PermissionRule, PrincipalId, RoleName, Timestamp};

/// A role the product defines; its content is policy (`policies/roles`), not data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltinRole {
    /// Owner: whoever created the workspace; never removed.
    Owner,
    /// Administrator, shared with DataWorks.
    Admin,
    /// Algorithm Developer.
    Developer,
    /// Algorithm O&M Engineer.
    Operator,
    /// Labeling Administrator.
    LabelManager,
    /// Visitor, shared with DataWorks.
    Guest,
    /// MaxCompute Developer, the compute role, shared with DataWorks.
    MaxComputeDeveloper,
}

impl BuiltinRole {
    /// All seven, in the order of the published table.
    pub const ALL: [Self; 7] = [
        Self::Owner,
        Self::Admin,
        Self::Developer,
        Self::Operator,
        Self::LabelManager,
        Self::Guest,
        Self::MaxComputeDeveloper,
    ];

    /// Returns the code of the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "PAI.WorkspaceOwner",
            Self::Admin => "PAI.WorkspaceAdmin",
            Self::Developer => "PAI.AlgoDeveloper",
            Self::Operator => "PAI.AlgoOperator",
            Self::LabelManager => "PAI.LabelManager",
            Self::Guest => "PAI.WorkspaceGuest",
            Self::MaxComputeDeveloper => "PAI.MaxComputeDeveloper",
        }
    }

    /// Returns the role of that code; the case counts.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

impl fmt::Display for BuiltinRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A role a member holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleRef {
    /// One of the seven.
    Builtin(BuiltinRole),
    /// A custom role of the same workspace.
    Custom(CustomRoleId),
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(role) => role.fmt(f),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

/// The level of a module in a custom role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionType {
    /// No Permissions.
    NoPrivilege,
    /// Read-only: view own and public assets.
    ReadOnly,
    /// Modify/Execute: also edit and run own assets.
    ReadWrite,
    /// Full Access: everything in the module.
    FullAccess,
    /// Exactly the listed codes under the listed rules.
    CustomPermissions,
}

impl PermissionType {
    /// All five.
    pub const ALL: [Self; 5] = [
        Self::NoPrivilege,
        Self::ReadOnly,
        Self::ReadWrite,
        Self::FullAccess,
        Self::CustomPermissions,
    ];

    /// Returns the spelling of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPrivilege => "NoPrivilege",
            Self::ReadOnly => "ReadOnly",
            Self::ReadWrite => "ReadWrite",
            Self::FullAccess => "FullAccess",
            Self::CustomPermissions => "CustomPermissions",
        }
    }

    /// Returns the value of that spelling; the case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

/// Codes granted under rules, an entry of `Permissions` in the API.
///
/// Codes are as the caller spelled them: whether they exist is the compiler's question, not the value's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionGrant {
    /// Permission codes, for example `PaiDLC:StopJob`.
    pub codes: Vec<String>,
    /// For which assets.
    pub rules: Vec<PermissionRule>,
}

/// What a custom role may do in one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulePermission {
    /// `ModuleName` of the API, for example `DLC` or `PaiWorkspace@@Config`.
    pub module: String,
    /// The level.
    pub permission_type: PermissionType,
    /// The codes of [`PermissionType::CustomPermissions`]; empty for every other level.
    pub permissions: Vec<PermissionGrant>,
}

/// A role a workspace defines for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id, unique in the account.
    pub id: CustomRoleId,
    /// Its name, unique in the workspace.
    pub name: RoleName,
    /// What it grants; a module that is not listed grants nothing.
    pub modules: Vec<ModulePermission>,
    /// Who made it.
    pub creator: PrincipalId,
    /// When it was made.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
}
