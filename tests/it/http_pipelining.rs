//! Requests that are sent without waiting for answers: these come in order, each the right one, with its request id.

use std::thread;

use serde_json::{Value, json};

use crate::{
    http_errors::{BATCH, ONE, assert_error, good, with, without},
    support::{
        Seeded,
        server::{Place, Server},
        wire::{Answer, Connection, Request},
    },
};

/// Requests a connection may bring.
const MOST: usize = 1_000;

/// What is sent, and what must come back.
struct Sent {
    bytes: Vec<u8>,
    id: String,
    expected: Expected,
}

enum Expected {
    /// One decision.
    Decision(&'static str),
    /// The decisions of a batch.
    Decisions(Vec<&'static str>),
    /// A refusal whose body was read.
    Refusal(&'static str, &'static str),
}

/// Draws a request: a single one or a batch, allowed, denied or refused.
fn drawn(seeded: &mut Seeded, number: usize) -> Sent {
    let item = |seeded: &mut Seeded| match seeded.below(3) {
        0 => (good().to_string(), "Allow"),
        1 => (with("/principal/id", json!("2002")), "Deny"),
        // Long, so that bodies are in several packets.
        _ => (with("/resource/id", json!("x".repeat(1 + number % 1_500))), "Allow"),
    };
    let refusals = [
        (without("/action"), "missing_field", "action"),
        (
            with("/resource/accessibility", json!("secret")),
            "invalid_value",
            "resource.accessibility",
        ),
        (with("/principal/type", json!("Robot")), "invalid_value", "principal.type"),
    ];
    let (path, body, expected) = match seeded.below(10) {
        0..=4 => {
            let (body, decision) = item(seeded);
            (ONE, body, Expected::Decision(decision))
        }
        5 | 6 => {
            let at = usize::try_from(seeded.below(3)).unwrap();
            let [first, second, third] = refusals;
            let (body, code, field) = [first, second, third].into_iter().nth(at).unwrap();
            (ONE, body, Expected::Refusal(code, field))
        }
        7 => (BATCH, "{}".to_owned(), Expected::Refusal("missing_field", "requests")),
        _ => {
            let items: Vec<_> = (0..=seeded.below(20)).map(|_| item(seeded)).collect();
            let bodies: Vec<&str> = items.iter().map(|(body, _)| body.as_str()).collect();
            let body = format!("{{\"requests\": [{}]}}", bodies.join(","));
            let decisions = items.iter().map(|(_, decision)| *decision).collect();
            (BATCH, body, Expected::Decisions(decisions))
        }
    };
    let id = format!("pipelined-{number}-{}", seeded.below(1_000_000));
    let bytes = Request::post(path, body.as_bytes()).with("X-Request-Id", &*id).bytes();
    Sent { bytes, id, expected }
}

#[track_caller]
fn check(sent: &Sent, answer: &Answer) {
    assert_eq!(answer.header("x-request-id"), Some(sent.id.as_str()), "{answer:?}");
    match &sent.expected {
        Expected::Decision(decision) => {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.json()["decision"], *decision, "{answer:?}");
        }
        Expected::Decisions(decisions) => {
            assert_eq!(answer.status, 200, "{answer:?}");
            let results = answer.json()["results"].clone();
            let results = results.as_array().unwrap();
            let results: Vec<&Value> = results.iter().map(|it| &it["decision"]).collect();
            assert_eq!(results, decisions.iter().collect::<Vec<_>>());
        }
        Expected::Refusal(code, field) => {
            let error = assert_error(answer, 400, code);
            assert_eq!((&error["field"], &error["requestId"]), (&json!(field), &json!(sent.id)));
        }
    }
}

/// Sends requests while answers are read on another thread, cut at random bytes or all at once, and checks the answers.
fn converse(
    mut connection: Connection,
    seeded: &mut Seeded,
    sent: &[Sent],
    is_cut: bool,
) -> Connection {
    let bytes: Vec<u8> = sent.iter().flat_map(|it| it.bytes.iter().copied()).collect();
    let mut writer = connection.writer();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let most = u64::try_from(rest.len()).unwrap();
                let size = if is_cut { 1 + seeded.below(most.min(5_000)) } else { most };
                let (now, later) = rest.split_at(usize::try_from(size).unwrap());
                writer.write_all(now).unwrap();
                rest = later;
            }
        });
        for one in sent {
            let answer =
                connection.answer("POST").unwrap_or_else(|error| panic!("{}: {error}", one.id));
            assert_eq!(answer.header("connection"), None, "{answer:?}");
            check(one, &answer);
        }
    });
    connection
}

#[test]
fn five_hundred_requests_at_once_are_answered_in_their_order() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    for (seed, is_cut) in [(1, false), (2, true), (3, true)] {
        let mut seeded = Seeded(seed);
        let sent: Vec<Sent> = (0..500).map(|number| drawn(&mut seeded, number)).collect();
        let refused = sent.iter().filter(|it| matches!(it.expected, Expected::Refusal(..))).count();
        assert!((50..400).contains(&refused), "{refused}");
        let mut tcp = converse(server.connect(), &mut seeded, &sent, is_cut);
        // And the connection goes on.
        assert_eq!(tcp.ask(&Request::post(ONE, good().to_string().as_bytes())).status, 200);
        let uds = Connection::uds(&place.path("s.sock"));
        let mut uds = converse(uds, &mut seeded, &sent, is_cut);
        assert_eq!(uds.ask(&Request::post(ONE, good().to_string().as_bytes())).status, 200);
    }
}

