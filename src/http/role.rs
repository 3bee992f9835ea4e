//! `ModulePermissions` of custom roles, as the API and import files spell them.
//!
//! Source: AIWorkSpace 2021-02-04, CreateWorkspaceRole and the structure ModulePermissions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::object::Object;
use crate::domain::{Invalid, ModulePermission, PermissionGrant, PermissionRule, PermissionType};

/// An entry of `ModulePermissions`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct WireModulePermission {
    #[serde(default)]
    module_name: Option<String>,
    #[serde(default)]
    permission_type: Option<String>,
    #[serde(default)]
    permissions: Vec<Object<WirePermission>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WirePermission {
    #[serde(default)]
    permission_codes: Vec<String>,
    #[serde(default)]
    permission_rules: Vec<Object<WireRule>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WireRule {
    #[serde(default)]
    accessibility: Option<String>,
    #[serde(default)]
    entity_access_type: Option<String>,
}

/// Returns the modules of a role. Empty lists count as absent, as SDKs send them for fields that were not set.
///
/// # Errors
/// The first field that is missing or has no known value.
pub fn modules(wire: &[Object<WireModulePermission>]) -> Result<Vec<ModulePermission>, Invalid> {
    let module = |(index, Object(wire)): (usize, &Object<WireModulePermission>)| {
        let field = format!("ModulePermissions[{index}]");
        module(wire).map_err(|invalid| invalid.within(&field))
    };
    wire.iter().enumerate().map(module).collect()
}

fn module(wire: &WireModulePermission) -> Result<ModulePermission, Invalid> {
    let module = wire
        .module_name
        .clone()
        .ok_or_else(|| Invalid::missing("ModuleName", "name a module, as `DLC`"))?;
    let names = PermissionType::ALL.map(PermissionType::as_str).join("`, `");
    let help = format!("give one of `{names}`");
    let permission_type = match wire.permission_type.as_deref() {
        None => return Err(Invalid::missing("PermissionType", help)),
        Some(text) => PermissionType::parse(text)
            .ok_or_else(|| Invalid::value("PermissionType", text, "a permission type", help))?,
    };
    let grant = |(index, Object(wire)): (usize, &Object<WirePermission>)| {
        let rule = |(at, Object(rule)): (usize, &Object<WireRule>)| {
            let field = format!("Permissions[{index}].PermissionRules[{at}]");
            let accessibility = rule.accessibility.as_deref().ok_or_else(|| {
                Invalid::missing("Accessibility", "give `PUBLIC`, `PRIVATE` or `ANY`")
                    .within(&field)
            })?;
            PermissionRule::parse(accessibility, rule.entity_access_type.as_deref())
                .map_err(|invalid| invalid.within(&field))
        };
        let rules = wire.permission_rules.iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        Ok(PermissionGrant { codes: wire.permission_codes.clone(), rules })
    };
    let permissions =
        wire.permissions.iter().enumerate().map(grant).collect::<Result<_, Invalid>>()?;
    Ok(ModulePermission { module, permission_type, permissions })
}

/// Returns modules as the interface shows them.
pub(super) fn render(modules: &[ModulePermission]) -> Value {
    let grant = |grant: &PermissionGrant| json!({ "PermissionCodes": grant.codes, "PermissionRules": render_rules(&grant.rules) });
    modules
        .iter()
        .map(|module| {
            json!({
                "ModuleName": module.module,
                "PermissionType": module.permission_type.as_str(),
                "Permissions": module.permissions.iter().map(grant).collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// Returns rules as the interface shows them.
pub(super) fn render_rules(rules: &[PermissionRule]) -> Value {
    rules
        .iter()
        .map(|rule| {
            json!({
                "Accessibility": rule.accessibility.as_str(),
                "EntityAccessType": rule.entity_access.as_str(),
            })
        })
        .collect()
}
