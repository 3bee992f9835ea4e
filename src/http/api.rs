//! The server of the API over each kind of listener, every connection behind a gate.

use std::{
    future::ready,
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, error::DispatchError};
use actix_server::GracefulShutdownSignal;
use actix_service::{ServiceFactory, ServiceFactoryExt, apply, fn_service, map_config};
use actix_tls::accept::{
    TlsError,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{
    App,
    dev::{AppConfig, Server},
    rt::net::{TcpStream, UnixStream},
    web,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    connections::{Connection, Connections},
    context::Surround,
    gate::{Flow, Gate},
    listen::Tls,
    routes,
    state::State,
    token::LastCaller,
};

/// How long the other side may take to close a connection that is ended.
const DISCONNECT: Duration = Duration::from_secs(1);

/// What requests find beside their connection, as an [`Rc`].
pub(super) struct Link {
    pub(super) connection: Arc<Connection>,
    pub(super) last: LastCaller,
    pub(super) flow: Rc<Flow>,
}

/// What the listeners serve.
#[derive(Clone)]
struct Api {
    state: web::Data<State>,
    connections: Arc<Connections>,
    farewell: GracefulShutdownSignal,
}

/// Returns the server of the API, not yet running.
///
/// # Errors
/// When a listener cannot be used.
pub(super) fn server(
    (tcp, tls, uds): (TcpListener, Option<Tls>, Option<UnixListener>),
    state: web::Data<State>,
    connections: Arc<Connections>,
) -> io::Result<Server> {
    let limits = state.limits;
    // In whole seconds, at least as long as was asked for.
    let patience = limits.shutdown_timeout.as_millis().div_ceil(1_000);
    let server = Server::build()
        .workers(limits.workers)
        .max_concurrent_connections(limits.max_connections)
        .shutdown_timeout(patience.try_into().unwrap_or(u64::MAX))
        .disable_signals();
    let api = Api { state, connections, farewell: server.graceful_shutdown_signal() };
    let over_uds = api.clone();
    let mut server = match tls.map(Tls::into_config) {
        None => server.listen("api", tcp, move || {
            let gated = |io: TcpStream| {
                send_at_once(&io);
                let peer = io.peer_addr().ok();
                ready(Ok((Gate::new(io), peer)))
            };
            fn_service(gated).and_then(api.service())
        })?,
        Some(config) => server.listen("api", tcp, move || {
            let gated = |io: TlsStream<TcpStream>| {
                send_at_once(io.get_ref().0);
                let peer = io.get_ref().0.peer_addr().ok();
                (Gate::new(io), peer)
            };
            Acceptor::new(config.clone())
                .map_init_err(|()| unreachable!("an acceptor is made of nothing that fails"))
                .map_err(TlsError::into_service_error)
                .map(gated)
                .and_then(api.service().map_err(TlsError::Service))
        })?,
    };
    if let Some(uds) = uds {
        server = server.listen_uds("api-uds", uds, move || {
            let gated = |io: UnixStream| ready(Ok((Gate::new(io), None)));
            fn_service(gated).and_then(over_uds.service())
        })?;
    }
    Ok(server.run())
}

/// Lets what is written on a connection be sent without waiting for what was sent before to be received: who sent several requests at once
/// would wait 40 ms for the second answer.
fn send_at_once(connection: &TcpStream) {
    if let Err(error) = connection.set_nodelay(true) {
        // It is over already, or answers are as right and later.
        tracing::debug!(%error, "a connection sends when it thinks best");
    }
}

impl Api {
    /// Returns what is served on connections of a kind.
    fn service<T>(
        &self,
    ) -> impl ServiceFactory<
        (Gate<T>, Option<SocketAddr>),
        Config = (),
        Response = (),
        Error = DispatchError,
        InitError = (),
    > + use<T>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let Self { state, connections, farewell } = self.clone();
        let limits = state.limits;
        let app = App::new()
            .app_data(state.clone())
            .configure(routes::api)
            .default_service(web::to(routes::elsewhere));
        let app = apply(Surround { state: Some(state) }, app)
            .map_err(|error: actix_web::Error| error.error_response());
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let farewell = farewell.clone();
                async move { farewell.notified().await }
            })
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.head_timeout)
            .client_disconnect_timeout(DISCONNECT)
            .on_connect_ext(move |gate: &Gate<T>, extensions| {
                extensions.insert(Rc::new(Link {
                    connection: gate.with_io(|io| connections.note(io)),
                    last: LastCaller::default(),
                    flow: gate.flow().clone(),
                }));
            })
            .h1(map_config(app, |()| AppConfig::default()))
    }
}
