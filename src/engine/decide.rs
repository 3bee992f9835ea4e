//! Judges a request: builds the entities it is about and evaluates the policies that can matter.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityUid, PolicyId,
    PolicySet, Request as CedarRequest, RestrictedExpression,
};

use super::{
    Document, Snapshot,
    applying::Applying,
    custom_role::entity_id,
    names::Type,
    ram::{self, Conditions, Statement},
    slices,
    snapshot::Workspace,
};
use crate::{
    catalog::{ANY, Catalog},
    domain::{
        ActionId, Decision, Fault, Invalid, Principal, PrincipalKind, Reason, Request, Resource,
        ResourceId, RoleRef, WorkspaceId,
    },
    ram::keys,
};

/// Returns the entity of each action: its parents are the groups it belongs to. A request carries one of them.
pub(super) fn action_entities(catalog: &Catalog) -> Vec<Entity> {
    let entity = |action| {
        let parents =
            slices::groups(catalog, action).iter().map(|group| Type::Action.uid(group)).collect();
        Entity::new_no_attrs(Type::Action.uid(action.name), parents)
    };
    catalog.actions().iter().map(entity).collect()
}

impl Snapshot {
    /// Returns the decision on a request of this account.
    ///
    /// Reads nothing but this snapshot. An unknown principal and an unknown or foreign workspace are denied alike,
    /// and whatever goes wrong on the way denies.
    #[must_use]
    pub fn is_authorized(&self, request: &Request) -> Decision {
        self.decide(request, None)
    }

    /// Returns the decision as if the principal had one document more.
    pub(super) fn decide(&self, request: &Request, more: Option<Arc<Document>>) -> Decision {
        let stated = match &request.resource {
            Resource::Foreign => return Decision::implicit_deny(),
            Resource::Account => None,
            Resource::Asset { workspace, .. } | Resource::Arn { workspace, .. } => {
                workspace.as_ref()
            }
        };
        let workspace = match stated {
            None => None,
            Some(id) => match self.workspace(id) {
                None => return Decision::implicit_deny(),
                Some(workspace) => Some((id, workspace)),
            },
        };
        if !self.is_known(&request.principal) {
            return Decision::implicit_deny();
        }
        // The main account has everything by being it; roles it may hold as a member add nothing.
        let held = match request.principal.kind {
            PrincipalKind::Account => None,
            _ => workspace.and_then(|(_, w)| w.members.roles(&request.principal.id)),
        };
        let roles = held.unwrap_or_default();
        let mut slices =
            self.slices(&request.principal, request.action, workspace.map(|(_, w)| w), roles);
        let documents = match request.principal.kind {
            // No RAM document reaches the main account.
            PrincipalKind::Account => Ok(Vec::new()),
            _ => self.attached.documents(&self.engine, &request.principal.id),
        };
        let documents = match documents {
            Ok(documents) => documents.into_iter().chain(more).collect::<Vec<_>>(),
            Err(policy) => return Decision::error(Fault::Evaluation(policy.to_string())),
        };
        let applying = match Applying::of(self, request, &documents) {
            Ok(applying) => applying,
            Err(invalid) => return Decision::error(Fault::Request(Box::new(invalid))),
        };
        let is_by_roles = !slices.is_empty();
        slices.extend(applying.chosen().map(Statement::set));
        if slices.is_empty() {
            return Decision::implicit_deny();
        }
        let Some((asked, entities)) =
            self.entities(request, workspace.map(|(id, _)| id), roles, &applying, is_by_roles)
        else {
            return Decision::error(Fault::Evaluation("request".to_owned()));
        };
        applying.agreed(judge(&slices, &asked, &entities))
    }

    /// Returns what conditions are compared with: what the request states, and what is known of it beside.
    pub(super) fn conditions(&self, request: &Request) -> Conditions {
        let mut conditions = Conditions::new(&request.context);
        if let Some(arn) = self.principal_arn(&request.principal) {
            conditions.know(keys::PRINCIPAL_ARN, &arn);
        }
        if let Resource::Asset {
            creator: Some(creator), accessibility: Some(accessibility), ..
        } = &request.resource
        {
            let own = *creator == request.principal.id;
            conditions.know(keys::ACCESSIBILITY, accessibility.as_str());
            conditions.know(keys::ENTITY_ACCESS_TYPE, if own { "CREATOR" } else { "OTHERS" });
        }
        conditions
    }

