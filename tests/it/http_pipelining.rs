//! Requests on one connection, cut anywhere or several at once: answers come in order, each the right one, with its request id.
//!
//! Those at once are few and arrive whole. When a request is answered while the body of a later one is on its way, the HTTP
//! library says `Connection: close` though nothing of that request is left to read, and may close.

use serde_json::{Value, json};

use crate::{
    http_errors::{BATCH, ONE, assert_error, good, with, without},
    support::{
        Seeded,
        server::{Answer, Connection, Place, Request, Server},
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

/// Draws a request: a single one or a batch, allowed, denied or refused; with ids and batches that long at most.
fn drawn(seeded: &mut Seeded, number: usize, longest: usize, items: u64) -> Sent {
    let item = |seeded: &mut Seeded| match seeded.below(3) {
        0 => (good().to_string(), "Allow"),
        1 => (with("/principal/id", json!("2002")), "Deny"),
        _ => (with("/resource/id", json!("x".repeat(1 + number % longest))), "Allow"),
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
            let items: Vec<_> = (0..=seeded.below(items)).map(|_| item(seeded)).collect();
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

/// Connections to a server over each kind of listener.
fn connections(server: &Server, place: &Place) -> [Connection; 2] {
    [server.connect(), Connection::uds(&place.path("s.sock"))]
}

#[track_caller]
fn check_next(connection: &mut Connection, sent: &Sent) {
    let answer = connection.answer("POST").unwrap_or_else(|error| panic!("{}: {error}", sent.id));
    assert_eq!(answer.header("connection"), None, "{answer:?}");
    check(sent, &answer);
}

#[test]
fn five_hundred_requests_cut_at_random_bytes_are_answered_on_one_connection() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    for mut connection in connections(&server, &place) {
        let (mut seeded, mut refused) = (Seeded(1), 0);
        for number in 0..500 {
            let sent = drawn(&mut seeded, number, 1_500, 20);
            refused += u32::from(matches!(sent.expected, Expected::Refusal(..)));
            let mut rest = sent.bytes.as_slice();
            while !rest.is_empty() {
                let most = u64::try_from(rest.len()).unwrap();
                let size = usize::try_from(1 + seeded.below(most)).unwrap();
                connection.push(&rest[..size]).unwrap();
                rest = &rest[size..];
            }
            check_next(&mut connection, &sent);
        }
        assert!((50..400).contains(&refused), "{refused}");
    }
}

#[test]
fn requests_written_at_once_are_answered_in_their_order() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    for mut connection in connections(&server, &place) {
        let mut seeded = Seeded(2);
        for window in 0..100 {
            let sent: Vec<Sent> =
                (0..5).map(|place| drawn(&mut seeded, 5 * window + place, 20, 4)).collect();
            connection
                .push(&sent.iter().map(|it| it.bytes.as_slice()).collect::<Vec<_>>().concat())
                .unwrap();
            for one in &sent {
                check_next(&mut connection, one);
            }
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
fn a_connection_ends_after_its_thousandth_answer() {
    let place = Place::new();
    let server = Server::demo(&["--uds", &place.text("s.sock")]);
    let [good, refused] = [good().to_string(), without("/action")];
    for mut connection in connections(&server, &place) {
        for number in 1..=MOST {
            let (body, status) = if number % 7 == 0 { (&refused, 400) } else { (&good, 200) };
            let answer = connection.ask(&Request::post(ONE, body.as_bytes()));
            assert_eq!(answer.status, status, "{answer:?}");
            let ends = (number == MOST).then_some("close");
            assert_eq!(answer.header("connection"), ends, "{number}: {answer:?}");
        }
        connection.assert_closed();
    }
}
