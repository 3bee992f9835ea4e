//! Custom roles and their jobs, as AIWorkSpace 2021-02-04 has them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, parse, time, with};
use crate::{
    domain::{CustomRole, Invalid, RoleName},
    error::Error,
    http::{
        object::Object,
        role::{self, WireModulePermission},
    },
    service::{RoleFilter, RoleJob},
};

/// The state of every role: it is there as soon as it was made.
const SUCCEEDED: &str = "Succeeded";
const STATUSES: [&str; 5] = ["Creating", "Updating", "Deleting", SUCCEEDED, "Failed"];
/// The only type there is to make.
const CUSTOM: &str = "custom";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct RoleBody {
    role_name: Option<String>,
    module_permissions: Vec<Object<WireModulePermission>>,
    role_type: Option<String>,
    user_id: Option<String>,
}

/// `CreateWorkspaceRole`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let body: RoleBody = call.body()?;
    let name = body.role_name.ok_or_else(|| Invalid::missing("RoleName", RoleName::FORM.help))?;
    let name = parse("RoleName", &name, RoleName::parse)?;
    if let Some(text) = body.role_type.filter(|text| text != CUSTOM) {
        let help = "give `custom`, or leave the field out";
        return Err(Invalid::value("RoleType", &text, "a type of role to make", help).into());
    }
    if let Some(text) = body.user_id.filter(|id| id != call.caller.principal.as_str()) {
        let help = "a role is made by whoever signs: leave the field out";
        return Err(Invalid::value("UserId", &text, "the caller", help).into());
    }
    if body.module_permissions.is_empty() {
        let help = "give at least one {\"ModuleName\": …, \"PermissionType\": …}";
        return Err(Invalid::missing("ModulePermissions", help).into());
    }
    let modules = role::modules(&body.module_permissions)?;
    let (revision, id) =
        call.management.create_role(&call.caller, &workspace, &name, &modules).await?;
    Answer::new(revision, json!({ "InstanceJobId": RoleJob::created(&id) }))
}

/// `UpdateWorkspaceRole`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let body: RoleBody = call.body()?;
    for (field, text) in [("RoleType", &body.role_type), ("UserId", &body.user_id)] {
        if let Some(text) = text {
            return Err(Invalid::unexpected(field, text, "it never changes").into());
        }
    }
    let name = body
        .role_name
        .as_deref()
        .map(|name| parse("RoleName", name, RoleName::parse))
        .transpose()?;
    // An empty list is one that was not set.
    let modules = match body.module_permissions.as_slice() {
        [] => None,
        stated => Some(role::modules(stated)?),
    };
    let named = call.argument(1)?;
    let (revision, id) = call
        .management
        .update_role(&call.caller, &workspace, named, name.as_ref(), modules.as_deref())
        .await?;
    Answer::new(revision, json!({ "InstanceJobId": RoleJob::updated(&id) }))
}

/// `GetWorkspaceRole`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let workspace = call.workspace()?;
    let (revision, role) =
        call.management.role(&call.caller, &workspace, call.argument(1)?).await?;
    let mut body = common(&role);
    body = with(body, "Status", SUCCEEDED);
    body = with(body, "ModulePermissions", role::render(&role.modules));
    Answer::new(revision, body)
}

/// `ListWorkspaceRoles`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&[
        "PageNumber",
        "PageSize",
        "SortBy",
        "Order",
        "RoleName",
        "RoleIds",
        "RoleType",
        "Status",
        "VerboseFields",
    ])?;
    call.no_body()?;
    let status = query.one_of("Status", &STATUSES)?;
    let fields = query.set("VerboseFields").unwrap_or_default();
    if let Some(other) = fields.iter().find(|field| *field != "ModulePermissions") {
        let help = "give `ModulePermissions`, or leave the parameter out";
        return Err(Invalid::value("VerboseFields", other, "a field that is added", help).into());
    }
    let filter = RoleFilter {
        name: query.get("RoleName").map(str::to_owned),
        ids: query.set("RoleIds"),
        // Only custom roles are listed, and all of them were made.
        nothing: query.get("RoleType").is_some_and(|text| text != CUSTOM)
            || status.is_some_and(|status| status != SUCCEEDED),
    };
    let (revision, page) = call
        .management
        .list_roles(&call.caller, &workspace, &filter, query.sorting()?, query.paging()?)
        .await?;
    let item = |role: &CustomRole| {
        let mut body = common(role);
        if !fields.is_empty() {
            body = with(body, "ModulePermissions", role::render(&role.modules));
        }
        body
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(revision, json!({ "Roles": items, "TotalCount": page.total }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct DeleteBody {
    role_ids: Vec<String>,
}

/// `DeleteWorkspaceRoles`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let body: DeleteBody = call.body()?;
    call.management.delete_roles(&call.caller, &workspace, &body.role_ids).await.map(Answer::done)
}

/// `GetInstanceJob`.
pub(super) async fn job(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let (view, job) = call.management.job(&call.caller, call.argument(0)?).await?;
    let body = json!({
        "InstanceJobId": job.id,
        "Status": "Successful",
        "Type": job.kind,
        "InstanceId": job.role.as_str(),
        "ReasonMessage": "",
        "GmtCreateTime": time(job.at),
    });
    Answer::new(view.revision(), body)
}

fn common(role: &CustomRole) -> Value {
    json!({
        "RoleId": role.id.as_str(),
        "RoleName": role.name.as_str(),
        "Creator": role.creator.as_str(),
        "GmtCreateTime": time(role.created),
        "GmtModifiedTime": time(role.modified),
    })
}
