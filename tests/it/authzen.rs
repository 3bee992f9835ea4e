//! OpenID AuthZEN 1.0, requirement by requirement, as the working group's certification scenario numbers them: on the fixture
//! of the scenario, a policy bundle.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{
    server::Server,
    wire::{Answer, Request},
};

const URL: &str = "https://pdp.example.com";
const EVALUATION: &str = "/records/access/v1/evaluation";
const EVALUATIONS: &str = "/records/access/v1/evaluations";

/// Starts a service with the fixture, which knows an address that is not where it listens.
fn serve() -> Server {
    static BUNDLE: LazyLock<String> =
        LazyLock::new(|| format!("records={}/tests/fixtures/authzen", env!("CARGO_MANIFEST_DIR")));
    Server::demo(&["--bundle", &BUNDLE, "--public-url", URL])
}

#[track_caller]
fn ask(server: &Server, path: &str, body: &Value) -> Value {
    let answer = server.post(path, body.to_string());
    assert_eq!(answer.status, 200, "{body}: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

#[track_caller]
fn refused(server: &Server, path: &str, body: impl AsRef<[u8]>) -> String {
    let body = body.as_ref();
    let answer = server.post(path, body);
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 400, "{}: {said}", String::from_utf8_lossy(body));
    // The body is a message.
    answer.json().as_str().unwrap_or_else(|| panic!("no string: {said}")).to_owned()
}

fn request(subject: &str, action: &str, resource: &str) -> Value {
    json!({
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "record", "id": resource},
    })
}

pub(crate) fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

/// What every request states, as JSON pointers.
pub(crate) const MEMBERS: [&str; 8] = [
    "/subject",
    "/action",
    "/resource",
    "/subject/type",
    "/subject/id",
    "/action/name",
    "/resource/type",
    "/resource/id",
];

pub(crate) fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    body
}

