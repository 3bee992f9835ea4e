//! What is asked, of whom, and what the answer is: one workload, the same for every peer, made from a fixed seed and the
//! catalogue of pai-authz.
//!
//! It knows no peer. The expected answers come from the cells of the catalogue alone, not from any policy.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use pai_authz::{
    catalog::{Action, ActionScope, Module, PermissionScope, catalog},
    domain::{Accessibility, BuiltinRole, Cell, Cells},
};

/// Members of a workspace.
const MEMBERS: usize = 50;
/// Checks asked one at a time, in turn.
pub(crate) const CHECKS: usize = 4_096;
/// Batches, asked in turn.
const BATCHES: usize = 64;
/// The roles members hold. The seventh, Owner, is whoever made the workspace.
const ROLES: [BuiltinRole; 6] = [
    BuiltinRole::Admin,
    BuiltinRole::Developer,
    BuiltinRole::Operator,
    BuiltinRole::LabelManager,
    BuiltinRole::Guest,
    BuiltinRole::MaxComputeDeveloper,
];

/// A member of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The user's id.
    pub(crate) user: String,
    /// The two different roles it holds there.
    pub(crate) roles: [BuiltinRole; 2],
}

/// A workspace with its members.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// Its id.
    pub(crate) id: String,
    /// Its members.
    pub(crate) members: Vec<Member>,
}

/// May this user take this action on this asset?
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The workspace of the asset.
    pub(crate) workspace: String,
    /// Who asks.
    pub(crate) member: Member,
    /// The permission code.
    pub(crate) action: &'static str,
    /// The module of the code.
    pub(crate) module: &'static str,
    /// The main resource type of the module.
    pub(crate) resource_type: &'static str,
    /// The id of the asset.
    pub(crate) asset: String,
    /// Who made the asset.
    pub(crate) creator: String,
    /// Whether the asset is public.
    pub(crate) accessibility: Accessibility,
    /// What the cells of the catalogue say.
    pub(crate) is_allowed: bool,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Who is in which workspace with which roles.
    pub(crate) workspaces: Vec<Workspace>,
    /// How many permission codes are asked about.
    pub(crate) codes: usize,
    /// Checks asked one at a time.
    pub(crate) checks: Vec<Check>,
    /// Checks asked together; those of a batch are of one member in one workspace.
    pub(crate) batches: Vec<Vec<Check>>,
}

/// What a role grants in a module: the codes that have the same cells.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The role.
    pub(crate) role: BuiltinRole,
    /// The module.
    pub(crate) module: &'static str,
    /// On which assets.
    pub(crate) cells: Cells,
    /// The permission codes.
    pub(crate) actions: Vec<&'static str>,
}

/// Which assets of one accessibility a rule reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None of them.
    Nothing,
    /// Those the principal made.
    Own,
    /// All of them.
    All,
}

impl Rule {
    /// Returns what the rule reaches of private and of public assets.
    ///
    /// # Errors
    /// Cells of others' assets without one's own: no built-in role has them, and policies here do not say them.
    pub(crate) fn reach(&self) -> anyhow::Result<(Reach, Reach)> {
        let of = |own, others| match (self.cells.contains(own), self.cells.contains(others)) {
            (false, false) => Ok(Reach::Nothing),
            (true, false) => Ok(Reach::Own),
            (true, true) => Ok(Reach::All),
            (false, true) => bail!("{} in {} has cells {}", self.role, self.module, self.cells),
        };
        Ok((of(Cell::OwnPrivate, Cell::OthersPrivate)?, of(Cell::OwnPublic, Cell::OthersPublic)?))
    }
}

/// Returns everything the seven built-in roles grant, also what is not asked about.
pub(crate) fn rules() -> Vec<Rule> {
    let catalog = catalog();
    let mut rules = Vec::new();
    for role in BuiltinRole::ALL {
        let mut parts: BTreeMap<(&str, Cells), Vec<&'static str>> = BTreeMap::new();
        for action in catalog.actions() {
            let cells = catalog.builtin_cells(role, action);
            if let Some(module) = action.module.filter(|_| !cells.is_empty()) {
                parts.entry((module, cells)).or_default().push(action.name);
            }
        }
        let part = |((module, cells), actions)| Rule { role, module, cells, actions };
        rules.extend(parts.into_iter().map(part));
    }
    rules
}

/// Returns who is in which workspace with which roles. On average a user is in five of them, with roles of its own in
/// each.
pub(crate) fn workspaces(count: usize) -> Vec<Workspace> {
    let mut dice = Dice(0x5eed);
    let users = (count * MEMBERS / 5).max(2 * MEMBERS);
    (0..count)
        .map(|number| {
            let mut ids: Vec<usize> = (0..users).collect();
            let members = (0..MEMBERS).filter_map(|taken| {
                let other = taken + dice.below(users - taken);
                ids.swap(taken, other);
                let first = dice.below(ROLES.len());
                let second = (first + 1 + dice.below(ROLES.len() - 1)) % ROLES.len();
                let roles = [*ROLES.get(first)?, *ROLES.get(second)?];
                Some(Member { user: format!("{}", 200_001 + ids.get(taken)?), roles })
            });
            Workspace { id: format!("{}", 10_001 + number), members: members.collect() }
        })
        .collect()
}

