//! What a run came to.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{LoadError, clock::nanos, response::Decisions};

/// Longest time that is told apart from longer ones: a day.
const LONGEST: u64 = 86_400_000_000_000;
/// A part of the demanded rate that may be missing before the result is called saturated.
const MISSING: f64 = 0.01;

/// How long things took; told to three digits.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Result<Self, LoadError> {
        let made = Histogram::new_with_bounds(1, LONGEST, 3);
        made.map(Self).map_err(|error| LoadError::System(error.to_string()))
    }

    pub(super) fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    pub(super) fn record_many(&mut self, nanos: u64, count: u64) {
        self.0.saturating_record_n(nanos, count);
    }

    /// Takes in what another run took.
    pub fn add(&mut self, other: &Self) {
        // Both count as far, so nothing is too large.
        self.0 += &other.0;
    }

    /// Returns how many were measured.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Returns whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the time below which a part `quantile` of all stayed, for example 0.99.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// Returns the longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    /// Returns the mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.0.mean() / 1e9)
    }

    /// Returns how many took at least `limit`.
    #[must_use]
    pub fn at_least(&self, limit: Duration) -> u64 {
        self.0.count_between(nanos(limit), LONGEST)
    }

    /// Returns the curve of quantiles up to the last that a single measurement decides, with the time at each. It ends with
    /// quantile 1, the longest.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, Duration)> {
        let mut out = Vec::new();
        if self.is_empty() {
            return out;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let smallest = 1.0 / self.len() as f64;
        // Eight points for each tenth of what is left above.
        let step = 10_f64.powf(-0.125);
        let mut above = 1.0;
        while above > smallest {
            out.push((1.0 - above, self.quantile(1.0 - above)));
            above *= step;
        }
        out.push((1.0, self.max()));
        out
    }
}

/// What was counted of the requests that were measured: those that were due after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were due; in a closed loop those that were sent.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that were answered, with whatever status.
    pub answered: u64,
    /// Answers by class of status: 2xx, 3xx, 4xx, 5xx.
    pub statuses: [u64; 4],
    /// Requests whose connection broke before the answer was whole.
    pub broken: u64,
    /// Requests whose answer could not be read.
    pub malformed: u64,
    /// Requests that were sent and not answered before patience ended.
    pub unanswered: u64,
    /// Requests that were due and found no free connection before patience ended.
    pub unsent: u64,
    /// Connections that could not be made anew, warm-up included.
    pub refused_connections: u64,
    /// Connections that were made anew after the server had ended one, warm-up included.
    pub reconnects: u64,
    /// Bytes of requests.
    pub bytes_sent: u64,
    /// Bytes of answers.
    pub bytes_received: u64,
    /// Decisions found in answers with status 200.
    pub decisions: Decisions,
}

impl Counts {
    /// Returns how many requests came to nothing or were refused: every one that has no answer of class 2xx, those never
    /// sent left out.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        let [_, redirected, refused, broken] = self.statuses;
        redirected + refused + broken + self.broken + self.malformed + self.unanswered
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// From the end of the warm-up until the last answer, or the end of the run if that is later.
    pub elapsed: Duration,
    /// Requests a second that were due; `None` in a closed loop, which demands nothing.
    pub demanded: Option<f64>,
    /// Requests a second that were answered.
    pub achieved: f64,
    /// From the moment a request was due until its answer was whole. Requests without an answer count with the time they had
    /// waited at the end. In a closed loop a request is due when it is sent.
    pub latency: Latencies,
    /// From the moment a request was sent until its answer was whole.
    pub service: Latencies,
    /// What was counted.
    pub counts: Counts,
    /// The first thing that went wrong with a connection or an answer, in words.
    pub first_error: Option<String>,
    /// Whether the run was ended before its time.
    pub ended_early: bool,
}

impl Report {
    /// Returns whether the rate that was demanded was missed by more than a hundredth: requests wait longer the longer the
    /// run is, and its latencies say how long it was.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.demanded.is_some_and(|demanded| self.achieved < demanded * (1.0 - MISSING))
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Since the start of the warm-up.
    pub elapsed: Duration,
    /// Warm-up and duration together.
    pub total: Duration,
    /// Whether the warm-up is not over.
    pub is_warm_up: bool,
    /// Answers a second since the progress before.
    pub rate: f64,
    /// The 99th percentile of latency since the start, warm-up included, to about a tenth.
    pub p99: Duration,
    /// Requests and connections that failed so far.
    pub errors: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_and_ends_with_the_longest() {
        let mut latencies = Latencies::new().unwrap();
        assert!(latencies.curve().is_empty());
        for nanos in 1..=1_000 {
            latencies.record(nanos * 1_000);
        }
        let curve = latencies.curve();
        assert!(curve.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1));
        assert!(curve.first().unwrap().0.abs() < f64::EPSILON);
        let (quantile, longest) = *curve.last().unwrap();
        assert!((quantile - 1.0).abs() < f64::EPSILON);
        assert!((999_000..=1_001_000).contains(&longest.as_nanos()), "{longest:?}");
        // Three powers of ten have 24 points and the end.
        assert!((24..=26).contains(&curve.len()), "{}", curve.len());
        assert_eq!(latencies.at_least(Duration::from_micros(501)), 500);
    }
}