fn decisions(answer: &Value) -> Vec<bool> {
    answer["evaluations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["decision"].as_bool().unwrap())
        .collect()
}

/// 2-2, 2-3: what is decided, and in which form.
#[test]
fn basic_decisions() {
    let server = serve();
    let archived = || json!({"status": "archived"});
    for (rule, body, expected) in [
        ("2-2-1 rule 1", request("alice", "read", "record-1"), true),
        ("rule 2", request("alice", "write", "record-1"), true),
        ("rule 3", request("bob", "read", "record-1"), true),
        ("2-2-2 rule 4", request("bob", "write", "record-1"), false),
        (
            "2-2-3 context",
            with(
                request("alice", "read", "record-1"),
                "/context",
                json!({"time": "2026-01-01T00:00:00Z", "deep": {"a": [1.5, null]}}),
            ),
            true,
        ),
        (
            "2-2-4 rule 5",
            with(request("alice", "write", "record-1"), "/resource/properties", archived()),
            false,
        ),
        (
            "2-2-5 rule 6",
            with(
                with(
                    request("bob", "write", "record-1"),
                    "/subject/properties",
                    json!({"role": "admin"}),
                ),
                "/resource/properties",
                archived(),
            ),
            true,
        ),
        (
            "rule 6, stated of somebody else",
            with(
                with(
                    request("alice", "write", "record-1"),
                    "/subject/properties",
                    json!({"role": "admin"}),
                ),
                "/resource/properties",
                archived(),
            ),
            true,
        ),
        (
            "2-2-6 rule 7",
            with(
                request("alice", "delete", "record-1"),
                "/action/properties",
                json!({"soft": true}),
            ),
            true,
        ),
        (
            "2-2-7 rule 8",
            with(
                request("alice", "delete", "record-1"),
                "/action/properties",
                json!({"soft": false}),
            ),
            false,
        ),
        (
            "2-2-8 extra properties",
            with(
                request("alice", "read", "record-1"),
                "/subject/properties",
                json!({"department": null, "ratio": 0.5, "tags": [{"a": {}}], "big": 1e300}),
            ),
            true,
        ),
        (
            "2-2-9 unknown fields",
            with(
                with(request("alice", "read", "record-1"), "/futureField", json!([1])),
                "/subject/other",
                json!({"x": null}),
            ),
            true,
        ),
    ] {
        let answer = ask(&server, EVALUATION, &body);
        // 2-3-1, 2-3-2
        assert_eq!(answer["decision"], json!(expected), "{rule}: {answer}");
        assert!(answer["context"].is_object(), "{rule}: {answer}");
    }
    // 2-6: asked again, answered alike, whatever the order of the members.
    let turned = r#"{"resource":{"id":"record-1","type":"record"},"action":{"name":"read"},"subject":{"id":"alice","type":"user"}}"#;
    let first = ask(&server, EVALUATION, &request("alice", "read", "record-1"));
    for body in [request("alice", "read", "record-1").to_string(), turned.to_owned()] {
        assert_eq!(server.post(EVALUATION, body).json(), first);
    }
}

/// 2-4: what is refused, with 400 and a message.
#[test]
fn basic_errors() {
    let server = serve();
    let good = request("alice", "read", "record-1");
    for pointer in MEMBERS {
        // 2-4-1, 2-4-2
        let named = pointer.get(1..).unwrap().replace('/', ".");
        let said = refused(&server, EVALUATION, without(good.clone(), pointer).to_string());
        assert!(said.contains(&format!("`{named}` is missing")), "{pointer}: {said}");
        for wrong in [json!(7), json!([]), json!(true), json!(1.5)] {
            // 2-4-6
            let said = refused(&server, EVALUATION, with(good.clone(), pointer, wrong).to_string());
            assert!(said.contains(&named), "{pointer}: {said}");
        }
        refused(&server, EVALUATION, with(good.clone(), pointer, Value::Null).to_string());
    }
    refused(&server, EVALUATION, with(good.clone(), "/subject", json!("alice")).to_string());
    for pointer in ["/context", "/subject/properties", "/action/properties", "/resource/properties"]
    {
        for wrong in [json!("x"), json!([1]), json!(7)] {
            refused(&server, EVALUATION, with(good.clone(), pointer, wrong).to_string());
        }
    }
    // 2-4-4, 2-4-5
    for body in ["", "{", "[]", "\"x\"", "null", "{\"subject\":", "{} {}"] {
        refused(&server, EVALUATION, body);
        refused(&server, EVALUATIONS, body);
    }
    refused(&server, EVALUATION, b"{\"subject\":\"\xff\"}");
    // I-JSON: no member twice.
    refused(
        &server,
        EVALUATION,
        r#"{"subject":{"type":"user","id":"alice"},"subject":{"type":"user","id":"bob"},"action":{"name":"read"},"resource":{"type":"record","id":"record-1"}}"#,
    );
    // 2-4-3
    let body = good.to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let wrong = Request::post(EVALUATION, body.as_bytes())
            .without("Content-Type")
            .with("Content-Type", kind);
        assert_eq!(server.send(&wrong).status, 400, "{kind}");
    }
    assert_eq!(
        server.send(&Request::post(EVALUATION, body.as_bytes()).without("Content-Type")).status,
        400
    );
    let charset = Request::post(EVALUATION, body.as_bytes())
        .without("Content-Type")
        .with("Content-Type", "application/json; charset=utf-8");
    assert_eq!(server.send(&charset).status, 200);
    // Methods and paths keep their codes.
    let wrong = server.send(&Request::get(EVALUATION).token("dev-token"));
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    assert_eq!(server.post("/records/access/v1/evaluate", &body).status, 404);
    // Whatever the bundle is called, an error is a message.
    for name in ["v1", "api", "docs", "other"] {
        let answer = server.post(&format!("/{name}/access/v1/evaluation"), &body);
        assert!(answer.status == 403 && answer.json().is_string(), "{name}: {}", answer.status);
    }
}

/// 2-5, 5-4: the id of a request comes back as it was sent, whatever is answered.
#[test]
fn request_ids_are_echoed_unchanged() {
    let server = serve();
    let good = request("alice", "read", "record-1").to_string();
    let long = "x".repeat(4_000);
    for id in ["b2c5c6b2-1111-4222-8333-944444444444", "a b; \"c\" {}", "é", &long] {
        for (path, body, token, status) in [
            (EVALUATION, good.as_str(), "dev-token", 200),
            (EVALUATION, "{", "dev-token", 400),
            (EVALUATION, good.as_str(), "nobody", 401),
            ("/other/access/v1/evaluation", good.as_str(), "dev-token", 403),
            ("/access/v1/nothing", good.as_str(), "dev-token", 404),
            (EVALUATIONS, good.as_str(), "dev-token", 200),
        ] {
            let sent = Request::post(path, body.as_bytes()).token(token).with("X-Request-ID", id);
            let answer = server.send(&sent);
            assert_eq!(
                (answer.status, answer.header("x-request-id")),
                (status, Some(id)),
                "{path}"
            );
        }
    }
    assert!(server.post(EVALUATION, &good).header("x-request-id").is_some_and(|id| !id.is_empty()));
    let nobody = server.send(&Request::post(EVALUATION, good.as_bytes()).without("Authorization"));
    assert_eq!((nobody.status, nobody.header("www-authenticate").is_some()), (401, true));
}

