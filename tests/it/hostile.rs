//! 2,000 hostile bodies against a running server: no panic, no 5xx, no hang, nothing changed, bounded memory.
//!
//! The bodies come from a seeded generator, so that a failure can be asked again by its number; those that once
//! found something stand as files in `tests/fixtures/hostile` and are asked first.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Seeded, report, server::Place, wire::Request};

const ONE: &str = "/v1/is-authorized";
const BATCH: &str = "/v1/batch-is-authorized";
const BODIES: u64 = 2_000;
/// How much the server may grow over all of them: two bodies of 10 MB are refused before they are read, so that
/// what remains is the allocator's.
const GROWTH_KIB: u64 = 64 * 1024;

/// Texts that mean something to some reader between a socket and a policy.
const POISON: [&str; 20] = [
    "\"]; permit(principal, action, resource); //",
    "\\\"]; permit(principal, action, resource);",
    "PAI::User::\"2001\"",
    "PAI::Role::\"PAI.WorkspaceOwner\"",
    "{}",
    "{1000000000000001}",
    "*",
    "?",
    "..",
    "../../etc/passwd",
    "2001\u{0}",
    "2001\n2002",
    "\u{202e}1002",
    "２００１",
    "2001 ",
    " 2001",
    "02001",
    "PRIVATE\u{200b}",
    "ＰＲＩＶＡＴＥ",
    "${jndi:ldap://x}",
];

fn good() -> Value {
    json!({
        "principal": {"type": "User", "id": "2001"},
        "action": "PaiDLC:StopJob",
        "resource": {
            "type": "job", "id": "dlc-1", "workspace": "10001", "creator": "2002", "accessibility": "PRIVATE",
        },
        "context": {"acs:SourceIp": "203.0.113.7"},
    })
}

const PLACES: [&str; 9] = [
    "/principal/type",
    "/principal/id",
    "/action",
    "/resource/type",
    "/resource/id",
    "/resource/workspace",
    "/resource/creator",
    "/resource/accessibility",
    "/context/acs:SourceIp",
];

fn put(question: &mut Value, at: &str, value: Value) {
    if let Some(place) = question.pointer_mut(at) {
        *place = value;
    }
}

/// Makes the hostile body of a number.
fn body(number: u64) -> Vec<u8> {
    let mut random = Seeded(number);
    let mut below = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
    let mut question = good();
    let at = PLACES[below(PLACES.len())];
    match below(16) {
        0 => put(&mut question, at, json!(POISON[below(POISON.len())])),
        1 => put(&mut question, at, json!("x".repeat(1 << below(18)))),
        2 => put(&mut question, at, json!(below(1 << 60))),
        3 => put(&mut question, at, json!([[[{ "a": null }]]])),
        4 => put(&mut question, at, Value::Null),
        5 => {
            let mut bytes = question.to_string().into_bytes();
            for _ in 0..=below(8) {
                let at = below(bytes.len());
                bytes[at] = u8::try_from(below(256)).unwrap();
            }
            return bytes;
        }
        6 => {
            let bytes = question.to_string().into_bytes();
            let end = below(bytes.len());
            return bytes[..end].to_vec();
        }
        7 => {
            let depth = 1 << below(17);
            let (open, close) = [("[", "]"), ("{\"a\":", "}")][below(2)];
            return format!(
                "{{\"context\":{{\"k\":{}1{}}}}}",
                open.repeat(depth),
                close.repeat(depth)
            )
            .into_bytes();
        }
        8 => {
            let keys: Vec<String> = (0..1 << below(14)).map(|i| format!("\"k{i}\":{i}")).collect();
            return format!("{{\"context\":{{{}}}}}", keys.join(",")).into_bytes();
        }
        9 => {
            let text = question.to_string();
            return text
                .replacen("\"action\"", "\"\\u0061ction\":\"x\",\"action\"", 1)
                .into_bytes();
        }
        10 => {
            return format!("{{\"context\":{{\"n\":{}}}}}", "9".repeat(1 << below(17)))
                .into_bytes();
        }
        11 => {
            return format!("{}{question}{}", " ".repeat(1 << below(17)), "\t".repeat(9))
                .into_bytes();
        }
        12 => {
            return [
                "\"\\ud800\"",
                "1e999",
                "-0",
                "NaN",
                "[1,]",
                "\u{feff}{}",
                "{\"a\":1}x",
                "'x'",
            ][below(8)]
            .as_bytes()
            .to_vec();
        }
        13 => put(&mut question, "/resource", json!({ "arn": POISON[below(20)] })),
        14 => {
            let parts = [
                "acs",
                "paidlc",
                "cn-hangzhou",
                "1000000000000001",
                "workspace/10001/dlcjob/x",
                "",
                "*",
                "a:b",
            ];
            let arn: Vec<&str> = (0..below(9)).map(|_| parts[below(8)]).collect();
            put(
                &mut question,
                "/resource",
                json!({ "arn": arn.join(":"), "creator": "1", "accessibility": "PUBLIC" }),
            );
        }
        _ => {
            let object = question.as_object_mut().unwrap();
            let key = POISON[below(POISON.len())];
            object.insert(key.to_owned(), json!(key));
        }
    }
    question.to_string().into_bytes()
}

