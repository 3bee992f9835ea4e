//! Custom roles: what they grant, and what is refused.

use cedar_policy::{
    Policy,
    pst::{EntityOrSlot, ResourceConstraint},
};

use super::{
    names::Type,
    policies::{self, Grants},
};
use crate::{
    catalog::{Action, Catalog, ManagedIn, Module, meant},
    domain::{
        Cells, CustomRole, CustomRoleId, Invalid, ModulePermission, PermissionGrant,
        PermissionType, RoleName, WorkspaceId,
    },
};

/// How often a code of a module may be named in one role.
const MENTIONS: usize = 4;

/// Returns the id of the role entity; workspaces cannot see each other's roles even if ids ever met.
pub(super) fn entity_id(workspace: &str, role: &CustomRoleId) -> String {
    format!("{workspace}/{role}")
}

/// A custom role as Cedar policies.
#[derive(Debug, Clone)]
pub struct RolePolicies {
    name: RoleName,
    pub(super) policies: Vec<Policy>,
}

impl RolePolicies {
    /// Returns the refusal of a role that is well formed but does not compile.
    pub(super) fn defect(&self, detail: &str) -> Invalid {
        uncompilable(&self.name, detail)
    }
}

/// Returns the policies of a custom role, each narrowed to its workspace.
pub(super) fn policies(
    catalog: &Catalog,
    workspace: &WorkspaceId,
    role: &CustomRole,
) -> Result<RolePolicies, Invalid> {
    let grants = grants(catalog, role)?;
    of_grants(catalog, workspace, &role.id, &grants)
        .map(|policies| RolePolicies { name: role.name.clone(), policies })
        .map_err(|detail| uncompilable(&role.name, &detail))
}

/// Returns the policies of a custom role that grants this.
pub(super) fn of_grants(
    catalog: &Catalog,
    workspace: &WorkspaceId,
    role: &CustomRoleId,
    grants: &Grants,
) -> Result<Vec<Policy>, String> {
    let within =
        ResourceConstraint::In(EntityOrSlot::Entity(Type::Workspace.pst(workspace.as_str())));
    let entity = entity_id(workspace.as_str(), role);
    policies::policies(catalog, &entity, role.as_str(), &within, grants)
}

pub(super) fn uncompilable(name: &RoleName, detail: &str) -> Invalid {
    Invalid::value(
        "ModulePermissions",
        name.as_str(),
        "a role that compiles",
        format!("this is a defect of pai-authz, please report it: {detail}"),
    )
}

/// Returns what a custom role grants.
pub(super) fn grants(catalog: &Catalog, role: &CustomRole) -> Result<Grants, Invalid> {
    let mut out = Grants::new();
    for (index, permission) in role.modules.iter().enumerate() {
        let field = format!("ModulePermissions[{index}]");
        let module = catalog
            .api_module(&permission.module)
            .ok_or_else(|| unknown_module(catalog, &field, permission))?;
        if role.modules.iter().take(index).any(|earlier| earlier.module == permission.module) {
            return Err(Invalid::value(
                format!("{field}.ModuleName"),
                &permission.module,
                "named once",
                "give each module one entry with the level it shall have",
            ));
        }
        if permission.permission_type == PermissionType::CustomPermissions {
            custom_permissions(catalog, module, &field, permission, &mut out)?;
        } else if permission.permissions.is_empty() {
            for action in catalog.actions().iter().filter(|a| a.module == Some(module.name)) {
                let cells = catalog.level_cells(permission.permission_type, action);
                if !cells.is_empty() {
                    out.insert(action.id, cells);
                }
            }
        } else {
            return Err(Invalid::unexpected(
                format!("{field}.Permissions"),
                permission.permission_type.as_str(),
                "`Permissions` goes with the PermissionType `CustomPermissions` only",
            ));
        }
    }
    Ok(out)
}

