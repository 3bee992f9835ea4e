//! OpenID AuthZEN about an account: PAI's words in AuthZEN's, and the same decisions as in PAI's own.

use pai_authz::catalog::catalog;
use serde_json::{Value, json};

use crate::support::{
    server::{Place, Server},
    wire::{Answer, Request},
};

const ACCOUNT: &str = "1000000000000001";
const EVALUATION: &str = "/access/v1/evaluation";

/// Two workspaces: 2001 develops in the first and visits the second, which 2002 administers; 2003 is a user and no member.
fn place() -> (Place, Server, String) {
    let place = Place::new();
    place.init(ACCOUNT);
    let member = |user: &str, role: &str| json!({"user": user, "roles": [role]});
    place.import(ACCOUNT, &json!({
        "users": [{"id": "2001", "name": "dev"}, {"id": "2002", "name": "admin"}, {"id": "2003", "name": "nobody"}],
        "workspaces": [
            {"id": "10001", "name": "first", "members": [member("2001", "PAI.AlgoDeveloper")]},
            {"id": "10002", "name": "second", "members": [member("2001", "PAI.WorkspaceGuest"), member("2002", "PAI.WorkspaceAdmin")]},
        ],
    }));
    let made = place.stopped(&[
        "token",
        "create",
        "--account",
        ACCOUNT,
        "--name",
        "all",
        "--scope",
        "decide",
        "--scope",
        "search",
    ]);
    let token = made.out.trim().to_owned();
    let server = place.serve(&[]);
    (place, server, token)
}

