//! OpenID AuthZEN about an account: PAI's words in AuthZEN's, and the same decisions as in PAI's own.

use serde_json::{Value, json};

use crate::{
    authzen::{MEMBERS, with, without},
    support::{
        server::{Place, Server},
        wire::{Answer, Request},
    },
};

pub(crate) const ACCOUNT: &str = "1000000000000001";
const EVALUATION: &str = "/access/v1/evaluation";

/// Two workspaces: 2001 develops in the first and visits the second, which 2002 administers; 2003 is a user and no member.
pub(crate) fn place() -> (Place, Server, String) {
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
pub(crate) fn post(server: &Server, token: &str, path: &str, body: &Value) -> Value {
    let text = body.to_string();
    let answer = server.send(&Request::post(path, text.as_bytes()).token(token));
    assert_eq!(answer.status, 200, "{body}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn question(subject: &str, action: &str, resource: impl Into<Value>) -> Value {
    let resource = resource.into();
    json!({"subject": {"type": "User", "id": subject}, "action": {"name": action}, "resource": resource})
}

pub(crate) fn job(id: &str, properties: impl Into<Value>) -> Value {
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

pub(crate) fn search(server: &Server, token: &str, what: &str, body: &Value) -> Value {
    post(server, token, &format!("/access/v1/search/{what}"), body)
}

pub(crate) fn names(answer: &Value) -> Vec<String> {
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

/// What is sent, and how it is changed.
struct Forms<'f> {
    server: &'f Server,
    token: &'f str,
    good: Value,
}

fn good() -> Value {
    let stated = json!({"workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"});
    question("2001", "PaiDLC:StopJob", job("dlc-1", stated))
}

impl Forms<'_> {
    fn send(&self, path: &str, text: &str) -> Answer {
        self.server.send(&Request::post(path, text.as_bytes()).token(self.token))
    }

    fn without(&self, pointer: &str) -> Value {
        without(self.good.clone(), pointer)
    }

    fn with(&self, pointer: &str, value: Value) -> Value {
        with(self.good.clone(), pointer, value)
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
