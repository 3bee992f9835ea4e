//! A client that sends exactly the bytes it is told to.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::Value;

use super::server::{DEV_TOKEN, PATIENCE};

/// A request as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: &'a [u8],
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, headers: Vec::new(), body: &[] }
    }

    /// Returns a POST of JSON with the development token.
    pub(crate) fn post(path: &'a str, body: &'a [u8]) -> Self {
        Self { method: "POST", path, headers: Vec::new(), body }
            .with("Content-Type", "application/json")
            .token(DEV_TOKEN)
    }

    pub(crate) fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(named, _)| *named != name);
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.without("Authorization").with("Authorization", format!("Bearer {token}"))
    }

    /// Returns head and body. The length is announced unless the headers say how the body comes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.head();
        out.extend_from_slice(self.body);
        out
    }

    /// Returns the head alone.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            out += &[*name, ": ", value, "\r\n"].concat();
        }
        let framed =
            |(name, _): &(&str, String)| matches!(*name, "Content-Length" | "Transfer-Encoding");
        if self.method != "GET" && !self.headers.iter().any(framed) {
            out += &["Content-Length: ", &self.body.len().to_string(), "\r\n"].concat();
        }
        out.push_str("\r\n");
        out.into_bytes()
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(1_000).collect();
        write!(f, "{} {:?} {body}", self.status, self.headers)
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(named, _)| named.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` twice: {self:?}");
        value
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

enum Wire {
    Tcp(TcpStream),
    Uds(UnixStream),
}

/// A connection on which requests are sent byte by byte as a test wants it, and answers read in order.
pub(crate) struct Connection {
    wire: Wire,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) fn tcp(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { wire: Wire::Tcp(stream), read: Vec::new() }
    }

    pub(crate) fn uds(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { wire: Wire::Uds(stream), read: Vec::new() }
    }

    /// Returns a second handle, to write while answers are read.
    pub(crate) fn writer(&self) -> Box<dyn Write + Send> {
        match &self.wire {
            Wire::Tcp(stream) => Box::new(stream.try_clone().unwrap()),
            Wire::Uds(stream) => Box::new(stream.try_clone().unwrap()),
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other side has closed: a server may answer and close before it has read everything.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.wire {
            Wire::Tcp(stream) => stream.write_all(bytes),
            Wire::Uds(stream) => stream.write_all(bytes),
        }
    }

    /// Says that no more bytes come.
    pub(crate) fn end(&mut self) {
        // The other side may have closed already.
        drop(match &self.wire {
            Wire::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Wire::Uds(stream) => stream.shutdown(Shutdown::Write),
        });
    }

    /// Sends a request and returns its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Answer {
        let pushed = self.push(&request.bytes());
        let answer = self.answer(request.method);
        answer.unwrap_or_else(|error| panic!("no answer: {error}; sending: {pushed:?}"))
    }

    /// Sends the head of a request and returns when the server reads it and waits for the body.
    #[track_caller]
    pub(crate) fn begin(&mut self, request: &Request<'_>) {
        self.push(&request.clone().with("Expect", "100-continue").head()).unwrap();
        assert_eq!(self.answer(request.method).unwrap().status, 100);
    }

    /// Reads the next answer, which may be that the server waits for the body.
    ///
    /// # Errors
    /// When the connection ends before a whole answer; a hang is [`io::ErrorKind::WouldBlock`].
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status: status.parse().unwrap(), headers, body: Vec::new() };
        if answer.status == 100 {
            return Ok(answer);
        }
        assert_eq!(answer.header("transfer-encoding"), None, "answers have a known length");
        let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        if method != "HEAD" {
            while self.read.len() < length {
                self.more()?;
            }
            answer.body = self.read.drain(..length).collect();
        }
        Ok(answer)
    }

    /// Asserts that nothing more comes and the other side closes.
    #[track_caller]
    pub(crate) fn assert_closed(&mut self) {
        let closed = self.more().unwrap_err();
        let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&closed.kind()), "{closed}");
        assert!(self.read.is_empty(), "{:?}", String::from_utf8_lossy(&self.read));
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        let count = match &mut self.wire {
            Wire::Tcp(stream) => stream.read(&mut buffer),
            Wire::Uds(stream) => stream.read(&mut buffer),
        }?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read.extend_from_slice(&buffer[..count]);
        Ok(())
    }
}