/// 3-2 to 3-4: many at once.
#[test]
fn batches() {
    let server = serve();
    let resource = |id: &str| json!({"resource": {"type": "record", "id": id}});
    let all = |defaults: Value, items: Value| with(defaults, "/evaluations", items);
    let alice = |action: &str| without(request("alice", action, ""), "/resource");
    // 3-2-1, 3-2-2, 3-3-1 to 3-3-3
    let answer = ask(
        &server,
        EVALUATIONS,
        &all(alice("write"), json!([resource("record-1"), resource("record-2")])),
    );
    assert_eq!(decisions(&answer), [true, false]);
    // 3-3-4
    assert!(answer.get("decision").is_none());
    // 3-2-3
    let stated = json!([{"resource": {"type": "record", "id": "record-1", "properties": {"status": "archived"}}}, resource("record-1")]);
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &all(alice("write"), stated))), [false, true]);
    // 3-2-4
    let write = without(with(request("", "write", "record-2"), "/context", json!({})), "/subject");
    let admins = json!([{"subject": {"type": "user", "id": "alice"}}, {"subject": {"type": "user", "id": "alice", "properties": {"role": "admin"}}}]);
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &all(write, admins))), [false, true]);
    // 3-2-5
    let own = json!({"evaluations": [request("alice", "read", "record-1"), request("bob", "write", "record-1")]});
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &own)), [true, false]);
    // 3-2-6
    let context = with(alice("read"), "/context", json!({"time": "now"}));
    let items =
        json!([resource("record-1"), with(resource("record-2"), "/context", json!({"other": 1}))]);
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &all(context, items))), [true, true]);
    // 3-2-7: nothing is merged within.
    let defaults = with(
        request("alice", "write", "record-1"),
        "/resource/properties",
        json!({"status": "archived"}),
    );
    let items = json!([{}, resource("record-1")]);
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &all(defaults.clone(), items))), [false, true]);
    // 3-4-1: what fails is false in its place.
    let items = json!([resource("record-1"), {"resource": {"type": "record"}}, {"subject": "alice"}, 7, {"action": {"name": "fly"}}, {"resource": {"id": "record-1", "properties": {}}}, resource("record-1")]);
    let answer = ask(&server, EVALUATIONS, &all(request("alice", "read", "record-1"), items));
    assert_eq!(decisions(&answer), [true, false, false, false, false, false, true]);
    for failed in 1..6 {
        let error = &answer["evaluations"][failed]["context"]["error"];
        assert!(error["status"] == 400 && error["message"].is_string(), "{failed}: {answer}");
    }
    // 3-4-2, 3-4-3
    for items in [None, Some(json!([])), Some(Value::Null)] {
        let body = request("alice", "read", "record-1");
        let body = items.map_or(body.clone(), |items| all(body, items));
        let answer = ask(&server, EVALUATIONS, &body);
        assert!(answer["decision"] == true && answer.get("evaluations").is_none(), "{answer}");
        assert_eq!(answer, ask(&server, EVALUATION, &request("alice", "read", "record-1")));
    }
    refused(&server, EVALUATIONS, all(alice("read"), json!([])).to_string());
}

