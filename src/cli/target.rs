//! Where a command sends its question: a running service, or a stopped store.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::{
    client::{AccessKey, Client, ClientError, Method, Target},
    load::{self, LoadError},
};

/// Where a running service is.
#[derive(Debug, Clone, Args)]
pub(super) struct ServiceArgs {
    /// URL of the running service.
    #[arg(
        long,
        env = "PAI_AUTHZ_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,
    /// Unix socket of the running service, asked instead of the URL.
    #[arg(long, env = "PAI_AUTHZ_UDS", value_name = "PATH")]
    uds: Option<PathBuf>,
}

impl ServiceArgs {
    /// Returns where it is, for people.
    fn shown(&self) -> String {
        self.uds.as_ref().map_or_else(|| self.url.clone(), |path| path.display().to_string())
    }
}

/// A running service, asked with a token.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Bearer token; better given as variable than on the command line, where other users can see it.
    #[arg(long, env = "PAI_AUTHZ_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl TargetArgs {
    /// Sends a request and returns the JSON of a successful answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let client = Client::new(Target {
            url: self.service.url.clone(),
            uds: self.service.uds.clone(),
            token: self.token.clone(),
        })?;
        let answer = client.send(method, path, body).await;
        answer.map_err(|error| match error {
            ClientError::Refused { status: 401, .. } => {
                let what = if self.token.is_some() { "refuses the token" } else { "wants a token" };
                let help = "give one as `PAI_AUTHZ_TOKEN` or `--token`; `pai-authz init` and `token create` make them, and \
                            that of a service in development mode is `dev-token`";
                anyhow::anyhow!("`{}` {what}: {help}", self.service.shown())
            }
            error @ ClientError::Unreachable { .. } => anyhow::anyhow!(
                "{error}: is `pai-authz serve` running there? Another place is given as `--url` or `--uds`"
            ),
            other => other.into(),
        })
    }

    /// Returns the service as load is sent to it.
    pub(super) fn load(&self) -> Result<load::Target, LoadError> {
        match &self.service.uds {
            Some(path) => Ok(load::Target::unix(path)),
            None => load::Target::url(&self.service.url),
        }
    }

    /// Returns the bearer token.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// A running service, called with an access key.
#[derive(Debug, Clone, Args)]
pub(super) struct SignedTargetArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Access key to sign with.
    #[arg(long, env = "PAI_AUTHZ_ACCESS_KEY_ID", value_name = "ID")]
    access_key_id: Option<String>,
    /// Its secret; better given as variable than on the command line, where other users can see it.
    #[arg(
        long,
        env = "PAI_AUTHZ_ACCESS_KEY_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    access_key_secret: Option<String>,
}

impl SignedTargetArgs {
    /// Calls the service and returns its answer.
    pub(super) async fn call(
        &self,
        action: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let (Some(id), Some(secret)) = (&self.access_key_id, &self.access_key_secret) else {
            anyhow::bail!(
                "sign with an access key of the main account: set `PAI_AUTHZ_ACCESS_KEY_ID` and \
                 `PAI_AUTHZ_ACCESS_KEY_SECRET`, or work on a stopped store with `--store`"
            );
        };
        let key = AccessKey { id: id.clone(), secret: secret.clone() };
        let (url, uds) = (self.service.url.clone(), self.service.uds.clone());
        let client = Client::new(Target { url, uds, token: None })?;
        Ok(client.call(&key, action, path, body).await?)
    }
}
