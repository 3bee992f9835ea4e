//! Who asks: bearer tokens, and the id each request is known by.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::{
    http_errors::assert_error,
    support::{
        server::{DEV_TOKEN, Place, Server},
        wire::{Answer, Connection, Request},
    },
};

pub(crate) const ONE: &str = "/v1/is-authorized";
pub(crate) const TOKENS: &str = "/v1/tokens";
pub(crate) const ACCOUNT: &str = "1000000000000001";

/// Asks about the main account in its own account: allowed wherever the caller may ask at all.
pub(crate) fn question() -> Value {
    json!({"principal": {"type": "Account", "id": ACCOUNT}, "action": "Pai:ListQuotas"})
}

/// Asks it with a token and returns the answer.
fn decide(server: &Server, token: &str) -> Answer {
    server.send(&Request::post(ONE, question().to_string().as_bytes()).token(token))
}

fn create(server: &Server, token: &str, body: &Value) -> Answer {
    server.send(&Request::post(TOKENS, body.to_string().as_bytes()).token(token))
}

fn list(server: &Server, token: &str) -> Answer {
    server.send(&Request::get(TOKENS).token(token))
}

fn revoke(server: &Server, token: &str, id: &str) -> Answer {
    let path = format!("{TOKENS}/{id}");
    server.send(&Request { method: "DELETE", ..Request::get(&path) }.token(token))
}

/// Makes a token with scopes and returns its id and text.
#[track_caller]
fn made(server: &Server, by: &str, scopes: &[&str]) -> (String, String) {
    let answer = create(server, by, &json!({"name": "made", "scopes": scopes}));
    assert_eq!(answer.status, 201, "{answer:?}");
    let body = answer.json();
    let text = |key: &str| body[key].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

#[track_caller]
pub(crate) fn assert_refused(answer: &Answer) {
    let error = assert_error(answer, 401, "unauthenticated");
    assert_eq!(error["message"], "the bearer token is missing or not valid", "one answer for all");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"pai-authz\""));
}

#[test]
fn a_caller_without_one_valid_bearer_token_is_refused_and_not_told_why() {
    let place = Place::new();
    let token = place.init(ACCOUNT);
    let server = place.serve(&[]);
    assert_eq!(decide(&server, &token).status, 200);
    let body = question().to_string();
    let request = Request::post(ONE, body.as_bytes()).without("Authorization");
    assert_refused(&server.send(&request));
    let parts: Vec<&str> = token.split('_').collect();
    let other = if parts[3].starts_with('0') { "1" } else { "0" };
    let edited = format!("{}_{}_{}_{other}{}", parts[0], parts[1], parts[2], &parts[3][1..]);
    for value in [
        String::new(),
        token.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {edited}"),
        format!("Bearer {}", token.replace(ACCOUNT, "2000000000000002")),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token} {token}"),
        "Bearer pat_1_2_3".to_owned(),
        format!("Bearer {}", "a".repeat(50_000)),
        "Bearer \u{fc}".to_owned(),
        // The token of development mode is nobody here.
        format!("Bearer {DEV_TOKEN}"),
    ] {
        assert_refused(&server.send(&request.clone().with("Authorization", value)));
    }
    let twice = Request::post(ONE, body.as_bytes()).token(&token);
    let twice = twice.with("Authorization", format!("Bearer {token}"));
    assert_refused(&server.send(&twice));
    let lower = request.with("authorization", format!("bearer {token}"));
    assert_eq!(server.send(&lower).status, 200, "header and scheme ignore case");
    for (method, path) in [("GET", TOKENS), ("POST", TOKENS), ("DELETE", "/v1/tokens/abc")] {
        assert_refused(&server.send(&Request { method, ..Request::get(path) }));
    }
}

#[test]
fn a_token_may_do_what_its_scopes_say_and_nothing_else() {
    let place = Place::new();
    let first = place.init(ACCOUNT);
    let server = place.serve(&[]);
    let (id, decides) = made(&server, &first, &["decide"]);
    let (_, manages) = made(&server, &first, &["tokens"]);
    let body = json!({"name": "by default"});
    assert_eq!(create(&server, &first, &body).json()["scopes"], json!(["decide"]));

    assert_eq!(decide(&server, &decides).json()["decision"], "Allow");
    for answer in [
        create(&server, &decides, &body),
        list(&server, &decides),
        revoke(&server, &decides, &id),
        decide(&server, &manages),
        server.send(&Request::post("/v1/batch-is-authorized", b"{}").token(&manages)),
    ] {
        assert_error(&answer, 403, "forbidden");
    }
    assert_eq!(list(&server, &manages).status, 200);
    assert_eq!(revoke(&server, &manages, &id).status, 200);
    assert_refused(&decide(&server, &decides));
}

