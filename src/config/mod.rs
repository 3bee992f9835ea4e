//! Every setting of `serve`, parsed once: defaults, then the TOML file, then variables, then flags.
//!
//! A flag `--body-limit` has the variable `PAI_AUTHZ_BODY_LIMIT` and the key `body-limit`; an unknown key is an
//! error, for a misspelled limit must not silently be no limit.

mod bundles;
mod redis_settings;
mod store_address;
mod words;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use redis_settings::RedisSettings;
pub use store_address::{RedisAddress, RedisServers, StoreAddress};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// The settings as a caller gave them; what is `None` was not given.
#[derive(Debug, Clone, Default, Deserialize, Serialize, clap::Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Store: `redb:PATH`, `memory:`, `redis://HOST:PORT/DB`, `rediss://…`, `redis+sentinel://HOST:PORT,…/NAME` or
    /// `redis+cluster://HOST:PORT,…` [default: redb:./data/pai-authz.redb].
    #[arg(long, env = "PAI_AUTHZ_STORE", value_name = "STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// How to get into Redis.
    #[command(flatten)]
    pub redis: RedisSettings,
    /// Address of the API [default: 127.0.0.1:8080].
    #[arg(long, env = "PAI_AUTHZ_LISTEN", value_name = "ADDRESS", value_parser = socket_address)]
    pub listen: Option<SocketAddr>,
    /// Address of `/livez`, `/readyz` and `/metrics` [default: 127.0.0.1:9090].
    #[arg(long, env = "PAI_AUTHZ_OPS_LISTEN", value_name = "ADDRESS", value_parser = socket_address)]
    pub ops_listen: Option<SocketAddr>,
    /// Allow a listener beyond loopback without TLS.
    #[arg(long, env = "PAI_AUTHZ_INSECURE_LISTEN", num_args = 0..=1, default_missing_value = "true")]
    pub insecure_listen: Option<bool>,
    /// Certificate chain of the API, PEM.
    #[arg(long, env = "PAI_AUTHZ_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of that certificate, PEM.
    #[arg(long, env = "PAI_AUTHZ_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Unix socket of the API.
    #[arg(long, env = "PAI_AUTHZ_UDS", value_name = "PATH")]
    pub uds: Option<PathBuf>,
    /// Mode of the Unix socket, octal [default: 0600].
    #[arg(long, env = "PAI_AUTHZ_UDS_MODE", value_name = "MODE")]
    pub uds_mode: Option<String>,
    /// Account of callers on the Unix socket that send no token; they may ask for decisions.
    #[arg(long, env = "PAI_AUTHZ_UDS_ACCOUNT", value_name = "ACCOUNT")]
    pub uds_account: Option<String>,
    /// Master key, 32 bytes, readable by its owner only; `pai-authz init` makes it.
    #[arg(long, env = "PAI_AUTHZ_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
    /// The master key before a rotation: what was made under it is still accepted.
    #[arg(long, env = "PAI_AUTHZ_PREVIOUS_MASTER_KEY_FILE", value_name = "FILE")]
    pub previous_master_key_file: Option<PathBuf>,
    /// Region of the PAI resources that are decided about [default: cn-hangzhou].
    #[arg(long, env = "PAI_AUTHZ_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// Development mode: well-known account, access key and token; a marked store; loopback only.
    #[arg(long, env = "PAI_AUTHZ_DEV", num_args = 0..=1, default_missing_value = "true")]
    pub dev: Option<bool>,
    /// With `--dev`: fill a store that has no workspaces with the demonstration.
    #[arg(long, env = "PAI_AUTHZ_DEMO", num_args = 0..=1, default_missing_value = "true")]
    pub demo: Option<bool>,
    /// Worker threads [default: one per core].
    #[arg(long, env = "PAI_AUTHZ_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
    /// Longest body of a single request, in bytes [default: 262144].
    #[arg(long, env = "PAI_AUTHZ_BODY_LIMIT", value_name = "BYTES")]
    pub body_limit: Option<usize>,
    /// Longest body of a batch, in bytes [default: 1048576].
    #[arg(long, env = "PAI_AUTHZ_BATCH_BODY_LIMIT", value_name = "BYTES")]
    pub batch_body_limit: Option<usize>,
    /// Time for the head of a request to arrive, in milliseconds [default: 5000].
    #[arg(long, env = "PAI_AUTHZ_HEAD_TIMEOUT_MS", value_name = "MS")]
    pub head_timeout_ms: Option<u64>,
    /// Time for the body of a request to arrive, in milliseconds [default: 5000].
    #[arg(long, env = "PAI_AUTHZ_BODY_TIMEOUT_MS", value_name = "MS")]
    pub body_timeout_ms: Option<u64>,
    /// Time an idle connection is kept, in milliseconds [default: 75000].
    #[arg(long, env = "PAI_AUTHZ_KEEP_ALIVE_MS", value_name = "MS")]
    pub keep_alive_ms: Option<u64>,
    /// Most connections of a worker at a time [default: 25000].
    #[arg(long, env = "PAI_AUTHZ_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// Time for requests in flight to finish when the service stops, in milliseconds [default: 10000].
    #[arg(long, env = "PAI_AUTHZ_SHUTDOWN_TIMEOUT_MS", value_name = "MS")]
    pub shutdown_timeout_ms: Option<u64>,
    /// Judge one of so many decisions anew by Cedar alone, off the path of requests; `/metrics` tells of any that differs
    /// [default: 0, none].
    #[arg(long, env = "PAI_AUTHZ_VERIFY_FAST_PATH", value_name = "N")]
    pub verify_fast_path: Option<u32>,
    /// How long a request waits for the revision it demands, in milliseconds [default: 200].
    #[arg(long, env = "PAI_AUTHZ_FRESHNESS_WAIT_MS", value_name = "MS")]
    pub freshness_wait_ms: Option<u64>,
    /// How long after Redis was last asked decisions are made, in milliseconds [default: 5000].
    #[arg(long, env = "PAI_AUTHZ_MAX_STALENESS_MS", value_name = "MS")]
    pub max_staleness_ms: Option<u64>,
    /// Memory for accounts of Redis, in MiB; those asked for the longest time ago leave it [default: 4096].
    #[arg(long, env = "PAI_AUTHZ_ACCOUNT_MEMORY_MIB", value_name = "MIB")]
    pub account_memory_mib: Option<usize>,
    /// Most custom roles of a workspace [default: 100].
    #[arg(long, env = "PAI_AUTHZ_MAX_ROLES", value_name = "N")]
    pub max_roles: Option<usize>,
    /// Most members of a workspace [default: 100000].
    #[arg(long, env = "PAI_AUTHZ_MAX_MEMBERS", value_name = "N")]
    pub max_members: Option<usize>,
    /// A policy bundle to serve, by its name and directory; repeat for several.
    #[arg(long, env = "PAI_AUTHZ_BUNDLE", value_name = "NAME=DIR", value_delimiter = ',')]
    pub bundle: Option<Vec<String>>,
    /// Address by which callers reach the service, as `https://pdp.example.com`: `/.well-known/authzen-configuration` tells it
    /// [default: with `--dev` that of the listener].
    #[arg(long, env = "PAI_AUTHZ_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// What is logged, as `info` or `pai_authz=debug` [default: info,actix_server=warn,actix_http::h1::dispatcher=off].
    #[arg(long, env = "PAI_AUTHZ_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look [default: auto].
    #[arg(long, env = "PAI_AUTHZ_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// What is logged unless something else is said. The HTTP library calls a head it cannot read an error; it is the
