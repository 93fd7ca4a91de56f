//! How often a source may be asked, by our own count.
//!
//! Sources state their limits in one of four manners, and each is counted as it is stated: so many in any stretch of time,
//! so many a calendar day or month of the source's own zone, or a bucket that fills evenly (the generic cell rate algorithm,
//! by the crate `governor`). A token bucket alone will not do for the others: one of 25 a day knows no midnight, and lets
//! twice the calls of a full minute through in its first one.
//!
//! A source counts a call when it arrives there, so ours counts from the moment that its answer came: never early.

mod meter;

use std::time::Duration;

use jiff::tz::TimeZone;

pub(crate) use crate::quota::meter::{Errand, Meter, Spent, Taken};

/// So many calls in so long.
///
/// ```
/// use std::time::Duration;
/// use healing_core::{Per, Quota, QuotaScope};
/// let fred = Quota::new(120, Per::Window(Duration::from_secs(60)), QuotaScope::Key)?;
/// assert_eq!(fred.calls, 120);
/// # Ok::<(), healing_core::QuotaError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Quota {
    /// How many.
    pub calls: u32,
    /// In how long.
    pub per: Per,
    /// Who shares them.
    pub scope: QuotaScope,
}

/// In how long the calls of a [`Quota`] may be made.
///
/// ```
/// use healing_core::Per;
/// let new_york = jiff::tz::TimeZone::get("America/New_York")?;
/// assert_ne!(Per::Day(new_york), Per::Day(jiff::tz::TimeZone::UTC)); // another midnight
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Per {
    /// In any stretch so long: a minute, an hour, thirty days. All of them may be made at once.
    Window(Duration),
    /// Evenly: as many at once, and then one for each such part of the time (a token bucket).
    Even(Duration),
    /// From midnight to midnight in that zone.
    Day(TimeZone),
    /// From the first of a month to that of the next, in that zone.
    Month(TimeZone),
}

/// Who shares the calls of a [`Quota`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum QuotaScope {
    /// Each key has its own, and so has each caller with a key of its own.
    Key,
    /// All calls from here together.
    Address,
}

/// Why a quota cannot be kept.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// It allows no calls.
    #[error("a quota of 0 calls lets nothing through; leave the source out, or give it 1 or more")]
    NoCalls,
    /// It has no length.
    #[error("a quota's time is 0; give it 1ms or more")]
    NoTime,
    /// More calls than are remembered one by one.
    #[error(
        "a quota of {0} calls in a stretch of time is more than the 10000 that are counted; use a day, a month, or an even rate"
    )]
    TooMany(u32),
}

// === impl Quota ===

impl Quota {
    /// The most calls of a [`Per::Window`], each of which is remembered.
    pub const MAX_IN_WINDOW: u32 = 10_000;

    /// A quota.
    ///
    /// # Errors
    /// When it lets nothing through, or cannot be counted.
    pub fn new(calls: u32, per: Per, scope: QuotaScope) -> Result<Self, QuotaError> {
        if calls == 0 {
            return Err(QuotaError::NoCalls);
        }
        match &per {
            Per::Window(time) | Per::Even(time) if *time < Duration::from_millis(1) => {
                return Err(QuotaError::NoTime);
            }
            Per::Window(_) if calls > Self::MAX_IN_WINDOW => {
                return Err(QuotaError::TooMany(calls));
            }
            Per::Window(_) | Per::Even(_) | Per::Day(_) | Per::Month(_) => {}
        }
        Ok(Self { calls, per, scope })
    }

    /// What is kept for callers: a tenth of the calls is not spent on probes and on requests to other sources. Where that is
    /// less than one call there is nothing to keep.
    const fn reserve(&self) -> u32 {
        self.calls / 10
    }
}
