//! Policies and their versions, as RAM 2015-05-01 has them.

use serde_json::{Value, json};

use super::{Answer, Call, query::Query, users::time, with};
use crate::{
    domain::{Invalid, PolicyName, PolicyRef, PolicyType, Timestamp, VersionId},
    error::{Error, ErrorCode},
    service::{NewPolicy, NewVersion, PolicyFacts, VersionFacts},
};

/// Longest name of a policy, in characters.
const MAX_NAME: usize = 128;
const ROTATE: &str = "DeleteOldestNonDefaultVersionWhenLimitExceeded";

/// Returns the name of the policy a call is about.
pub(super) fn name(query: &Query) -> Result<PolicyName, Error> {
    let form = PolicyName::FORM;
    let text = query.required("PolicyName", form.help)?;
    PolicyName::parse(text).map_err(|_| {
        let code = if text.chars().count() > MAX_NAME {
            ErrorCode::PolicyNameLength
        } else {
            ErrorCode::PolicyNameCharacters
        };
        let invalid = Invalid::value("PolicyName", text, form.expected, form.help);
        Error { code, ..invalid.into() }
    })
}

fn of_type(query: &Query) -> Result<Option<PolicyType>, Error> {
    let Some(text) = query.get("PolicyType") else { return Ok(None) };
    PolicyType::parse(text).map(Some).ok_or_else(|| {
        let help = "give `System` or `Custom`";
        let invalid = Invalid::value("PolicyType", text, "a type of policies", help);
        Error { code: ErrorCode::PolicyTypeUnknown, ..invalid.into() }
    })
}

/// Returns the policy a call is about, by type and name.
pub(super) fn policy(query: &Query) -> Result<PolicyRef, Error> {
    let policy_type = of_type(query)?
        .ok_or_else(|| Invalid::missing("PolicyType", "give `System` or `Custom`"))?;
    Ok(PolicyRef { policy_type, name: name(query)? })
}

fn version(query: &Query) -> Result<VersionId, Invalid> {
    let help = "give a version as ListPolicyVersions shows it, as `v1`";
    let text = query.required("VersionId", help)?;
    VersionId::parse(text)
        .ok_or_else(|| Invalid::value("VersionId", text, "a version of a policy", help))
}

/// Returns the place of a policy in the list of both types.
fn place(text: &str) -> Option<PolicyRef> {
    let (policy_type, name) = text.split_once('/')?;
    let name = PolicyName::parse(name).ok()?;
    Some(PolicyRef { policy_type: PolicyType::parse(policy_type)?, name })
}

/// `CreatePolicy`.
pub(super) async fn create(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyName", "PolicyDocument", "Description"])?;
    call.no_body()?;
    let new = NewPolicy {
        name: name(&query)?,
        document: query.required("PolicyDocument", "give the document as JSON")?.to_owned(),
        description: query.get("Description").unwrap_or_default().to_owned(),
    };
    let (revision, policy) = call.management.create_policy(&call.caller, &new).await?;
    let mut body = facts(&policy);
    if let Value::Object(fields) = &mut body {
        // Of a policy that was just made the interface does not tell these.
        fields.remove("AttachmentCount");
        fields.remove("UpdateDate");
    }
    Answer::new(revision, json!({ "Policy": body }))
}

/// `GetPolicy`.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName"])?;
    call.no_body()?;
    let (revision, found) = call.management.policy(&call.caller, &policy(&query)?).await?;
    let body = with(facts(&found), "PolicyDocument", &*found.default.document);
    let default = version_body(&found.default);
    Answer::new(revision, json!({ "Policy": body, "DefaultPolicyVersion": default }))
}

/// `ListPolicies`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "Marker", "MaxItems"])?;
    call.no_body()?;
    let of = of_type(&query)?;
    let part = call.part(&query, place)?;
    let listed =
        call.management.list_policies(&call.caller, of, part.after.as_ref(), part.most).await?;
    let (revision, policies, more) = listed;
    let items: Vec<Value> = policies.iter().map(facts).collect();
    let last = policies.last().map(|last| last.policy.to_string());
    let body = json!({ "Policies": { "Policy": items } });
    Answer::new(revision, call.marked(body, more, last))
}

/// `DeletePolicy`.
pub(super) async fn delete(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyName", "CascadingDelete"])?;
    call.no_body()?;
    let (name, cascading) = (name(&query)?, query.flag("CascadingDelete")?.unwrap_or_default());
    call.management.delete_policy(&call.caller, &name, cascading).await.map(Answer::done)
}

/// `CreatePolicyVersion`.
pub(super) async fn create_version(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyName", "PolicyDocument", "SetAsDefault", "RotateStrategy"])?;
    call.no_body()?;
    let name = name(&query)?;
    let new = NewVersion {
        document: query.required("PolicyDocument", "give the document as JSON")?.to_owned(),
        is_default: query.flag("SetAsDefault")?.unwrap_or_default(),
        rotates: query.one_of("RotateStrategy", &["None", ROTATE])? == Some(ROTATE),
    };
    let made = call.management.create_policy_version(&call.caller, &name, &new).await?;
    Answer::new(made.0, json!({ "PolicyVersion": version_body(&made.1) }))
}

/// `GetPolicyVersion`.
pub(super) async fn get_version(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName", "VersionId"])?;
    call.no_body()?;
    let (policy, id) = (policy(&query)?, version(&query)?);
    let (revision, found) = call.management.policy_version(&call.caller, &policy, id).await?;
    Answer::new(revision, json!({ "PolicyVersion": version_body(&found) }))
}

/// `ListPolicyVersions`.
pub(super) async fn list_versions(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyType", "PolicyName"])?;
    call.no_body()?;
    let policy = policy(&query)?;
    let (revision, versions) = call.management.list_policy_versions(&call.caller, &policy).await?;
    let items: Vec<Value> = versions.iter().map(version_body).collect();
    Answer::new(revision, json!({ "PolicyVersions": { "PolicyVersion": items } }))
}

/// `SetDefaultPolicyVersion`.
pub(super) async fn set_default_version(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyName", "VersionId"])?;
    call.no_body()?;
    let (name, id) = (name(&query)?, version(&query)?);
    call.management.set_default_policy_version(&call.caller, &name, id).await.map(Answer::done)
}

/// `DeletePolicyVersion`.
pub(super) async fn delete_version(call: Call) -> Result<Answer, Error> {
    let query = call.query(&["PolicyName", "VersionId"])?;
    call.no_body()?;
    let (name, id) = (name(&query)?, version(&query)?);
    call.management.delete_policy_version(&call.caller, &name, id).await.map(Answer::done)
}

/// Returns an object with a date more, where it is known.
pub(super) fn dated(body: Value, name: &str, at: Option<Timestamp>) -> Value {
    match at {
        Some(at) => with(body, name, time(at)),
        None => body,
    }
}

fn facts(facts: &PolicyFacts) -> Value {
    let body = json!({
        "PolicyName": facts.policy.name.as_str(),
        "PolicyType": facts.policy.policy_type.as_str(),
        "Description": facts.description,
        "DefaultVersion": facts.default.id.to_string(),
        "AttachmentCount": facts.attachments,
    });
    dated(dated(body, "CreateDate", facts.created), "UpdateDate", facts.modified)
}

fn version_body(version: &VersionFacts) -> Value {
    let body = json!({
        "VersionId": version.id.to_string(),
        "IsDefaultVersion": version.is_default,
        "PolicyDocument": &*version.document,
    });
    dated(body, "CreateDate", version.created)
}
