//! The stored form of configs of workspaces, field by field.

use super::{Undecodable, WireConfig, WireConfigName, id};
use crate::domain::{Config, ConfigCategory, ConfigKey, ConfigName, Timestamp, WorkspaceId};

impl From<(&WorkspaceId, &Config)> for WireConfig {
    fn from((workspace, config): (&WorkspaceId, &Config)) -> Self {
        Self {
            name: (workspace, &config.name).into(),
            value: config.value.clone(),
            created_ms: config.created.as_millis(),
            modified_ms: config.modified.as_millis(),
        }
    }
}

impl From<(&WorkspaceId, &ConfigName)> for WireConfigName {
    fn from((workspace, name): (&WorkspaceId, &ConfigName)) -> Self {
        Self {
            workspace: workspace.to_string(),
            category: name.category.to_string(),
            key: name.key.to_string(),
            labels: name.labels.clone(),
        }
    }
}

impl TryFrom<WireConfig> for (WorkspaceId, Config) {
    type Error = Undecodable;

    fn try_from(wire: WireConfig) -> Result<Self, Undecodable> {
        let (workspace, name) = wire.name.try_into()?;
        let config = Config {
            name,
            value: wire.value,
            created: Timestamp::from_millis(wire.created_ms),
            modified: Timestamp::from_millis(wire.modified_ms),
        };
        Ok((workspace, config))
    }
}

impl TryFrom<WireConfigName> for (WorkspaceId, ConfigName) {
    type Error = Undecodable;

    fn try_from(wire: WireConfigName) -> Result<Self, Undecodable> {
        let name = ConfigName {
            category: id(&wire.category, ConfigCategory::parse)?,
            key: id(&wire.key, ConfigKey::parse)?,
            labels: wire.labels,
        };
        Ok((id(&wire.workspace, WorkspaceId::parse)?, name))
    }
}
