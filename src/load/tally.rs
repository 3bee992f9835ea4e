//! Counts what happens in a run.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{
    LoadError,
    connection::Sent,
    report::{Counts, Latencies, Progress, Report},
    response::{Finder, Head},
};

/// How long after the end answers may come as if there were more to come. A backlog takes longer.
const TAIL: u64 = 100_000_000;

/// The counts of a run. Times are nanoseconds since its start.
#[derive(Debug)]
pub(super) struct Tally {
    /// Requests due before are warm-up.
    warm: u64,
    latency: Latencies,
    service: Latencies,
    counts: Counts,
    first_error: Option<String>,
    last_answer: u64,
    finder: Finder,
    /// Everything since the start, in microseconds and coarse, so that looking at it delays no request.
    running: Histogram<u64>,
    told: Told,
}

/// What the progress before told.
#[derive(Debug, Default)]
struct Told {
    at: u64,
    answers: u64,
    errors: u64,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Broken,
    Malformed,
}

impl Tally {
    pub(super) fn new(warm: u64) -> Result<Self, LoadError> {
        let running = Histogram::new_with_bounds(1, 100_000_000, 1)
            .map_err(|error| LoadError::System(error.to_string()))?;
        Ok(Self {
            warm,
            latency: Latencies::new()?,
            service: Latencies::new()?,
            counts: Counts::default(),
            first_error: None,
            last_answer: 0,
            finder: Finder::new(),
            running,
            told: Told::default(),
        })
    }

    pub(super) const fn is_measured(&self, due: u64) -> bool {
        due >= self.warm
    }

    /// A request is due and sent, for the first time.
    pub(super) const fn sent(&mut self, due: u64, bytes: usize) {
        if self.is_measured(due) {
            self.counts.due += 1;
            self.counts.sent += 1;
            self.counts.bytes_sent += bytes as u64;
        }
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, request: &Sent, head: &Head, body: &[u8], now: u64) {
        let latency = now.saturating_sub(request.due);
        self.running.saturating_record(latency / 1_000);
        self.told.answers += 1;
        if !self.is_measured(request.due) {
            return;
        }
        self.latency.record(latency);
        self.service.record(now.saturating_sub(request.at));
        self.last_answer = now;
        self.counts.answered += 1;
        self.counts.bytes_received += head.whole as u64;
        let class = usize::from(head.status / 100).saturating_sub(2);
        if let Some(count) = self.counts.statuses.get_mut(class) {
            *count += 1;
        }
        if head.status == 200 {
            self.finder.count(body, &mut self.counts.decisions);
        }
    }

    /// A request will have no answer.
    pub(super) const fn failed(&mut self, request: &Sent, failure: Failure) {
        self.told.errors += 1;
        if self.is_measured(request.due) {
            match failure {
                Failure::Broken => self.counts.broken += 1,
                Failure::Malformed => self.counts.malformed += 1,
            }
        }
    }

    /// A request had no answer when the run ended at `now`.
    pub(super) fn unanswered(&mut self, request: &Sent, now: u64) {
        if self.is_measured(request.due) {
            self.counts.unanswered += 1;
            self.latency.record(now.saturating_sub(request.due));
        }
    }

    /// That many requests were due at about that time and not sent when the run ended at `now`.
    pub(super) fn unsent(&mut self, due: u64, count: u64, now: u64) {
        if self.is_measured(due) {
            self.counts.due += count;
            self.counts.unsent += count;
            self.latency.record_many(now.saturating_sub(due), count);
        }
    }

    pub(super) const fn reconnected(&mut self) {
        self.counts.reconnects += 1;
    }

    pub(super) const fn refused(&mut self) {
        self.counts.refused_connections += 1;
        self.told.errors += 1;
    }

    /// Remembers what went wrong first.
    pub(super) fn note(&mut self, error: impl FnOnce() -> String) {
        self.first_error.get_or_insert_with(error);
    }

    pub(super) fn progress(&mut self, now: u64, total: u64) -> Progress {
        let seconds = Duration::from_nanos(now.saturating_sub(self.told.at)).as_secs_f64();
        let rate = a_second(self.told.answers, seconds);
        self.told.at = now;
        self.told.answers = 0;
        Progress {
            elapsed: Duration::from_nanos(now),
            total: Duration::from_nanos(total),
            is_warm_up: now < self.warm,
            rate,
            p99: Duration::from_micros(self.running.value_at_quantile(0.99)),
            errors: self.told.errors,
        }
    }

    /// Returns the report of a run in which nothing was due from `end` on.
    pub(super) fn report(self, end: u64, is_open: bool, ended_early: bool) -> Report {
        let planned = Duration::from_nanos(end.saturating_sub(self.warm));
        // The last answers of an open loop come a little after its end; in a closed one they take the place of others.
        let tail = if is_open { TAIL } else { 0 };
        let until = if self.last_answer > end + tail { self.last_answer } else { end };
        let elapsed = Duration::from_nanos(until.saturating_sub(self.warm));
        Report {
            elapsed,
            demanded: is_open.then(|| a_second(self.counts.due, planned.as_secs_f64())),
            achieved: a_second(self.counts.answered, elapsed.as_secs_f64()),
            latency: self.latency,
            service: self.service,
            counts: self.counts,
            first_error: self.first_error,
            ended_early,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn a_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;
    const HEAD: Head = Head { status: 200, body: 0, whole: 0, closes: false };

    /// Returns the report of 1,000 requests in a second, each answered after `latency` milliseconds of its own.
    fn report(is_open: bool, answered: impl Fn(u64) -> Option<u64>) -> Report {
        let mut tally = Tally::new(0).unwrap();
        for number in 0..1_000 {
            let due = number * MILLISECOND;
            tally.sent(due, 1);
            let request = Sent { request: 0, due, at: due };
            match answered(number) {
                Some(latency) => {
                    tally.answered(&request, &HEAD, &[], due + latency * MILLISECOND);
                }
                None => tally.failed(&request, Failure::Broken),
            }
        }
        tally.report(1_000 * MILLISECOND, is_open, false)
    }

    #[test]
    fn a_rate_is_missed_when_a_hundredth_is_not_answered_or_the_last_are_long_in_coming() {
        for (is_missed, report) in [
            (false, report(true, |_| Some(1))),
            (false, report(true, |_| Some(100))),
            (true, report(true, |_| Some(150))),
            // It takes 1.05 of the time it should.
            (true, report(true, |number| Some(number / 5 + 1))),
            (false, report(true, |number| (number % 100 != 0).then_some(1))),
            (true, report(true, |number| (number % 50 != 0).then_some(1))),
            (false, report(false, |_| Some(150))),
        ] {
            assert_eq!(report.is_saturated(), is_missed, "{report:?}");
        }
        let closed = report(false, |_| Some(1_000));
        assert!((closed.achieved - 1_000.0 / 1.999).abs() < 1e-6, "{}", closed.achieved);
    }
}
