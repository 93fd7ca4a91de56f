//! The lab's clock: the wall clock, moved by a fixed distance.
//!
//! This is the only place that reads the wall clock; everything else takes `now`.

use jiff::{SignedDuration, Timestamp};

/// A clock that may start at another moment than the wall's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// A clock that shows `start` now; the wall's own time without one.
    pub(crate) fn starting_at(start: Option<Timestamp>) -> Self {
        let ahead = start.map_or(SignedDuration::ZERO, |start| {
            start.duration_since(Timestamp::now())
        });
        Self { ahead }
    }

    pub(crate) fn now(self) -> Timestamp {
        let wall = Timestamp::now();
        wall.checked_add(self.ahead).unwrap_or(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use jiff::Timestamp;

    #[test]
    fn a_clock_runs_on_from_the_moment_it_was_given() {
        let start: Timestamp = "2024-03-01T15:00:00Z".parse().unwrap();
        let shown = Clock::starting_at(Some(start)).now();
        let passed = shown.duration_since(start);
        assert!(!passed.is_negative() && passed.as_secs() < 60, "{passed:?}");
    }
}
