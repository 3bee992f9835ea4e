//! What a request is about, as Cedar has it.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Entity, EntityUid, RestrictedExpression};

use super::{custom_role::entity_id, names::Type, slices};
use crate::{
    catalog::{ANY, Catalog},
    domain::{AccountId, Asker, IdRef, Resource, RoleRef, WorkspaceId},
};

/// Returns the entity of each action: its parents are the groups it belongs to. A request carries one of them.
pub(super) fn actions(catalog: &Catalog) -> Vec<Entity> {
    let entity = |action| {
        let parents =
            slices::groups(catalog, action).iter().map(|group| Type::Action.uid(group)).collect();
        Entity::new_no_attrs(Type::Action.uid(action.name), parents)
    };
    catalog.actions().iter().map(entity).collect()
}

/// Returns who asks, with the roles it holds in the workspace and the RAM policies it has as parents.
pub(super) fn principal<'p>(
    principal: &Asker<'_>,
    workspace: Option<IdRef<'_, WorkspaceId>>,
    roles: &[RoleRef],
    policies: impl IntoIterator<Item = &'p str>,
) -> Option<Entity> {
    let mut parents = HashSet::with_capacity(roles.len() + 1);
    for role in roles {
        parents.insert(role_uid(workspace?, role));
    }
    parents.extend(policies.into_iter().map(|policy| Type::RamPolicy.uid(policy)));
    let id = principal.id.as_str();
    let attributes = HashMap::from([string("uid", id)]);
    Entity::new(Type::of(principal.kind).uid(id), attributes, parents).ok()
}

/// Returns what is asked about; `None` for what is of another account.
pub(super) fn resource(account: &AccountId, resource: &Resource<'_>) -> Option<Entity> {
    let (kind, id, creator, accessibility) = match resource {
        Resource::Foreign => return None,
        Resource::Account => {
            let account = account.as_str();
            let attributes = HashMap::from([string("uid", account)]);
            return Entity::new(Type::Account.uid(account), attributes, HashSet::new()).ok();
        }
        Resource::Arn { arn, .. } => ("arn", &**arn, None, None),
        Resource::Asset { resource_type, id, creator, accessibility, .. } => {
            (*resource_type, id.as_deref().unwrap_or(ANY), *creator, *accessibility)
        }
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
    ]);
    let workspace = resource.workspace();
    let parents = workspace.iter().map(|id| Type::Workspace.uid(id.as_str())).collect();
    Entity::new(Type::Asset.uid(&format!("{kind}/{id}")), attributes, parents).ok()
}

/// Returns a workspace with the switches that are off in it as parents.
pub(super) fn workspace<'k>(id: &str, off: impl IntoIterator<Item = &'k str>) -> Option<Entity> {
    let parents = off.into_iter().map(|key| Type::Off.uid(key)).collect();
    Entity::new(Type::Workspace.uid(id), HashMap::new(), parents).ok()
}

fn role_uid(workspace: IdRef<'_, WorkspaceId>, role: &RoleRef) -> EntityUid {
    match role {
        RoleRef::Builtin(role) => Type::Role.uid(role.code()),
        RoleRef::Custom(id) => Type::Role.uid(&entity_id(workspace.as_str(), id)),
    }
}

/// Returns an attribute that is a text.
pub(super) fn string(name: &str, value: &str) -> (String, RestrictedExpression) {
    (name.to_owned(), RestrictedExpression::new_string(value.to_owned()))
}
