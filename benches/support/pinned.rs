//! Server processes on one core, and this one on another.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A server that runs; it ends with this.
pub(crate) struct Pinned {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Pinned {
    /// Starts a server that says where it listens, and waits until it does.
    pub(crate) fn start(program: &str, arguments: &[&str], core: usize) -> Self {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "taskset", "-c", &core.to_string(), program])
            .args(arguments)
            .env("PAI_AUTHZ_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("setpriv and taskset, of util-linux");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split([' ', ',', '\n']).find(|word| word.starts_with("http://"));
        Self { child, url: url.expect("a server that says where it listens").to_owned() }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Pins this process, all threads of it, to a core.
pub(crate) fn pin_this_to(core: usize) {
    let done = Command::new("taskset")
        .args(["-a", "-cp", &core.to_string(), &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(done.is_ok_and(|status| status.success()), "taskset, of util-linux");
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run_to_end(program: &str, arguments: &[&str], more: &[&str]) -> String {
    let done = Command::new(program).args(arguments).args(more).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
