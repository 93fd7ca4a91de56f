//! When the answers of a URL were last looked at for whether they stand still, and what came of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use jiff::Timestamp;

/// Seconds between two looks. What stands still does so for days.
const BETWEEN: i64 = 60;

/// What was found last.
#[derive(Debug)]
pub(crate) struct Looks {
    /// When to look again, in seconds since 1970.
    due: AtomicI64,
    stands_still: AtomicBool,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            due: AtomicI64::new(i64::MIN),
            stands_still: AtomicBool::new(false),
        }
    }
}

// === impl Looks ===

impl Looks {
    /// Whether the answers stand still: as it was found, or as `look` finds now that it is time to.
    pub(crate) fn stand_still(&self, now: Timestamp, look: impl FnOnce() -> Option<bool>) -> bool {
        let second = now.as_second();
        if self.due.load(Relaxed) <= second {
            self.due.store(second.saturating_add(BETWEEN), Relaxed);
            if let Some(found) = look() {
                self.stands_still.store(found, Relaxed);
            }
        }
        self.stands_still.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_holds_for_a_minute() {
        let looks = Looks::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(looks.stand_still(at(1000), || Some(true)));
        assert!(looks.stand_still(at(1059), || Some(false)));
        assert!(looks.stand_still(at(1060), || None), "nobody waits");
        assert!(!looks.stand_still(at(1120), || Some(false)));
    }
}
