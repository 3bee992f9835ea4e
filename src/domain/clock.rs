//! Time as a parameter.

use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z. Shown to people and stored; never decides an order of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the time that many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns this time less `duration`, at the earliest the epoch.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns this time and `duration` more.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns how far apart two times are, whichever is first.
    #[must_use]
    pub const fn distance(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the present wall-clock time; a clock before the epoch is the epoch.
    fn now(&self) -> Timestamp;

    /// Returns the time since some moment, the same for the whole life of the process: it never jumps, whatever is done
    /// to the wall clock.
    fn monotonic(&self) -> Duration;
}
