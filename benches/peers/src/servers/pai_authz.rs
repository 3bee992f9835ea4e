//! pai-authz: its release binary on an embedded store, filled by `pai-authz import`.

use std::{path::Path, process::Command};

use anyhow::Context as _;
use pai_authz::domain::BuiltinRole;
use serde::Deserialize;
use serde_json::json;

use super::{Process, Spawn, shell};
use crate::{
    client::post,
    workload::{Check, Workspace},
};

/// The token of development mode.
const TOKEN: &str = "Authorization: Bearer dev-token\r\n";

/// Returns a check as a request.
pub(super) fn one(check: &Check) -> Vec<u8> {
    post("/v1/is-authorized", TOKEN, &shell::question(check).to_string())
}

/// Returns checks as one request.
pub(super) fn batch(checks: &[Check]) -> Vec<u8> {
    let requests: Vec<_> = checks.iter().map(shell::question).collect();
    post("/v1/batch-is-authorized", TOKEN, &json!({ "requests": requests }).to_string())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Batch { results: Vec<Decision> },
    One(Decision),
}

#[derive(Deserialize)]
struct Decision {
    decision: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

/// Reads the decisions of an answer.
pub(super) fn decisions(body: &str) -> anyhow::Result<Vec<bool>> {
    let decisions = match serde_json::from_str(body)? {
        Answer::Batch { results } => results,
        Answer::One(decision) => vec![decision],
    };
    let is_allowed = |decision: Decision| {
        anyhow::ensure!(decision.errors.is_empty(), "a decision with errors");
        Ok(decision.decision == "Allow")
    };
    decisions.into_iter().map(is_allowed).collect()
}

/// Fills a store and starts the service on it.
///
/// # Errors
/// It refuses the file, or does not start.
pub(crate) async fn start(
    binary: &Path,
    folder: &Path,
    core: usize,
    workspaces: &[Workspace],
    request: &[u8],
) -> anyhow::Result<Process> {
    let file = folder.join("import.json");
    std::fs::write(&file, import_file(workspaces).to_string())?;
    let store = format!("redb:{}", folder.join("store.redb").display());
    let mut import = Command::new(binary);
    import.arg("import").arg(&file).args(["--dev", "--store", &store]);
    let done = import.output()?;
    anyhow::ensure!(
        done.status.success(),
        "`pai-authz import` refuses the workload: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    let arguments = ["serve", "--dev", "--store", &store, "--workers", "1", "--log", "warn"];
    let ports = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    // On a machine that stalls no connection may end by time: a run with an error is no measurement.
    let patience = ["--head-timeout-ms", "75000", "--body-timeout-ms", "75000"];
    let arguments = arguments.into_iter().chain(ports).chain(patience);
    let arguments = arguments.map(str::to_owned).collect();
    let spawn = Spawn {
        name: "pai-authz",
        program: binary,
        arguments,
        environment: Vec::new(),
        core,
        address: None,
        folder,
    };
    Process::start(spawn, request).await
}

/// Returns the version a binary tells.
///
/// # Errors
/// There is no such binary, with what to do.
pub(crate) fn version(binary: &Path) -> anyhow::Result<String> {
    let done = Command::new(binary).arg("--version").output().with_context(|| {
        format!(
            "`{}` cannot be run: build it with `cargo build --release`, or name it with `--pai-authz`",
            binary.display()
        )
    })?;
    let text = String::from_utf8(done.stdout)?;
    Ok(text.trim().trim_start_matches("pai-authz ").to_owned())
}

/// Returns the workspaces as `pai-authz import` takes them; see docs/import.md.
fn import_file(workspaces: &[Workspace]) -> serde_json::Value {
    let mut users: Vec<&str> =
        workspaces.iter().flat_map(|w| &w.members).map(|m| m.user.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    let users: Vec<_> = users.into_iter().map(|id| json!({ "id": id })).collect();
    let workspaces = workspaces.iter().map(|workspace| {
        let members = workspace.members.iter().map(
            |member| json!({"user": member.user, "roles": member.roles.map(BuiltinRole::code)}),
        );
        json!({
            "id": workspace.id,
            "name": format!("w{}", workspace.id),
            "members": members.collect::<Vec<_>>(),
        })
    });
    json!({ "users": users, "workspaces": workspaces.collect::<Vec<_>>() })
}
