//! Where requests go: a host over TCP or TLS, or a Unix socket.

use std::{
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;

use super::LoadError;

/// How long one address of a host that has several may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// A server to send requests to, its name already looked up.
#[derive(Debug, Clone)]
pub struct Target {
    shown: String,
    host: String,
    pub(super) place: Place,
    pub(super) tls: Option<Tls>,
}

/// What is connected to.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// How a connection is encrypted.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Target {
    /// Returns the server of a URL: `http://` or `https://`, host, and a port unless it is the usual one.
    ///
    /// Certificates are trusted as the machine trusts them; `SSL_CERT_FILE` names others.
    ///
    /// # Errors
    /// [`LoadError::Url`] for anything else, and for a host nobody knows.
    pub fn url(url: &str) -> Result<Self, LoadError> {
        let wrong =
            |detail: &str| LoadError::Url { url: url.to_owned(), detail: detail.to_owned() };
        let (is_tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(wrong("begin it with `http://` or `https://`")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() || authority.contains(['?', '#']) {
            return Err(wrong("leave the path out: `--path` has it"));
        }
        if authority.contains('@') {
            return Err(wrong("leave user and password out: a token authenticates"));
        }
        let (host, port) = host_and_port(authority)
            .ok_or_else(|| wrong("give a host and a port, as `http://127.0.0.1:8080`"))?;
        let port = port.unwrap_or(if is_tls { 443 } else { 80 });
        let address = look_up(host, port).map_err(|detail| wrong(&detail))?;
        let tls = if is_tls { Some(tls(host).map_err(|detail| wrong(&detail))?) } else { None };
        Ok(Self {
            shown: url.to_owned(),
            host: authority.to_owned(),
            place: Place::Tcp(address),
            tls,
        })
    }

    /// Returns the server behind a Unix socket.
    #[must_use]
    pub fn unix(path: &Path) -> Self {
        Self {
            shown: path.display().to_string(),
            host: "localhost".to_owned(),
            place: Place::Unix(path.to_owned()),
            tls: None,
        }
    }

    /// Returns what requests give as `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the error of a server that is not reached, or breaks off.
    pub(super) fn unreachable(&self, detail: &dyn std::fmt::Display) -> LoadError {
        let detail = detail.to_string();
        // What is wrong with its name or its time is said already.
        let is_known = |what: &str| detail.contains(what);
        let help = if is_known("invalid peer certificate")
            && !is_known("not valid for name")
            && !is_known("expired")
        {
            ": the certificate is not trusted; `SSL_CERT_FILE` can name one that is"
        } else if detail.contains("InvalidContentType") {
            ": perhaps the server speaks plain HTTP: try `http://`"
        } else {
            ""
        };
        LoadError::Unreachable { target: self.shown.clone(), detail: format!("{detail}{help}") }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Takes `host`, `host:port`, `[::1]` and `[::1]:port` apart.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(text) => Some(text.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_control() || c == ' ');
    is_host.then_some((host, port))
}

/// Returns the address of a host: of several the first that accepts a connection.
fn look_up(host: &str, port: u16) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> =
        (host, port).to_socket_addrs().map_err(|error| error.to_string())?.collect();
    let answers = |address: &&SocketAddr| TcpStream::connect_timeout(address, CONNECT).is_ok();
    let chosen = if found.len() > 1 { found.iter().find(answers) } else { None };
    chosen.or(found.first()).copied().ok_or_else(|| "the host has no address".to_owned())
}

fn tls(host: &str) -> Result<Tls, String> {
    let name = match host.parse::<IpAddr>() {
        Ok(address) => ServerName::IpAddress(address.into()),
        Err(_) => ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| error.to_string())?
        .with_no_client_auth();
    Ok(Tls { config: Arc::new(config), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_perhaps_a_port() {
        for (url, host, address) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.0.0.1/", "127.0.0.1", "127.0.0.1:80"),
            ("https://127.0.0.1", "127.0.0.1", "127.0.0.1:443"),
            ("http://[::1]:81", "[::1]:81", "[::1]:81"),
        ] {
            let target = Target::url(url).unwrap();
            assert_eq!(target.host(), host);
            assert!(
                matches!(target.place, Place::Tcp(at) if at.to_string() == address),
                "{target:?}"
            );
            assert_eq!(target.tls.is_some(), url.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_url_says_what_would_be() {
        for (url, help) in [
            ("127.0.0.1:8080", "begin it with"),
            ("ftp://127.0.0.1", "begin it with"),
            ("http://127.0.0.1/v1/is-authorized", "`--path` has it"),
            ("http://127.0.0.1?x", "`--path` has it"),
            ("http://me:secret@127.0.0.1", "leave user and password out"),
            ("http://", "give a host and a port"),
            ("http://:80", "give a host and a port"),
            ("http://127.0.0.1:0", "give a host and a port"),
            ("http://127.0.0.1:99999", "give a host and a port"),
            ("http://[::1", "give a host and a port"),
            ("http://[::1]80", "give a host and a port"),
        ] {
            let error = Target::url(url).unwrap_err().to_string();
            assert!(error.contains(url) && error.contains(help), "{error}");
        }
    }
}
