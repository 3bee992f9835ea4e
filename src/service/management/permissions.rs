//! What the caller itself may do in a workspace.

use std::borrow::Cow;

use super::{Caller, Management, no_permission, workspace_denied};
use crate::{
    catalog::{Action, ActionScope, PermissionScope, catalog, meant},
    domain::{
        Accessibility, Cell, Cells, Effect, PermissionRule, Principal, PrincipalId, Reason,
        Request, Resource, Revision, WorkspaceId,
    },
    error::{Error, ErrorCode},
    service::View,
};

/// The asset a caller asks about.
#[derive(Debug, Clone, Default)]
pub struct PermissionFilter {
    /// Whether it is shared, where stated.
    pub accessibility: Option<Accessibility>,
    /// Who created it, where stated.
    pub creator: Option<PrincipalId>,
}

impl Management {
    /// Returns every permission code the caller has in a workspace with the rules it has it under, by code.
    ///
    /// # Errors
    /// As [`Management::look`].
    pub async fn list_permissions(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<(Revision, Vec<(&'static str, Vec<PermissionRule>)>), Error> {
        let view = self.look(caller, Some(workspace)).await?;
        let principal = principal(&view, caller)?;
        let mut held: Vec<_> = catalog()
            .actions()
            .iter()
            .filter(|action| is_of_a_workspace(action))
            .filter_map(|action| {
                let rules = rules(cells(&view, caller, &principal, workspace, action));
                (!rules.is_empty()).then_some((action.name, rules))
            })
            .collect();
        held.sort_unstable_by_key(|(code, _)| *code);
        Ok((view.revision(), held))
    }

    /// Returns the rules under which the caller has a permission code, those that cover the asset where one is
    /// described.
    ///
    /// # Errors
    /// [`crate::error::ErrorCode::WorkspaceDenied`] when there are none, also for a code that is not known; as
    /// [`Management::look`].
    pub async fn permission(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        code: &str,
        asset: &PermissionFilter,
    ) -> Result<(Revision, Vec<PermissionRule>), Error> {
        let denied = || workspace_denied(&crate::domain::shortened(code, 100));
        let view = self.look(caller, Some(workspace)).await.map_err(|error| {
            // A missing workspace is refused in the words of one the caller has nothing in.
            if error.code == ErrorCode::WorkspaceDenied { denied() } else { error }
        })?;
        let principal = principal(&view, caller)?;
        let action = catalog().find_action(code).filter(|action| action.name == code);
        let held = action
            .map_or(Cells::NONE, |action| cells(&view, caller, &principal, workspace, action));
        let asked = asked_cell(asset, &principal.id);
        let covering: Vec<PermissionRule> = rules(held)
            .into_iter()
            .filter(|rule| asked.is_none_or(|cell| rule.cells().contains(cell)))
            .collect();
        if covering.is_empty() {
            let denying = action.map_or_else(Vec::new, |action| {
                denying(&view, caller, &principal, workspace, action)
            });
            return Err(Error { help: why_not(action, code, held, &denying), ..denied() });
        }
        Ok((view.revision(), covering))
    }
}

/// Returns what a caller can do about a refusal.
fn why_not(action: Option<&Action>, code: &str, held: Cells, denying: &[String]) -> String {
    let near = match action {
        Some(_) => Vec::new(),
        None => catalog().nearest_actions(code),
    };
    if !near.is_empty() {
        return format!("there is no such code; {}", meant(&near, ""));
    }
    if !denying.is_empty() {
        return format!("`{}` denies it, whatever grants it", denying.join("`, `"));
    }
    if held.is_empty() {
        return "no role of the caller in this workspace grants it".to_owned();
    }
    "the caller has it for other assets; a private one without `Creator` counts as somebody else's"
        .to_owned()
}

/// Returns the cell of an asset, as far as it is described: nothing is asked while its accessibility is not stated.
///
/// Whose it is was perhaps not said: then only what covers everybody's covers it for certain.
fn asked_cell(asset: &PermissionFilter, caller: &PrincipalId) -> Option<Cell> {
    let own = asset.creator.as_ref() == Some(caller);
    asset.accessibility.map(|accessibility| Cell::of(own, accessibility))
}

/// Returns whether an action is asked in a workspace; the list of one does not hold those of the account.
fn is_of_a_workspace(action: &Action) -> bool {
    match action.scope {
        ActionScope::Permission(scope) => scope != PermissionScope::Account,
        ActionScope::RamOnly => false,
    }
}

fn principal(view: &View, caller: &Caller) -> Result<Principal, Error> {
    let kind = view.kind_of(&caller.principal).ok_or_else(|| no_permission(caller, None))?;
    Ok(Principal { kind, id: caller.principal.clone() })
}

/// Returns the rules that say what the cells say; what no rules can say exactly is left out, never rounded up.
fn rules(cells: Cells) -> Vec<PermissionRule> {
    if cells.is_empty() { Vec::new() } else { cells.rules().unwrap_or_default() }
}

/// Returns on which assets a principal has an action in a workspace, each asked as a decision.
fn cells(
    view: &View,
    caller: &Caller,
    principal: &Principal,
    workspace: &WorkspaceId,
    action: &Action,
) -> Cells {
    let allowed = |creator: &PrincipalId, accessibility: Accessibility| {
        let asset = (creator, accessibility);
        let request = request(caller, principal, workspace, action, asset);
        request.is_some_and(|it| view.snapshot.is_authorized(&it).effect() == Effect::Allow)
    };
    let Some(other) = somebody_else(&principal.id) else { return Cells::NONE };
    let mut cells = Cells::NONE;
    for own in [true, false] {
        for accessibility in Accessibility::ALL {
            let creator = if own { &principal.id } else { &other };
            if allowed(creator, accessibility) {
                cells = cells.union(Cells::only(Cell::of(own, accessibility)));
            }
        }
    }
    cells
}

/// Returns the policies that deny a principal an action on a private asset of its own.
fn denying(
    view: &View,
    caller: &Caller,
    principal: &Principal,
    workspace: &WorkspaceId,
    action: &Action,
) -> Vec<String> {
    let asset = (&principal.id, Accessibility::Private);
    let Some(request) = request(caller, principal, workspace, action, asset) else {
        return Vec::new();
    };
    let decision = view.snapshot.is_authorized(&request);
    match decision.reason {
        Reason::ExplicitDeny => decision.determining_policies.to_vec(),
        _ => Vec::new(),
    }
}

/// Returns the request of a principal about an asset, by its creator and accessibility; `None` for an action that only RAM has.
fn request<'a>(
    caller: &'a Caller,
    principal: &'a Principal,
    workspace: &'a WorkspaceId,
    action: &Action,
    (creator, accessibility): (&'a PrincipalId, Accessibility),
) -> Option<Request<'a>> {
    let ActionScope::Permission(scope) = action.scope else { return None };
    let resource = if scope == PermissionScope::Account {
        Resource::Account
    } else {
        Resource::Asset {
            workspace: Some(workspace.borrowed()),
            resource_type: catalog().main_type(action).map_or("workspace", |it| it.name),
            id: None,
            creator: Some(creator.borrowed()),
            accessibility: Some(accessibility),
        }
    };
    let context = Cow::Borrowed(&caller.context);
    Some(Request { principal: principal.asks(), action: action.id, resource, context })
}

/// Returns an id that is not the principal's.
fn somebody_else(id: &PrincipalId) -> Option<PrincipalId> {
    ["0", "1"]
        .into_iter()
        .filter_map(|text| PrincipalId::parse(text).ok())
        .find(|other| other != id)
}