    /// Returns the RAM documents a principal has; the main account has none.
    ///
    /// # Errors
    /// A policy that is attached and of which no document is known.
    pub fn documents(&self, principal: &Principal) -> Result<Vec<Arc<Document>>, Invalid> {
        let attached = self.attached.documents(&self.engine, &principal.id);
        attached.map_err(|policy| {
            let help = "it is attached, but there is no such policy: detach it";
            Invalid::value("PolicyName", &policy.to_string(), "a policy of the account", help)
        })
    }

    /// Returns a principal as RAM names it; `None` for one that is not known.
    #[must_use]
    pub fn principal_arn(&self, principal: &Principal) -> Option<String> {
        let account = &self.account;
        if principal.kind == PrincipalKind::Account {
            return Some(format!("acs:ram::{account}:root"));
        }
        let (kind, name) = self.identities.get(&principal.id)?;
        let kind = if *kind == PrincipalKind::RamRole { "role" } else { "user" };
        Some(format!("acs:ram::{account}:{kind}/{name}"))
    }

    pub(super) fn is_known(&self, principal: &Principal) -> bool {
        match principal.kind {
            PrincipalKind::Account => principal.id.as_str() == self.account.as_str(),
            kind => self.identities.get(&principal.id).is_some_and(|(known, _)| *known == kind),
        }
    }

    /// Returns the policies that name the action and can apply to the principal.
    fn slices<'s>(
        &'s self,
        principal: &Principal,
        action: ActionId,
        workspace: Option<&'s Workspace>,
        roles: &[RoleRef],
    ) -> Vec<&'s PolicySet> {
        let builtin = &self.engine.builtin;
        let everywhere = match principal.kind {
            PrincipalKind::Account => builtin.account.of(action),
            PrincipalKind::User => builtin.known_users.of(action),
            PrincipalKind::RamRole => None,
        };
        let held = roles.iter().filter_map(|role| match role {
            RoleRef::Builtin(role) => builtin.role(*role)?.of(action),
            RoleRef::Custom(id) => workspace?.roles.get(id)?.of(action),
        });
        everywhere.into_iter().chain(held).collect()
    }

    fn entities(
        &self,
        request: &Request,
        workspace: Option<&WorkspaceId>,
        roles: &[RoleRef],
        applying: &Applying<'_>,
        is_by_roles: bool,
    ) -> Option<(CedarRequest, Entities)> {
        let principal = Self::principal(&request.principal, workspace, roles, applying)?;
        let resource = self.resource(&request.resource, workspace, &applying.arn)?;
        let action = self.engine.actions.get(usize::from(request.action.0))?.clone();
        let context = match applying.chosen() {
            None => Context::empty(),
            Some(statement) => {
                let action = self.engine.catalog.action(request.action)?;
                let name = self.engine.catalog.ram_name(action);
                let statements = std::iter::once(statement);
                ram::context(statements, name, &applying.arn, &applying.conditions)?
            }
        };
        let asked =
            CedarRequest::new(principal.uid(), action.uid(), resource.uid(), context, None).ok()?;
        // Asked about itself, the main account is principal and resource at once.
        let same = principal.uid() == resource.uid();
        // Policies of roles are about groups of actions; those of RAM documents about none.
        let action = is_by_roles.then_some(action);
        let entities = [Some(principal), (!same).then_some(resource), action];
        Some((asked, Entities::from_entities(entities.into_iter().flatten(), None).ok()?))
    }

    fn principal(
        principal: &Principal,
        workspace: Option<&WorkspaceId>,
        roles: &[RoleRef],
        applying: &Applying<'_>,
    ) -> Option<Entity> {
        let mut parents = HashSet::with_capacity(roles.len());
        for role in roles {
            parents.insert(role_uid(workspace?, role));
        }
        parents.extend(applying.policy().map(|policy| Type::RamPolicy.uid(policy)));
        let id = principal.id.as_str();
        let mut attributes = HashMap::from([string("uid", id)]);
        if principal.kind == PrincipalKind::Account {
            attributes.extend([string(ram::ARN, "")]);
        }
        Entity::new(Type::of(principal.kind).uid(id), attributes, parents).ok()
    }

    fn resource(
        &self,
        resource: &Resource,
        workspace: Option<&WorkspaceId>,
        ram_arn: &str,
    ) -> Option<Entity> {
        let account = self.account.as_str();
        let (kind, id, creator, accessibility) = match resource {
            Resource::Foreign => return None,
            Resource::Account => {
                let attributes = HashMap::from([string("uid", account), string(ram::ARN, ram_arn)]);
                return Entity::new(Type::Account.uid(account), attributes, HashSet::new()).ok();
            }
            Resource::Arn { arn, .. } => ("arn", arn.as_str(), None, None),
            Resource::Asset { resource_type, id, creator, accessibility, .. } => (
                *resource_type,
                id.as_ref().map_or(ANY, ResourceId::as_str),
                creator.as_ref(),
                *accessibility,
            ),
        };
        // Only both together tell the cell of an asset; with one of them missing no condition may hold.
        let (creator, accessibility) = match (creator, accessibility) {
            (Some(creator), Some(accessibility)) => (creator.as_str(), accessibility.as_str()),
            _ => ("", ""),
        };
        let attributes = HashMap::from([
            string("kind", kind),
            string("creator", creator),
            string("accessibility", accessibility),
            string(ram::ARN, ram_arn),
        ]);
        let parents = workspace.iter().map(|id| Type::Workspace.uid(id.as_str())).collect();
        Entity::new(Type::Asset.uid(&format!("{kind}/{id}")), attributes, parents).ok()
    }
}

