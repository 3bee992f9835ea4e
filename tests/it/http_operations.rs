//! The process around the service: health, stopping, limits of time and size, logs.

use std::{io, net::TcpStream, thread};

use serde_json::{Value, json};

use crate::{
    http_errors::assert_error,
    support::{
        server::{DEV_TOKEN, Server, signal, until},
        wire::{Connection, Request},
    },
};

const ONE: &str = "/v1/is-authorized";
const BATCH: &str = "/v1/batch-is-authorized";
const ACCOUNT: &str = "1000000000000001";

fn question(user: &str) -> String {
    json!({
        "principal": {"type": "User", "id": user}, "action": "PaiWorkspace:ListConfigs",
        "resource": {"workspace": "10001"},
    })
    .to_string()
}

#[test]
fn health_is_on_a_listener_of_its_own() {
    let server = Server::demo(&[]);
    for (path, said) in [("/livez", "alive"), ("/readyz", "ready")] {
        let answer = server.health(path);
        assert_eq!((answer.status, answer.json()), (200, json!({"status": said})));
        assert_error(&server.send(&Request::get(path)), 404, "not_found");
        let post = Connection::tcp(server.ops).ask(&Request::post(path, b"{}"));
        assert_error(&post, 405, "method_not_allowed");
        assert_eq!(post.header("allow"), Some("GET"));
    }
    let api = Connection::tcp(server.ops).ask(&Request::post(ONE, question("2001").as_bytes()));
    assert_error(&api, 404, "not_found");
}

#[test]
fn a_server_that_is_told_to_stop_answers_what_it_was_asked_and_says_that_it_drains() {
    for signal_name in ["TERM", "INT"] {
        let mut server =
            Server::demo(&["--shutdown-timeout-ms", "60000", "--body-timeout-ms", "60000"]);
        let body = question("2001");
        // Heads and half of the bodies are there: these requests are being answered.
        let mut asked: Vec<Connection> = (0..16).map(|_| server.connect()).collect();
        for connection in &mut asked {
            connection.begin(&Request::post(ONE, body.as_bytes()));
            connection.push(&body.as_bytes()[..20]).unwrap();
        }
        // One that was asked and answered before, and is kept.
        let mut kept = server.connect();
        assert_eq!(kept.ask(&Request::post(ONE, body.as_bytes())).status, 200);
        signal(server.id(), signal_name);
        until("it says that it drains", || server.health("/readyz").status == 503);
        assert_eq!(server.health("/readyz").json(), json!({"status": "draining"}));
        assert_eq!(server.health("/livez").status, 200);
        until("nobody new is let in", || TcpStream::connect(server.api).is_err());
        kept.assert_closed();
        for connection in &mut asked {
            connection.push(&body.as_bytes()[20..]).unwrap();
        }
        for mut connection in asked {
            let answer = connection.answer("POST").unwrap();
            assert_eq!((answer.status, &answer.json()["decision"]), (200, &json!("Allow")));
            assert_eq!(answer.header("connection"), Some("close"));
            connection.assert_closed();
        }
        assert_eq!(server.wait().code(), Some(0));
        let log = server.log();
        assert!(log.contains("\"stopped\"") && !log.contains("ERROR"), "{log}");
    }
}

#[test]
fn a_stop_under_load_answers_what_was_sent_and_exits_clean() {
    let mut server = Server::demo(&["--workers", "2"]);
    let body = question("2001");
    let request = Request::post(ONE, body.as_bytes()).bytes();
    let (answered, cut) = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let mut connection = server.connect();
                let request = &request;
                scope.spawn(move || {
                    let (mut answered, mut cut) = (0_u32, 0_u32);
                    loop {
                        if connection.push(request).is_err() {
                            return (answered, cut);
                        }
                        match connection.answer("POST") {
                            Ok(answer) => {
                                assert_eq!(answer.status, 200, "{answer:?}");
                                answered += 1;
                                if answer.header("connection") == Some("close") {
                                    return (answered, cut);
                                }
                            }
                            // Sent into a connection the server was closing, idle: nothing was begun.
                            Err(error) => {
                                let closed =
                                    [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
                                assert!(closed.contains(&error.kind()), "{error}");
                                cut += 1;
                                return (answered, cut);
                            }
                        }
                    }
                })
            })
            .collect();
        until("the clients are served", || {
            server.send(&Request::post(ONE, body.as_bytes())).status == 200
        });
        server.terminate();
        let done: Vec<(u32, u32)> =
            clients.into_iter().map(|client| client.join().unwrap()).collect();
        done.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    assert!(answered > 8, "{answered} answered");
    assert_eq!(cut, 0, "{cut} requests were sent and not answered, {answered} were");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[test]
