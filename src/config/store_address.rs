//! Where a store is, as `--store` names it.

use std::{path::PathBuf, str::FromStr};

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A file of the embedded store.
    Redb(PathBuf),
    /// The embedded store without a file: everything is gone when the process ends.
    Memory,
    /// Redis.
    Redis(RedisAddress),
}

/// Where Redis is, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// What was given.
    text: String,
    /// How the servers stand together.
    pub servers: RedisServers,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// The ACL user.
    pub user: Option<String>,
    /// Number of the database.
    pub database: u32,
}

/// How the servers stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisServers {
    /// One, at host and port.
    Single(String, u16),
    /// One on this machine, at the path of its socket.
    Socket(PathBuf),
    /// Sentinels, and the name of the primary they watch.
    Sentinel(Vec<(String, u16)>, String),
    /// Nodes of a cluster.
    Cluster(Vec<(String, u16)>),
}

const KINDS: &str = "give `redb:PATH`, `memory:`, `redis://HOST:PORT/DB`, `rediss://HOST:PORT/DB`, \
                     `redis+sentinel://HOST:PORT,…/NAME` or `redis+cluster://HOST:PORT,…`";

impl FromStr for StoreAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("redb", path)) if !path.is_empty() => Ok(Self::Redb(PathBuf::from(path))),
            Some(("memory", "")) => Ok(Self::Memory),
            Some((scheme, rest)) if scheme.starts_with("redis") => {
                let rest = rest.strip_prefix("//").ok_or_else(|| KINDS.to_owned())?;
                RedisAddress::parse(text, scheme, rest).map(Self::Redis)
            }
            _ => Err(KINDS.to_owned()),
        }
    }
}

/// Returns what was given without a password that may be in it.
pub(super) fn redacted(text: &str) -> String {
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)))
    {
        Some((scheme, rest)) => format!("{scheme}://***@{rest}"),
        None => text.to_owned(),
    }
}

/// Reads an address on the command line; what is refused is shown without its password.
#[derive(Debug, Clone)]
pub struct StoreAddressParser;

