//! `pai-authz bundle check`: what `serve --bundle` would make of a directory, before it is there.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{self, Format};
use crate::service::Bundles;

/// What can be done with bundles.
#[derive(Debug, Subcommand)]
pub(super) enum BundleCommand {
    /// Validate the policy bundles of directories; exits with 1 when one is not sound, with 2 when one is not there.
    Check(CheckArgs),
}

/// What `bundle check` takes.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Directories, each with a bundle.
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(command: &BundleCommand, format: Format) -> anyhow::Result<u8> {
    let BundleCommand::Check(CheckArgs { directories }) = command;
    let mut code = 0;
    let mut all = Vec::new();
    for directory in directories {
        let place = directory.display().to_string();
        if let Some((_, named)) = place.split_once('=').filter(|_| !directory.exists()) {
            anyhow::bail!("`{place}` is not a directory: give it without a name, as `{named}`");
        }
        if !directory.is_dir() {
            code = 2;
            let error = "it is not a directory: give one with a bundle";
            all.push(json!({ "directory": place, "sound": false, "error": error }));
            continue;
        }
        match Bundles::check(directory.clone()) {
            Ok(found) => all.push(json!({
                "directory": place,
                "sound": true,
                "account": found.account.as_str(),
                "version": found.version,
                "policies": found.policies,
                "entities": found.entities,
                "warnings": found.warnings,
            })),
            Err(fault) => {
                code = code.max(1);
                all.push(json!({ "directory": place, "sound": false, "error": fault }));
            }
        }
    }
    match format {
        Format::Json => output::json(&Value::Array(all))?,
        Format::Text => all.iter().try_for_each(show)?,
    }
    Ok(code)
}

fn show(found: &Value) -> anyhow::Result<()> {
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| found.get(name).and_then(Value::as_u64).unwrap_or_default();
    let directory = text("directory");
    if let Some(error) = found.get("error").and_then(Value::as_str) {
        output::line(format!("{directory}: not sound: {error}"))?;
        return Ok(());
    }
    output::line(format!(
        "{directory}: sound: {} policies, {} entities, of account {}, version {}",
        number("policies"),
        number("entities"),
        text("account"),
        text("version")
    ))?;
    for warning in found.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        output::line(format!("  warning: {}", warning.as_str().unwrap_or_default()))?;
    }
    Ok(())
}
