//! Reads the tables and joins them; every inconsistency is an error that names the entry.

use std::collections::HashMap;

use super::{
    ByName, Catalog, configs,
    file::{File, Text, file, unknown},
    indexes,
    model::{
        Access, Action, ActionScope, BuiltinRoleFacts, Confidence, Level, ManagedIn, Marks, Module,
        PermissionPoint, PermissionScope, RamAction, RamCode, ResourceType, Status,
    },
    nearest::Names,
    operations,
    rows::{
        LEVELS, LevelRow, MARKS, MODULES, MarksRow, ModuleRow, PERMISSIONS, PointRow, RAM_ACTIONS,
        RAM_CODES, ROLES, RamCodeRow, RamRow, RoleRow, TYPES, TypeRow,
    },
    system_policies,
};
use crate::domain::{ActionId, BuiltinRole, Cells, PermissionType};

fn cells(what: &str, text: &str) -> Result<Cells, String> {
    unknown(Cells::parse(text), what, text)
}

fn confidence(what: &str, text: &str) -> Result<Confidence, String> {
    let all = [Confidence::Low, Confidence::Medium, Confidence::High, Confidence::Certain];
    unknown(all.into_iter().find(|c| c.as_str() == text), what, text)
}

fn status(what: &str, text: &str) -> Result<Status, String> {
    let all = [Status::Documented, Status::Derived, Status::SystemPolicy, Status::Reported];
    unknown(all.into_iter().find(|s| s.as_str() == text), what, text)
}

fn columns(
    what: &str,
    roles: &[BuiltinRoleFacts],
    grants: &HashMap<String, String>,
) -> Result<Vec<(&'static str, Cells)>, String> {
    let mut out = Vec::with_capacity(grants.len());
    for (column, text) in grants {
        let column = unknown(roles.iter().map(|r| r.column).find(|c| c == column), what, column)?;
        out.push((column, cells(what, text)?));
    }
    out.sort_unstable();
    Ok(out)
}

fn points(roles: &[BuiltinRoleFacts], marks: &[Marks]) -> Result<Vec<PermissionPoint>, String> {
    let mut out = Vec::new();
    for table in PERMISSIONS {
        let file: File<PointRow> = file(table)?;
        let module = unknown(file.module, table.0, "a file without `module`")?.0;
        for row in file.rows {
            let what = row.code.0;
            let accesses = [Access::Read, Access::Write, Access::Manage];
            let scopes = [
                PermissionScope::OwnAndPublic,
                PermissionScope::WorkspaceAll,
                PermissionScope::Any,
                PermissionScope::Account,
            ];
            let managed = [ManagedIn::Both, ManagedIn::Workspace, ManagedIn::Ram];
            unknown(marks.iter().find(|m| m.marks == row.marks.0), what, row.marks.0)?;
            out.push(PermissionPoint {
                code: what,
                variant: row.variant.map(|v| v.0),
                module,
                access: unknown(
                    accesses.into_iter().find(|a| a.as_str() == row.access.0),
                    what,
                    row.access.0,
                )?,
                scope: unknown(
                    scopes.into_iter().find(|s| s.as_str() == row.scope.0),
                    what,
                    row.scope.0,
                )?,
                managed: unknown(
                    managed.into_iter().find(|m| m.as_str() == row.managed.0),
                    what,
                    row.managed.0,
                )?,
                grants: columns(what, roles, &row.grants)?,
                published: columns(what, roles, &row.published)?,
                allowed_unless_denied: row.allowed_unless_denied,
                issues_credentials: row.issues_credentials,
                resource: row.resource.map(|r| r.0),
                source_spelling: row.source_spelling.map(|s| s.0),
                marks: row.marks.0,
                confidence: confidence(what, row.confidence.0)?,
                description: row.description.0,
            });
        }
    }
    Ok(out)
}

