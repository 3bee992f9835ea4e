//! One keep-alive connection: what is written, what is in flight, what was read.

use std::{collections::VecDeque, io};

use super::{
    response::{Head, Malformed, head},
    socket::Socket,
};

/// A request in flight. Times are nanoseconds since the start of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// Which of the prepared requests it is.
    pub(super) request: usize,
    pub(super) due: u64,
    pub(super) at: u64,
}

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum State {
    /// There is none; it is to be opened at that time.
    Down(u64),
    Opening(Socket),
    Open(Socket),
}

/// A connection that is made anew when it ends.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) state: State,
    pub(super) in_flight: VecDeque<Sent>,
    /// Tells events of this socket from those of the one before.
    pub(super) generation: u32,
    /// Whether the other side has accepted it.
    is_connected: bool,
    /// Whether it is asked to tell when it can be written.
    pub(super) tells_writable: bool,
    /// Whether it stands among those that take more requests.
    pub(super) has_room: bool,
    /// Answers on this socket.
    pub(super) answers: u64,
    /// Failures to open it, or to get one answer, in a row.
    pub(super) failures: u32,
    out: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    head: Option<Head>,
}

/// What a read brought.
pub(super) enum Read {
    /// Nothing more just now.
    Waiting,
    /// That many bytes, and perhaps more to read.
    Bytes { count: usize, may_be_more: bool },
    /// The other side has ended the connection.
    End,
}

impl Connection {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Down(0),
            in_flight: VecDeque::new(),
            generation: 0,
            is_connected: false,
            tells_writable: false,
            has_room: false,
            answers: 0,
            failures: 0,
            out: Vec::new(),
            written: 0,
            input: Vec::new(),
            head: None,
        }
    }

    /// Takes a socket that is being connected.
    pub(super) fn begin(&mut self, socket: Socket) {
        self.generation = self.generation.wrapping_add(1);
        self.state = State::Opening(socket);
        self.answers = 0;
        self.out.clear();
        self.written = 0;
        self.input.clear();
        self.head = None;
        // A socket that is being connected tells when it is.
        self.is_connected = false;
        self.tells_writable = true;
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) const fn socket(&self) -> Option<&Socket> {
        match &self.state {
            State::Down(_) => None,
            State::Opening(socket) | State::Open(socket) => Some(socket),
        }
    }

    /// Goes on with opening and returns whether it is open now.
    ///
    /// # Errors
    /// Why it is not opened.
    pub(super) fn go_on(&mut self) -> io::Result<bool> {
        let State::Opening(socket) = &mut self.state else { return Ok(self.is_open()) };
        socket.error()?;
        self.is_connected = true;
        if !socket.handshake()? {
            return Ok(false);
        }
        if let State::Opening(socket) = std::mem::replace(&mut self.state, State::Down(0)) {
            self.state = State::Open(socket);
        }
        self.failures = 0;
        Ok(true)
    }

    /// Adds a request to what is to be written.
    pub(super) fn push(&mut self, bytes: &[u8], sent: Sent) {
        self.out.extend_from_slice(bytes);
        self.in_flight.push_back(sent);
    }

    /// Writes what goes.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let State::Open(socket) = &mut self.state else { return Ok(()) };
        socket.flush()?;
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            match socket.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Returns whether something waits to be written, or to be connected.
    pub(super) fn wants_write(&self) -> bool {
        !self.is_connected || !self.out.is_empty() || self.socket().is_some_and(Socket::wants_write)
    }

    /// Reads once.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read> {
        let State::Open(socket) = &mut self.state else { return Ok(Read::Waiting) };
        match socket.read(buffer) {
            Ok(0) => Ok(Read::End),
            Ok(count) => {
                let may_be_more = count == buffer.len() || !socket.is_clear();
                Ok(Read::Bytes { count, may_be_more })
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(Read::Waiting)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what was read before and is no whole answer yet, with `bytes` after it; takes it out.
    pub(super) fn join(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.input.is_empty() {
            return None;
        }
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        Some(input)
    }

    /// Keeps what is no whole answer yet. `used` is a buffer that may be used for it, which ends with it.
    pub(super) fn keep(&mut self, used: Option<Vec<u8>>, bytes: &[u8], from: usize) {
        match used {
            Some(mut used) => {
                used.drain(..from.min(used.len()));
                self.input = used;
            }
            None => self.input.extend_from_slice(bytes.get(from..).unwrap_or_default()),
        }
    }

    /// Returns the next answer in `bytes` from `start` on; `None` while it is not whole.
    ///
    /// # Errors
    /// When what is there is no answer.
    pub(super) fn next_answer(
        &mut self,
        bytes: &[u8],
        start: usize,
    ) -> Result<Option<Head>, Malformed> {
        let rest = bytes.get(start..).unwrap_or_default();
        let found = match self.head.take() {
            Some(head) => head,
            None => match head(rest)? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        if rest.len() < found.whole {
            self.head = Some(found);
            return Ok(None);
        }
        Ok(Some(found))
    }
}
