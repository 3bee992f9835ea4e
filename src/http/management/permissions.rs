//! What the caller may do, as AIWorkSpace 2021-02-04 has it.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    domain::{Accessibility, Invalid},
    error::{Error, ErrorCode},
    http::role,
    service::PermissionFilter,
};

/// Parameters by which a trusted service of the vendor asks about somebody else.
const ABOUT_OTHERS: [&str; 5] =
    ["CallerUid", "CallerType", "CallerAccessKeyId", "CallerSecurityToken", "SecurityToken"];
const OPTIONS: [&str; 2] = ["ResourceEmpty", "DisableRam"];

/// `ListPermissions`.
pub(super) async fn list(call: Call) -> Result<Answer, Error> {
    call.nothing_more()?;
    let workspace = call.workspace()?;
    let (revision, held) = call.management.list_permissions(&call.caller, &workspace).await?;
    let items: Vec<Value> = held
        .iter()
        .map(|(code, rules)| {
            json!({ "PermissionCode": code, "PermissionRules": role::render_rules(rules) })
        })
        .collect();
    Answer::new(revision, json!({ "TotalCount": items.len(), "Permissions": items }))
}

/// `GetPermission`. It judges the signer and nobody else: who could name another would borrow its rights.
pub(super) async fn get(call: Call) -> Result<Answer, Error> {
    let workspace = call.workspace()?;
    let known = ["Accessibility", "Creator", "Resource", "Option", "Labels"];
    let query = call.query(&[&known[..], &ABOUT_OTHERS].concat())?;
    call.no_body()?;
    if let Some(name) = ABOUT_OTHERS.into_iter().find(|name| query.get(name).is_some()) {
        return Err(Error::new(
            ErrorCode::NoPermission,
            format!("`{name}` is not read: the answer is about whoever signs"),
            "ask about others with a token, at `/v1/is-authorized`",
        )
        .about(name, "…"));
    }
    let accessibility = query
        .get("Accessibility")
        .map(|text| {
            Accessibility::parse(text).ok_or_else(|| {
                let help = "give `PUBLIC` or `PRIVATE`";
                Invalid::value("Accessibility", text, "an accessibility", help)
            })
        })
        .transpose()?;
    for option in query.set("Option").unwrap_or_default() {
        if !OPTIONS.contains(&option.as_str()) {
            let help = "give `ResourceEmpty`, `DisableRam`, or both with a comma";
            return Err(Invalid::value("Option", &option, "an option", help).into());
        }
    }
    if let Some(text) = query.get("Labels") {
        let labels: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(text);
        if labels.is_err() {
            let help = "give a JSON object, as {\"name\": \"value\"}";
            return Err(Invalid::value("Labels", text, "a map of labels", help).into());
        }
    }
    let asset = PermissionFilter { accessibility, creator: query.principal("Creator")? };
    let code = call.argument(1)?;
    let (revision, rules) =
        call.management.permission(&call.caller, &workspace, code, &asset).await?;
    let body = json!({ "PermissionCode": code, "PermissionRules": role::render_rules(&rules) });
    Answer::new(revision, body)
}