fn ram_actions() -> Result<Vec<RamAction>, String> {
    let mut out = Vec::new();
    for table in RAM_ACTIONS {
        let file: File<RamRow> = file(table)?;
        let code = unknown(file.ram_code, table.0, "a file without `ram_code`")?.0;
        for row in file.rows {
            let what = row.action.0;
            if what.split_once(':').is_none_or(|(prefix, _)| prefix != code) {
                return Err(format!("`{what}` stands in the file of `{code}`"));
            }
            let also = [
                (RamAction::CHECKED_AS, row.canonical_action.into_iter().collect()),
                ("probably checked as", row.probable_action.into_iter().collect()),
                ("older names", row.aliases),
                ("also granted as", row.alternative_actions),
                ("operations", row.api),
            ];
            out.push(RamAction {
                action: what,
                lower: what.to_ascii_lowercase(),
                permission: row.permission.map(|p| p.0),
                access: row.access.0,
                arns: Text::all(row.arns),
                condition_keys: Text::all(row.condition_keys),
                status: status(what, row.status.0)?,
                arn_status: status(what, row.arn_status.0)?,
                also: also
                    .into_iter()
                    .filter(|(_, names)| !names.is_empty())
                    .map(|(kind, names)| (kind, Text::all(names)))
                    .collect(),
                note: row.note.map(|n| n.0),
            });
        }
    }
    Ok(out)
}

/// Joins each permission code with the RAM action that is the same operation, then adds the RAM-only actions.
fn actions(
    points: &[PermissionPoint],
    ram_actions: &[RamAction],
) -> Result<(Vec<Action>, ByName<ActionId>), String> {
    let by_permission: HashMap<&str, usize> =
        ram_actions.iter().enumerate().filter_map(|(i, a)| Some((a.permission?, i))).collect();
    let code_of = |action: &'static str| action.split_once(':').map_or(action, |(code, _)| code);
    let mut actions: Vec<Action> = Vec::with_capacity(ram_actions.len());
    for (i, point) in points.iter().enumerate().filter(|(_, p)| p.variant.is_none()) {
        let &ram = unknown(by_permission.get(point.code), point.code, "its RAM action")?;
        let spelled = unknown(ram_actions.get(ram), point.code, "its RAM action")?.action;
        actions.push(Action {
            id: ActionId(0),
            name: point.code,
            scope: ActionScope::Permission(point.scope),
            ram_code: code_of(spelled),
            module: Some(point.module),
            allowed_unless_denied: point.allowed_unless_denied,
            official_image: points
                .iter()
                .any(|p| p.code == point.code && p.variant == Some("official")),
            point: Some(i),
            ram,
        });
    }
    if actions.len() != by_permission.len() {
        return Err(
            "a RAM action is joined with a permission code that is not in the table".to_owned()
        );
    }
    for (i, action) in ram_actions.iter().enumerate().filter(|(_, a)| a.permission.is_none()) {
        actions.push(Action {
            id: ActionId(0),
            name: action.action,
            scope: ActionScope::RamOnly,
            ram_code: code_of(action.action),
            module: None,
            allowed_unless_denied: false,
            official_image: false,
            point: None,
            ram: i,
        });
    }
    let mut by_name = ByName::default();
    for (i, action) in actions.iter_mut().enumerate() {
        action.id =
            ActionId(u16::try_from(i).map_err(|_| "more actions than an id can count".to_owned())?);
        let ram = unknown(ram_actions.get(action.ram), action.name, "its RAM action")?.action;
        for name in [action.name, ram] {
            if by_name.insert(name, action.id).is_some_and(|other| other != action.id) {
                return Err(format!("`{name}` names two actions"));
            }
        }
    }
    Ok((actions, by_name))
}

