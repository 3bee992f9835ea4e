//! What is known of an account at one revision: immutable, and cheap to follow with the next change.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use imbl::{HashMap as SharedMap, OrdMap, OrdSet};

use super::{
    grants::Grants,
    roster::{Roles, Roster},
};
use crate::{
    domain::{
        AccessKey, AccessKeyId, AccountId, AccountRecords, Config, ConfigName, CustomRoleId, IdRef,
        Identity, Op, Principal, PrincipalId, PrincipalKind, Revision, Timestamp, Token, TokenId,
        UserName, Workspace, WorkspaceId, WorkspaceName,
    },
    engine::{Engine, Snapshot},
    error::{Error, ErrorCode},
};

/// What is known of an account at one revision: what decides, who may ask, and what new records must respect.
#[derive(Debug, Clone)]
pub struct View {
    /// What decides.
    pub snapshot: Snapshot,
    /// Policies, groups and what is attached to whom.
    pub grants: Grants,
    tokens: SharedMap<TokenId, Arc<Token>>,
    identities: SharedMap<PrincipalId, Arc<Identity>>,
    names: OrdMap<(PrincipalKind, UserName), PrincipalId>,
    /// How many roles can be assumed.
    assumable: usize,
    access_keys: SharedMap<AccessKeyId, Arc<AccessKey>>,
    keys_of: SharedMap<PrincipalId, OrdSet<AccessKeyId>>,
    workspaces: OrdMap<WorkspaceId, Arc<Workspace>>,
    workspace_names: SharedMap<WorkspaceName, WorkspaceId>,
    retired_names: OrdMap<WorkspaceName, Timestamp>,
    default_workspace: Option<WorkspaceId>,
    unreadable: Arc<BTreeSet<WorkspaceId>>,
    configs: SharedMap<WorkspaceId, OrdMap<ConfigName, Arc<Config>>>,
    /// How many bytes all configs are.
    config_bytes: usize,
    roles: SharedMap<WorkspaceId, Roles>,
    role_places: SharedMap<CustomRoleId, WorkspaceId>,
    /// The opaque form of the revision, once somebody was told it.
    revision_text: OnceLock<String>,
}

impl View {
    /// Returns the view of an account of which nothing is recorded.
    #[must_use]
    pub fn empty(engine: Arc<Engine>, account: AccountId) -> Self {
        Self::of(Snapshot::empty(engine, account))
    }

