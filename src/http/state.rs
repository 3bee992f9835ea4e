//! What every handler can reach: the use cases, the limits, and whether the service is ready.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, web};
use tokio::runtime::Handle;

use super::ops::Health;
use crate::{
    domain::{AccountId, PrincipalId},
    error::Error,
    service::{
        Accounts, Authenticator, Authorizer, Bundles, Management, Queues, Signers, Tokens, Verifier,
    },
};

/// The use cases behind the endpoints.
#[derive(Debug, Clone)]
pub struct Services {
    /// The accounts all of them work on, for those who watch the service.
    pub accounts: Arc<Accounts>,
    /// Answers requests for decisions.
    pub authorizer: Authorizer,
    /// Tells who asks.
    pub authenticator: Arc<Authenticator>,
    /// Makes and revokes tokens.
    pub tokens: Tokens,
    /// Tells who signed.
    pub signers: Arc<Signers>,
    /// Manages workspaces, members, roles, users, keys, policies and groups.
    pub management: Management,
    /// Judges some decisions anew.
    pub verifier: Option<Arc<Verifier>>,
    /// The policy bundles beside the accounts.
    pub bundles: Arc<Bundles>,
    /// The address by which callers reach the service, as `https://pdp.example.com`, for those who are told where it is.
    pub public_url: Option<String>,
    /// The region that resources of PAI are in, for their ARNs.
    pub region: String,
}

/// What a client may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Worker threads.
    pub workers: usize,
    /// Longest body of a single request, in bytes.
    pub body: usize,
    /// Longest body of a batch, in bytes.
    pub batch_body: usize,
    /// How long the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Most connections of a worker at a time.
    pub max_connections: usize,
    /// How long requests in flight may take to finish when the service stops.
    pub shutdown_timeout: Duration,
}

/// What every handler can reach.
pub(super) struct State {
    pub(super) services: Services,
    pub(super) limits: Limits,
    pub(super) uds_account: Option<AccountId>,
    /// Whether what comes over TCP comes over TLS.
    pub(super) has_tls: bool,
    pub(super) health: Health,
    /// Where signed calls are carried out, and how many of each caller's.
    pub(super) offices: Offices,
    pub(super) admission: Arc<Queues<(AccountId, PrincipalId)>>,
}

impl State {
    /// Returns what the handlers of a request can reach.
    ///
    /// # Errors
    /// A defect: an application without.
    pub(super) fn of(request: &HttpRequest) -> Result<&Self, Error> {
        let state = request.app_data::<web::Data<Self>>();
        state.map(|state| &***state).ok_or_else(|| Error::internal("the application has no state"))
    }
}

/// The threads that carry out signed calls, apart from those that decide.
pub(super) struct Offices {
    /// Calls that look, at much perhaps.
    pub(super) reads: Handle,
    /// Calls that change. Who changes an account holds it until that is durable: nothing that only looks may stand
    /// before it in a queue.
    pub(super) changes: Handle,
}
