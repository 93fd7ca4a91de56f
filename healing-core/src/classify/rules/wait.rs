//! How long a rule says to wait.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::classify::{finding::Wait, rules::condition::Scene};

/// How long a rule says to wait.
#[derive(Debug)]
pub(super) enum WaitRule {
    Fixed(Duration),
    /// What the number in a slot says.
    Field(usize, WaitUnit),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum WaitUnit {
    Seconds,
    Millis,
    EpochSeconds,
    EpochMillis,
}

// === impl WaitRule ===

impl WaitRule {
    pub(super) fn of(&self, scene: &Scene<'_>) -> Option<Wait> {
        match self {
            Self::Fixed(wait) => Some(Wait::For(*wait)),
            Self::Field(slot, unit) => unit.read(scene.found()?.amount(*slot)?),
        }
    }
}

// === impl WaitUnit ===

impl WaitUnit {
    /// All four, by the names that a file uses.
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("s", Self::Seconds),
        ("ms", Self::Millis),
        ("epoch_s", Self::EpochSeconds),
        ("epoch_ms", Self::EpochMillis),
    ];

    fn read(self, amount: f64) -> Option<Wait> {
        let span = |seconds| Duration::try_from_secs_f64(seconds).ok().map(Wait::For);
        let moment = |seconds| {
            let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
            Timestamp::from_duration(since).ok().map(Wait::Until)
        };
        match self {
            Self::Seconds => span(amount),
            Self::Millis => span(amount / 1000.0),
            Self::EpochSeconds => moment(amount),
            Self::EpochMillis => moment(amount / 1000.0),
        }
    }
}
