//! The loop of a run: sends what is due, waits for what comes, opens what was closed.

mod opening;

use std::{collections::VecDeque, os::fd::OwnedFd, sync::atomic::Ordering};

use rustix::{
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventFlags},
    },
    io::Errno,
};

use opening::place;

use super::{
    LoadError, Pace, Plan, Progress, Report,
    clock::{Clock, nanos},
    connection::{Connection, Read, Sent, State},
    schedule::Schedule,
    tally::{Failure, Tally},
};

const MILLISECOND: u64 = 1_000_000;
/// A wait shorter than this is spent looking: the system wakes a sleeper some tens of microseconds late.
const LOOK: u64 = 1_200_000;
/// How often progress is told.
const TELL: u64 = 250 * MILLISECOND;
/// Bytes of one read.
const BUFFER: usize = 64 * 1024;
const ENDED: &str = "the server ended the connection before it answered";

/// A run.
pub(super) struct Driver<'r> {
    plan: &'r Plan,
    requests: &'r [Vec<u8>],
    clock: Clock,
    epoll: OwnedFd,
    events: Vec<Event>,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    /// Connections without a request in flight, the one that has waited longest first.
    idle: VecDeque<usize>,
    /// Connections with requests in flight that take more.
    room: VecDeque<usize>,
    /// Requests whose connection the server ended before it read them.
    again: VecDeque<Sent>,
    /// When a connection that is down is to be opened; `None` when none is.
    reopen: Option<u64>,
    /// The schedule of an open loop.
    schedule: Option<Schedule>,
    next_request: usize,
    warm: u64,
    end: u64,
    tally: Tally,
}

/// Why a connection ends.
enum Loss {
    /// The server said so, or nothing was asked.
    Polite,
    Failed(Failure, String),
}

impl<'r> Driver<'r> {
    /// Opens every connection.
    pub(super) fn open(plan: &'r Plan, requests: &'r [Vec<u8>]) -> Result<Self, LoadError> {
        let warm = nanos(plan.warmup);
        let end = warm.saturating_add(nanos(plan.duration));
        let schedule = match plan.pace {
            Pace::Open { rate, arrivals, seed } => Some(Schedule::new(rate, arrivals, seed, end)),
            Pace::Closed => None,
        };
        let system = |error: Errno| LoadError::System(error.to_string());
        let mut driver = Self {
            plan,
            requests,
            clock: Clock::start(),
            epoll: epoll::create(CreateFlags::CLOEXEC).map_err(system)?,
            events: Vec::with_capacity(256),
            buffer: vec![0; BUFFER],
            connections: Vec::with_capacity(plan.connections),
            idle: VecDeque::with_capacity(plan.connections),
            room: VecDeque::new(),
            again: VecDeque::new(),
            reopen: None,
            schedule,
            next_request: 0,
            warm,
            end,
            tally: Tally::new(warm)?,
        };
        driver.open_all()?;
        // Time begins when everybody is there.
        driver.clock = Clock::start();
        Ok(driver)
    }

