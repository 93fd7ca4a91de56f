//! Windows over a route's counters: the difference of two readings.

use std::{collections::VecDeque, time::Duration};

use crate::health::tally::Reading;

/// Keeps readings of the past: one every ten seconds for five minutes, one every ten minutes for a day.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    short: Readings,
    day: Readings,
}

/// Readings at a spacing, oldest first, and no more than are needed.
#[derive(Debug, Default)]
struct Readings(VecDeque<(Duration, Reading)>);

impl Windows {
    const SHORT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(5));
    const DAY: (Duration, Duration) = (Duration::from_mins(10), Duration::from_hours(24));

    /// Takes note of a reading at a moment since the start. Call it about once a second.
    pub(crate) fn note(&mut self, at: Duration, reading: Reading) {
        self.short.note(at, reading, Self::SHORT);
        self.day.note(at, reading, Self::DAY);
    }

    /// What happened in the last five minutes, given the reading of now.
    pub(crate) fn last_minutes(&self, now: Reading) -> Reading {
        self.short.since_oldest(now)
    }

    /// What happened in the last 24 hours, given the reading of now.
    pub(crate) fn last_day(&self, now: Reading) -> Reading {
        self.day.since_oldest(now)
    }
}

impl Readings {
    fn note(&mut self, at: Duration, reading: Reading, (spacing, length): (Duration, Duration)) {
        if self.0.is_empty() {
            // Whatever came before the first look belongs to the first window.
            self.0.push_back((at, Reading::default()));
        }
        let due = self
            .0
            .back()
            .is_none_or(|(last, _)| at.saturating_sub(*last) >= spacing);
        if due {
            self.0.push_back((at, reading));
        }
        // One reading older than the window stays: the window begins at it.
        while self
            .0
            .get(1)
            .is_some_and(|(second, _)| at.saturating_sub(*second) >= length)
        {
            self.0.pop_front();
        }
    }

    /// The first reading of a route is taken when it is new, so that its first requests count: all zero.
    fn since_oldest(&self, now: Reading) -> Reading {
        now.since(
            self.0
                .front()
                .map_or_else(Reading::default, |(_, then)| *then),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(requests: u64) -> Reading {
        Reading {
            direct: requests,
            healed: 0,
            unhealed: 0,
            slow: 0,
        }
    }

    #[test]
    fn a_window_forgets_what_is_older_than_it() {
        let mut windows = Windows::default();
        windows.note(Duration::ZERO, Reading::default());
        for second in 1..=600 {
            windows.note(Duration::from_secs(second), reading(second));
        }
        let minutes = windows.last_minutes(reading(600)).requests();
        assert!((300..=310).contains(&minutes), "{minutes}");
        assert_eq!(windows.last_day(reading(600)).requests(), 600);
        assert!(windows.short.0.len() <= 32);
    }
}