impl Workload {
    /// Makes the workload.
    ///
    /// # Errors
    /// A catalogue without codes to ask about.
    pub(crate) fn new(workspace_count: usize, batch: usize) -> anyhow::Result<Self> {
        let workspaces = workspaces(workspace_count);
        let actions = asked();
        let mut dice = Dice(0xa5ced);
        let mut checks = Vec::with_capacity(CHECKS);
        for number in 0..CHECKS {
            let workspace = dice.of(&workspaces)?;
            let member = dice.of(&workspace.members)?;
            checks.push(check(&mut dice, &actions, workspace, member, number)?);
        }
        let mut batches = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let workspace = dice.of(&workspaces)?;
            let member = dice.of(&workspace.members)?;
            let checks = (0..batch).map(|n| check(&mut dice, &actions, workspace, member, n));
            batches.push(checks.collect::<anyhow::Result<_>>()?);
        }
        Ok(Self { codes: actions.len(), workspaces, checks, batches })
    }

    /// Returns how many of a hundred single checks are allowed.
    pub(crate) fn allowed_percent(&self) -> f64 {
        let allowed = self.checks.iter().filter(|check| check.is_allowed).count();
        let share = |count| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        100.0 * share(allowed) / share(self.checks.len())
    }
}

/// Returns the codes that are asked about: those about one asset whose creator and accessibility matter, and that roles
/// decide alone.
fn asked() -> Vec<(&'static Action, &'static Module)> {
    let catalog = catalog();
    let actions = catalog.actions().iter().filter(|action| {
        action.scope == ActionScope::Permission(PermissionScope::OwnAndPublic)
            && catalog.group(action).is_some()
            && !action.allowed_unless_denied
    });
    actions
        .filter_map(|action| Some((action, catalog.module(action.module?)?)))
        .filter(|(_, module)| module.main_type.is_some())
        .collect()
}

fn check(
    dice: &mut Dice,
    actions: &[(&'static Action, &'static Module)],
    workspace: &Workspace,
    member: &Member,
    number: usize,
) -> anyhow::Result<Check> {
    let catalog = catalog();
    let (action, module) = *dice.of(actions)?;
    let resource_type = module.main_type.and_then(|name| catalog.resource_type(name));
    let resource_type = resource_type.context("a module without a type")?;
    let asset = match resource_type.id_parts {
        // The workspace itself.
        0 => workspace.id.clone(),
        parts => vec![format!("asset-{number}"); parts].join("/"),
    };
    let is_own = dice.below(3) == 0;
    let accessibility = *dice.of(&Accessibility::ALL)?;
    let creator = if is_own {
        member
    } else {
        let at = workspace.members.iter().position(|m| m.user == member.user);
        let step = 1 + dice.below(workspace.members.len() - 1);
        let other = (at.unwrap_or_default() + step) % workspace.members.len();
        workspace.members.get(other).context("a workspace without other members")?
    };
    let cell = Cell::of(is_own, accessibility);
    let is_allowed =
        member.roles.iter().any(|role| catalog.builtin_cells(*role, action).contains(cell));
    Ok(Check {
        workspace: workspace.id.clone(),
        member: member.clone(),
        action: action.name,
        module: module.name,
        resource_type: resource_type.name,
        asset,
        creator: creator.user.clone(),
        accessibility,
        is_allowed,
    })
}

/// Numbers from a seed (splitmix64).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `end`; 0 when `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(z.checked_rem(end).unwrap_or_default()).unwrap_or_default()
    }

    /// One of `items`.
    fn of<'i, T>(&mut self, items: &'i [T]) -> anyhow::Result<&'i T> {
        items.get(self.below(items.len())).context("nothing to choose from")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_asked_every_time() {
        let shown = || format!("{:?}", Workload::new(3, 10).unwrap());
        assert_eq!(shown(), shown());
    }

    #[test]
    fn a_third_is_asked_on_own_assets_and_half_on_public_ones() {
        let workload = Workload::new(10, 100).unwrap();
        let share = |is: fn(&Check) -> bool| {
            workload.checks.iter().filter(|check| is(check)).count() * 100 / CHECKS
        };
        assert!((31..=35).contains(&share(|check| check.creator == check.member.user)));
        assert!((48..=52).contains(&share(|check| check.accessibility == Accessibility::Public)));
        assert!((40..=80).contains(&share(|check| check.is_allowed)));
        // A batch is of one member in one workspace.
        for batch in &workload.batches {
            let of = |check: &Check| (check.workspace.clone(), check.member.user.clone());
            assert!(batch.len() == 100 && batch.iter().all(|check| of(check) == of(&batch[0])));
        }
    }

    #[test]
    fn members_hold_two_different_roles() {
        for workspace in workspaces(10) {
            assert_eq!(workspace.members.len(), MEMBERS);
            assert!(workspace.members.iter().all(|member| member.roles[0] != member.roles[1]));
        }
    }

    #[test]
    fn rules_say_what_the_catalogue_grants() {
        let rules = rules();
        for rule in &rules {
            rule.reach().unwrap();
        }
        for (action, role) in
            catalog().actions().iter().flat_map(|a| BuiltinRole::ALL.map(|role| (a, role)))
        {
            let says = |rule: &&Rule| rule.role == role && rule.actions.contains(&action.name);
            let cells = rules.iter().find(says).map_or(Cells::NONE, |rule| rule.cells);
            assert_eq!(cells, catalog().builtin_cells(role, action), "{role} {}", action.name);
        }
    }
}
