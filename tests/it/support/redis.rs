//! A real `redis-server` of a test's own, on a Unix socket in a folder of its own.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::server::until;

/// A running server; killed by its own id when the test is over.
pub(crate) struct Redis {
    child: Child,
    directory: TempDir,
}

impl Redis {
    /// Starts one that keeps nothing on disk, with further settings.
    pub(crate) fn start(more: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock"])
            .args(more)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`redis-server` is installed by `make test`");
        let redis = Self { child, directory };
        until("redis-server listens", || {
            std::os::unix::net::UnixStream::connect(redis.socket()).is_ok()
        });
        redis
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Runs a command by the server's own client and returns what it prints.
    #[track_caller]
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(self.socket())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
