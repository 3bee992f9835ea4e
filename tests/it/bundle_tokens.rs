//! Tokens of an account and of a policy bundle: each opens what it is for, and nothing else.

use serde_json::{Value, json};

use crate::{
    authzen_account::{ACCOUNT, place},
    support::{server::Server, wire::Request},
};

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
