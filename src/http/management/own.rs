//! This service's own signed operations: what the console does in one step, and users under given ids.

use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, members::add_members, workspaces::Stated};
use crate::{
    domain::{Import, PrincipalKind},
    error::{Error, ErrorCode},
    http::{identity::WireIdentity, object::Object},
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct WorkspaceBody {
    workspace_name: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    env_types: Vec<String>,
    resource_group_id: Option<String>,
    members: Vec<Object<WireMember>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct WireMember {
    user_id: Option<String>,
    roles: Vec<String>,
}

/// `POST /v1/workspaces`: a workspace with its members, all of it or nothing.
pub(super) async fn set_up_workspace(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let body: WorkspaceBody = call.body()?;
    let mut new = Stated {
        names: ["workspaceName", "displayName", "description", "envTypes", "resourceGroupId"],
        name: body.workspace_name.as_deref(),
        display_name: body.display_name.as_deref(),
        description: body.description.as_deref(),
        env_types: &body.env_types,
        resource_group: body.resource_group_id.as_deref(),
    }
    .into_domain()?;
    for (index, Object(member)) in body.members.iter().enumerate() {
        let fields = ["userId", "roles"].map(|name| format!("members[{index}].{name}"));
        let user = member.user_id.as_deref();
        add_members(&mut new.members, None, fields, user, &member.roles)?;
    }
    let created = call.management.create_workspace(&call.caller, &new).await;
    let (revision, id) = created.map_err(|mut error| {
        // The use case calls it as the vendor does.
        if error.code == ErrorCode::WorkspaceNameTaken {
            error.field = Some("workspaceName".to_owned());
        }
        error
    })?;
    let token = call.management.revision_token(&call.caller.account, revision);
    Answer::new(revision, json!({ "workspaceId": id.as_str(), "revision": token }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct UsersBody {
    users: Vec<Object<WireIdentity>>,
    ram_roles: Vec<Object<WireIdentity>>,
}

/// `POST /v1/users`: users and RAM roles under given ids, all of them or none.
pub(super) async fn import_users(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let body: UsersBody = call.body()?;
    let now = call.management.now();
    let mut identities = WireIdentity::all(PrincipalKind::User, &body.users, now)?;
    identities.extend(WireIdentity::all(PrincipalKind::RamRole, &body.ram_roles, now)?);
    let users = Import { identities, workspaces: Vec::new() };
    let imported = call.management.import_users(&call.caller, &users).await?;
    let token = call.management.revision_token(&call.caller.account, imported.revision);
    let body = json!({ "identities": imported.identities, "revision": token });
    Answer::new(imported.revision, body)
}
