//! Writes the answers of several connections one behind the other.
//!
//! Writing to somebody who waits wakes them, which costs more than a decision; who has nothing to read a moment later waits again, and
//! the next answer wakes once more. So an answer is held until the other connections that have something to read have had their
//! turn, and all are written then: at most [`MOST`], and before more is read and written than [`MANY`] bytes, or anything is done that may
//! take longer.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many answers are held at most: about as many connections as have their turn before others, timers and new connections have
/// theirs. A look-up takes microseconds, so that the first of them waits for a fraction of a millisecond.
const MOST: usize = 64;
/// Longest answer that is held, in bytes: one to a hundred requests or so.
const LONG: usize = 16 * 1024;
/// How many bytes are read of batches and written of answers at most while some are held: about a third of a millisecond's work.
const MANY: usize = 160 * 1024;
/// How much room a connection keeps for what is held, in bytes.
const ROOM: usize = 2 * 1024;

/// A connection, and the answer on it that is not written yet.
pub(super) struct Outlet<T>(RefCell<Inner<T>>);

struct Inner<T> {
    io: T,
    unwritten: Vec<u8>,
    /// Whether it is written with others.
    is_waiting: bool,
    /// Whether the other side was too slow, so that the task of the connection is to go on with it.
    is_stuck: bool,
    /// What went wrong while others were written.
    failed: Option<io::Error>,
    /// The task of the connection.
    task: Option<Waker>,
}

impl<T> Outlet<T> {
    pub(super) fn new(io: T) -> Self {
        Self(RefCell::new(Inner {
            io,
            unwritten: Vec::new(),
            is_waiting: false,
            is_stuck: false,
            failed: None,
            task: None,
        }))
    }

    pub(super) fn with_io<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.borrow().io)
    }
}

impl<T: AsyncRead + Unpin> Outlet<T> {
    pub(super) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        inner.sound()?;
        Pin::new(&mut inner.io).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin + 'static> Outlet<T> {
    pub(super) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.len() > LONG {
            write_held();
        }
        let mut inner = self.0.borrow_mut();
        inner.sound()?;
        if bytes.len().max(inner.unwritten.len()) > LONG {
            ready!(inner.poll_unwritten(context))?;
            return Pin::new(&mut inner.io).poll_write(context, bytes);
        }
        inner.unwritten.extend_from_slice(bytes);
        WAITING.with(|waiting| waiting.spent.update(|spent| spent + bytes.len()));
        Poll::Ready(Ok(bytes.len()))
    }

    /// Lets what is held be written with others; what is not held, or was too much for the other side, is written now.
    pub(super) fn poll_flush(self: &Rc<Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        inner.sound()?;
        if inner.unwritten.is_empty() || inner.is_stuck {
            ready!(inner.poll_unwritten(context))?;
            return Pin::new(&mut inner.io).poll_flush(context);
        }
        if !inner.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            inner.task = Some(context.waker().clone());
        }
        let is_new = !std::mem::replace(&mut inner.is_waiting, true);
        drop(inner);
        WAITING.with(|waiting| {
            if is_new {
                waiting.add(self.clone());
            }
            waiting.write_if_much();
        });
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        inner.sound()?;
        ready!(inner.poll_unwritten(context))?;
        Pin::new(&mut inner.io).poll_shutdown(context)
    }
}

impl<T> Inner<T> {
    fn sound(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl<T: AsyncWrite + Unpin> Inner<T> {
    /// Writes what is held.
    fn poll_unwritten(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        while let Some(rest) = self.unwritten.get(written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.io).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.unwritten.drain(..written);
                    return Poll::Pending;
                }
            }
        }
        self.unwritten.clear();
        self.unwritten.shrink_to(ROOM);
        self.is_stuck = false;
        Poll::Ready(Ok(()))
    }
}

/// Something with an answer to write.
trait Unwritten {
    fn write(&self);
}

