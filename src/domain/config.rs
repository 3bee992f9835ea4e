//! Configs of a workspace: named texts that others read, some of them switches that decisions are made on.

use std::collections::BTreeMap;

use super::{ConfigCategory, ConfigKey, Timestamp};

/// What a config is known by in its workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigName {
    /// What it is about; a key may stand in several.
    pub category: ConfigCategory,
    /// Its key, unique among those of the category with the same labels.
    pub key: ConfigKey,
    /// Labels by key; mostly none.
    pub labels: BTreeMap<String, String>,
}

/// A config of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What it is known by.
    pub name: ConfigName,
    /// Its value, to the byte as it was stated. What it means is its readers' to say, but of switches.
    pub value: String,
    /// When it was first put.
    pub created: Timestamp,
    /// When its value changed last.
    pub modified: Timestamp,
}

impl Config {
    /// The value of a switch that is on: with any other it is off.
    pub const ON: &'static str = "true";
    /// The value of a switch that is off.
    pub const OFF: &'static str = "false";

    /// Returns how many bytes its names, labels and value are.
    #[must_use]
    pub fn size(&self) -> usize {
        let ConfigName { category, key, labels } = &self.name;
        let labels = labels.iter().map(|(key, value)| key.len() + value.len());
        category.as_str().len() + key.as_str().len() + labels.sum::<usize>() + self.value.len()
    }
}
