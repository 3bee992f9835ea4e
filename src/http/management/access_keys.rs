//! Access keys, as RAM 2015-05-01 has them. Creating one is the only time its secret is shown.

use serde_json::{Value, json};

use super::{
    Answer, Call, parse,
    query::Query,
    users::{named, time},
    with,
};
use crate::{
    domain::{AccessKey, AccessKeyId, Invalid, KeyStatus},
    error::Error,
};

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";

fn key_id(query: &Query) -> Result<AccessKeyId, Invalid> {
    let text = query.required("UserAccessKeyId", "name the key, as ListAccessKeys shows it")?;
    parse("UserAccessKeyId", text, AccessKeyId::parse)
}

/// `CreateAccessKey`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName"])?;
    call.no_body()?;
    let user = named(&query)?;
    let (revision, made) = call.management.create_access_key(&call.caller, user.as_ref()).await?;
    let mut body = body(&made.key);
    body = with(body, "AccessKeySecret", made.secret);
    Answer::new(revision, json!({ "AccessKey": body }))
}

/// `ListAccessKeys`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName"])?;
    call.no_body()?;
    let user = named(&query)?;
    let (revision, keys) = call.management.list_access_keys(&call.caller, user.as_ref()).await?;
    let items: Vec<Value> = keys.iter().map(body).collect();
    Answer::new(revision, json!({ "AccessKeys": { "AccessKey": items } }))
}

/// `UpdateAccessKey`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName", "UserAccessKeyId", "Status"])?;
    call.no_body()?;
    let (user, id) = (named(&query)?, key_id(&query)?);
    let status = match query.one_of("Status", &[ACTIVE, INACTIVE])? {
        Some(ACTIVE) => KeyStatus::Active,
        Some(_) => KeyStatus::Inactive,
        None => return Err(Invalid::missing("Status", "give `Active` or `Inactive`").into()),
    };
    call.management
        .update_access_key(&call.caller, user.as_ref(), &id, status)
        .await
        .map(Answer::done)
}

/// `DeleteAccessKey`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName", "UserAccessKeyId"])?;
    call.no_body()?;
    let (user, id) = (named(&query)?, key_id(&query)?);
    call.management.delete_access_key(&call.caller, user.as_ref(), &id).await.map(Answer::done)
}

fn body(key: &AccessKey) -> Value {
    json!({
        "AccessKeyId": key.id.as_str(),
        "Status": match key.status { KeyStatus::Active => ACTIVE, KeyStatus::Inactive => INACTIVE },
        "CreateDate": time(key.created),
    })
}
