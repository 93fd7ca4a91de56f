//! How long the good answers of a route take in the long run, in one word of memory.
//!
//! It is a geometric mean: one answer that takes a hundred times as long as the others moves it little.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Fewer answers than this tell nothing.
const ENOUGH: u32 = 8;

/// An answer weighs no less than one of so many.
const MEMORY: u32 = 500;

/// While a host is limited an answer that takes long weighs so much less: what is to be compared with must not follow.
const SLOWER: f32 = 0.05;

/// The mean logarithm of seconds in the upper half, as the bits of a float, and how many it is of in the lower one. Of two
/// that write at once one may be lost.
#[derive(Debug, Default)]
pub(crate) struct Usual(AtomicU64);

// === impl Usual ===

impl Usual {
    /// By how much that is longer than usual, as a logarithm; `None` while nothing is usual.
    pub(crate) fn excess(&self, took: Duration) -> Option<f64> {
        let (mean, count) = self.read();
        (count >= ENOUGH).then(|| f64::from(logarithm(took) - mean))
    }

    /// A good answer took that long.
    pub(crate) fn note(&self, took: Duration, is_limited: bool) {
        let (mean, count) = self.read();
        let off = logarithm(took) - mean;
        let share = if is_limited && off > 0.0 { SLOWER } else { 1.0 };
        #[expect(clippy::cast_precision_loss, reason = "five hundred at most")]
        let mean = mean + off * share / (count + 1) as f32;
        let count = (count + 1).min(MEMORY - 1);
        let word = u64::from(mean.to_bits()) << 32 | u64::from(count);
        self.0.store(word, Relaxed);
    }

    fn read(&self) -> (f32, u32) {
        let word = self.0.load(Relaxed);
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        (f32::from_bits(half(word >> 32)), half(word))
    }
}

fn logarithm(took: Duration) -> f32 {
    took.as_secs_f32().max(1e-6).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_usual_until_eight_were_seen_and_one_outlier_changes_it_little() {
        let usual = Usual::default();
        let quick = Duration::from_millis(20);
        for _ in 0..7 {
            usual.note(quick, false);
        }
        assert_eq!(usual.excess(quick), None);
        usual.note(quick, false);
        assert!(usual.excess(quick).unwrap().abs() < 1e-3);
        for _ in 0..100 {
            usual.note(quick, false);
        }
        usual.note(quick * 100, false);
        assert!(usual.excess(quick).unwrap() > -0.1);
        assert!((usual.excess(quick * 2).unwrap() - 2.0_f64.ln()).abs() < 0.1);
    }

    #[test]
    fn while_limited_it_follows_what_is_slow_slowly_and_what_is_quick_at_once() {
        let (open, limited) = (Usual::default(), Usual::default());
        for _ in 0..100 {
            open.note(Duration::from_millis(20), false);
            limited.note(Duration::from_millis(20), false);
        }
        for _ in 0..1_000 {
            open.note(Duration::from_millis(200), false);
            limited.note(Duration::from_millis(200), true);
        }
        let excess = |usual: &Usual| usual.excess(Duration::from_millis(200)).unwrap();
        assert!(excess(&open) < 1.0 && excess(&limited) > 2.0);
        for _ in 0..2_000 {
            limited.note(Duration::from_millis(5), true);
        }
        assert!(limited.excess(Duration::from_millis(5)).unwrap() < 0.1);
    }
}
