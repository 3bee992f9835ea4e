//! RAM users, as RAM 2015-05-01 has them: parameters in the query, lists wrapped twice.

use serde_json::{Value, json};

use super::{Answer, Call, parse, query::Query};
use crate::{
    domain::{Identity, Invalid, Profile, Timestamp, UserName},
    error::Error,
    service::{NewUser, UserChange},
};

/// Returns the user a call names.
pub(super) fn named(query: &Query) -> Result<Option<UserName>, Invalid> {
    query.get("UserName").map(|text| parse("UserName", text, UserName::parse)).transpose()
}

/// Returns the user a call must name.
pub(super) fn required(query: &Query) -> Result<UserName, Invalid> {
    named(query)?.ok_or_else(|| Invalid::missing("UserName", UserName::FORM.help))
}

/// Returns a time as RAM has it: UTC, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    let text = super::time(at);
    text.split_once('.').map(|(seconds, _)| format!("{seconds}Z")).unwrap_or(text)
}

/// `CreateUser`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName", "DisplayName", "Comments", "Email", "MobilePhone"])?;
    call.no_body()?;
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let new = NewUser {
        name: required(&query)?,
        profile: Profile {
            display_name: text("DisplayName"),
            comments: text("Comments"),
            email: text("Email"),
            mobile_phone: text("MobilePhone"),
        },
    };
    let (revision, user) = call.management.create_user(&call.caller, &new).await?;
    Answer::new(revision, json!({ "User": body(&user) }))
}

/// `GetUser`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName"])?;
    call.no_body()?;
    let (revision, user) = call.management.user(&call.caller, &required(&query)?).await?;
    Answer::new(revision, json!({ "User": body(&user) }))
}

/// `ListUsers`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["Marker", "MaxItems"])?;
    call.no_body()?;
    let part = call.part(&query, |place| UserName::parse(place).ok())?;
    let listed = call.management.list_users(&call.caller, part.after.as_ref(), part.most).await?;
    let (revision, users, more) = listed;
    let items: Vec<Value> = users.iter().map(body).collect();
    let last = users.last().map(|last| last.name.to_string());
    let answer = json!({ "Users": { "User": items } });
    Answer::new(revision, call.marked(answer, more, last))
}

/// `UpdateUser`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    let query = call.query(&[
        "UserName",
        "NewUserName",
        "NewDisplayName",
        "NewComments",
        "NewEmail",
        "NewMobilePhone",
    ])?;
    call.no_body()?;
    let text = |name: &str| query.get(name).map(str::to_owned);
    let change = UserChange {
        name: query
            .get("NewUserName")
            .map(|text| parse("NewUserName", text, UserName::parse))
            .transpose()?,
        display_name: text("NewDisplayName"),
        comments: text("NewComments"),
        email: text("NewEmail"),
        mobile_phone: text("NewMobilePhone"),
    };
    let (revision, user) =
        call.management.update_user(&call.caller, &required(&query)?, &change).await?;
    Answer::new(revision, json!({ "User": body(&user) }))
}

/// `DeleteUser`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName"])?;
    call.no_body()?;
    call.management.delete_user(&call.caller, &required(&query)?).await.map(Answer::done)
}

fn body(user: &Identity) -> Value {
    json!({
        "UserId": user.principal.id.as_str(),
        "UserName": user.name.as_str(),
        "DisplayName": user.profile.display_name,
        "Comments": user.profile.comments,
        "Email": user.profile.email,
        "MobilePhone": user.profile.mobile_phone,
        "CreateDate": time(user.created),
        "UpdateDate": time(user.modified),
    })
}
