//! Management over the wire, where the SDK does not reach: other accounts, retries, revisions, one-step creation.

use serde_json::{Value, json};

use crate::support::{
    server::{Place, Server, command, finish},
    signed::{Api, Call, Key, ok, refused},
    wire::{Connection, Request},
};

const ACCOUNT: &str = "1000000000000077";

fn production() -> (Place, Server, Api) {
    let place = Place::new();
    let key = place.init_key(ACCOUNT);
    let server = place.serve(&[]);
    let api = Api::new(key, server.api);
    (place, server, api)
}

fn new_workspace(name: &str) -> Value {
    json!({ "WorkspaceName": name, "Description": "d", "EnvTypes": ["prod"] })
}

#[test]
fn a_retry_under_one_request_id_is_carried_out_once_and_answered_alike_even_by_the_next_process() {
    let (place, server, mut api) = production();
    let create = Call::new("CreateWorkspace", &[])
        .body(&new_workspace("retried"))
        .with("x-pai-authz-request-id", "req-1");
    let first = ok(&api.send(&create))["WorkspaceId"].clone();
    assert_eq!(ok(&api.send(&create))["WorkspaceId"], first);
    let key_call = Call::new("CreateAccessKey", &[]).with("x-pai-authz-request-id", "req-2");
    let made = Key::of(&api.send(&key_call));
    assert_eq!(Key::of(&api.send(&key_call)).secret, made.secret);
    // Under the same id something else is asked: nothing is done.
    let other = Call::new("CreateWorkspace", &[])
        .body(&new_workspace("another"))
        .with("x-pai-authz-request-id", "req-1");
    refused(&api.send(&other), 400, "InvalidParameter");
    let other = Call::new("CreateUser", &[])
        .query(&[("UserName", "kim")])
        .with("x-pai-authz-request-id", "req-1");
    refused(&api.send(&other), 400, "InvalidParameter");
    // Another caller of the account has not asked it before.
    let mut second = Api::new(made, server.api);
    assert_eq!(ok(&second.send(&create))["WorkspaceId"], first, "the same principal, another key");
    let key = api.key.clone();
    server.stop();
    let server = place.serve(&[]);
    let mut api = Api::new(key, server.api);
    assert_eq!(ok(&api.send(&create))["WorkspaceId"], first);
    assert_eq!(ok(&api.call("ListWorkspaces", &[]))["TotalCount"], 1);
    assert_eq!(
        ok(&api.call("ListAccessKeys", &[]))["AccessKeys"]["AccessKey"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn a_member_that_was_removed_after_a_retried_addition_stays_removed() {
    let (_place, _server, mut api) = production();
    let workspace = api.create_workspace("retried");
    let (user, _) = api.create_user("kim");
    let add = Call::new("CreateMember", &[&workspace])
        .body(&json!({ "Members": [{ "UserId": user, "Roles": ["PAI.LabelManager"] }] }))
        .with("x-pai-authz-request-id", "req-1");
    ok(&api.send(&add));
    let id = format!("{workspace}-{user}");
    ok(&api.ask("DeleteMembers", &[&workspace], &[("MemberIds", &id)]));
    ok(&api.send(&add));
    let gone = api.ask("GetMember", &[&workspace], &[("MemberId", &id)]);
    refused(&gone, 404, "EntityNotExist.Member");
}

#[test]
fn a_captured_retry_is_not_answered_to_whoever_sends_it_again() {
    let (place, server, mut api) = production();
    let host = server.api;
    let call = Call::new("CreateAccessKey", &[]).with("x-pai-authz-request-id", "req-1");
    let (first, retry) = (call.sign(&api.key, host), call.sign(&api.key, host));
    let made = Key::of(&first.send(&mut Connection::tcp(host)));
    assert_eq!(Key::of(&retry.send(&mut Connection::tcp(host))).secret, made.secret);
    let key = api.key.clone();
    server.stop();
    let server = place.serve(&[]);
    for captured in [&first, &retry] {
        let answer = captured.send(&mut Connection::tcp(server.api));
        refused(&answer, 400, "SignatureNonceUsed");
    }
    // Whoever has the secret may ask again, as long as there is a key to show.
    api = Api::new(key, server.api);
    assert_eq!(Key::of(&api.send(&call)).secret, made.secret);
    ok(&api.ask("DeleteAccessKey", &[], &[("UserAccessKeyId", &made.id)]));
    refused(&api.send(&call), 404, "EntityNotExist.User.AccessKey");
}

#[test]
fn a_retry_is_authorized_as_of_now() {
    let (_place, server, mut api) = production();
    let workspace = api.create_workspace("retried");
    let (admin, key) = api.create_user("ada");
    let (user, _) = api.create_user("kim");
    let add = |user: &str, role: &str| {
        Call::new("CreateMember", &[&workspace])
            .body(&json!({ "Members": [{ "UserId": user, "Roles": [role] }] }))
    };
    ok(&api.send(&add(&admin, "PAI.WorkspaceAdmin")));
    let mut ada = Api::new(key, server.api);
    let call = add(&user, "PAI.LabelManager").with("x-pai-authz-request-id", "req-1");
    let first = ok(&ada.send(&call))["Members"].clone();
    // What came later is not in the answer to the retry.
    ok(&api.send(&add(&user, "PAI.AlgoDeveloper")));
    assert_eq!(ok(&ada.send(&call))["Members"], first);
    let id = format!("{workspace}-{admin}");
    ok(&api.ask("DeleteMembers", &[&workspace], &[("MemberIds", &id)]));
    refused(&ada.send(&call), 404, "100700008");
}

#[test]
fn a_retry_of_what_found_nothing_to_change_changes_nothing_later() {
    let (_place, _server, mut api) = production();
    let (_, key) = api.create_user("kim");
    let status = |status: &str| {
        Call::new("UpdateAccessKey", &[]).query(&[
            ("UserName", "kim"),
            ("UserAccessKeyId", &key.id),
            ("Status", status),
        ])
    };
    let activate = status("Active").with("x-pai-authz-request-id", "req-1");
    ok(&api.send(&activate));
    ok(&api.send(&status("Inactive")));
    ok(&api.send(&activate));
    let keys = ok(&api.ask("ListAccessKeys", &[], &[("UserName", "kim")]));
    assert_eq!(keys["AccessKeys"]["AccessKey"][0]["Status"], "Inactive");
}

#[test]
fn request_ids_are_each_callers_own() {
    let (_place, server, mut api) = production();
    let workspace = api.create_workspace("shared_ids");
    let (admin, key) = api.create_user("ada");
    let body = json!({ "Members": [{ "UserId": admin, "Roles": ["PAI.WorkspaceAdmin"] }] });
    ok(&api.put("CreateMember", &[&workspace], &body));
    let mut ada = Api::new(key, server.api);
    let update = |text: &str| {
        Call::new("UpdateWorkspace", &[&workspace])
            .body(&json!({ "Description": text }))
            .with("x-pai-authz-request-id", "deploy-1")
    };
    ok(&ada.send(&update("by ada")));
    ok(&api.send(&update("by the main account")));
    refused(&ada.send(&update("something else")), 400, "InvalidParameter");
}

#[test]
fn a_short_body_that_names_many_pairs_of_users_and_roles_is_refused_before_they_are_made() {
    let server = Server::demo(&["--batch-body-limit", "1048576"]);
    let mut api = Api::new(Key::dev(), server.api);
    ok(&api.call("ListWorkspaces", &[]));
    let before = server.resident();
    let users = vec!["1"; 100_000].join(",");
    for roles in [vec!["a"; 100_000], vec!["a"; 20]] {
        let body = json!({ "Members": [{ "UserId": users, "Roles": roles }] });
        refused(&api.put("CreateMember", &["10001"], &body), 400, "InvalidParameter");
        let own = json!({
            "workspaceName": "pairs", "description": "d", "envTypes": ["prod"],
            "members": [{ "userId": users, "roles": roles }],
        });
        let answer = api.put("SetUpWorkspace", &[], &own);
        assert_eq!(answer.json()["code"], "invalid_value", "{answer:?}");
    }
    assert!(server.resident() < before + 100 * 1024, "{} KiB more", server.resident() - before);
}

#[test]
fn every_answer_carries_a_revision_and_a_later_one_is_waited_for() {
    let (_place, server, mut api) = production();
    let created = api.put("CreateWorkspace", &[], &new_workspace("fresh_one"));
    let revision = created.header("x-pai-authz-revision").unwrap().to_owned();
    let list = Call::new("ListWorkspaces", &[]);
    let answer = api.send(&list.clone().with("x-pai-authz-at-least", &revision));
    assert_eq!(answer.header("x-pai-authz-revision"), Some(&*revision));
    // A decision understands the revision of a change, and the other way round.
    let token = api.key.clone();
    let _ = token;
    for wrong in ["x", "AA", &revision[1..]] {
        let answer = api.send(&list.clone().with("x-pai-authz-at-least", wrong));
        refused(&answer, 400, "InvalidParameter");
        assert_eq!(answer.header("x-pai-authz-revision"), Some(&*revision), "errors carry it too");
    }
    let other = Place::new();
    let key = other.init_key(ACCOUNT);
    let elsewhere = other.serve(&[]);
    let mut stranger = Api::new(key, elsewhere.api);
    // Another master key made it.
    refused(&stranger.send(&list.with("x-pai-authz-at-least", &revision)), 400, "InvalidParameter");
    drop(server);
}

#[test]
fn accounts_do_not_see_one_another() {
    let place = Place::new();
    let (one, two) = (place.init_key("1000000000000077"), place.init_key("1000000000000078"));
    let server = place.serve(&[]);
    let (mut one, mut two) = (Api::new(one, server.api), Api::new(two, server.api));
    let workspace = one.create_workspace("shared_name");
    let (user, key) = one.create_user("kim");
    // The same names are free in another account.
    let other = two.create_workspace("shared_name");
    two.create_user("kim");
    assert_ne!(workspace, other);
    let body = json!({ "Members": [{ "UserId": user, "Roles": ["PAI.LabelManager"] }] });
    refused(&two.put("CreateMember", &[&other], &body), 404, "EntityNotExist.User");
    refused(&two.call("GetWorkspace", &[&workspace]), 404, "100400027");
    let member = format!("{workspace}-1000000000000077");
    let answer = two.ask("DeleteMembers", &[&other], &[("MemberIds", &member)]);
    refused(&answer, 404, "EntityNotExist.Member");
    let named = [("UserName", "kim"), ("UserAccessKeyId", key.id.as_str())];
    refused(&two.ask("DeleteAccessKey", &[], &named), 404, "EntityNotExist.User.AccessKey");
    assert_eq!(ok(&two.call("ListWorkspaces", &[]))["TotalCount"], 1);
    // A page token is of one account.
    for name in ["ann", "bob"] {
        ok(&one.ask("CreateUser", &[], &[("UserName", name)]));
    }
    let page = ok(&one.ask("ListUsers", &[], &[("MaxItems", "1")]));
    let marker = page["Marker"].as_str().unwrap();
    ok(&one.ask("ListUsers", &[], &[("Marker", marker)]));
    refused(&two.ask("ListUsers", &[], &[("Marker", marker)]), 400, "InvalidParameter");
}

#[test]
fn a_workspace_is_set_up_in_one_step_with_all_its_members_or_not_at_all() {
    let (_place, _server, mut api) = production();
    let (ann, ann_key) = api.create_user("ann");
    let (bob, _) = api.create_user("bob");
    let set_up = |name: &str, second: &str, role: &str| {
        json!({
            "workspaceName": name, "description": "d", "envTypes": ["dev", "prod"],
            "members": [
                { "userId": ann, "roles": ["PAI.WorkspaceAdmin"] },
                { "userId": second, "roles": [role, "PAI.LabelManager"] },
            ],
        })
    };
    for (second, role, code, field) in [
        ("404", "PAI.AlgoDeveloper", "user_not_found", "members[1].userId"),
        (&*bob, "PAI.Coffee", "role_not_found", "members[1].roles"),
        (&*bob, "PAI.WorkspaceOwner", "invalid_value", "members[1].roles"),
    ] {
        let answer = api.put("SetUpWorkspace", &[], &set_up("one_step", second, role));
        let body = answer.json();
        assert_eq!((&body["code"], &body["field"]), (&json!(code), &json!(field)), "{answer:?}");
    }
    // Fields are called what the body calls them.
    for (field, text, code) in [
        ("description", "", "missing_field"),
        ("description", &*"d".repeat(81), "invalid_value"),
        ("displayName", &*"d".repeat(81), "invalid_value"),
        ("workspaceName", "-", "invalid_value"),
    ] {
        let mut body = set_up("one_step", &bob, "PAI.AlgoDeveloper");
        body[field] = json!(text);
        let answer = api.put("SetUpWorkspace", &[], &body).json();
        assert_eq!(
            (&answer["code"], &answer["field"]),
            (&json!(code), &json!(field)),
            "{answer:?}"
        );
    }
    assert_eq!(ok(&api.call("ListWorkspaces", &[]))["TotalCount"], 0);
    let made = ok(&api.put("SetUpWorkspace", &[], &set_up("one_step", &bob, "PAI.AlgoDeveloper")));
    let id = made["workspaceId"].as_str().unwrap();
    assert!(made["revision"].is_string());
    let members = ok(&api.call("ListMembers", &[id]));
    assert_eq!(members["TotalCount"], 3);
    let mut admin = Api::new(ann_key, api.host);
    ok(&admin.put("UpdateWorkspace", &[id], &json!({ "DisplayName": "One step" })));
    let answer = api.put("SetUpWorkspace", &[], &set_up("one_step", &bob, "PAI.AlgoDeveloper"));
    assert_eq!(answer.json()["code"], "workspace_name_taken");
}

#[test]
fn the_examples_of_own_operations_do_what_they_say() {
    let server = Server::demo(&[]);
    let run = |what: &str, file: &str| {
        let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let done = std::process::Command::new(crate::sdk::python())
            .env_clear()
            .current_dir(project.join("examples"))
            .args(["set_up.py", &server.api.to_string(), what, file])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said}");
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let made = run("workspaces", "workspace.json");
    let id = made["workspaceId"].as_str().unwrap();
    let mut api = Api::new(Key::dev(), server.api);
    assert_eq!(ok(&api.call("ListMembers", &[id]))["TotalCount"], 4);
    assert_eq!(run("users", "users.json")["identities"], 3);
}

#[test]
fn users_are_imported_under_given_ids_into_a_running_service() {
    let (place, server, mut api) = production();
    let file = place.write(
        "users.json",
        json!({ "users": [{ "id": "2001", "name": "dana" }], "ramRoles": [{ "id": "3001" }] })
            .to_string(),
    );
    let run = |file: &str| {
        let mut command = command(["user", "import", file, "--url", &server.url()]);
        command.env("PAI_AUTHZ_ACCESS_KEY_ID", &api.key.id);
        command.env("PAI_AUTHZ_ACCESS_KEY_SECRET", &api.key.secret);
        finish(&mut command)
    };
    let done = run(&file);
    assert_eq!((done.code, done.out.as_str()), (0, "added 2 users and roles\n"), "{done:?}");
    assert_eq!(run(&file).out, "added 0 users and roles\n", "they are known already");
    let other = json!({ "users": [{ "id": "2001", "name": "other" }] }).to_string();
    let done = run(&place.write("other.json", other));
    assert!(done.code == 2 && done.err.contains("known as `dana`"), "{done:?}");
    let bad =
        place.write("bad.json", json!({ "users": [{ "id": "2002" }, { "id": "x" }] }).to_string());
    let done = run(&bad);
    assert!(done.code == 2 && done.err.contains("users[1].id"), "{done:?}");
    let user = ok(&api.ask("GetUser", &[], &[("UserName", "dana")]));
    assert_eq!(user["User"]["UserId"], "2001");
    let workspace = api.create_workspace("imported");
    let members = json!({ "Members": [
        { "UserId": "2001", "Roles": ["PAI.AlgoDeveloper"] },
        { "UserId": "3001", "Roles": ["PAI.AlgoOperator"] },
    ] });
    ok(&api.put("CreateMember", &[&workspace], &members));
    let role = ok(&api.ask("GetMember", &[&workspace], &[("UserId", "3001")]));
    assert_eq!(role["AccountType"], "6");
}

#[test]
fn two_writers_on_one_member_lose_nothing() {
    let (_place, server, mut api) = production();
    let workspace = api.create_workspace("contended");
    let (user, _) = api.create_user("kim");
    let member = format!("{workspace}-{user}");
    let body = json!({ "Members": [{ "UserId": user, "Roles": ["PAI.WorkspaceGuest"] }] });
    ok(&api.put("CreateMember", &[&workspace], &body));
    let roles =
        ["PAI.AlgoDeveloper", "PAI.AlgoOperator", "PAI.LabelManager", "PAI.MaxComputeDeveloper"];
    let (host, key) = (server.api, &api.key.clone());
    std::thread::scope(|scope| {
        for role in roles {
            let arguments = [workspace.as_str(), &member, role];
            scope.spawn(move || {
                for _ in 0..10 {
                    let mut api = Api::new(key.clone(), host);
                    ok(&api.call("AddMemberRole", &arguments));
                    ok(&api.call("RemoveMemberRole", &arguments));
                    ok(&api.call("AddMemberRole", &arguments));
                }
            });
        }
    });
    let member = ok(&api.ask("GetMember", &[&workspace], &[("MemberId", &member)]));
    let mut held: Vec<&str> =
        member["Roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    held.sort_unstable();
    assert_eq!(held, [&roles[..], &["PAI.WorkspaceGuest"]].concat());
    // Two that take one of two roles each: one wins, for the last role stays.
    for role in &roles[..3] {
        ok(&api.call("RemoveMemberRole", &[&workspace, &format!("{workspace}-{user}"), role]));
    }
    let won: usize = std::thread::scope(|scope| {
        let id = format!("{workspace}-{user}");
        let workspace = &workspace;
        let takers: Vec<_> = ["PAI.MaxComputeDeveloper", "PAI.WorkspaceGuest"]
            .map(|role| {
                let id = id.clone();
                scope.spawn(move || {
                    let mut api = Api::new(key.clone(), host);
                    api.call("RemoveMemberRole", &[workspace, &id, role]).status
                })
            })
            .into_iter()
            .map(|taker| taker.join().unwrap())
            .collect();
        takers.iter().filter(|status| **status == 200).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn removing_a_member_counts_in_the_next_decision() {
    let server = Server::demo(&[]);
    let mut api = Api::new(Key::dev(), server.api);
    let question = json!({
        "principal": { "type": "User", "id": "2001" }, "action": "PaiDLC:StopJob",
        "resource": { "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE" },
    });
    for _ in 0..20 {
        assert_eq!(server.decide("dev-token", &question)["decision"], "Allow");
        ok(&api.ask("DeleteMembers", &["10001"], &[("MemberIds", "10001-2001")]));
        assert_eq!(server.decide("dev-token", &question)["decision"], "Deny");
        let body = json!({ "Members": [{ "UserId": "2001", "Roles": ["PAI.AlgoDeveloper"] }] });
        ok(&api.put("CreateMember", &["10001"], &body));
    }
}

#[test]
fn the_vendors_paths_speak_the_vendors_words_whatever_goes_wrong() {
    let server = Server::demo(&["--batch-body-limit", "2000", "--body-timeout-ms", "200"]);
    let get = |path: &str| server.send(&Request::get(path));
    refused(&get("/api/v1/coffee"), 404, "InvalidAction.NotFound");
    refused(&get("/api/v1/workspaces/"), 400, "MissingParameter");
    refused(&get("/api/v1/workspaces/10001"), 400, "MissingParameter");
    refused(&get("/resourcegroups/action/coffee"), 404, "InvalidAction.NotFound");
    refused(&get("/?Action=GetUser"), 405, "UnsupportedHTTPMethod");
    let with_token = server.send(&Request::get("/api/v1/workspaces").token("dev-token"));
    refused(&with_token, 400, "IncompleteSignature");
    let said = with_token.json()["Message"].as_str().unwrap().to_owned();
    assert!(said.contains("take no token"), "{said}");
    let mut patch = Request::get("/api/v1/workspaces/10001");
    patch.method = "PATCH";
    let answer = server.send(&patch);
    refused(&answer, 405, "UnsupportedHTTPMethod");
    assert_eq!(answer.header("allow"), Some("DELETE, GET, PUT"));
    let long = "x".repeat(3_000);
    let call = Call::new("UpdateWorkspace", &["10001"]).body(&json!({ "Description": long }));
    let answer = call.sign(&Key::dev(), server.api).send(&mut server.connect());
    refused(&answer, 413, "RequestEntityTooLarge");
    // A body that does not come.
    let mut connection: Connection = server.connect();
    let call = Call::new("UpdateWorkspace", &["10001"]).body(&json!({ "Description": "x" }));
    let signed = call.sign(&Key::dev(), server.api);
    let whole = signed.bytes();
    connection.push(&whole[..whole.len() - 3]).unwrap();
    refused(&connection.answer("PUT").unwrap(), 408, "RequestTimeout");
    // Own paths keep their own words, also for signed callers.
    let own = Call::new("SetUpWorkspace", &[]).body(&json!({}));
    let answer = own.sign(&Key::dev(), server.api).send(&mut server.connect());
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (400, &json!("missing_field")),
        "{answer:?}"
    );
    let answer = server.send(&Request::get("/v1/workspaces"));
    assert_eq!((answer.status, &answer.json()["code"]), (405, &json!("method_not_allowed")));
    let answer = server.send(&Request::post("/v1/workspaces", b"{}"));
    assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("incomplete_signature")));
}

#[test]
fn a_request_id_is_in_the_answer_and_in_the_log() {
    let server = Server::demo(&["--log", "pai_authz=debug"]);
    let mut api = Api::new(Key::dev(), server.api);
    let answer = api.call("GetWorkspace", &["10001"]);
    let id = ok(&answer)["RequestId"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("x-request-id"), Some(&*id));
    assert_eq!(id.len(), 36);
    assert_eq!(id, id.to_uppercase());
    let log = server.log();
    assert!(log.contains(&id) && log.contains("GetWorkspace"), "{log}");
    assert!(log.contains("\"path\":\"/api/v1/workspaces/10001\""), "{log}");
    assert!(!log.contains("dev-secret"), "{log}");
}

#[test]
fn a_caller_with_too_many_calls_under_way_is_throttled_and_others_are_not() {
    let server = Server::demo(&[]);
    let mut main = Api::new(Key::dev(), server.api);
    let (guest, key) = main.create_user("kim");
    let body = json!({ "Members": [{ "UserId": guest, "Roles": ["PAI.WorkspaceGuest"] }] });
    ok(&main.put("CreateMember", &["10001"], &body));
    // All are sent before the first answer is read.
    let call = Call::new("ListPermissions", &["10001"]);
    let mut connections: Vec<Connection> = (0..300).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.push(&call.sign(&key, server.api).bytes()).unwrap();
    }
    ok(&main.call("GetWorkspace", &["10001"]));
    ok(&main.put("UpdateWorkspace", &["10001"], &json!({ "Description": "not held up" })));
    let mut statuses = std::collections::BTreeMap::new();
    for connection in &mut connections {
        let answer = connection.answer("GET").unwrap();
        if answer.status == 429 {
            assert_eq!(answer.json()["Code"], "Throttling.User");
            assert!(answer.header("x-acs-retry-after").is_some());
        }
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert!(statuses[&200] >= 64, "{statuses:?}");
    assert_eq!(statuses[&200] + statuses.get(&429).copied().unwrap_or(0), 300, "{statuses:?}");
    ok(&Api::new(key, server.api).send(&call));
}
