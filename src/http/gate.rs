//! Lets the requests of a connection through one at a time, the next when the last is answered.
//!
//! Callers may send requests without waiting for answers. The HTTP library reads ahead as far as it can, and what it then does
//! is wrong in three ways: it says `Connection: close` for a request whose successor is on its way, it waits for more when
//! sixteen are queued and the first of them was not answered at once, and it goes on after the last request a connection may
//! bring. So it is not shown what it should not read yet. Bytes are held back, never changed: where a request ends is judged here
//! only to know when to stop, and whatever is doubtful passes as it is, for the library to refuse.

use std::{
    cell::Cell,
    io,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use actix_web::web::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outlet::Outlet;

/// How much of what comes too early is taken from the system, in bytes; the rest waits there.
const HELD: usize = 16 * 1024;
/// Longest head that is looked at, in bytes; the library refuses longer ones.
const HEAD: usize = 128 * 1024;

/// How many bytes are read and dropped at a time where nothing is wanted any more, in reads.
const DROPPED: usize = 16;

/// What became of the request that was let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Passed {
    #[default]
    Unanswered,
    Answered,
    /// It is answered, and nothing may follow it.
    Last,
}

/// Tells a gate what became of the request that it let through.
#[derive(Default)]
pub(super) struct Flow {
    passed: Cell<Passed>,
    waiting: Cell<Option<Waker>>,
    /// Whether the caller has closed its side while a request is answered.
    has_left: Cell<bool>,
}

impl Flow {
    /// Returns whether the caller has closed its side: it may still read, or be gone.
    pub(super) fn has_left(&self) -> bool {
        self.has_left.get()
    }

    /// Says that the request is answered, and whether another may follow.
    pub(super) fn answered(&self, goes_on: bool) {
        self.passed.set(if goes_on { Passed::Answered } else { Passed::Last });
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

/// A connection behind a gate.
pub(super) struct Gate<T> {
    outlet: Rc<Outlet<T>>,
    flow: Rc<Flow>,
    place: Place,
    /// What came before its time.
    held: BytesMut,
    has_ended: bool,
}

impl<T> Gate<T> {
    pub(super) fn new(io: T) -> Self {
        let (flow, place) = (Rc::default(), Place::default());
        let outlet = Rc::new(Outlet::new(io));
        Self { outlet, flow, place, held: BytesMut::new(), has_ended: false }
    }

    pub(super) fn with_io<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        self.outlet.with_io(look)
    }

    pub(super) const fn flow(&self) -> &Rc<Flow> {
        &self.flow
    }
}

impl<T: AsyncRead + Unpin> Gate<T> {
    /// Looks what comes while a request is being answered: its end is told at once, other things are held.
    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.has_ended && self.held.len() < HELD {
            match self.poll_some(context) {
                Poll::Ready(read) => read?,
                // Whoever waits is woken when something comes.
                Poll::Pending if self.held.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        if self.has_ended && self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.flow.waiting.set(Some(context.waker().clone()));
        Poll::Pending
    }

    /// Reads what nobody wants, so that the last answer is not lost when the connection is closed.
    fn poll_dropped(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..DROPPED {
            self.held.clear();
            if self.has_ended {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_some(context))?;
        }
        // Others have their turn.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads something and holds it.
    fn poll_some(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [const { MaybeUninit::uninit() }; 4096];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(self.outlet.poll_read(context, &mut room))?;
        self.has_ended = room.filled().is_empty();
        self.flow.has_left.set(self.has_ended);
        self.held.extend_from_slice(room.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gate<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let passed = this.flow.passed.get();
        if passed == Passed::Last && this.place == Place::Lost {
            return this.poll_dropped(context);
        }
        if this.place.is_end() {
            match passed {
                Passed::Unanswered => return this.poll_held(context),
                Passed::Last => return this.poll_dropped(context),
                Passed::Answered => {
                    this.flow.passed.set(Passed::Unanswered);
                    this.place = Place::default();
                }
            }
        }
        let begun = buffer.filled().len();
        if this.held.is_empty() {
            if this.has_ended {
                return Poll::Ready(Ok(()));
            }
            ready!(this.outlet.poll_read(context, buffer))?;
            let came = buffer.filled().get(begun..).unwrap_or_default();
            let taken = this.place.pass(came);
            this.held.extend_from_slice(came.get(taken..).unwrap_or_default());
            buffer.set_filled(begun + taken);
        } else {
            let most = this.held.len().min(buffer.remaining());
            let taken = this.place.pass(this.held.get(..most).unwrap_or_default());
            buffer.put_slice(this.held.get(..taken).unwrap_or_default());
            this.held.advance(taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> AsyncWrite for Gate<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outlet.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.outlet.poll_shutdown(context))?;
        if self.flow.passed.get() == Passed::Last {
            // Closing with something unread would take back what the other side has not read: so that is read until there is no
            // more, for as long as the library waits.
            return self.poll_dropped(context);
        }
        Poll::Ready(Ok(()))
    }
}

/// Where in a request the bytes are that come next.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In its head.
    Head(Head),
    /// In its body, of which so much is left.
    Body(u64),
    /// In the line before a chunk: its size as far as it came, and whether the number is over.
    Size(u64, bool),
    /// In a chunk, of which so much is left, or in the line break behind it.
    Chunk(u64),
    /// In the lines behind the last chunk: whether the present one has something in it.
    Trailer(bool),
    /// Behind it.
    End,
    /// Nobody knows.
    Lost,
}

impl Default for Place {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Place {
    const fn is_end(&self) -> bool {
        matches!(self, Self::End)
    }

    /// Passes bytes, and returns how many of them are of this request.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first() {
            match self {
                Self::End => break,
                Self::Lost => return bytes.len(),
                Self::Head(head) => {
                    let Some((next, length)) = head.pass(rest) else { return bytes.len() };
                    rest = rest.get(length..).unwrap_or_default();
                    *self = next;
                }
                Self::Body(left) => {
                    let now = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= now as u64;
                    if *left == 0 {
                        *self = Self::End;
                    }
                    rest = rest.get(now..).unwrap_or_default();
                }
                Self::Chunk(left) => {
                    let now = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= now as u64;
                    rest = rest.get(now..).unwrap_or_default();
                    if *left == 0
                        && let Some((line_end, behind)) = rest.split_first()
                    {
                        rest = behind;
                        match line_end {
                            b'\r' => {}
                            b'\n' => *self = Self::Size(0, false),
                            _ => *self = Self::Lost,
                        }
                    }
                }
                Self::Size(size, is_over) => {
                    rest = behind;
                    let digit = char::from(*first).to_digit(16).filter(|_| !*is_over);
                    let next = digit.map(|digit| {
                        size.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)))
                    });
                    match (next, first) {
                        (Some(Some(next)), _) => *size = next,
                        (Some(None), _) => *self = Self::Lost,
                        (None, b'\n') if *size == 0 => *self = Self::Trailer(false),
                        (None, b'\n') => *self = Self::Chunk(*size),
                        (None, _) => *is_over = true,
                    }
                }
                Self::Trailer(has_text) => {
                    rest = behind;
                    match first {
                        b'\n' if !*has_text => *self = Self::End,
                        b'\n' => *has_text = false,
                        b'\r' => {}
                        _ => *has_text = true,
                    }
                }
            }
        }
        bytes.len() - rest.len()
    }
}

