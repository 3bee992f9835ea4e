//! What can be permitted: modules, permission points, RAM actions, resource types and their ARNs.
//!
//! The tables are `schema/catalog/*.json`, one entry a line so that a person can review and correct one in a
//! diff; they are compiled into the program. The catalogue knows facts of the product, never a workspace, a
//! policy or a request.

mod arn;
mod configs;
mod file;
mod indexes;
mod model;
mod nearest;
mod operations;
mod rows;
mod system_policies;
mod tables;

use std::{collections::HashMap, sync::LazyLock};

pub use arn::{ANY, Arn, as_pattern};
pub use configs::KnownConfig;
pub use indexes::Named;
pub use model::{
    Access, Action, ActionScope, BuiltinRoleFacts, Confidence, Group, Level, ManagedIn, Marks,
    Module, PermissionPoint, PermissionScope, RamAction, RamCode, ResourceType, Status,
};

pub use nearest::{letters_apart, meant, meant_field};
pub use operations::{Api, AskedOn, Operation, ResourceTemplate};
pub use system_policies::SystemPolicy;

use crate::domain::{ActionId, BuiltinRole, Cells, PermissionType};

/// Returns the catalogue of this program.
#[must_use]
#[expect(clippy::expect_used, reason = "the tables are compiled in and every test run reads them")]
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
        Catalog::read().expect("the compiled-in tables of schema/catalog are consistent")
    });
    &CATALOG
}

/// What is looked up by a name of the tables. Names of requests are looked for in it and never put into it.
type ByName<T> = HashMap<&'static str, T, foldhash::fast::FixedState>;

/// All tables, joined and indexed.
#[derive(Debug)]
pub struct Catalog {
    modules: Vec<Module>,
    types: Vec<ResourceType>,
    levels: Vec<Level>,
    roles: Vec<BuiltinRoleFacts>,
    marks: Vec<Marks>,
    ram_codes: Vec<RamCode>,
    points: Vec<PermissionPoint>,
    ram_actions: Vec<RamAction>,
    actions: Vec<Action>,
    operations: Vec<Operation>,
    configs: Vec<KnownConfig>,
    system_policies: Vec<SystemPolicy>,
    /// The main type of each action, as its place among the types.
    main_types: Vec<Option<usize>>,
    by_name: indexes::ActionNames,
    by_ram_name: HashMap<String, ActionId>,
    type_by_name: ByName<usize>,
    action_names: nearest::Names,
    /// Names of actions without their RAM codes, each once.
    short_names: nearest::Names,
    type_names: nearest::Names,
}

impl Catalog {
    fn read() -> Result<Self, String> {
        tables::read()
    }

