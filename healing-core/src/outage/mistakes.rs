//! Refusals that blame the callers, where all of them are blamed at once.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use crate::lock::lock;

/// The URLs of a route that were good before and are refused now as if their callers were wrong. One good answer of the
/// route, and there are none.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// Whether there are any. All that a healthy answer reads.
    any: AtomicBool,
    objects: Mutex<Vec<u64>>,
}

// === impl Mistakes ===

impl Mistakes {
    /// That many different ones in a row are no mistakes.
    const ALL: usize = 3;

    pub(crate) const fn new() -> Self {
        Self {
            any: AtomicBool::new(false),
            objects: Mutex::new(Vec::new()),
        }
    }

    /// A URL that was good before is refused. Returns whether so many are that it cannot be their callers.
    pub(crate) fn refused(&self, object: u64) -> bool {
        self.any.store(true, Relaxed);
        let mut objects = lock(&self.objects);
        if objects.len() < Self::ALL && !objects.contains(&object) {
            objects.push(object);
        }
        objects.len() >= Self::ALL
    }

    /// A good answer came.
    pub(crate) fn good(&self) {
        if self.any.load(Relaxed) {
            lock(&self.objects).clear();
            self.any.store(false, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_different_urls_in_a_row_are_no_mistakes_of_their_callers() {
        let mistakes = Mistakes::new();
        for _ in 0..9 {
            assert!(!mistakes.refused(1), "the same one again");
        }
        assert!(!mistakes.refused(2));
        assert!(mistakes.refused(3) && mistakes.refused(4) && mistakes.refused(1));
        mistakes.good();
        assert!(!mistakes.refused(6));
    }
}
