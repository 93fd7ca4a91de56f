//! How often a second call was made beside a first one, and which came in first.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of hedged requests since the start.
///
/// ```
/// use healing_core::{Healer, HedgeCounts};
/// assert_eq!(Healer::builder().build().hedges(), HedgeCounts::default()); // nothing was asked yet
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HedgeCounts {
    /// First calls beside which another one was made.
    pub made: u64,
    /// Those whose answer was given.
    pub won: u64,
    /// First calls that took long enough, and beside which no call was made: the budget was spent, or something rested.
    pub held_back: u64,
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(crate) struct Hedges {
    pub(crate) made: AtomicU64,
    pub(crate) won: AtomicU64,
    pub(crate) held_back: AtomicU64,
}

impl Hedges {
    /// As of now.
    pub(crate) fn counts(&self) -> HedgeCounts {
        HedgeCounts {
            made: self.made.load(Relaxed),
            won: self.won.load(Relaxed),
            held_back: self.held_back.load(Relaxed),
        }
    }
}
