//! Long work on a thread that has others to serve.

use std::time::Duration;

use tokio::time::Instant;

/// How long a thread works at one thing while others may wait for it.
const LONG: Duration = Duration::from_millis(1);

/// What a thread does until others have theirs.
#[derive(Debug)]
pub struct Turn(Instant);

impl Turn {
    /// Begins one.
    #[must_use]
    pub fn begin() -> Self {
        Self(Instant::now())
    }

    /// Lets others have theirs, where this one has been long enough.
    pub async fn share(&mut self) {
        if self.0.elapsed() >= LONG {
            tokio::task::yield_now().await;
            *self = Self::begin();
        }
    }
}
