//! From grants to Cedar policies, through the typed tree: no policy is ever pasted together from strings.

use std::{collections::BTreeMap, sync::Arc};

use cedar_policy::{
    Policy,
    pst::{
        ActionConstraint, Clause, Effect, EntityOrSlot, PrincipalConstraint, ResourceConstraint,
        StaticPolicy, Template,
    },
};

use super::{condition, names::Type};
use crate::{
    catalog::{Action, Catalog, Group},
    domain::{ActionId, Cells},
};

/// What a role grants: cells by action. An action that is not there is not granted.
pub type Grants = BTreeMap<ActionId, Cells>;

/// Returns the name of the action group that carries a level of a module.
pub(super) fn group_name(module: &str, group: Group) -> String {
    format!("{module}@{}", group.as_str())
}

/// Returns the policies that say `grants` of the role `role`: one per module, group and set of cells.
///
/// The id of each is `<prefix>/<Module>.<group>.<cells>`. A policy names a whole group where the grants fill it,
/// and lists actions where they do not. `resource` narrows every policy.
pub(super) fn policies(
    catalog: &Catalog,
    role: &str,
    prefix: &str,
    resource: &ResourceConstraint,
    grants: &Grants,
) -> Result<Vec<Policy>, String> {
    let mut parts: BTreeMap<(usize, Group, Cells), Vec<&Action>> = BTreeMap::new();
    for (&id, &cells) in grants.iter().filter(|(_, cells)| !cells.is_empty()) {
        let action = catalog.action(id).ok_or("an action that is not in the catalogue")?;
        let place = catalog.modules().iter().position(|m| Some(m.name) == action.module);
        let (Some(module), Some(group)) = (place, catalog.group(action)) else {
            return Err(format!("`{}` cannot be granted by a role", action.name));
        };
        parts.entry((module, group, cells)).or_default().push(action);
    }
    let mut out = Vec::with_capacity(parts.len());
    for ((module, group, cells), actions) in parts {
        let module = catalog.modules().get(module).map_or("", |m| m.name);
        let all = catalog
            .actions()
            .iter()
            .filter(|a| a.module == Some(module) && catalog.group(a) == Some(group));
        let named = if all.count() == actions.len() {
            vec![Type::Action.pst(&group_name(module, group))]
        } else {
            actions.iter().map(|action| Type::Action.pst(action.name)).collect()
        };
        let id = format!(
            "{prefix}/{module}.{}.{}",
            group.as_str().to_lowercase(),
            condition::name(cells)
        );
        let template = Template::new(
            id.as_str(),
            Effect::Permit,
            PrincipalConstraint::In(EntityOrSlot::Entity(Type::Role.pst(role))),
            ActionConstraint::In(named),
            resource.clone(),
        )
        .try_with_clauses(condition::condition(cells).map(|expr| Clause::When(Arc::new(expr))))
        .map_err(|error| error.to_string())?
        .with_annotations(BTreeMap::from([("id".to_owned(), id.as_str().into())]));
        let policy = StaticPolicy::try_from(template).map_err(|error| error.to_string())?;
        out.push(
            Policy::from_pst(cedar_policy::pst::Policy::Static(policy))
                .map_err(|error| error.to_string())?,
        );
    }
    Ok(out)
}

/// Returns the policies as Cedar text, formatted for people.
pub(super) fn text(policies: &[Policy]) -> Result<String, String> {
    let mut text = String::new();
    for policy in policies {
        text.push_str(&policy.to_cedar().ok_or("a policy without a text form")?);
        text.push('\n');
    }
    let config = cedar_policy_formatter::Config { line_width: 110, indent_width: 2 };
    cedar_policy_formatter::policies_str_to_pretty(&text, &config)
        .map_err(|error| error.to_string())
}
