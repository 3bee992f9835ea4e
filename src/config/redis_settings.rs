//! How to get into Redis: flags, variables and the table `[redis]` of the settings file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How to get into Redis; what is `None` was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RedisSettings {
    /// File with the password of the Redis user; a line break at its end does not count.
    #[arg(
        id = "redis-password-file",
        long = "redis-password-file",
        env = "PAI_AUTHZ_REDIS_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub password_file: Option<PathBuf>,
    /// ACL user at the sentinels.
    #[arg(
        id = "redis-sentinel-user",
        long = "redis-sentinel-user",
        env = "PAI_AUTHZ_REDIS_SENTINEL_USER",
        value_name = "USER"
    )]
    pub sentinel_user: Option<String>,
    /// File with the password at the sentinels.
    #[arg(
        id = "redis-sentinel-password-file",
        long = "redis-sentinel-password-file",
        env = "PAI_AUTHZ_REDIS_SENTINEL_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub sentinel_password_file: Option<PathBuf>,
    /// Certificates of the authorities to believe, PEM; for `rediss` [default: those this machine believes].
    #[arg(id = "redis-ca", long = "redis-ca", env = "PAI_AUTHZ_REDIS_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Certificate by which Redis knows this service, PEM; for `rediss`.
    #[arg(
        id = "redis-cert",
        long = "redis-cert",
        env = "PAI_AUTHZ_REDIS_CERT",
        value_name = "FILE"
    )]
    pub cert: Option<PathBuf>,
    /// Private key of that certificate, PEM.
    #[arg(id = "redis-key", long = "redis-key", env = "PAI_AUTHZ_REDIS_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// How many replicas of Redis must have a change before it is acknowledged [default: 0].
    #[arg(
        id = "write-quorum",
        long = "write-quorum",
        env = "PAI_AUTHZ_WRITE_QUORUM",
        value_name = "N"
    )]
    pub write_quorum: Option<u32>,
    /// How long a change waits for them, in milliseconds [default: 1000].
    #[arg(
        id = "write-quorum-timeout-ms",
        long = "write-quorum-timeout-ms",
        env = "PAI_AUTHZ_WRITE_QUORUM_TIMEOUT_MS",
        value_name = "MS"
    )]
    pub write_quorum_timeout_ms: Option<u64>,
    /// The password itself: by the variable `PAI_AUTHZ_REDIS_PASSWORD` only, where other users cannot see it.
    #[arg(skip)]
    #[serde(skip)]
    pub password: Option<String>,
    /// The same at the sentinels, by `PAI_AUTHZ_REDIS_SENTINEL_PASSWORD`.
    #[arg(skip)]
    #[serde(skip)]
    pub sentinel_password: Option<String>,
}

impl RedisSettings {
    /// Returns these settings, and those of `below` where these have none.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            password_file: self.password_file.or(below.password_file),
            sentinel_user: self.sentinel_user.or(below.sentinel_user),
            sentinel_password_file: self.sentinel_password_file.or(below.sentinel_password_file),
            ca: self.ca.or(below.ca),
            cert: self.cert.or(below.cert),
            key: self.key.or(below.key),
            write_quorum: self.write_quorum.or(below.write_quorum),
            write_quorum_timeout_ms: self.write_quorum_timeout_ms.or(below.write_quorum_timeout_ms),
            password: self.password.or(below.password),
            sentinel_password: self.sentinel_password.or(below.sentinel_password),
        }
    }

    /// Returns these settings with the passwords of the environment where no file was named.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "settings are read once, here")]
    pub fn with_environment(mut self) -> Self {
        let read = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        if self.password_file.is_none() {
            self.password = read("PAI_AUTHZ_REDIS_PASSWORD");
        }
        if self.sentinel_password_file.is_none() {
            self.sentinel_password = read("PAI_AUTHZ_REDIS_SENTINEL_PASSWORD");
        }
        self
    }
}
