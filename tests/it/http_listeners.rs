//! What the service listens on beside plain TCP: the Unix socket and TLS.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    process::Command,
};

use crate::{
    http_auth::{ACCOUNT, ONE, TOKENS, assert_refused, question},
    http_errors::assert_error,
    support::{
        server::{DEV_TOKEN, Done, Place, Server, command, finish, run},
        wire::{Connection, Request},
    },
};

/// Runs a service that is expected not to start.
fn start(more: &[&str]) -> Done {
    let serve = ["serve", "--dev", "--store", "memory:"];
    let free = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    run(serve.into_iter().chain(free).chain(more.iter().copied()))
}

/// Makes a certificate for `localhost` that nobody has signed; returns the paths of it and of its key.
pub(crate) fn certificate(place: &Place) -> (String, String) {
    let (cert, key) = (place.text("cert.pem"), place.text("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &cert])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    (cert, key)
}

#[test]
fn the_unix_socket_takes_tokens_and_has_the_mode_it_was_given() {
    for (mode, arguments) in [(0o600, &[][..]), (0o660, &["--uds-mode", "0660"][..])] {
        let place = Place::new();
        let socket = place.text("s.sock");
        let server = Server::demo(&[&["--uds", &socket], arguments].concat());
        let found = fs::symlink_metadata(&socket).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, mode);
        let body = question().to_string();
        let ask = Request::post(ONE, body.as_bytes());
        assert_eq!(Connection::uds(&place.path("s.sock")).ask(&ask).json()["decision"], "Allow");
        let nobody = Connection::uds(&place.path("s.sock")).ask(&ask.without("Authorization"));
        assert_refused(&nobody);
        // The client of the commands speaks to it as well.
        let asked = ["check", "--uds", &socket, "--principal", "Account:1000000000000001"];
        let asked = asked.into_iter().chain(["--action", "Pai:ListQuotas", "--token", DEV_TOKEN]);
        assert_eq!(run(asked).code, 0);
        let names: Vec<_> =
            fs::read_dir(place.directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["s.sock"], "nothing but the socket");
        server.stop();
        assert!(!place.path("s.sock").exists(), "the socket file went with the server");
    }
}

#[test]
fn a_socket_bound_to_an_account_decides_without_a_token_and_only_there() {
    let place = Place::new();
    let [_, other] = [ACCOUNT, "2000000000000002"].map(|account| place.init(account));
    let server = place.serve(&["--uds", &place.text("s.sock"), "--uds-account", ACCOUNT]);
    let body = question().to_string();
    let ask = Request::post(ONE, body.as_bytes()).without("Authorization");
    let mut uds = Connection::uds(&place.path("s.sock"));
    assert_eq!(uds.ask(&ask).json()["decision"], "Allow");
    // Decide only.
    assert_error(&uds.ask(&Request::get(TOKENS)), 403, "forbidden");
    let make =
        Request::post(TOKENS, br#"{"name": "n", "scopes": ["tokens"]}"#).without("Authorization");
    assert_error(&uds.ask(&make), 403, "forbidden");
    // A token that is sent is used, and a wrong one is not forgiven.
    assert_eq!(uds.ask(&ask.clone().token(&other)).json()["decision"], "Deny");
    for wrong in [ask.clone().token("wrong"), ask.clone().with("Authorization", "")] {
        assert_refused(&Connection::uds(&place.path("s.sock")).ask(&wrong));
    }
    // Not on TCP.
    assert_refused(&server.send(&ask));
}

#[test]
fn a_stale_socket_is_replaced_and_anything_else_at_its_path_is_not() {
    let place = Place::new();
    let socket = place.text("s.sock");
    let first = Server::demo(&["--uds", &socket]);
    let body = question().to_string();
    let ask = Request::post(ONE, body.as_bytes());
    let at = |path: &str| start(&["--uds", path]);
    let live = at(&socket);
    assert_eq!(live.code, 2);
    assert!(live.err.contains("another process listens on it"), "{}", live.err);
    assert_eq!(Connection::uds(&place.path("s.sock")).ask(&ask).status, 200);
    // Killed: the file stays behind, and the next server takes its place.
    drop(first);
    assert!(place.path("s.sock").exists());
    let second = Server::demo(&["--uds", &socket]);
    assert_eq!(Connection::uds(&place.path("s.sock")).ask(&ask).status, 200);
    drop(second);
    let file = place.write("precious", "words");
    let refused = at(&file);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("no socket"), "{}", refused.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "words");
    let nowhere = at(&place.text("no/such/folder/s.sock"));
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
}

#[test]
fn a_server_that_stops_leaves_the_socket_of_its_successor_alone() {
    let place = Place::new();
    let socket = place.text("s.sock");
    let mut first = Server::demo(&[
        "--uds",
        &socket,
        "--shutdown-timeout-ms",
        "60000",
        "--body-timeout-ms",
        "60000",
    ]);
    let body = question().to_string();
    let ask = Request::post(ONE, body.as_bytes());
    // A request in flight keeps the first one draining while its successor starts.
    let mut slow = first.connect();
    slow.begin(&ask);
    first.terminate();
    crate::support::server::until("the first no longer listens", || {
        std::os::unix::net::UnixStream::connect(&socket).is_err()
    });
    let second = Server::demo(&["--uds", &socket]);
    slow.push(body.as_bytes()).unwrap();
    assert_eq!(slow.answer("POST").unwrap().status, 200);
    assert_eq!(first.wait().code(), Some(0));
    assert_eq!(Connection::uds(&place.path("s.sock")).ask(&ask).status, 200);
    second.stop();
}

#[test]
fn over_tls_the_service_answers_its_own_client_and_nobody_in_the_clear() {
    let place = Place::new();
    let (cert, key) = certificate(&place);
    let exposed =
        run(["serve", "--dev", "--store", "memory:", "--tls-cert", &cert, "--tls-key", &cert]);
    assert!(exposed.code == 2 && exposed.err.contains("can be read by others"), "{exposed:?}");
    let server = Server::demo(&["--tls-cert", &cert, "--tls-key", &key]);
    assert!(server.said.contains("serves on https://"), "{}", server.said);
    let url = format!("https://localhost:{}", server.api.port());
    let ask =
        ["check", "--url", &url, "--token", DEV_TOKEN, "--principal", "Account:1000000000000001"];
    let ask = || command(ask.into_iter().chain(["--action", "Pai:ListQuotas"]));
    let trusted = finish(ask().env("SSL_CERT_FILE", &cert));
    assert_eq!(
        (trusted.code, trusted.out.as_str()),
        (0, "Allow (explicit_allow)\n  by account/owns-everything\n"),
        "{trusted:?}"
    );
    // Who does not know the certificate does not talk.
    let stranger = finish(&mut ask());
    assert_eq!(stranger.code, 2, "{stranger:?}");
    let body = question().to_string();
    let mut clear = server.connect();
    drop(clear.push(&Request::post(ONE, body.as_bytes()).bytes()));
    assert!(clear.answer("POST").is_err());
    // Health is another listener, and stays as it was.
    assert_eq!(server.health("/livez").status, 200);
    server.stop();

    let serve = |cert: &str, key: &str| start(&["--tls-cert", cert, "--tls-key", key]);
    let open = fs::Permissions::from_mode(0o640);
    let exposed = place.write("exposed.pem", fs::read(&key).unwrap());
    fs::set_permissions(&exposed, open).unwrap();
    let refused = serve(&cert, &exposed);
    assert!(refused.code == 2 && refused.err.contains("can be read by others"), "{refused:?}");
    let empty = place.write("empty.pem", "");
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o600)).unwrap();
    for (cert, key, named) in [
        (&empty, &key, "empty.pem"),
        (&cert, &empty, "empty.pem"),
        (&place.text("none"), &key, "none"),
    ] {
        let refused = serve(cert, key);
        assert_eq!(refused.code, 2);
        assert!(
            refused.err.contains("error: TLS: ") && refused.err.contains(named),
            "{}",
            refused.err
        );
    }
}