/// Semantics, and what is wrong with the whole.
#[test]
fn batches_stop_where_they_shall() {
    let server = serve();
    let items = |actions: &[&str]| {
        let items: Vec<Value> = actions
            .iter()
            .map(|name| {
                if name.is_empty() {
                    json!({"action": {}})
                } else {
                    json!({"action": {"name": name}})
                }
            })
            .collect();
        with(request("bob", "read", "record-1"), "/evaluations", json!(items))
    };
    let semantic = |body: Value, semantic: &str| {
        with(body, "/options", json!({"evaluations_semantic": semantic, "other": 1}))
    };
    let of = |actions: &[&str], name: &str| {
        decisions(&ask(&server, EVALUATIONS, &semantic(items(actions), name)))
    };
    assert_eq!(of(&["read", "write", "read"], "execute_all"), [true, false, true]);
    assert_eq!(of(&["read", "write", "read"], "deny_on_first_deny"), [true, false]);
    assert_eq!(of(&["read", "", "read"], "deny_on_first_deny"), [true, false]);
    assert_eq!(of(&["write", "read", "read"], "permit_on_first_permit"), [false, true]);
    assert_eq!(of(&["", "read", "read"], "permit_on_first_permit"), [false, true]);
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &items(&["read", "write"]))), [true, false]);
    let said = refused(&server, EVALUATIONS, semantic(items(&["read"]), "first").to_string());
    assert!(
        said.contains("evaluations_semantic") && said.contains("permit_on_first_permit"),
        "{said}"
    );
    for (pointer, value) in [
        ("/options", json!([])),
        ("/options", json!({"evaluations_semantic": 7})),
        ("/evaluations", json!({})),
        ("/evaluations", json!("x")),
        ("/subject", json!("alice")),
        ("/context", json!(1)),
    ] {
        refused(&server, EVALUATIONS, with(items(&["read"]), pointer, value).to_string());
    }
    let most: Vec<&str> = vec!["read"; 1_000];
    assert_eq!(of(&most, "execute_all").len(), 1_000);
    let said = refused(&server, EVALUATIONS, items(&vec!["read"; 10_000]).to_string());
    assert!(said.contains("10000") && said.contains("1000"), "{said}");
}

fn search(server: &Server, what: &str, body: &Value) -> Value {
    let answer = ask(server, &format!("/records/access/v1/search/{what}"), body);
    assert!(answer["results"].is_array(), "{answer}");
    answer
}

fn found(answer: &Value) -> Vec<&str> {
    let name = |it: &'_ Value| if it.get("id").is_some() { "id" } else { "name" };
    answer["results"].as_array().unwrap().iter().map(|it| it[name(it)].as_str().unwrap()).collect()
}

