//! The configs of workspaces that are known: where each stands, and what a switch forbids.

use serde::Deserialize;

use super::{
    Action,
    file::{Text, file, unknown},
};
use crate::domain::ActionId;

const CONFIGS: (&str, &str) = ("configs", include_str!("../../schema/catalog/configs.json"));

/// A config that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownConfig {
    /// The category it stands in, alone; `None` where that is not known.
    pub category: Option<&'static str>,
    /// Its key.
    pub key: &'static str,
    /// Whether its value is `true` or `false`; any other is a text that is kept as it is.
    pub is_switch: bool,
    /// Whether the name is this service's own.
    pub is_own: bool,
    /// The actions nobody has in a workspace in which the switch is off.
    pub forbids: Vec<ActionId>,
    /// What it is for.
    pub description: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigRow {
    category: Option<Text>,
    key: Text,
    kind: Text,
    own: bool,
    forbids: Vec<Text>,
    description: Text,
}

/// Reads the table; `action` finds one by its name.
pub(super) fn read<'a>(
    action: impl Fn(&str) -> Option<&'a Action>,
) -> Result<Vec<KnownConfig>, String> {
    let mut configs: Vec<KnownConfig> = Vec::new();
    for row in file::<ConfigRow>(CONFIGS)?.rows {
        let key = row.key.0;
        let kinds = [("text", false), ("switch", true)];
        let kind = kinds.into_iter().find(|(kind, _)| *kind == row.kind.0);
        let (_, is_switch) = unknown(kind, key, row.kind.0)?;
        let mut forbids = Vec::with_capacity(row.forbids.len());
        for name in row.forbids {
            forbids.push(unknown(action(name.0), key, name.0)?.id);
        }
        let category = row.category.map(|category| category.0);
        if configs.iter().any(|other| (other.category, other.key) == (category, key)) {
            return Err(format!("`{key}` stands twice in a category"));
        }
        if !is_switch && !forbids.is_empty() {
            return Err(format!("`{key}` is no switch and forbids something"));
        }
        if is_switch && category.is_none() {
            return Err(format!("the switch `{key}` stands in no category"));
        }
        let (is_own, description) = (row.own, row.description.0);
        configs.push(KnownConfig { category, key, is_switch, is_own, forbids, description });
    }
    Ok(configs)
}
