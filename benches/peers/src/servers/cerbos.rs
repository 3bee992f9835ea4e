//! Cerbos: the server itself, a resource policy for each module, asked over HTTP.
//!
//! It holds no memberships: the caller sends the roles the principal has in the workspace of the resource.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
};

use anyhow::Context as _;
use pai_authz::domain::BuiltinRole;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Process, Spawn};
use crate::{
    client::post,
    workload::{Check, Reach, rules},
};

/// Returns checks of one member in one workspace as one request.
pub(super) fn request(checks: &[Check]) -> Vec<u8> {
    let member = checks.first().map(|check| &check.member);
    let resources = checks.iter().map(|check| {
        json!({
            "resource": {
                "kind": check.module,
                "id": check.asset,
                "attr": {"creator": check.creator, "accessibility": check.accessibility.as_str()},
            },
            "actions": [check.action],
        })
    });
    let body = json!({
        "principal": {
            "id": member.map_or("", |member| member.user.as_str()),
            "roles": member.map(|member| member.roles.map(BuiltinRole::code)),
        },
        "resources": resources.collect::<Vec<_>>(),
    });
    post("/api/check/resources", "", &body.to_string())
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    actions: BTreeMap<String, String>,
}

/// Reads the decisions of an answer.
pub(super) fn decisions(body: &str) -> anyhow::Result<Vec<bool>> {
    let answer: Answer = serde_json::from_str(body)?;
    let effects = answer.results.into_iter().flat_map(|entry| entry.actions.into_values());
    Ok(effects.map(|effect| effect == "EFFECT_ALLOW").collect())
}

/// Writes policies and settings and starts the server on them.
///
/// # Errors
/// There is no such binary, no port is free, or it does not start.
pub(crate) async fn start(
    binary: &Path,
    folder: &Path,
    core: usize,
    batch: usize,
    request: &[u8],
) -> anyhow::Result<Process> {
    let policies = folder.join("cerbos");
    fs::create_dir(&policies)?;
    for (module, policy) in resource_policies()? {
        fs::write(policies.join(format!("{module}.json")), policy.to_string())?;
    }
    // It takes no port 0 that it would tell: one that is free a moment before.
    let address = {
        let probe = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        probe.local_addr()?
    };
    let config = folder.join("cerbos.json");
    fs::write(&config, settings(address, folder, &policies, batch).to_string())?;
    let spawn = Spawn {
        name: "cerbos",
        program: binary,
        arguments: vec![
            "server".to_owned(),
            format!("--config={}", config.display()),
            "--log-level=warn".to_owned(),
        ],
        environment: vec![("GOMAXPROCS", "1"), ("CERBOS_NO_TELEMETRY", "1")],
        core,
        address: Some(address),
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
            "`{}` cannot be run: `scripts/peers` puts it there, or name it with `--cerbos`",
            binary.display()
        )
    })?;
    let text = String::from_utf8(done.stdout)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn settings(address: SocketAddr, folder: &Path, policies: &Path, batch: usize) -> Value {
    json!({
        "server": {
            "httpListenAddr": address.to_string(),
            "grpcListenAddr": format!("unix:{}", folder.join("cerbos.sock").display()),
            // Its default of 50 is raised where batches are longer, so that all peers have the same.
            "requestLimits": {"maxResourcesPerRequest": batch.max(50)},
        },
        "audit": {"enabled": false},
        "telemetry": {"disabled": true},
        "storage": {
            "driver": "disk",
            "disk": {"directory": policies.display().to_string(), "watchForChanges": false},
        },
    })
}

/// Returns the policy of each module: a rule for each role and set of cells.
fn resource_policies() -> anyhow::Result<BTreeMap<&'static str, Value>> {
    let mut modules: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    for rule in rules() {
        let mut value = json!({
            "actions": rule.actions,
            "effect": "EFFECT_ALLOW",
            "roles": [rule.role.code()],
        });
        if let Some(expr) = condition(rule.reach()?)
            && let Some(object) = value.as_object_mut()
        {
            object.insert("condition".to_owned(), json!({"match": {"expr": expr}}));
        }
        modules.entry(rule.module).or_default().push(value);
    }
    let policy = |(module, rules)| {
        let policy = json!({"resource": module, "version": "default", "rules": rules});
        (module, json!({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": policy}))
    };
    Ok(modules.into_iter().map(policy).collect())
}

/// Returns the condition of private and public assets as simply as it can be said; `None` for all assets.
const fn condition(reach: (Reach, Reach)) -> Option<&'static str> {
    match reach {
        (Reach::All, Reach::All) => None,
        (Reach::Nothing, Reach::Nothing) => Some("false"),
        (Reach::Own, Reach::Own) => Some("R.attr.creator == P.id"),
        (Reach::All, Reach::Nothing) => Some(r#"R.attr.accessibility == "PRIVATE""#),
        (Reach::Nothing, Reach::All) => Some(r#"R.attr.accessibility == "PUBLIC""#),
        (Reach::Own, Reach::Nothing) => {
            Some(r#"R.attr.accessibility == "PRIVATE" && R.attr.creator == P.id"#)
        }
        (Reach::Nothing, Reach::Own) => {
            Some(r#"R.attr.accessibility == "PUBLIC" && R.attr.creator == P.id"#)
        }
        (Reach::Own, Reach::All) => {
            Some(r#"R.attr.creator == P.id || R.attr.accessibility == "PUBLIC""#)
        }
        (Reach::All, Reach::Own) => {
            Some(r#"R.attr.creator == P.id || R.attr.accessibility == "PRIVATE""#)
        }
    }
}
