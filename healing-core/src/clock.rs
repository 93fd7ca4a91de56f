//! One clock for the house: monotonic for waiting, wall time for what people read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells monotonic and wall time from one anchor, so that both follow tokio's paused clock in tests and a wall clock that
/// jumps does not move anything that waits.
///
/// ```
/// let clock = healing_core::Clock::started_now();
/// let now = clock.now();
/// assert!(clock.timestamp(now) > jiff::Timestamp::UNIX_EPOCH);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Instant,
    wall: Timestamp,
}

// === impl Clock ===

impl Clock {
    /// A clock that reads the machine's wall time once, now.
    #[must_use]
    pub fn started_now() -> Self {
        Self::anchored_at(Timestamp::now())
    }

    /// A clock whose wall time is that, now.
    #[must_use]
    pub fn anchored_at(wall: Timestamp) -> Self {
        Self {
            anchor: Instant::now(),
            wall,
        }
    }

    /// Monotonic time. Asked of the clock that one was given, so that there is one to give.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// The wall time of a moment; the anchor's where it would leave the calendar.
    #[must_use]
    pub fn timestamp(&self, at: Instant) -> Timestamp {
        self.at(self.since_start(at))
    }

    /// The wall time so long after the anchor.
    #[must_use]
    pub fn at(&self, since_start: Duration) -> Timestamp {
        SignedDuration::try_from(since_start)
            .ok()
            .and_then(|ahead| self.wall.checked_add(ahead).ok())
            .unwrap_or(self.wall)
    }

    /// Time since the anchor.
    #[must_use]
    pub fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.anchor)
    }
}
