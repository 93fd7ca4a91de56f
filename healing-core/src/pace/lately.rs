//! How many calls were accepted within the last seconds: one word of memory for each, and no lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::pace::aimd::Lately;

/// The seconds that count, the current one included.
const SECONDS: u64 = 4;

/// Calls by the second in which they came back. A second's word holds which one it is and how many there were; who reads
/// while it is begun anew may miss a call.
#[derive(Debug, Default)]
pub(crate) struct Accepted([AtomicU64; 4]);

// === impl Accepted ===

impl Accepted {
    /// A call was accepted.
    pub(crate) fn add(&self, now: Duration) {
        let Some(word) = self.word(now.as_secs()) else {
            return;
        };
        let seen = word.load(Relaxed);
        let (second, _) = read(seen);
        if second == stamp(now.as_secs()) {
            word.fetch_add(1, Relaxed);
        } else {
            let fresh = stamp(now.as_secs()) << 32 | 1;
            if word
                .compare_exchange(seen, fresh, Relaxed, Relaxed)
                .is_err()
            {
                word.fetch_add(1, Relaxed); // another one has begun the second
            }
        }
    }

    /// Nothing was.
    pub(crate) fn forget(&self) {
        for word in &self.0 {
            word.store(0, Relaxed);
        }
    }

    /// What was accepted lately. By the second where it is less than one, so that what came at once is no rate.
    pub(crate) fn lately(&self, now: Duration) -> Lately {
        let this = now.as_secs();
        let (mut calls, mut oldest) = (0_u32, this);
        for second in this.saturating_sub(SECONDS - 1)..=this {
            let word = self.word(second).map_or(0, |word| word.load(Relaxed));
            let (of, count) = read(word);
            if of == stamp(second) && count > 0 {
                calls = calls.saturating_add(count);
                oldest = oldest.min(second);
            }
        }
        let over = now.saturating_sub(Duration::from_secs(oldest));
        Lately {
            calls,
            per_second: f64::from(calls) / over.as_secs_f64().max(1.0),
        }
    }

    fn word(&self, second: u64) -> Option<&AtomicU64> {
        let place = usize::try_from(second % SECONDS).ok()?;
        self.0.get(place)
    }
}

/// A second as it is written, so that none is what an untouched word holds.
const fn stamp(second: u64) -> u64 {
    (second & 0x7fff_ffff) + 1
}

fn read(word: u64) -> (u64, u32) {
    (
        word >> 32,
        u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_rate_is_told_after_a_second_and_forgotten_after_four() {
        let accepted = Accepted::default();
        for n in 0..200 {
            accepted.add(at(n * 50));
        }
        let lately = accepted.lately(at(10_000));
        assert!((lately.per_second - 20.0).abs() < 1.0, "{lately:?}");
        assert_eq!(accepted.lately(at(14_000)), Lately::default());
    }

    #[test]
    fn what_is_forgotten_counts_no_more() {
        let accepted = Accepted::default();
        accepted.add(at(500));
        accepted.forget();
        assert_eq!(accepted.lately(at(600)), Lately::default());
        accepted.add(at(700));
        assert_eq!(accepted.lately(at(800)).calls, 1);
    }

    #[test]
    fn what_came_at_once_is_no_more_than_so_many_a_second() {
        let accepted = Accepted::default();
        for _ in 0..30 {
            accepted.add(at(5_400));
        }
        assert_eq!(
            accepted.lately(at(5_500)),
            Lately {
                calls: 30,
                per_second: 30.0
            }
        );
        let after = accepted.lately(at(8_000));
        assert!((after.per_second - 10.0).abs() < 0.1, "{after:?}");
    }

    #[test]
    fn nothing_is_counted_before_anything_came() {
        assert_eq!(Accepted::default().lately(at(0)), Lately::default());
    }
}
