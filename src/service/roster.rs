//! The members and custom roles of one workspace, as lists and rules need them.

use std::sync::{Arc, LazyLock};

use imbl::{HashMap as SharedMap, OrdMap};

use crate::domain::{
    BuiltinRole, CustomRole, CustomRoleId, Member, Members, PrincipalId, RoleName, RoleRef,
};

/// The custom roles of one workspace. Versions share what did not change.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    by_id: OrdMap<CustomRoleId, Arc<CustomRole>>,
    names: SharedMap<RoleName, CustomRoleId>,
}

impl Roles {
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn put(&mut self, role: &CustomRole) {
        self.remove(&role.id);
        self.names.insert(role.name.clone(), role.id.clone());
        self.by_id.insert(role.id.clone(), Arc::new(role.clone()));
    }

    pub(super) fn remove(&mut self, id: &CustomRoleId) {
        if let Some(before) = self.by_id.remove(id)
            && self.names.get(&before.name) == Some(id)
        {
            self.names.remove(&before.name);
        }
    }
}

/// The members and custom roles of one workspace. Members are those that decisions are made by.
#[derive(Debug, Clone, Copy)]
pub struct Roster<'v> {
    members: &'v Members,
    roles: &'v Roles,
}

impl<'v> Roster<'v> {
    pub(super) fn of(members: Option<&'v Members>, roles: Option<&'v Roles>) -> Self {
        static NOBODY: LazyLock<Members> = LazyLock::new(Members::default);
        static NONE: LazyLock<Roles> = LazyLock::new(Roles::default);
        Self { members: members.unwrap_or(&NOBODY), roles: roles.unwrap_or(&NONE) }
    }

    /// Returns a member.
    #[must_use]
    pub fn member(self, id: &PrincipalId) -> Option<Member> {
        self.members.get(id.digits())
    }

    /// Returns whether somebody is a member.
    #[must_use]
    pub fn has_member(self, id: &PrincipalId) -> bool {
        self.members.contains(id.digits())
    }

    /// Returns how many members there are.
    #[must_use]
    pub fn member_count(self) -> usize {
        self.members.len()
    }

    /// Returns the members in the order in which they joined.
    pub fn members(self) -> impl Iterator<Item = Member> + 'v {
        self.members.joined()
    }

    /// Returns at most `size` members after the first `skip`.
    #[must_use]
    pub fn page(self, skip: usize, size: usize) -> Vec<Member> {
        self.members.page(skip, size)
    }

    /// Returns who holds a role, sorted by id. Looks at every member.
    pub fn holders(self, role: &RoleRef) -> impl Iterator<Item = PrincipalId> + use<> {
        self.members.holders(role)
    }

    /// Returns a custom role.
    #[must_use]
    pub fn role(self, id: &CustomRoleId) -> Option<&'v CustomRole> {
        self.roles.by_id.get(id).map(|role| &**role)
    }

    /// Returns the custom role of a name.
    #[must_use]
    pub fn role_named(self, name: &RoleName) -> Option<&'v CustomRole> {
        self.role(self.roles.names.get(name)?)
    }

    /// Returns the custom roles, sorted by id.
    pub fn roles(self) -> impl Iterator<Item = &'v CustomRole> {
        self.roles.by_id.values().map(|role| &**role)
    }

    /// Returns how many custom roles there are.
    #[must_use]
    pub fn role_count(self) -> usize {
        self.roles.by_id.len()
    }

    /// Returns the role of a text: the code of a built-in role, the name or the id of a custom one.
    ///
    /// A custom role may be named like the id of another: the id stands first, for ids are what programs use.
    #[must_use]
    pub fn find_role(self, text: &str) -> Option<RoleRef> {
        if let Some(builtin) = BuiltinRole::parse(text) {
            return Some(RoleRef::Builtin(builtin));
        }
        let by_id = CustomRoleId::parse(text).ok().filter(|id| self.roles.by_id.contains_key(id));
        let by_name = || self.roles.names.get(&RoleName::parse(text).ok()?).cloned();
        by_id.or_else(by_name).map(RoleRef::Custom)
    }

    /// Returns what a role is called: the code of a built-in role, the name of a custom one.
    #[must_use]
    pub fn role_title(self, role: &RoleRef) -> String {
        match role {
            RoleRef::Builtin(builtin) => builtin.code().to_owned(),
            RoleRef::Custom(id) => {
                self.role(id).map_or_else(|| id.to_string(), |role| role.name.to_string())
            }
        }
    }
}
