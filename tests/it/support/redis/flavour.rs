//! Which server: the versions that must work.

use std::path::{Path, PathBuf};

/// A server program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flavour {
    /// Redis 6.2, the oldest that must work.
    Redis6,
    /// The `redis-server` on `PATH`, 7.0 or newer; what every other fixture runs.
    Redis7,
    /// Valkey 8.
    Valkey8,
}

impl Flavour {
    /// Returns the program. What is not on `PATH` was put into `target/redis` by `scripts/redis-versions`.
    pub(super) fn program(self) -> PathBuf {
        let other = match self {
            Self::Redis7 => return PathBuf::from("redis-server"),
            Self::Redis6 => "target/redis/6.2/redis-server",
            Self::Valkey8 => "target/redis/valkey/valkey-server",
        };
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(other);
        assert!(program.exists(), "`{other}` is made by scripts/redis-versions");
        program
    }
}
