//! Policies sorted by action, so that a request is judged by the few that can matter to it.
//!
//! Cedar evaluates every policy of a set, whether its scope can match or not. Judging slices apart and combining
//! them is exact: any forbid denies, else any permit allows, and any error denies.

use std::collections::HashMap;

use cedar_policy::{ActionConstraint, Policy, PolicySet};

use super::policies::group_name;
use crate::{
    catalog::{Catalog, Group},
    domain::ActionId,
};

/// A set of policies, cut by action.
#[derive(Debug)]
pub(super) struct Slices {
    sets: Vec<PolicySet>,
    /// Per action the index of its set and one; 0 when no policy names the action. Short where the last actions
    /// of the catalogue have none.
    by_action: Box<[u16]>,
}

impl Slices {
    /// Cuts `policies`; each must have an id of its own.
    pub(super) fn new(catalog: &Catalog, policies: &[Policy]) -> Result<Self, String> {
        let mut by_name: HashMap<String, Vec<ActionId>> = HashMap::new();
        for action in catalog.actions() {
            by_name.entry(action.name.to_owned()).or_default().push(action.id);
            if let (Some(module), Some(group)) = (action.module, catalog.group(action)) {
                by_name.entry(group_name(module, group)).or_default().push(action.id);
            }
            if action.allowed_unless_denied {
                by_name.entry(FLAG_ALLOWED_UNLESS_DENIED.to_owned()).or_default().push(action.id);
            }
            if action.official_image {
                by_name.entry(FLAG_OFFICIAL_IMAGE.to_owned()).or_default().push(action.id);
            }
        }
        let mut of_action: Vec<Vec<usize>> = vec![Vec::new(); catalog.actions().len()];
        for (index, policy) in policies.iter().enumerate() {
            let named = match policy.action_constraint() {
                ActionConstraint::Any => catalog.actions().iter().map(|a| a.id).collect(),
                ActionConstraint::Eq(uid) => members(&by_name, &uid)?,
                ActionConstraint::In(uids) => {
                    let mut all = Vec::new();
                    for uid in &uids {
                        all.extend(members(&by_name, uid)?);
                    }
                    all
                }
            };
            for id in named {
                if let Some(indices) = of_action.get_mut(usize::from(id.0))
                    && indices.last() != Some(&index)
                {
                    indices.push(index);
                }
            }
        }
        let mut sets: Vec<PolicySet> = Vec::new();
        let mut known: HashMap<Vec<usize>, u16> = HashMap::new();
        let mut by_action = Vec::with_capacity(of_action.len());
        for indices in of_action {
            if indices.is_empty() {
                by_action.push(0);
                continue;
            }
            let number = if let Some(&number) = known.get(&indices) {
                number
            } else {
                let chosen = indices.iter().filter_map(|&i| policies.get(i).cloned());
                sets.push(PolicySet::from_policies(chosen).map_err(|error| error.to_string())?);
                let number =
                    u16::try_from(sets.len()).map_err(|_| "too many policies".to_owned())?;
                known.insert(indices, number);
                number
            };
            by_action.push(number);
        }
        let used = by_action.iter().rposition(|&n| n != 0).map_or(0, |last| last + 1);
        by_action.truncate(used);
        Ok(Self { sets, by_action: by_action.into_boxed_slice() })
    }

    /// Returns the policies that name `action`; `None` when none does.
    pub(super) fn of(&self, action: ActionId) -> Option<&PolicySet> {
        let number = usize::from(self.number_of(action)?);
        self.sets.get(number.checked_sub(1)?)
    }

    /// Returns which of the sets names `action`; actions with the same number have the same policies. `None` for none.
    pub(super) fn number_of(&self, action: ActionId) -> Option<u16> {
        self.by_action.get(usize::from(action.0)).copied().filter(|number| *number != 0)
    }
}

/// The group of codes every known user has unless a policy forbids.
pub(super) const FLAG_ALLOWED_UNLESS_DENIED: &str = "Flag@AllowedUnlessDenied";
/// The group of codes every known user has on official images.
pub(super) const FLAG_OFFICIAL_IMAGE: &str = "Flag@OfficialImage";

/// Returns the names of the groups an action belongs to.
pub(super) fn groups(catalog: &Catalog, action: &crate::catalog::Action) -> Vec<String> {
    let level = action
        .module
        .zip(catalog.group(action))
        .map(|(module, group): (&str, Group)| group_name(module, group));
    let flag = action.allowed_unless_denied.then(|| FLAG_ALLOWED_UNLESS_DENIED.to_owned());
    let official = action.official_image.then(|| FLAG_OFFICIAL_IMAGE.to_owned());
    level.into_iter().chain(flag).chain(official).collect()
}

fn members(
    by_name: &HashMap<String, Vec<ActionId>>,
    uid: &cedar_policy::EntityUid,
) -> Result<Vec<ActionId>, String> {
    let name: &str = uid.id().unescaped();
    by_name
        .get(name)
        .cloned()
        .ok_or_else(|| format!("`{name}` is neither an action nor a group of the catalogue"))
}
