//! What an explanation says to a person.

use super::{
    Asked, Differs, NearMiss, Source, Suggestion, Unmet,
    near::{Found, What},
};
use crate::{
    domain::{Cell, Cells, CustomRole, PermissionType, Reason, Resource, RoleName, RoleRef},
    engine::condition,
};

/// How many of a list are named.
const MOST_NAMED: usize = 3;

impl Asked<'_> {
    /// Returns the decision in one sentence.
    pub(super) fn summary(
        &self,
        reason: Reason,
        policies: &[(String, Option<Source>)],
        near: &[NearMiss],
    ) -> String {
        let action = self.action.name;
        let by = || {
            let named = policies.iter().map(|(id, source)| match source {
                Some(source) => titled(source),
                None => format!("`{id}`"),
            });
            listed(named.collect(), "and")
        };
        let one = |one, several| if policies.len() == 1 { one } else { several };
        match reason {
            Reason::ExplicitAllow => {
                format!("allowed: {} {} `{action}`", by(), one("grants", "grant"))
            }
            Reason::ExplicitDeny => {
                let (by, denies) = (by(), one("denies", "deny"));
                format!("denied: {by} {denies} `{action}`, and a denial wins over every grant")
            }
            Reason::ImplicitDeny => format!("denied: {}", self.nothing_grants(near)),
            Reason::Error => "denied: the request could not be judged, see `errors`".to_owned(),
        }
    }

    /// Returns why nothing grants a request.
    fn nothing_grants(&self, near: &[NearMiss]) -> String {
        let (who, action) = (self.who_asks(), self.action.name);
        if matches!(self.request.resource, Resource::Foreign) {
            return "the resource is of another account or region".to_owned();
        }
        if !self.snapshot.is_known(&self.request.principal) {
            return format!("{who} is not known in this account");
        }
        if let (Some(id), None) = (self.request.resource.workspace(), self.workspace) {
            return format!("workspace {} is not known in this account", id.as_str());
        }
        if let Some(nearest) = near.first() {
            return format!("nothing grants `{action}`; the nearest: {}", nearest.text);
        }
        match (self.workspace, self.held.as_slice()) {
            (None, _) => format!(
                "nothing grants `{action}`: outside workspaces only RAM policies do, and no statement {who} has is about it"
            ),
            (Some(workspace), []) => {
                format!(
                    "nothing grants `{action}`: {who} is no member of workspace {}",
                    workspace.id
                )
            }
            (Some(_), held) => {
                let named = held.iter().map(|role| self.titled_role(role)).collect();
                let roles = listed(named, "and");
                format!(
                    "nothing grants `{action}`: neither {roles} does, nor a RAM policy of {who}"
                )
            }
        }
    }

    fn who_asks(&self) -> String {
        format!("{} {}", self.who.kind.as_str(), self.who.id)
    }

    fn titled_role(&self, role: &RoleRef) -> String {
        match self.name_of(role) {
            Some(name) => format!("`{name}`"),
            None => format!("`{role}`"),
        }
    }

    /// Returns what of the asset keeps a grant from applying, as a sentence.
    fn asset(&self, differs: Differs) -> String {
        let Resource::Asset { resource_type, creator, accessibility, .. } = &self.request.resource
        else {
            return "the request is about no asset".to_owned();
        };
        let (Some(creator), Some(accessibility)) = (creator, accessibility) else {
            return format!(
                "the request does not say whose the {resource_type} is, and whether it is public"
            );
        };
        let created = format!("was created by {}", creator.as_str());
        let is = format!("is {}", accessibility.as_str());
        match differs {
            Differs::Creator => format!("the {resource_type} {created}"),
            Differs::Accessibility => format!("the {resource_type} {is}"),
            _ => format!("the {resource_type} {is} and {created}"),
        }
    }
}

