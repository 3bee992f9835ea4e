//! The open connections, so that none is held without an end.
//!
//! The HTTP library limits the time of a connection's first head and of idling. What it does not limit is ended
//! here: a second head that trickles in, a body of a refused request that never ends, answers nobody takes. Each
//! connection notes when it was last served; a sweeper shuts those down that have had their time.

use std::{
    any::Any,
    net::{self, Shutdown, TcpStream},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::rt::net::{TcpStream as AsyncTcp, UnixStream as AsyncUnix};

/// How often connections are looked at.
const SWEEP: Duration = Duration::from_millis(250);
/// How many requests a connection may bring. Requests that come without a pause are answered without one, and others on
/// the thread wait meanwhile: this bounds how long.
const REQUESTS: u32 = 1_000;
/// How many sweeps a connection stays after a refusal whose body was not read: long enough for the answer to arrive.
const LINGER: u64 = 2;

/// Over which kind of listener a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Tcp,
    Uds,
}

/// A second handle on the socket: shutting it down ends the connection wherever it is waiting.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Uds(UnixStream),
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: Peer,
    socket: Option<Socket>,
    times: Arc<Times>,
    /// At which sweep it shall be shut down.
    ends: AtomicU64,
    busy: AtomicBool,
    requests: AtomicU32,
}

impl Connection {
    fn allow(&self, time: u64) {
        let now = self.times.sweeps.load(Ordering::Relaxed);
        self.ends.store(now.saturating_add(time), Ordering::Relaxed);
    }

    /// Says that a request has come over the connection, and returns whether it shall be the last.
    pub(super) fn begin(&self) -> bool {
        self.busy.store(true, Ordering::Relaxed);
        self.allow(self.times.busy);
        // Nobody but the thread of the connection counts.
        let requests = self.requests.load(Ordering::Relaxed).saturating_add(1);
        self.requests.store(requests, Ordering::Relaxed);
        requests >= REQUESTS
    }

    /// Says that the request is answered. `unread`: its body may still be coming and nobody wants it.
    pub(super) fn end(&self, unread: bool) {
        self.busy.store(false, Ordering::Relaxed);
        self.allow(if unread { LINGER } else { self.times.idle });
    }

    fn shut_down(&self) {
        // A connection that is gone already needs no ending.
        let _ = match &self.socket {
            Some(Socket::Tcp(socket)) => socket.shutdown(Shutdown::Both),
            Some(Socket::Uds(socket)) => socket.shutdown(net::Shutdown::Both),
            None => Ok(()),
        };
    }
}

/// All open connections, and how long they may take.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Vec<Weak<Connection>>>,
    times: Arc<Times>,
}

/// What time it is, and how much of it a connection has.
#[derive(Debug)]
struct Times {
    /// Sweeps until now. They are the time here: the clock is not read for each request.
    sweeps: AtomicU64,
    /// Time between two requests, and from the head of one to its answer, in sweeps.
    idle: u64,
    busy: u64,
}

/// Returns after how many sweeps that much time has certainly passed.
fn sweeps(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(SWEEP.as_millis())).unwrap_or(u64::MAX / 2) + 1
}

impl Connections {
    pub(super) fn new(idle: Duration, busy: Duration) -> Arc<Self> {
        let (idle, busy) = (sweeps(idle), sweeps(busy));
        let times = Arc::new(Times { sweeps: AtomicU64::new(0), idle, busy });
        Arc::new(Self { open: Mutex::new(Vec::new()), times })
    }

    /// Notes a new connection.
    pub(super) fn note(&self, stream: &dyn Any) -> Arc<Connection> {
        let (peer, fd) = if let Some(uds) = stream.downcast_ref::<AsyncUnix>() {
            (Peer::Uds, uds.as_fd().try_clone_to_owned())
        } else if let Some(tcp) = stream.downcast_ref::<AsyncTcp>() {
            (Peer::Tcp, tcp.as_fd().try_clone_to_owned())
        } else if let Some(tls) = stream.downcast_ref::<TlsStream<AsyncTcp>>() {
            (Peer::Tcp, tls.get_ref().0.as_fd().try_clone_to_owned())
        } else {
            (Peer::Tcp, Err(std::io::ErrorKind::Unsupported.into()))
        };
        // Without a second handle (no descriptor left) the connection is served and cannot be ended from here.
        let socket = fd.ok().map(|fd: OwnedFd| match peer {
            Peer::Tcp => Socket::Tcp(fd.into()),
            Peer::Uds => Socket::Uds(fd.into()),
        });
        let connection = Arc::new(Connection {
            peer,
            socket,
            times: self.times.clone(),
            ends: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            requests: AtomicU32::new(0),
        });
        connection.allow(self.times.idle);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        connection
    }

    /// Ends the connections that wait for a next request.
    pub(super) fn end_idle(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in open.iter().filter_map(Weak::upgrade) {
            if !connection.busy.load(Ordering::Relaxed) {
                connection.shut_down();
            }
        }
    }

    /// Returns how many connections are open.
    pub(super) fn count(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().filter(|connection| connection.strong_count() > 0).count()
    }

    /// Ends what has had its time, for ever.
    pub(super) async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tick.tick().await;
            let now = self.times.sweeps.fetch_add(1, Ordering::Relaxed) + 1;
            let mut ended = Vec::new();
            self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                if connection.ends.load(Ordering::Relaxed) <= now {
                    ended.push(connection);
                    return false;
                }
                true
            });
            for connection in ended {
                tracing::debug!(peer = ?connection.peer, "a connection had its time");
                connection.shut_down();
            }
        }
    }
}