impl<T: AsyncWrite + Unpin> Unwritten for Outlet<T> {
    fn write(&self) {
        let mut inner = self.0.borrow_mut();
        inner.is_waiting = false;
        // Where this cannot go on, the task of the connection does, and waits by itself.
        let mut context = Context::from_waker(Waker::noop());
        let written = match inner.poll_unwritten(&mut context) {
            Poll::Ready(Ok(())) => Pin::new(&mut inner.io).poll_flush(&mut context),
            other => other,
        };
        match written {
            Poll::Ready(Ok(())) => return,
            Poll::Ready(Err(error)) => inner.failed = Some(error),
            Poll::Pending => inner.is_stuck = true,
        }
        if let Some(task) = inner.task.take() {
            task.wake();
        }
    }
}

thread_local! {
    /// The answers of this thread that are to be written.
    static WAITING: Waiting = Waiting::default();
}

/// Writes all answers of this thread that are held, for what comes next may take its time.
pub(super) fn write_held() {
    WAITING.with(Waiting::write);
}

/// Takes note that a batch of so many bytes is about to be read, and writes what is held first where it would be held too long.
pub(super) fn spend(bytes: usize) {
    WAITING.with(|waiting| {
        let spent = waiting.spent.get() + bytes;
        waiting.spent.set(spent);
        if spent >= MANY {
            waiting.write();
        }
    });
}

#[derive(Default)]
struct Waiting {
    outlets: RefCell<Vec<Rc<dyn Unwritten>>>,
    /// Bytes that were read and written since the last were written.
    spent: Cell<usize>,
    /// Whether there is a task that writes, which has its turn behind the connections.
    has_writer: Cell<bool>,
    writer: RefCell<Option<Waker>>,
}

impl Waiting {
    fn add(&self, outlet: Rc<dyn Unwritten>) {
        let mut outlets = self.outlets.borrow_mut();
        outlets.push(outlet);
        let count = outlets.len();
        drop(outlets);
        if count > 1 {
            // The first has called the writer.
        } else if self.has_writer.replace(true) {
            // One that has no waker yet is about to have its first turn.
            if let Some(writer) = &*self.writer.borrow() {
                writer.wake_by_ref();
            }
        } else {
            tokio::task::spawn_local(Writer);
        }
    }

    fn write_if_much(&self) {
        if self.spent.get() >= MANY || self.outlets.borrow().len() >= MOST {
            self.write();
        }
    }

    fn write(&self) {
        self.spent.set(0);
        self.outlets.borrow_mut().drain(..).for_each(|outlet| outlet.write());
    }
}

/// Writes whenever it has its turn.
struct Writer;

