//! One server.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{
    flavour::Flavour,
    power,
    process::{Process, free_port},
};
use crate::support::server::{PATIENCE, until};

/// Settings of a server that is replicated. Replicas show a user of their own to the primary: one with a wrong password is
/// cut off from it, while Sentinels, other nodes and clients, who need none, notice nothing.
pub(super) const NODE: &str = "
repl-diskless-sync-delay 0
user replica on >replica +psync +replconf +ping
masteruser replica
masterauth replica
";

/// Where a server listens beside its Unix socket, which serves [`Redis::cli`] in any case.
#[derive(Clone, Copy)]
pub(super) enum Listen {
    Socket,
    Tcp(u16),
    Tls(u16),
    /// A port for clients and one for the other nodes.
    Cluster(u16, u16),
}

impl Listen {
    fn arguments(self) -> Vec<String> {
        let (port, more) = match self {
            Self::Socket => (0, None),
            Self::Tcp(port) => (port, None),
            Self::Tls(port) => (0, Some(("--tls-port", port))),
            Self::Cluster(port, bus) => (port, Some(("--cluster-port", bus))),
        };
        let mut arguments = vec!["--port".to_owned(), port.to_string()];
        if let Some((name, port)) = more {
            arguments.extend([name.to_owned(), port.to_string()]);
        }
        arguments
    }
}

/// A running server; killed by its own id at the latest when the test is over.
pub(crate) struct Redis {
    process: Process,
    listen: Listen,
}

