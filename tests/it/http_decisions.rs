//! What is answered beside plain decisions: who and what is not known, revisions, batches.

use serde_json::{Value, json};

use crate::{
    http_errors::{BATCH, ONE, assert_error, good, with, without},
    support::{
        server::{DEV_TOKEN, Place, Server},
        wire::Request,
    },
};

#[test]
fn a_foreign_and_an_unknown_workspace_have_one_answer() {
    let place = Place::new();
    let accounts = [("1000000000000001", "10001", "2001"), ("2000000000000002", "20002", "2002")];
    let tokens = accounts.map(|(account, ..)| place.init(account));
    for (account, workspace, user) in accounts {
        place.import(account, &json!({
            "users": [{"id": user}],
            "workspaces": [{"id": workspace, "name": "w_name", "members": [{"user": user, "roles": ["PAI.AlgoDeveloper"]}]}],
        }));
    }
    let server = place.serve(&[]);
    for (token, (account, own, user)) in tokens.iter().zip(accounts) {
        let foreign = if own == "10001" { "20002" } else { "10001" };
        let ask = |principal: (&str, &str), workspace: &str| {
            let question = json!({
                "principal": {"type": principal.0, "id": principal.1}, "action": "PaiDLC:StopJob",
                "resource": {"workspace": workspace, "creator": user, "accessibility": "PRIVATE"},
            });
            let body = question.to_string();
            let answer = server.send(&Request::post(ONE, body.as_bytes()).token(token));
            (answer.status, String::from_utf8(answer.body).unwrap())
        };
        assert!(ask(("User", user), own).1.contains("Allow"));
        for principal in [
            ("User", user),
            ("User", "999"),
            ("Account", account),
            ("RamRole", "3001"),
            ("Account", "5"),
        ] {
            let (status, said) = ask(principal, foreign);
            assert_eq!(status, 200);
            assert!(
                said.contains(
                    r#""decision":"Deny","reason":"implicit_deny","determiningPolicies":[]"#
                ),
                "{said}"
            );
            assert_eq!((status, said), ask(principal, "99999999999999999999"), "{principal:?}");
        }
        // Users of the other account are strangers here.
        let other = if user == "2001" { "2002" } else { "2001" };
        assert_eq!(ask(("User", other), own), ask(("User", "999"), own));
    }
}

#[test]
fn a_revision_is_taken_back_only_unedited_and_for_its_account() {
    let place = Place::new();
    let tokens = ["1000000000000001", "2000000000000002"].map(|account| place.init(account));
    let server = place.serve(&[]);
    let question = |fresh: &str| {
        json!({
            "principal": {"type": "User", "id": "2001"}, "action": "PaiWorkspace:ListConfigs",
            "resource": {"workspace": "10001"}, "atLeastAsFresh": fresh,
        })
    };
    let ask = |token: &str, fresh: &str| {
        let body = question(fresh).to_string();
        server.send(&Request::post(ONE, body.as_bytes()).token(token))
    };
    let revisions = tokens.each_ref().map(|token| {
        let known = json!({
            "principal": {"type": "User", "id": "2001"}, "action": "PaiWorkspace:ListConfigs",
            "resource": {"workspace": "10001"},
        });
        server.decide(token, &known)["revision"].as_str().unwrap().to_owned()
    });
    assert_eq!(ask(&tokens[0], &revisions[0]).status, 200);
    let mut wrong = vec![
        String::new(),
        "garbage".to_owned(),
        "\u{0}".to_owned(),
        "A".repeat(10_000),
        format!("{}=", revisions[0]),
        format!(" {}", revisions[0]),
        revisions[0].to_lowercase(),
        revisions[1].clone(),
    ];
    // Any one letter changed.
    for at in 0..revisions[0].len() {
        let mut edited = revisions[0].clone();
        let other = if edited.as_bytes()[at] == b'A' { "B" } else { "A" };
        edited.replace_range(at..=at, other);
        wrong.push(edited);
    }
    for revision in &wrong {
        let error = assert_error(&ask(&tokens[0], revision), 400, "invalid_revision");
        assert_eq!(error["field"], "atLeastAsFresh");
        let body = json!({"requests": [{}], "atLeastAsFresh": revision}).to_string();
        let batch = server.send(&Request::post(BATCH, body.as_bytes()).token(&tokens[0]));
        assert_error(&batch, 400, "invalid_revision");
    }
    // In an item it is a fault of the item: the others are answered.
    let mut known = question(&revisions[0]);
    known["principal"]["id"] = json!("1000000000000001");
    let body =
        json!({"requests": [question("garbage"), known, question(&revisions[1])]}).to_string();
    let answer = server.send(&Request::post(BATCH, body.as_bytes()).token(&tokens[0]));
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = answer.json()["results"].clone();
    let reasons: Vec<&str> = (0..3).map(|at| results[at]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["error", "implicit_deny", "error"]);
    for at in [0, 2] {
        let error = &results[at]["errors"][0];
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("invalid_revision"), &json!("atLeastAsFresh"))
        );
    }
}