impl Future for Writer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        WAITING.with(|waiting| {
            let mut writer = waiting.writer.borrow_mut();
            if !writer.as_ref().is_some_and(|writer| writer.will_wake(context.waker())) {
                *writer = Some(context.waker().clone());
            }
            drop(writer);
            waiting.write();
        });
        Poll::Pending
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // With the thread all of it ends.
        let _ = WAITING.try_with(|waiting| {
            waiting.has_writer.set(false);
            waiting.writer.take();
            waiting.outlets.take();
            waiting.spent.set(0);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{
        io::{AsyncReadExt as _, DuplexStream, duplex},
        task::{LocalSet, spawn_local, yield_now},
    };

    use super::*;

    type Made = (Rc<Outlet<DuplexStream>>, DuplexStream);

    fn connections(count: usize, room: usize) -> Vec<Made> {
        let made = |_| {
            let (io, other) = duplex(room);
            (Rc::new(Outlet::new(io)), other)
        };
        (0..count).map(made).collect()
    }

    /// Says an answer as a connection does.
    async fn say(outlet: &Rc<Outlet<DuplexStream>>, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = poll_fn(|context| outlet.poll_write(context, bytes)).await?;
            bytes = &bytes[taken..];
        }
        poll_fn(|context| outlet.poll_flush(context)).await
    }

    /// Returns what has come, without waiting.
    fn come(other: &mut DuplexStream) -> usize {
        let (mut room, mut context) = ([0; 64], Context::from_waker(Waker::noop()));
        let mut room = ReadBuf::new(&mut room);
        match Pin::new(other).poll_read(&mut context, &mut room) {
            Poll::Ready(read) => read.map(|()| room.filled().len()).unwrap(),
            Poll::Pending => 0,
        }
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn answers_are_written_when_all_have_had_their_turn() {
        run(async {
            let mut made = connections(3, 64);
            for _ in 0..2 {
                for (outlet, _) in &made {
                    say(outlet, b"answer").await.unwrap();
                }
                assert!(made.iter_mut().all(|(_, other)| come(other) == 0));
                yield_now().await;
                assert!(made.iter_mut().all(|(_, other)| come(other) == 6));
            }
            let [(first, other), ..] = &mut *made else { panic!("three") };
            say(first, b"answer").await.unwrap();
            write_held();
            assert_eq!(come(other), 6);
        });
    }

    #[test]
    fn so_many_are_written_at_once() {
        run(async {
            let mut made = connections(MOST + 1, 64);
            for (outlet, _) in &made {
                say(outlet, b"answer").await.unwrap();
            }
            let come: Vec<usize> = made.iter_mut().map(|(_, other)| come(other)).collect();
            assert_eq!(come, [vec![6; MOST], vec![0]].concat());
        });
    }

    #[test]
    fn so_many_bytes_are_written_at_once() {
        run(async {
            let mut made = connections(MANY / LONG + 1, 2 * LONG);
            for (outlet, _) in &made {
                say(outlet, &[b'x'; LONG]).await.unwrap();
                assert!(outlet.0.borrow().unwritten.capacity() <= LONG.next_power_of_two());
            }
            let unwritten: Vec<usize> =
                made.iter().map(|(outlet, _)| outlet.0.borrow().unwritten.len()).collect();
            assert_eq!(unwritten, [vec![0; MANY / LONG], vec![LONG]].concat());
            let (first, other) = made.first_mut().unwrap();
            assert_eq!(come(other), 64);
            assert!(first.0.borrow().unwritten.capacity() <= ROOM);
        });
    }

    #[test]
    fn nothing_is_held_while_much_is_done_for_others() {
        run(async {
            let mut made = connections(2, 2 * LONG);
            let [(first, other), (second, _)] = &mut *made else { panic!("two") };
            say(first, b"answer").await.unwrap();
            spend(MANY - b"answer".len() - 1);
            assert_eq!(come(other), 0);
            spend(1);
            assert_eq!(come(other), 6);
            say(first, b"answer").await.unwrap();
            say(second, &vec![b'x'; LONG + 1]).await.unwrap();
            assert_eq!(come(other), 6);
        });
    }

    #[test]
    fn long_answers_are_written_at_once_behind_what_is_held() {
        run(async {
            let mut made = connections(1, 3 * LONG);
            let [(outlet, other)] = &mut *made else { panic!("one") };
            say(outlet, b"short").await.unwrap();
            let long = vec![b'x'; LONG + 1];
            say(outlet, &long).await.unwrap();
            let mut all = vec![0; LONG + 6];
            other.read_exact(&mut all).await.unwrap();
            assert_eq!(all, [&b"short"[..], &long].concat());
        });
    }

    #[test]
    fn nothing_is_lost_where_the_other_side_is_slow() {
        run(async {
            let (outlet, mut other) = connections(1, 16).pop().unwrap();
            let writing = spawn_local(async move {
                for number in 0_u8..100 {
                    say(&outlet, &[number; 50]).await.unwrap();
                }
                poll_fn(|context| outlet.poll_shutdown(context)).await.unwrap();
            });
            let mut all = Vec::new();
            other.read_to_end(&mut all).await.unwrap();
            writing.await.unwrap();
            let expected: Vec<u8> = (0..100).flat_map(|number| [number; 50]).collect();
            assert_eq!(all, expected);
        });
    }

    #[test]
    fn what_went_wrong_is_told_to_the_connection() {
        run(async {
            let (outlet, other) = connections(1, 64).pop().unwrap();
            drop(other);
            say(&outlet, b"answer").await.unwrap();
            write_held();
            let told = say(&outlet, b"answer").await.unwrap_err();
            assert_eq!(told.kind(), io::ErrorKind::BrokenPipe);
        });
    }

    #[test]
    fn an_answer_is_written_though_its_connection_is_gone() {
        run(async {
            let (outlet, mut other) = connections(1, 64).pop().unwrap();
            say(&outlet, b"answer").await.unwrap();
            drop(outlet);
            let mut all = Vec::new();
            other.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, b"answer");
        });
    }
}
