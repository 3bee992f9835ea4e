//! Where a store is, as `--store` names it.

use std::{path::PathBuf, str::FromStr};

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A file of the embedded store.
    Redb(PathBuf),
    /// The embedded store without a file: everything is gone when the process ends.
    Memory,
}

impl FromStr for StoreAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Redb(PathBuf::from(path))),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("redis" | "rediss" | "redis+sentinel" | "redis+cluster", _)) => Err(
                "Redis stores come with a later version; this one has `redb:PATH` and `memory:`"
                    .to_owned(),
            ),
            _ => Err("give `redb:PATH` or `memory:`".to_owned()),
        }
    }
}

impl std::fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "redb:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}