/// Returns a store, a token for it, and a revision that it has not reached.
fn behind() -> (Place, String, Value) {
    let ahead = Place::new();
    let token = ahead.init("1000000000000001");
    let behind = Place::new();
    for file in ["store.redb", "master.key"] {
        std::fs::copy(ahead.path(file), behind.path(file)).unwrap();
    }
    let made = ahead.stopped(&[
        "--format",
        "json",
        "token",
        "create",
        "--name",
        "later",
        "--account",
        "1000000000000001",
    ]);
    (behind, token, made.json()["revision"].clone())
}

#[test]
fn whoever_closes_its_side_is_answered_in_a_second_or_not_at_all() {
    let (behind, token, revision) = behind();
    let server = behind.serve(&["--freshness-wait-ms", "600000"]);
    let mut question = good();
    let ask = |question: &Value| {
        let body = question.to_string();
        let mut connection = server.connect();
        let request = Request::post(ONE, body.as_bytes()).token(&token);
        connection.push(&request.bytes()).unwrap();
        connection.end();
        let answer = connection.answer("POST").unwrap();
        connection.assert_closed();
        answer
    };
    // Some have sent all they have, and read on.
    assert_eq!(ask(&question).status, 200);
    question["atLeastAsFresh"] = revision;
    assert_error(&ask(&question), 408, "request_timeout");
}

