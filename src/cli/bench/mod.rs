//! `pai-authz bench`: load for a running service, workloads for it, and durable changes of a store.

mod arguments;
mod floor;
mod load;
mod show;
mod store;
mod workload;

use clap::{Args, Subcommand};

use crate::cli::output::Format;

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    load: load::LoadArgs,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Measure durable changes a second on a store of its own.
    Store(Box<store::BenchStoreArgs>),
    /// Serve an answer that is always the same, by the same server and readers: what no service over HTTP is faster than.
    Floor(floor::FloorArgs),
    /// Write a workload: a file to import, and the questions to ask.
    Workload(workload::WorkloadArgs),
}

/// Measures, or writes a workload.
///
/// # Errors
/// Why there is no measurement.
pub(super) async fn run(args: BenchArgs, format: Format) -> anyhow::Result<u8> {
    match args.command {
        None => load::run(args.load, format).await,
        Some(BenchCommand::Store(args)) => store::run(&args, format).await,
        Some(BenchCommand::Floor(args)) => floor::run(&args).await,
        Some(BenchCommand::Workload(args)) => workload::run(&args, format),
    }
}
