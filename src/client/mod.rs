//! Asks a running service, over TCP, TLS or its Unix socket.
//!
//! Services written in Rust ask for decisions with [`Pdp`]. [`Client`] sends what commands need, as JSON.

mod answer;
mod pdp;
mod question;
mod sign;

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

pub use answer::{Answer, Batch, Fault};
pub use pdp::{Pdp, PdpBuilder};
pub use question::Question;
pub use sign::{AccessKey, Call, signed_headers};

/// Where the service is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Base URL, for example `http://127.0.0.1:8080`.
    pub url: String,
    /// Unix socket to connect to instead of the host of `url`.
    pub uds: Option<PathBuf>,
    /// Bearer token; `None` where the socket is bound to an account.
    pub token: Option<String>,
}

/// A client of one service.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is none of a service.
    #[error("`{url}` is not the URL of a service: give it as `http://127.0.0.1:8080`")]
    Url {
        /// What was given.
        url: String,
    },
    /// The service was not reached, or its answer broke off.
    #[error("`{url}` does not answer: {detail}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        detail: String,
    },
    /// The service did not answer in time.
    #[error("`{url}` does not answer within {after:?}")]
    TimedOut {
        /// Where it was asked.
        url: String,
        /// The time.
        after: Duration,
    },
    /// The service answered with an error.
    #[error("{status}: {}{message}{}", shown(field.as_deref(), "", ": "), shown(help.as_deref(), " (", ")"))]
    Refused {
        /// HTTP status.
        status: u16,
        /// The error code of the service; empty when the answer was not one of its own.
        code: String,
        /// What it said.
        message: String,
        /// The field of the request it is about.
        field: Option<String>,
        /// What to do about it.
        help: Option<String>,
    },
    /// The service answered with something that is no decision.
    #[error("the answer of `{url}` cannot be relied on: {detail}")]
    Unexpected {
        /// Who answered.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl ClientError {
    /// Returns whether the same request may be answered when it is sent again.
    const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { status: 503, .. })
    }
}

fn shown(text: Option<&str>, before: &str, after: &str) -> String {
    text.map(|text| format!("{before}{text}{after}")).unwrap_or_default()
}

impl Target {
    fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// Returns where it is, for people: over a socket the host of the URL is only a name.
    fn shown(&self) -> String {
        let socket = self.uds.as_ref().map(|path| path.display().to_string());
        socket.unwrap_or_else(|| self.url.clone())
    }
}

/// Returns what speaks HTTP to `target` and keeps connections.
fn http(target: &Target, timeout: Duration) -> Result<reqwest::Client, ClientError> {
    // The command has installed one already. Two threads may both find none: the second is told, and all is well.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let unusable = |detail: String| ClientError::Unreachable { url: target.url.clone(), detail };
    let parsed = reqwest::Url::parse(&target.url).ok();
    if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(ClientError::Url { url: target.url.clone() });
    }
    // The service sends nobody elsewhere, and a token goes to nobody else.
    let elsewhere = reqwest::redirect::Policy::none();
    let mut builder = reqwest::Client::builder().timeout(timeout).no_proxy().redirect(elsewhere);
    if let Some(path) = &target.uds {
        builder = builder.unix_socket(path.as_path());
    }
    builder.build().map_err(|error| unusable(error.to_string()))
}

/// Sends a request and returns status and JSON of a successful answer.
async fn transport(
    target: &Target,
    request: reqwest::RequestBuilder,
) -> Result<(u16, Value), ClientError> {
    let unreachable = |error: reqwest::Error| {
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            detail = deeper.to_string();
            cause = deeper.source();
        }
        if detail.contains("InvalidContentType") {
            detail += " (perhaps the service speaks plain HTTP: try `http://`)";
        }
        ClientError::Unreachable { url: target.shown(), detail }
    };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let bytes = response.bytes().await.map_err(unreachable)?;
    let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if status.is_success() && !value.is_null() {
        return Ok((status.as_u16(), value));
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Err(ClientError::Refused {
        status: status.as_u16(),
        code: text("code").unwrap_or_default(),
        message: text("message").unwrap_or_else(|| "the answer is not one of pai-authz".to_owned()),
        field: text("field"),
        help: text("help"),
    })
}

impl Client {
    /// Returns a client of `target`.
    ///
    /// # Errors
    /// When the target is not a usable URL or socket.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        let http = http(&target, Duration::from_secs(10))?;
        Ok(Self { http, target })
    }

    /// Sends a request and returns the JSON of a successful answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.http.request(method, self.target.join(path));
        if let Some(token) = &self.target.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(transport(&self.target, request).await?.1)
    }

    /// Sends a call signed by `key` and returns the JSON of a successful answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn call(
        &self,
        key: &AccessKey,
        action: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        let url = self.target.join(path);
        let refused =
            |detail: &str| ClientError::Unreachable { url: url.clone(), detail: detail.to_owned() };
        let parsed = reqwest::Url::parse(&url).map_err(|error| refused(&error.to_string()))?;
        let host = parsed.host_str().ok_or_else(|| refused("the URL has no host"))?;
        let host = match parsed.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let body = body.to_string();
        let call =
            Call { action, version: None, method: "POST", path, query: "", body: body.as_bytes() };
        let mut request = self.http.post(&url);
        for (name, value) in signed_headers(key, &host, &call) {
            request = request.header(name, value);
        }
        Ok(transport(&self.target, request.body(body)).await?.1)
    }
}

/// The methods the service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Look.
    Get,
    /// Ask or make.
    Post,
    /// Remove.
    Delete,
}
