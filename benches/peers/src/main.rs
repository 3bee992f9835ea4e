//! How pai-authz compares with what one would take in its place: plain Cedar, casbin, Cerbos.
//!
//! `peers run` starts every server, checks that all decide alike, and loads them in turn; `peers serve` is one of its servers.
//! What is compared, and what of it is unfair to whom, is in README.md.
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod client;
mod report;
mod servers;
mod workload;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::signal::unix::{SignalKind, signal};

use client::Round;
use report::{Format, Measured, Report};
use servers::{Kind, Peer, Process, Spawn, casbin, cedar, cerbos, pai_authz};
use workload::Workload;

/// Measures pai-authz beside plain Cedar, casbin and Cerbos.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start all peers, compare their decisions, and load them in turn.
    Run(RunArgs),
    /// Be the server around a library.
    Serve {
        /// The library.
        library: Library,
        /// Workspaces of 50 members.
        #[arg(long, default_value_t = 10)]
        workspaces: usize,
    },
}

/// What is served around a library.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Library {
    CedarPlain,
    CedarSlice,
    Casbin,
}

/// What is run, and how long.
#[derive(Debug, Args)]
struct RunArgs {
    /// The release binary of pai-authz.
    #[arg(long, value_name = "FILE", default_value = "target/release/pai-authz")]
    pai_authz: PathBuf,
    /// The binary of Cerbos, which `scripts/peers` installs.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/peers/node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64"
    )]
    cerbos: PathBuf,
    /// Peers to compare; pai-authz is always among them [default: all].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PEER,…")]
    only: Vec<Kind>,
    /// Workspaces of 50 members.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    workspaces: u16,
    /// Measured rounds; one more warms up.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Length of the turn of a peer in a round, in milliseconds.
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(100..))]
    turn_ms: u64,
    /// Connections where a request is one check.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Connections where a request is a batch.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    batch_connections: u16,
    /// Checks in a batch.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    batch: u16,
    /// The core of the servers.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// The core of this client.
    #[arg(long, default_value_t = 1)]
    client_core: usize,
    /// How the numbers are shown.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// That of pai-authz.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match obey(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn obey(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve { library, workspaces } => {
            let workspaces = workload::workspaces(workspaces);
            match library {
                Library::CedarPlain => servers::serve::<cedar::Plain>(&workspaces),
                Library::CedarSlice => servers::serve::<cedar::Slice>(&workspaces),
                Library::Casbin => servers::serve::<casbin::Casbin>(&workspaces),
            }
        }
        Command::Run(args) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut interrupt = signal(SignalKind::interrupt())?;
                let mut terminate = signal(SignalKind::terminate())?;
                // Whatever ends this, what was started is dropped and so ended.
                tokio::select! {
                    done = run(&args) => done,
                    _ = interrupt.recv() => anyhow::bail!("interrupted"),
                    _ = terminate.recv() => anyhow::bail!("terminated"),
                }
            })
        }
    }
}

async fn run(args: &RunArgs) -> anyhow::Result<()> {
    anyhow::ensure!(args.server_core != args.client_core, "servers and client need a core each");
    // Tried before anything starts; servers are put there by `taskset`.
    stay_on(args.server_core, "--server-core")?;
    stay_on(args.client_core, "--client-core")?;
    let workload = Workload::new(args.workspaces.into(), args.batch.into())?;
    let folder = tempfile::Builder::new().prefix("peers-").tempdir()?;
    let mut kinds: Vec<Kind> = Kind::ALL.to_vec();
    if !args.only.is_empty() {
        kinds.retain(|kind| *kind == Kind::PaiAuthz || args.only.contains(kind));
    }
    let mut report = Report::new(args, &workload);
    let mut peers = Vec::new();
    for kind in kinds {
        let peer = start(kind, args, &workload, folder.path()).await?;
        peer.agree(&workload).await?;
        progress(&format!("{} {}: decides as expected", kind.name(), peer.version));
        report.peers.push(Measured::new(&peer)?);
        peers.push(peer);
    }
    for is_batch in [false, true] {
        for number in 0..=args.rounds {
            let line = round(args, &peers, &mut report, number, is_batch).await?;
            let of = if is_batch { "batches" } else { "single checks" };
            let name = match number {
                0 => "warm-up".to_owned(),
                _ => format!("round {number} of {}", args.rounds),
            };
            progress(&format!("{of}, {name}: {line}"));
        }
    }
    for (peer, measured) in peers.iter().zip(&mut report.peers) {
        measured.resident_after_load = peer.process.resident()?;
    }
    report.print(args.format)
}