fn a_request_that_takes_its_time_is_cut_off_at_the_limit() {
    let server = Server::demo(&["--body-timeout-ms", "2000", "--head-timeout-ms", "2000"]);
    let body = question("2001");
    for path in [ONE, BATCH] {
        let mut slow = server.connect();
        slow.push(&Request::post(path, body.as_bytes()).head()).unwrap();
        slow.push(&body.as_bytes()[..10]).unwrap();
        let answer = slow.answer("POST").unwrap();
        let error = assert_error(&answer, 408, "request_timeout");
        assert_eq!(error["message"], "the body did not arrive within 2000 ms");
        slow.assert_closed();
    }
    // A head in pieces, or none at all.
    for piece in ["POST /v1/is-auth", "POST /v1/is-authorized HTTP/1.1\r\nHost: t", ""] {
        let mut slow = server.connect();
        slow.push(piece.as_bytes()).unwrap();
        assert_eq!(slow.answer("POST").unwrap().status, 408, "{piece}");
        slow.assert_closed();
    }
    assert_eq!(server.post(ONE, body).status, 200);
}

#[test]
fn an_idle_connection_and_a_head_begun_on_it_end_with_the_keep_alive() {
    let server = Server::demo(&["--keep-alive-ms", "400"]);
    for rest in ["", "POST /v1/is-auth"] {
        let mut idle = server.connect();
        assert_eq!(idle.ask(&Request::post(ONE, question("2001").as_bytes())).status, 200);
        idle.push(rest.as_bytes()).unwrap();
        idle.assert_closed();
    }
}

