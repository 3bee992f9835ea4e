//! A server process with a folder of its own, and the ports it may have.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use tempfile::TempDir;

use crate::support::server::{signal, until};

/// A process that can end and begin again; killed by its own id at the latest when the test is over.
pub(super) struct Process {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
    directory: TempDir,
    /// `None` after it was killed.
    child: Option<Child>,
}

impl Process {
    /// Begins one in `directory`, where it also writes `log`; `environment` is added to that of the test.
    pub(super) fn new(
        program: PathBuf,
        arguments: Vec<String>,
        environment: Vec<(&'static str, PathBuf)>,
        directory: TempDir,
    ) -> Self {
        let mut process = Self { program, arguments, environment, directory, child: None };
        process.begin();
        process
    }

    /// Begins it again as it was begun first. The log goes on.
    pub(super) fn begin(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; `make test` installs it", self.program.display())
            });
        self.child = Some(child);
    }

    /// Kills it, as a crash would; does nothing when it is dead already.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Returns whether it was not killed.
    pub(super) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Returns whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some())
    }

    /// Stops it where it is, as a long pause of its machine would. Returns when it has stopped.
    pub(super) fn stop(&self) {
        signal(self.id(), "STOP");
        let status = format!("/proc/{}/status", self.id());
        until("the process stops", || fs::read_to_string(&status).unwrap().contains("State:\tT"));
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) {
        signal(self.id(), "CONT");
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns everything it has said so far.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("log")).unwrap()).into_owned()
    }

    fn id(&self) -> u32 {
        self.child.as_ref().expect("the process runs").id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Returns a port that nobody listens on and that no other test of this run was given.
///
/// It is free, not reserved: a server that is about to listen there can still find it taken, and a server that was
/// killed can find it so when it returns. That is rare, for Linux gives odd ports to those who listen and even ones
/// to those who connect.
pub(super) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// Runs a program to its end in `directory`; it must succeed.
#[track_caller]
pub(super) fn must(program: &str, arguments: &[&str], directory: &Path) {
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}