fn custom_permissions(
    catalog: &Catalog,
    module: &Module,
    field: &str,
    permission: &ModulePermission,
    out: &mut Grants,
) -> Result<(), Invalid> {
    if permission.permissions.is_empty() {
        return Err(Invalid::missing(
            format!("{field}.Permissions"),
            "`CustomPermissions` needs at least one entry of PermissionCodes and PermissionRules",
        ));
    }
    // An asset is in one of four cells: a code that is named more often than that says something twice.
    let named: usize = permission.permissions.iter().map(|grant| grant.codes.len()).sum();
    let of_module = catalog.actions().iter().filter(|a| a.module == Some(module.name)).count();
    if named > MENTIONS * of_module || permission.permissions.len() > MENTIONS * of_module {
        let help = format!("name each of its {of_module} codes at most {MENTIONS} times");
        return Err(Invalid::value(
            format!("{field}.Permissions"),
            &named.to_string(),
            "a number of codes that fits the module",
            help,
        ));
    }
    for (index, grant) in permission.permissions.iter().enumerate() {
        let field = format!("{field}.Permissions[{index}]");
        let cells = rule_cells(module, &field, grant)?;
        if grant.codes.is_empty() {
            return Err(Invalid::missing(
                format!("{field}.PermissionCodes"),
                "name at least one permission code",
            ));
        }
        for (index, code) in grant.codes.iter().enumerate() {
            let field = format!("{field}.PermissionCodes[{index}]");
            let action = code_of(catalog, module, &field, code)?;
            let before = out.get(&action.id).copied().unwrap_or_default();
            out.insert(action.id, before.union(cells));
        }
    }
    Ok(())
}

fn rule_cells(module: &Module, field: &str, grant: &PermissionGrant) -> Result<Cells, Invalid> {
    if grant.rules.is_empty() {
        return Err(Invalid::missing(
            format!("{field}.PermissionRules"),
            "give at least one rule, for example {\"Accessibility\": \"PRIVATE\", \"EntityAccessType\": \"CREATOR\"}",
        ));
    }
    for (index, rule) in grant.rules.iter().enumerate() {
        if grant.rules.iter().take(index).any(|earlier| earlier == rule) {
            let said = format!("{}/{}", rule.accessibility.as_str(), rule.entity_access.as_str());
            return Err(Invalid::value(
                format!("{field}.PermissionRules[{index}]"),
                &said,
                "named once",
                "give each rule once",
            ));
        }
        if !module.entities && rule.cells() != Cells::ALL {
            let said = format!("{}/{}", rule.accessibility.as_str(), rule.entity_access.as_str());
            return Err(Invalid::value(
                format!("{field}.PermissionRules[{index}]"),
                &said,
                "a rule of a module without assets",
                format!(
                    "give {{\"Accessibility\": \"ANY\"}}: what `{}` grants has no creator",
                    module.name
                ),
            ));
        }
    }
    Ok(grant.rules.iter().fold(Cells::NONE, |cells, rule| cells.union(rule.cells())))
}

fn code_of<'c>(
    catalog: &'c Catalog,
    module: &Module,
    field: &str,
    code: &str,
) -> Result<&'c Action, Invalid> {
    // A custom role spells permission codes; the RAM spelling of the same action is not one.
    let Some(action) = catalog.find_action(code).filter(|a| a.name == code && a.module.is_some())
    else {
        // INVARIANT: what is suggested is accepted as a code, so never the RAM spelling that was refused.
        let near = nearest_codes(catalog, code);
        let help = meant(&near, "see `pai-authz catalog list --module` for the codes of a module");
        return Err(Invalid::value(field, code, "a permission code", help));
    };
    if action.module != Some(module.name) {
        let other = action.module.unwrap_or_default();
        return Err(Invalid::value(
            field,
            code,
            &format!("a code of `{}`", module.api_module.unwrap_or(module.name)),
            format!(
                "it belongs to `{}`",
                catalog.module(other).and_then(|m| m.api_module).unwrap_or(other)
            ),
        ));
    }
    if catalog.point(action).is_none_or(|p| p.managed == ManagedIn::Ram)
        || catalog.group(action).is_none()
    {
        let help = "this code is managed in RAM: grant it with a RAM policy document";
        return Err(Invalid::value(field, code, "a code a workspace role can grant", help));
    }
    Ok(action)
}

/// Returns the codes a role can grant that are nearly called `name`, or are spelled so in RAM.
fn nearest_codes(catalog: &Catalog, name: &str) -> Vec<&'static str> {
    let mut codes: Vec<&str> = Vec::new();
    for near in catalog.nearest_actions(name) {
        if let Some(action) = catalog.find_action(near)
            && catalog.group(action).is_some()
            && !codes.contains(&action.name)
        {
            codes.push(action.name);
        }
    }
    codes
}

fn unknown_module(catalog: &Catalog, field: &str, permission: &ModulePermission) -> Invalid {
    let names: Vec<&str> = catalog.modules().iter().filter_map(|m| m.api_module).collect();
    Invalid::value(
        format!("{field}.ModuleName"),
        &permission.module,
        "a module of custom roles",
        format!("give one of `{}`", names.join("`, `")),
    )
}
