//! One account at one revision, compiled: immutable, cheap to follow with the next change.

use std::sync::Arc;

use imbl::HashMap;

use super::{Engine, attached::Attached, slices::Slices};
use crate::domain::{
    AccountId, AccountRecords, CustomRoleId, Invalid, Members, Op, PrincipalId, PrincipalKind,
    Revision, UserName, WorkspaceId,
};

/// An account's identities, memberships and roles at one revision, ready to judge requests.
///
/// Snapshots share what did not change, so that following one change costs as much as the change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) engine: Arc<Engine>,
    pub(super) account: AccountId,
    revision: Revision,
    pub(super) identities: HashMap<PrincipalId, (PrincipalKind, UserName)>,
    pub(super) attached: Attached,
    workspaces: HashMap<WorkspaceId, Workspace>,
}

/// What a snapshot knows of a workspace.
#[derive(Debug, Clone, Default)]
pub(super) struct Workspace {
    /// Whether the workspace is recorded. Roles and members may be recorded before it and outlive it, as they may
    /// in [`AccountRecords`]: following ops must lead to the snapshot that building from the records leads to.
    recorded: bool,
    pub(super) members: Members,
    pub(super) roles: HashMap<CustomRoleId, Arc<Slices>>,
}

impl Snapshot {
    /// Returns the snapshot of an account of which nothing is recorded.
    #[must_use]
    pub fn empty(engine: Arc<Engine>, account: AccountId) -> Self {
        Self {
            engine,
            account,
            revision: Revision::ORIGIN,
            identities: HashMap::new(),
            attached: Attached::default(),
            workspaces: HashMap::new(),
        }
    }

    /// Returns the snapshot of `records`.
    ///
    /// # Errors
    /// The first role that does not compile; nothing is decided on a part of an account.
    pub fn build(engine: Arc<Engine>, records: &AccountRecords) -> Result<Self, Invalid> {
        let mut snapshot = Self::empty(engine, records.account.clone());
        for op in records.ops_but_members() {
            snapshot.follow(&op)?;
        }
        for (workspace, members) in &records.rosters {
            snapshot.in_workspace(workspace, |w| w.members = members.clone());
        }
        snapshot.revision = records.revision;
        Ok(snapshot)
    }

    /// Returns the snapshot after `ops`, at `revision`; this one stays as it is.
    ///
    /// # Errors
    /// The first role that does not compile; such a change must not be committed.
    pub fn with(&self, ops: &[Op], revision: Revision) -> Result<Self, Invalid> {
        let mut next = self.clone();
        for op in ops {
            next.follow(op)?;
        }
        next.revision = revision;
        Ok(next)
    }

    /// Returns which account this is.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns which revision this is.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the engine it was compiled by.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Returns whether the workspace exists.
    #[must_use]
    pub fn has_workspace(&self, id: &WorkspaceId) -> bool {
        self.workspace(id).is_some()
    }

    /// Returns the members recorded of a workspace, whether it exists or not.
    #[must_use]
    pub fn members(&self, workspace: &WorkspaceId) -> Option<&Members> {
        self.workspaces.get(workspace).map(|workspace| &workspace.members)
    }

    /// Returns the members of each workspace that has any, in no order.
    pub fn rosters(&self) -> impl Iterator<Item = (&WorkspaceId, &Members)> {
        self.workspaces.iter().map(|(id, w)| (id, &w.members)).filter(|(_, m)| !m.is_empty())
    }

    /// Returns a workspace that exists.
    pub(super) fn workspace(&self, id: &WorkspaceId) -> Option<&Workspace> {
        self.workspaces.get(id).filter(|workspace| workspace.recorded)
    }

    fn follow(&mut self, op: &Op) -> Result<(), Invalid> {
        match op {
            Op::PutIdentity(identity) => {
                let known = (identity.principal.kind, identity.name.clone());
                self.identities.insert(identity.principal.id.clone(), known);
            }
            Op::RemoveIdentity(id) => {
                self.identities.remove(id);
            }
            Op::PutWorkspace(workspace) => {
                self.in_workspace(&workspace.id, |w| w.recorded = true);
            }
            Op::RemoveWorkspace(id) => self.in_workspace(id, |w| w.recorded = false),
            Op::PutRole(workspace, role) => {
                let compiled = Arc::new(self.engine.compile(workspace, role)?);
                self.in_workspace(workspace, |w| {
                    w.roles.insert(role.id.clone(), compiled);
                });
            }
            Op::RemoveRole(workspace, id) => self.in_workspace(workspace, |w| {
                w.roles.remove(id);
            }),
            Op::PutMember(workspace, member) => self.in_workspace(workspace, |w| {
                w.members.put(member);
            }),
            Op::RemoveMember(workspace, id) => self.in_workspace(workspace, |w| {
                w.members.remove(id);
            }),
            // Tokens and keys say who may ask, names what may be created: nothing is decided on them.
            Op::PutToken(_)
            | Op::RemoveToken(_)
            | Op::PutAccessKey(_)
            | Op::RemoveAccessKey(_)
            | Op::PutRetiredName(..)
            | Op::RemoveRetiredName(_)
            | Op::PutDefaultWorkspace(_)
            | Op::RemoveDefaultWorkspace
            | Op::PutGroup(_)
            | Op::RemoveGroup(_) => {}
            Op::PutPolicy(_)
            | Op::RemovePolicy(_)
            | Op::PutGroupMember(..)
            | Op::RemoveGroupMember(..)
            | Op::PutAttachment(..)
            | Op::RemoveAttachment(..) => self.attached.follow(&self.engine, op)?,
        }
        Ok(())
    }

    /// Changes what is known of a workspace and forgets it when nothing is left.
    fn in_workspace(&mut self, id: &WorkspaceId, change: impl FnOnce(&mut Workspace)) {
        let workspace = self.workspaces.entry(id.clone()).or_default();
        change(workspace);
        if !workspace.recorded && workspace.members.is_empty() && workspace.roles.is_empty() {
            self.workspaces.remove(id);
        }
    }
}