    /// Runs to the end.
    pub(super) fn run(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Report, LoadError> {
        let total = self.end;
        let patience = nanos(self.plan.patience);
        let (mut tell, mut ended_early) = (TELL, false);
        loop {
            let now = self.clock.now();
            if !ended_early && self.plan.stop.load(Ordering::Relaxed) && now < self.end {
                ended_early = true;
                self.end = now;
                if let Some(schedule) = &mut self.schedule {
                    schedule.end_at(now);
                }
            }
            self.reopen(now);
            self.dispatch();
            let next = self.schedule.as_ref().and_then(Schedule::next);
            let is_over = self.is_done(next, now) || now >= self.end.saturating_add(patience);
            if now >= self.end && is_over {
                break;
            }
            if now >= tell {
                progress(self.tally.progress(now, total));
                tell = now + TELL;
            }
            self.wait(self.pause(next, tell))?;
            self.take_events();
        }
        let now = self.clock.now();
        for connection in &self.connections {
            for request in &connection.in_flight {
                self.tally.unanswered(request, now);
            }
        }
        for request in &self.again {
            self.tally.unanswered(request, now);
        }
        if let Some(schedule) = &mut self.schedule {
            for (due, count) in schedule.rest() {
                self.tally.unsent(due, count, now);
            }
        }
        let is_open = self.schedule.is_some();
        Ok(self.tally.report(self.end.max(self.warm), is_open, ended_early))
    }

    /// Returns whether nothing more is sent nor waited for.
    fn is_done(&self, next: Option<u64>, now: u64) -> bool {
        let is_all_sent = next.is_none() && self.again.is_empty();
        (is_all_sent || now >= self.last_send())
            && self.connections.iter().all(|connection| connection.in_flight.is_empty())
    }

    /// Returns from when on nothing is sent: half of the patience is for what is due by the end, half for its answers.
    fn last_send(&self) -> u64 {
        self.end.saturating_add(nanos(self.plan.patience / 2))
    }

    /// Returns for how many milliseconds nothing needs to be done unless something comes.
    fn pause(&self, next: Option<u64>, tell: u64) -> u64 {
        let now = self.clock.now();
        let has_free = !self.idle.is_empty() || !self.room.is_empty();
        // Requests that find no free connection wait for an answer, not for a time.
        let due = next.filter(|_| has_free);
        let soon = due.map_or(u64::MAX, |due| due.saturating_sub(now));
        if soon < LOOK {
            return 0;
        }
        let until = |at: u64| at.saturating_sub(now).max(MILLISECOND);
        let others = until(tell).min(self.reopen.map_or(u64::MAX, until)).min(10 * MILLISECOND);
        // Up to the last part, which is spent looking.
        ((soon - (LOOK - MILLISECOND)) / MILLISECOND).min(others / MILLISECOND)
    }

    fn wait(&mut self, milliseconds: u64) -> Result<(), LoadError> {
        let timeout = i64::try_from(milliseconds.saturating_mul(MILLISECOND)).unwrap_or(i64::MAX);
        let timeout =
            Timespec { tv_sec: timeout / 1_000_000_000, tv_nsec: timeout % 1_000_000_000 };
        if self.events.capacity() == 0 {
            self.events.reserve(256);
        }
        self.events.clear();
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, room, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(LoadError::System(error.to_string())),
        }
    }

