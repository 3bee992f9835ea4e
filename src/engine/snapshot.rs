//! One account at one revision, compiled: immutable, cheap to follow with the next change.

use std::sync::Arc;

use foldhash::fast::RandomState;
use imbl::{GenericHashMap, HashMap, shared_ptr::DefaultSharedPtr};

use super::{
    Engine,
    attached::Attached,
    index::Index,
    roles::{Content, Sets, Tables},
    switches::Off,
};
use crate::domain::{
    AccountId, AccountRecords, ConfigName, CustomRoleId, Digits, Invalid, Members, Op, PrincipalId,
    PrincipalKind, Revision, RoleSet, Roll, UserName, WorkspaceId,
};

/// A map that is looked into for decisions. Its keys were recorded, and are never what a request states.
pub(super) type ByRecorded<K, V> = GenericHashMap<K, V, RandomState, DefaultSharedPtr>;
/// The same by ids.
pub(super) type ById<V> = ByRecorded<Digits, V>;

/// An account's identities, memberships and roles at one revision, ready to judge requests.
///
/// Snapshots share what did not change, so that following one change costs as much as the change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) engine: Arc<Engine>,
    pub(super) account: AccountId,
    pub(super) account_digits: Digits,
    revision: Revision,
    pub(super) people: Index<Person, 128>,
    /// Who is not a user without documents, of those who are, or were, known or members, but for the account itself. All other
    /// members are, and are not looked for among the people: that would be one more place far away.
    pub(super) exceptions: Index<(), 128>,
    /// The names of the same people, for ARNs: apart, for decisions by roles need none.
    pub(super) names: ById<(PrincipalKind, UserName)>,
    pub(super) attached: Attached,
    /// Those that are recorded.
    workspaces: Index<Door, 16>,
    /// Those of which roles or members are recorded, and they themselves are not: following ops must lead to the snapshot
    /// that building from the records leads to.
    unrecorded: ById<Arc<Workspace>>,
}

/// What a snapshot knows of a user or RAM role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) kind: PrincipalKind,
    /// Whether RAM documents may be attached to it, or to a group it is in.
    pub(super) has_documents: bool,
}

impl Person {
    /// Returns whether it is a user, of whom roles alone decide.
    const fn is_plain(self) -> bool {
        matches!(self, Self { kind: PrincipalKind::User, has_documents: false })
    }
}

/// Exceptions that may be kept though they are of nobody any more.
const UNKNOWN: usize = 1_000;

/// A workspace, and beside it what nearly every decision in it looks at next.
#[derive(Debug, Clone)]
pub(super) struct Door {
    /// The members, unless they are many or a switch is off: then one looks at the workspace itself. So what nearly all decisions look
    /// at is no larger for switches.
    roll: Option<Roll>,
    /// The answers to users with custom roles, by the place of their set.
    pub(super) tables: Tables,
    pub(super) workspace: Arc<Workspace>,
}

impl Door {
    /// Returns the switches that are off.
    #[inline]
    pub(super) fn off(&self) -> Off {
        match &self.roll {
            Some(_) => Off::default(),
            None => self.workspace.off,
        }
    }

    /// Returns which roles a member holds; `None` for somebody who is none.
    #[inline]
    pub(super) fn role_set(&self, principal: Digits) -> Option<RoleSet> {
        match &self.roll {
            Some(roll) => roll.role_set(principal),
            None => self.workspace.members.role_set(principal),
        }
    }
}

/// What a snapshot knows of a workspace.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub(super) members: Members,
    /// The sets of roles of members with custom roles.
    pub(super) sets: Sets,
    pub(super) id: WorkspaceId,
    /// The switches that are off.
    pub(super) off: Off,
    pub(super) roles: HashMap<CustomRoleId, Arc<Content>>,
}

