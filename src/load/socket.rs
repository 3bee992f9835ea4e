//! Sockets that never block: plain ones, and TLS over one.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
};
use rustls::ClientConnection;

use super::target::{Place, Target, Tls};

/// A socket, in the clear or encrypted.
#[derive(Debug)]
pub(super) enum Socket {
    Clear(Stream),
    Tls(Box<ClientConnection>, Stream),
}

/// A stream of bytes of the system.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Clear(Stream::Tcp(stream)) | Self::Tls(_, Stream::Tcp(stream)) => stream.as_fd(),
            Self::Clear(Stream::Unix(stream)) | Self::Tls(_, Stream::Unix(stream)) => {
                stream.as_fd()
            }
        }
    }
}

impl Socket {
    /// Begins to connect. The socket can be written when it is connected, or [`Socket::error`] says why not.
    ///
    /// # Errors
    /// When it is refused at once; `WouldBlock` where a Unix socket has no room for another connection just now.
    pub(super) fn connect(target: &Target) -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let open = |family| socket_with(family, SocketType::STREAM, flags, None);
        let begun = |connected: rustix::io::Result<()>| match connected {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(()),
            Err(error) => Err(error),
        };
        let stream = match &target.place {
            Place::Tcp(address) => {
                let fd: OwnedFd = open(match address {
                    SocketAddr::V4(_) => AddressFamily::INET,
                    SocketAddr::V6(_) => AddressFamily::INET6,
                })?;
                sockopt::set_tcp_nodelay(&fd, true)?;
                begun(connect(&fd, address))?;
                Stream::Tcp(fd.into())
            }
            Place::Unix(path) => {
                let fd = open(AddressFamily::UNIX)?;
                begun(connect(&fd, &SocketAddrUnix::new(path)?))?;
                Stream::Unix(fd.into())
            }
        };
        match &target.tls {
            None => Ok(Self::Clear(stream)),
            Some(tls) => Ok(Self::Tls(Box::new(session(tls)?), stream)),
        }
    }

    /// Returns why the connection did not come about, where it did not.
    pub(super) fn error(&self) -> io::Result<()> {
        Ok(sockopt::socket_error(self)??)
    }

    /// Goes on with agreeing on encryption and returns whether that is done.
    ///
    /// # Errors
    /// When it is refused: for one, the certificate is not trusted.
    pub(super) fn handshake(&mut self) -> io::Result<bool> {
        let Self::Tls(session, stream) = self else { return Ok(true) };
        loop {
            Self::push(session, stream)?;
            if !session.is_handshaking() {
                return Ok(true);
            }
            match session.read_tls(stream) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => Self::process(session, stream)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns whether there are bytes that the other side does not take yet.
    pub(super) fn wants_write(&self) -> bool {
        matches!(self, Self::Tls(session, _) if session.wants_write())
    }

    /// Returns whether a read that did not fill its buffer leaves nothing behind.
    pub(super) const fn is_clear(&self) -> bool {
        matches!(self, Self::Clear(_))
    }

    /// Reads what is there; 0 bytes are the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Tls(session, stream) => loop {
                match session.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Some servers end a connection without saying so in TLS: the length of answers tells what is whole.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                    done => return done,
                }
                let count = session.read_tls(stream)?;
                Self::process(session, stream)?;
                Self::push(session, stream)?;
                if count == 0 {
                    return Ok(0);
                }
            },
        }
    }

    /// Writes as much as goes; what was taken of TLS may still wait, see [`Socket::wants_write`].
    ///
    /// # Errors
    /// `WouldBlock` when nothing goes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(bytes),
            Self::Tls(session, stream) => {
                let count = session.writer().write(bytes)?;
                Self::push(session, stream)?;
                if count == 0 && !bytes.is_empty() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(count)
            }
        }
    }

    /// Writes what waits within TLS.
    ///
    /// # Errors
    /// When the connection is broken; not when the other side takes nothing just now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(_) => Ok(()),
            Self::Tls(session, stream) => Self::push(session, stream),
        }
    }

    fn process(session: &mut ClientConnection, stream: &mut Stream) -> io::Result<()> {
        session.process_new_packets().map(drop).map_err(|error| {
            // What the other side is told of it goes out as far as it does.
            let _ = session.write_tls(stream);
            io::Error::new(io::ErrorKind::InvalidData, error)
        })
    }

    fn push(session: &mut ClientConnection, stream: &mut Stream) -> io::Result<()> {
        while session.wants_write() {
            match session.write_tls(stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn session(tls: &Tls) -> io::Result<ClientConnection> {
    ClientConnection::new(tls.config.clone(), tls.name.clone()).map_err(io::Error::other)
}
