//! Workspaces, as AIWorkSpace 2021-02-04 has them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, parse, shown, time, with};
use crate::{
    domain::{
        BuiltinRole, EnvMode, Invalid, PrincipalId, ResourceGroupId, RoleRef, Workspace,
        WorkspaceId, WorkspaceName,
    },
    error::Error,
    service::{NewWorkspace, View, WorkspaceFilter},
};

/// The state of every workspace: it is there as soon as it was created.
const ENABLED: &str = "ENABLED";
/// The states the interface knows.
const STATUSES: [&str; 6] = [ENABLED, "INITIALIZING", "FAILURE", "DISABLED", "FROZEN", "UPDATING"];
/// How many resources of a kind a workspace takes, by the names of the interface.
///
/// Source: the example of ListWorkspaces with the option GetResourceLimits; no page says more.
const RESOURCE_LIMITS: [&str; 7] = [
    "MaxCompute_share",
    "MaxCompute_isolate",
    "DLC_share",
    "PAI_isolate",
    "PAI_share",
    "DataWorks_isolate",
    "DataWorks_share",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct CreateBody {
    workspace_name: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    env_types: Vec<String>,
    resource_group_id: Option<String>,
}

/// A workspace to create, as its fields are spelled on the wire.
pub(super) struct Stated<'s> {
    pub(super) names: [&'s str; 5],
    pub(super) name: Option<&'s str>,
    pub(super) display_name: Option<&'s str>,
    pub(super) description: Option<&'s str>,
    pub(super) env_types: &'s [String],
    pub(super) resource_group: Option<&'s str>,
}

impl Stated<'_> {
    /// Returns the workspace, without members.
    pub(super) fn into_domain(self) -> Result<NewWorkspace, Invalid> {
        let [name, display_name, description, env_types, resource_group] = self.names;
        let stated = self.name.ok_or_else(|| Invalid::missing(name, WorkspaceName::FORM.help))?;
        let workspace_name = parse(name, stated, WorkspaceName::parse)?;
        let text = self.description.unwrap_or_default();
        NewWorkspace::check_description(description, text)?;
        NewWorkspace::check_shown(display_name, self.display_name.unwrap_or_default())?;
        let help = "give [\"prod\"] for simple mode, [\"dev\", \"prod\"] for standard mode";
        if self.env_types.is_empty() {
            return Err(Invalid::missing(env_types, help));
        }
        let env = EnvMode::parse(self.env_types).ok_or_else(|| {
            Invalid::value(env_types, &shown(self.env_types), "a list of environments", help)
        })?;
        Ok(NewWorkspace {
            name: workspace_name,
            display_name: self.display_name.map(str::to_owned),
            description: text.to_owned(),
            env,
            resource_group: self
                .resource_group
                .filter(|text| !text.is_empty())
                .map(|text| parse(resource_group, text, ResourceGroupId::parse))
                .transpose()?,
            members: Vec::new(),
        })
    }
}

/// `CreateWorkspace`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let body: CreateBody = call.body()?;
    let new = Stated {
        names: ["WorkspaceName", "DisplayName", "Description", "EnvTypes", "ResourceGroupId"],
        name: body.workspace_name.as_deref(),
        display_name: body.display_name.as_deref(),
        description: body.description.as_deref(),
        env_types: &body.env_types,
        resource_group: body.resource_group_id.as_deref(),
    }
    .into_domain()?;
    let (revision, id) = call.management.create_workspace(&call.caller, &new).await?;
    Answer::new(revision, json!({ "WorkspaceId": id.as_str() }))
}

/// `GetWorkspace`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let id = call.workspace()?;
    let verbose = call.query(&["Verbose"])?.flag("Verbose")?.unwrap_or(false);
    call.no_body()?;
    let (view, workspace) = call.management.workspace(&call.caller, &id).await?;
    let mut body = whole(&view, &workspace);
    if verbose {
        body = with(body, "Owner", owner(&view, &workspace));
    }
    Answer::new(view.revision(), body)
}

