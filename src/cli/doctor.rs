//! `pai-authz doctor`: whether a store on Redis may be relied on, as its servers are set up now.
//!
//! What is looked at is the store's to know; here it is put in order and printed.

use std::{cmp::Reverse, sync::Arc};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{
    open,
    output::{self, Format},
};
use crate::{
    config::{RedisSettings, StoreAddress},
    domain::Clock,
    store::{Examined, Mode, Severity, Store},
    telemetry::SystemClock,
};

/// A store on Redis, which may be in use.
#[derive(Debug, Args)]
pub(super) struct RedisArgs {
    /// The store, on Redis; it may be in use.
    #[arg(long, env = "PAI_AUTHZ_STORE", value_name = "STORE", hide_env_values = true)]
    store: StoreAddress,
    #[command(flatten)]
    redis: RedisSettings,
    /// The store is one of development mode.
    #[arg(long, env = "PAI_AUTHZ_DEV")]
    dev: bool,
}

impl RedisArgs {
    /// Returns the store; it is connected to when it is first asked.
    pub(super) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        if !matches!(self.store, StoreAddress::Redis(_)) {
            bail!(
                "`--store`: `{}` is not on Redis: one process has it to itself, and there are no \
                 servers to look at and no accounts to recover",
                self.store
            );
        }
        let mode = if self.dev { Mode::Development } else { Mode::Production };
        open::store(&self.store, &self.redis.clone().with_environment(), mode, false)
    }
}

/// Examines the servers; 1 when the service must not run like this.
pub(super) async fn run(args: &RedisArgs, format: Format) -> anyhow::Result<u8> {
    let store = args.open()?;
    let shared = store.shared().context("the store is not a shared one")?;
    let mut found = shared.examine(SystemClock.now()).await;
    for one in &mut found {
        // What is not about one server is about the store.
        if one.node.is_empty() {
            one.node = args.store.to_string();
        }
    }
    found.sort_by_key(|one| Reverse(one.severity));
    let count = |severity| found.iter().filter(|one| one.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match format {
        Format::Json => {
            let findings: Vec<Value> = found.iter().map(wire).collect();
            output::json(&json!({ "findings": findings, "ok": errors == 0 }))?;
        }
        Format::Text => {
            for one in &found {
                output::line(line(one))?;
            }
            output::line(format!("\nerrors: {errors}, warnings: {warnings}"))?;
        }
    }
    Ok(u8::from(errors > 0))
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn wire(one: &Examined) -> Value {
    json!({
        "severity": word(one.severity), "name": one.name, "node": one.node, "found": one.found,
        "help": one.help,
    })
}

fn line(one: &Examined) -> String {
    let Examined { severity, name, node, found, help } = one;
    let said = format!("{:<8} {name:<17} {node}: {found}", word(*severity));
    if help.is_empty() { said } else { format!("{said}\n{:26} {help}", "") }
}