impl Snapshot {
    /// Returns the snapshot of an account of which nothing is recorded.
    #[must_use]
    pub fn empty(engine: Arc<Engine>, account: AccountId) -> Self {
        let account_digits = account.digits();
        Self {
            engine,
            account,
            account_digits,
            revision: Revision::ORIGIN,
            people: Index::default(),
            exceptions: Index::default(),
            names: ById::default(),
            attached: Attached::default(),
            workspaces: Index::default(),
            unrecorded: ById::default(),
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
            for member in members.digits() {
                snapshot.note_member(member);
            }
            snapshot.in_workspace(workspace, |w| w.members = members.clone());
            snapshot.bind(workspace, None)?;
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
        self.workspace(id.digits()).is_some()
    }

    /// Returns the members recorded of a workspace, whether it exists or not.
    #[must_use]
    pub fn members(&self, workspace: &WorkspaceId) -> Option<&Members> {
        self.known(workspace.digits()).map(|workspace| &workspace.members)
    }

    /// Returns the members of each workspace that has any, in no order.
    pub fn rosters(&self) -> impl Iterator<Item = (&WorkspaceId, &Members)> {
        let recorded = self.workspaces.values().map(|door| &door.workspace);
        let all = recorded.chain(self.unrecorded.values());
        all.map(|w| (&w.id, &w.members)).filter(|(_, members)| !members.is_empty())
    }

    /// Returns a workspace that exists.
    #[inline]
    pub(super) fn door(&self, id: Digits) -> Option<&Door> {
        self.workspaces.get(id)
    }

    /// Returns the workspaces that exist, in no order.
    pub(super) fn all_workspaces(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.values().map(|door| &*door.workspace)
    }

    /// Returns a workspace that exists.
    pub(super) fn workspace(&self, id: Digits) -> Option<&Workspace> {
        self.door(id).map(|door| &*door.workspace)
    }

    /// Returns what is known of a workspace, whether it exists or not.
    fn known(&self, id: Digits) -> Option<&Arc<Workspace>> {
        self.door(id).map(|door| &door.workspace).or_else(|| self.unrecorded.get(&id))
    }

    fn follow(&mut self, op: &Op) -> Result<(), Invalid> {
        match op {
            Op::PutIdentity(identity) => {
                let (digits, kind) = (identity.principal.id.digits(), identity.principal.kind);
                self.names.insert(digits, (kind, identity.name.clone()));
                self.note_person(kind, digits);
            }
            Op::RemoveIdentity(id) => {
                self.names.remove(&id.digits());
                self.people.remove(id.digits());
                self.exceptions.put(id.digits(), ());
                self.forget_exceptions();
            }
            Op::PutWorkspace(workspace) => {
                self.keep(&workspace.id, true, |_| ());
            }
            Op::RemoveWorkspace(id) => self.keep(id, false, |_| ()),
            Op::PutRole(workspace, role) => {
                let content = self.engine.compile(role)?;
                self.in_workspace(workspace, |w| {
                    w.roles.insert(role.id.clone(), content);
                });
                self.bind(workspace, Some(&role.id))?;
            }
            Op::RemoveRole(workspace, id) => {
                self.in_workspace(workspace, |w| {
                    w.roles.remove(id);
                });
                self.bind(workspace, Some(id))?;
            }
            Op::PutConfig(workspace, config) => {
                self.switch(workspace, &config.name, Some(&config.value));
            }
            Op::RemoveConfig(workspace, name) => self.switch(workspace, name, None),
            Op::PutMember(workspace, member) => {
                self.note_member(member.principal.digits());
                self.in_workspace(workspace, |w| w.members.put(member));
                self.bind(workspace, None)?;
            }
            Op::RemoveMember(workspace, id) => {
                self.in_workspace(workspace, |w| {
                    w.members.remove(id);
                });
                self.bind(workspace, None)?;
            }
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
            | Op::RemoveAttachment(..) => {
                if let Some(holder) = self.attached.follow(&self.engine, op)? {
                    self.note_documents(holder);
                }
            }
        }
        Ok(())
    }

    /// Notes the value of a config, or that it has none any more.
    fn switch(&mut self, workspace: &WorkspaceId, name: &ConfigName, value: Option<&str>) {
        let before = self.known(workspace.digits()).map(|known| known.off).unwrap_or_default();
        let off = self.engine.switches.after(before, name, value);
        if off != before {
            self.in_workspace(workspace, |w| w.off = off);
        }
    }

    /// Notes what is known of somebody: who it is, and whether there are documents.
    fn note_person(&mut self, kind: PrincipalKind, digits: Digits) {
        let person = Person { kind, has_documents: self.attached.may_have(digits) };
        self.people.put(digits, person);
        if person.is_plain() {
            self.exceptions.remove(digits);
        } else {
            self.exceptions.put(digits, ());
        }
    }

    /// Notes whether somebody has documents, where that is somebody known.
    fn note_documents(&mut self, principal: &PrincipalId) {
        let digits = principal.digits();
        if let Some(known) = self.people.get(digits) {
            self.note_person(known.kind, digits);
        }
    }

    /// Notes that somebody is a member, known or not.
    fn note_member(&mut self, digits: Digits) {
        // The owner of workspaces is the account, which is never taken for a user.
        if digits != self.account_digits && !self.people.get(digits).is_some_and(|it| it.is_plain())
        {
            self.exceptions.put(digits, ());
        }
    }

    /// Forgets those who are neither known nor members any more, when they may be many.
    fn forget_exceptions(&mut self) {
        if self.exceptions.len() <= 2 * self.people.len() + UNKNOWN {
            return;
        }
        self.exceptions = Index::default();
        let people: Vec<(Digits, PrincipalKind)> =
            self.names.iter().map(|(digits, (kind, _))| (*digits, *kind)).collect();
        for (digits, kind) in people {
            self.note_person(kind, digits);
        }
        let members: Vec<Digits> =
            self.rosters().flat_map(|(_, members)| members.digits()).collect();
        for digits in members {
            self.note_member(digits);
        }
    }

    /// Sees to it that every set of roles held in a workspace has its answers, after its members changed, or the role
    /// `changed`.
    fn bind(&mut self, id: &WorkspaceId, changed: Option<&CustomRoleId>) -> Result<(), Invalid> {
        let Some(workspace) = self.known(id.digits()) else { return Ok(()) };
        let sets = workspace.members.custom_sets();
        if changed.is_none() && workspace.sets.are_of(sets) {
            return Ok(());
        }
        let content = |role: &CustomRoleId| workspace.roles.get(role).cloned();
        let bound = self.engine.roles.bind(sets, content, &workspace.sets, changed);
        let bound = bound.map_err(|detail| {
            let help = format!("let members hold fewer custom roles: {detail}");
            Invalid::value("Roles", id.as_str(), "roles that can be told apart", help)
        })?;
        self.in_workspace(id, |w| w.sets = bound);
        Ok(())
    }

    /// Changes what is known of a workspace.
    fn in_workspace(&mut self, id: &WorkspaceId, change: impl FnOnce(&mut Workspace)) {
        self.keep(id, self.door(id.digits()).is_some(), change);
    }

    /// Changes what is known of a workspace that is recorded from now on, or is not, and forgets it when nothing is left.
    fn keep(&mut self, id: &WorkspaceId, recorded: bool, change: impl FnOnce(&mut Workspace)) {
        let digits = id.digits();
        let known = self.known(digits).cloned();
        let mut workspace = known.unwrap_or_else(|| Arc::new(Workspace::new(id.clone())));
        change(Arc::make_mut(&mut workspace));
        if recorded {
            self.unrecorded.remove(&digits);
            let Workspace { members, sets, off, .. } = &*workspace;
            let roll = members.roll().filter(|_| off.is_none());
            let tables = sets.of_users.clone();
            self.workspaces.put(digits, Door { roll, tables, workspace });
            return;
        }
        self.workspaces.remove(digits);
        let is_empty =
            workspace.members.is_empty() && workspace.roles.is_empty() && workspace.off.is_none();
        if is_empty {
            self.unrecorded.remove(&digits);
        } else {
            self.unrecorded.insert(digits, workspace);
        }
    }
}

impl Workspace {
    fn new(id: WorkspaceId) -> Self {
        let (members, sets, off) = (Members::default(), Sets::default(), Off::default());
        Self { members, sets, id, off, roles: HashMap::new() }
    }
}
