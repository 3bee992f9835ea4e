//! The real binary: commands run to their end, and servers on free ports.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    signed::Key,
    wire::{Answer, Connection, Request},
};

/// How long anything may take before a test calls it a hang; a busy machine needs a small part of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The token of development mode.
pub(crate) const DEV_TOKEN: &str = "dev-token";

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Returns standard output as JSON; it must be one value and the command must have succeeded.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Returns the command, in an environment of its own.
pub(crate) fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pai-authz"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Done {
    finish(&mut command(arguments))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a production store, its master key, and what `init` printed for each account.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the path as text, for arguments.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn store(&self) -> String {
        format!("redb:{}", self.text("store.redb"))
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), text).unwrap();
        self.text(name)
    }

    /// Makes an account in the store of this place and returns its first token.
    pub(crate) fn init(&self, account: &str) -> String {
        let done = self.stopped(&["--format", "json", "init", "--account", account]);
        done.json()["token"].as_str().unwrap().to_owned()
    }

    /// Makes an account in the store of this place and returns its first access key.
    pub(crate) fn init_key(&self, account: &str) -> Key {
        let made = self.stopped(&["--format", "json", "init", "--account", account]).json();
        let text = |name: &str| made[name].as_str().unwrap();
        Key::new(text("accessKeyId"), text("accessKeySecret"))
    }

    /// Runs a command on the stopped store.
    pub(crate) fn stopped(&self, arguments: &[&str]) -> Done {
        let (store, key) = (self.store(), self.text("master.key"));
        let place = ["--store", &store, "--master-key-file", &key];
        run(arguments.iter().copied().chain(place))
    }

    /// Imports a file into the stopped store.
    #[track_caller]
    pub(crate) fn import(&self, account: &str, content: &Value) {
        let file = self.write("import.json", content.to_string());
        let done = self.stopped(&["import", &file, "--account", account]);
        assert_eq!(done.code, 0, "{done:?}");
    }

    /// Serves the store of this place.
    pub(crate) fn serve(&self, more: &[&str]) -> Server {
        let (store, key) = (self.store(), self.text("master.key"));
        let place = ["--store", &store, "--master-key-file", &key];
        Server::start(place.into_iter().chain(more.iter().copied()))
    }
}

/// A running server; killed by its own id at the latest when the test is over.
pub(crate) struct Server {
    child: Child,
    log: TempDir,
    pub(crate) api: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) said: String,
}

impl Server {
    /// Starts one in development mode, on a store in memory, with the demonstration in it.
    pub(crate) fn demo(more: &[&str]) -> Self {
        let place = ["--dev", "--demo", "--store", "memory:"];
        Self::start(place.into_iter().chain(more.iter().copied()))
    }

    /// Starts `serve` and returns when it has told where it listens.
    pub(crate) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let free = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
        Self::spawn(&mut command(free.into_iter().chain(arguments)))
    }

    /// Starts a prepared `serve`.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let log = TempDir::new().unwrap();
        let err = File::create(log.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(err).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        // Reads to the end: a server must never block on a full pipe.
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                drop(tell.send(line));
            }
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, log, api: unknown, ops: unknown, said: String::new() };
        let line = told
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("no announcement: {error}: {}", server.log()));
        server.api = address(&line, "serves on ");
        server.ops = address(&line, "health on ");
        server.said = line;
        server
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns everything logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.log.path().join("log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::tcp(self.api)
    }

    /// Sends one request on a connection of its own.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request<'_>) -> Answer {
        self.connect().ask(request)
    }

    /// Asks with the development token.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send(&Request::post(path, body.as_ref()))
    }

    /// Asks for one decision; the answer must be one.
    #[track_caller]
    pub(crate) fn decide(&self, token: &str, question: &Value) -> Value {
        let body = question.to_string();
        let request = Request::post("/v1/is-authorized", body.as_bytes()).token(token);
        let answer = self.send(&request);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Asks the listener for health.
    #[track_caller]
    pub(crate) fn health(&self, path: &str) -> Answer {
        Connection::tcp(self.ops).ask(&Request::get(path))
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        signal(self.child.id(), "TERM");
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the server ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// Stops as an operator does, and returns the log. The exit must be clean.
    #[track_caller]
    pub(crate) fn stop(mut self) -> String {
        self.terminate();
        let status = self.wait();
        let log = self.log();
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }

    /// Returns the resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn address(line: &str, mark: &str) -> SocketAddr {
    let (_, rest) = line.split_once(mark).unwrap_or_else(|| panic!("`{line}` has no `{mark}`"));
    let (_, rest) = rest.split_once("://").unwrap();
    rest.split([',', ' ']).next().unwrap().parse().unwrap()
}

/// Sends a signal to one process, by its id.
pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits until something is so.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the deadline that makes a hang a failure")]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
