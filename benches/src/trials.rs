//! What must never happen, tried very often: each trial lives a great many runs of the real layers against an origin that
//! writes down what it was asked and what it gave, under a paused clock, and counts what should not have been.
//!
//! What origins and callers do is a function of the seed; the layers draw ids and pauses of their own. `cargo xtask long` runs
//! all of them in full, the tests a part of each.

pub mod early;
pub mod labels;
pub mod twice;

mod origin;

use std::{
    fmt::{self, Display, Formatter},
    num::NonZeroU64,
};

/// What a trial came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trial {
    /// What was tried.
    pub name: &'static str,
    /// How often, and what that was.
    pub runs: (u64, &'static str),
    /// What must not have happened, and how often it did.
    pub never: Vec<(&'static str, u64)>,
    /// What must have happened for the trial to have tried anything, and how often it did.
    pub seen: Vec<(&'static str, u64)>,
}

/// How often each trial is run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sizes {
    /// Answers of sources that say when to come again.
    pub answers: u64,
    /// Runs that may send something twice.
    pub deliveries: u64,
    /// Runs with a label.
    pub labels: u64,
}

// === impl Sizes ===

impl Sizes {
    /// As often as is asked of the layers.
    pub const FULL: Self = Self {
        answers: 100_000,
        deliveries: 1_000_000,
        labels: 100_000,
    };

    /// A part of it.
    #[must_use]
    pub const fn divided(self, by: NonZeroU64) -> Self {
        let by = by.get();
        Self {
            answers: self.answers / by,
            deliveries: self.deliveries / by,
            labels: self.labels / by,
        }
    }

    /// All trials, that often, under a seed.
    #[must_use]
    pub fn trials(self, seed: u64) -> [Trial; 3] {
        [
            early::tried(self.answers, seed),
            twice::tried(self.deliveries, seed),
            labels::tried(self.labels, seed),
        ]
    }
}

// === impl Trial ===

impl Trial {
    /// The heading of a table of trials.
    pub const HEADING: &str =
        "| what | how often | what must not happen | what did |\n|---|---|---|---|";

    /// Whether nothing happened that must not, and all that makes it a trial did.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        let never = self.never.iter().all(|(_, count)| *count == 0);
        never && self.seen.iter().all(|(_, count)| *count > 0)
    }
}

impl Display for Trial {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let list = |list: &[(&str, u64)]| {
            let each: Vec<String> = list
                .iter()
                .map(|(what, count)| format!("{what}: {count}"))
                .collect();
            each.join("; ")
        };
        let (runs, what) = self.runs;
        write!(
            f,
            "| {} | {runs} {what} | {} | {} |",
            self.name,
            list(&self.never),
            list(&self.seen)
        )
    }
}