#[test]
fn requests_that_take_their_time_are_answered_in_their_order_however_many_they_are() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    // Each is carried out on another thread, so none is answered at once.
    let body = json!({ "name": "one of many", "scopes": ["decide"] }).to_string();
    let all: Vec<u8> = (0..60)
        .flat_map(|number: u32| {
            let request = Request::post("/v1/tokens", body.as_bytes());
            request.with("X-Request-Id", number.to_string()).bytes()
        })
        .collect();
    for mut connection in [server.connect(), Connection::uds(&place.path("s.sock"))] {
        connection.push(&all).unwrap();
        for number in 0..60 {
            let answer = connection.answer("POST").unwrap();
            assert_eq!(answer.status / 100, 2, "{answer:?}");
            assert_eq!(answer.header("x-request-id"), Some(&*number.to_string()));
            assert_eq!(answer.header("connection"), None, "{answer:?}");
        }
    }
}

#[test]
fn a_connection_goes_on_after_a_refusal_whose_body_was_read() {
    let server = Server::demo(&[]);
    let mut connection = server.connect();
    for (number, (body, code)) in [
        ("{", "malformed_body"),
        ("[]", "malformed_body"),
        ("{}", "missing_field"),
        ("{\"action\": \"a\", \"action\": \"b\"}", "malformed_body"),
        ("\u{0}", "malformed_body"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("refused-{number}");
        let request = Request::post(ONE, body.as_bytes()).with("X-Request-Id", &*id);
        let answer = connection.ask(&request);
        assert_error(&answer, 400, code);
        assert_eq!(answer.header("x-request-id"), Some(&*id));
        assert_eq!(answer.header("connection"), None, "{answer:?}");
        let good = good().to_string();
        assert_eq!(
            connection.ask(&Request::post(ONE, good.as_bytes())).json()["decision"],
            "Allow"
        );
    }
}

#[test]
fn what_is_sent_behind_the_last_request_is_not_carried_out_and_takes_no_answer_back() {
    let server = Server::demo(&[]);
    let body = json!({ "name": "behind", "scopes": ["decide"] }).to_string();
    let behind = Request::post("/v1/tokens", body.as_bytes()).bytes();
    let decision = good().to_string();
    let last = || Request::post(ONE, decision.as_bytes()).with("Connection", "close".to_owned());
    for (last, ahead) in [
        (last(), 0),
        (last().with("Upgrade", "h2c".to_owned()), 0),
        (Request::post(ONE, decision.as_bytes()), MOST - 1),
        (Request::post(ONE, decision.as_bytes()).with("Upgrade", "foo".to_owned()), MOST - 1),
    ] {
        let one = Request::post(ONE, decision.as_bytes()).bytes();
        let mut sent = one.repeat(ahead);
        sent.extend(last.bytes());
        // More than anybody keeps for later.
        sent.extend(behind.repeat(3_000));
        let mut connection = server.connect();
        let mut writer = connection.writer();
        thread::scope(|scope| {
            // Nobody reads it to its end.
            scope.spawn(move || drop(writer.write_all(&sent)));
            for number in 0..=ahead {
                let answer = connection.answer("POST").unwrap();
                assert_eq!(answer.status, 200, "{number}: {answer:?}");
                let ends = (number == ahead).then_some("close");
                assert_eq!(answer.header("connection"), ends, "{number}: {answer:?}");
            }
            connection.assert_closed();
        });
    }
    let listed = server.connect().ask(&Request::get("/v1/tokens"));
    assert!(!String::from_utf8_lossy(&listed.body).contains("behind"), "{listed:?}");
}

#[test]
fn a_connection_ends_after_its_thousandth_answer() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    let body = good().to_string();
    let refused = without("/action");
    let all: Vec<u8> = (0..MOST + 20)
        .flat_map(|number| {
            let body = if number % 7 == 0 { &refused } else { &body };
            let id = number.to_string();
            Request::post(ONE, body.as_bytes()).with("X-Request-Id", id).bytes()
        })
        .collect();
    let check = |mut connection: Connection| {
        let mut writer = connection.writer();
        thread::scope(|scope| {
            // The other side closes before it has read everything.
            scope.spawn(|| drop(writer.write_all(&all)));
            for number in 0..MOST {
                let answer = connection.answer("POST").unwrap();
                assert_eq!(answer.status, if number % 7 == 0 { 400 } else { 200 }, "{answer:?}");
                assert_eq!(answer.header("x-request-id"), Some(&*number.to_string()));
                let ends = (number == MOST - 1).then_some("close");
                assert_eq!(answer.header("connection"), ends, "{number}: {answer:?}");
            }
            connection.assert_closed();
        });
    };
    check(server.connect());
    check(Connection::uds(&place.path("s.sock")));
    // One after the other as well.
    let mut connection = server.connect();
    for number in 1..=MOST {
        let answer = connection.ask(&Request::post(ONE, body.as_bytes()));
        assert_eq!(answer.header("connection"), (number == MOST).then_some("close"), "{number}");
    }
    connection.assert_closed();
}
