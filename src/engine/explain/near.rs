//! What nearly allows a request: roles the principal holds that grant the action on other assets or in other workspaces, and
//! statements it has that would, but for the resource or a condition.

use std::cmp::Reverse;

use super::{Asked, Differs, MOST_NEAR, NearMiss, Source, words};
use crate::{
    domain::{Cell, Cells, RoleRef},
    engine::{judged::Judged, snapshot::Workspace, switches::BySwitches},
};

/// How near a miss is: what differs, then how much, then its id, so that the order is always the same.
pub(super) type Nearness = (u8, Reverse<usize>, String);

/// A near miss before it is told: many are found, and few are told.
pub(super) struct Found<'a> {
    pub(super) nearness: Nearness,
    pub(super) differs: Differs,
    pub(super) source: Source,
    pub(super) what: What<'a>,
}

/// What a near miss is about.
pub(super) enum What<'a> {
    /// A role of the workspace, which grants the action in these cells.
    Cells(Cells),
    /// A role held in another workspace.
    Elsewhere(&'a Workspace),
    /// A statement whose resources these are.
    Resources(Vec<&'a str>),
    /// A statement whose conditions do not hold.
    Conditions(Vec<crate::engine::Unmet>),
}

/// Returns the order of differences, the nearest first: first what another asset would settle, or another request for the same.
pub(super) const fn rank(differs: Differs) -> u8 {
    match differs {
        Differs::Unstated => 0,
        Differs::Creator | Differs::Accessibility => 1,
        Differs::Condition => 2,
        Differs::CreatorAndAccessibility => 3,
        Differs::Workspace => 4,
        Differs::Resource => 5,
    }
}

impl Asked<'_> {
    /// Returns what nearly allows the request, the nearest first.
    pub(super) fn near_misses(&self) -> Vec<NearMiss> {
        let mut found = Vec::new();
        self.roles_here(&mut found);
        self.roles_elsewhere(&mut found);
        self.statements_near(&mut found);
        found.sort_by(|a, b| a.nearness.cmp(&b.nearness));
        found.truncate(MOST_NEAR);
        let told = |found: Found<'_>| {
            let text = words::near(self, &found);
            let Found { nearness: (_, _, policy), differs, source, what } = found;
            let (workspace, conditions) = match what {
                What::Elsewhere(there) => (Some(there.id.clone()), Vec::new()),
                What::Conditions(conditions) => (None, conditions),
                What::Cells(_) | What::Resources(_) => (None, Vec::new()),
            };
            NearMiss { policy, source, differs, workspace, conditions, text }
        };
        found.into_iter().map(told).collect()
    }

    /// Returns what a role of a workspace is answered by itself; `None` for a custom role that is not there.
    pub(super) fn judged<'s>(
        &'s self,
        workspace: &'s Workspace,
        role: &RoleRef,
    ) -> Option<&'s Judged> {
        match role {
            RoleRef::Builtin(role) => self.snapshot.engine.roles.builtin(*role),
            RoleRef::Custom(id) => workspace.roles.get(id).map(|content| &content.judged),
        }
    }

    /// Returns whether a role of the workspace by itself permits what is asked.
    pub(super) fn permits(&self, workspace: &Workspace, role: &RoleRef) -> bool {
        let judged = self.judged(workspace, role).zip(self.case);
        judged.is_some_and(|(judged, case)| !judged.permits(self.request.action, case).is_empty())
    }

    fn source_of_role(&self, workspace: &Workspace, role: &RoleRef) -> Source {
        match role {
            RoleRef::Builtin(role) => Source::BuiltinRole(*role),
            RoleRef::Custom(id) => self.custom(&workspace.id, id),
        }
    }

    /// Finds roles held in the workspace that grant the action on other assets than this one.
    fn roles_here(&self, out: &mut Vec<Found<'_>>) {
        let (Some(workspace), Some(case)) = (self.workspace, self.case) else { return };
        for role in &self.held {
            let Some(judged) = self.judged(workspace, role) else { continue };
            let (mut cells, mut policy) = (Cells::NONE, None);
            for cell in Cell::ALL {
                let case = case.in_cell(cell);
                let permits = case.map_or(&[][..], |it| judged.permits(self.request.action, it));
                if let Some(id) = permits.first() {
                    cells = cells.union(Cells::only(cell));
                    policy = policy.or(Some(id));
                }
            }
            let Some(policy) = policy else { continue };
            let differs = differs(case.cell(), cells);
            let nearness = (rank(differs), Reverse(0), policy_id(role, policy));
            let source = self.source_of_role(workspace, role);
            out.push(Found { nearness, differs, source, what: What::Cells(cells) });
        }
    }

    /// Finds roles held in other workspaces that would allow the request there.
    fn roles_elsewhere<'s>(&'s self, out: &mut Vec<Found<'s>>) {
        let (Some(here), Some(case)) = (self.workspace, self.case) else { return };
        let mut elsewhere = Vec::new();
        let all = self.snapshot.all_workspaces();
        let is_off = |it: &Workspace| {
            let said = self.snapshot.engine.switches.say(it.off, self.request.action);
            !matches!(said, Some(BySwitches::Nothing))
        };
        let others = all.filter(|it| it.id != here.id && (self.beside.is_readable)(&it.id));
        for there in others.filter(|it| !is_off(it)) {
            for role in there.members.roles(self.who.id.digits()).unwrap_or_default() {
                let judged = self.judged(there, role);
                let permits = judged.map_or(&[][..], |it| it.permits(self.request.action, case));
                if let Some(policy) = permits.first() {
                    elsewhere.push((there, role, policy_id(role, policy)));
                }
            }
        }
        // There may be thousands of workspaces; no more than are told are kept.
        elsewhere.sort_by(|(a, _, one), (b, _, other)| (&a.id, one).cmp(&(&b.id, other)));
        elsewhere.dedup_by(|(a, _, one), (b, _, other)| (&a.id, one) == (&b.id, other));
        elsewhere.truncate(MOST_NEAR);
        for (place, (there, role, policy)) in elsewhere.into_iter().enumerate() {
            let differs = Differs::Workspace;
            let nearness = (rank(differs), Reverse(MOST_NEAR - place), policy);
            let source = self.source_of_role(there, role);
            out.push(Found { nearness, differs, source, what: What::Elsewhere(there) });
        }
    }
}

/// Returns the id of a policy of a role as decisions have it.
fn policy_id(role: &RoleRef, policy: &str) -> String {
    match role {
        RoleRef::Builtin(_) => policy.to_owned(),
        RoleRef::Custom(id) => format!("{id}/{policy}"),
    }
}

/// Returns what keeps an asset in a cell from being in one of `granted`.
fn differs(asked: Option<Cell>, granted: Cells) -> Differs {
    let Some(asked) = asked else { return Differs::Unstated };
    let is_granted = |(own, accessibility)| granted.contains(Cell::of(own, accessibility));
    let (own, accessibility) = asked.parts();
    if is_granted((!own, accessibility)) {
        return Differs::Creator;
    }
    let others = crate::domain::Accessibility::ALL.into_iter().filter(|it| *it != accessibility);
    if others.into_iter().any(|other| is_granted((own, other))) {
        Differs::Accessibility
    } else {
        Differs::CreatorAndAccessibility
    }
}