#[track_caller]
fn post(server: &Server, token: &str, path: &str, body: &Value) -> Value {
    let text = body.to_string();
    let answer = server.send(&Request::post(path, text.as_bytes()).token(token));
    assert_eq!(answer.status, 200, "{body}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn question(subject: &str, action: &str, resource: impl Into<Value>) -> Value {
    let resource = resource.into();
    json!({"subject": {"type": "User", "id": subject}, "action": {"name": action}, "resource": resource})
}

fn job(id: &str, properties: impl Into<Value>) -> Value {
    let properties = properties.into();
    json!({"type": "job", "id": id, "properties": properties})
}

#[test]
fn decisions_are_those_of_pais_own_interface() {
    let (_place, server, token) = place();
    let own = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    let others =
        json!({"workspace": "10001", "creator": "2002", "accessibility": "PRIVATE", "colour": 7});
    for (body, direct, expected) in [
        (
            question("2001", "PaiDLC:StopJob", job("dlc-1", own.clone())),
            json!({"type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"}),
            true,
        ),
        (
            question("2001", "PaiDLC:StopJob", job("dlc-1", others)),
            json!({"type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2002", "accessibility": "PRIVATE"}),
            false,
        ),
        (
            question(
                "2001",
                "PaiDLC:StopJob",
                json!({"type": "workspace", "id": "10001", "properties": {"creator": "2001", "accessibility": "PRIVATE"}}),
            ),
            json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"}),
            true,
        ),
        (
            question(
                "2002",
                "PaiWorkspace:ListConfigs",
                json!({"type": "workspace", "id": "10002"}),
            ),
            json!({"type": "workspace", "workspace": "10002"}),
            true,
        ),
        (
            question(
                "99",
                "PaiWorkspace:ListConfigs",
                json!({"type": "workspace", "id": "10002", "properties": {"workspace": "10002"}}),
            ),
            json!({"type": "workspace", "workspace": "10002"}),
            false,
        ),
        (
            question(
                "2001",
                "log:GetLogStore",
                json!({"type": "arn", "id": "acs:log:cn-hangzhou:1000000000000001:project/p/logstore/l"}),
            ),
            json!({"arn": "acs:log:cn-hangzhou:1000000000000001:project/p/logstore/l"}),
            false,
        ),
        (
            question(
                "2001",
                "log:GetLogStore",
                json!({"type": "logstore", "id": "l", "properties": {"arn": "acs:log:cn-hangzhou:1000000000000001:project/p/logstore/l"}}),
            ),
            json!({"arn": "acs:log:cn-hangzhou:1000000000000001:project/p/logstore/l"}),
            false,
        ),
        (
            question(
                "2001",
                "PaiWorkspace:CreateWorkspace",
                json!({"type": "account", "id": ACCOUNT}),
            ),
            json!({}),
            false,
        ),
    ] {
        let answer = post(&server, &token, EVALUATION, &body);
        assert_eq!(answer["decision"], expected, "{body}: {answer}");
        // The context is what PAI's own interface answers.
        let principal = json!({"type": "User", "id": body["subject"]["id"]});
        let mut asked =
            json!({"principal": principal, "action": body["action"]["name"], "resource": direct});
        if direct == json!({}) {
            asked.as_object_mut().unwrap().remove("resource");
        }
        assert_eq!(answer["context"], server.decide(&token, &asked), "{body}");
    }
    let owner = json!({"subject": {"type": "Account", "id": ACCOUNT}, "action": {"name": "PaiWorkspace:CreateWorkspace"}, "resource": {"type": "account", "id": ACCOUNT}});
    assert_eq!(post(&server, &token, EVALUATION, &owner)["decision"], true);
    // Properties the store owns count for nothing; condition keys are read, others are not.
    let mut stated = question("2003", "PaiDLC:StopJob", job("dlc-1", own));
    stated["subject"]["properties"] =
        json!({"roles": ["PAI.WorkspaceOwner"], "workspace": "10001", "type": "Account"});
    stated["context"] =
        json!({"time": [1.5], "acs:SourceIp": "203.0.113.7", "acs:MFAPresent": null});
    assert_eq!(post(&server, &token, EVALUATION, &stated)["decision"], false);
}

#[test]
fn what_pai_does_not_know_is_denied_with_the_reason() {
    let (_place, server, token) = place();
    let own = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    let good = || question("2001", "PaiDLC:StopJob", job("dlc-1", own.clone()));
    let with = |pointer: &str, value: Value| {
        let mut body = good();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    for (body, field) in [
        (with("/action/name", json!("PaiDLC:StopJbo")), "action"),
        (with("/subject/type", json!("user")), "subject.type"),
        (with("/subject/id", json!("erin")), "subject.id"),
        (with("/resource/type", json!("instance")), "resource.type"),
        (with("/resource/properties/creator", json!(null)), "resource.properties.creator"),
        (with("/resource/properties/creator", json!(2001)), "resource.properties.creator"),
        (with("/resource/properties/workspace", json!(1.5)), "resource.properties.workspace"),
        (
            with("/resource/properties/accessibility", json!("public")),
            "resource.properties.accessibility",
        ),
        (
            with(
                "/resource/properties/arn",
                json!("acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/job/dlc-2"),
            ),
            "resource.id",
        ),
        (with("/resource", json!({"type": "account", "id": "2"})), "resource.id"),
        (
            with(
                "/resource",
                json!({"type": "workspace", "id": "10001", "properties": {"workspace": "10002"}}),
            ),
            "resource.properties.workspace",
        ),
        (with("/context", json!({"acs:SourceIp": {"a": 1}})), "context"),
    ] {
        let answer = post(&server, &token, EVALUATION, &body);
        let context = &answer["context"];
        assert_eq!(
            (&answer["decision"], &context["reason"], &context["error"]["status"]),
            (&json!(false), &json!("error"), &json!(400)),
            "{body}"
        );
        assert!(
            context["errors"][0]["field"].as_str().unwrap().starts_with(field),
            "{body}: {answer}"
        );
    }
    for (body, reason) in [
        (with("/subject/id", json!("99")), "implicit_deny"),
        (with("/resource/properties/workspace", json!("99")), "implicit_deny"),
    ] {
        assert_eq!(post(&server, &token, EVALUATION, &body)["context"]["reason"], reason);
    }
}

#[test]
fn many_are_answered_at_one_revision() {
    let (_place, server, token) = place();
    let defaults = question(
        "2001",
        "PaiDLC:StopJob",
        job("dlc-1", json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"})),
    );
    let mut body = defaults.clone();
    body["evaluations"] = json!([{}, {"action": {"name": "nothing"}}, {"subject": {"type": "User", "id": "2003"}}, {"resource": {"type": "job"}}]);
    let answer = post(&server, &token, "/access/v1/evaluations", &body);
    let decisions: Vec<&Value> =
        answer["evaluations"].as_array().unwrap().iter().map(|it| &it["decision"]).collect();
    assert_eq!(decisions, [&json!(true), &json!(false), &json!(false), &json!(false)]);
    let alone = post(&server, &token, EVALUATION, &defaults);
    assert_eq!(answer["revision"], alone["context"]["revision"]);
    assert!(answer["evaluations"][0].get("revision").is_none());
    body["options"] = json!({"evaluations_semantic": "deny_on_first_deny"});
    assert_eq!(
        post(&server, &token, "/access/v1/evaluations", &body)["evaluations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

fn search(server: &Server, token: &str, what: &str, body: &Value) -> Value {
    post(server, token, &format!("/access/v1/search/{what}"), body)
}

fn names(answer: &Value) -> Vec<String> {
    let name = |it: &Value| it["id"].as_str().or(it["name"].as_str()).unwrap().to_owned();
    answer["results"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn searches_look_among_users_workspaces_and_actions() {
    let (_place, server, token) = place();
    let users = |action: &str, workspace: &str| json!({"subject": {"type": "User"}, "action": {"name": action}, "resource": {"type": "workspace", "id": workspace, "properties": {"creator": "2001", "accessibility": "PRIVATE"}}});
    assert_eq!(
        names(&search(&server, &token, "subject", &users("PaiDLC:StopJob", "10001"))),
        ["2001"]
    );
    // In the order of their names: admin before dev.
    assert_eq!(
        names(&search(&server, &token, "subject", &users("PaiWorkspace:ListConfigs", "10002"))),
        ["2002", "2001"]
    );
    let mut accounts = users("PaiDLC:StopJob", "10001");
    accounts["subject"]["type"] = json!("Account");
    assert_eq!(names(&search(&server, &token, "subject", &accounts)), [ACCOUNT]);
    for kind in ["RamRole", "user", "Robot"] {
        accounts["subject"]["type"] = json!(kind);
        assert_eq!(names(&search(&server, &token, "subject", &accounts)), [""; 0]);
    }
    let workspaces = |subject: &str, action: &str| json!({"subject": {"type": "User", "id": subject}, "action": {"name": action}, "resource": {"type": "workspace", "properties": {"creator": subject, "accessibility": "PRIVATE"}}});
    assert_eq!(
        names(&search(&server, &token, "resource", &workspaces("2001", "PaiDLC:StopJob"))),
        ["10001"]
    );
    assert_eq!(
        names(&search(
            &server,
            &token,
            "resource",
            &workspaces("2001", "PaiWorkspace:ListConfigs")
        )),
        ["10001", "10002"]
    );
    assert_eq!(
        names(&search(&server, &token, "resource", &workspaces("99", "PaiWorkspace:ListConfigs"))),
        [""; 0]
    );
    let mut jobs = workspaces("2001", "PaiDLC:StopJob");
    jobs["resource"]["type"] = json!("job");
    let answer = search(&server, &token, "resource", &jobs);
    assert!(names(&answer).is_empty() && answer["context"]["note"].is_string(), "{answer}");
    // Which actions: as asking about each.
    let of =
        |resource: Value| json!({"subject": {"type": "User", "id": "2001"}, "resource": resource});
    let resource =
        job("dlc-1", json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"}));
    let found = names(&search(&server, &token, "action", &of(resource.clone())));
    assert!(found.contains(&"PaiDLC:StopJob".to_owned()) && !found.is_empty());
    for action in &found {
        assert_eq!(
            post(&server, &token, EVALUATION, &question("2001", action, resource.clone()))["decision"],
            true,
            "{action}"
        );
    }
    let unstated =
        search(&server, &token, "action", &of(job("dlc-1", json!({"workspace": "10001"}))));
    assert!(
        unstated["context"]["refused"]["field"].as_str().unwrap().starts_with("resource."),
        "{unstated}"
    );
    // What the question lacks is said.
    let lacking = search(
        &server,
        &token,
        "subject",
        &json!({"subject": {"type": "User"}, "action": {"name": "PaiDLC:StopJob"}, "resource": {"type": "job", "id": "dlc-1"}}),
    );
    assert_eq!(
        (names(&lacking).len(), &lacking["context"]["refused"]["field"]),
        (0, &json!("resource.properties.workspace"))
    );
}

#[test]
fn pages_go_on_where_they_ended_until_something_changes() {
    let (_place, server, token) = place();
    let body = |page: Value| json!({"subject": {"type": "User"}, "action": {"name": "PaiWorkspace:ListConfigs"}, "resource": {"type": "workspace", "id": "10002"}, "page": page});
    let first = search(&server, &token, "subject", &body(json!({"limit": 1})));
    let next = first["page"]["next_token"].as_str().unwrap().to_owned();
    let second = search(&server, &token, "subject", &body(json!({"limit": 1, "token": next})));
    assert_eq!((names(&first), names(&second)), (vec!["2002".to_owned()], vec!["2001".to_owned()]));
    assert_eq!(first["context"]["revision"], second["context"]["revision"]);
    let rest = second["page"]["next_token"].as_str().unwrap();
    if !rest.is_empty() {
        let third = search(&server, &token, "subject", &body(json!({"limit": 1, "token": rest})));
        assert!(names(&third).is_empty() && third["page"]["next_token"] == "");
    }
}

#[test]
fn a_page_of_an_older_revision_is_refused() {
    let server = Server::demo(&[]);
    let workspaces = |page: Value| {
        json!({"subject": {"type": "Account", "id": ACCOUNT}, "action": {"name": "PaiWorkspace:ListConfigs"}, "resource": {"type": "workspace"}, "page": page}).to_string()
    };
    let path = "/access/v1/search/resource";
    let first = server.post(path, workspaces(json!({"limit": 1}))).json();
    let next = first["page"]["next_token"].as_str().unwrap().to_owned();
    assert!(!next.is_empty(), "{first}");
    assert_eq!(server.post(path, workspaces(json!({"limit": 1, "token": next}))).status, 200);
    assert_eq!(server.post("/v1/tokens", r#"{"name": "n"}"#).status, 201);
    let refused = server.post(path, workspaces(json!({"limit": 1, "token": next})));
    assert_eq!(refused.status, 400);
    assert!(refused.json().as_str().unwrap().contains("changed"), "{}", refused.json());
}

#[test]
fn scopes_and_bundles_part_callers() {
    let (place, server, token) = place();
    server.stop();
    let make = |arguments: &[&str]| {
        let made = place.stopped(
            &[&["token", "create", "--account", ACCOUNT, "--name", "n"], arguments].concat(),
        );
        made.out.trim().to_owned()
    };
    let decides = make(&[]);
    let searches = make(&["--scope", "search"]);
    let of_records = make(&["--bundle", "records", "--scope", "decide", "--scope", "search"]);
    let of_other = make(&["--bundle", "other"]);
    let fixture = format!("{}/tests/fixtures/authzen", env!("CARGO_MANIFEST_DIR"));
    // The same policies for somebody else's account.
    for file in ["schema.cedarschema", "records.cedar", "entities.json", "bundle.toml"] {
        let text = std::fs::read_to_string(format!("{fixture}/{file}")).unwrap();
        std::fs::create_dir_all(place.path("foreign")).unwrap();
        place.write(&format!("foreign/{file}"), text.replace(ACCOUNT, "2000000000000002"));
    }
    let (records, foreign) =
        (format!("records={fixture}"), format!("other={}", place.text("foreign")));
    let server = place.serve(&["--bundle", &records, "--bundle", &foreign]);
    let good = json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": {"type": "record", "id": "record-1"}}).to_string();
    let status = |token: &str, path: &str| {
        server.send(&Request::post(path, good.as_bytes()).token(token)).status
    };
    for (token, path, expected) in [
        (&token, "/access/v1/evaluation", 200),
        (&token, "/access/v1/search/subject", 200),
        (&decides, "/access/v1/evaluation", 200),
        (&decides, "/access/v1/evaluations", 200),
        (&decides, "/access/v1/search/subject", 403),
        (&searches, "/access/v1/evaluation", 403),
        (&searches, "/access/v1/search/subject", 200),
        (&token, "/records/access/v1/evaluation", 403),
        (&token, "/nothing/access/v1/evaluation", 403),
        (&of_records, "/records/access/v1/evaluation", 200),
        (&of_records, "/records/access/v1/search/action", 200),
        (&of_records, "/access/v1/evaluation", 403),
        (&of_records, "/v1/is-authorized", 403),
        (&of_records, "/v1/batch-is-authorized", 403),
        (&of_records, "/v1/ram/validate", 403),
        (&of_records, "/v1/tokens", 403),
        (&of_records, "/other/access/v1/evaluation", 403),
        // Bound to a bundle of that name, which is another account's.
        (&of_other, "/other/access/v1/evaluation", 403),
        (&of_other, "/nothing/access/v1/evaluation", 403),
    ] {
        // Asked twice: the second goes the short way, if there is one.
        for _ in 0..2 {
            assert_eq!(status(token, path), expected, "{path}");
        }
        let mut connection = server.connect();
        for _ in 0..2 {
            let answer = connection.ask(&Request::post(path, good.as_bytes()).token(token));
            assert_eq!(answer.status, expected, "{path} on a kept connection");
        }
    }
    // Bound tokens are listed as such, and make no tokens.
    let refused = place_refuses(&server, &token);
    assert_eq!(refused, 403);
}

/// Returns what a token without the scope gets for making one.
fn place_refuses(server: &Server, token: &str) -> u16 {
    server
        .send(&Request::post("/v1/tokens", br#"{"name": "n", "bundle": "records"}"#).token(token))
        .status
}

#[test]
fn tokens_of_bundles_are_made_and_listed() {
    let fixture = format!("records={}/tests/fixtures/authzen", env!("CARGO_MANIFEST_DIR"));
    let server = Server::demo(&["--bundle", &fixture]);
    let create = |body: Value| server.post("/v1/tokens", body.to_string());
    let made = create(json!({"name": "n", "bundle": "records", "scopes": ["decide", "search"]}));
    assert_eq!((made.status, &made.json()["bundle"]), (201, &json!("records")));
    let listed = server.send(&Request::get("/v1/tokens").token("dev-token")).json();
    assert_eq!(listed["tokens"][0]["bundle"], "records");
    for (body, field) in [
        (json!({"name": "n", "bundle": "records", "scopes": ["tokens"]}), "scopes"),
        (json!({"name": "n", "bundle": "records", "scopes": ["decide", "explain"]}), "scopes"),
        (json!({"name": "n", "bundle": "recrods"}), "bundle"),
        (json!({"name": "n", "bundle": "Records"}), "bundle"),
        (json!({"name": "n", "bundle": "v1"}), "bundle"),
        (json!({"name": "n", "bundle": 7}), "bundle"),
    ] {
        let refused = create(body);
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!(field)));
    }
}

#[test]
fn the_actions_of_a_page_of_rows_are_those_that_asking_each_allows() {
    let (_place, server, token) = place();
    let resources = json!([
        {"type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"},
        {"type": "job", "id": "dlc-2", "workspace": "10001", "creator": "2002", "accessibility": "PRIVATE"},
        {"type": "job", "id": "dlc-3", "workspace": "99", "creator": "2001", "accessibility": "PUBLIC"},
        {"type": "job", "id": "dlc-4", "workspace": "10001"},
        {"type": "workspace", "workspace": "10002"},
    ]);
    let body = |more: Value| {
        let mut body = json!({"principal": {"type": "User", "id": "2001"}, "resources": resources});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let ask = |body: &Value| post(&server, &token, "/v1/allowed-actions", body);
    let answer = ask(&body(json!({})));
    let rows = answer["results"].as_array().unwrap();
    let allowed = |row: usize| -> Vec<&str> {
        rows[row]["actions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
    };
    assert!(allowed(0).contains(&"PaiDLC:StopJob") && !allowed(1).contains(&"PaiDLC:StopJob"));
    assert!(allowed(2).is_empty());
    assert_eq!(rows[3]["errors"][0]["code"], "missing_field");
    for (row, resource) in resources.as_array().unwrap().iter().enumerate() {
        for action in catalog().actions() {
            let asked = json!({"principal": {"type": "User", "id": "2001"}, "action": action.name, "resource": resource}).to_string();
            let one =
                server.send(&Request::post("/v1/is-authorized", asked.as_bytes()).token(&token));
            let allows = one.status == 200 && one.json()["decision"] == "Allow";
            assert_eq!(allowed(row).contains(&action.name), allows, "{row} {}", action.name);
        }
    }
    let named = ask(&body(
        json!({"actions": ["PaiDLC:StopJob", "PaiDLC:GetJob", "PaiWorkspace:ListConfigs"]}),
    ));
    assert_eq!(named["results"][0]["actions"], json!(["PaiDLC:StopJob", "PaiDLC:GetJob"]));
    assert_eq!(named["results"][4]["actions"], json!(["PaiWorkspace:ListConfigs"]));
    for (wrong, field) in [
        (body(json!({"actions": ["PaiDLC:StopJbo"]})), "actions[0]"),
        (body(json!({"actions": []})), "actions"),
        (body(json!({"resources": []})), "resources"),
        (body(json!({"resources": vec![json!({"type": "job"}); 101]})), "resources"),
        (body(json!({"principal": {"type": "User"}})), "principal.id"),
        (body(json!({"principal": {"type": "user", "id": "2001"}})), "principal.type"),
        (body(json!({"colour": 1})), "colour"),
    ] {
        let text = wrong.to_string();
        let refused =
            server.send(&Request::post("/v1/allowed-actions", text.as_bytes()).token(&token));
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!(field)), "{wrong}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_told_and_that_most_actions_are_of_others_is_not() {
    let (_place, server, token) = place();
    let own = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    let with = |more: Value| {
        let mut resource = own.clone();
        resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource
    };
    let arn = "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1";
    let rows = [
        (with(json!({"type": "job"})), None),
        (with(json!({"type": "workspace"})), None),
        (own.clone(), None),
        (json!({"arn": arn, "creator": "2001", "accessibility": "PRIVATE"}), None),
        (with(json!({"type": "job", "accessibility": "SECRET"})), Some("resource.accessibility")),
        (with(json!({"type": "job", "creator": "erin"})), Some("resource.creator")),
        (with(json!({"type": "job", "workspace": "x"})), Some("resource.workspace")),
        (with(json!({"type": "jbo"})), Some("resource.type")),
        (json!({"arn": "acs:x"}), Some("resource.arn")),
        (json!({"type": "job", "workspace": "10001"}), Some("resource.creator")),
    ];
    let resources: Vec<&Value> = rows.iter().map(|(resource, _)| resource).collect();
    for named in [json!(null), json!(["PaiDLC:StopJob", "PaiWorkspace:ListConfigs"])] {
        let body = json!({"principal": {"type": "User", "id": "2001"}, "resources": resources, "actions": named});
        let answer = post(&server, &token, "/v1/allowed-actions", &body);
        for ((resource, wrong), row) in rows.iter().zip(answer["results"].as_array().unwrap()) {
            let found = &row["errors"][0]["field"];
            assert_eq!(found.as_str(), *wrong, "{resource} {named}: {row}");
        }
    }
    // So in a search, where a type that is not known is no error either.
    let secret = job("dlc-1", with(json!({"accessibility": "SECRET"})));
    for (resource, field) in [
        (secret, json!("resource.properties.accessibility")),
        (json!({"type": "jbo", "id": "1", "properties": own}), json!("resource.type")),
        (job("dlc-1", own.clone()), Value::Null),
    ] {
        let subject = json!({"type": "User", "id": "2001"});
        let body = json!({"subject": subject, "resource": resource});
        let answer = search(&server, &token, "action", &body);
        assert_eq!(answer["context"]["refused"]["field"], field, "{resource}: {answer}");
        assert_eq!(names(&answer).is_empty(), !field.is_null(), "{answer}");
    }
}

/// What is sent, and how it is changed.
struct Forms<'f> {
    server: &'f Server,
    token: &'f str,
    good: Value,
}

const MEMBERS: [&str; 8] = [
    "/subject",
    "/action",
    "/resource",
    "/subject/type",
    "/subject/id",
    "/action/name",
    "/resource/type",
    "/resource/id",
];

fn good() -> Value {
    let stated = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    question("2001", "PaiDLC:StopJob", job("dlc-1", stated))
}

impl Forms<'_> {
    fn send(&self, path: &str, text: &str) -> Answer {
        self.server.send(&Request::post(path, text.as_bytes()).token(self.token))
    }

    fn without(&self, pointer: &str) -> Value {
        let mut body = self.good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        body
    }

    fn with(&self, pointer: &str, value: Value) -> Value {
        let mut body = self.good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    }
}

/// The numbered requirements of the certification scenario that are about form, on an account: those about its records and rules
/// are on its fixture (`authzen.rs`). 2-2 to 2-6.
#[test]
fn single_requests_of_an_account_have_the_forms_of_the_scenario() {
    let (_place, server, token) = place();
    let forms = Forms { server: &server, token: &token, good: good() };
    // 2-2-1, 2-2-3, 2-2-8, 2-2-9, 2-3-1, 2-3-2, 2-6
    for body in [
        forms.good.clone(),
        forms.with("/context", json!({"time": "now", "deep": [null, 1.5, {}]})),
        forms.with("/subject/properties", json!({"department": null, "ratio": 0.5})),
        forms.with("/futureField", json!([1])),
        forms.good.clone(),
    ] {
        let answer = post(&server, &token, EVALUATION, &body);
        assert!(answer["decision"] == true && answer["context"].is_object(), "{body}: {answer}");
    }
    // 2-4-1, 2-4-2, 2-4-6, and 3: the same of a whole batch.
    for pointer in MEMBERS {
        let missing = forms.send(EVALUATION, &forms.without(pointer).to_string());
        assert!(missing.status == 400 && missing.json().is_string(), "{pointer}");
        for path in [EVALUATION, "/access/v1/evaluations"] {
            assert_eq!(
                forms.send(path, &forms.with(pointer, json!(7)).to_string()).status,
                400,
                "{pointer}"
            );
        }
    }
    // 2-4-3, 2-4-4, 2-4-5
    for text in ["", "{", "[]", "null", "{} {}"] {
        assert_eq!(forms.send(EVALUATION, text).status, 400, "{text}");
    }
    let text = forms.good.to_string();
    let plain = Request::post(EVALUATION, text.as_bytes()).token(&token).without("Content-Type");
    for request in [plain.clone(), plain.with("Content-Type", "text/plain")] {
        assert_eq!(server.send(&request).status, 400);
    }
    // 2-5-1, 2-5-2, also where it is refused.
    for (body, status) in [(text.as_str(), 200), ("{", 400)] {
        let request =
            Request::post(EVALUATION, body.as_bytes()).token(&token).with("X-Request-ID", "a b");
        let answer = server.send(&request);
        assert_eq!((answer.status, answer.header("x-request-id")), (status, Some("a b")));
    }
    assert!(forms.send(EVALUATION, &text).header("x-request-id").is_some());
}

/// The same: 3-2 to 3-4, 4-2 to 4-7.
#[test]
fn batches_and_searches_of_an_account_have_the_forms_of_the_scenario() {
    let (_place, server, token) = place();
    let forms = Forms { server: &server, token: &token, good: good() };
    // 3-2-1 to 3-2-7, 3-3-1 to 3-3-4, 3-4-1 to 3-4-3
    let other =
        job("dlc-2", json!({"workspace": "10001", "creator": "2002", "accessibility": "PRIVATE"}));
    let items = json!([{}, {"resource": other}, {"resource": {"type": "job"}}, {"context": {"time": 1}}, 7]);
    let answer =
        post(&server, &token, "/access/v1/evaluations", &forms.with("/evaluations", items));
    let decisions: Vec<&Value> =
        answer["evaluations"].as_array().unwrap().iter().map(|it| &it["decision"]).collect();
    assert_eq!(
        decisions,
        [&json!(true), &json!(false), &json!(false), &json!(true), &json!(false)]
    );
    assert!(answer.get("decision").is_none());
    for none in [forms.good.clone(), forms.with("/evaluations", json!([]))] {
        let answer = post(&server, &token, "/access/v1/evaluations", &none);
        assert!(answer["decision"] == true && answer.get("evaluations").is_none(), "{answer}");
    }
    // 4-7-1, 4-7-2; 4-2-3: the id of what is sought counts for nothing.
    for (what, needed) in [
        ("subject", &MEMBERS[..4]),
        (
            "resource",
            &[
                "/subject",
                "/subject/type",
                "/subject/id",
                "/action",
                "/action/name",
                "/resource",
                "/resource/type",
            ][..],
        ),
        (
            "action",
            &[
                "/subject",
                "/subject/type",
                "/subject/id",
                "/resource",
                "/resource/type",
                "/resource/id",
            ],
        ),
    ] {
        let path = format!("/access/v1/search/{what}");
        for pointer in needed {
            assert_eq!(
                forms.send(&path, &forms.without(pointer).to_string()).status,
                400,
                "{what} {pointer}"
            );
        }
    }
    let sought =
        post(&server, &token, "/access/v1/search/subject", &forms.with("/subject/id", json!("99")));
    assert_eq!(names(&sought), ["2001"]);
    // 4-6-1, 4-6-2
    for body in [
        forms.with("/subject/type", json!("Cat")),
        forms.with("/resource/properties/workspace", json!("99")),
    ] {
        assert_eq!(post(&server, &token, "/access/v1/search/subject", &body)["results"], json!([]));
    }
}