impl clap::builder::TypedValueParser for StoreAddressParser {
    type Value = StoreAddress;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<StoreAddress, clap::Error> {
        let text = value.to_string_lossy();
        text.parse().map_err(|help| {
            let name = argument.map_or_else(|| "store".to_owned(), |a| a.get_id().to_string());
            let message = format!("`--{name}`: `{}` is not a store: {help}\n", redacted(&text));
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

impl clap::builder::ValueParserFactory for StoreAddress {
    type Parser = StoreAddressParser;

    fn value_parser() -> StoreAddressParser {
        StoreAddressParser
    }
}

impl RedisAddress {
    fn parse(text: &str, scheme: &str, rest: &str) -> Result<Self, String> {
        let (user, rest) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, _)) if user.contains(':') => {
                return Err(
                    "a password in an address can be seen by others: leave it out, and give \
                     `--redis-password-file` or the variable `PAI_AUTHZ_REDIS_PASSWORD`"
                        .to_owned(),
                );
            }
            Some((user, rest)) => (Some(user.to_owned()), rest),
        };
        let text = text.to_owned();
        if scheme == "redis+unix" {
            if !rest.starts_with('/') {
                return Err("give `redis+unix:///PATH` with the path of the socket".to_owned());
            }
            let servers = RedisServers::Socket(PathBuf::from(rest));
            return Ok(Self { text, servers, tls: false, user, database: 0 });
        }
        let (kind, tls) = match scheme {
            "redis" => ("single", false),
            "rediss" => ("single", true),
            "redis+sentinel" => ("sentinel", false),
            "rediss+sentinel" => ("sentinel", true),
            "redis+cluster" => ("cluster", false),
            "rediss+cluster" => ("cluster", true),
            _ => return Err(KINDS.to_owned()),
        };
        let (nodes, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = if kind == "sentinel" { 26_379 } else { 6_379 };
        let mut nodes = nodes
            .split(',')
            .map(|node| host_and_port(node, port))
            .collect::<Result<Vec<_>, String>>()?;
        let number = |text: &str| match text {
            "" => Ok(0),
            text => text
                .parse::<u32>()
                .map_err(|_| format!("`{text}` is not the number of a database: give as `/0`")),
        };
        let (servers, database) = match kind {
            "sentinel" => {
                let (name, database) = path.split_once('/').unwrap_or((path, ""));
                if name.is_empty() {
                    return Err(
                        "name the primary the sentinels watch: `redis+sentinel://HOST:PORT,…/NAME`"
                            .to_owned(),
                    );
                }
                (RedisServers::Sentinel(nodes, name.to_owned()), number(database)?)
            }
            "cluster" if path.is_empty() || path == "0" => (RedisServers::Cluster(nodes), 0),
            "cluster" => return Err("a cluster has database 0 alone".to_owned()),
            _ => match (nodes.pop(), nodes.is_empty()) {
                (Some((host, port)), true) => (RedisServers::Single(host, port), number(path)?),
                _ => {
                    return Err(
                        "more than one server: give `redis+sentinel://` or `redis+cluster://`"
                            .to_owned(),
                    );
                }
            },
        };
        Ok(Self { text, servers, tls, user, database })
    }
}

fn host_and_port(text: &str, default: u16) -> Result<(String, u16), String> {
    let wrong =
        || format!("`{text}` is not host and port: give as `10.0.0.1:6379` or `[::1]:6379`");
    // An IPv6 address stands in brackets, because of its colons.
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(default), str::parse).map_err(|_| wrong())?;
    let fits = !host.is_empty() && !host.contains(['?', '#', '@', ' ', '[']);
    if fits { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}

impl std::fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Redb(path) => write!(f, "redb:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
            Self::Redis(address) => f.write_str(&address.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redis(text: &str) -> RedisAddress {
        match text.parse() {
            Ok(StoreAddress::Redis(address)) => {
                assert_eq!(StoreAddress::Redis(address.clone()).to_string(), text);
                address
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn addresses_of_redis_say_how_the_servers_stand_together() {
        let node = |host: &str, port| (host.to_owned(), port);
        let single = |host: &str, port| RedisServers::Single(host.to_owned(), port);
        assert_eq!(redis("redis://h").servers, single("h", 6_379));
        assert_eq!(redis("redis://[::1]:7/3").servers, single("::1", 7));
        assert_eq!(redis("redis://[::1]:7/3").database, 3);
        let tls = redis("rediss://pai@h:7");
        assert_eq!((tls.tls, tls.user.as_deref()), (true, Some("pai")));
        let sentinels = redis("redis+sentinel://a,b:5/main/2");
        let nodes = vec![node("a", 26_379), node("b", 5)];
        assert_eq!(sentinels.servers, RedisServers::Sentinel(nodes, "main".to_owned()));
        assert_eq!(sentinels.database, 2);
        let cluster = redis("rediss+cluster://a:1,b:2");
        assert_eq!(cluster.servers, RedisServers::Cluster(vec![node("a", 1), node("b", 2)]));
        let socket = RedisServers::Socket("/run/r.sock".into());
        assert_eq!(redis("redis+unix:///run/r.sock").servers, socket);
    }

    #[test]
    fn what_is_no_address_is_told_what_would_be() {
        for (text, says) in [
            ("redis:h", "redis://HOST"),
            ("redis://", "host and port"),
            ("redis://h:x", "host and port"),
            ("redis://h:70000", "host and port"),
            ("redis://h?db=1", "host and port"),
            ("redis://h/x", "number of a database"),
            ("redis://a,b", "redis+sentinel"),
            ("redis://:secret@h", "--redis-password-file"),
            ("redis://user:secret@h", "--redis-password-file"),
            ("redis+sentinel://a:1", "name the primary"),
            ("redis+cluster://a:1/1", "database 0"),
            ("redis+unix://run", "redis+unix:///PATH"),
            ("redis+thing://a", "redb:PATH"),
            ("sqlite:x", "redb:PATH"),
        ] {
            let refused = text.parse::<StoreAddress>().unwrap_err();
            assert!(refused.contains(says), "{text}: {refused}");
            assert!(!refused.contains("secret"), "{text}: {refused}");
        }
    }
}