    /// Returns the modules, in the order of the published page.
    #[must_use]
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Returns the module of a name of the table, for example `DLC`.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|m| m.name == name)
    }

    /// Returns the module of a `ModuleName` of the API, for example `PaiWorkspace@@Config`.
    #[must_use]
    pub fn api_module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|m| m.api_module == Some(name))
    }

    /// Returns the type a request is about when it names none; `None` for actions on the account.
    #[must_use]
    pub fn main_type(&self, action: &Action) -> Option<&ResourceType> {
        let place = self.main_types.get(usize::from(action.id.0)).copied()??;
        self.types.get(place)
    }

    /// Returns the resource types; those of one module stand together, its main type first.
    #[must_use]
    pub fn types(&self) -> &[ResourceType] {
        &self.types
    }

    /// Returns the resource type of that name.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.type_by_name.get(name).and_then(|&i| self.types.get(i))
    }

    /// Returns the permission points: 480 codes and three variants for official images.
    #[must_use]
    pub fn points(&self) -> &[PermissionPoint] {
        &self.points
    }

    /// Returns the facts of the seven built-in roles.
    #[must_use]
    pub fn roles(&self) -> &[BuiltinRoleFacts] {
        &self.roles
    }

    /// Returns the RAM actions of PAI and of Simple Log Service.
    #[must_use]
    pub fn ram_actions(&self) -> &[RamAction] {
        &self.ram_actions
    }

    /// Returns the known RAM codes, documented or not.
    #[must_use]
    pub fn ram_codes(&self) -> &[RamCode] {
        &self.ram_codes
    }

    /// Returns how the marks of the published table were read for this kind of row, for example `dlc:4`.
    #[must_use]
    pub fn marks(&self, marks: &str) -> Option<&Marks> {
        self.marks.iter().find(|m| m.marks == marks)
    }

    /// Returns every action: each permission code joined with its RAM action, then the RAM-only actions.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Returns the action of an id this catalogue gave out; `None` for any other.
    #[must_use]
    pub fn action(&self, id: ActionId) -> Option<&Action> {
        self.actions.get(usize::from(id.0))
    }

    /// Returns the action of a name, spelled as permission code or RAM action exactly as catalogued.
    #[must_use]
    pub fn find_action(&self, name: &str) -> Option<&Action> {
        self.action(self.by_name.get(name)?.id)
    }

    /// Returns what nearly every request looks at of an action, by its name as [`Self::find_action`] takes it.
    #[must_use]
    #[inline]
    pub fn named(&self, name: &str) -> Option<Named> {
        self.by_name.get(name)
    }

    /// Asks for what [`Self::named`] looks at.
    #[inline]
    pub fn named_soon(&self, name: &str) {
        self.by_name.soon(name);
    }

    /// Returns the main type of an action, as [`Self::main_type`].
    #[must_use]
    #[inline]
    pub fn main_type_of(&self, named: Named) -> Option<&ResourceType> {
        self.types.get(usize::from(named.main_type)).filter(|_| named.main_type != Named::NO_TYPE)
    }

    /// Returns the operations of the management interface.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Returns the operation of that name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// Returns the configs of workspaces that are known, in the order of the table.
    #[must_use]
    pub fn configs(&self) -> &[KnownConfig] {
        &self.configs
    }

    /// Returns the vendor's system policies, sorted by name.
    #[must_use]
    pub fn system_policies(&self) -> &[SystemPolicy] {
        &self.system_policies
    }

    /// Returns the system policy of a name.
    #[must_use]
    pub fn system_policy(&self, name: &str) -> Option<&SystemPolicy> {
        let at = self.system_policies.binary_search_by(|policy| policy.name.cmp(name)).ok()?;
        self.system_policies.get(at)
    }

    /// Returns the permission point of an action that has one; of the three that have two, the plain one.
    #[must_use]
    pub fn point(&self, action: &Action) -> Option<&PermissionPoint> {
        action.point.and_then(|i| self.points.get(i))
    }

    /// Returns the RAM action of an action.
    #[must_use]
    pub fn ram_action(&self, action: &Action) -> Option<&RamAction> {
        self.ram_actions.get(action.ram)
    }

    /// Returns the action of a RAM name in small letters.
    #[must_use]
    pub fn find_ram_name(&self, lower: &str) -> Option<&Action> {
        self.action(*self.by_ram_name.get(lower)?)
    }

    /// Returns the RAM name of an action in small letters; empty for none of this catalogue.
    #[must_use]
    pub fn ram_name(&self, action: &Action) -> &str {
        self.ram_action(action).map_or("", |ram| &ram.lower)
    }

    /// Returns up to three actions whose permission code or RAM action differs from `name` in at most three letters,
    /// nearest first, or those whose name alone is nearest to it where it says no RAM code; the case of letters does not count.
    #[must_use]
    pub fn nearest_actions(&self, name: &str) -> Vec<&'static str> {
        let short = if name.contains(':') { Vec::new() } else { self.nearest_short(name) };
        if !short.is_empty() {
            return short;
        }
        let mut found: Vec<&'static str> = Vec::new();
        for near in self.action_names.nearest(name, 6) {
            // Both spellings are near when one is: an action is suggested once.
            if let Some(action) = self.find_action(near)
                && !found.contains(&action.name)
            {
                found.push(action.name);
            }
        }
        found.truncate(3);
        found
    }

    /// Returns up to three actions of the name, without RAM code, that is nearest to one.
    fn nearest_short(&self, name: &str) -> Vec<&'static str> {
        let near = self.short_names.nearest(name, 1).pop();
        let has_it = |action: &&Action| near.is_some() && action.short_name() == near;
        self.actions().iter().filter(has_it).map(|action| action.name).take(3).collect()
    }

    /// Returns up to three resource types that are nearly called `name`.
    #[must_use]
    pub fn nearest_types(&self, name: &str) -> Vec<&'static str> {
        self.type_names.nearest(name, 3)
    }

    /// Returns the cells a built-in role grants on an action; none for account-scope and RAM-only actions.
    #[must_use]
    pub fn builtin_cells(&self, role: BuiltinRole, action: &Action) -> Cells {
        let column = self.roles.iter().find(|facts| facts.role == role).map(|facts| facts.column);
        match (self.point(action), column) {
            (Some(point), Some(column)) if point.scope != PermissionScope::Account => {
                point.cells(column)
            }
            _ => Cells::NONE,
        }
    }

    /// Returns the cells a level of a custom role grants on an action of its module.
    ///
    /// A module without assets, or a code for which accessibility does not matter, is granted in all cells or
    /// none. Codes that only RAM manages are in no level. `CustomPermissions` names its codes itself: none.
    #[must_use]
    pub fn level_cells(&self, permission_type: PermissionType, action: &Action) -> Cells {
        let Some(point) = self.point(action).filter(|p| p.managed != ManagedIn::Ram) else {
            return Cells::NONE;
        };
        let Some(level) = self.levels.iter().find(|l| l.permission_type == permission_type) else {
            return Cells::NONE;
        };
        let cells = match (point.scope, point.access) {
            (PermissionScope::Account, _) => Cells::NONE,
            (PermissionScope::WorkspaceAll, _) => level.workspace_all,
            (_, Access::Read) => level.read,
            (_, Access::Write) => level.write,
            (_, Access::Manage) => level.manage,
        };
        let entities = self.module(point.module).is_some_and(|m| m.entities);
        if cells.is_empty() || (entities && point.scope == PermissionScope::OwnAndPublic) {
            cells
        } else {
            Cells::ALL
        }
    }

    /// Returns the action group an action belongs to; `None` for account-scope, RAM-managed and RAM-only ones.
    #[must_use]
    pub fn group(&self, action: &Action) -> Option<Group> {
        let point = self.point(action).filter(|p| p.managed != ManagedIn::Ram)?;
        match (point.scope, point.access) {
            (PermissionScope::Account, _) => None,
            (PermissionScope::WorkspaceAll, _) | (_, Access::Manage) => Some(Group::Manage),
            (_, Access::Read) => Some(Group::Read),
            (_, Access::Write) => Some(Group::Write),
        }
    }
}

#[cfg(test)]
mod tests;
