//! What is attached to whom, as RAM 2015-05-01 has it.

use serde_json::{Value, json};

use super::{
    Answer, Call, groups, policies,
    query::Query,
    ram_roles,
    users::{self, time},
};
use crate::{
    domain::{Identity, Invalid, Timestamp},
    error::Error,
    service::HolderName,
};

fn user(query: &Query) -> Result<HolderName, Invalid> {
    users::required(query).map(HolderName::User)
}

fn group(query: &Query) -> Result<HolderName, Invalid> {
    groups::name(query).map(HolderName::Group)
}

fn role(query: &Query) -> Result<HolderName, Invalid> {
    ram_roles::name(query).map(HolderName::Role)
}

type Named = fn(&Query) -> Result<HolderName, Invalid>;

/// `AttachPolicyToUser`.
pub(super) async fn attach_to_user(call: Call) -> Result<Answer, Error> {
    attach(call, "UserName", user).await
}

/// `AttachPolicyToGroup`.
pub(super) async fn attach_to_group(call: Call) -> Result<Answer, Error> {
    attach(call, "GroupName", group).await
}

/// `AttachPolicyToRole`.
pub(super) async fn attach_to_role(call: Call) -> Result<Answer, Error> {
    attach(call, "RoleName", role).await
}

/// `DetachPolicyFromUser`.
pub(super) async fn detach_from_user(call: Call) -> Result<Answer, Error> {
    detach(call, "UserName", user).await
}

/// `DetachPolicyFromGroup`.
pub(super) async fn detach_from_group(call: Call) -> Result<Answer, Error> {
    detach(call, "GroupName", group).await
}

/// `DetachPolicyFromRole`.
pub(super) async fn detach_from_role(call: Call) -> Result<Answer, Error> {
    detach(call, "RoleName", role).await
}

/// `ListPoliciesForUser`.
pub(super) async fn list_of_user(call: Call) -> Result<Answer, Error> {
    list(call, "UserName", user).await
}

/// `ListPoliciesForGroup`.
pub(super) async fn list_of_group(call: Call) -> Result<Answer, Error> {
    list(call, "GroupName", group).await
}

/// `ListPoliciesForRole`.
pub(super) async fn list_of_role(call: Call) -> Result<Answer, Error> {
    list(call, "RoleName", role).await
}

// Attachments are to the account as a whole. `ResourceGroupId` is not among what is read: an empty one is an absent
// parameter, any other is refused by its name.

async fn attach(call: Call, field: &str, holder: Named) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName", field])?;
    call.no_body()?;
    let (policy, to) = (policies::policy(&query)?, holder(&query)?);
    call.management.attach_policy(&call.caller, &to, &policy).await.map(Answer::done)
}

async fn detach(call: Call, field: &str, holder: Named) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName", field])?;
    call.no_body()?;
    let (policy, from) = (policies::policy(&query)?, holder(&query)?);
    call.management.detach_policy(&call.caller, &from, &policy).await.map(Answer::done)
}

async fn list(call: Call, field: &str, holder: Named) -> Result<Answer, Error> {
    let query = call.query(&[field])?;
    call.no_body()?;
    let holder = holder(&query)?;
    let (revision, attached) = call.management.list_policies_of(&call.caller, &holder).await?;
    let items: Vec<Value> = attached
        .iter()
        .map(|attached| {
            let facts = &attached.policy;
            json!({
                "PolicyName": facts.policy.name.as_str(),
                "PolicyType": facts.policy.policy_type.as_str(),
                "Description": facts.description,
                "DefaultVersion": facts.default.id.to_string(),
                "AttachDate": time(attached.since),
            })
        })
        .collect();
    Answer::new(revision, json!({ "Policies": { "Policy": items } }))
}

/// `ListEntitiesForPolicy`.
pub(super) async fn list_entities(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName"])?;
    call.no_body()?;
    let policy = policies::policy(&query)?;
    let (revision, holders) = call.management.list_holders(&call.caller, &policy).await?;
    let user = |(user, since): &(Identity, Timestamp)| {
        json!({
            "UserId": user.principal.id.as_str(),
            "UserName": user.name.as_str(),
            "DisplayName": user.profile.display_name,
            "AttachDate": time(*since),
        })
    };
    let role = |(role, since): &(Identity, Timestamp)| {
        let description = role.assumable.as_ref().map_or("", |it| it.description.as_str());
        json!({
            "RoleId": role.principal.id.as_str(),
            "RoleName": role.name.as_str(),
            "Arn": ram_roles::arn(&call.caller.account, role),
            "Description": description,
            "AttachDate": time(*since),
        })
    };
    let users: Vec<Value> = holders.users.iter().map(user).collect();
    let roles: Vec<Value> = holders.roles.iter().map(role).collect();
    let groups: Vec<Value> = holders
        .groups
        .iter()
        .map(|(group, since)| {
            json!({
                "GroupName": group.name.as_str(),
                "Comments": group.comments,
                "AttachDate": time(*since),
            })
        })
        .collect();
    let body = json!({
        "Users": { "User": users },
        "Groups": { "Group": groups },
        "Roles": { "Role": roles },
    });
    Answer::new(revision, body)
}
