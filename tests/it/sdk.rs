//! The vendor's own SDKs, unchanged, pointed at this service: sync and asyncio.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::{redis::Redis, report, server::Server};

/// Returns the Python the official SDKs are installed for; `make test` makes it.
pub(crate) fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/bin/python");
    assert!(python.exists(), "`{}` is not there: run `make sdk` first", python.display());
    python
}

/// Runs a driver against whoever listens at `endpoint`, and returns what it printed.
#[track_caller]
pub(crate) fn run(script: &str, client: &str, endpoint: SocketAddr) -> String {
    run_with(script, client, endpoint, None)
}

/// The same, with a second replica of the service.
#[track_caller]
fn run_with(
    script: &str,
    client: &str,
    endpoint: SocketAddr,
    second: Option<SocketAddr>,
) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(script);
    let Output { status, stdout, stderr } = Command::new(python())
        .env_clear()
        .env("PAI_AUTHZ_ENDPOINT", endpoint.to_string())
        .envs(second.map(|address| ("PAI_AUTHZ_SECOND", address.to_string())))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(path)
        .args(["--client", client])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{script} --client {client}: {status}\n{out}{err}");
    out.trim_end().to_owned()
}

#[track_caller]
fn drive(script: &str, client: &str) {
    let server = Server::demo(&[]);
    report(&run(script, client, server.api));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn the_sync_sdk_manages_workspaces_as_every_kind_of_caller() {
    drive("story.py", "sync");
}

#[test]
fn the_asyncio_sdk_manages_workspaces_as_every_kind_of_caller() {
    drive("story.py", "asyncio");
}

#[test]
fn the_sync_sdk_meets_the_edges_of_the_wire() {
    drive("wire.py", "sync");
}

#[test]
fn the_asyncio_sdk_meets_the_edges_of_the_wire() {
    drive("wire.py", "asyncio");
}

#[test]
fn the_sync_sdk_manages_policies_groups_and_roles() {
    drive("policies.py", "sync");
}

#[test]
fn the_asyncio_sdk_manages_policies_groups_and_roles() {
    drive("policies.py", "asyncio");
}

#[test]
fn what_both_sdks_attach_decides_together_with_roles() {
    drive("together.py", "sync");
    drive("together.py", "asyncio");
}

#[test]
fn what_is_attached_decides_on_another_replica_too() {
    let redis = Redis::tcp(&[]);
    let start = || Server::start(["--dev", "--store", &redis.url()]);
    let (first, second) = (start(), start());
    report(&run_with("together.py", "sync", first.api, Some(second.api)));
    for server in [&first, &second] {
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}

#[test]
fn the_sdk_meets_the_same_service_on_redis() {
    let redis = Redis::tcp(&[]);
    let server = Server::start(["--dev", "--demo", "--store", &redis.url()]);
    report(&run("story.py", "sync", server.api));
    report(&run("wire.py", "asyncio", server.api));
    report(&run("policies.py", "sync", server.api));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
