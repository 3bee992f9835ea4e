//! How much documents and a request may have compared: what would take long is refused.

use serde_json::json;

use crate::{
    http_errors::assert_error,
    support::{
        server::{DEV_TOKEN, Server},
        wire::Request,
    },
};

const SIMULATE: &str = "/v1/ram/simulate";

#[test]
fn a_bomb_of_patterns_is_refused_before_it_takes_long() {
    let server = Server::demo(&[]);
    let patterns: Vec<String> = (0..640).map(|n| format!("*?a{:02x}*", n % 256)).collect();
    let document = json!({ "Version": "1", "Statement": [{
        "Effect": "Deny", "Action": "log:*", "Resource": "*",
        "Condition": { "StringLike": { "acs:ResourceTag/k": patterns } },
    }] });
    let ask = |values: usize| {
        let body = json!({
            "documents": [document], "actions": ["log:GetProject"],
            "context": { "acs:ResourceTag/k": vec!["0".repeat(2_048); values] },
        });
        let body = body.to_string();
        server.send(&Request::post(SIMULATE, body.as_bytes()).token(DEV_TOKEN))
    };
    assert_eq!(ask(1).status, 200);
    assert_eq!(assert_error(&ask(64), 400, "invalid_value")["field"], "context");
    // What is compared as a whole counts as well, by how many there are.
    let values: Vec<String> = (0..640).map(|n| format!("v{n}")).collect();
    for operator in ["StringEquals", "StringNotEqualsIgnoreCase"] {
        let document = json!({ "Version": "1", "Statement": [{
            "Effect": "Deny", "Action": "log:*", "Resource": "*",
            "Condition": { operator: { "acs:ResourceTag/k": values } },
        }] });
        let ask = |keys: usize| {
            let key = |n| (format!("acs:ResourceTag/{n}"), json!(vec!["a"; 64]));
            let context: serde_json::Map<_, _> = (0..keys).map(key).collect();
            let body = json!({
                "documents": [document], "actions": ["log:GetProject"], "context": context,
            });
            server.send(&Request::post(SIMULATE, body.to_string().as_bytes()).token(DEV_TOKEN))
        };
        assert_eq!(ask(32).status, 200, "{operator}");
        assert_eq!(assert_error(&ask(64), 400, "invalid_value")["field"], "context");
    }
    // So does how long a pattern with `?` is, and for how many questions it is looked at.
    let long = json!({ "Version": "1", "Statement": [{
        "Effect": "Deny", "Action": "log:*", "Resource": "*",
        "Condition": { "StringLike": { "acs:ResourceTag/k": format!("*{}*", "a?".repeat(1_000)) } },
    }] });
    let ask = |documents: usize, actions: &str| {
        let body = json!({
            "documents": vec![&long; documents], "actions": [actions],
            "context": { "acs:ResourceTag/k": vec!["a".repeat(2_048); 64] },
        });
        server.send(&Request::post(SIMULATE, body.to_string().as_bytes()).token(DEV_TOKEN))
    };
    assert_eq!(ask(1, "log:GetProject").status, 200);
    let refused = |answer| assert_error(&answer, 400, "invalid_value")["field"].clone();
    assert_eq!(refused(ask(2, "log:GetProject")), "context");
    assert_eq!(refused(ask(1, "log:*")), "actions");
    // And how much there is to tell: each answer would have what each statement did not find.
    let wanted: serde_json::Map<_, _> =
        (0..4).map(|n| (format!("acs:ResourceTag/{n}"), json!(["z"]))).collect();
    let values: serde_json::Map<_, _> = (0..4)
        .map(|n| (format!("acs:ResourceTag/{n}"), json!(vec!["a".repeat(200); 16])))
        .collect();
    let document = json!({ "Version": "1", "Statement": [{
        "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "StringEquals": wanted },
    }] });
    let ask = |resources: usize| {
        let resources: Vec<String> =
            (0..resources).map(|n| format!("acs:log:*:*:project/{n}")).collect();
        let body = json!({
            "documents": vec![&document; 20], "actions": ["log:GetProject"],
            "resources": resources, "context": values,
        });
        server.send(&Request::post(SIMULATE, body.to_string().as_bytes()).token(DEV_TOKEN))
    };
    let few = ask(1);
    assert_eq!(few.status, 200);
    assert!(few.body.len() < 100_000, "{}", few.body.len());
    assert_eq!(refused(ask(500)), "actions");
    // Many statements for many questions likewise.
    let statement = json!({ "Effect": "Allow", "Action": "log:*", "Resource": "*" });
    let document = json!({ "Version": "1", "Statement": vec![statement; 90] });
    let body = json!({ "documents": vec![document; 20], "actions": ["log:*"] }).to_string();
    let answer = server.send(&Request::post(SIMULATE, body.as_bytes()).token(DEV_TOKEN));
    assert_eq!(assert_error(&answer, 400, "invalid_value")["field"], "actions");
}