    fn take_events(&mut self) {
        let events = std::mem::take(&mut self.events);
        for event in &events {
            let (index, generation) = place(event.data);
            let Some(connection) = self.connections.get_mut(index) else { continue };
            if connection.generation != generation {
                continue;
            }
            if matches!(connection.state, State::Opening(_)) {
                match connection.go_on() {
                    Ok(true) => self.idle.push_back(index),
                    Ok(false) => {}
                    Err(error) => self.refused(index, &error),
                }
            } else {
                if connection.wants_write()
                    && let Err(error) = connection.flush()
                {
                    self.lose(index, Loss::Failed(Failure::Broken, error.to_string()));
                    continue;
                }
                let flags = event.flags;
                if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                    self.read(index);
                }
            }
            if let Err(error) = self.watch(index) {
                self.lose(index, Loss::Failed(Failure::Broken, error.to_string()));
            }
            // What an answer made room for is not kept waiting for the answers beside it.
            self.dispatch();
        }
        self.events = events;
    }

    /// Sends what is due over the connections that are free.
    fn dispatch(&mut self) {
        loop {
            let now = self.clock.now();
            let is_due = match &self.schedule {
                Some(schedule) => schedule.next().is_some_and(|due| due <= now),
                None => now < self.end,
            };
            if !is_due && self.again.is_empty() || now >= self.last_send() {
                return;
            }
            let Some(index) = self.free() else { return };
            let Some(connection) = self.connections.get_mut(index) else { return };
            while connection.in_flight.len() < self.plan.pipeline {
                let sent = if let Some(again) = self.again.pop_front() {
                    Sent { at: now, ..again }
                } else {
                    let due = match &mut self.schedule {
                        None if now < self.end => now,
                        None => break,
                        Some(schedule) => match schedule.next() {
                            Some(due) if due <= now => {
                                schedule.take();
                                due
                            }
                            _ => break,
                        },
                    };
                    let request = self.next_request;
                    self.next_request = (request + 1) % self.requests.len();
                    self.tally.sent(due, self.requests.get(request).map_or(0, Vec::len));
                    Sent { request, due, at: now }
                };
                connection.push(self.requests.get(sent.request).map_or(&[], Vec::as_slice), sent);
            }
            let flushed = connection.flush();
            if let Err(error) = flushed.and_then(|()| self.watch(index)) {
                self.lose(index, Loss::Failed(Failure::Broken, error.to_string()));
            } else {
                self.offer(index);
            }
        }
    }

    /// Returns a connection that takes a request, one without a request in flight if there is one.
    fn free(&mut self) -> Option<usize> {
        while let Some(index) = self.idle.pop_front() {
            let connection = self.connections.get(index)?;
            if connection.is_open() && connection.in_flight.is_empty() {
                return Some(index);
            }
        }
        while let Some(index) = self.room.pop_front() {
            let connection = self.connections.get_mut(index)?;
            connection.has_room = false;
            if connection.is_open() && connection.in_flight.len() < self.plan.pipeline {
                return Some(index);
            }
        }
        None
    }

    /// Puts a connection where [`Driver::free`] finds it, if it takes requests.
    fn offer(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index).filter(|c| c.is_open()) else {
            return;
        };
        if connection.in_flight.is_empty() {
            self.idle.push_back(index);
        } else if self.schedule.is_some()
            && connection.in_flight.len() < self.plan.pipeline
            && !connection.has_room
        {
            connection.has_room = true;
            self.room.push_back(index);
        }
    }

    fn read(&mut self, index: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(connection) = self.connections.get_mut(index) {
            let loss = match connection.read(&mut buffer) {
                Ok(Read::Waiting) => None,
                Ok(Read::End) => Some(Loss::Failed(Failure::Broken, ENDED.to_owned())),
                Ok(Read::Bytes { count, may_be_more }) => {
                    match self.consume(index, buffer.get(..count).unwrap_or_default()) {
                        None if may_be_more => continue,
                        loss => loss,
                    }
                }
                Err(error) => Some(Loss::Failed(Failure::Broken, error.to_string())),
            };
            if let Some(loss) = loss {
                self.lose(index, loss);
            }
            break;
        }
        self.buffer = buffer;
    }

    /// Takes the answers out of what was read; returns why the connection ends if it does.
    fn consume(&mut self, index: usize, bytes: &[u8]) -> Option<Loss> {
        let now = self.clock.now();
        let connection = self.connections.get_mut(index)?;
        let joined = connection.join(bytes);
        let all = joined.as_deref().unwrap_or(bytes);
        let mut at = 0;
        let mut loss = None;
        while at < all.len() {
            if connection.in_flight.is_empty() {
                // A server that gives up waiting may say so before it closes.
                loss = Some(Loss::Polite);
                break;
            }
            match connection.next_answer(all, at) {
                Ok(None) => break,
                Err(malformed) => {
                    loss = Some(Loss::Failed(Failure::Malformed, malformed.to_string()));
                    break;
                }
                Ok(Some(found)) => {
                    let end = at + found.whole;
                    if let Some(request) = connection.in_flight.pop_front() {
                        let body = all.get(at + found.body..end).unwrap_or_default();
                        self.tally.answered(&request, &found, body, now);
                    }
                    connection.answers += 1;
                    at = end;
                    if found.closes {
                        loss = Some(Loss::Polite);
                        break;
                    }
                }
            }
        }
        let has_answered = at > 0;
        connection.keep(joined, bytes, at);
        if loss.is_none() && has_answered {
            self.offer(index);
        }
        loss
    }
}
