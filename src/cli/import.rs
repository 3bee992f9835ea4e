//! `pai-authz import` and `pai-authz user import`: users, workspaces, members and custom roles from a file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    open::{StoreArgs, actor},
    output::{self, Format},
    target::SignedTargetArgs,
};
use crate::{
    domain::{
        AccountId, BuiltinRole, CustomRole, CustomRoleId, EnvMode, IdForm, Import,
        ImportedWorkspace, Invalid, Member, PrincipalId, PrincipalKind, RoleName, RoleRef,
        Timestamp, Workspace, WorkspaceId, WorkspaceName,
    },
    http::{
        Object,
        identity::WireIdentity,
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
    /// Make users and RAM roles known under given ids, in a running service or a stopped store.
    Import(UserImportArgs),
}

/// What `user import` takes.
#[derive(Debug, Args)]
pub(super) struct UserImportArgs {
    /// JSON file with `users` and `ramRoles`; see docs/import.md.
    file: PathBuf,
    #[command(flatten)]
    target: SignedTargetArgs,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct File {
    users: Vec<Object<WireIdentity>>,
    ram_roles: Vec<Object<WireIdentity>>,
    workspaces: Vec<Object<FileWorkspace>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileWorkspace {
    id: String,
    name: String,
    #[serde(default)]
    display_name: Option<String>,
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
    let nobody = PrincipalId::parse("0").map_err(|form| anyhow::anyhow!("{}", form.expected))?;
    let example = || CustomRoleId::parse("role-example");
    let role = role(&file, example, &nobody, Timestamp::from_millis(0));
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
    apply(&args.file, &args.store, &file, format).await
}

/// Imports a file of users.
pub(super) async fn run_users(command: &UserCommand, format: Format) -> anyhow::Result<u8> {
    let UserCommand::Import(UserImportArgs { file: path, target, store }) = command;
    let Object(file): Object<File> = read(path)?;
    if !file.workspaces.is_empty() {
        anyhow::bail!("`{}` has workspaces too: import it with `pai-authz import`", path.display());
    }
    if store.store.is_some() {
        return apply(path, store, &file, format).await;
    }
    store.only_with_store()?;
    // The file is sent as it is: the service says what is wrong with it, in its own words.
    let mut body: serde_json::Map<String, serde_json::Value> = read(path)?;
    // It is empty, and a stopped store takes it so.
    body.remove("workspaces");
    let body = serde_json::Value::Object(body);
    let answer = target.call("ImportUsers", "/v1/users", &body).await;
    let answer = answer.with_context(|| path.display().to_string())?;
    match format {
        Format::Json => output::json(&answer)?,
        Format::Text => {
            let added = answer.get("identities").and_then(serde_json::Value::as_u64);
            output::line(format!("added {} users and roles", added.unwrap_or_default()))?;
        }
    }
    Ok(0)
}

async fn apply(path: &Path, store: &StoreArgs, file: &File, format: Format) -> anyhow::Result<u8> {
    store.lasting()?;
    let opened = store.open(true).await?;
    let shown = path.display().to_string();
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
    let mut identities = WireIdentity::all(PrincipalKind::User, &file.users, now)?;
    identities.extend(WireIdentity::all(PrincipalKind::RamRole, &file.ram_roles, now)?);
    let mut out = Import { identities, workspaces: Vec::new() };
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
        display_name: entry.display_name.clone().unwrap_or_else(|| entry.name.clone()),
        description: entry.description.clone(),
        env: EnvMode::Simple,
        resource_group: None,
        creator: parse("creator", creator, PrincipalId::parse)?,
        created: now,
        modified: now,
    };
    let mut roles = Vec::with_capacity(entry.roles.len());
    for (index, Object(wire)) in entry.roles.iter().enumerate() {
        roles.push(
            role(wire, new_role_id, &workspace.creator, now)
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
    creator: &PrincipalId,
    now: Timestamp,
) -> Result<CustomRole, Invalid> {
    let id = match &wire.role_id {
        Some(text) => parse("RoleId", text, CustomRoleId::parse)?,
        None => fresh().map_err(|form| Invalid::value("RoleId", "", form.expected, form.help))?,
    };
    let name = parse("RoleName", &wire.role_name, RoleName::parse)?;
    let modules = modules(&wire.module_permissions)?;
    Ok(CustomRole { id, name, modules, creator: creator.clone(), created: now, modified: now })
}

fn member(wire: &FileMember, roles: &[CustomRole], now: Timestamp) -> Result<Member, Invalid> {
    let principal = parse("user", &wire.user, PrincipalId::parse)?;
    let mut held = Vec::with_capacity(wire.roles.len());
    for (index, text) in wire.roles.iter().enumerate() {
        // The id first, then the name, as the management interface has it.
        let custom = || {
            let by_id = roles.iter().find(|role| role.id.as_str() == text);
            by_id.or_else(|| roles.iter().find(|role| role.name.as_str() == text))
        };
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
