//! How old the last good answer of a URL is by what it names itself, so that one that does not change need not be looked into
//! again.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;

use crate::{
    classify::{freshness::Moment, live::Dated},
    kept::BodyHash,
};

/// What was found out last.
#[derive(Debug, Default)]
pub(crate) struct Dates(ArcSwapOption<Date>);

/// The newest that a body names, as it was found by settings of that generation.
#[derive(Debug)]
pub(crate) struct Date {
    hash: BodyHash,
    generation: u64,
    /// `None`: it names nothing.
    pub(crate) dated: Option<Dated>,
    /// The second since 1970 at which it was found to be young enough.
    young_at: AtomicI64,
}

// === impl Dates ===

impl Dates {
    /// What that body names, where that was looked for by settings of that generation.
    pub(crate) fn of(&self, body: BodyHash, generation: u64) -> Option<Arc<Date>> {
        let date = self.0.load_full()?;
        (date.hash == body && date.generation == generation).then_some(date)
    }

    /// Takes note of what a body names.
    pub(crate) fn note(&self, body: BodyHash, generation: u64, dated: Option<Dated>) {
        self.0.store(Some(Arc::new(Date {
            hash: body,
            generation,
            dated,
            young_at: AtomicI64::new(i64::MIN),
        })));
    }

    /// The newest that a body names, by whatever settings.
    pub(crate) fn newest_of(&self, body: BodyHash) -> Option<Moment> {
        let date = self.0.load();
        let date = date.as_ref().filter(|date| date.hash == body)?;
        Some(date.dated.as_ref()?.newest)
    }
}

// === impl Date ===

impl Date {
    /// Whether it is young enough still, which is looked up at most once a second.
    pub(crate) fn is_young(&self, now: Timestamp, is_stale: impl FnOnce(&Dated) -> bool) -> bool {
        let second = now.as_second();
        if self.young_at.load(Relaxed) >= second {
            return true;
        }
        if self.dated.as_ref().is_some_and(is_stale) {
            return false;
        }
        self.young_at.store(second, Relaxed);
        true
    }
}
