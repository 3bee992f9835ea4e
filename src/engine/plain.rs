//! Judges by Cedar alone: every policy that names the action, every statement of every document, nothing looked up.
//!
//! Slow, and for no caller: it is what remembered answers are held against, by tests and by `--verify-fast-path`.

use std::collections::{HashMap, hash_map::Entry};

use cedar_policy::{Context, Entities, PolicySet, Request as CedarRequest};

use super::{
    Snapshot,
    applying::{Applying, MOST_NAMED},
    custom_role, entities,
    judge::judge,
    ram::{self, Statement},
    slices::Slices,
    snapshot::Workspace,
};
use crate::domain::{
    CustomRoleId, Decision, Digits, Fault, PrincipalKind, Reason, Request, Resource, RoleRef,
};

/// Compiled custom roles that are kept; beyond that all are forgotten.
const KEPT: usize = 1_000;

/// Judges by Cedar alone. Keeps the policies of custom roles it has compiled, by what they grant.
#[derive(Debug, Default)]
pub struct Plain {
    /// By workspace, role, and the number of what it grants.
    roles: HashMap<(Digits, CustomRoleId, u64), Slices>,
}

impl Plain {
    /// Returns the decision on a request, as [`Snapshot::is_authorized`] must return it.
    pub fn judge(&mut self, snapshot: &Snapshot, request: &Request<'_>) -> Decision<'static> {
        let denied = Decision::implicit_deny();
        let workspace = match &request.resource {
            Resource::Foreign => return denied,
            resource => match resource.workspace() {
                None => None,
                Some(id) => match snapshot.workspace(id.digits()) {
                    None => return denied,
                    Some(workspace) => Some((id.digits(), workspace)),
                },
            },
        };
        let principal = &request.principal;
        if !snapshot.is_known(principal) {
            return denied;
        }
        let held = match principal.kind {
            PrincipalKind::Account => None,
            _ => workspace.and_then(|(_, it)| it.members.roles(principal.id.digits())),
        };
        let roles = held.unwrap_or_default();
        if let Err(detail) = self.compile(snapshot, workspace, roles) {
            return Decision::error(Fault::Evaluation(detail));
        }
        let documents = match snapshot.attached.documents(&snapshot.engine, principal.id.digits()) {
            _ if principal.kind == PrincipalKind::Account => Vec::new(),
            Ok(documents) => documents,
            Err(policy) => return Decision::error(Fault::Evaluation(policy.to_string())),
        };
        // What the request says that a statement cannot compare is refused before anything is judged.
        if let Err(invalid) = Applying::of(snapshot, request, &documents) {
            return Decision::error(Fault::Request(Box::new(invalid)));
        }
        let mut sets = self.sets(snapshot, request, workspace, roles);
        let statements = || documents.iter().flat_map(|document| document.statements());
        sets.extend(statements().map(Statement::set));
        if sets.is_empty() {
            return denied;
        }
        let failed = || Decision::error(Fault::Evaluation("request".to_owned()));
        let put = || {
            let catalog = snapshot.engine.catalog;
            let action = catalog.action(request.action)?;
            let policies = documents.iter().map(|document| document.policy());
            let id = request.resource.workspace();
            let who = entities::principal(principal, id, roles, policies)?;
            let what = entities::resource(&snapshot.account, &request.resource)?;
            let context = if documents.is_empty() {
                Context::empty()
            } else {
                let arn = snapshot.engine.arn(&snapshot.account, request.action, &request.resource);
                let conditions = snapshot.conditions(request);
                ram::context(statements(), catalog.ram_name(action), &arn, &conditions)?
            };
            let action = snapshot.engine.actions.get(usize::from(request.action.0))?.clone();
            let asked = CedarRequest::new(who.uid(), action.uid(), what.uid(), context, None);
            // Asked about itself, the main account is principal and resource at once.
            let what = (who.uid() != what.uid()).then_some(what);
            let place = workspace.and_then(|(_, it)| {
                let off = snapshot.engine.switches.keys(it.off);
                entities::workspace(it.id.as_str(), off)
            });
            let all = [Some(who), what, place, Some(action)].into_iter().flatten();
            Some((asked.ok()?, Entities::from_entities(all, None).ok()?))
        };
        match put() {
            None => failed(),
            Some((asked, entities)) => judge(&sets, &asked, &entities),
        }
    }

    /// Returns whether a decision is another one than Cedar's.
    #[must_use]
    pub fn differs(decision: &Decision<'_>, plain: &Decision<'_>) -> bool {
        let count = plain.determining_policies.iter().count();
        // Beyond that many, not all are named.
        let names_all = count <= MOST_NAMED;
        decision.reason != plain.reason
            || (names_all && decision.determining_policies != plain.determining_policies)
            || (decision.reason == Reason::Error && decision.faults != plain.faults)
    }

    /// Compiles the custom roles among `roles`, unless they are kept.
    fn compile(
        &mut self,
        snapshot: &Snapshot,
        workspace: Option<(Digits, &Workspace)>,
        roles: &[RoleRef],
    ) -> Result<(), String> {
        if self.roles.len() > KEPT {
            self.roles.clear();
        }
        let Some((place, workspace)) = workspace else { return Ok(()) };
        for role in roles {
            let RoleRef::Custom(id) = role else { continue };
            let Some(content) = workspace.roles.get(id) else { continue };
            if let Entry::Vacant(vacant) = self.roles.entry((place, id.clone(), content.number())) {
                let catalog = snapshot.engine.catalog;
                let policies = custom_role::of_grants(catalog, &workspace.id, id, &content.grants)?;
                vacant.insert(Slices::new(catalog, &policies)?);
            }
        }
        Ok(())
    }

    /// Returns the policies that name the action and can apply to the principal by what it is and which roles it holds.
    fn sets<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        request: &Request<'_>,
        workspace: Option<(Digits, &Workspace)>,
        roles: &[RoleRef],
    ) -> Vec<&'s PolicySet> {
        let (builtin, action) = (&snapshot.engine.builtin, request.action);
        let everywhere = match request.principal.kind {
            PrincipalKind::Account => builtin.account.of(action),
            PrincipalKind::User => builtin.known_users.of(action),
            PrincipalKind::RamRole => None,
        };
        let held = roles.iter().filter_map(|role| match role {
            RoleRef::Builtin(role) => builtin.role(*role)?.of(action),
            RoleRef::Custom(id) => {
                let (place, workspace) = workspace?;
                let number = workspace.roles.get(id)?.number();
                self.roles.get(&(place, id.clone(), number))?.of(action)
            }
        });
        let switches = workspace.and_then(|_| builtin.switches.of(action));
        everywhere.into_iter().chain(held).chain(switches).collect()
    }
}
