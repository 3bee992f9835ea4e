//! A network that breaks when it is told to: a TCP proxy inside the test.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    thread::{self, JoinHandle},
};

/// Passes connections on to a server of this machine, until told otherwise.
pub(crate) struct Proxy {
    port: u16,
    network: Arc<Network>,
    /// `None` when it has ended.
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port and passes on to `target_port`. A connection that finds nobody there is closed.
    pub(crate) fn to(target_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(Network::default());
        let accepting = thread::spawn({
            let network = Arc::clone(&network);
            move || accept(&listener, target_port, &network)
        });
        Self { port, network, accepting: Some(accepting) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        self.network.set(Mode::Cut);
    }

    /// Keeps connections open, and accepts new ones, but passes no byte from now on, nor the news that one side has
    /// closed: a cable that was pulled.
    pub(crate) fn stall(&self) {
        self.network.set(Mode::Stall);
    }

    /// Passes everything again. What stalled goes on, with nothing lost; what was cut stays cut.
    pub(crate) fn pass(&self) {
        self.network.set(Mode::Pass);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.set(Mode::Over);
        // Wakes the thread that accepts, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Pass,
    Stall,
    Cut,
    /// As `Cut`, and the threads end.
    Over,
}

/// A connection and its continuation. Both close when both directions have ended.
struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl Pair {
    /// Wakes everybody who waits for bytes of either side.
    fn close(&self) {
        // Either may be closed already.
        drop(self.client.shutdown(Shutdown::Both));
        drop(self.server.shutdown(Shutdown::Both));
    }
}

/// What all threads of a proxy share.
#[derive(Default)]
struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    mode: Mode,
    pairs: Vec<Weak<Pair>>,
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn set(&self, mode: Mode) {
        let mut state = self.state();
        state.mode = mode;
        if matches!(mode, Mode::Cut | Mode::Over) {
            // INVARIANT: closed before a stalled thread can see the new mode, so nothing that stalled slips through.
            for pair in state.pairs.drain(..).filter_map(|pair| pair.upgrade()) {
                pair.close();
            }
        }
        self.changed.notify_all();
    }

    /// Takes a new connection in; `None` when the mode has it closed. Mode and list are under one lock: a cut misses
    /// no connection.
    fn admit(&self, pair: Pair) -> Option<Arc<Pair>> {
        let mut state = self.state();
        if matches!(state.mode, Mode::Cut | Mode::Over) {
            return None;
        }
        let pair = Arc::new(pair);
        state.pairs.retain(|pair| pair.strong_count() > 0);
        state.pairs.push(Arc::downgrade(&pair));
        Some(pair)
    }

    fn wait_while_stalled(&self) {
        let state = self.state();
        drop(self.changed.wait_while(state, |state| state.mode == Mode::Stall).unwrap());
    }
}

/// Accepts connections until it is over, then waits for the threads of each.
fn accept(listener: &TcpListener, target_port: u16, network: &Arc<Network>) {
    let mut pumps: Vec<JoinHandle<()>> = Vec::new();
    while let Ok((client, _)) = listener.accept() {
        let mode = network.state().mode;
        match mode {
            Mode::Over => break,
            Mode::Cut => {}
            Mode::Pass | Mode::Stall => {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target_port))
                    && let Some(pair) = network.admit(Pair { client, server })
                {
                    pumps.retain(|pump| !pump.is_finished());
                    pumps.extend(pump_both_ways(&pair, network));
                }
            }
        }
    }
    for pump in pumps {
        drop(pump.join());
    }
}

fn pump_both_ways(pair: &Arc<Pair>, network: &Arc<Network>) -> [JoinHandle<()>; 2] {
    // Small messages must not wait for one another. Fails only for a connection that is lost already.
    drop(pair.client.set_nodelay(true));
    drop(pair.server.set_nodelay(true));
    let asks = (Arc::clone(pair), Arc::clone(network));
    let answers = asks.clone();
    [
        thread::spawn(move || pump(&asks.0.client, &asks.0.server, &asks.1)),
        thread::spawn(move || pump(&answers.0.server, &answers.0.client, &answers.1)),
    ]
}

/// Carries bytes one way until one side ends, and then says so to the other.
fn pump(mut from: &TcpStream, mut to: &TcpStream, network: &Network) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        // A connection that breaks ends, for whoever is behind the other one.
        let read = from.read(&mut bytes).unwrap_or(0);
        network.wait_while_stalled();
        if read == 0 || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
    drop(from.shutdown(Shutdown::Read));
}