#[test]
fn a_head_too_large_or_unreadable_is_answered_and_the_connection_ends() {
    let server = Server::demo(&[]);
    let body = question("2001");
    let good = Request::post(ONE, body.as_bytes());
    let names: Vec<String> = (0..200).map(|n| format!("X-{n}")).collect();
    // Host, Content-Type, Authorization and Content-Length are four.
    let with = |count: usize| {
        names.iter().take(count).fold(good.clone(), |request, name| request.with(name, "v"))
    };
    assert_eq!(server.send(&with(92)).status, 200);
    let padded = |bytes: usize| good.clone().with("X-Long", "v".repeat(bytes));
    assert_eq!(server.send(&padded(100 * 1024)).status, 200);
    let path = format!("/{}", "p".repeat(200 * 1024));
    for (what, bytes) in [
        ("97 headers", with(93).bytes()),
        ("200 headers", with(200).bytes()),
        ("a long header", padded(140 * 1024).bytes()),
        ("a very long header", padded(5_000_000).bytes()),
        ("a long path", Request::get(&path).bytes()),
        ("no HTTP", b"hello\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("a NUL in a header", good.clone().with("X-Nul", "a\0b").bytes()),
        ("HTTP/3.0", b"GET / HTTP/3.0\r\nHost: t\r\n\r\n".to_vec()),
        ("a length that is none", good.clone().with("Content-Length", "-1").bytes()),
        (
            "two lengths",
            good.clone().with("Content-Length", "3").with("Content-Length", "4").bytes(),
        ),
        (
            "length and chunks",
            good.clone().with("Content-Length", "3").with("Transfer-Encoding", "chunked").bytes(),
        ),
        ("a space before the colon", b"GET /livez HTTP/1.1\r\nHost : t\r\n\r\n".to_vec()),
    ] {
        let mut connection = server.connect();
        let pushed = connection.push(&bytes);
        let answer = connection.answer("POST").unwrap_or_else(|e| panic!("{what}: {e} {pushed:?}"));
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        connection.assert_closed();
    }
    assert_eq!(server.send(&good).status, 200);
    let log = server.stop();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let server = Server::demo(&[]);
    let mut connection = server.connect();
    let bodies = ["2001", "404404", "2002", "nobody", "2003"].map(question);
    let mut bytes = Vec::new();
    for round in 0..4 {
        for (at, body) in bodies.iter().enumerate() {
            let id = format!("r-{round}-{at}");
            bytes.extend(Request::post(ONE, body.as_bytes()).with("X-Request-Id", id).bytes());
        }
    }
    connection.push(&bytes).unwrap();
    for round in 0..4 {
        for (at, expected) in ["Allow", "Deny", "Allow", "", "Allow"].into_iter().enumerate() {
            let answer = connection.answer("POST").unwrap();
            let id = format!("r-{round}-{at}");
            assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
            assert_eq!(answer.json()["decision"].as_str().unwrap_or_default(), expected);
        }
    }
    let last = Request::post(ONE, bodies[0].as_bytes()).with("Connection", "close");
    assert_eq!(connection.ask(&last).status, 200);
    connection.end();
    connection.assert_closed();
}

#[test]
fn each_denied_decision_is_one_debug_line_under_its_request_id() {
    let server = Server::demo(&["--log", "pai_authz=debug", "--log-format", "json"]);
    let ask = |path, body: &str, id: &str| {
        let request = Request::post(path, body.as_bytes()).with("X-Request-Id", id);
        assert_eq!(server.send(&request).status, 200);
    };
    let (allowed, denied) = (question("2001"), question("404404"));
    ask(ONE, &allowed, "allowed");
    ask(ONE, &denied, "denied");
    ask(BATCH, &format!("{{\"requests\": [{denied}, {allowed}, {{}}, {denied}]}}"), "batch");
    let log = server.stop();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .filter(|line: &Value| line["message"] == "denied")
        .collect();
    let of = |id: &str| lines.iter().filter(|line| line["span"]["id"] == id).collect::<Vec<_>>();
    assert_eq!(of("allowed").len(), 0, "{log}");
    assert_eq!(of("denied").len(), 1, "{log}");
    assert_eq!(of("batch").len(), 3, "{log}");
    let line = of("denied")[0];
    for (key, value) in [
        ("level", "DEBUG"),
        ("account", ACCOUNT),
        ("action", "PaiWorkspace:ListConfigs"),
        ("reason", "implicit_deny"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    assert_eq!(of("batch").iter().filter(|line| line["reason"] == "error").count(), 1, "{log}");
}

#[test]
fn a_refused_body_that_never_ends_is_not_read_for_ever() {
    let server = Server::demo(&[]);
    for (path, token) in [("/nowhere", DEV_TOKEN), (ONE, "nobody"), (ONE, DEV_TOKEN)] {
        let mut connection = server.connect();
        let request = Request::post(path, b"").token(token).with("Transfer-Encoding", "chunked");
        connection.push(&request.head()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        until(&format!("{path} reads no more"), || connection.push(chunk.as_bytes()).is_err());
    }
}

#[test]
fn a_connection_that_trickles_or_takes_no_answers_is_ended() {
    let server = Server::demo(&["--keep-alive-ms", "700", "--head-timeout-ms", "700"]);
    let body = question("2001");
    let request = Request::post(ONE, body.as_bytes());
    // A second head that never ends.
    let mut trickling = server.connect();
    assert_eq!(trickling.ask(&request).status, 200);
    until("the trickling connection is ended", || trickling.push(b"X").is_err());
    // Answers that nobody takes: the sending side is stuck, and then cut off.
    let mut deaf = server.connect();
    let many = request.bytes().repeat(1_000);
    until("the deaf connection is ended", || deaf.push(&many).is_err());
    assert_eq!(server.send(&request).status, 200);
}

#[test]
fn one_callers_flood_leaves_the_others_their_turn() {
    let server = Server::demo(&["--workers", "1"]);
    let body = question("2001");
    let request = Request::post(ONE, body.as_bytes());
    let flood = Request::get("/nowhere").bytes().repeat(1_000);
    thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            // A connection brings a thousand requests, then it ends: a flood has to come again and again.
            for _ in 0..40 {
                let mut connection = server.connect();
                connection.push(&flood).unwrap();
                for number in 1..=1_000 {
                    let answer = connection.answer("GET").unwrap();
                    assert_eq!(
                        answer.header("connection"),
                        (number == 1_000).then_some("close"),
                        "{number}"
                    );
                }
                connection.assert_closed();
            }
        });
        let mut turns = 0;
        while !flooding.is_finished() {
            assert_eq!(server.send(&request).status, 200);
            turns += 1;
        }
        flooding.join().unwrap();
        assert!(turns >= 20, "{turns} others were served during 40,000 requests of one");
    });
}