#[test]
fn two_thousand_hostile_bodies_change_nothing_and_stop_nothing() {
    let place = Place::new();
    let account = "1000000000000001";
    let token = place.init(account);
    place.import(account, &json!({
        "users": [{"id": "2001"}, {"id": "2002"}],
        "workspaces": [{"id": "10001", "name": "hostile", "members": [{"user": "2001", "roles": ["PAI.AlgoOperator"]}]}],
    }));
    let server = place.serve(&["--body-timeout-ms", "20000"]);
    let mut connection = server.connect();
    let good = good().to_string();
    let ask = |body: &[u8], path| Request::post(path, body).token(&token).bytes();
    let before = {
        let answer = server.decide(&token, &serde_json::from_str(&good).unwrap());
        assert_eq!(answer["decision"], "Allow", "{answer}");
        answer["revision"].clone()
    };
    let file = || fs::read(place.path("store.redb")).unwrap();
    let kept = file();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hostile");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let known = files.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap()));
    let made = (0..BODIES).map(|number| (format!("body {number}"), body(number)));
    let huge = [(0, b"a"), (1, b"["), (2, b" ")]
        .map(|(n, byte)| (format!("huge {n}"), byte.repeat(10_000_000)));

    let mut resident = 0;
    let (mut asked, mut refused) = (0_u32, 0_u32);
    for (name, body) in known.chain(made).chain(huge) {
        let in_batch = [&b"{\"requests\":["[..], &body, b"]}"].concat();
        for (path, body) in [(ONE, &body), (BATCH, &body), (BATCH, &in_batch)] {
            // A server may answer an oversized body before it has read it, and close.
            let pushed = connection.push(&ask(body, path));
            let answer = connection
                .answer("POST")
                .unwrap_or_else(|error| panic!("{name}: {error}; {pushed:?}"));
            assert!((200..500).contains(&answer.status), "{name} to {path}: {answer:?}");
            asked += 1;
            if answer.status == 200 {
                let json = answer.json();
                assert!(
                    json["decision"].is_string() || json["results"].is_array(),
                    "{name}: {json}"
                );
            } else {
                refused += 1;
                assert!(answer.json()["code"].is_string(), "{name}: {answer:?}");
            }
            if pushed.is_err() || answer.header("connection") == Some("close") {
                connection = server.connect();
            }
        }
        // The server still answers, and the same.
        let answer = connection
            .push(&ask(good.as_bytes(), ONE))
            .and_then(|()| connection.answer("POST"))
            .unwrap_or_else(|error| panic!("after {name}: {error}"));
        let json = answer.json();
        assert_eq!(
            (&json["decision"], &json["revision"]),
            (&json!("Allow"), &before),
            "after {name}"
        );
        if answer.header("connection") == Some("close") {
            connection = server.connect();
        }
        if asked == 600 {
            resident = server.resident();
        }
    }
    assert!(file() == kept, "a request for a decision wrote into the store");
    let grown = server.resident().saturating_sub(resident);
    assert!(grown < GROWTH_KIB, "resident memory grew by {grown} KiB");
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
    report(&format!(
        "{asked} hostile requests, {refused} refused, grown by {grown} KiB after the first 600"
    ));
}
