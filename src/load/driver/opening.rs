//! Opens connections at the start, and those anew that end.

use std::io;

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    io::Errno,
};

use super::{Driver, Loss, MILLISECOND};
use crate::load::{
    LoadError, Plan,
    connection::{Connection, State},
    socket::Socket,
};

/// How long every connection may take to be opened at the start.
const OPENING: u64 = 30_000 * MILLISECOND;
/// How many connections are opened at once at the start; more would overrun the queue of a listener.
const AT_ONCE: usize = 128;

impl Driver<'_> {
    pub(super) fn open_all(&mut self) -> Result<(), LoadError> {
        let failed = |plan: &Plan, error: &io::Error| match error.raw_os_error() {
            Some(code) if Errno::from_raw_os_error(code) == Errno::MFILE => LoadError::System(
                "too few open files for so many connections: raise `ulimit -n`".to_owned(),
            ),
            _ => plan.target.unreachable(error),
        };
        let total = self.plan.connections;
        let mut opening: Vec<usize> = Vec::new();
        while self.connections.len() < total || !opening.is_empty() {
            while self.connections.len() < total && opening.len() < AT_ONCE {
                let index = self.connections.len();
                let mut connection = Connection::new();
                match Socket::connect(&self.plan.target) {
                    Ok(socket) => connection.begin(socket),
                    // The queue of a Unix socket is full: those in it come first.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(failed(self.plan, &error)),
                }
                self.connections.push(connection);
                self.register(index).map_err(|error| failed(self.plan, &error))?;
                opening.push(index);
            }
            let now = self.clock.now();
            if now > OPENING {
                let open = self.connections.len() - opening.len();
                let detail = format!("{open} of {total} connections were accepted within 30 s");
                return Err(self.plan.target.unreachable(&detail));
            }
            self.wait(1)?;
            for event in std::mem::take(&mut self.events) {
                let (index, _) = place(event.data);
                let Some(connection) = self.connections.get_mut(index) else { continue };
                if connection.go_on().map_err(|error| failed(self.plan, &error))? {
                    opening.retain(|other| *other != index);
                    if !self.idle.contains(&index) {
                        self.idle.push_back(index);
                    }
                }
                self.watch(index).map_err(|error| failed(self.plan, &error))?;
            }
        }
        Ok(())
    }

    /// Ends a connection and begins to make it anew.
    pub(super) fn lose(&mut self, index: usize, loss: Loss) {
        let now = self.clock.now();
        let Some(connection) = self.connections.get_mut(index) else { return };
        let mut requests = std::mem::take(&mut connection.in_flight);
        match loss {
            // What the server did not read before it ended the connection is asked again; its time goes on.
            Loss::Polite => self.again.append(&mut requests),
            Loss::Failed(failure, why) => {
                for request in &requests {
                    self.tally.failed(request, failure);
                    self.tally.note(|| why.clone());
                }
            }
        }
        self.tally.reconnected();
        connection.failures = if connection.answers > 0 { 0 } else { connection.failures + 1 };
        let wait = if connection.failures == 0 { 0 } else { backoff(connection.failures) };
        connection.state = State::Down(now + wait);
        self.reopen_at(now + wait);
        self.reopen(now);
    }

    /// Notes that a connection could not be opened.
    pub(super) fn refused(&mut self, index: usize, error: &io::Error) {
        let now = self.clock.now();
        self.tally.refused();
        self.tally.note(|| format!("a connection was not opened: {error}"));
        if let Some(connection) = self.connections.get_mut(index) {
            connection.failures += 1;
            let at = now + backoff(connection.failures);
            connection.state = State::Down(at);
            self.reopen_at(at);
        }
    }

    pub(super) fn reopen_at(&mut self, at: u64) {
        self.reopen = Some(self.reopen.map_or(at, |before| before.min(at)));
    }

    /// Begins to open connections whose time has come.
    pub(super) fn reopen(&mut self, now: u64) {
        if self.reopen.is_none_or(|at| at > now) {
            return;
        }
        self.reopen = None;
        for index in 0..self.connections.len() {
            let Some(connection) = self.connections.get_mut(index) else { continue };
            let State::Down(at) = connection.state else { continue };
            if at > now {
                self.reopen_at(at);
                continue;
            }
            match Socket::connect(&self.plan.target) {
                Ok(socket) => {
                    connection.begin(socket);
                    if let Err(error) = self.register(index) {
                        self.refused(index, &error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.state = State::Down(now + MILLISECOND);
                    self.reopen_at(now + MILLISECOND);
                }
                Err(error) => self.refused(index, &error),
            }
        }
    }

    /// Has events of a new socket told.
    pub(super) fn register(&self, index: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get(index) else { return Ok(()) };
        let Some(socket) = connection.socket() else { return Ok(()) };
        let data = event_data(index, connection.generation);
        Ok(epoll::add(&self.epoll, socket, data, EventFlags::IN | EventFlags::OUT)?)
    }

    /// Has it told when a socket can be written, just as long as something waits to be.
    pub(super) fn watch(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(index) else { return Ok(()) };
        let wants = connection.wants_write();
        if connection.tells_writable == wants {
            return Ok(());
        }
        connection.tells_writable = wants;
        let Some(socket) = connection.socket() else { return Ok(()) };
        let flags = if wants { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, socket, event_data(index, connection.generation), flags)?)
    }
}

/// Returns how long to wait after so many failures in a row.
fn backoff(failures: u32) -> u64 {
    ((5 * MILLISECOND) << failures.min(8)).min(1_000 * MILLISECOND)
}

/// Returns what an event of a socket carries.
const fn event_data(index: usize, generation: u32) -> EventData {
    EventData::new_u64(((generation as u64) << 32) | index as u64)
}

/// Returns index and generation of the connection an event is about.
pub(super) fn place(data: EventData) -> (usize, u32) {
    let (generation, index) = ((data.u64() >> 32), data.u64() & u64::from(u32::MAX));
    (usize::try_from(index).unwrap_or(usize::MAX), u32::try_from(generation).unwrap_or(0))
}
