//! A server process: pinned to one core, ready when it answers, ended by its id when it is dropped.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::Connection;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a server may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// In which the kernel counts the time of a process, a second (`USER_HZ`, proc(5)).
const TICKS: f64 = 100.0;
const STEP: Duration = Duration::from_millis(2);

/// What is started.
#[derive(Debug)]
pub(crate) struct Spawn<'s> {
    /// Its name in messages and in the name of its log.
    pub(crate) name: &'s str,
    /// The program.
    pub(crate) program: &'s Path,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Variables beside the environment of this process.
    pub(crate) environment: Vec<(&'s str, &'s str)>,
    /// The core it may use.
    pub(crate) core: usize,
    /// Where it listens; `None` for a server that says so itself, with `http://<address>`.
    pub(crate) address: Option<SocketAddr>,
    /// Where its log goes.
    pub(crate) folder: &'s Path,
}

/// A server process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until its first answer.
    pub(crate) start: Duration,
    child: Child,
}

impl Process {
    /// Starts a server and waits until it answers `request`.
    ///
    /// # Errors
    /// What is missing for it, or the end of its log when it ends or does not answer.
    pub(crate) async fn start(spawn: Spawn<'_>, request: &[u8]) -> anyhow::Result<Self> {
        let log = spawn.folder.join(format!("{}.log", spawn.name));
        let file = File::create(&log)?;
        let mut command = Command::new("setpriv");
        // Both replace themselves by what they start: the id of the child is that of the server, and it does not
        // survive this process.
        command.args(["--pdeathsig", "TERM", "taskset", "-c", &spawn.core.to_string()]);
        command.arg(spawn.program).args(&spawn.arguments).envs(spawn.environment.iter().copied());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                anyhow::anyhow!("`setpriv` is not there: install util-linux")
            }
            _ => error.into(),
        })?;
        // From here on the child is ended whatever happens.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = spawn.address.unwrap_or(unknown);
        let mut process = Self { address, start: Duration::ZERO, child };
        loop {
            if let Some(status) = process.child.try_wait()? {
                let text = tail(&log);
                let taken = text.contains("ddress already in use");
                let help = if taken { "; another process took its port: run it again" } else { "" };
                bail!("{} ended ({status}){help}; it said:\n{text}", spawn.name);
            }
            if spawn.address.is_none() && process.address == unknown {
                process.address = announced(&log).unwrap_or(unknown);
            }
            if process.address != unknown && answers(process.address, request, &spawn).await? {
                process.start = started.elapsed();
                return Ok(process);
            }
            if started.elapsed() > PATIENCE {
                bail!("{} did not answer for 60 s; it said:\n{}", spawn.name, tail(&log));
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Returns the seconds its core has worked for it, all threads and the kernel included.
    ///
    /// # Errors
    /// The process has ended.
    pub(crate) fn busy(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold anything; what is counted stands behind it.
        let (_, rest) = stat.rsplit_once(')').context("a process without a name")?;
        let mut fields = rest.split_whitespace().skip(11);
        let mut ticks = || -> anyhow::Result<f64> {
            Ok(fields.next().context("a process without times")?.parse()?)
        };
        let (user, kernel) = (ticks()?, ticks()?);
        Ok((user + kernel) / TICKS)
    }

    /// Returns the resident memory, in bytes.
    ///
    /// # Errors
    /// The process has ended.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = number.context("a process without VmRSS: it has ended")?.parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // INVARIANT: the child was not waited for, or has ended: the id is nobody else's.
        if let (Some(pid), Ok(None)) = (pid, self.child.try_wait()) {
            // A failure means that it has ended.
            let _ = kill_process(pid, Signal::TERM);
            let asked = Instant::now();
            while asked.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(STEP);
            }
            // Fails where the process has ended meanwhile, and then there is nothing to wait for either.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Returns whether the server answers yet; a wrong answer is an error.
async fn answers(address: SocketAddr, request: &[u8], spawn: &Spawn<'_>) -> anyhow::Result<bool> {
    let Ok(mut connection) = Connection::open(address).await else { return Ok(false) };
    let answer = connection.body(request).await;
    answer.map(|_| true).with_context(|| format!("the first request to {}", spawn.name))
}

/// Returns where a server says it listens.
fn announced(log: &Path) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once("serves on http://")?;
    let (address, _) = rest.split_once([' ', ',', '\n'])?;
    address.parse().ok()
}

/// Returns the last lines of a log.
fn tail(log: &PathBuf) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
}
