//! What a RAM user may manage whom documents allow it: on the resources a call names, and no others.

use serde_json::{Value, json};

use crate::support::{
    ram::{DENY, Ram, column},
    server::DEV_TOKEN,
    signed::{Api, Call, ok, refused},
};

/// A user with a policy of these statements.
fn delegate(ram: &mut Ram, server: std::net::SocketAddr, statements: &str) -> Api {
    let document = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
    ram.ok("CreatePolicy", &[("PolicyName", "delegated"), ("PolicyDocument", &document)]);
    let (_, key) = ram.0.create_user("deputy");
    let query = [("PolicyType", "Custom"), ("PolicyName", "delegated"), ("UserName", "deputy")];
    ram.ok("AttachPolicyToUser", &query);
    Api::new(key, server)
}

#[test]
fn a_denial_on_a_name_reaches_every_operation_that_names_it() {
    let (server, mut ram) = Ram::demo();
    let statements = r#"{"Effect":"Allow","Action":"ram:*","Resource":"*"},
        {"Effect":"Deny","Action":"ram:*","Resource":["acs:ram:*:*:user/reserved","acs:ram::*:role/*-prod"]}"#;
    let mut deputy = delegate(&mut ram, server.api, statements);
    ok(&deputy.ask("CreateUser", &[], &[("UserName", "kim")]));
    let denied = deputy.ask("CreateUser", &[], &[("UserName", "reserved")]);
    refused(&denied, 403, "NoPermission");
    let detail = denied.json()["AccessDeniedDetail"].clone();
    assert_eq!(
        detail,
        json!({
            "AuthAction": "ram:CreateUser",
            "AuthPrincipalType": "SubUser",
            "AuthPrincipalOwnerId": "1000000000000001",
            "AuthPrincipalDisplayName": "deputy",
            "NoPermissionType": "ExplicitDeny",
            "PolicyType": "IdentityBasedPolicy",
        })
    );
    let rename = [("UserName", "kim"), ("NewUserName", "reserved")];
    refused(&deputy.ask("UpdateUser", &[], &rename), 403, "NoPermission");
    // The body of an import names them, too: all of it or nothing.
    for body in [
        json!({ "users": [{ "id": "8800", "name": "lee" }, { "id": "8801", "name": "reserved" }] }),
        json!({ "ramRoles": [{ "id": "8802", "name": "x-prod" }] }),
    ] {
        let answer = deputy.put("ImportUsers", &[], &body);
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("no_permission")));
    }
    let users = ok(&ram.0.ask("ListUsers", &[], &[]))["Users"]["User"].clone();
    let names = column(&users, "UserName");
    assert!(!names.iter().any(|name| name == "lee" || name == "reserved"), "{names:?}");
    ok(&deputy.put("ImportUsers", &[], &json!({ "users": [{ "id": "8800", "name": "lee" }] })));
    // What is not delegated is denied without a word of a policy.
    let answer = deputy.send(&Call::new("CreateWorkspace", &[]).body(&json!({
        "WorkspaceName": "w_1", "Description": "d", "EnvTypes": ["prod"],
    })));
    refused(&answer, 403, "NoPermission");
    assert_eq!(answer.json()["AccessDeniedDetail"]["NoPermissionType"], "ImplicitDeny");
}

#[test]
fn a_denial_on_a_workspace_reaches_operations_whose_body_names_it() {
    let (server, mut ram) = Ram::demo();
    let statements = r#"{"Effect":"Allow","Action":"paiworkspace:*","Resource":"*"},
        {"Effect":"Deny","Action":"paiworkspace:*","Resource":"acs:paiworkspace:*:*:workspace/10001"}"#;
    let mut deputy = delegate(&mut ram, server.api, statements);
    refused(&deputy.call("DeleteWorkspace", &["10001"]), 403, "NoPermission");
    let set = |id: &str| json!({ "WorkspaceId": id });
    refused(&deputy.put("UpdateDefaultWorkspace", &[], &set("10001")), 403, "NoPermission");
    let other: Value = ok(&deputy.call("ListWorkspaces", &[]));
    let other = column(&other["Workspaces"], "WorkspaceId");
    let other = other.iter().find(|id| *id != "10001").expect("another workspace");
    ok(&deputy.put("UpdateDefaultWorkspace", &[], &set(other)));
}

#[test]
fn a_ram_role_is_a_member_and_its_policies_decide() {
    let (server, mut ram) = Ram::demo();
    let id = ram.role("pipeline")["RoleId"].as_str().expect("an id").to_owned();
    let member = json!({ "Members": [{ "UserId": id, "Roles": ["PAI.AlgoDeveloper"] }] });
    ok(&ram.0.put("CreateMember", &["10001"], &member));
    let question = json!({
        "principal": { "type": "RamRole", "id": id }, "action": "PaiDLC:StopJob",
        "resource": { "workspace": "10001", "creator": id, "accessibility": "PRIVATE" },
    });
    assert_eq!(server.decide(DEV_TOKEN, &question)["decision"], "Allow");
    ram.ok("CreatePolicy", &[("PolicyName", "stop"), ("PolicyDocument", DENY)]);
    let query = [("PolicyType", "Custom"), ("PolicyName", "stop"), ("RoleName", "pipeline")];
    ram.ok("AttachPolicyToRole", &query);
    let denied = server.decide(DEV_TOKEN, &question);
    assert_eq!(denied["reason"], "explicit_deny");
    assert_eq!(denied["determiningPolicies"], json!(["Custom/stop/v1/Statement/0"]));
    // A version that is made the default decides the next request.
    let allow = DENY.replace("Deny", "Allow");
    let query =
        [("PolicyName", "stop"), ("PolicyDocument", allow.as_str()), ("SetAsDefault", "true")];
    ram.ok("CreatePolicyVersion", &query);
    let allowed = server.decide(DEV_TOKEN, &question)["determiningPolicies"].clone();
    assert_eq!(allowed[0], "Custom/stop/v2/Statement/0");
    ram.no("DeleteRole", &[("RoleName", "pipeline")], 409, "DeleteConflict.Role.Member");
}
