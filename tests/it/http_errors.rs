//! Whatever is wrong with a request, the answer says so in one shape: code, message, field, value, help, request id.

use serde_json::{Value, json};

use crate::support::{
    server::Server,
    wire::{Answer, Request},
};

pub(crate) const ONE: &str = "/v1/is-authorized";
pub(crate) const BATCH: &str = "/v1/batch-is-authorized";

/// A question that is allowed in the demonstration: a developer stops her own job.
pub(crate) fn good() -> Value {
    json!({
        "principal": {"type": "User", "id": "2001"},
        "action": "PaiDLC:StopJob",
        "resource": {"type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2001", "accessibility": "PRIVATE"},
    })
}

/// Returns the good question with `value` at the JSON pointer `at`.
pub(crate) fn with(at: &str, value: Value) -> String {
    let mut question = good();
    let (parent, key) = at.rsplit_once('/').unwrap();
    question.pointer_mut(parent).unwrap()[key] = value;
    question.to_string()
}

/// Returns the good question without what is at the JSON pointer `at`.
pub(crate) fn without(at: &str) -> String {
    let mut question = good();
    let (parent, key) = at.rsplit_once('/').unwrap();
    question.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    question.to_string()
}

/// Asserts that an answer is an error of the one shape and returns its body.
#[track_caller]
pub(crate) fn assert_error(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    let body = answer.json();
    let mut keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "field", "help", "message", "requestId", "value"]);
    assert_eq!(body["code"], code, "{body}");
    for text in ["message", "help"] {
        let said = body[text].as_str().unwrap();
        assert!(!said.is_empty() && said.len() < 1_000, "{text}: {said}");
        assert!(!said.ends_with('.') && !said.contains("::"), "{text}: {said}");
    }
    for text in ["field", "value"] {
        let short = |said: &str| said.chars().count() <= 101 && !said.contains(char::is_control);
        assert!(body[text].is_null() || short(body[text].as_str().unwrap()), "{body}");
    }
    assert_eq!(body["requestId"].as_str(), answer.header("x-request-id"));
    assert!(body["requestId"].is_string());
    body
}

/// Asks one question and asserts which error comes, about which field and value.
#[track_caller]
fn check(
    server: &Server,
    body: impl AsRef<[u8]>,
    code: &str,
    field: Option<&str>,
    value: Option<&str>,
) {
    let error = assert_error(&server.post(ONE, body), 400, code);
    assert_eq!((error["field"].as_str(), error["value"].as_str()), (field, value), "{error}");
}