/// Moves this process to a core.
fn stay_on(core: usize, flag: &str) -> anyhow::Result<()> {
    let help = || format!("core {core} is not there: name another with `{flag}`");
    let mut set = CpuSet::new();
    anyhow::ensure!(core < CpuSet::MAX_CPU, help());
    set.set(core);
    sched_setaffinity(None, &set).with_context(help)
}

/// Loads every peer once, each beginning a round in turn, and returns what to tell.
async fn round(
    args: &RunArgs,
    peers: &[Peer],
    report: &mut Report,
    number: u16,
    is_batch: bool,
) -> anyhow::Result<String> {
    let turn = Duration::from_millis(args.turn_ms);
    let connections = if is_batch { args.batch_connections } else { args.connections };
    let mut order: Vec<_> = peers.iter().zip(&mut report.peers).collect();
    let first = usize::from(number) % order.len();
    order.rotate_left(first);
    let mut told = Vec::new();
    for (peer, measured) in order {
        let (requests, rounds) = if is_batch {
            (&peer.batches, &mut measured.batches)
        } else {
            (&peer.singles, &mut measured.singles)
        };
        let done = client::round(&peer.process, requests, connections.into(), turn).await;
        let done: Round = done.with_context(|| format!("the load on {}", peer.kind.name()))?;
        told.push(format!("{} {:.0}/s", peer.kind.name(), done.rate));
        if number > 0 {
            rounds.push(done);
        }
    }
    Ok(told.join(", "))
}

/// Starts a peer on the core of the servers.
async fn start(
    kind: Kind,
    args: &RunArgs,
    workload: &Workload,
    folder: &Path,
) -> anyhow::Result<Peer> {
    let (singles, batches) = kind.requests(workload);
    let first = singles.first().context("nothing to ask")?;
    let core = args.server_core;
    let (version, process) = match kind {
        Kind::PaiAuthz => {
            let version = pai_authz::version(&args.pai_authz)?;
            let spaces = &workload.workspaces;
            (version, pai_authz::start(&args.pai_authz, folder, core, spaces, first).await?)
        }
        Kind::Cerbos => {
            let version = cerbos::version(&args.cerbos)?;
            let batch = args.batch.into();
            (version, cerbos::start(&args.cerbos, folder, core, batch, first).await?)
        }
        Kind::CedarPlain | Kind::CedarSlice | Kind::Casbin => {
            let package = if kind == Kind::Casbin { "casbin" } else { "cedar-policy" };
            let program = std::env::current_exe()?;
            let workspaces = args.workspaces.to_string();
            let arguments = ["serve", kind.name(), "--workspaces", &workspaces];
            let spawn = Spawn {
                name: kind.name(),
                program: &program,
                arguments: arguments.map(str::to_owned).to_vec(),
                environment: Vec::new(),
                core,
                address: None,
                folder,
            };
            (report::locked(package).to_owned(), Process::start(spawn, first).await?)
        }
    };
    Ok(Peer { kind, version, process, singles, batches })
}

#[expect(clippy::print_stderr, reason = "progress and errors; the numbers go to standard output")]
fn progress(line: &str) {
    eprintln!("{line}");
}
