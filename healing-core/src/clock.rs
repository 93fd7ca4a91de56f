//! One clock for the house: monotonic for waiting, wall time for what people read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

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
    wall_since_epoch: Duration,
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
            wall_since_epoch: Duration::try_from(wall.duration_since(Timestamp::UNIX_EPOCH))
                .unwrap_or_default(),
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

    /// An id of that moment: a UUID of version 7 with twelve bits of time below the millisecond (RFC 9562, sections 5.7 and
    /// 6.2, method 3), so that ids are in order without a counter that all threads share.
    pub(crate) fn id(&self, at: Instant) -> Uuid {
        let time = self.wall_since_epoch + self.since_start(at);
        let millis = u128::from(time.as_secs()) * 1_000 + u128::from(time.subsec_millis());
        let fraction = u128::from(time.subsec_nanos() % 1_000_000) * 4_096 / 1_000_000;
        let random = u128::from(rand::random::<u64>() >> 2);
        Uuid::from_u128(millis << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)
    }

    /// Time since the anchor.
    #[must_use]
    pub fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_carry_the_time() {
        let clock = Clock::anchored_at(Timestamp::from_millisecond(1_763_500_000_000).unwrap());
        let id = |micros| clock.id(clock.anchor + Duration::from_micros(micros));
        let ids: Vec<Uuid> = (0..3_000).map(|n| id(n * 3)).collect();
        assert!(ids.is_sorted());
        assert_ne!(id(5), id(5));
        let last = id(2_000_000);
        assert_eq!(last.get_version_num(), 7);
        let (seconds, _) = last.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_763_500_002);
    }
}
