//! Health of the process, on a listener of its own: alive, ready for requests, and what operators watch.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::Services;
use crate::{
    domain::BundleName,
    service::{Accounts, Bundles, Verifier, decisions_made},
};

/// Whether the service should be sent requests.
#[derive(Debug, Clone)]
pub(super) struct Health {
    welcome: Arc<AtomicBool>,
    accounts: Arc<Accounts>,
    verifier: Option<Arc<Verifier>>,
    bundles: Arc<Bundles>,
}

impl Health {
    /// Returns the health of a service that does not take requests yet.
    pub(super) fn of(services: &Services) -> Self {
        let Services { accounts, verifier, bundles, .. } = services;
        let (accounts, verifier) = (accounts.clone(), verifier.clone());
        Self { welcome: Arc::default(), accounts, verifier, bundles: bundles.clone() }
    }

    /// Says that requests are welcome.
    pub(super) fn set_ready(&self, ready: bool) {
        self.welcome.store(ready, Ordering::Release);
    }

    /// Returns whether requests are welcome.
    pub(super) fn is_ready(&self) -> bool {
        self.welcome.load(Ordering::Acquire)
    }
}

/// `GET /livez`: the process runs. Never depends on anything else.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: 200 when the data is loaded, fresh enough to decide on, and the service is not stopping; else 503. A bundle
/// whose directory has nothing sound is told of and no more: the last sound one is served, and nobody is helped by none.
pub(super) async fn readyz(health: web::Data<Health>) -> HttpResponse {
    let status = match (health.is_ready(), health.accounts.is_fresh()) {
        (true, true) => return HttpResponse::Ok().json(ready(&health.bundles)),
        (true, false) => "stale",
        (false, _) => "draining",
    };
    HttpResponse::ServiceUnavailable().json(json!({ "status": status }))
}

fn ready(bundles: &Bundles) -> Value {
    let told = |(name, trouble): (&BundleName, Option<String>)| {
        let told = trouble.map_or_else(
            || json!({ "status": "current" }),
            |trouble| json!({ "status": "outdated", "trouble": trouble }),
        );
        (name.to_string(), told)
    };
    let bundles: Map<String, Value> = bundles.health().map(told).collect();
    if bundles.is_empty() {
        return json!({ "status": "ready" });
    }
    json!({ "status": "ready", "bundles": bundles })
}

/// Returns what is counted, in the text format of Prometheus.
fn counters(health: &Health) -> String {
    let head = |name: &str, help: &str| {
        format!("# HELP pai_authz_{name} {help}\n# TYPE pai_authz_{name} counter\n")
    };
    let mut text = head("decisions_total", "Decisions made, by reason.");
    for (reason, count) in decisions_made() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "pai_authz_decisions_total{{reason=\"{reason}\"}} {count}");
    }
    let Some(verifier) = &health.verifier else { return text };
    let found = verifier.verified();
    for (name, help, count) in [
        ("verified_decisions_total", "Decisions judged anew by Cedar alone.", found.judged),
        (
            "differing_decisions_total",
            "Decisions that Cedar alone makes otherwise: any is a defect.",
            found.differing,
        ),
        (
            "unverified_decisions_total",
            "Decisions that should have been judged anew, and too many waited.",
            found.skipped,
        ),
    ] {
        let _ = writeln!(text, "{}pai_authz_{name} {count}", head(name, help));
    }
    text
}

/// Returns which bundles are outdated.
fn outdated(bundles: &Bundles) -> String {
    let mut text = String::new();
    for (name, trouble) in bundles.health() {
        if text.is_empty() {
            text.push_str("# HELP pai_authz_bundle_outdated Whether the directory of a bundle has nothing sound, so that an older one is served.\n# TYPE pai_authz_bundle_outdated gauge\n");
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "pai_authz_bundle_outdated{{bundle=\"{name}\"}} {}",
            u8::from(trouble.is_some())
        );
    }
    text
}

/// `GET /metrics`: what operators watch, in the text format of Prometheus.
pub(super) async fn metrics(health: web::Data<Health>) -> HttpResponse {
    let watched = health.accounts.watched();
    let gauges = [
        ("accounts", "Accounts in memory.", watched.accounts.to_string()),
        (
            "account_bytes",
            "Bytes that accounts take in memory, roughly.",
            watched.bytes.to_string(),
        ),
        (
            "suspended_accounts",
            "Accounts on which nothing is decided because the store lost changes.",
            watched.suspended.to_string(),
        ),
        (
            "quarantined_accounts",
            "Accounts on which nothing is decided because of what the store holds.",
            watched.quarantined.to_string(),
        ),
        (
            "quarantined_workspaces",
            "Workspaces on which nothing is decided because of what the store holds.",
            watched.quarantined_workspaces.to_string(),
        ),
        (
            "stalest_account_seconds",
            "How long ago the stalest account was known to be up to date.",
            watched.stalest.as_secs_f64().to_string(),
        ),
        (
            "store_silence_seconds",
            "How long ago the store was heard of.",
            watched.since_contact.as_secs_f64().to_string(),
        ),
    ];
    let line = |(name, help, value): (&str, &str, String)| {
        let name = ["pai_authz_", name].concat();
        ["# HELP ", &name, " ", help, "\n# TYPE ", &name, " gauge\n", &name, " ", &value, "\n"]
            .concat()
    };
    let mut text = gauges.map(line).concat();
    text.push_str(&outdated(&health.bundles));
    text.push_str(&counters(&health));
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}
