//! The revision of an account's data.

use std::fmt;

/// How far an account's data has come. Ordered within one account; outside the service it is an opaque token.
///
/// The counter grows by one with every change; the epoch grows when history may have been lost or replaced
/// (a restore, a failover), and an older epoch never satisfies a demand for a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The history this counter belongs to, from 1.
    pub epoch: u32,
    /// Changes applied in this history; 0 is an account that was never written.
    pub counter: u64,
}

impl Revision {
    /// The revision of an account that was never written.
    pub const ORIGIN: Self = Self { epoch: 1, counter: 0 };

    /// Returns the revision of the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { epoch: self.epoch, counter: self.counter.saturating_add(1) }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}
