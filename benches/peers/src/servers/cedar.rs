//! Plain Cedar: the policies of the built-in roles, entities and request built for each check.
//!
//! Twice: judging all policies, and judging the slice of those that name the action and a role the member holds. Slices are
//! cut at the start, one for each set of roles that occurs and each action; where a slice is empty, Cedar is not asked.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint, Request, RestrictedExpression,
};
use pai_authz::{catalog::catalog, domain::BuiltinRole, engine::generate_builtin};

use super::shell::{Judge, Question};
use crate::workload::Workspace;

/// The types of entities, read once.
#[derive(Debug)]
struct Types {
    user: EntityTypeName,
    role: EntityTypeName,
    workspace: EntityTypeName,
    asset: EntityTypeName,
    action: EntityTypeName,
}

impl Types {
    fn new() -> anyhow::Result<Self> {
        let read = |name: &str| format!("PAI::{name}").parse().context("the name of a type");
        Ok(Self {
            user: read("User")?,
            role: read("Role")?,
            workspace: read("Workspace")?,
            asset: read("Asset")?,
            action: read("Action")?,
        })
    }
}

/// The two roles of a member, sorted.
type Roles = [BuiltinRole; 2];

/// What both hold: who is a member where, policies, and the groups of actions.
#[derive(Debug)]
struct Data {
    types: Types,
    policies: Vec<Policy>,
    members: HashMap<String, HashMap<String, Roles>>,
    /// The groups of an action, as `DLC@Read`.
    groups: HashMap<&'static str, Vec<EntityUid>>,
    authorizer: Authorizer,
}

impl Data {
    fn new(workspaces: &[Workspace]) -> anyhow::Result<Self> {
        let types = Types::new()?;
        let mut policies = Vec::new();
        for role in BuiltinRole::ALL {
            let text = generate_builtin(catalog(), role).map_err(anyhow::Error::msg)?;
            let set: PolicySet = text.parse()?;
            for policy in set.policies() {
                let id = policy.annotation("id").context("a policy without an id")?;
                policies.push(policy.new_id(PolicyId::new(id)));
            }
        }
        let mut members: HashMap<String, HashMap<String, Roles>> = HashMap::new();
        for workspace in workspaces {
            let of_workspace = members.entry(workspace.id.clone()).or_default();
            for member in &workspace.members {
                let mut roles = member.roles;
                roles.sort_unstable();
                of_workspace.insert(member.user.clone(), roles);
            }
        }
        let mut groups = HashMap::new();
        for action in catalog().actions() {
            let group = action.module.zip(catalog().group(action));
            let group = group.map(|(module, group)| {
                let name = format!("{module}@{}", group.as_str());
                uid(&types.action, &name)
            });
            groups.insert(action.name, group.into_iter().collect());
        }
        Ok(Self { types, policies, members, groups, authorizer: Authorizer::new() })
    }

    /// Returns the roles of who asks; `None` when it is no member.
    fn roles(&self, question: &Question<'_>) -> Option<Roles> {
        self.members.get(&*question.resource.workspace)?.get(&*question.principal.id).copied()
    }

    fn judge(
        &self,
        question: &Question<'_>,
        roles: Roles,
        policies: &PolicySet,
    ) -> anyhow::Result<bool> {
        let (types, resource) = (&self.types, &question.resource);
        let user = uid(&types.user, &question.principal.id);
        let held = roles.iter().map(|role| uid(&types.role, role.code())).collect();
        let user =
            Entity::new(user, HashMap::from([attribute("uid", &question.principal.id)]), held)?;
        let attributes = HashMap::from([
            attribute("kind", &resource.kind),
            attribute("creator", &resource.creator),
            attribute("accessibility", &resource.accessibility),
        ]);
        let workspace = HashSet::from([uid(&types.workspace, &resource.workspace)]);
        let asset = uid(&types.asset, &format!("{}/{}", resource.kind, resource.id));
        let asset = Entity::new(asset, attributes, workspace)?;
        let groups = self.groups.get(&*question.action).context("an unknown action")?;
        let groups = groups.iter().cloned().collect();
        let action = Entity::new_no_attrs(uid(&types.action, &question.action), groups);
        let request = Request::new(user.uid(), action.uid(), asset.uid(), Context::empty(), None)?;
        let entities = Entities::from_entities([user, asset, action], None)?;
        let response = self.authorizer.is_authorized(&request, policies, &entities);
        Ok(response.decision() == Decision::Allow)
    }
}