/// Reads the resource types.
fn types(modules: &[Module]) -> Result<Vec<ResourceType>, String> {
    let mut types = Vec::new();
    for row in file::<TypeRow>(TYPES)?.rows {
        let name = row.name.0;
        for module in &row.modules {
            unknown(modules.iter().find(|m| m.name == module.0), name, module.0)?;
        }
        types.push(ResourceType {
            name,
            id_parts: row
                .arn
                .0
                .split('/')
                .filter(|p| p.starts_with('{') && *p != "{workspace}")
                .count(),
            modules: Text::all(row.modules),
            arn: row.arn.0,
            status: status(name, row.status.0)?,
        });
    }
    Ok(types)
}

/// Reads everything.
pub(super) fn read() -> Result<Catalog, String> {
    let modules: Vec<Module> = file::<ModuleRow>(MODULES)?
        .rows
        .into_iter()
        .map(|row| Module {
            name: row.module.0,
            title: row.title.0,
            api_module: row.api_module.map(|m| m.0),
            ram_code: row.ram_code.0,
            entities: row.entities,
            main_type: row.main_type.map(|t| t.0),
        })
        .collect();
    let types = types(&modules)?;
    let type_by_name: ByName<usize> = types.iter().enumerate().map(|(i, t)| (t.name, i)).collect();
    for module in &modules {
        if let Some(main) = module.main_type {
            unknown(type_by_name.get(main), module.name, main)?;
        }
    }
    let mut levels = Vec::new();
    for row in file::<LevelRow>(LEVELS)?.rows {
        let what = row.permission_type.0;
        levels.push(Level {
            permission_type: unknown(PermissionType::parse(what), "levels", what)?,
            console: row.console.0,
            read: cells(what, row.read.0)?,
            write: cells(what, row.write.0)?,
            manage: cells(what, row.manage.0)?,
            workspace_all: cells(what, row.workspace_all.0)?,
        });
    }
    let mut roles = Vec::new();
    for row in file::<RoleRow>(ROLES)?.rows {
        roles.push(BuiltinRoleFacts {
            role: unknown(BuiltinRole::parse(row.code.0), "roles", row.code.0)?,
            label: row.label.0,
            role_type: row.role_type.0,
            column: row.column.0,
            shared_with_dataworks: row.shared_with_dataworks,
            removable: row.removable,
            note: row.note.0,
        });
    }
    let mut marks = Vec::new();
    for row in file::<MarksRow>(MARKS)?.rows {
        marks.push(Marks {
            marks: row.marks.0,
            confidence: confidence(row.marks.0, row.confidence.0)?,
            reason: row.reason.0,
            alternatives: Text::all(row.alternatives),
        });
    }
    let mut ram_codes = Vec::new();
    for row in file::<RamCodeRow>(RAM_CODES)?.rows {
        ram_codes.push(RamCode {
            code: row.code.0,
            covers: row.covers.0,
            status: status(row.code.0, row.status.0)?,
        });
    }
    let points = points(&roles, &marks)?;
    let ram_actions = ram_actions()?;
    let (actions, by_name) = actions(&points, &ram_actions)?;
    let operations =
        operations::read(|name| by_name.get(name).and_then(|id| actions.get(usize::from(id.0))))?;
    let configs =
        configs::read(|name| by_name.get(name).and_then(|id| actions.get(usize::from(id.0))))?;
    let main_types = indexes::main_types(&actions, &modules, &type_by_name);
    let action_names = Names::new(by_name.keys().copied());
    let short_names = Names::new(actions.iter().filter_map(Action::short_name));
    let named = indexes::named(by_name, &actions, &main_types)?;
    let type_names = Names::new(types.iter().map(|t| t.name));
    Ok(Catalog {
        modules,
        types,
        levels,
        roles,
        marks,
        ram_codes,
        points,
        operations,
        configs,
        system_policies: system_policies::read()?,
        main_types,
        by_name: indexes::ActionNames::new(&named)?,
        by_ram_name: indexes::by_ram_name(&actions, &ram_actions),
        ram_actions,
        actions,
        type_by_name,
        action_names,
        short_names,
        type_names,
    })
}
