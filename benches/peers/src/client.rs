//! The load: a closed loop over keep-alive connections, every one with one request in flight.
//!
//! Requests are bytes made before; of an answer the status and the end are read, nothing more. It reads bodies with a length
//! and chunked ones, and is no HTTP client beyond that.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::servers::Process;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests that are sent in turn, as bytes.
pub(crate) type Requests = Arc<[Vec<u8>]>;

/// What a round came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Microseconds half of the requests took at most.
    pub(crate) p50: f64,
    /// Microseconds 99 of 100 requests took at most.
    pub(crate) p99: f64,
    /// The share of its core the server was busy; where it is below 1, other work had the rest or the client was too slow.
    pub(crate) server: f64,
    /// The share of its core this client was busy; where it is near 1, the client was measured and not the server.
    pub(crate) client: f64,
}

impl Round {
    /// Returns the microseconds of its core that a request took.
    pub(crate) fn cost(&self) -> f64 {
        self.server / self.rate * 1e6
    }
}

/// Returns a request as bytes.
pub(crate) fn post(path: &str, header: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{header}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body of the last answer is in the buffer.
    head: usize,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(64 * 1024), head: 0 })
    }

    /// Sends a request and reads its answer whole.
    ///
    /// # Errors
    /// A status other than 200, with the answer; a connection that ends.
    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        if !self.ask(request).await? {
            *self = Self::open(self.address).await?;
        }
        Ok(())
    }

    /// Sends a request and returns the body of its answer.
    ///
    /// # Errors
    /// As [`Self::exchange`]; no answer for 20 s; a body that is not text.
    pub(crate) async fn body(&mut self, request: &[u8]) -> anyhow::Result<String> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(request)).await;
        let goes_on = asked.context("no answer for 20 s")??;
        let (head, body) = self.buffer.split_at_checked(self.head).unwrap_or_default();
        let body = match Head::read(head)?.length {
            Some(_) => body.to_vec(),
            None => chunks(body)?.context("an answer without its end")?,
        };
        if !goes_on {
            *self = Self::open(self.address).await?;
        }
        Ok(String::from_utf8(body)?)
    }

    /// Returns whether the connection goes on.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut head: Option<Head> = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            if head.is_none() {
                let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") else {
                    continue;
                };
                self.head = end + 4;
                head = Some(Head::read(self.buffer.get(..self.head).unwrap_or_default())?);
            }
            let Some(head) = &head else { continue };
            let body = self.buffer.get(self.head..).unwrap_or_default();
            let is_whole = match head.length {
                Some(length) => body.len() >= length,
                // What ends otherwise is no last chunk; whether it is one is looked at then.
                None => body.ends_with(b"0\r\n\r\n") && chunks(body)?.is_some(),
            };
            if is_whole {
                if head.status != 200 {
                    bail!("answered {}: {}", head.status, String::from_utf8_lossy(body));
                }
                return Ok(!head.closes);
            }
        }
    }
}

/// What matters of the head of an answer.
struct Head {
    status: u16,
    /// The length of the body; `None` when it comes in chunks.
    length: Option<usize>,
    closes: bool,
}

impl Head {
    fn read(head: &[u8]) -> anyhow::Result<Self> {
        let text = std::str::from_utf8(head)?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let status = status.parse().context("an answer without a status")?;
        let (mut length, mut chunked, mut closes) = (None, false, false);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            }
        }
        if length.is_none() && !chunked {
            bail!("an answer of unknown length: {text}");
        }
        Ok(Self { status, length, closes })
    }
}

/// Returns what a chunked body holds; `None` while its end is missing.
fn chunks(mut rest: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let Some(line) = rest.windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(rest.get(..line).unwrap_or_default())?;
        let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { return Ok(None) };
        let Some(after) = rest.get(line + 4 + size..) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        rest = after;
    }
}

/// Keeps `connections` to a server busy for `time` and returns what that came to.
///
/// # Errors
/// Any answer that is not 200: a round with errors is no measurement.
pub(crate) async fn round(
    server: &Process,
    requests: &Requests,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Round> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(server.address).await?);
    }
    let (started, own, theirs) = (Instant::now(), busy(), server.busy()?);
    let until = started + time;
    let mut tasks = JoinSet::new();
    for (number, mut connection) in open.into_iter().enumerate() {
        let requests = requests.clone();
        // Each begins elsewhere, so that not all ask the same at once.
        let begin = number * requests.len() / connections;
        tasks.spawn(async move {
            let mut took = Vec::with_capacity(16 * 1024);
            for request in requests.iter().cycle().skip(begin) {
                let sent = Instant::now();
                if sent >= until {
                    break;
                }
                connection.exchange(request).await?;
                took.push(sent.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let ended = async {
        let mut took = Vec::new();
        while let Some(task) = tasks.join_next().await {
            took.extend(task??);
        }
        anyhow::Ok(took)
    };
    let ended = tokio::time::timeout(time + PATIENCE, ended).await;
    let mut took = ended.context("no answer for 20 s")??;
    let elapsed = started.elapsed().as_secs_f64();
    let (own, theirs) = (busy() - own, server.busy()? - theirs);
    took.sort_unstable();
    let at = |of_1000: usize| {
        let index = (took.len() * of_1000 / 1000).min(took.len().saturating_sub(1));
        took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    let count = f64::from(u32::try_from(took.len())?);
    Ok(Round {
        rate: count / elapsed,
        p50: at(500),
        p99: at(990),
        server: theirs / elapsed,
        client: own / elapsed,
    })
}

/// Returns the seconds this process has used its core.
fn busy() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let used = Duration::try_from(time).unwrap_or_default();
    used.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_ends_with_its_last_chunk() {
        let body = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(chunks(body).unwrap(), Some(b"hello!".to_vec()));
        for end in 0..body.len() {
            assert_eq!(chunks(&body[..end]).unwrap(), None, "{end}");
        }
        // A chunk may hold what looks like the end.
        assert_eq!(chunks(b"7\r\nab0\r\n\r\n\r\n").unwrap(), None);
    }

    #[test]
    fn a_head_tells_length_and_end_of_the_connection() {
        let head =
            Head::read(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nConnection: close\r\n\r\n");
        let head = head.unwrap();
        assert_eq!((head.status, head.length, head.closes), (200, Some(12), true));
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
