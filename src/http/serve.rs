//! Runs the servers until they are told to stop.

use std::{io, sync::Arc, time::Duration};

use actix_service::apply;
use actix_web::{App, HttpServer, dev::ServerHandle, web};
use tokio::runtime::{Handle, Runtime};

use super::{
    api,
    connections::Connections,
    context::Surround,
    listen::Listeners,
    ops::Health,
    routes,
    state::{Limits, Offices, Services, State},
};
use crate::{domain::AccountId, service::Queues};

/// How many signed calls a caller may have under way, all but one waiting.
const CALLS: usize = 64;

/// How long callers have to learn that the service stops, and how often their connections are counted meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);
/// How long a request may take beside the time of its body.
const STUCK: Duration = Duration::from_secs(30);

/// Threads for signed calls that look: one that takes long does not hold up all others.
const READ_THREADS: usize = 2;
/// Threads for signed calls that change: an account has one change at a time, and waits for its disk.
const CHANGE_THREADS: usize = 1;

/// Threads that carry out signed calls. When it is dropped, calls nobody waits for any more are given up.
#[derive(Debug)]
struct Office(Option<Runtime>);

/// How much less of a busy core the threads of signed calls get than those that decide: a tenth, where there is work for both.
const NICE: i32 = 10;

impl Office {
    fn open(name: &str, threads: usize) -> io::Result<(Self, Handle)> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let builder = builder.worker_threads(threads).thread_name(name).on_thread_start(|| {
            // On Linux it is the thread's own.
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::warn!(%error, "signed calls are carried out as urgently as decisions");
            }
        });
        let runtime = builder.enable_time().build()?;
        let handle = runtime.handle().clone();
        Ok((Self(Some(runtime)), handle))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for it is forbidden where other tasks run.
            runtime.shutdown_background();
        }
    }
}

/// Servers that run, and the way to stop them.
#[derive(Debug)]
pub struct Running {
    health: Health,
    connections: Arc<Connections>,
    api: ServerHandle,
    ops: ServerHandle,
    _offices: [Office; 2],
    joined: tokio::task::JoinHandle<io::Result<()>>,
}

impl Running {
    /// Stops: says so on `/readyz` and with `Connection: close` on every answer, takes no more connections, answers
    /// what is in flight, then returns.
    ///
    /// # Errors
    /// What a server died of.
    pub async fn stop(self) -> io::Result<()> {
        self.health.set_ready(false);
        // Callers that are busy learn from their next answer that the connection ends, so that none sends into a
        // connection that is being closed.
        let all_gone = async {
            let mut look = tokio::time::interval(LOOK);
            while self.connections.count() > 0 {
                look.tick().await;
            }
        };
        if tokio::time::timeout(FAREWELL, all_gone).await.is_err() {
            self.connections.end_idle();
        }
        self.api.stop(true).await;
        self.ops.stop(true).await;
        self.joined.await?
    }

    /// Returns when a server ends by itself, which it never should.
    ///
    /// # Errors
    /// What it died of.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.joined).await?
    }
}

/// Starts the servers on `listeners`. Must be called within an actix system.
///
/// `uds_account` is the account of callers that come over the Unix socket without a token.
///
/// # Errors
/// When a listener cannot be used.
pub fn start(
    listeners: Listeners,
    services: Services,
    limits: Limits,
    uds_account: Option<AccountId>,
) -> io::Result<Running> {
    let health = Health::of(&services);
    // A request may wait for its body and for a revision or the store; what takes longer than both is stuck.
    let connections = Connections::new(limits.keep_alive, limits.body_timeout + STUCK);
    let (read_office, reads) = Office::open("signed-reads", READ_THREADS)?;
    let (change_office, changes) = Office::open("signed-changes", CHANGE_THREADS)?;
    let state = web::Data::new(State {
        services,
        limits,
        uds_account,
        has_tls: listeners.tls.is_some(),
        health: health.clone(),
        offices: Offices { reads, changes },
        admission: Queues::new(CALLS),
    });
    let Listeners { api, tls, uds, ops } = listeners;
    let api = api::server((api, tls, uds), state, connections.clone())?;
    let ops_health = web::Data::new(health.clone());
    let ops = HttpServer::new(move || {
        let app = App::new()
            .app_data(ops_health.clone())
            .configure(routes::ops)
            .default_service(web::to(routes::not_found));
        apply(Surround { state: None }, app)
    })
    .workers(1)
    .client_request_timeout(limits.head_timeout)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(ops)?
    .run();
    let (api_handle, ops_handle) = (api.handle(), ops.handle());
    let sweeping = tokio::task::spawn_local(connections.clone().sweep());
    let joined = tokio::task::spawn_local(async move {
        // The API's end ends the service: without it health has nothing to tell.
        let ops = tokio::task::spawn_local(ops);
        let ended = api.await;
        sweeping.abort();
        ended?;
        ops.await?
    });
    health.set_ready(true);
    Ok(Running {
        health,
        connections,
        api: api_handle,
        ops: ops_handle,
        _offices: [read_office, change_office],
        joined,
    })
}
