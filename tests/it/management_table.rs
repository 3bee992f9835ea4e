//! Every route, asked by every kind of caller about its own, a foreign and a missing workspace.
//!
//! The table is made from the catalogue, read as plain JSON: what is allowed is what the role table says, and a
//! foreign workspace is answered like one that is not there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    permission_rows, report,
    server::Place,
    signed::{Api, Call, Key, ok, operations},
    wire::Answer,
};

const ACCOUNT: &str = "1000000000000077";
const OTHER_ACCOUNT: &str = "1000000000000078";
/// Callers by kind: the role it holds, and the column of the table that says what that grants.
const KINDS: [(&str, &str, &str); 6] = [
    ("administrator", "PAI.WorkspaceAdmin", "owner_admin"),
    ("developer", "PAI.AlgoDeveloper", "algo_developer"),
    ("operator", "PAI.AlgoOperator", "algo_operator"),
    ("labeller", "PAI.LabelManager", "label_manager"),
    ("visitor", "PAI.WorkspaceGuest", "visitor"),
    ("maxcompute", "PAI.MaxComputeDeveloper", "maxcompute_developer"),
];

/// What a call may come to that was let through: what it names is not there, nothing was named, or it was made for
/// another cell of the table.
const LET_THROUGH: [&str; 15] = [
    "MissingParameter",
    "missing_field",
    "EntityNotExist.Member",
    "EntityNotExist.Role",
    "EntityNotExist.Config",
    "EntityNotExist.User",
    "EntityNotExist.InstanceJob",
    "EntityAlreadyExists.User",
    "EntityAlreadyExists.Role",
    "EntityNotExist.Group",
    "EntityNotExist.Policy",
    "EntityAlreadyExists.Group",
    "EntityAlreadyExists.Policy",
    "100400009",
    "workspace_name_taken",
];

/// What a call came to, in one word each: `allowed` says that the caller may, whatever was wrong with the arguments.
fn outcome(answer: &Answer) -> &'static str {
    let body = answer.json();
    let code = body["Code"].as_str().or(body["code"].as_str()).unwrap_or_default();
    match (answer.status, code) {
        (404, "100700008") => "hidden",
        (404, "100400027") => "missing",
        (403, "NoPermission" | "no_permission") => "forbidden",
        (200, _) => "allowed",
        (_, code) if LET_THROUGH.contains(&code) => "allowed",
        _ => panic!("{answer:?}"),
    }
}

