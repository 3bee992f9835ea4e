//! How `serve` starts: its settings and where they come from, and the stores, keys and ports it refuses.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use crate::{
    http_errors::assert_error,
    support::{
        server::{Place, Server, command, finish, run},
        wire::Request,
    },
};

const ONE: &str = "/v1/is-authorized";
const BATCH: &str = "/v1/batch-is-authorized";
const ACCOUNT: &str = "1000000000000001";
/// Free ports.
const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];

/// Asserts that `serve` does not start and says why.
#[track_caller]
fn refused(arguments: &[&str], says: &[&str]) {
    let done = run(["serve"].into_iter().chain(arguments.iter().copied()));
    assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
    // Logs may stand before it; the error is said last and not at length.
    let error = done.err.lines().skip_while(|line| !line.starts_with("error: "));
    assert!((1..12).contains(&error.count()), "{done:?}");
    for text in says {
        assert!(done.err.contains(text), "`{text}`: {done:?}");
    }
}

#[test]
fn a_store_in_use_is_refused_to_every_other_process() {
    let place = Place::new();
    let token = place.init(ACCOUNT);
    let server = place.serve(&[]);
    let before = fs::metadata(place.path("store.redb")).unwrap().len();
    let (store, key) = (place.store(), place.text("master.key"));
    let says = "another process";
    refused(&[&["--store", &store, "--master-key-file", &key], &FREE[..]].concat(), &[says]);
    let file = place.write("users.json", r#"{"users": [{"id": "1"}]}"#);
    for arguments in [
        &["token", "list", "--account", ACCOUNT][..],
        &["import", &file, "--account", ACCOUNT],
        &["init", "--account", "2000000000000002"],
        &["check", "--account", ACCOUNT, "--principal", "User:1", "--action", "Pai:ListQuotas"],
    ] {
        let done = place.stopped(arguments);
        assert!(done.code == 2 && done.err.contains(says), "{done:?}");
    }
    assert_eq!(fs::metadata(place.path("store.redb")).unwrap().len(), before);
    let question =
        json!({"principal": {"type": "Account", "id": ACCOUNT}, "action": "Pai:ListQuotas"});
    assert_eq!(server.decide(&token, &question)["decision"], "Allow");
    // When the first is gone, killed, the next needs no help.
    drop(server);
    place.serve(&[]).stop();
}

#[test]
fn a_store_is_of_development_or_of_production_and_stays_so() {
    let place = Place::new();
    place.init(ACCOUNT);
    let (store, key, dev) =
        (place.store(), place.text("master.key"), format!("redb:{}", place.text("dev.redb")));
    refused(
        &[&["--dev", "--store", &store], &FREE[..]].concat(),
        &["production store", "without `--dev`"],
    );
    Server::start(["--dev", "--store", &dev]).stop();
    refused(
        &[&["--store", &dev, "--master-key-file", &key], &FREE[..]].concat(),
        &["with `--dev`"],
    );
    let done = run(["demo", "--store", &store]);
    assert_eq!(done.code, 2, "{done:?}");
    let done =
        run(["token", "list", "--store", &dev, "--master-key-file", &key, "--account", ACCOUNT]);
    assert_eq!(done.code, 2, "{done:?}");
    let done = run(["init", "--store", &dev, "--master-key-file", &key, "--account", "2"]);
    assert_eq!(done.code, 2, "{done:?}");
    // The development token is not in the store, and the marked store opens again.
    let again = Server::start(["--dev", "--store", &dev]);
    assert_eq!(
        again.send(&Request::get("/v1/tokens").token("dev-token")).json(),
        json!({"tokens": []})
    );
}

#[test]
fn settings_that_are_unsafe_or_wrong_are_refused_with_their_name() {
    let place = Place::new();
    place.init(ACCOUNT);
    let (store, key) = (place.store(), place.text("master.key"));
    let production = |more: &[&'static str], says: &[&str]| {
        refused(&[&["--store", &store, "--master-key-file", &key], more].concat(), says);
    };
    production(&["--listen", "0.0.0.0:0"], &["`listen`", "0.0.0.0:0", "insecure-listen"]);
    production(&["--listen", "[::]:0"], &["`listen`"]);
    production(&["--listen", "127.0.0.1:0", "--ops-listen", "0.0.0.0:0"], &["`ops-listen`"]);
    production(&["--uds-mode", "0999", "--uds", "s"], &["`uds-mode`", "0999"]);
    production(&["--uds-account", ACCOUNT], &["`uds-account`"]);
    production(&["--workers", "0"], &["`workers`"]);
    production(&["--log", "a=b=c", "--listen", "127.0.0.1:0"], &["`log`", "a=b=c"]);
    production(
        &["--log", "infoo", "--listen", "127.0.0.1:0"],
        &["`log`", "`infoo` is not a level"],
    );
    production(&["--demo"], &["`demo`"]);
    production(&["--region", "cn hangzhou"], &["`region`", "cn hangzhou"]);
    production(&["--tls-cert", "c"], &["`tls-cert`"]);
    refused(
        &["--dev", "--store", "memory:", "--listen", "0.0.0.0:0", "--insecure-listen"],
        &["`listen`", "loopback"],
    );
    refused(
        &["--dev", "--store", "memory:", "--ops-listen", "0.0.0.0:0", "--insecure-listen"],
        &["`ops-listen`"],
    );
    refused(&["--store", "memory:"], &["`memory:`", "dev"]);
    let nobody = "redis://127.0.0.1:1";
    refused(&["--dev", "--store", nobody], &["`store`", nobody, "refused", "is Redis running"]);
    refused(&["--store", "redis://:secret@h"], &["`store`", "--redis-password-file", "***@h"]);
    let done = run(["doctor", "--store", "redis://:secret@h"]);
    assert!(
        done.code == 2 && !done.err.contains("secret") && done.err.contains("***@h"),
        "{done:?}"
    );
    refused(&["--dev", "--store", nobody, "--redis-ca", "c"], &["`redis-ca`", "rediss"]);
    refused(&["--store", "nowhere"], &["`store`", "nowhere"]);
    refused(&["--store", &store], &["--master-key-file"]);
    refused(
        &["--store", &format!("redb:{}", place.text("none.redb")), "--master-key-file", &key],
        &["none.redb"],
    );
    assert!(!place.path("none.redb").exists());
    // Accepted with open eyes.
    let open = command([
        "serve",
        "--store",
        &store,
        "--master-key-file",
        &key,
        "--listen",
        "0.0.0.0:0",
        "--ops-listen",
        "127.0.0.1:0",
        "--insecure-listen",
    ]);
    Server::spawn(&mut { open }).stop();
}

#[test]
fn a_master_key_others_can_read_or_of_another_length_is_refused() {
    let place = Place::new();
    place.init(ACCOUNT);
    let (store, key) = (place.store(), place.text("master.key"));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let serve = |key: &str, says: &[&str]| {
        refused(&[&["--store", &store, "--master-key-file", key], &FREE[..]].concat(), says);
    };
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        serve(&key, &["master.key", "chmod 600"]);
    }
    for length in [0, 31, 33, 64] {
        let short = place.write("short.key", vec![1; length]);
        fs::set_permissions(&short, fs::Permissions::from_mode(0o600)).unwrap();
        serve(&short, &["short.key", "has not 32 bytes"]);
    }
    serve(&place.text("none.key"), &["none.key"]);
    serve(place.directory.path().to_str().unwrap(), &["master key"]);
}