/// client's, it was answered, and whoever sends such heads would fill the log.
const DEFAULT_LOG: &str = "info,actix_server=warn,actix_http::h1::dispatcher=off";

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the store is.
    pub store: StoreAddress,
    /// How to get into Redis.
    pub redis: RedisSettings,
    /// Address of the API.
    pub listen: SocketAddr,
    /// Address of health.
    pub ops_listen: SocketAddr,
    /// Whether listeners beyond loopback may go without TLS.
    pub insecure_listen: bool,
    /// Certificate chain and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Unix socket and its mode.
    pub uds: Option<(PathBuf, u32)>,
    /// Account of token-less callers on the socket.
    pub uds_account: Option<String>,
    /// Master key file.
    pub master_key_file: Option<PathBuf>,
    /// Master key file before a rotation.
    pub previous_master_key_file: Option<PathBuf>,
    /// Region.
    pub region: String,
    /// Development mode.
    pub dev: bool,
    /// Seed the demonstration.
    pub demo: bool,
    /// Worker threads.
    pub workers: usize,
    /// Longest body.
    pub body_limit: usize,
    /// Longest body of a batch.
    pub batch_body_limit: usize,
    /// Time for a head.
    pub head_timeout: Duration,
    /// Time for a body.
    pub body_timeout: Duration,
    /// Time an idle connection is kept.
    pub keep_alive: Duration,
    /// Most connections of a worker.
    pub max_connections: usize,
    /// Time to finish.
    pub shutdown_timeout: Duration,
    /// One of how many decisions is judged anew by Cedar alone; 0 for none.
    pub verify_fast_path: u32,
    /// Time to wait for a revision.
    pub freshness_wait: Duration,
    /// How long after Redis was last asked decisions are made.
    pub max_staleness: Duration,
    /// Memory for accounts of Redis, in MiB.
    pub account_memory_mib: usize,
    /// Most custom roles of a workspace.
    pub max_roles: usize,
    /// Most members of a workspace.
    pub max_members: usize,
    /// Policy bundles: names and directories.
    pub bundles: Vec<(String, PathBuf)>,
    /// Address by which callers reach the service.
    pub public_url: Option<String>,
    /// Log filter.
    pub log: String,
    /// Log format.
    pub log_format: LogFormat,
}

