//! The members and custom roles of one workspace, as lists and rules need them.

use std::sync::{Arc, LazyLock};

use imbl::{HashMap as SharedMap, OrdMap, OrdSet, Vector};

use crate::domain::{
    BuiltinRole, CustomRole, CustomRoleId, Member, PrincipalId, RoleName, RoleRef,
};

/// The members and custom roles of one workspace.
///
/// Members stand in the order in which they joined, and any page of them costs the same: the order is a tree that
/// counts (Stucki and others, RRB vector, 2015). Versions share what did not change.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    members: SharedMap<PrincipalId, Arc<Member>>,
    /// By time of joining, then id.
    joined: Vector<Arc<Member>>,
    holders: SharedMap<RoleRef, OrdSet<PrincipalId>>,
    roles: OrdMap<CustomRoleId, Arc<CustomRole>>,
    role_names: SharedMap<RoleName, CustomRoleId>,
}

impl Roster {
    /// Returns the roster of a workspace that has nobody.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: LazyLock<Roster> = LazyLock::new(Roster::default);
        &NONE
    }

    /// Returns whether there is neither member nor role.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.roles.is_empty()
    }

    /// Returns a member.
    #[must_use]
    pub fn member(&self, id: &PrincipalId) -> Option<&Member> {
        self.members.get(id).map(|member| &**member)
    }

    /// Returns how many members there are.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Returns the members in the order in which they joined.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.joined.iter().map(|member| &**member)
    }

    /// Returns at most `size` members after the first `skip`.
    #[must_use]
    pub fn page(&self, skip: usize, size: usize) -> Vec<Arc<Member>> {
        let skip = skip.min(self.joined.len());
        let end = skip.saturating_add(size).min(self.joined.len());
        self.joined.focus().narrow(skip..end).into_iter().cloned().collect()
    }

    /// Returns who holds a role, sorted by id.
    pub fn holders<'r>(&'r self, role: &RoleRef) -> impl Iterator<Item = &'r PrincipalId> {
        self.holders.get(role).into_iter().flatten()
    }

    /// Returns a custom role.
    #[must_use]
    pub fn role(&self, id: &CustomRoleId) -> Option<&CustomRole> {
        self.roles.get(id).map(|role| &**role)
    }

    /// Returns the custom role of a name.
    #[must_use]
    pub fn role_named(&self, name: &RoleName) -> Option<&CustomRole> {
        self.role(self.role_names.get(name)?)
    }

    /// Returns the custom roles, sorted by id.
    pub fn roles(&self) -> impl Iterator<Item = &CustomRole> {
        self.roles.values().map(|role| &**role)
    }

    /// Returns how many custom roles there are.
    #[must_use]
    pub fn role_count(&self) -> usize {
        self.roles.len()
    }

    /// Returns the role of a text: the code of a built-in role, the name or the id of a custom one.
    ///
    /// A custom role may be named like the id of another: the id stands first, for ids are what programs use.
    #[must_use]
    pub fn find_role(&self, text: &str) -> Option<RoleRef> {
        if let Some(builtin) = BuiltinRole::parse(text) {
            return Some(RoleRef::Builtin(builtin));
        }
        let by_id = CustomRoleId::parse(text).ok().filter(|id| self.roles.contains_key(id));
        let by_name = || self.role_names.get(&RoleName::parse(text).ok()?).cloned();
        by_id.or_else(by_name).map(RoleRef::Custom)
    }

    /// Returns what a role is called: the code of a built-in role, the name of a custom one.
    #[must_use]
    pub fn role_title(&self, role: &RoleRef) -> String {
        match role {
            RoleRef::Builtin(builtin) => builtin.code().to_owned(),
            RoleRef::Custom(id) => {
                self.role(id).map_or_else(|| id.to_string(), |role| role.name.to_string())
            }
        }
    }

    pub(super) fn put_member(&mut self, member: &Member) {
        self.remove_member(&member.principal);
        let member = Arc::new(member.clone());
        for role in &member.roles {
            self.holders.entry(role.clone()).or_default().insert(member.principal.clone());
        }
        match self.place(&member) {
            // Nobody joined later: the usual case, and the cheapest.
            at if at == self.joined.len() => self.joined.push_back(member.clone()),
            at => self.joined.insert(at, member.clone()),
        }
        self.members.insert(member.principal.clone(), member);
    }

    pub(super) fn remove_member(&mut self, id: &PrincipalId) {
        let Some(member) = self.members.remove(id) else { return };
        for role in &member.roles {
            if let Some(holders) = self.holders.get_mut(role) {
                holders.remove(id);
                if holders.is_empty() {
                    self.holders.remove(role);
                }
            }
        }
        let at = self.place(&member);
        if self.joined.get(at).is_some_and(|found| found.principal == *id) {
            self.joined.remove(at);
        }
    }

    /// Returns where a member stands, or would.
    fn place(&self, member: &Member) -> usize {
        let key = |m: &Member| (m.created, m.principal.clone());
        let wanted = key(member);
        match self.joined.binary_search_by(|other| key(other).cmp(&wanted)) {
            Ok(at) | Err(at) => at,
        }
    }

    pub(super) fn put_role(&mut self, role: &CustomRole) {
        self.remove_role(&role.id);
        self.role_names.insert(role.name.clone(), role.id.clone());
        self.roles.insert(role.id.clone(), Arc::new(role.clone()));
    }

    pub(super) fn remove_role(&mut self, id: &CustomRoleId) {
        if let Some(before) = self.roles.remove(id)
            && self.role_names.get(&before.name) == Some(id)
        {
            self.role_names.remove(&before.name);
        }
    }
}