#[test]
fn a_key_that_is_not_the_stores_is_refused() {
    let place = Place::new();
    place.init("1000000000000001");
    let other = Place::new();
    other.init("1000000000000001");
    let (store, wrong) = (place.store(), other.text("master.key"));
    let with = |more: &[&str]| {
        let base = ["--store", &store, "--master-key-file", &wrong];
        run(more.iter().copied().chain(base))
    };
    for command in [
        &["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"][..],
        &["init", "--account", "1000000000000002"],
        &["token", "list", "--account", "1000000000000001"],
    ] {
        let refused = with(command);
        assert!(
            refused.code == 2 && refused.err.contains("the master key is not the one"),
            "{refused:?}"
        );
    }
    let typo = place.text("typo.key");
    let made = run([
        "init",
        "--account",
        "1000000000000002",
        "--store",
        &store,
        "--master-key-file",
        &typo,
    ]);
    assert!(made.code == 2 && !place.path("typo.key").exists(), "{made:?}");
    let nobody = place.stopped(&["token", "create", "--name", "x", "--account", "42"]);
    assert!(nobody.code == 2 && nobody.err.contains("`42` is not in this store"), "{nobody:?}");
}

#[test]
fn flags_stand_over_variables_and_variables_over_the_file() {
    let place = Place::new();
    let file = place.write("c.toml", "dev = true\nstore = \"memory:\"\nbody-limit = 1000\nbatch-body-limit = 2000\nworkers = 3\nlisten = \"127.0.0.1:0\"\nops-listen = \"127.0.0.1:0\"\n");
    let layered = |more: &[&'static str]| {
        let mut command =
            command(["serve", "--config", &file].into_iter().chain(more.iter().copied()));
        command.env("PAI_AUTHZ_BATCH_BODY_LIMIT", "1500").env("PAI_AUTHZ_WORKERS", "2");
        command
    };
    let shown = finish(&mut layered(&["--workers", "1", "--print-config"]));
    for line in
        ["workers = 1\n", "batch-body-limit = 1500\n", "\nbody-limit = 1000\n", "\ndev = true\n"]
    {
        assert!(shown.out.contains(line), "{line}: {shown:?}");
    }
    let server = Server::spawn(&mut layered(&["--workers", "1"]));
    for (path, fits) in [(ONE, 1_000), (BATCH, 1_500)] {
        assert_error(&server.post(path, vec![b' '; fits]), 400, "malformed_body");
        assert_error(&server.post(path, vec![b' '; fits + 1]), 413, "payload_too_large");
    }
    server.stop();
    // The file by its variable; a false flag takes back what the file says.
    let mut command = command(["serve", "--print-config", "--dev", "false", "--store", "redb:x"]);
    let shown = finish(command.env("PAI_AUTHZ_CONFIG", &file));
    assert!(shown.out.contains("\ndev = false\n"), "{shown:?}");
    for (text, says) in [
        ("body-limits = 10", "body-limits"),
        ("body_limit = 10", "body_limit"),
        ("body_limit = 10", "did you mean `body-limit`?"),
        ("listen = 7", "an address and a port"),
        ("body-limit = \"ten\"", "body-limit"),
        ("body-limit = -1", "body-limit"),
        ("listen = \"localhost\"", "listen"),
        ("[serve]\nworkers = 1", "serve"),
        ("workers = ", "line 1"),
    ] {
        let file = place.write("bad.toml", text);
        refused(&["--config", &file], &["bad.toml", says]);
    }
    refused(&["--config", &place.text("none.toml")], &["none.toml"]);
    for (variable, value) in
        [("PAI_AUTHZ_WORKERS", "many"), ("PAI_AUTHZ_LISTEN", "x"), ("PAI_AUTHZ_DEV", "maybe")]
    {
        let done = finish(crate::support::server::command(["serve"]).env(variable, value));
        assert!(done.code == 2 && done.err.contains(value), "{done:?}");
    }
}

#[test]
fn a_port_in_use_is_refused_by_its_address() {
    let server = Server::demo(&[]);
    let taken = server.api.to_string();
    refused(
        &["--dev", "--store", "memory:", "--listen", &taken, "--ops-listen", "127.0.0.1:0"],
        &["`listen`: cannot listen", &taken],
    );
    refused(
        &["--dev", "--store", "memory:", "--ops-listen", &taken, "--listen", "127.0.0.1:0"],
        &["`ops-listen`: cannot listen", &taken],
    );
    refused(
        &["--dev", "--store", "memory:", "--listen", "18081"],
        &["--listen", "18081", "as `127.0.0.1:8080`"],
    );
}
