//! One request on a connection of its own, waited for: what is asked before anything is measured.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

use rustls::ClientConnection;

use super::{
    LoadError,
    response::{Head, head},
    target::{Place, Target},
};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Sends one request and returns its answer; every step may take `patience`.
///
/// # Errors
/// [`LoadError::Unreachable`] when there is no whole answer, [`LoadError::Answer`] when it cannot be read.
pub fn ask(target: &Target, request: &[u8], patience: Duration) -> Result<Answer, LoadError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            target.unreachable(&format_args!("no answer within {patience:?}"))
        }
        _ => target.unreachable(&error),
    };
    match &target.place {
        Place::Unix(path) => {
            let stream = UnixStream::connect(path).map_err(failed)?;
            stream.set_read_timeout(Some(patience)).map_err(failed)?;
            stream.set_write_timeout(Some(patience)).map_err(failed)?;
            exchange(target, stream, request, failed)
        }
        Place::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, patience).map_err(failed)?;
            stream.set_read_timeout(Some(patience)).map_err(failed)?;
            stream.set_write_timeout(Some(patience)).map_err(failed)?;
            let Some(tls) = &target.tls else {
                return exchange(target, stream, request, failed);
            };
            let session = ClientConnection::new(tls.config.clone(), tls.name.clone())
                .map_err(|error| target.unreachable(&error))?;
            exchange(target, rustls::StreamOwned::new(session, stream), request, failed)
        }
    }
}

fn exchange(
    target: &Target,
    mut stream: impl Read + Write,
    request: &[u8],
    failed: impl Fn(io::Error) -> LoadError,
) -> Result<Answer, LoadError> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(&failed)?;
    let mut read = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let found = head(&read).map_err(|error| LoadError::Answer {
            target: target.to_string(),
            detail: error.to_string(),
        })?;
        if let Some(Head { status, body, whole, .. }) = found
            && let Some(body) = read.get(body..whole)
        {
            return Ok(Answer { status, body: body.to_vec() });
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Err(target.unreachable(&"the connection ended before the answer")),
            Ok(count) => read.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
