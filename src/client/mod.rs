//! Asks a running service, over TCP, TLS or its Unix socket.

mod sign;

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

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
    /// The service was not reached, or its answer broke off.
    #[error("`{url}` does not answer: {detail}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        detail: String,
    },
    /// The service answered with an error.
    #[error("{status}: {message}{help}", help = help.as_ref().map(|h| format!(" ({h})")).unwrap_or_default())]
    Refused {
        /// HTTP status.
        status: u16,
        /// The error code of the service; empty when the answer was not one of its own.
        code: String,
        /// What it said.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
}

impl Client {
    /// Returns a client of `target`.
    ///
    /// # Errors
    /// When the target is not a usable URL or socket.
    pub fn new(target: Target) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy();
        if let Some(path) = &target.uds {
            builder = builder.unix_socket(path.as_path());
        }
        let http = builder.build().map_err(|error| ClientError::Unreachable {
            url: target.url.clone(),
            detail: error.to_string(),
        })?;
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
        let mut request = self.http.request(method, self.url(path));
        if let Some(token) = &self.target.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
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
        let url = self.url(path);
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
        self.answer(request.body(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.target.url.trim_end_matches('/'))
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, ClientError> {
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
            // Over a socket the host of the URL is only a name.
            let socket = self.target.uds.as_ref().map(|path| path.display().to_string());
            ClientError::Unreachable {
                url: socket.unwrap_or_else(|| self.target.url.clone()),
                detail,
            }
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() && !value.is_null() {
            return Ok(value);
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let field = text("field").map(|field| format!("{field}: ")).unwrap_or_default();
        Err(ClientError::Refused {
            status: status.as_u16(),
            code: text("code").unwrap_or_default(),
            message: text("message").map_or_else(
                || "the answer is not one of pai-authz".to_owned(),
                |message| format!("{field}{message}"),
            ),
            help: text("help"),
        })
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