/// Returns the call of a row on a workspace, with arguments that reach the permission check and do no harm when it
/// lets them through.
fn call(row: &Value, workspace: &str) -> Call {
    let action = row["operation"].as_str().unwrap();
    let arguments: Vec<&str> = row["path"]
        .as_str()
        .unwrap()
        .split('/')
        .filter(|part| part.starts_with('{'))
        .map(|part| match part {
            "{WorkspaceId}" => workspace,
            "{MemberId}" => "404",
            "{PermissionCode}" => "PaiWorkspace:GetWorkspace",
            "{RoleName}" | "{RoleId}" => "role-404",
            "{ConfigKey}" => "key-404",
            "{InstanceJobId}" => "CreateWorkspaceCustomRole-role-404",
            other => panic!("no argument for {other}"),
        })
        .collect();
    let call = Call::new(action, &arguments);
    let create = |key: &str| json!({ key: "t_new_name", "Description": "x", "EnvTypes": ["prod"] });
    let config = || json!({ "CategoryName": "x", "ConfigKey": "y", "ConfigValue": "z" });
    let own =
        |name: &str| json!({ name: "t_other_name", "description": "x", "envTypes": ["prod"] });
    match action {
        "CreateMember" => {
            call.body(&json!({ "Members": [{ "UserId": "404", "Roles": ["PAI.LabelManager"] }] }))
        }
        "DeleteMembers" => call.query(&[("MemberIds", "404")]),
        "GetMember" => call.query(&[("UserId", "404")]),
        "UpdateWorkspace" => call.body(&json!({ "Description": "changed" })),
        "CreateWorkspaceRole" => call.body(&json!({
            "RoleName": "r",
            "ModulePermissions": [{ "ModuleName": "DLC", "PermissionType": "ReadOnly" }],
        })),
        "UpdateWorkspaceRole" => call.body(&json!({ "RoleName": "r" })),
        "DeleteWorkspaceRoles" => call.body(&json!({ "RoleIds": ["role-404"] })),
        "UpdateConfigs" => call.body(&json!({ "Configs": [config()] })),
        "UpdateConfig" => call.body(&config()),
        "GetConfig" => call.query(&[("CategoryName", "x"), ("ConfigKey", "key-404")]),
        "UpdateDefaultWorkspace" => call.body(&json!({ "WorkspaceId": workspace })),
        "CreateWorkspace" => call.body(&create("WorkspaceName")),
        "SetUpWorkspace" => call.body(&own("workspaceName")),
        "ImportUsers" => call.body(&json!({ "users": [{ "id": "7777" }] })),
        "CreateUser" => call.query(&[("UserName", "t-new-user")]),
        "GetUser" | "UpdateUser" | "DeleteUser" | "CreateAccessKey" | "ListAccessKeys" => {
            call.query(&[("UserName", "t-nobody")])
        }
        "UpdateAccessKey" => {
            call.query(&[("UserName", "t-nobody"), ("UserAccessKeyId", "k"), ("Status", "Active")])
        }
        "DeleteAccessKey" => call.query(&[("UserName", "t-nobody"), ("UserAccessKeyId", "k")]),
        _ if row["api"] == "ram" => call.query(&of_ram(row)),
        _ => call,
    }
}

/// Returns the parameters of a row of RAM: what its resources name, and what it needs beside. Nothing of that is there.
fn of_ram(row: &Value) -> Vec<(&'static str, &'static str)> {
    const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"paidlc:GetJob","Resource":"*"}]}"#;
    const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1:root"]}}]}"#;
    let operation = row["operation"].as_str().unwrap();
    let resources = row["resources"].to_string();
    let mut query = Vec::new();
    for (place, pair) in [
        ("{UserName}", ("UserName", "t-nobody")),
        ("{GroupName}", ("GroupName", "t-no-group")),
        ("{RoleName}", ("RoleName", "t-no-role")),
        ("{PolicyName}", ("PolicyName", "t-no-policy")),
    ] {
        query.extend(resources.contains(place).then_some(pair));
    }
    let by_type = ["GetPolicy", "GetPolicyVersion", "ListPolicyVersions", "ListEntitiesForPolicy"];
    if by_type.contains(&operation) || resources.contains(',') && resources.contains("policy/") {
        query.push(("PolicyType", "Custom"));
    }
    if ["CreatePolicy", "CreatePolicyVersion"].contains(&operation) {
        // Another name than the others look for.
        query.retain(|(name, _)| *name != "PolicyName");
        query.extend([("PolicyName", "t-new-policy"), ("PolicyDocument", DOCUMENT)]);
    }
    match operation {
        "CreateRole" => {
            query = vec![("RoleName", "t-new-role"), ("AssumeRolePolicyDocument", TRUST)];
        }
        "CreateGroup" => query = vec![("GroupName", "t-new-group")],
        "GetPolicyVersion" | "SetDefaultPolicyVersion" | "DeletePolicyVersion" => {
            query.push(("VersionId", "v1"));
        }
        _ => {}
    }
    query
}

