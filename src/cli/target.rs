//! Where a command sends its question: a running service, or a stopped store.

use std::path::PathBuf;

use clap::Args;

use crate::client::{Client, ClientError, Target};

/// A running service.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// URL of the running service.
    #[arg(
        long,
        env = "PAI_AUTHZ_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,
    /// Unix socket of the running service.
    #[arg(long, env = "PAI_AUTHZ_UDS", value_name = "PATH")]
    uds: Option<PathBuf>,
    /// Bearer token; better given as variable than on the command line, where other users can see it.
    #[arg(long, env = "PAI_AUTHZ_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl TargetArgs {
    /// Returns a client of the service.
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        Client::new(Target {
            url: self.url.clone(),
            uds: self.uds.clone(),
            token: self.token.clone(),
        })
    }
}