#[test]
fn a_revision_this_replica_has_not_reached_is_no_decision() {
    let (behind, token, revision) = behind();
    let server = behind.serve(&["--freshness-wait-ms", "100"]);
    let mut question = good();
    question["atLeastAsFresh"] = revision.clone();
    for (path, body) in [
        (ONE, question.clone()),
        (BATCH, json!({"requests": [good()], "atLeastAsFresh": revision})),
        (BATCH, json!({"requests": [good(), question]})),
    ] {
        let body = body.to_string();
        let answer = server.send(&Request::post(path, body.as_bytes()).token(&token));
        assert_error(&answer, 503, "replica_stale");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // A change that brings the revision brings the decision.
    let create = Request::post("/v1/tokens", br#"{"name": "catches up"}"#).token(&token);
    assert_eq!(server.send(&create).status, 201);
    let body = json!({"requests": [good()], "atLeastAsFresh": revision}).to_string();
    assert_eq!(server.send(&Request::post(BATCH, body.as_bytes()).token(&token)).status, 200);
}

#[test]
fn a_batch_has_one_to_a_thousand_requests() {
    let server = Server::demo(&[]);
    let small = json!({"principal": {"type": "User", "id": "2001"}, "action": "PaiWorkspace:ListConfigs", "resource": {"workspace": "10001"}});
    let batch = |count: usize| json!({"requests": vec![small.clone(); count]}).to_string();
    for count in [0, 1_001, 5_000] {
        let error = assert_error(&server.post(BATCH, batch(count)), 400, "too_many_items");
        assert_eq!(
            (&error["field"], &error["value"]),
            (&json!("requests"), &json!(count.to_string()))
        );
    }
    for count in [1, 1_000] {
        let answer = server.post(BATCH, batch(count));
        assert_eq!(answer.status, 200, "{answer:?}");
        let results = answer.json()["results"].clone();
        let results = results.as_array().unwrap();
        assert_eq!(results.len(), count);
        assert!(results.iter().all(|result| result["decision"] == "Allow"));
    }
    for (body, code, field) in [
        ("{}", "missing_field", json!("requests")),
        (r#"{"requests": null}"#, "missing_field", json!("requests")),
        (r#"{"requests": {}}"#, "invalid_value", json!("requests")),
        (r#"{"requests": "x"}"#, "invalid_value", json!("requests")),
        (r#"{"requests": [{}], "atLeastAsFresh": 1}"#, "invalid_value", json!("atLeastAsFresh")),
        (r#"{"requests": [{},]}"#, "malformed_body", Value::Null),
        (r#"{"requests": [{}]"#, "malformed_body", Value::Null),
        ("[{}]", "malformed_body", Value::Null),
    ] {
        let error = assert_error(&server.post(BATCH, body), 400, code);
        assert_eq!(error["field"], field, "{error}");
    }
}

#[test]
fn a_faulty_item_is_denied_in_its_place_and_the_others_are_answered() {
    let server = Server::demo(&[]);
    let denied = with("/principal/id", json!("2002"));
    // What alone would be refused is refused here with the same code, field and value.
    let faulty = [
        "{}".to_owned(),
        without("/resource/creator"),
        with("/action", json!("PaiDLC:StopJbo")),
        with("/resource/type", json!("dataset")),
        with("/principal/type", json!("Robot")),
        with("/resource/accessibility", json!("secret")),
        with("/principal/id", json!("\"]; permit(principal, action, resource);")),
        with("/extra", json!(1)),
        with("/principal/name", json!(1)),
        with("/action", json!(5)),
        with("/context", json!({"k": {}})),
        with("/atLeastAsFresh", json!("garbage")),
        r#"{"action": "a", "action": "b"}"#.to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "17".to_owned(),
        "\"text\"".to_owned(),
        "{\"action\": \"\\ud800\"}".to_owned(),
    ];
    let mut items = vec![good().to_string(), denied.clone()];
    for item in &faulty {
        items.extend([item.clone(), good().to_string(), denied.clone()]);
    }
    let answer = server.post(BATCH, format!("{{\"requests\": [{}]}}", items.join(",")));
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), items.len());
    for (at, result) in results.iter().enumerate() {
        assert!(result.get("revision").is_none());
        let expected = match at % 3 {
            0 => json!(["Allow", "explicit_allow"]),
            1 => json!(["Deny", "implicit_deny"]),
            _ => json!(["Deny", "error"]),
        };
        assert_eq!(json!([result["decision"], result["reason"]]), expected, "{at}: {result}");
        if at % 3 == 2 {
            let alone = server.post(ONE, &items[at]).json();
            let keys = ["code", "field", "value"];
            assert_eq!(
                keys.map(|key| &result["errors"][0][key]),
                keys.map(|key| &alone[key]),
                "{}",
                items[at]
            );
        }
    }
}

#[test]
fn a_batch_is_answered_alike_whichever_way_it_goes() {
    let server = Server::demo(&["--body-limit", "1000", "--batch-body-limit", "400000"]);
    let batch = |items: &[String]| format!("{{\"requests\": [{}]}}", items.join(","));
    let (allowed, denied) = (good().to_string(), with("/principal/id", json!("2002")));
    let sound = vec![allowed.clone(), denied.clone()];
    let faulty = vec![allowed.clone(), "{}".to_owned(), denied];
    let old = with("/atLeastAsFresh", json!("garbage"));
    let escaped = allowed.replacen("PaiDLC:", "PaiDLC\\u003a", 1);
    assert_ne!(escaped, allowed);
    let bodies = [
        (batch(&sound), 200),
        (batch(&faulty), 200),
        (batch(&[allowed.clone(), old]), 200),
        (batch(&[allowed.clone(), escaped.clone()]), 200),
        (batch(&vec![with("/resource/id", json!("x".repeat(300))); 700]), 200),
        (batch(&[]), 400),
        (batch(&vec![allowed.clone(); 1_001]), 400),
        ("{\"requests\": [".to_owned(), 400),
        (format!("{{\"requests\": [{allowed}], \"atLeastAsFresh\": \"garbage\"}}"), 400),
        (" ".repeat(400_001), 413),
    ];
    for (body, status) in &bodies {
        // The first request of a connection goes through routes and handlers, those behind it past them, if that may be.
        let mut connection = server.connect();
        let requests: Vec<_> = ["one", "two", "three"]
            .map(|id| Request::post(BATCH, body.as_bytes()).with("X-Request-Id", id))
            .into();
        let mut told = Vec::new();
        for request in &requests {
            if *status == 413 {
                connection = server.connect();
                let warm = Request::post(ONE, allowed.as_bytes());
                assert_eq!(connection.ask(&warm).status, 200);
            }
            let answer = connection.ask(request);
            assert_eq!(answer.status, *status, "{answer:?}");
            let mut answer = answer.json();
            if let Some(id) = answer.get_mut("requestId") {
                *id = Value::Null;
            }
            told.push(answer);
        }
        assert_eq!((&told[0], &told[0]), (&told[1], &told[2]));
    }
    let both = server.post(BATCH, batch(&[allowed, escaped.clone()])).json();
    assert_eq!(both["results"][0]["decision"], "Allow");
    assert_eq!(both["results"][0], both["results"][1]);
    let mut connection = server.connect();
    for _ in 0..3 {
        let answer = connection.ask(&Request::post(ONE, escaped.as_bytes()));
        assert_eq!(answer.json()["decision"], "Allow", "{answer:?}");
    }
}

#[test]
fn an_unknown_principal_is_denied_not_refused() {
    let server = Server::demo(&[]);
    for (kind, id) in [
        ("User", "424242"),
        ("RamRole", "424242"),
        ("RamRole", "2001"),
        ("User", "3001"),
        ("Account", "2"),
    ] {
        let body = with("/principal", json!({"type": kind, "id": id}));
        let answer = server.decide(DEV_TOKEN, &serde_json::from_str(&body).unwrap());
        assert_eq!(
            json!([answer["decision"], answer["reason"]]),
            json!(["Deny", "implicit_deny"]),
            "{kind} {id}"
        );
    }
}