/// `ListWorkspaces`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&[
        "PageNumber",
        "PageSize",
        "SortBy",
        "Order",
        "WorkspaceName",
        "ModuleList",
        "Status",
        "Option",
        "Verbose",
        "Fields",
        "ResourceGroupId",
        "WorkspaceIds",
        "UserId",
    ])?;
    call.no_body()?;
    let (management, caller) = (&call.management, &call.caller);
    let options = ["GetWorkspaces", "GetResourceLimits", "CheckWorkspaceExists"];
    match query.one_of("Option", &options)? {
        Some("GetResourceLimits") => {
            let view = management.look(caller, None).await?;
            let limits: serde_json::Map<_, _> =
                RESOURCE_LIMITS.map(|name| (name.to_owned(), Value::from(1))).into_iter().collect();
            let body = json!({ "Workspaces": [], "TotalCount": 0, "ResourceLimits": limits });
            return Answer::new(view.revision(), body);
        }
        Some("CheckWorkspaceExists") => {
            let name = query.required("WorkspaceName", "name the workspace to look for")?;
            let name = parse("WorkspaceName", name, WorkspaceName::parse)?;
            let (revision, taken) = management.workspace_name_taken(caller, &name).await?;
            let body = json!({ "Workspaces": [], "TotalCount": u8::from(taken) });
            return Answer::new(revision, body);
        }
        _ => {}
    }
    query.flag("Verbose")?;
    let status = query.one_of("Status", &STATUSES)?;
    let modules = query.set("ModuleList");
    let fields = query.one_of("Fields", &["Id"])?;
    let filter = WorkspaceFilter {
        name: query.get("WorkspaceName").map(str::to_owned),
        ids: query.set("WorkspaceIds"),
        resource_group: query.get("ResourceGroupId").map(str::to_owned),
        member: query.principal("UserId")?,
        nothing: status.is_some_and(|status| status != ENABLED)
            || modules.is_some_and(|modules| !modules.contains("PAI")),
    };
    let (view, page) =
        management.list_workspaces(caller, &filter, query.sorting()?, query.paging()?).await?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|workspace| match fields {
            Some(_) => json!({ "WorkspaceId": workspace.id.as_str() }),
            None => item(&view, workspace),
        })
        .collect();
    Answer::new(view.revision(), json!({ "Workspaces": items, "TotalCount": page.total }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct UpdateBody {
    display_name: Option<String>,
    description: Option<String>,
}

/// `UpdateWorkspace`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let id = call.workspace()?;
    let body: UpdateBody = call.body()?;
    let (display_name, description) = (body.display_name.as_deref(), body.description.as_deref());
    let management = &call.management;
    management
        .update_workspace(&call.caller, &id, display_name, description)
        .await
        .map(Answer::done)
}

/// `DeleteWorkspace`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let id = call.workspace()?;
    call.management.delete_workspace(&call.caller, &id).await.map(Answer::done)
}

/// `GetDefaultWorkspace`.
pub(super) async fn get_default(call: Call) -> Result<Answer, Error> {
    let verbose = call.query(&["Verbose"])?.flag("Verbose")?.unwrap_or(false);
    call.no_body()?;
    let (view, workspace) = call.management.default_workspace(&call.caller).await?;
    let mut body = common(&workspace);
    body = with(body, "Owner", owner(&view, &workspace));
    if verbose {
        let done = |kind: &str| json!({ "Type": kind, "Code": 200, "Message": "" });
        body = with(
            body,
            "Conditions",
            ["CREATING", "WORKSPACE_CREATED", "MEMBERS_ADDED", ENABLED].map(done).to_vec(),
        );
    }
    Answer::new(view.revision(), body)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct DefaultBody {
    workspace_id: Option<String>,
}

/// `UpdateDefaultWorkspace`.
pub(super) async fn update_default(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let body: DefaultBody = call.body()?;
    let id =
        body.workspace_id.ok_or_else(|| Invalid::missing("WorkspaceId", "name a workspace"))?;
    let id = parse("WorkspaceId", &id, WorkspaceId::parse)?;
    call.management.set_default_workspace(&call.caller, &id).await.map(Answer::done)
}

/// Returns what every answer about a workspace holds.
fn common(workspace: &Workspace) -> Value {
    json!({
        "WorkspaceId": workspace.id.as_str(),
        "WorkspaceName": workspace.name.as_str(),
        "DisplayName": workspace.display_name,
        "Description": workspace.description,
        "EnvTypes": workspace.env.env_types(),
        "Creator": workspace.creator.as_str(),
        "Status": ENABLED,
        "GmtCreateTime": time(workspace.created),
        "GmtModifiedTime": time(workspace.modified),
    })
}

fn described(view: &View, workspace: &Workspace) -> Value {
    let mut body = common(workspace);
    let admin = RoleRef::Builtin(BuiltinRole::Admin);
    let admins = view.roster(&workspace.id).holders(&admin);
    let names: Vec<String> = admins.map(|id| super::members::name(view, &id).to_owned()).collect();
    body = with(body, "AdminNames", names);
    body = with(
        body,
        "IsDefault",
        view.default_workspace().is_some_and(|default| default.id == workspace.id),
    );
    body = with(body, "ExtraInfos", json!({ "TenantId": view.account().as_str() }));
    body
}

fn whole(view: &View, workspace: &Workspace) -> Value {
    let mut body = described(view, workspace);
    body = with(body, "ResourceGroupId", group(workspace));
    body
}

/// Returns a workspace as an item of a list, which spells one field in another way.
fn item(view: &View, workspace: &Workspace) -> Value {
    let mut body = described(view, workspace);
    body = with(body, "resourceGroupId", group(workspace));
    body
}

fn group(workspace: &Workspace) -> Value {
    workspace.resource_group.as_ref().map_or("", ResourceGroupId::as_str).into()
}

fn owner(view: &View, workspace: &Workspace) -> Value {
    let role = RoleRef::Builtin(BuiltinRole::Owner);
    let owner = view.roster(&workspace.id).holders(&role).next();
    let owner: &PrincipalId = owner.as_ref().unwrap_or(&workspace.creator);
    json!({
        "UserId": owner.as_str(),
        "UserKp": owner.as_str(),
        "UserName": super::members::name(view, owner),
        "DisplayName": super::members::display_name(view, owner),
    })
}
