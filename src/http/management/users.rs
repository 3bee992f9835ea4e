//! RAM users, as RAM 2015-05-01 has them: parameters in the query, lists wrapped twice.

use serde_json::{Value, json};

use super::{Answer, Call, parse, query::Query, with};
use crate::{
    domain::{Identity, Invalid, Profile, Timestamp, UserName},
    error::{Error, ErrorCode},
    service::{NewUser, UserChange},
};

/// Most users of a page, and how many unless it is said.
const MAX_ITEMS: usize = 1_000;
const DEFAULT_ITEMS: usize = 100;

/// Returns the user a call names.
pub(super) fn named(query: &Query) -> Result<Option<UserName>, Invalid> {
    query.get("UserName").map(|text| parse("UserName", text, UserName::parse)).transpose()
}

fn required(query: &Query) -> Result<UserName, Invalid> {
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
    let (management, account) = (&call.management, &call.caller.account);
    let most = query.number("MaxItems")?.unwrap_or(DEFAULT_ITEMS);
    if most > MAX_ITEMS {
        let help = "give a number from 1 to 1000";
        let value = most.to_string();
        return Err(Invalid::value("MaxItems", &value, "a number that is read", help).into());
    }
    let after = query
        .get("Marker")
        .map(|text| {
            management.read_page_token(account, text).ok_or_else(|| {
                let help = "give the `Marker` of the page before, unedited";
                Error::new(ErrorCode::InvalidValue, "not a marker of this list", help)
                    .about("Marker", text)
            })
        })
        .transpose()?;
    let (revision, users, more) = management.list_users(&call.caller, after.as_ref(), most).await?;
    let items: Vec<Value> = users.iter().map(body).collect();
    let mut answer = json!({ "Users": { "User": items }, "IsTruncated": more });
    if let Some(last) = users.last().filter(|_| more) {
        answer = with(answer, "Marker", management.page_token(account, &last.name));
    }
    Answer::new(revision, answer)
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