#[test]
fn a_question_with_a_fault_is_refused_and_field_and_value_are_named() {
    let server = Server::demo(&[]);
    let check = |body: String, code, field: &str, value: Option<&str>| {
        check(&server, body, code, Some(field), value);
    };
    check("{}".into(), "missing_field", "principal.type", None);
    check(without("/principal"), "missing_field", "principal.type", None);
    check(without("/principal/type"), "missing_field", "principal.type", None);
    check(without("/principal/id"), "missing_field", "principal.id", None);
    check(without("/action"), "missing_field", "action", None);
    check(without("/resource"), "missing_field", "resource.workspace", None);
    check(without("/resource/workspace"), "missing_field", "resource.workspace", None);
    check(without("/resource/creator"), "missing_field", "resource.creator", None);
    check(without("/resource/accessibility"), "missing_field", "resource.accessibility", None);
    check(with("/action", Value::Null), "missing_field", "action", None);

    check(
        with("/principal/type", json!("Robot")),
        "invalid_value",
        "principal.type",
        Some("Robot"),
    );
    check(with("/principal/type", json!("user")), "invalid_value", "principal.type", Some("user"));
    for id in ["", "alice", "1 ", "２００１", "123456789012345678901", "*", "2001\"", "{}"] {
        check(with("/principal/id", json!(id)), "invalid_value", "principal.id", Some(id));
        check(with("/resource/creator", json!(id)), "invalid_value", "resource.creator", Some(id));
        check(
            with("/resource/workspace", json!(id)),
            "invalid_value",
            "resource.workspace",
            Some(id),
        );
    }
    check(
        with("/principal/id", json!("2001\n")),
        "invalid_value",
        "principal.id",
        Some("2001\u{fffd}"),
    );
    check(with("/resource/id", json!("a\0b")), "invalid_value", "resource.id", Some("a\u{fffd}b"));
    check(with("/resource/id", json!("")), "invalid_value", "resource.id", Some(""));
    for wrong in ["public", "SECRET", ""] {
        let body = with("/resource/accessibility", json!(wrong));
        check(body, "invalid_value", "resource.accessibility", Some(wrong));
    }
    let long = "9".repeat(10_000);
    let short = format!("{}…", "9".repeat(100));
    check(with("/principal/id", json!(long)), "invalid_value", "principal.id", Some(&short));

    check(
        with("/action", json!("PaiDLC:StopJbo")),
        "unknown_action",
        "action",
        Some("PaiDLC:StopJbo"),
    );
    check(with("/action", json!("")), "unknown_action", "action", Some(""));
    check(with("/action", json!("*")), "unknown_action", "action", Some("*"));
    check(
        with("/action", json!("PaiDLC:StopJob ")),
        "unknown_action",
        "action",
        Some("PaiDLC:StopJob "),
    );
    check(with("/resource/type", json!("jobs")), "unknown_type", "resource.type", Some("jobs"));
    check(
        with("/resource/type", json!("dataset")),
        "unknown_type",
        "resource.type",
        Some("dataset"),
    );

    let arn = "acs:paidlc:cn-hangzhou:1000000000000001:workspace/10001/dlcjob/dlc-1";
    check(with("/resource/arn", json!(arn)), "unexpected_field", "resource.type", Some("job"));
    let only = |arn: &str| {
        let resource = json!({"arn": arn, "creator": "2001", "accessibility": "PRIVATE"});
        with("/resource", resource)
    };
    check(only("not an arn"), "invalid_value", "resource.arn", Some("not an arn"));
    check(
        only("acs:log:cn-hangzhou:1:project/p"),
        "unknown_type",
        "resource.arn",
        Some("acs:log:cn-hangzhou:1:project/p"),
    );

    let keys: serde_json::Map<_, _> = (0..65).map(|n| (format!("k{n}"), json!("v"))).collect();
    check(with("/context", Value::Object(keys)), "invalid_value", "context", Some("65"));
    check(with("/context", json!({"": "v"})), "invalid_value", "context", Some(""));
    check(
        with("/context", json!({"k": "v".repeat(2_049)})),
        "invalid_value",
        "context.k",
        Some("…"),
    );
    check(with("/context", json!({"k": vec!["v"; 65]})), "invalid_value", "context.k", Some("…"));
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_known_ones() {
    let server = Server::demo(&[]);
    for (at, wrong, near) in [
        ("/action", "PaiDLC:StopJbo", "did you mean `PaiDLC:StopJob`?"),
        ("/action", "paidlc:stopjob", "`PaiDLC:StopJob`"),
        ("/resource/type", "jobs", "`job`"),
        ("/action", "StopJob", "did you mean `PaiDLC:StopJob`, "),
        ("/resource/workspce", "10001", "did you mean `workspace`?"),
        ("/princpal", "2001", "did you mean `principal`?"),
        ("/principal", "User:2001", "give an object"),
        ("/explain", "yes", "give `true` or `false`"),
    ] {
        let help = server.post(ONE, with(at, json!(wrong))).json()["help"].clone();
        assert!(help.as_str().unwrap().contains(near), "{help}");
    }
    // A denial looks at the key that is meant, and would not apply. Others are no slips.
    for (key, near) in [
        ("acs:SourcIp", Some("did you mean `acs:SourceIp`?")),
        ("pai:Accessibilty", Some("did you mean `pai:Accessibility`?")),
        ("acs:SomethingElse", None),
        ("acs:ResourceTag/team", None),
        ("oss:Prefx", None),
        ("SourceIp", Some("did you mean `acs:SourceIp`?")),
        ("mfapresent", Some("did you mean `acs:MFAPresent`?")),
        ("acs_SourceIp", Some("did you mean `acs:SourceIp`?")),
        (" acs:SourceIp", Some("did you mean `acs:SourceIp`?")),
        ("acs：SourceIp", Some("did you mean `acs:SourceIp`?")),
        ("acs:Source\u{200b}Ip", Some("did you mean `acs:SourceIp`?")),
        ("\u{430}cs:SourceIp", Some("did you mean `acs:SourceIp`?")),
        ("time", None),
        ("Service", None),
        ("设备", None),
    ] {
        let answer = server.post(ONE, with("/context", json!({ key: "203.0.113.7" })));
        assert_eq!(answer.status == 200, near.is_none(), "{answer:?}");
        assert_eq!(answer.json()["help"].as_str(), near, "{key}");
    }
    // A name like none that is known, and a number where its text belongs.
    let far = server.post(ONE, with("/resource/roles", json!("x"))).json();
    assert!(far["help"].as_str().unwrap().starts_with("send a JSON object"), "{far}");
    let number = server.post(ONE, with("/principal/id", json!(2001))).json();
    let said = (number["value"].as_str(), number["help"].as_str());
    assert_eq!(said, (Some("2001"), Some("write it as a string: `\"2001\"`")), "{number}");
}

#[test]
fn a_body_of_the_wrong_form_is_refused() {
    let server = Server::demo(&[]);
    let malformed = |body: &[u8]| check(&server, body, "malformed_body", None, None);
    let good = good().to_string();
    malformed(b"");
    malformed(b"{");
    malformed(b"not json");
    malformed(&good.as_bytes()[..good.len() - 1]);
    malformed(format!("{good} {good}").as_bytes());
    malformed(format!("{good}x").as_bytes());
    malformed(b"\xff\xfe{}");
    malformed(b"\xef\xbb\xbf{}");
    malformed(b"{\"action\": \"\xc3\x28\"}");
    malformed(b"{\"action\": \"\\ud800\"}");
    malformed(b"{\"action\": \"a\x00b\"}");
    malformed(b"{\"action\": 1e999}");
    malformed(b"{'action': 'x'}");
    for body in ["null", "[]", "\"text\"", "1", "true"] {
        let error = assert_error(&server.post(ONE, body), 400, "malformed_body");
        assert_eq!(error["field"], Value::Null, "{error}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_however_it_is_spelled() {
    let server = Server::demo(&[]);
    for (body, field) in [
        (r#"{"action": "a", "action": "b"}"#, "action"),
        ("{\"action\": \"a\", \"\\u0061ction\": \"b\"}", "action"),
        (r#"{"principal": {"id": "1", "id": "2"}}"#, "principal.id"),
        ("{\"principal\": {\"id\": \"1\", \"\\u0069d\": \"2\"}}", "principal.id"),
        (r#"{"resource": {"workspace": "1", "workspace": "1"}}"#, "resource.workspace"),
        (r#"{"context": {"k": "1", "k": "2"}}"#, "context.k"),
        ("{\"context\": {\"k\": \"1\", \"\\u006b\": \"2\"}}", "context.k"),
        (r#"{"atLeastAsFresh": "a", "atLeastAsFresh": "a"}"#, "atLeastAsFresh"),
    ] {
        check(&server, body, "malformed_body", Some(field), None);
    }
    let error = assert_error(
        &server.post(BATCH, r#"{"requests": [{}], "requests": [{}]}"#),
        400,
        "malformed_body",
    );
    assert_eq!(error["field"], "requests");
}

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    let server = Server::demo(&[]);
    for (at, field) in [
        ("/extra", "extra"),
        ("/Action", "Action"),
        ("/principal/name", "principal.name"),
        ("/resource/roles", "resource.roles"),
        ("/resource/owner", "resource.owner"),
    ] {
        check(&server, with(at, json!("x")), "unexpected_field", Some(field), None);
    }
    let error =
        assert_error(&server.post(BATCH, r#"{"requests": [], "x": 1}"#), 400, "unexpected_field");
    assert_eq!(error["field"], "x");
    // What a stranger calls a field is shortened before it is said back.
    let long = "x".repeat(100_000);
    assert_error(&server.post(ONE, with(&format!("/{long}"), json!(1))), 400, "unexpected_field");
    assert_error(&server.post(ONE, "{\"a\\u0000\\u001b[31m\": 1}"), 400, "unexpected_field");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_field() {
    let server = Server::demo(&[]);
    for at in [
        "/principal",
        "/action",
        "/resource",
        "/context",
        "/atLeastAsFresh",
        "/principal/id",
        "/resource/arn",
    ] {
        let field = at[1..].replace('/', ".");
        for wrong in
            [json!(1), json!(true), json!([]), json!(["User", "2001"]), json!({"x": 1}), json!("x")]
        {
            let text = |at: &str| !matches!(at, "/principal" | "/resource" | "/context");
            // An object where an object belongs, a text where a text belongs.
            if wrong.is_string() && text(at) || wrong.is_object() && !text(at) {
                continue;
            }
            let error = assert_error(&server.post(ONE, with(at, wrong)), 400, "invalid_value");
            assert_eq!(error["field"], field, "{error}");
        }
    }
    for wrong in [
        json!({"k": {}}),
        json!({"k": [[]]}),
        json!({"k": [{}]}),
        json!({"k": null}),
        json!({"k": [null]}),
    ] {
        let error = assert_error(&server.post(ONE, with("/context", wrong)), 400, "invalid_value");
        assert!(error["field"].as_str().unwrap().starts_with("context.k"), "{error}");
    }
    // A value that is said back within the message is shortened as well.
    assert_error(
        &server.post(ONE, with("/principal", json!("y".repeat(100_000)))),
        400,
        "invalid_value",
    );
    assert_error(&server.post(ONE, with("/principal", json!("a`b\u{1b}\n"))), 400, "invalid_value");
}

#[test]
fn nesting_is_refused_before_it_costs_anything() {
    let server = Server::demo(&[]);
    let deep = |open: &str, close: &str| open.repeat(40_000) + "1" + &close.repeat(40_000);
    for nest in
        [deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(100_000), "{\"a\":".repeat(40_000)]
    {
        let error = |body: String| {
            let answer = server.post(ONE, body);
            assert_error(&answer, 400, answer.json()["code"].as_str().unwrap())
        };
        assert_eq!(error(format!("{{\"extra\": {nest}}}"))["code"], "unexpected_field");
        let field = error(format!("{{\"context\": {{\"k\": {nest}}}}}"))["field"].clone();
        assert!(field.as_str().is_none_or(|field| field.starts_with("context.k")), "{field}");
        error(format!("{{\"principal\": {nest}}}"));
        error(nest.clone());
        let items = format!("{{\"requests\": [{nest}, {}]}}", good());
        let answer = server.post(BATCH, items);
        if nest.ends_with([']', '}']) {
            assert_eq!(answer.status, 200, "{answer:?}");
            let results = answer.json()["results"].clone();
            assert_eq!(
                (&results[0]["reason"], &results[1]["decision"]),
                (&json!("error"), &json!("Allow"))
            );
        } else {
            assert_error(&answer, 400, "malformed_body");
        }
    }
}

#[test]
fn router_and_limits_refuse_in_the_same_shape() {
    let server = Server::demo(&["--body-limit", "1000", "--batch-body-limit", "2000"]);
    let body = good().to_string();
    for path in [
        "/v1",
        "/v1/is-authorized/",
        "/V1/is-authorized",
        "//v1/is-authorized",
        "/livez",
        "/%00",
        "/v1/tokens/a/b",
    ] {
        let error = assert_error(&server.post(path, &body), 404, "not_found");
        assert_eq!(error["field"], "path");
    }
    // Whoever looks what is there is told of the description.
    let root = assert_error(&server.send(&Request::get("/")), 404, "not_found");
    assert!(root["help"].as_str().unwrap().contains("`/docs`"), "{root}");
    for (path, method, allowed) in [
        (ONE, "GET", "POST"),
        (ONE, "PUT", "POST"),
        (ONE, "OPTIONS", "POST"),
        (ONE, "PATCH", "POST"),
        (BATCH, "DELETE", "POST"),
        ("/v1/tokens", "PUT", "GET, POST"),
        ("/v1/tokens/abc", "GET", "DELETE"),
        (ONE, "BREW", "POST"),
    ] {
        let answer = server.send(&Request { method, ..Request::post(path, body.as_bytes()) });
        let error = assert_error(&answer, 405, "method_not_allowed");
        assert_eq!((answer.header("allow"), &error["value"]), (Some(allowed), &json!(method)));
    }
    let head = server.send(&Request { method: "HEAD", ..Request::get(ONE) });
    assert_eq!((head.status, head.header("allow")), (405, Some("POST")));
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/jsonx",
        "application/json-patch+json",
    ] {
        let request =
            Request::post(ONE, body.as_bytes()).without("Content-Type").with("Content-Type", media);
        let error = assert_error(&server.send(&request), 415, "unsupported_media_type");
        assert_eq!(error["field"], "Content-Type");
    }
    assert_error(
        &server.send(&Request::post(ONE, body.as_bytes()).without("Content-Type")),
        415,
        "unsupported_media_type",
    );
    for media in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        let request =
            Request::post(ONE, body.as_bytes()).without("Content-Type").with("Content-Type", media);
        assert_eq!(server.send(&request).json()["decision"], "Allow", "{media}");
    }
    for (path, limit) in [(ONE, 1_000), (BATCH, 2_000)] {
        let fits = vec![b' '; limit];
        assert_error(&server.post(path, &fits), 400, "malformed_body");
        let longer = vec![b' '; limit + 1];
        assert_error(&server.post(path, &longer), 413, "payload_too_large");
        // The announcement is enough; nothing of the body need be sent.
        let announced = Request { body: b"", ..Request::post(path, b"") }
            .with("Content-Length", "99999999999999");
        assert_error(&server.send(&announced), 413, "payload_too_large");
        let mut chunked = Vec::new();
        for _ in 0..3 {
            chunked.extend_from_slice(b"320\r\n");
            chunked.extend_from_slice(&[b' '; 800]);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        let request = Request::post(path, &chunked).with("Transfer-Encoding", "chunked");
        assert_error(&server.send(&request), 413, "payload_too_large");
    }
    let ten = vec![b'['; 10_000_000];
    for path in [ONE, BATCH, "/nowhere"] {
        let status =
            if path == "/nowhere" { (404, "not_found") } else { (413, "payload_too_large") };
        assert_error(&server.post(path, &ten), status.0, status.1);
    }
    assert_eq!(server.post(ONE, body).json()["decision"], "Allow");
}

#[test]
fn a_body_in_chunks_or_after_a_continue_is_read_as_any_other() {
    let server = Server::demo(&[]);
    let body = good().to_string();
    let chunks = body.as_bytes().chunks(7);
    let chunked = chunks.fold(String::new(), |text, chunk| {
        text + &format!("{:x}\r\n{}\r\n", chunk.len(), str::from_utf8(chunk).unwrap())
    });
    let chunked = chunked + "0\r\n\r\n";
    let request = Request::post(ONE, chunked.as_bytes()).with("Transfer-Encoding", "chunked");
    assert_eq!(server.send(&request).json()["decision"], "Allow");
    let mut connection = server.connect();
    connection.begin(&Request::post(ONE, body.as_bytes()));
    connection.push(body.as_bytes()).unwrap();
    assert_eq!(connection.answer("POST").unwrap().json()["decision"], "Allow");
}
