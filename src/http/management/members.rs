//! Members, as AIWorkSpace 2021-02-04 has them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, parse, query::separated, time, with};
use crate::{
    domain::{Invalid, Member, PrincipalId, PrincipalKind, WorkspaceId},
    error::Error,
    http::object::Object,
    service::{MemberFilter, MemberRef, NewMember, View},
};

/// Returns the login name of a principal; the main account goes by its id.
pub(super) fn name<'v>(view: &'v View, id: &'v PrincipalId) -> &'v str {
    view.identity(id).map_or(id.as_str(), |identity| identity.name.as_str())
}

/// Returns the name of a principal for people.
pub(super) fn display_name<'v>(view: &'v View, id: &'v PrincipalId) -> &'v str {
    let shown = view.identity(id).map(|identity| identity.profile.display_name.as_str());
    shown.filter(|text| !text.is_empty()).unwrap_or_else(|| name(view, id))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct CreateBody {
    members: Vec<Object<WireMember>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
struct WireMember {
    user_id: Option<String>,
    roles: Vec<String>,
}

/// Adds the members an entry names to `new`: `UserId` may be a list with commas, and be written as member id.
///
/// Counts before anything is made of the entry: a short body can name many pairs of users and roles.
pub(super) fn add_members(
    new: &mut Vec<NewMember>,
    workspace: Option<&WorkspaceId>,
    [user_field, roles_field]: [String; 2],
    user_id: Option<&str>,
    roles: &[String],
) -> Result<(), Error> {
    let help = "name a known user of the account by its id";
    let ids = separated(user_id.ok_or_else(|| Invalid::missing(&user_field, help))?);
    if ids.is_empty() {
        return Err(Invalid::missing(&user_field, help).into());
    }
    NewMember::check_count(&user_field, new.len() + ids.len())?;
    NewMember::check_roles(&roles_field, roles.len())?;
    let roles: Arc<[String]> = roles.iter().map(|role| role.trim().to_owned()).collect();
    let prefix = workspace.map(|id| format!("{id}-"));
    for text in ids {
        let user = prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
        new.push(NewMember {
            user_field: user_field.clone(),
            roles_field: roles_field.clone(),
            principal: parse(&user_field, user, PrincipalId::parse)?,
            roles: roles.clone(),
        });
    }
    Ok(())
}

/// `CreateMember`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let workspace = call.workspace()?;
    let body: CreateBody = call.body()?;
    let mut new = Vec::new();
    for (index, Object(member)) in body.members.iter().enumerate() {
        let fields = ["UserId", "Roles"].map(|name| format!("Members[{index}].{name}"));
        let user = member.user_id.as_deref();
        add_members(&mut new, Some(&workspace), fields, user, &member.roles)?;
    }
    let (view, members) = call.management.create_members(&call.caller, &workspace, &new).await?;
    let members: Vec<Value> = members
        .iter()
        .map(|member| {
            json!({
                "UserId": member.principal.as_str(),
                "MemberId": member_id(&workspace, member),
                "DisplayName": display_name(&view, &member.principal),
                "Roles": titles(&view, &workspace, member),
            })
        })
        .collect();
    Answer::new(view.revision(), json!({ "Members": members }))
}

/// `GetMember`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["UserId", "MemberId"])?;
    call.no_body()?;
    let help = "give exactly one of `UserId` and `MemberId`";
    let text = match (query.get("UserId"), query.get("MemberId")) {
        (Some(text), None) | (None, Some(text)) => text.trim(),
        (Some(text), Some(_)) => return Err(Invalid::unexpected("UserId", text, help).into()),
        (None, None) => return Err(Invalid::missing("UserId", help).into()),
    };
    let named = MemberRef::parse(&workspace, text);
    let (view, member) = call.management.member(&call.caller, &workspace, &named).await?;
    Answer::new(view.revision(), whole(&view, &workspace, &member))
}

/// `ListMembers`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["PageNumber", "PageSize", "MemberName", "Roles", "UserId"])?;
    call.no_body()?;
    let filter = MemberFilter {
        name: query.get("MemberName").map(str::to_owned),
        roles: query.set("Roles").unwrap_or_default(),
        principal: query.principal("UserId")?,
    };
    let (view, page) =
        call.management.list_members(&call.caller, &workspace, &filter, query.paging()?).await?;
    let item = |member: &Member| {
        let mut body = whole(&view, &workspace, member);
        body = with(body, "AccountName", name(&view, &member.principal));
        body
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(view.revision(), json!({ "Members": items, "TotalCount": page.total }))
}

/// `DeleteMembers`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["MemberIds"])?;
    call.no_body()?;
    let ids = query.get("MemberIds").map(separated).unwrap_or_default();
    let named: Vec<MemberRef> = ids.iter().map(|text| MemberRef::parse(&workspace, text)).collect();
    call.management.delete_members(&call.caller, &workspace, &named).await.map(Answer::done)
}

/// `AddMemberRole`.
pub(super) async fn add_role(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let workspace = call.workspace()?;
    let named = MemberRef::parse(&workspace, call.argument(1)?.trim());
    let role = call.argument(2)?;
    call.management.add_member_role(&call.caller, &workspace, &named, role).await.map(Answer::done)
}

/// `RemoveMemberRole`.
pub(super) async fn remove_role(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let workspace = call.workspace()?;
    let named = MemberRef::parse(&workspace, call.argument(1)?.trim());
    let role = call.argument(2)?;
    call.management
        .remove_member_role(&call.caller, &workspace, &named, role)
        .await
        .map(Answer::done)
}

/// `ListWorkspaceUsers`.
pub(super) async fn list_users(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let query = call.query(&["UserId", "UserName"])?;
    call.no_body()?;
    let user = query.principal("UserId")?;
    let (revision, users) = call
        .management
        .list_workspace_users(&call.caller, &workspace, user.as_ref(), query.get("UserName"))
        .await?;
    let items: Vec<Value> = users
        .items
        .iter()
        .map(|(id, name)| json!({ "UserId": id.as_str(), "UserName": name.as_str() }))
        .collect();
    Answer::new(revision, json!({ "TotalCount": users.total, "Users": items }))
}

pub(super) fn member_id(workspace: &WorkspaceId, member: &Member) -> String {
    format!("{workspace}-{}", member.principal)
}

pub(super) fn titles(view: &View, workspace: &WorkspaceId, member: &Member) -> Vec<String> {
    let roster = view.roster(workspace);
    member.roles.iter().map(|role| roster.role_title(role)).collect()
}

fn whole(view: &View, workspace: &WorkspaceId, member: &Member) -> Value {
    let kind = view.kind_of(&member.principal).unwrap_or(PrincipalKind::User);
    json!({
        "UserId": member.principal.as_str(),
        "MemberId": member_id(workspace, member),
        "MemberName": name(view, &member.principal),
        "DisplayName": display_name(view, &member.principal),
        "AccountType": account_type(kind),
        "GmtCreateTime": time(member.created),
        "Roles": titles(view, workspace, member),
    })
}

/// Returns the number by which the interface tells kinds of accounts apart.
fn account_type(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Account => "1",
        PrincipalKind::User => "5",
        PrincipalKind::RamRole => "6",
    }
}