/// What is known of a head as far as it came. Every byte of it is looked at once, however slowly they come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    /// The line that is not whole yet.
    line: Vec<u8>,
    size: usize,
    lines: usize,
    length: Option<u64>,
    is_chunked: bool,
    is_doubtful: bool,
}

impl Head {
    /// Passes bytes, and returns what follows the head and how many of them are of it, once it is whole.
    fn pass(&mut self, bytes: &[u8]) -> Option<(Place, usize)> {
        let mut begun = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let part = bytes.get(begun..end).unwrap_or_default();
            begun = end + 1;
            let has_ended = if self.line.is_empty() {
                self.pass_line(part)
            } else {
                self.line.extend_from_slice(part);
                let line = std::mem::take(&mut self.line);
                self.pass_line(&line)
            };
            if has_ended {
                return Some((self.next(), begun));
            }
        }
        self.line.extend_from_slice(bytes.get(begun..).unwrap_or_default());
        self.size += bytes.len();
        (self.size > HEAD).then_some((Place::Lost, bytes.len()))
    }

    /// Passes a line, and returns whether it is the empty one behind the head.
    fn pass_line(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            // Empty lines may stand before a request.
            return self.lines > 0;
        }
        self.lines += 1;
        if let Some(value) = value_of(line, b"content-length:") {
            let stated = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.is_doubtful |= self.length.is_some() || stated.is_none();
            self.length = stated;
        } else if let Some(value) = value_of(line, b"transfer-encoding:") {
            self.is_doubtful |= self.is_chunked || !value.eq_ignore_ascii_case(b"chunked");
            self.is_chunked = true;
        }
        false
    }

    fn next(&self) -> Place {
        match (self.length, self.is_chunked) {
            _ if self.is_doubtful => Place::Lost,
            (None, true) => Place::Size(0, false),
            (Some(0) | None, false) => Place::End,
            (Some(length), false) => Place::Body(length),
            (Some(_), true) => Place::Lost,
        }
    }
}

fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    // Most lines are others: their first letter tells.
    if !line.first()?.eq_ignore_ascii_case(name.first()?) {
        return None;
    }
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Requests, and after which of them it is not known where the next one begins.
    const REQUESTS: [&str; 8] = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\nPOST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
        "POST / HTTP/1.1\r\nhost: a\r\nCONTENT-LENGTH:  12 \r\n\r\n\r\n\r\nGET / HT",
        "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 1\r\nx: y\r\n\r\n!",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n\
         1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n2\r\n\r\n\r\n00\r\nTrailer: x\r\n\r\n",
        "DELETE /a HTTP/1.0\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
    ];

    #[test]
    fn doubtful_ones_pass_with_all_that_follows() {
        for doubtful in [
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: one\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            let bytes = [doubtful, REQUESTS[0]].concat();
            let mut place = Place::default();
            assert_eq!(place.pass(bytes.as_bytes()), bytes.len(), "{doubtful:?}");
            assert_eq!(place, Place::Lost, "{doubtful:?}");
        }
        let mut place = Place::default();
        assert_eq!(place.pass(&vec![b'x'; HEAD + 1]), HEAD + 1);
        assert_eq!(place, Place::Lost);
    }

    proptest! {
        #[test]
        fn a_request_ends_where_it_ends_however_it_is_cut(
            number in 0..REQUESTS.len(), next in 0..REQUESTS.len(),
            cuts in prop::collection::vec(0..200_usize, 0..8),
        ) {
            let request = REQUESTS[number].as_bytes();
            let bytes = [request, REQUESTS[next].as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let (mut place, mut passed) = (Place::default(), 0);
            for pair in cuts.windows(2) {
                let part = &bytes[pair[0]..pair[1]];
                let now = place.pass(part);
                passed += now;
                if now < part.len() {
                    break;
                }
            }
            prop_assert!(place.is_end());
            prop_assert_eq!(passed, request.len());
        }
    }
}
