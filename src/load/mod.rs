//! Load for a server: requests at the times they are due, and how long each took from then on.
//!
//! A run sends prepared requests over keep-alive connections, on one thread. In an open loop a request is due at its time
//! whatever the server does: a server that stalls makes the requests after it late, and that is measured, as it would
//! be felt. (A client that waits for an answer before it sends the next request asks a stalled server fewer questions
//! and reports the few: "coordinated omission", as Gil Tene calls it.) In a closed loop every connection always has
//! requests in flight: that is how a server is saturated.
//!
//! It knows nothing of this service but the text of a decision, and only reads answers whose length is announced.

mod ask;
mod clock;
mod connection;
mod driver;
pub mod plot;
mod random;
mod report;
mod request;
mod response;
mod schedule;
mod socket;
mod tally;
mod target;
pub mod workload;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub use ask::{Answer, ask};
pub use report::{Counts, Latencies, Progress, Report};
pub use request::post;
pub use response::Decisions;
pub use target::Target;

/// Most requests a second that can be demanded.
pub const MAX_RATE: f64 = 10_000_000.0;
/// Most connections.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Most requests in flight on one connection.
pub const MAX_PIPELINE: usize = 1_000;
/// Longest warm-up and longest duration.
pub const MAX_DURATION: Duration = Duration::from_secs(86_400);

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// How fast.
    pub pace: Pace,
    /// How long to measure.
    pub duration: Duration,
    /// How long to send before anything is measured.
    pub warmup: Duration,
    /// Connections, all open from the start.
    pub connections: usize,
    /// Most requests in flight on one connection. In a closed loop that many are written back to back.
    pub pipeline: usize,
    /// How long to wait at the end: one half for requests that are due and found no free connection, the other for answers.
    pub patience: Duration,
    /// Ends the run early when it becomes true.
    pub stop: Arc<AtomicBool>,
}

impl Plan {
    /// Returns a plan of ten seconds after two of warm-up, over 64 connections without pipelining.
    #[must_use]
    pub fn new(target: Target, pace: Pace) -> Self {
        Self {
            target,
            pace,
            duration: Duration::from_secs(10),
            warmup: Duration::from_secs(2),
            connections: 64,
            pipeline: 1,
            patience: Duration::from_secs(2),
            stop: Arc::default(),
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        let wrong =
            |field, value: String, right: String| Err(LoadError::Plan { field, value, right });
        if let Pace::Open { rate, .. } = self.pace
            && !(rate > 0.0 && rate <= MAX_RATE)
        {
            let right = format!("above 0 and up to {MAX_RATE} requests a second");
            return wrong("rate", rate.to_string(), right);
        }
        if self.duration.is_zero() || self.duration > MAX_DURATION {
            return wrong("duration", format!("{:?}", self.duration), "up to a day".to_owned());
        }
        if self.warmup > MAX_DURATION {
            return wrong("warmup", format!("{:?}", self.warmup), "up to a day".to_owned());
        }
        for (field, value, most) in [
            ("connections", self.connections, MAX_CONNECTIONS),
            ("pipeline", self.pipeline, MAX_PIPELINE),
        ] {
            if value == 0 || value > most {
                return wrong(field, value.to_string(), format!("1 to {most}"));
            }
        }
        Ok(())
    }
}

/// How fast requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// At a rate, whether answers come or not.
    Open {
        /// Requests a second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
        /// Where the numbers of [`Arrivals::Poisson`] begin.
        seed: u64,
    },
    /// As fast as answers come.
    Closed,
}

/// How requests of an open loop are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// At even distances.
    Uniform,
    /// As many independent callers do: the pauses follow an exponential law.
    Poisson,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan cannot be carried out.
    #[error("`{field}` is {value}: give {right}")]
    Plan {
        /// The field.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        right: String,
    },
    /// There is nothing to send.
    #[error("there are no requests to send")]
    NoRequests,
    /// A line of a workload is no body.
    #[error("line {line}: {detail}")]
    Workload {
        /// Which, from 1 on.
        line: usize,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// No server can be named so.
    #[error("`{url}` is not where requests can go: {detail}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// The server is not reached, or breaks off.
    #[error("`{target}` does not answer: {detail}")]
    Unreachable {
        /// Where it was looked for.
        target: String,
        /// What went wrong.
        detail: String,
    },
    /// The server answers in a way that is not read here.
    #[error("`{target}`: {detail}")]
    Answer {
        /// Who answered.
        target: String,
        /// What is wrong with the answer.
        detail: String,
    },
    /// This machine does not give what a run needs.
    #[error("the system refuses: {0}")]
    System(String),
}

/// Sends `requests`, in rotation, as `plan` says, and returns what was measured. Blocks its thread, and keeps it busy when
/// requests are due within a millisecond of each other.
///
/// `progress` is called about four times a second, on the same thread: it should be quick.
///
/// # Errors
/// [`LoadError::Plan`] and [`LoadError::NoRequests`] before anything is sent, [`LoadError::Unreachable`] when not every
/// connection can be opened at the start. What fails later is counted in the report.
pub fn run(
    plan: &Plan,
    requests: &[Vec<u8>],
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, LoadError> {
    plan.check()?;
    if requests.is_empty() {
        return Err(LoadError::NoRequests);
    }
    driver::Driver::open(plan, requests)?.run(progress)
}