impl Redis {
    /// Starts one that keeps nothing on disk and listens on a Unix socket alone, with further settings.
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::launch(Flavour::Redis7, |_| Listen::Socket, None, more)
    }

    /// Starts one that keeps nothing on disk and listens on a port, with further settings. Later settings win: with
    /// `--appendonly yes --appendfsync always` it keeps everything.
    pub(crate) fn tcp(more: &[&str]) -> Self {
        Self::of(Flavour::Redis7, more)
    }

    /// Does the same with another server.
    pub(crate) fn of(flavour: Flavour, more: &[&str]) -> Self {
        Self::launch(flavour, Listen::Tcp, None, more)
    }

    /// Starts one that appends every change to a file and syncs it so often, and whose power can be cut.
    pub(crate) fn appending(how: &str) -> Self {
        let more = ["--appendonly", "yes", "--appendfsync", how];
        Self::begin(Flavour::Redis7, Listen::Tcp, None, &more, &power::environment())
    }

    /// Starts one on a free port, of which `listen` makes where it listens. A server with a configuration file
    /// remembers there what Sentinel makes of it, and restarts as that.
    pub(super) fn launch(
        flavour: Flavour,
        listen: fn(u16) -> Listen,
        configuration: Option<&str>,
        more: &[&str],
    ) -> Self {
        Self::begin(flavour, listen, configuration, more, &[])
    }

    fn begin(
        flavour: Flavour,
        listen: fn(u16) -> Listen,
        configuration: Option<&str>,
        more: &[&str],
        environment: &[(&'static str, PathBuf)],
    ) -> Self {
        // Another process can be quicker to take a port, but not forever.
        for _ in 0..10 {
            let listen = listen(free_port());
            let directory = TempDir::new().unwrap();
            let mut arguments = Vec::new();
            if let Some(text) = configuration {
                fs::write(directory.path().join("redis.conf"), text).unwrap();
                arguments.push("redis.conf".to_owned());
            }
            arguments.extend(listen.arguments());
            let fixed = ["--bind", "127.0.0.1", "--unixsocket", "redis.sock"];
            let nothing_kept = ["--save", "", "--appendonly", "no"];
            let rest = fixed.iter().chain(&nothing_kept).chain(more);
            arguments.extend(rest.map(|&argument| argument.to_owned()));
            let process =
                Process::new(flavour.program(), arguments, environment.to_vec(), directory);
            let mut redis = Self { process, listen };
            if redis.comes_up() {
                return redis;
            }
        }
        panic!("no port stays free long enough");
    }

    /// Waits until it answers. Returns whether it does; if not, another process has its port.
    fn comes_up(&mut self) -> bool {
        let mut is_up = false;
        until("redis-server answers", || {
            if self.process.has_ended() {
                let log = self.log();
                assert!(log.contains("Address already in use"), "{log}");
                return true;
            }
            // While it loads its data it answers LOADING. Who wants a password first is up as well.
            let answer = self.try_cli(&["PING"]).unwrap_or_default();
            is_up = answer == "PONG" || answer.starts_with("NOAUTH");
            is_up
        });
        is_up
    }

    /// Returns the URL of its port, or of its socket when it has no port.
    pub(crate) fn url(&self) -> String {
        match self.listen {
            Listen::Socket => format!("redis+unix://{}", self.process.path("redis.sock").display()),
            Listen::Tls(port) => format!("rediss://127.0.0.1:{port}"),
            Listen::Tcp(port) | Listen::Cluster(port, _) => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// Returns its port; it must have one.
    pub(crate) fn port(&self) -> u16 {
        match self.listen {
            Listen::Socket => panic!("this server listens on no port"),
            Listen::Tcp(port) | Listen::Tls(port) | Listen::Cluster(port, _) => port,
        }
    }

    /// Runs a command by the server's own client and returns what it prints, be it an error of the server.
    #[track_caller]
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = self.client().args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Does the same; `None` when the server cannot be reached.
    pub(super) fn try_cli(&self, arguments: &[&str]) -> Option<String> {
        let output = self.client().args(arguments).output().unwrap();
        let text = || String::from_utf8(output.stdout).unwrap().trim().to_owned();
        output.status.success().then(text)
    }

    fn client(&self) -> Command {
        let mut client = Command::new("redis-cli");
        client.arg("-s").arg(self.process.path("redis.sock"));
        client
    }

    /// Waits until so many replicas follow this server, which must be empty still.
    ///
    /// A link that both sides call up need not carry writes yet; only a confirmed write proves that it does.
    #[track_caller]
    pub(super) fn wait_for_replicas(&self, count: usize) {
        // `WAIT` is about the writes of its own connection, so both go over one. FLUSHALL is a write without a key.
        let mut client =
            self.client().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let commands = format!("FLUSHALL\nWAIT {count} {}\n", PATIENCE.as_millis());
        client.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        let output = client.wait_with_output().unwrap();
        let answers = String::from_utf8(output.stdout).unwrap();
        assert_eq!(answers, format!("OK\n{count}\n"), "{}", self.log());
    }

    /// Cuts a replica off from its primary until [`Self::allow_replication`]: it gets none of the writes that follow, but
    /// answers, and can be promoted.
    pub(super) fn cut_replication(&self) {
        assert_eq!(self.cli(&["CONFIG", "SET", "masterauth", "wrong"]), "OK");
        self.cli(&["CLIENT", "KILL", "TYPE", "master"]);
        until("the replica is cut off", || {
            self.cli(&["INFO", "replication"]).contains("master_link_status:down")
        });
    }

    pub(super) fn allow_replication(&self) {
        assert_eq!(self.cli(&["CONFIG", "SET", "masterauth", "replica"]), "OK");
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Kills it, and leaves of its append-only file what was synced. It must be one that is [`Self::appending`].
    pub(crate) fn cut_power(&mut self) {
        self.process.kill();
        power::cut(&self.process.path("."));
    }

    /// Returns the folder with its append-only file.
    pub(crate) fn append_only_folder(&self) -> PathBuf {
        self.process.path("appendonlydir")
    }

    /// Starts it again as it was started, in the same folder and on the same port, and waits until it answers. One
    /// that still runs is killed first.
    pub(crate) fn restart(&mut self) {
        self.process.kill();
        until("redis-server has its port again", || {
            self.process.begin();
            self.comes_up()
        });
    }

    /// Returns whether it was not killed.
    pub(super) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Stops the process where it is: connections stay open and nothing is answered, not even to [`Self::cli`].
    pub(crate) fn stop_process(&self) {
        self.process.stop();
    }

    /// Lets a stopped process go on.
    pub(crate) fn continue_process(&self) {
        self.process.go_on();
    }

    /// Returns everything it has logged, over all its starts.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
