//! The time of a run: nanoseconds since it began, by a clock that never jumps.

use std::time::{Duration, Instant};

/// Counts from the moment it was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "to measure time is what this room is for; everything in it takes this clock"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns nanoseconds since the start.
    pub(super) fn now(self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// Returns a duration in nanoseconds; more than fit are as many as fit.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