/// 4-2 to 4-4, 4-6: searches.
#[test]
fn searches() {
    let server = serve();
    let subjects = |action: &str, record: &str| {
        with(request("", action, record), "/subject", json!({"type": "user"}))
    };
    let resources = |subject: &str, action: &str| {
        with(request(subject, action, ""), "/resource", json!({"type": "record"}))
    };
    let actions = |subject: &str, record: &str| without(request(subject, "", record), "/action");
    let archived = json!({"status": "archived"});
    // 4-2-1 to 4-2-4
    let answer = search(&server, "subject", &subjects("read", "record-1"));
    assert_eq!(
        answer["results"],
        json!([{"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}])
    );
    let with_context = with(subjects("read", "record-1"), "/context", json!({"time": 1}));
    assert_eq!(found(&search(&server, "subject", &with_context)), ["alice", "bob"]);
    let with_id = with(subjects("write", "record-1"), "/subject/id", json!("bob"));
    assert_eq!(found(&search(&server, "subject", &with_id)), ["alice"]);
    let stated = with(subjects("write", "record-2"), "/resource/properties", archived.clone());
    assert_eq!(found(&search(&server, "subject", &stated)), ["bob"]);
    // 4-3-1 to 4-3-4
    let answer = search(&server, "resource", &resources("alice", "read"));
    assert_eq!(
        answer["results"],
        json!([{"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}])
    );
    let with_context = with(resources("alice", "write"), "/context", json!({}));
    assert_eq!(found(&search(&server, "resource", &with_context)), ["record-1"]);
    let with_id = with(resources("alice", "write"), "/resource/id", json!("record-2"));
    assert_eq!(found(&search(&server, "resource", &with_id)), ["record-1"]);
    let admin = with(resources("bob", "write"), "/subject/properties", json!({"role": "admin"}));
    assert_eq!(found(&search(&server, "resource", &admin)), ["record-2"]);
    // 4-4-1 to 4-4-3
    let answer = search(&server, "action", &actions("alice", "record-1"));
    assert_eq!(answer["results"], json!([{"name": "read"}, {"name": "write"}]));
    let with_context = with(actions("bob", "record-1"), "/context", json!({"time": 1}));
    assert_eq!(found(&search(&server, "action", &with_context)), ["read"]);
    let admin = with(
        with(actions("bob", "record-2"), "/subject/properties", json!({"role": "admin"})),
        "/resource/properties",
        archived,
    );
    assert_eq!(found(&search(&server, "action", &admin)), ["read", "write"]);
    // 4-6-1, 4-6-2
    for (what, body) in [
        ("subject", subjects("read", "record-9")),
        ("subject", with(subjects("read", "record-1"), "/subject/type", json!("cat"))),
        ("subject", with(subjects("read", "record-1"), "/resource/type", json!("cat"))),
        ("subject", subjects("fly", "record-1")),
        ("resource", resources("eve", "read")),
        ("resource", with(resources("alice", "read"), "/resource/type", json!("cat"))),
        ("action", actions("eve", "record-1")),
        ("action", actions("alice", "record-9")),
    ] {
        assert_eq!(search(&server, what, &body)["results"], json!([]), "{what} {body}");
    }
}

/// 4-7-1, 4-7-2: what a search must have.
#[test]
fn searches_without_what_they_need() {
    let server = serve();
    let of = |what: &str| {
        let mut body = request("alice", "read", "record-1");
        match what {
            "action" => body = without(body, "/action"),
            _ => body = without(body, &format!("/{what}/id")),
        }
        body
    };
    for what in ["subject", "resource", "action"] {
        let body = of(what);
        for pointer in MEMBERS.iter().filter(|pointer| body.pointer(pointer).is_some()) {
            let path = format!("/records/access/v1/search/{what}");
            let said = refused(&server, &path, without(body.clone(), pointer).to_string());
            assert!(said.contains("is missing"), "{what} without {pointer}: {said}");
        }
    }
}

/// 4-5: pages.
#[test]
fn searches_in_pages() {
    let server = serve();
    let body = with(request("", "read", "record-1"), "/subject", json!({"type": "user"}));
    let page = |page: Value| with(body.clone(), "/page", page);
    // 4-5-4
    assert!(search(&server, "subject", &body).get("page").is_none());
    let whole = search(&server, "subject", &page(json!({"limit": 10})));
    assert_eq!((whole["page"]["next_token"].as_str(), found(&whole).len()), (Some(""), 2));
    // 4-5-1 to 4-5-3
    let first = search(&server, "subject", &page(json!({"limit": 1})));
    assert_eq!((found(&first), &first["page"]["count"]), (vec!["alice"], &json!(1)));
    let token = first["page"]["next_token"].as_str().unwrap().to_owned();
    assert!(!token.is_empty());
    let second = search(&server, "subject", &page(json!({"limit": 1, "token": token})));
    assert_eq!((found(&second), second["page"]["next_token"].as_str()), (vec!["bob"], Some("")));
    assert_eq!(
        search(&server, "subject", &page(json!({"limit": 1, "token": token}))),
        second,
        "as often as one likes"
    );
    // Of another search, of another bundle's, edited.
    let path = "/records/access/v1/search/subject";
    let other = with(page(json!({"limit": 1, "token": token})), "/action/name", json!("write"));
    assert!(refused(&server, path, other.to_string()).contains("this search"));
    refused(&server, path, page(json!({"limit": 2, "token": token})).to_string());
    refused(
        &server,
        "/records/access/v1/search/resource",
        with(page(json!({"limit": 1, "token": token})), "/subject/id", json!("alice")).to_string(),
    );
    let mut edited = token.clone();
    let last = if edited.pop() == Some('A') { 'B' } else { 'A' };
    edited.push(last);
    for token in [edited.as_str(), "x", "%%", &"A".repeat(3_000)] {
        assert!(
            refused(&server, path, page(json!({"limit": 1, "token": token})).to_string())
                .contains("page.token")
        );
    }
    for wrong in [
        json!({"limit": 0}),
        json!({"limit": -1}),
        json!({"limit": "1"}),
        json!({"limit": 1.5}),
        json!({"token": 1}),
        json!([]),
    ] {
        refused(&server, path, page(wrong).to_string());
    }
}

fn discover(server: &Server, path: &str) -> Answer {
    server.send(&Request::get(path).with("X-Forwarded-Host", "evil.example"))
}

/// 6-1 to 6-6: where everything is.
#[test]
fn discovery() {
    let server = serve();
    for (path, tenant) in [("", ""), ("/records", "/records")] {
        let answer = discover(&server, &format!("/.well-known/authzen-configuration{path}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert!(answer.header("cache-control").is_some());
        let told = answer.json();
        assert_eq!(told["policy_decision_point"], format!("{URL}{tenant}"));
        for (name, path) in [
            ("access_evaluation_endpoint", "evaluation"),
            ("access_evaluations_endpoint", "evaluations"),
            ("search_subject_endpoint", "search/subject"),
            ("search_resource_endpoint", "search/resource"),
            ("search_action_endpoint", "search/action"),
        ] {
            assert_eq!(told[name], format!("{URL}{tenant}/access/v1/{path}"));
            let there = format!("{tenant}/access/v1/{path}");
            assert_eq!(server.post(&there, "{}").status, 400, "{there} is there");
        }
        assert!(told.as_object().unwrap().values().all(|value| !value.is_null()));
        assert!(!String::from_utf8(answer.body).unwrap().contains("evil"));
    }
    let unknown = discover(&server, "/.well-known/authzen-configuration/nothing");
    assert_eq!(unknown.status, 404);
    assert!(unknown.json().is_string());
    let silent = Server::demo(&[]);
    let told = discover(&silent, "/.well-known/authzen-configuration").json();
    assert_eq!(told["policy_decision_point"], silent.url(), "in development, where it listens");
}

/// Big ids, deep values, and whatever else somebody may send: an answer or a 400, never more.
#[test]
fn nothing_a_client_sends_is_the_servers_fault() {
    let server = serve();
    let long = "i".repeat(10_240);
    assert_eq!(ask(&server, EVALUATION, &request(&long, "write", &long))["decision"], false);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    // What somebody unknown may not.
    let good = request("alice", "write", "record-1").to_string();
    for text in [
        good.replace(
            "\"alice\"",
            "\"alice\",\"properties\":{\"role\":{\"__entity\":{\"type\":\"User\",\"id\":\"bob\"}}}",
        ),
        good.replace("\"alice\"", "\"alice\",\"properties\":{\"role\":null}"),
        good.replace("\"alice\"", "\"alice\",\"properties\":{\"role\":99999999999999999999999999}"),
        good.replace("\"alice\"", &format!("\"alice\",\"properties\":{{\"x\":{deep}}}")),
        good.replace("\"alice\"", "\"alice\",\"properties\":{\"role\":\"a\",\"role\":\"admin\"}"),
        good.replace("\"alice\"", "\"\\ud800\""),
        good.replace("\"alice\"", "\"a\\u0000\""),
        good.replace("\"record-1\"", "\"record-1\",\"properties\":{\"status\":[]}"),
        good.replace("\"user\"", "\"User::\\\"\""),
        good.replace("\"write\"", "\"write\\\" || true\""),
    ] {
        let answer = server.post(EVALUATION, &text);
        assert!([200, 400].contains(&answer.status), "{text}: {}", answer.status);
        if answer.status == 200 && !text.contains("null") && !text.contains("[[") {
            assert_eq!(answer.json()["decision"], false, "{text}");
        }
    }
}

/// What a batch has in common costs its items little, and what is too much is said.
#[test]
fn defaults_are_bounded() {
    let server = serve();
    let many = |count: usize| json!(vec![json!({}); count]);
    let words = |count: usize| json!({"unlisted": vec!["a"; count]});
    let big = with(
        with(request("alice", "read", "record-1"), "/context", words(5_000)),
        "/evaluations",
        many(1_000),
    );
    assert_eq!(decisions(&ask(&server, EVALUATIONS, &big)), vec![true; 1_000]);
    let bigger = with(request("alice", "read", "record-1"), "/context", words(50_000));
    assert!(refused(&server, EVALUATION, bigger.to_string()).contains("32768"));
    assert!(
        refused(&server, EVALUATIONS, with(bigger, "/evaluations", many(3)).to_string())
            .contains("32768")
    );
    let keys: serde_json::Map<String, Value> =
        (0..100).map(|it| (format!("acs:k{it}"), json!(vec!["a"; 50]))).collect();
    let mut account = json!({"subject": {"type": "User", "id": "2001"}, "action": {"name": "PaiDLC:GetJob"}, "resource": {"type": "workspace", "id": "10001"}, "context": keys});
    account["evaluations"] = many(1_000);
    let answer = ask(&server, "/access/v1/evaluations", &account);
    assert_eq!(decisions(&answer), vec![false; 1_000]);
    assert!(answer["evaluations"][0]["context"]["error"]["message"].is_string());
    let search = json!({"subject": account["subject"], "resource": account["resource"], "context": account["context"]});
    let answer = ask(&server, "/access/v1/search/action", &search);
    assert!(
        answer["context"]["refused"]["field"].as_str().unwrap().starts_with("context"),
        "{answer}"
    );
}