/// Cedar judging all policies.
#[derive(Debug)]
pub(crate) struct Plain {
    data: Data,
    all: PolicySet,
}

impl Judge for Plain {
    async fn load(workspaces: &[Workspace]) -> anyhow::Result<Self> {
        let data = Data::new(workspaces)?;
        let all = PolicySet::from_policies(data.policies.iter().cloned())?;
        Ok(Self { data, all })
    }

    fn is_allowed(&self, question: &Question<'_>) -> anyhow::Result<bool> {
        match self.data.roles(question) {
            Some(roles) => self.data.judge(question, roles, &self.all),
            None => Ok(false),
        }
    }
}

/// Cedar judging the policies that can matter.
#[derive(Debug)]
pub(crate) struct Slice {
    data: Data,
    sets: Vec<PolicySet>,
    /// The index of the set; an action without any policy of these roles has none.
    by_roles: HashMap<Roles, HashMap<&'static str, usize>>,
}

impl Judge for Slice {
    async fn load(workspaces: &[Workspace]) -> anyhow::Result<Self> {
        let data = Data::new(workspaces)?;
        let scopes = data.policies.iter().map(scope).collect::<anyhow::Result<Vec<_>>>()?;
        let occurring: HashSet<Roles> =
            data.members.values().flat_map(HashMap::values).copied().collect();
        let mut sets = Vec::new();
        let mut by_roles = HashMap::new();
        for roles in occurring {
            let codes = roles.map(BuiltinRole::code);
            let mut chosen: HashMap<&'static str, Vec<usize>> = HashMap::new();
            for (index, (role, named)) in scopes.iter().enumerate() {
                if !codes.contains(&role.as_str()) {
                    continue;
                }
                for (action, groups) in &data.groups {
                    let mut names = groups.iter().map(|group| group.id().unescaped());
                    if named.contains(*action) || names.any(|name| named.contains(name)) {
                        chosen.entry(action).or_default().push(index);
                    }
                }
            }
            // Actions with the same policies share a set.
            let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
            let mut by_action = HashMap::new();
            for (action, chosen) in chosen {
                if !known.contains_key(&chosen) {
                    let policies = chosen.iter().filter_map(|&i| data.policies.get(i).cloned());
                    known.insert(chosen.clone(), sets.len());
                    sets.push(PolicySet::from_policies(policies)?);
                }
                by_action.extend(known.get(&chosen).map(|&index| (action, index)));
            }
            by_roles.insert(roles, by_action);
        }
        Ok(Self { data, sets, by_roles })
    }

    fn is_allowed(&self, question: &Question<'_>) -> anyhow::Result<bool> {
        let Some(roles) = self.data.roles(question) else { return Ok(false) };
        let index = self.by_roles.get(&roles).and_then(|of| of.get(&*question.action));
        match index.and_then(|&index| self.sets.get(index)) {
            Some(slice) => self.data.judge(question, roles, slice),
            None => Ok(false),
        }
    }
}

/// Returns the role a policy is of, and the actions and groups it names.
fn scope(policy: &Policy) -> anyhow::Result<(String, HashSet<String>)> {
    match (policy.principal_constraint(), policy.action_constraint()) {
        (PrincipalConstraint::In(role), ActionConstraint::In(named)) => {
            let all = named.iter().map(|uid| uid.id().unescaped().to_owned());
            Ok((role.id().unescaped().to_owned(), all.collect()))
        }
        _ => anyhow::bail!("a policy of another form: {policy}"),
    }
}

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}

fn attribute(name: &str, value: &str) -> (String, RestrictedExpression) {
    (name.to_owned(), RestrictedExpression::new_string(value.to_owned()))
}
