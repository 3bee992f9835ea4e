//! Where Redis is, and how to get in.

use std::{fmt, time::Duration};

/// How the servers stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server, at host and port.
    Single(String, u16),
    /// One server on this machine, at the path of its socket.
    Socket(std::path::PathBuf),
    /// Sentinels at these hosts and ports, that know which server is the primary of that name.
    Sentinel(Vec<(String, u16)>, String),
    /// A cluster, some of whose nodes are at these hosts and ports.
    Cluster(Vec<(String, u16)>),
}

/// Certificates and key, PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RedisTls {
    /// Whom to believe; `None` for the authorities this machine believes.
    pub ca: Option<Vec<u8>>,
    /// Certificate and key by which the server knows this service.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisTls(…)")
    }
}

/// A user and its password; `Debug` does not print it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RedisUser {
    /// The ACL user; `None` for the default one.
    pub name: Option<String>,
    /// Its password; `None` when it has none.
    pub password: Option<String>,
}

impl fmt::Debug for RedisUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUser({:?}, …)", self.name)
    }
}

/// Where Redis is, how to get in, and what an acknowledged change must have outlived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// How the servers stand together.
    pub topology: RedisTopology,
    /// Number of the database; a cluster has only 0.
    pub database: u32,
    /// As whom.
    pub user: RedisUser,
    /// As whom to ask the sentinels.
    pub sentinel_user: RedisUser,
    /// Encryption; `None` for none.
    pub tls: Option<RedisTls>,
    /// How many replicas must have a change before it is acknowledged, and how long that may take.
    pub quorum: Option<(u32, Duration)>,
}

impl RedisOptions {
    /// Returns the options of servers without password, encryption and quorum.
    #[must_use]
    pub fn new(topology: RedisTopology) -> Self {
        Self {
            topology,
            database: 0,
            user: RedisUser::default(),
            sentinel_user: RedisUser::default(),
            tls: None,
            quorum: None,
        }
    }
}
