//! What is looked up beside the tables: made of them once, when they are read.

use std::collections::HashMap;

use super::{Action, ByName, Module, RamAction};
use crate::domain::ActionId;

/// Returns the actions by their RAM names in small letters.
pub(super) fn by_ram_name(
    actions: &[Action],
    ram_actions: &[RamAction],
) -> HashMap<String, ActionId> {
    let name = |action: &Action| Some((ram_actions.get(action.ram)?.lower.clone(), action.id));
    actions.iter().filter_map(name).collect()
}

/// Returns the main type of each action: its module's; that of actions without a module is the workspace.
pub(super) fn main_types(
    actions: &[Action],
    modules: &[Module],
    types: &ByName<usize>,
) -> Vec<Option<usize>> {
    let main_type = |action: &Action| match action.module {
        Some(name) => modules.iter().find(|module| module.name == name)?.main_type,
        None => Some("workspace"),
    };
    actions.iter().map(|action| types.get(main_type(action)?).copied()).collect()
}