fn role_uid(workspace: &WorkspaceId, role: &RoleRef) -> EntityUid {
    match role {
        RoleRef::Builtin(role) => Type::Role.uid(role.code()),
        RoleRef::Custom(id) => Type::Role.uid(&entity_id(workspace, id)),
    }
}

pub(super) fn string(name: &str, value: &str) -> (String, RestrictedExpression) {
    (name.to_owned(), RestrictedExpression::new_string(value.to_owned()))
}

/// Combines the answers of the slices: any error denies, else any forbid denies, else any permit allows.
pub(super) fn judge(
    slices: &[&PolicySet],
    request: &CedarRequest,
    entities: &Entities,
) -> Decision {
    let authorizer = Authorizer::new();
    let (mut permits, mut forbids, mut faults) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for slice in slices {
        let response = authorizer.is_authorized(request, slice, entities);
        let diagnostics = response.diagnostics();
        // Cedar skips a policy that fails, also a forbid: a request with any failure must not be allowed.
        faults.extend(diagnostics.errors().map(policy_of));
        let reasons = diagnostics.reason().map(text_of);
        match response.decision() {
            CedarDecision::Allow => permits.extend(reasons),
            CedarDecision::Deny => forbids.extend(reasons),
        }
    }
    if !faults.is_empty() {
        return Decision {
            reason: Reason::Error,
            determining_policies: Vec::new(),
            faults: faults.into_iter().map(Fault::Evaluation).collect(),
        };
    }
    let (reason, policies) = if !forbids.is_empty() {
        (Reason::ExplicitDeny, forbids)
    } else if !permits.is_empty() {
        (Reason::ExplicitAllow, permits)
    } else {
        (Reason::ImplicitDeny, BTreeSet::new())
    };
    Decision { reason, determining_policies: policies.into_iter().collect(), faults: Vec::new() }
}

fn policy_of(error: &cedar_policy::AuthorizationError) -> String {
    match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => {
            text_of(error.policy_id())
        }
    }
}

/// Returns a policy id as it was given; its `Display` escapes.
fn text_of(id: &PolicyId) -> String {
    let text: &str = id.as_ref();
    text.to_owned()
}