/// A setting that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(String);

/// Reads where to listen; says what it looks like where it is not that.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "give an address and a port, as `127.0.0.1:8080`".to_owned())
}

impl Settings {
    /// Reads the TOML file at `path`.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn read(path: &Path) -> Result<Self, Misconfigured> {
        let wrong =
            |error: &dyn std::fmt::Display| Misconfigured(format!("`{}`: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        toml::from_str(&text).map_err(|error| wrong(&words::told(&error.to_string())))
    }

    /// Returns these settings, and those of `below` where these have none.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            store: self.store.or(below.store),
            redis: self.redis.over(below.redis),
            listen: self.listen.or(below.listen),
            ops_listen: self.ops_listen.or(below.ops_listen),
            insecure_listen: self.insecure_listen.or(below.insecure_listen),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            uds: self.uds.or(below.uds),
            uds_mode: self.uds_mode.or(below.uds_mode),
            uds_account: self.uds_account.or(below.uds_account),
            master_key_file: self.master_key_file.or(below.master_key_file),
            previous_master_key_file: self
                .previous_master_key_file
                .or(below.previous_master_key_file),
            region: self.region.or(below.region),
            dev: self.dev.or(below.dev),
            demo: self.demo.or(below.demo),
            workers: self.workers.or(below.workers),
            body_limit: self.body_limit.or(below.body_limit),
            batch_body_limit: self.batch_body_limit.or(below.batch_body_limit),
            head_timeout_ms: self.head_timeout_ms.or(below.head_timeout_ms),
            body_timeout_ms: self.body_timeout_ms.or(below.body_timeout_ms),
            keep_alive_ms: self.keep_alive_ms.or(below.keep_alive_ms),
            max_connections: self.max_connections.or(below.max_connections),
            shutdown_timeout_ms: self.shutdown_timeout_ms.or(below.shutdown_timeout_ms),
            verify_fast_path: self.verify_fast_path.or(below.verify_fast_path),
            freshness_wait_ms: self.freshness_wait_ms.or(below.freshness_wait_ms),
            max_staleness_ms: self.max_staleness_ms.or(below.max_staleness_ms),
            account_memory_mib: self.account_memory_mib.or(below.account_memory_mib),
            max_roles: self.max_roles.or(below.max_roles),
            max_members: self.max_members.or(below.max_members),
            bundle: self.bundle.or(below.bundle),
            public_url: self.public_url.or(below.public_url),
            log: self.log.or(below.log),
            log_format: self.log_format.or(below.log_format),
        }
    }

    /// Returns the settings in force, defaults included.
    ///
    /// # Errors
    /// The setting that is wrong, or that goes with another one only.
    pub fn into_config(self) -> Result<Config, Misconfigured> {
        let wrong = |text: String| Err(Misconfigured(text));
        let dev = self.dev.unwrap_or(false);
        let store = self.store.as_deref().unwrap_or("redb:./data/pai-authz.redb");
        let store = match store.parse::<StoreAddress>() {
            Ok(address) => address,
            Err(help) => {
                let shown = store_address::redacted(store);
                return wrong(format!("`store`: `{shown}` is not a store: {help}"));
            }
        };
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return wrong(
                    "`tls-cert` and `tls-key` go together: give both or neither".to_owned(),
                );
            }
        };
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let ops_listen =
            self.ops_listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9090)));
        let insecure = self.insecure_listen.unwrap_or(false);
        for (name, address, encrypted) in
            [("listen", listen, tls.is_some()), ("ops-listen", ops_listen, false)]
        {
            if address.ip().is_loopback() {
                continue;
            }
            if dev {
                return wrong(format!(
                    "`{name}`: `{address}` is not loopback: development credentials are well known"
                ));
            }
            if !encrypted && !insecure {
                return wrong(format!(
                    "`{name}`: `{address}` is beyond loopback without TLS: give `tls-cert` and `tls-key`, or accept it with `insecure-listen`"
                ));
            }
        }
        let uds_mode = self.uds_mode.as_deref().unwrap_or("0600");
        let mode = match u32::from_str_radix(uds_mode.trim_start_matches("0o"), 8) {
            Ok(mode) if mode <= 0o777 => mode,
            _ => {
                return wrong(format!(
                    "`uds-mode`: `{uds_mode}` is not a file mode: give octal digits, as `0660`"
                ));
            }
        };
        if self.uds.is_none() && self.uds_account.is_some() {
            return wrong("`uds-account` goes with `uds`".to_owned());
        }
        if !dev && self.demo == Some(true) {
            return wrong(
                "`demo` goes with `dev`: real stores are not filled with made-up members"
                    .to_owned(),
            );
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let millis = |value: Option<u64>, default| Duration::from_millis(value.unwrap_or(default));
        let config = Config {
            store,
            redis: self.redis.with_environment(),
            listen,
            ops_listen,
            insecure_listen: insecure,
            tls,
            uds: self.uds.map(|path| (path, mode)),
            uds_account: self.uds_account,
            master_key_file: self.master_key_file,
            previous_master_key_file: self.previous_master_key_file,
            region: self.region.unwrap_or_else(|| "cn-hangzhou".to_owned()),
            dev,
            demo: self.demo.unwrap_or(false),
            workers: self.workers.unwrap_or(cores),
            body_limit: self.body_limit.unwrap_or(256 * 1024),
            batch_body_limit: self.batch_body_limit.unwrap_or(1024 * 1024),
            head_timeout: millis(self.head_timeout_ms, 5_000),
            body_timeout: millis(self.body_timeout_ms, 5_000),
            keep_alive: millis(self.keep_alive_ms, 75_000),
            max_connections: self.max_connections.unwrap_or(25_000),
            shutdown_timeout: millis(self.shutdown_timeout_ms, 10_000),
            verify_fast_path: self.verify_fast_path.unwrap_or_default(),
            freshness_wait: millis(self.freshness_wait_ms, 200),
            max_staleness: millis(self.max_staleness_ms, 5_000),
            account_memory_mib: self.account_memory_mib.unwrap_or(4_096),
            max_roles: self.max_roles.unwrap_or(100),
            max_members: self.max_members.unwrap_or(100_000),
            bundles: bundles::read(self.bundle.unwrap_or_default())?,
            public_url: self.public_url.map(|url| bundles::public_url(&url, dev)).transpose()?,
            log: self.log.unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: self.log_format.unwrap_or(LogFormat::Auto),
        };
        config.check()?;
        Ok(config)
    }
}