/// What must come of a row.
fn expected(
    row: &Value,
    kind: &str,
    column: Option<&str>,
    place: &str,
    rows: &BTreeMap<String, Value>,
) -> &'static str {
    let main = kind == "main account";
    let has = |code: &str| {
        column.is_some_and(|column| {
            rows[code]["grants"][column].as_str().is_some_and(|c| c.contains('p'))
        })
    };
    // A job of a role that is not there says no more than a workspace that is not there.
    let in_workspace = row["path"].as_str().unwrap().contains("{WorkspaceId}");
    match row["on"].as_str().unwrap() {
        "account" if !main => "forbidden",
        "account" if row["operation"] == "DeleteWorkspace" && place != "own" => "missing",
        "account" if row["operation"] == "UpdateDefaultWorkspace" && place != "own" => "missing",
        // What a caller may not see is not the default workspace to it.
        "visible" if row["operation"] == "GetDefaultWorkspace" => {
            if main || has(row["action"].as_str().unwrap()) { "allowed" } else { "missing" }
        }
        "self" if place != "own" => {
            if main {
                "missing"
            } else {
                "hidden"
            }
        }
        "self" if row["operation"] == "GetPermission" && !main => {
            if has("PaiWorkspace:GetWorkspace") { "allowed" } else { "hidden" }
        }
        "account" | "visible" | "self" => "allowed",
        "workspace" if !in_workspace => {
            if main {
                "allowed"
            } else {
                "hidden"
            }
        }
        "workspace" if main => {
            if place == "own" {
                "allowed"
            } else {
                "missing"
            }
        }
        "workspace" if place == "own" && has(row["action"].as_str().unwrap()) => "allowed",
        "workspace" => "hidden",
        other => panic!("{other}"),
    }
}

#[test]
fn every_route_answers_every_kind_of_caller_about_every_kind_of_workspace_as_the_table_says() {
    let place = Place::new();
    let (main_key, other_key) = (place.init_key(ACCOUNT), place.init_key(OTHER_ACCOUNT));
    let server = place.serve(&[]);
    let mut main = Api::new(main_key.clone(), server.api);
    let foreign = Api::new(other_key, server.api).create_workspace("t_foreign");
    let own = main.create_workspace("t_own");
    ok(&main.put("UpdateDefaultWorkspace", &[], &json!({ "WorkspaceId": own })));
    let mut callers: Vec<(&str, Option<&str>, Key)> = vec![("main account", None, main_key)];
    for (kind, role, column) in KINDS {
        let (id, key) = main.create_user(kind);
        let body = json!({ "Members": [{ "UserId": id, "Roles": [role] }] });
        ok(&main.put("CreateMember", &[&own], &body));
        callers.push((kind, Some(column), key));
    }
    callers.push(("outsider", None, main.create_user("outsider").1));

    let rows = permission_rows();
    let (mut cells, mut counts) = (0, BTreeMap::new());
    let mut wrong = Vec::new();
    for row in operations() {
        let action = row["operation"].as_str().unwrap().to_owned();
        for (kind, column, key) in &callers {
            let mut api = Api::new(key.clone(), server.api);
            let mut foreign_and_missing = Vec::new();
            for (what, workspace) in [("own", &*own), ("foreign", &*foreign), ("missing", "404404")]
            {
                // The main account's deletion would be carried out.
                if *kind == "main account" && action == "DeleteWorkspace" && what == "own" {
                    continue;
                }
                let answer = api.send(&call(&row, workspace));
                let (came, must) = (outcome(&answer), expected(&row, kind, *column, what, &rows));
                if came != must {
                    wrong.push(format!("{action} by {kind} on {what}: {must}, came {answer:?}"));
                }
                if what != "own" {
                    // But for the id that was asked and the id of the request, they are one.
                    let mut body = answer.json();
                    body["RequestId"] = Value::Null;
                    body["requestId"] = Value::Null;
                    body["revision"] = Value::Null;
                    foreign_and_missing
                        .push((answer.status, body.to_string().replace(workspace, "W")));
                }
                cells += 1;
                *counts.entry(came).or_insert(0) += 1;
            }
            // What makes something makes it twice: those two answers may differ, but in nothing about workspaces.
            if row["path"].as_str().unwrap().contains("{WorkspaceId}") {
                assert_eq!(foreign_and_missing[0], foreign_and_missing[1], "{action} by {kind}");
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} differ:\n{}", wrong.len(), wrong.join("\n"));
    report(&format!("{cells} cells of routes, callers and workspaces, 0 differences: {counts:?}"));
}