#[test]
fn a_token_is_refused_from_the_request_after_its_revocation_on() {
    let place = Place::new();
    let first = place.init(ACCOUNT);
    let server = place.serve(&[]);
    // Kept connections to every worker: none may remember.
    let mut connections: Vec<Connection> = (0..8).map(|_| server.connect()).collect();
    let body = question().to_string();
    for _ in 0..5 {
        let (id, token) = made(&server, &first, &["decide", "tokens"]);
        let ask = Request::post(ONE, body.as_bytes()).token(&token);
        for connection in &mut connections {
            assert_eq!(connection.ask(&ask).status, 200);
        }
        assert_eq!(revoke(&server, &first, &id).status, 200);
        for connection in &mut connections {
            // Its body is read all the same, on the chance that nothing has changed: the connection stays.
            for _ in 0..2 {
                assert_refused(&connection.ask(&ask));
            }
        }
        assert_error(&revoke(&server, &first, &id), 404, "not_found");
    }
    // A token can revoke itself, and then no more.
    let (id, token) = made(&server, &first, &["tokens"]);
    assert_eq!(revoke(&server, &token, &id).status, 200);
    assert_refused(&revoke(&server, &token, &id));
}

#[test]
fn a_token_that_is_revoked_while_a_body_comes_is_refused() {
    let place = Place::new();
    let first = place.init(ACCOUNT);
    let server = place.serve(&[]);
    let all = ["decide", "tokens", "search", "explain"];
    let evaluation = json!({"subject": {"type": "User", "id": "2001"}, "action": {"name": "PaiDLC:StopJob"}, "resource": {"type": "workspace", "id": "10001"}}).to_string();
    let asked =
        json!({"principal": {"type": "User", "id": "2001"}, "resources": [{"workspace": "10001"}]})
            .to_string();
    let one = question().to_string();
    for (path, body) in [
        (ONE, one.clone()),
        ("/v1/batch-is-authorized", format!("{{\"requests\": [{one}]}}")),
        ("/v1/allowed-actions", asked),
        ("/v1/ram/validate", r#"{"document": "{}"}"#.to_owned()),
        ("/v1/ram/simulate", r#"{"documents": [], "actions": [], "resources": []}"#.to_owned()),
        ("/access/v1/evaluation", evaluation.clone()),
        ("/access/v1/evaluations", evaluation.clone()),
        ("/access/v1/search/subject", evaluation.clone()),
        ("/access/v1/search/resource", evaluation.clone()),
        ("/access/v1/search/action", evaluation),
        (TOKENS, r#"{"name": "backdoor", "scopes": ["tokens"]}"#.to_owned()),
    ] {
        for is_known in [false, true] {
            let (id, token) = made(&server, &first, &all);
            let mut connection = server.connect();
            if is_known {
                let ask = Request::post(ONE, one.as_bytes()).token(&token);
                assert_eq!(connection.ask(&ask).status, 200);
            }
            let request = Request::post(path, body.as_bytes()).token(&token);
            connection.begin(&request);
            assert_eq!(revoke(&server, &first, &id).status, 200);
            connection.push(body.as_bytes()).unwrap();
            let answer = connection.answer("POST").unwrap();
            assert_eq!(answer.status, 401, "{path}: {}", String::from_utf8_lossy(&answer.body));
        }
    }
    let left = String::from_utf8(list(&server, &first).body).unwrap();
    assert!(!left.contains("backdoor"), "{left}");
}

#[test]
fn a_token_sees_and_revokes_tokens_of_its_own_account_only() {
    let place = Place::new();
    let [one, two] = [ACCOUNT, "2000000000000002"].map(|account| place.init(account));
    let server = place.serve(&[]);
    let (id, token) = made(&server, &one, &["decide"]);
    let foreign = revoke(&server, &two, &id);
    let unknown = revoke(&server, &two, "0000000000000000");
    assert_error(&foreign, 404, "not_found");
    let words = |answer: &Answer| {
        answer.json()["message"].as_str().unwrap().replace(&id, "0000000000000000")
    };
    assert_eq!(words(&foreign), words(&unknown));
    assert_eq!(decide(&server, &token).status, 200);
    assert!(!String::from_utf8(list(&server, &two).body).unwrap().contains(&id));
    for (id, value) in
        [("a-b", "a-b"), ("%2e%2e", ".."), ("%00", "\u{fffd}"), (&"a".repeat(33), &"a".repeat(33))]
    {
        let error = assert_error(&revoke(&server, &one, id), 400, "invalid_value");
        assert_eq!((&error["field"], &error["value"]), (&json!("id"), &json!(value)));
    }
}

#[test]
fn a_token_that_cannot_be_made_is_refused_with_field_and_value() {
    let server = Server::demo(&[]);
    let long = "n".repeat(129);
    let short = format!("{}…", "n".repeat(100));
    for (body, code, field, value) in [
        (json!({}), "missing_field", "name", Value::Null),
        (json!({"name": ""}), "invalid_value", "name", json!("")),
        (json!({"name": long}), "invalid_value", "name", json!(short)),
        (json!({"name": "a\nb"}), "invalid_value", "name", json!("a\u{fffd}b")),
        (json!({"name": "n", "scopes": []}), "missing_field", "scopes", Value::Null),
        (
            json!({"name": "n", "scopes": ["decide", "admin"]}),
            "invalid_value",
            "scopes[1]",
            json!("admin"),
        ),
        (json!({"name": "n", "account": "2"}), "unexpected_field", "account", Value::Null),
        (json!({"name": 1}), "invalid_value", "name", json!("1")),
    ] {
        let error = assert_error(&create(&server, DEV_TOKEN, &body), 400, code);
        assert_eq!((&error["field"], &error["value"]), (&json!(field), &value), "{error}");
    }
    assert_eq!(list(&server, DEV_TOKEN).json(), json!({"tokens": []}));
}

#[test]
fn a_secret_is_shown_once_and_then_nowhere() {
    let place = Place::new();
    let first = place.stopped(&["--format", "json", "init", "--account", ACCOUNT]).json();
    let text = |key: &str| first[key].as_str().unwrap();
    let server = place.serve(&["--log", "trace", "--log-format", "json"]);
    let (id, made) = made(&server, text("token"), &["decide"]);
    assert_eq!(decide(&server, &made).status, 200);
    let listed = String::from_utf8(list(&server, text("token")).body).unwrap();
    assert!(listed.contains(&id));
    // Refused ones are not repeated either.
    let wrong = made.replace('a', "b").replace("pbt", "pat");
    assert_refused(&decide(&server, &wrong));
    let said = server.said.clone();
    let log = server.stop();
    assert!(log.contains("\"TRACE\""), "{log}");
    let listed_by_command = place.stopped(&["token", "list", "--account", ACCOUNT]).out;
    let key = fs::read(place.path("master.key")).unwrap();
    for file in fs::read_dir(place.directory.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for secret in [text("token"), &made, text("accessKeySecret")] {
            assert_absent(&bytes, secret.rsplit('_').next().unwrap().as_bytes(), &name);
        }
        if name != "master.key" {
            assert_absent(&bytes, &key, &name);
        }
    }
    for secret in [text("token"), &made, text("accessKeySecret"), &wrong] {
        let secret = secret.rsplit('_').next().unwrap();
        for (name, shown) in [
            ("list", &listed),
            ("log", &log),
            ("stdout", &said),
            ("token list", &listed_by_command),
        ] {
            assert_absent(shown.as_bytes(), secret.as_bytes(), name);
        }
    }
}

/// Asserts that a file or output does not contain a secret.
#[track_caller]
fn assert_absent(bytes: &[u8], secret: &[u8], name: &str) {
    assert!(secret.len() >= 30);
    assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret is in {name}");
}

#[test]
fn tokens_outlive_the_process_and_so_do_revocations() {
    let place = Place::new();
    let first = place.init(ACCOUNT);
    let server = place.serve(&[]);
    let (_, kept) = made(&server, &first, &["decide"]);
    let (id, gone) = made(&server, &first, &["decide"]);
    assert_eq!(revoke(&server, &first, &id).status, 200);
    // Killed, not stopped: what was answered is on disk.
    drop(server);
    let server = place.serve(&[]);
    for token in [&first, &kept] {
        assert_eq!(decide(&server, token).status, 200);
    }
    assert_refused(&decide(&server, &gone));
    drop(server);
    // After a rotation of the master key, with the old one beside the new, all are still genuine.
    fs::rename(place.path("master.key"), place.path("old.key")).unwrap();
    let new = place.write("master.key", [7; 32]);
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    let rotated = place.serve(&["--previous-master-key-file", &place.text("old.key")]);
    assert_eq!(decide(&rotated, &first).status, 200);
}

#[test]
fn the_request_id_of_the_caller_comes_back_and_an_unfit_one_is_replaced() {
    let server = Server::demo(&[]);
    let body = question().to_string();
    let requests = [
        Request::post(ONE, body.as_bytes()),
        Request::post(ONE, b"{"),
        Request::post(ONE, body.as_bytes()).without("Authorization"),
        Request::post("/nowhere", b""),
        Request::get(ONE),
    ];
    for request in &requests {
        for id in ["r-1", "a\"b{}", &"x".repeat(128)] {
            let answer = server.send(&request.clone().with("X-Request-Id", id));
            assert_eq!(answer.header("x-request-id"), Some(id), "{answer:?}");
            assert!(answer.status == 200 || answer.json()["requestId"] == id, "{answer:?}");
        }
        let mut seen = std::collections::HashSet::new();
        for id in ["", "a b", "\u{e9}", &"x".repeat(129), "a\tb"] {
            let answer = server.send(&request.clone().with("X-Request-Id", id));
            let given = answer.header("x-request-id").unwrap().to_owned();
            assert!(given.len() == 32 && given.bytes().all(|b| b.is_ascii_hexdigit()), "{given}");
            assert!(answer.status == 200 || answer.json()["requestId"] == given.as_str());
            assert!(seen.insert(given), "each request has an id of its own");
        }
    }
    assert!(server.health("/livez").header("x-request-id").is_some());
}