impl Config {
    /// Returns the settings in force as a TOML file that says the same.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn to_toml(&self) -> Result<String, Misconfigured> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).ok();
        let settings = Settings {
            store: Some(self.store.to_string()),
            redis: self.redis.clone(),
            listen: Some(self.listen),
            ops_listen: Some(self.ops_listen),
            insecure_listen: Some(self.insecure_listen),
            tls_cert: self.tls.as_ref().map(|(cert, _)| cert.clone()),
            tls_key: self.tls.as_ref().map(|(_, key)| key.clone()),
            uds: self.uds.as_ref().map(|(path, _)| path.clone()),
            uds_mode: self.uds.as_ref().map(|(_, mode)| format!("{mode:04o}")),
            uds_account: self.uds_account.clone(),
            master_key_file: self.master_key_file.clone(),
            previous_master_key_file: self.previous_master_key_file.clone(),
            region: Some(self.region.clone()),
            dev: Some(self.dev),
            demo: Some(self.demo),
            workers: Some(self.workers),
            body_limit: Some(self.body_limit),
            batch_body_limit: Some(self.batch_body_limit),
            head_timeout_ms: millis(self.head_timeout),
            body_timeout_ms: millis(self.body_timeout),
            keep_alive_ms: millis(self.keep_alive),
            max_connections: Some(self.max_connections),
            shutdown_timeout_ms: millis(self.shutdown_timeout),
            verify_fast_path: Some(self.verify_fast_path),
            freshness_wait_ms: millis(self.freshness_wait),
            max_staleness_ms: millis(self.max_staleness),
            account_memory_mib: Some(self.account_memory_mib),
            max_roles: Some(self.max_roles),
            max_members: Some(self.max_members),
            bundle: self.shown_bundles(),
            public_url: self.public_url.clone(),
            log: Some(self.log.clone()),
            log_format: Some(self.log_format),
        };
        toml::to_string(&settings).map_err(|error| Misconfigured(error.to_string()))
    }

    fn shown_bundles(&self) -> Option<Vec<String>> {
        let shown = |(name, path): &(String, PathBuf)| format!("{name}={}", path.display());
        (!self.bundles.is_empty()).then(|| self.bundles.iter().map(shown).collect())
    }

    /// Refuses values that would answer nobody or everybody.
    fn check(&self) -> Result<(), Misconfigured> {
        let region = &self.region;
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Misconfigured(format!(
                "`region`: `{region}` is not a region: give one as `cn-hangzhou`"
            )));
        }
        if self.workers > 512 {
            return Err(Misconfigured(format!(
                "`workers`: `{}` is more than 512 threads",
                self.workers
            )));
        }
        for (name, value) in [
            ("head-timeout-ms", self.head_timeout),
            ("body-timeout-ms", self.body_timeout),
            ("keep-alive-ms", self.keep_alive),
            ("max-staleness-ms", self.max_staleness),
        ] {
            if value.is_zero() {
                return Err(Misconfigured(format!(
                    "`{name}`: `0` would be no limit or no time: give milliseconds"
                )));
            }
        }
        for (name, value) in [
            ("workers", self.workers),
            ("body-limit", self.body_limit),
            ("batch-body-limit", self.batch_body_limit),
            ("max-connections", self.max_connections),
            ("account-memory-mib", self.account_memory_mib),
            ("max-roles", self.max_roles),
            ("max-members", self.max_members),
        ] {
            if value == 0 {
                return Err(Misconfigured(format!(
                    "`{name}`: `0` would answer nobody: give at least 1"
                )));
            }
        }
        Ok(())
    }
}

/// Returns whether the environment asks for text without colours (`NO_COLOR`).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
