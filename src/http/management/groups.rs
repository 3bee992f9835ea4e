//! Groups of RAM users, as RAM 2015-05-01 has them.

use serde_json::{Value, json};

use super::{
    Answer, Call, parse,
    query::Query,
    users::{required as user_name, time},
    with,
};
use crate::{
    domain::{Group, GroupName, Invalid, UserName},
    error::Error,
    service::GroupChange,
};

/// Returns the group a call is about.
pub(super) fn name(query: &Query) -> Result<GroupName, Invalid> {
    let text = query.required("GroupName", GroupName::FORM.help)?;
    parse("GroupName", text, GroupName::parse)
}

/// `CreateGroup`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["GroupName", "Comments"])?;
    call.no_body()?;
    let (name, comments) = (name(&query)?, query.get("Comments").unwrap_or_default());
    let (revision, group) = call.management.create_group(&call.caller, &name, comments).await?;
    Answer::new(revision, json!({ "Group": body(&group) }))
}

/// `GetGroup`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["GroupName"])?;
    call.no_body()?;
    let (revision, group) = call.management.group(&call.caller, &name(&query)?).await?;
    Answer::new(revision, json!({ "Group": dated(&group) }))
}

/// `ListGroups`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["Marker", "MaxItems"])?;
    call.no_body()?;
    let part = call.part(&query, |place| GroupName::parse(place).ok())?;
    let listed = call.management.list_groups(&call.caller, part.after.as_ref(), part.most).await?;
    let (revision, groups, more) = listed;
    let items: Vec<Value> = groups.iter().map(dated).collect();
    let last = groups.last().map(|last| last.name.to_string());
    let body = json!({ "Groups": { "Group": items } });
    Answer::new(revision, call.marked(body, more, last))
}

/// `UpdateGroup`.
pub(super) async fn update(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["GroupName", "NewGroupName", "NewComments"])?;
    call.no_body()?;
    let name = name(&query)?;
    let change = GroupChange {
        name: query
            .get("NewGroupName")
            .map(|text| parse("NewGroupName", text, GroupName::parse))
            .transpose()?,
        comments: query.get("NewComments").map(str::to_owned),
    };
    let (revision, group) = call.management.update_group(&call.caller, &name, &change).await?;
    Answer::new(revision, json!({ "Group": dated(&group) }))
}

/// `DeleteGroup`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["GroupName"])?;
    call.no_body()?;
    call.management.delete_group(&call.caller, &name(&query)?).await.map(Answer::done)
}

/// `AddUserToGroup`.
pub(super) async fn add_user(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName", "GroupName"])?;
    call.no_body()?;
    let (user, group) = (user_name(&query)?, name(&query)?);
    call.management.add_user_to_group(&call.caller, &user, &group).await.map(Answer::done)
}

/// `RemoveUserFromGroup`.
pub(super) async fn remove_user(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName", "GroupName"])?;
    call.no_body()?;
    let (user, group) = (user_name(&query)?, name(&query)?);
    call.management.remove_user_from_group(&call.caller, &user, &group).await.map(Answer::done)
}

/// `ListUsersForGroup`.
pub(super) async fn list_users(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["GroupName", "Marker", "MaxItems"])?;
    call.no_body()?;
    let group = name(&query)?;
    let part = call.part(&query, |place| UserName::parse(place).ok())?;
    let listed = call
        .management
        .list_users_for_group(&call.caller, &group, part.after.as_ref(), part.most)
        .await?;
    let (revision, users, more) = listed;
    let items: Vec<Value> = users
        .iter()
        .map(|(user, since)| {
            json!({
                "UserName": user.name.as_str(),
                "DisplayName": user.profile.display_name,
                "JoinDate": time(*since),
            })
        })
        .collect();
    let last = users.last().map(|(last, _)| last.name.to_string());
    let body = json!({ "Users": { "User": items } });
    Answer::new(revision, call.marked(body, more, last))
}

/// `ListGroupsForUser`.
pub(super) async fn list_of_user(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["UserName"])?;
    call.no_body()?;
    let user = user_name(&query)?;
    let (revision, groups) = call.management.list_groups_for_user(&call.caller, &user).await?;
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, since)| {
            json!({
                "GroupId": group.id.as_str(),
                "GroupName": group.name.as_str(),
                "Comments": group.comments,
                "JoinDate": time(*since),
            })
        })
        .collect();
    Answer::new(revision, json!({ "Groups": { "Group": items } }))
}

fn body(group: &Group) -> Value {
    json!({
        "GroupId": group.id.as_str(),
        "GroupName": group.name.as_str(),
        "Comments": group.comments,
        "CreateDate": time(group.created),
    })
}

fn dated(group: &Group) -> Value {
    with(body(group), "UpdateDate", time(group.modified))
}
