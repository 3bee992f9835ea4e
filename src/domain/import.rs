//! A description of workspaces to create, as `pai-authz import` and the demonstration give it.

use super::{CustomRole, Identity, Member, Workspace};

/// Identities and workspaces to add to an account in one change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// RAM users and roles to make known.
    pub identities: Vec<Identity>,
    /// Workspaces to create.
    pub workspaces: Vec<ImportedWorkspace>,
}

/// A workspace with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// Its custom roles.
    pub roles: Vec<CustomRole>,
    /// Its members.
    pub members: Vec<Member>,
}
