//! `pai-authz bench floor`: the same HTTP server and readers with an answer that is always the same, to measure beside.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::output,
    http::{self, Constant},
};

/// What an answer looks like when none is given.
const SINGLE: &str = r#"{"decision":"Allow","reason":"explicit_allow","determiningPolicies":["PAI.AlgoDeveloper/DLC.write.own-private"],"errors":[],"revision":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;

/// How many questions the batch has that an answer is made for.
const BATCH: usize = 100;

/// What `bench floor` takes.
#[derive(Debug, clap::Args)]
pub(super) struct FloorArgs {
    /// Address to listen on; loopback only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Unix socket to listen on as well.
    #[arg(long, value_name = "PATH")]
    uds: Option<PathBuf>,
    /// Worker threads: as many as the service has that it is compared with [default: one per core, as `serve`].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// File with the answer to a single request [default: one of usual length].
    #[arg(long, value_name = "FILE")]
    single: Option<PathBuf>,
    /// File with the answer to a batch [default: as many of single requests as make a batch of 100].
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// When it cannot listen, or a file cannot be read.
pub(super) async fn run(args: &FloorArgs) -> anyhow::Result<u8> {
    if !args.listen.ip().is_loopback() {
        anyhow::bail!("`--listen`: `{}` is not a loopback address", args.listen);
    }
    let read = |flag: &str, path: &Option<PathBuf>| match path {
        None => Ok(None),
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("`{flag}`: `{}`", path.display()))
            .map(Some),
    };
    let single = read("--single", &args.single)?.unwrap_or_else(|| SINGLE.to_owned());
    let batch = read("--batch", &args.batch)?.unwrap_or_else(|| {
        let results = vec![single.as_str(); BATCH].join(",");
        format!("{{\"results\":[{results}]}}")
    });
    let tcp = TcpListener::bind(args.listen)
        .with_context(|| format!("cannot listen on `{}`", args.listen))?;
    tcp.set_nonblocking(true)?;
    let address = tcp.local_addr()?;
    let uds = match &args.uds {
        None => None,
        Some(path) => {
            let bound = http::uds(path, 0o600);
            Some(bound.with_context(|| format!("cannot listen on `{}`", path.display()))?)
        }
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let constant = Constant { single, batch };
    let workers = match args.workers {
        Some(workers) => workers.into(),
        None => std::thread::available_parallelism().context("give `--workers`")?.get(),
    };
    let (handle, running) = http::floor(tcp, uds, workers, constant)?;
    let socket =
        args.uds.as_ref().map_or_else(String::new, |it| format!(" and `{}`", it.display()));
    output::line(format_args!(
        "the floor answers on http://{address}{socket}, always the same, with {workers} workers"
    ))?;
    tokio::select! {
        ended = running => ended??,
        _ = interrupt.recv() => handle.stop(true).await,
        _ = terminate.recv() => handle.stop(true).await,
    }
    if let Some(path) = &args.uds {
        std::fs::remove_file(path).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(0)
}
