//! RAM roles, as RAM 2015-05-01 has them.

use serde_json::{Value, json};

use super::{Answer, Call, parse, query::Query, users::time, with};
use crate::{
    domain::{AccountId, IdForm, Identity, Invalid, UserName},
    error::Error,
    service::{NewRamRole, RamRoleChange},
};

/// Returns the role a call is about.
pub(super) fn name(query: &Query) -> Result<UserName, Invalid> {
    const FORM: IdForm = IdForm {
        expected: "a role name",
        help: "give 1 to 64 letters, digits, `.`, `_` or `-`, for example `trainer`",
    };
    let text = query.required("RoleName", FORM.help)?;
    parse("RoleName", text, |text| UserName::parse(text).map_err(|_| FORM))
}

fn seconds(query: &Query, field: &str) -> Result<Option<u32>, Invalid> {
    // A number of at most nine digits.
    Ok(query.number(field)?.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

/// `CreateRole`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    let known = ["RoleName", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration"];
    let query = call.query(&known)?;
    call.no_body()?;
    let document = "AssumeRolePolicyDocument";
    let new = NewRamRole {
        name: name(&query)?,
        trust_document: query
            .required(document, "say who may assume the role, as JSON")?
            .to_owned(),
        description: query.get("Description").unwrap_or_default().to_owned(),
        max_session_seconds: seconds(&query, "MaxSessionDuration")?,
    };
    let (revision, role) = call.management.create_ram_role(&call.caller, &new).await?;
    let role = with_document(&role, body(&call.caller.account, &role));
    Answer::new(revision, json!({ "Role": role }))
}

/// `GetRole`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["RoleName"])?;
    call.no_body()?;
    let (revision, role) = call.management.ram_role(&call.caller, &name(&query)?).await?;
    let role = with_document(&role, dated(&call.caller.account, &role));
    Answer::new(revision, json!({ "Role": role }))
}

/// `ListRoles`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["Marker", "MaxItems"])?;
    call.no_body()?;
    let part = call.part(&query, |place| UserName::parse(place).ok())?;
    let listed =
        call.management.list_ram_roles(&call.caller, part.after.as_ref(), part.most).await?;
    let (revision, roles, more) = listed;
    let items: Vec<Value> = roles.iter().map(|role| dated(&call.caller.account, role)).collect();
    let last = roles.last().map(|last| last.name.to_string());
    let body = json!({ "Roles": { "Role": items } });
    Answer::new(revision, call.marked(body, more, last))
}

/// `UpdateRole`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    let query = call.query(&[
        "RoleName",
        "NewAssumeRolePolicyDocument",
        "NewDescription",
        "NewMaxSessionDuration",
    ])?;
    call.no_body()?;
    let name = name(&query)?;
    let text = |field: &str| query.get(field).map(str::to_owned);
    let change = RamRoleChange {
        trust_document: text("NewAssumeRolePolicyDocument"),
        description: text("NewDescription"),
        max_session_seconds: seconds(&query, "NewMaxSessionDuration")?,
    };
    let (revision, role) = call.management.update_ram_role(&call.caller, &name, &change).await?;
    let role = with_document(&role, dated(&call.caller.account, &role));
    Answer::new(revision, json!({ "Role": role }))
}

/// `DeleteRole`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["RoleName"])?;
    call.no_body()?;
    call.management.delete_ram_role(&call.caller, &name(&query)?).await.map(Answer::done)
}

/// Returns the ARN of a role.
pub(super) fn arn(account: &AccountId, role: &Identity) -> String {
    format!("acs:ram::{account}:role/{}", role.name)
}

/// Returns a role; of one that was only made known, what it has not is empty.
fn body(account: &AccountId, role: &Identity) -> Value {
    let body = json!({
        "RoleId": role.principal.id.as_str(),
        "RoleName": role.name.as_str(),
        "Arn": arn(account, role),
        "Description": "",
        "CreateDate": time(role.created),
    });
    let Some(assumable) = &role.assumable else { return body };
    let body = with(body, "Description", assumable.description.as_str());
    with(body, "MaxSessionDuration", assumable.max_session_seconds)
}

fn dated(account: &AccountId, role: &Identity) -> Value {
    with(body(account, role), "UpdateDate", time(role.modified))
}

fn with_document(role: &Identity, body: Value) -> Value {
    match &role.assumable {
        Some(assumable) => with(body, "AssumeRolePolicyDocument", &*assumable.trust_document),
        None => body,
    }
}