    fn of(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            grants: Grants::default(),
            tokens: SharedMap::new(),
            identities: SharedMap::new(),
            names: OrdMap::new(),
            assumable: 0,
            access_keys: SharedMap::new(),
            keys_of: SharedMap::new(),
            workspaces: OrdMap::new(),
            workspace_names: SharedMap::new(),
            retired_names: OrdMap::new(),
            default_workspace: None,
            unreadable: Arc::default(),
            configs: SharedMap::new(),
            config_bytes: 0,
            roles: SharedMap::new(),
            role_places: SharedMap::new(),
            revision_text: OnceLock::new(),
        }
    }

    /// Returns the view of `records`.
    ///
    /// # Errors
    /// [`crate::error::ErrorCode::Internal`] when a role in them does not compile.
    pub fn build(engine: &Arc<Engine>, records: &AccountRecords) -> Result<Self, Error> {
        let snapshot = Snapshot::build(engine.clone(), records).map_err(|invalid| {
            Error::internal(&format!(
                "account {} has a role that does not compile: {invalid}",
                records.account
            ))
        })?;
        let mut view = Self::of(snapshot);
        view.unreadable = Arc::new(records.unreadable.clone());
        for op in records.ops_but_members() {
            view.follow(&op);
        }
        Ok(view)
    }

    /// Returns the view after `ops`, at `revision`; this one stays as it is.
    ///
    /// # Errors
    /// A role that does not compile; such a change must not be committed.
    pub fn with(&self, ops: &[Op], revision: Revision) -> Result<Self, Error> {
        let snapshot = self.snapshot.with(ops, revision)?;
        let mut next = Self { snapshot, revision_text: OnceLock::new(), ..self.clone() };
        for op in ops {
            next.follow(op);
        }
        Ok(next)
    }

    fn follow(&mut self, op: &Op) {
        match op {
            Op::PutToken(token) => {
                self.tokens.insert(token.id.clone(), Arc::new(token.clone()));
            }
            Op::RemoveToken(id) => {
                self.tokens.remove(id);
            }
            Op::PutIdentity(identity) => {
                self.forget_identity(&identity.principal.id);
                let Principal { kind, id } = &identity.principal;
                self.names.insert((*kind, identity.name.clone()), id.clone());
                self.assumable += usize::from(identity.assumable.is_some());
                self.identities.insert(id.clone(), Arc::new(identity.clone()));
            }
            Op::RemoveIdentity(id) => self.forget_identity(id),
            Op::PutAccessKey(key) => {
                self.forget_access_key(&key.id);
                self.keys_of.entry(key.owner.clone()).or_default().insert(key.id.clone());
                self.access_keys.insert(key.id.clone(), Arc::new(key.clone()));
            }
            Op::RemoveAccessKey(id) => self.forget_access_key(id),
            Op::PutWorkspace(workspace) => {
                self.forget_workspace(&workspace.id);
                self.workspace_names.insert(workspace.name.clone(), workspace.id.clone());
                self.workspaces.insert(workspace.id.clone(), Arc::new(workspace.clone()));
            }
            Op::RemoveWorkspace(id) => self.forget_workspace(id),
            Op::PutRetiredName(name, since) => {
                self.retired_names.insert(name.clone(), *since);
            }
            Op::RemoveRetiredName(name) => {
                self.retired_names.remove(name);
            }
            Op::PutDefaultWorkspace(id) => self.default_workspace = Some(id.clone()),
            Op::RemoveDefaultWorkspace => self.default_workspace = None,
            Op::PutRole(workspace, role) => {
                self.role_places.insert(role.id.clone(), workspace.clone());
                self.roles.entry(workspace.clone()).or_default().put(role);
            }
            Op::RemoveRole(workspace, id) => {
                if self.role_places.get(id) == Some(workspace) {
                    self.role_places.remove(id);
                }
                if let Some(roles) = self.roles.get_mut(workspace) {
                    roles.remove(id);
                    if roles.is_empty() {
                        self.roles.remove(workspace);
                    }
                }
            }
            Op::PutConfig(workspace, config) => {
                self.forget_config(workspace, &config.name);
                self.config_bytes += config.size();
                let configs = self.configs.entry(workspace.clone()).or_default();
                configs.insert(config.name.clone(), Arc::new(config.clone()));
            }
            Op::RemoveConfig(workspace, name) => self.forget_config(workspace, name),
            // Members are in the snapshot.
            Op::PutMember(..) | Op::RemoveMember(..) => {}
            Op::PutPolicy(_)
            | Op::RemovePolicy(_)
            | Op::PutGroup(_)
            | Op::RemoveGroup(_)
            | Op::PutGroupMember(..)
            | Op::RemoveGroupMember(..)
            | Op::PutAttachment(..)
            | Op::RemoveAttachment(..) => self.grants.follow(op),
        }
    }

    fn forget_identity(&mut self, id: &PrincipalId) {
        if let Some(before) = self.identities.remove(id) {
            self.assumable = self.assumable.saturating_sub(usize::from(before.assumable.is_some()));
            let name = (before.principal.kind, before.name.clone());
            // Another one may have taken the name in the same change.
            if self.names.get(&name) == Some(id) {
                self.names.remove(&name);
            }
        }
    }

    fn forget_access_key(&mut self, id: &AccessKeyId) {
        if let Some(before) = self.access_keys.remove(id) {
            remove_from(&mut self.keys_of, &before.owner, id);
        }
    }

    fn forget_workspace(&mut self, id: &WorkspaceId) {
        if let Some(before) = self.workspaces.remove(id)
            && self.workspace_names.get(&before.name) == Some(id)
        {
            self.workspace_names.remove(&before.name);
        }
    }

    fn forget_config(&mut self, workspace: &WorkspaceId, name: &ConfigName) {
        let Some(configs) = self.configs.get_mut(workspace) else { return };
        if let Some(before) = configs.remove(name) {
            self.config_bytes = self.config_bytes.saturating_sub(before.size());
        }
        if configs.is_empty() {
            self.configs.remove(workspace);
        }
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        self.snapshot.account()
    }

    /// Returns the revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.snapshot.revision()
    }

    /// Returns the opaque form of the revision, which `make` makes when it is first asked for.
    pub(super) fn revision_text(&self, make: impl FnOnce() -> String) -> &str {
        self.revision_text.get_or_init(make)
    }

    /// Returns a token.
    #[must_use]
    pub fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.get(id).map(|token| &**token)
    }

    /// Returns how many tokens there are.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the tokens, sorted by id.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> =
            self.tokens.values().map(|token| Token::clone(token)).collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        tokens
    }

    /// Returns a known RAM user or role.
    #[must_use]
    pub fn identity(&self, id: &PrincipalId) -> Option<&Identity> {
        self.identities.get(id).map(|identity| &**identity)
    }

    /// Returns the kind of a known principal, the main account among them.
    #[must_use]
    pub fn kind_of(&self, id: &PrincipalId) -> Option<PrincipalKind> {
        if id.as_str() == self.account().as_str() {
            return Some(PrincipalKind::Account);
        }
        self.identity(id).map(|identity| identity.principal.kind)
    }

    /// Returns the RAM user of a name.
    #[must_use]
    pub fn user(&self, name: &UserName) -> Option<&Identity> {
        self.named(PrincipalKind::User, name)
    }

    /// Returns the RAM user or role of a name.
    #[must_use]
    pub fn named(&self, kind: PrincipalKind, name: &UserName) -> Option<&Identity> {
        self.identity(self.names.get(&(kind, name.clone()))?)
    }

    /// Returns the RAM users or roles by name, from the first after `after` on.
    pub fn named_after(
        &self,
        kind: PrincipalKind,
        after: Option<&UserName>,
    ) -> impl Iterator<Item = &Identity> + use<'_> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let first = match after {
            Some(name) => Excluded((kind, name.clone())),
            None => Included((kind, UserName::least())),
        };
        self.names
            .range((first, Unbounded))
            .take_while(move |((of, _), _)| *of == kind)
            .filter_map(|(_, id)| self.identity(id))
    }

    /// Returns how many RAM users and roles are known.
    #[must_use]
    pub fn identity_count(&self) -> usize {
        self.identities.len()
    }

    /// Returns how many RAM roles there are that can be assumed; those only made known are not among them.
    #[must_use]
    pub const fn assumable_count(&self) -> usize {
        self.assumable
    }

    /// Returns an access key.
    #[must_use]
    pub fn access_key(&self, id: &AccessKeyId) -> Option<&AccessKey> {
        self.access_keys.get(id).map(|key| &**key)
    }

    /// Returns the access keys of a principal, sorted by id.
    pub fn access_keys_of<'v>(
        &'v self,
        owner: &PrincipalId,
    ) -> impl Iterator<Item = &'v AccessKey> {
        self.keys_of.get(owner).into_iter().flatten().filter_map(|id| self.access_key(id))
    }

    /// Returns a workspace.
    #[must_use]
    pub fn workspace(&self, id: &WorkspaceId) -> Option<&Workspace> {
        self.workspaces.get(id).map(|workspace| &**workspace)
    }

    /// Returns the workspaces, sorted by id.
    pub fn workspaces(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.values().map(|workspace| &**workspace)
    }

    /// Returns the workspace of a name.
    #[must_use]
    pub fn workspace_named(&self, name: &WorkspaceName) -> Option<&Workspace> {
        self.workspace(self.workspace_names.get(name)?)
    }

    /// Returns the workspaces by id, from the first after `after` on.
    pub fn workspaces_after(
        &self,
        after: Option<&WorkspaceId>,
    ) -> impl Iterator<Item = &Workspace> + use<'_> {
        use std::ops::Bound::{Excluded, Unbounded};
        let first = after.map_or(Unbounded, |id| Excluded(id.clone()));
        self.workspaces.range((first, Unbounded)).map(|(_, workspace)| &**workspace)
    }

    /// Returns the names of deleted workspaces that are kept, and since when.
    pub fn retired_names(&self) -> impl Iterator<Item = (&WorkspaceName, Timestamp)> {
        self.retired_names.iter().map(|(name, since)| (name, *since))
    }

    /// Returns since when the name of a deleted workspace is kept.
    #[must_use]
    pub fn retired_since(&self, name: &WorkspaceName) -> Option<Timestamp> {
        self.retired_names.get(name).copied()
    }

    /// Returns the default workspace.
    #[must_use]
    pub fn default_workspace(&self) -> Option<&Workspace> {
        self.workspace(self.default_workspace.as_ref()?)
    }

    /// Returns the members and custom roles of a workspace; empty ones where it has none.
    #[must_use]
    pub fn roster(&self, workspace: &WorkspaceId) -> Roster<'_> {
        Roster::of(self.snapshot.members(workspace), self.roles.get(workspace))
    }

    /// Returns a config of a workspace.
    #[must_use]
    pub fn config(&self, workspace: &WorkspaceId, name: &ConfigName) -> Option<&Config> {
        self.configs.get(workspace)?.get(name).map(|config| &**config)
    }

    /// Returns the configs of a workspace, sorted by what they are known by.
    pub fn configs<'v>(&'v self, workspace: &WorkspaceId) -> impl Iterator<Item = &'v Config> {
        let configs = self.configs.get(workspace).into_iter();
        configs.flat_map(|configs| configs.values()).map(|config| &**config)
    }

    /// Returns which workspace a custom role is of.
    #[must_use]
    pub fn place_of_role(&self, id: &CustomRoleId) -> Option<&WorkspaceId> {
        self.role_places.get(id)
    }

    /// Returns the workspaces a principal is a member of, in no order. Looks at every workspace.
    pub fn memberships_of<'v>(
        &'v self,
        principal: &'v PrincipalId,
    ) -> impl Iterator<Item = &'v WorkspaceId> {
        let (rosters, digits) = (self.snapshot.rosters(), principal.digits());
        rosters.filter(move |(_, members)| members.contains(digits)).map(|(workspace, _)| workspace)
    }

    /// Returns the workspaces of which something in the store could not be read.
    #[must_use]
    pub fn unreadable(&self) -> &BTreeSet<WorkspaceId> {
        &self.unreadable
    }

    /// Returns whether everything in the store could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Refuses to go on about a workspace of which something could not be read.
    ///
    /// # Errors
    /// [`ErrorCode::Quarantined`].
    pub fn check_readable(&self, workspace: Option<IdRef<'_, WorkspaceId>>) -> Result<(), Error> {
        match workspace.and_then(|id| self.unreadable.get(id.as_str())) {
            None => Ok(()),
            Some(id) => Err(Self::quarantined(id)),
        }
    }

    /// Refuses to go on about all workspaces where one of them could not be read.
    ///
    /// # Errors
    /// [`ErrorCode::Quarantined`].
    pub fn check_whole(&self) -> Result<(), Error> {
        self.unreadable.first().map_or(Ok(()), |id| Err(Self::quarantined(id)))
    }

    fn quarantined(workspace: &WorkspaceId) -> Error {
        Error::new(
            ErrorCode::Quarantined,
            format!("what the store holds of workspace `{workspace}` cannot be trusted"),
            "nothing is decided on it until an operator has looked: the log of the service says what was found",
        )
    }

    /// Returns how many bytes this takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        // As the bench `scale` measured them.
        const OF_ALL: usize = 10_000;
        const IDENTITY: usize = 1_000;
        const WORKSPACE: usize = 1_500;
        const MEMBER: usize = 32;
        const CONFIG: usize = 500;
        let configs: usize = self.configs.values().map(OrdMap::len).sum();
        let members: usize = self.snapshot.rosters().map(|(_, members)| members.len()).sum();
        OF_ALL
            + IDENTITY * (self.identities.len() + self.access_keys.len() + self.tokens.len())
            + WORKSPACE * self.workspaces.len()
            + MEMBER * members
            + CONFIG * configs
            + self.config_bytes
            + self.grants.weight()
    }

    /// Returns whether nothing but credentials is recorded, names of deleted workspaces included.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.identities.is_empty()
            && self.workspaces.is_empty()
            && self.retired_names.is_empty()
            && self.grants.is_empty()
    }
}

/// Takes one of a key's values away, and the key with the last.
fn remove_from<K, V>(map: &mut SharedMap<K, OrdSet<V>>, key: &K, value: &V)
where
    K: Clone + Eq + std::hash::Hash,
    V: Clone + Ord,
{
    if let Some(values) = map.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            map.remove(key);
        }
    }
}
