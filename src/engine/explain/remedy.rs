//! The smallest change of each kind that would allow what is denied. Each is tried on a snapshot with that change made.
//!
//! Of roles the one that grants the fewest pairs of an action and a cell is the smallest, and among equals the one that stands
//! first: built-in roles as in the published table, then custom ones by id. Of levels it is the lowest, and among equals the raise
//! that adds the fewest pairs, then the first by id. docs/explain.md says the same.

use super::{Asked, Remedy, words};
use crate::{
    catalog::Action,
    domain::{
        BuiltinRole, Cells, CustomRole, Effect, Member, ModulePermission, Op, PermissionType,
        RoleRef, Timestamp,
    },
    engine::snapshot::Workspace,
};

/// Levels of custom roles that can be raised and lowered, from the lowest on.
const LEVELS: [PermissionType; 4] = [
    PermissionType::NoPrivilege,
    PermissionType::ReadOnly,
    PermissionType::ReadWrite,
    PermissionType::FullAccess,
];

impl Asked<'_> {
    /// Returns the smallest change of each kind that would allow the request.
    pub(super) fn remedies(&self) -> Vec<Remedy> {
        let mut out = Vec::new();
        if let Some(workspace) = self.workspace {
            out.extend(self.raise_level(workspace));
            if self.held.len() < self.beside.most_roles {
                out.extend(self.add_role(workspace));
            }
        }
        if let Ok(statement) = self.snapshot.suggest(self.request) {
            let text = words::ram_statement(self, &statement);
            out.push(Remedy::RamStatement { statement, text });
        }
        out
    }

    /// Returns whether the request is allowed after a change.
    fn allows(&self, op: Op) -> bool {
        let changed = self.snapshot.with(&[op], self.snapshot.revision());
        changed.is_ok_and(|it| it.is_authorized(self.request).effect() == Effect::Allow)
    }

    fn add_role(&self, workspace: &Workspace) -> Option<Remedy> {
        let given = BuiltinRole::ALL.into_iter().filter(|role| *role != BuiltinRole::Owner);
        let mut custom: Vec<_> = workspace.roles.keys().cloned().collect();
        custom.sort();
        let all = given.map(RoleRef::Builtin).chain(custom.into_iter().map(RoleRef::Custom));
        let would_do = all.filter(|it| !self.held.contains(it) && self.permits(workspace, it));
        let mut candidates: Vec<(usize, RoleRef)> =
            would_do.map(|role| (self.size(workspace, &role), role)).collect();
        // Stable: among equals the first stays first.
        candidates.sort_by_key(|(size, _)| *size);
        let (grants, role) = candidates.into_iter().find(|(_, role)| {
            let present = workspace.members.get(self.who.id.digits());
            let mut member = present.unwrap_or_else(|| Member {
                principal: self.who.id.clone(),
                roles: Vec::new(),
                created: Timestamp::from_millis(0),
            });
            member.roles.push(role.clone());
            member.roles.sort();
            self.allows(Op::PutMember(workspace.id.clone(), member))
        })?;
        let name = self.name_of(&role);
        let text = words::add_role(self, &role, name.as_ref(), grants);
        Some(Remedy::AddRole { role, name, grants, text })
    }

    /// Returns how many pairs of an action and a cell a role grants.
    fn size(&self, workspace: &Workspace, role: &RoleRef) -> usize {
        let catalog = self.snapshot.engine.catalog;
        match role {
            RoleRef::Builtin(role) => {
                let cells = catalog.actions().iter().map(|it| catalog.builtin_cells(*role, it));
                cells.map(Cells::count).sum()
            }
            RoleRef::Custom(id) => workspace
                .roles
                .get(id)
                .map_or(0, |content| content.grants.values().map(|cells| cells.count()).sum()),
        }
    }

    fn raise_level(&self, workspace: &Workspace) -> Option<Remedy> {
        let module = self.api_module()?;
        let held = self.held.iter().filter_map(|role| match role {
            RoleRef::Custom(id) if workspace.roles.contains_key(id) => {
                (self.beside.recorded)(&workspace.id, id)
            }
            _ => None,
        });
        let mut candidates: Vec<Raise<'_>> = Vec::new();
        for role in held {
            let listed = role.modules.iter().find(|it| it.module == module);
            let from = listed.map_or(PermissionType::NoPrivilege, |it| it.permission_type);
            // What lists its codes itself has no next level: it needs another cell, which is somebody's choice.
            let Some(now) = LEVELS.iter().position(|level| *level == from) else { continue };
            for (place, to) in LEVELS.into_iter().enumerate().skip(now + 1) {
                if self.is_in(to) {
                    let adds = self.added(from, to);
                    candidates.push(Raise { place, adds, role, from, to });
                }
            }
        }
        candidates.sort_by_key(|it| (it.place, it.adds, &it.role.id));
        let raise = candidates.into_iter().find(|it| {
            let changed = it.changed(module);
            self.allows(Op::PutRole(workspace.id.clone(), changed))
        })?;
        let Raise { role, from, to, .. } = raise;
        let text = words::raise_level(role, module, from, to);
        let (role, name) = (role.id.clone(), role.name.clone());
        Some(Remedy::RaiseLevel { role, name, module, from, to, text })
    }

    /// Returns whether a level grants the action on what is asked about.
    fn is_in(&self, level: PermissionType) -> bool {
        let cells = self.snapshot.engine.catalog.level_cells(level, self.action);
        match self.case.and_then(super::Case::cell) {
            Some(cell) => cells.contains(cell),
            None => cells == Cells::ALL,
        }
    }

    /// Returns how many pairs of an action and a cell a level of the action's module has more than another.
    fn added(&self, from: PermissionType, to: PermissionType) -> usize {
        let catalog = self.snapshot.engine.catalog;
        let of_module = catalog.actions().iter().filter(|it| it.module == self.action.module);
        let count = |level, action: &Action| catalog.level_cells(level, action).count();
        of_module.map(|it| count(to, it).saturating_sub(count(from, it))).sum()
    }
}

/// A level of a role that would do.
struct Raise<'r> {
    /// The place of the level among all.
    place: usize,
    adds: usize,
    role: &'r CustomRole,
    from: PermissionType,
    to: PermissionType,
}

impl Raise<'_> {
    /// Returns the role with that level.
    fn changed(&self, module: &str) -> CustomRole {
        let mut role = self.role.clone();
        role.modules.retain(|it| it.module != module);
        role.modules.push(ModulePermission {
            module: module.to_owned(),
            permission_type: self.to,
            permissions: Vec::new(),
        });
        role
    }
}
