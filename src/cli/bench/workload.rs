//! `pai-authz bench workload`: writes what a service is to know, and what it is asked.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::arguments::ShapeArgs;
use crate::{
    cli::output::{self, Format},
    load::workload::generate,
};

/// What `bench workload` takes.
#[derive(Debug, clap::Args)]
pub(super) struct WorkloadArgs {
    #[command(flatten)]
    shape: ShapeArgs,
    /// File to write users, workspaces, members and roles to, for `pai-authz import`.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// File to write the questions to, one a line, for `pai-authz bench --workload`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes both files.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn run(args: &WorkloadArgs, format: Format) -> anyhow::Result<u8> {
    let made = generate(&args.shape.shape());
    write(&args.data, "--data", &(made.data + "\n"))?;
    write(&args.out, "--out", &(made.requests.join("\n") + "\n"))?;
    let (data, out) = (args.data.display(), args.out.display());
    match format {
        Format::Text => output::line(format_args!(
            "import `{data}` with `pai-authz import`, then ask with `pai-authz bench --workload {out}`"
        ))?,
        Format::Json => output::json(&json!({
            "data": data.to_string(),
            "out": out.to_string(),
            "requests": made.requests.len(),
            "seed": args.shape.seed,
        }))?,
    }
    Ok(0)
}

fn write(path: &Path, flag: &str, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("`{flag}`: `{}`", path.display()))
}