/// Returns a near miss as a sentence.
pub(super) fn near(asked: &Asked<'_>, found: &Found<'_>) -> String {
    let grant = titled(&found.source);
    match &found.what {
        What::Cells(cells) => {
            format!(
                "{grant} grants this on {}; {}",
                assets(*cells, &asked.request.resource),
                asked.asset(found.differs)
            )
        }
        What::Elsewhere(there) => {
            let here = asked.workspace.map_or("", |here| here.id.as_str());
            format!(
                "{grant} grants this in workspace {}, where {} holds it; the request is about workspace {here}",
                there.id,
                asked.who_asks()
            )
        }
        What::Resources(resources) => {
            let quoted = resources.iter().map(|it| format!("`{it}`")).collect();
            format!(
                "{grant} allows this on {}; the request is about another resource",
                listed(quoted, "and")
            )
        }
        What::Conditions(unmet) => {
            let told: Vec<String> = unmet.iter().map(condition).collect();
            format!("{grant} allows this under conditions; {}", told.join("; "))
        }
    }
}

/// Returns what a condition wants and what it got.
fn condition(unmet: &Unmet) -> String {
    let quoted = |texts: &[String]| texts.iter().map(|it| format!("`{it}`")).collect();
    let given = match unmet.given.as_slice() {
        [] => "the request does not state it".to_owned(),
        given => format!("it is {}", listed(quoted(given), "and")),
    };
    let wanted = listed(quoted(&unmet.wanted), "or");
    format!("`{}` wants `{}` {wanted}, and {given}", unmet.key, unmet.operator)
}

/// Returns where a policy comes from, for a sentence.
fn titled(source: &Source) -> String {
    match source {
        Source::BuiltinRole(role) => format!("`{role}`"),
        Source::CustomRole { name: Some(name), .. } => format!("the custom role `{name}`"),
        Source::CustomRole { id, .. } => format!("the custom role `{id}`"),
        Source::Document { policy, statement, .. } => {
            format!("statement {statement} of `{policy}`")
        }
        Source::Switch { key, .. } => {
            format!("the workspace switch `{key}`, which is off,")
        }
        Source::KnownUsers => "the policy for every known user".to_owned(),
        Source::Account => "the policy for the main account".to_owned(),
    }
}

/// Returns what assets are in some cells.
fn assets(cells: Cells, resource: &Resource<'_>) -> String {
    let of = |cell: Cell| match cell {
        Cell::OwnPrivate => "own private",
        Cell::OthersPrivate => "others' private",
        Cell::OwnPublic => "own public",
        Cell::OthersPublic => "others' public",
    };
    let name = condition::name(cells);
    let words = if name == cells.to_string() {
        let named = Cell::ALL.into_iter().filter(|cell| cells.contains(*cell));
        listed(named.map(|cell| of(cell).to_owned()).collect(), "and")
    } else {
        name.replace('-', " ").replace('+', " and ")
    };
    let kind = match resource {
        Resource::Asset { resource_type, .. } => resource_type,
        _ => "asset",
    };
    format!("{words} {}s", kind.trim_end_matches('s'))
}

/// Returns the first of a list, and how many more there are.
fn listed(mut all: Vec<String>, last: &str) -> String {
    let more = all.len().saturating_sub(MOST_NAMED);
    all.truncate(MOST_NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    let end = all.pop().unwrap_or_default();
    if all.is_empty() { end } else { format!("{} {last} {end}", all.join(", ")) }
}

pub(super) fn add_role(
    asked: &Asked<'_>,
    role: &RoleRef,
    name: Option<&RoleName>,
    grants: usize,
) -> String {
    let title = match (role, name) {
        (RoleRef::Builtin(role), _) => format!("the role `{role}`"),
        (RoleRef::Custom(id), Some(name)) => format!("the custom role `{name}` (`{id}`)"),
        (RoleRef::Custom(id), None) => format!("the custom role `{id}`"),
    };
    let place = asked.workspace.map_or("", |it| it.id.as_str());
    format!(
        "give {} {title} in workspace {place}: of the roles that would do it grants least, {grants} pairs of an action and a kind of asset",
        asked.who_asks()
    )
}

pub(super) fn raise_level(
    role: &CustomRole,
    module: &str,
    from: PermissionType,
    to: PermissionType,
) -> String {
    format!(
        "raise `{module}` of the custom role `{}` (`{}`) from `{}` to `{}`: for everybody who holds the role",
        role.name,
        role.id,
        from.as_str(),
        to.as_str()
    )
}

pub(super) fn ram_statement(asked: &Asked<'_>, statement: &Suggestion) -> String {
    let who = asked.who_asks();
    format!(
        "attach a policy to {who} that allows `{}` on `{}`",
        statement.action, statement.resource
    )
}
