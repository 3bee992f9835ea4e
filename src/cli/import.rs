//! `pai-authz import` and `pai-authz user import`: users, workspaces, members and custom roles from a file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    open::{StoreArgs, actor},
    output::{self, Format},
};
use crate::{
    domain::{
        AccountId, BuiltinRole, CustomRole, CustomRoleId, IdForm, Identity, Import,
        ImportedWorkspace, Invalid, Member, Principal, PrincipalId, PrincipalKind, RoleName,
        RoleRef, Timestamp, Workspace, WorkspaceId, WorkspaceName,
    },
    http::{
        Object,
        role::{WireModulePermission, modules},
    },
    service::import,
};

/// What `import` takes.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// JSON file with `users`, `ramRoles` and, for `import`, `workspaces`; see docs/import.md.
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make users and RAM roles known under given ids.
    Import(ImportArgs),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct File {
    users: Vec<Object<NamedId>>,
    ram_roles: Vec<Object<NamedId>>,
    workspaces: Vec<Object<FileWorkspace>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedId {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWorkspace {
    id: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    creator: Option<String>,
    #[serde(default)]
    roles: Vec<Object<FileRole>>,
    #[serde(default)]
    members: Vec<Object<FileMember>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct FileRole {
    #[serde(default)]
    role_id: Option<String>,
    role_name: String,
    module_permissions: Vec<Object<WireModulePermission>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMember {
    user: String,
    roles: Vec<String>,
}

/// Reads a custom role: `RoleName` and `ModulePermissions` as the API takes them.
pub(super) fn read_role(path: &Path) -> anyhow::Result<CustomRole> {
    let Object(file): Object<FileRole> = read(path)?;
    let role = role(&file, || CustomRoleId::parse("role-example"));
    role.with_context(|| path.display().to_string())
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("`{shown}`"))?;
    // A list of values would be read as the fields of the object in their order.
    if text.trim_start().starts_with('[') {
        anyhow::bail!("`{shown}`: a list at line 1: give an object");
    }
    let mut reader = serde_json::Deserializer::from_str(&text);
    let value =
        serde_path_to_error::deserialize(&mut reader).with_context(|| format!("`{shown}`"))?;
    reader.end().with_context(|| format!("`{shown}`"))?;
    Ok(value)
}

/// Imports a file.
pub(super) async fn run(args: &ImportArgs, format: Format) -> anyhow::Result<u8> {
    let Object(file): Object<File> = read(&args.file)?;
    apply(args, &file, format).await
}

/// Imports a file of users.
pub(super) async fn run_users(command: &UserCommand, format: Format) -> anyhow::Result<u8> {
    let UserCommand::Import(args) = command;
    let Object(file): Object<File> = read(&args.file)?;
    if !file.workspaces.is_empty() {
        anyhow::bail!(
            "`{}` has workspaces too: import it with `pai-authz import`",
            args.file.display()
        );
    }
    apply(args, &file, format).await
}

async fn apply(args: &ImportArgs, file: &File, format: Format) -> anyhow::Result<u8> {
    let opened = args.store.open(true).await?;
    let shown = args.file.display().to_string();
    let content = content(file, &opened.account, opened.accounts.clock().now())
        .with_context(|| shown.clone())?;
    let imported = import(&opened.accounts, &opened.account, &actor()?, &content)
        .await
        .with_context(|| shown)?;
    match format {
        Format::Json => output::json(&json!({
            "identities": imported.identities, "workspaces": imported.workspaces,
            "members": imported.members, "roles": imported.roles,
            "revision": opened.keyring.revision_token(&opened.account, imported.revision),
        }))?,
        Format::Text => output::line(format!(
            "added {} users and roles, {} workspaces, {} memberships, {} custom roles",
            imported.identities, imported.workspaces, imported.members, imported.roles
        ))?,
    }
    Ok(0)
}

fn parse<T>(
    field: impl Into<String>,
    text: &str,
    parse: fn(&str) -> Result<T, IdForm>,
) -> Result<T, Invalid> {
    parse(text).map_err(|form| Invalid::value(field, text, form.expected, form.help))
}

fn content(file: &File, account: &AccountId, now: Timestamp) -> Result<Import, Invalid> {
    let mut out = Import::default();
    for (list, kind, named) in [
        ("users", PrincipalKind::User, &file.users),
        ("ramRoles", PrincipalKind::RamRole, &file.ram_roles),
    ] {
        for (index, Object(entry)) in named.iter().enumerate() {
            let id = parse(format!("{list}[{index}].id"), &entry.id, PrincipalId::parse)?;
            let name = entry.name.clone().unwrap_or_else(|| entry.id.clone());
            out.identities.push(Identity { principal: Principal { kind, id }, name, created: now });
        }
    }
    for (index, Object(entry)) in file.workspaces.iter().enumerate() {
        let workspace = workspace(entry, account, now)
            .map_err(|i| i.within(&format!("workspaces[{index}]")))?;
        out.workspaces.push(workspace);
    }
    Ok(out)
}

fn workspace(
    entry: &FileWorkspace,
    account: &AccountId,
    now: Timestamp,
) -> Result<ImportedWorkspace, Invalid> {
    let creator = entry.creator.as_deref().unwrap_or(account.as_str());
    let workspace = Workspace {
        id: parse("id", &entry.id, WorkspaceId::parse)?,
        name: parse("name", &entry.name, WorkspaceName::parse)?,
        description: entry.description.clone(),
        creator: parse("creator", creator, PrincipalId::parse)?,
        created: now,
    };
    let mut roles = Vec::with_capacity(entry.roles.len());
    for (index, Object(wire)) in entry.roles.iter().enumerate() {
        roles.push(
            role(wire, new_role_id)
                .map_err(|invalid| invalid.within(&format!("roles[{index}]")))?,
        );
    }
    let mut members = Vec::with_capacity(entry.members.len());
    for (index, Object(wire)) in entry.members.iter().enumerate() {
        let member = member(wire, &roles, now);
        members.push(member.map_err(|invalid| invalid.within(&format!("members[{index}]")))?);
    }
    Ok(ImportedWorkspace { workspace, roles, members })
}

fn new_role_id() -> Result<CustomRoleId, IdForm> {
    CustomRoleId::parse(&format!("role-{}", uuid::Uuid::new_v4().simple()))
}

fn role(
    wire: &FileRole,
    fresh: impl Fn() -> Result<CustomRoleId, IdForm>,
) -> Result<CustomRole, Invalid> {
    let id = match &wire.role_id {
        Some(text) => parse("RoleId", text, CustomRoleId::parse)?,
        None => fresh().map_err(|form| Invalid::value("RoleId", "", form.expected, form.help))?,
    };
    let name = parse("RoleName", &wire.role_name, RoleName::parse)?;
    Ok(CustomRole { id, name, modules: modules(&wire.module_permissions)? })
}

fn member(wire: &FileMember, roles: &[CustomRole], now: Timestamp) -> Result<Member, Invalid> {
    let principal = parse("user", &wire.user, PrincipalId::parse)?;
    let mut held = Vec::with_capacity(wire.roles.len());
    for (index, text) in wire.roles.iter().enumerate() {
        let custom = || roles.iter().find(|r| r.name.as_str() == text || r.id.as_str() == text);
        let known = if let Some(builtin) = BuiltinRole::parse(text) {
            RoleRef::Builtin(builtin)
        } else if let Some(role) = custom() {
            RoleRef::Custom(role.id.clone())
        } else {
            let remedy =
                "give the code of a built-in role, or the name or id of a role of this workspace";
            return Err(Invalid::value(format!("roles[{index}]"), text, "a role", remedy));
        };
        held.push(known);
    }
    Ok(Member { principal, roles: held, created: now })
}
