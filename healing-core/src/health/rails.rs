//! What the rails held back that are no setting: limits that were found out.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of what was held back by limits that were found out, since the start.
///
/// ```
/// use healing_core::{Healer, RailCounts};
/// assert_eq!(Healer::builder().build().rails(), RailCounts::default()); // nothing was asked yet
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RailCounts {
    /// Calls that were not made at once because the route was found to accept no more just then.
    pub held_back_by_rate: u64,
    /// Calls that were made all the same, for callers with nothing else whose turn would have come too late.
    pub sent_over_rate: u64,
    /// Calls that were not made at once because as many were under way as the host was found to bear.
    pub held_back_by_load: u64,
    /// Calls that were made all the same, for callers with nothing else that waited in vain.
    pub sent_over_load: u64,
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(crate) struct Rails {
    pub(crate) held_back_by_rate: AtomicU64,
    pub(crate) sent_over_rate: AtomicU64,
    pub(crate) held_back_by_load: AtomicU64,
    pub(crate) sent_over_load: AtomicU64,
}

impl Rails {
    /// As of now.
    pub(crate) fn counts(&self) -> RailCounts {
        RailCounts {
            held_back_by_rate: self.held_back_by_rate.load(Relaxed),
            sent_over_rate: self.sent_over_rate.load(Relaxed),
            held_back_by_load: self.held_back_by_load.load(Relaxed),
            sent_over_load: self.sent_over_load.load(Relaxed),
        }
    }
}
