//! How long answers take, learned also from those that were not waited for.
//!
//! A histogram with bins that grow by 22 %, from 20 ms to about 10 s. A call that was cut off counts as one that would have
//! taken half as long again: a limit that learned from successes alone would shrink itself, refit by refit, until hardly any
//! call succeeded.

use crate::plan::{LIMITS, Latency};

/// How many bins there are.
const BINS: usize = 32;

/// The end of the first bin, in seconds.
const FIRST: f64 = 0.02;

/// How much longer each bin reaches than the one before it.
const GROWTH: f64 = 1.22;

/// With more observations than this the old ones are halved.
const ENOUGH: f64 = 2_000.0;

/// How much what is known from elsewhere counts, in observations.
const OF_ELSEWHERE: f64 = 10.0;

/// The limits that are tried for each candidate, in seconds.
const TRIED: [f64; LIMITS] = [0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.2];

/// How long the good answers of one endpoint take.
///
/// ```
/// use healing_core::learn::Latencies;
/// let elsewhere = Latencies::usual();
/// let mut own = Latencies::default();
/// (0..200).for_each(|_| own.answered(0.1));
/// let latency = own.grid(&elsewhere);
/// assert!(latency.share[0] > 0.9); // nearly all within 150 ms
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latencies {
    bins: [f64; BINS],
    seen: f64,
}

// === impl Latencies ===

impl Latencies {
    /// How many bins there are.
    pub(crate) const BINS: usize = BINS;

    /// So much longer than its limit a call is taken to last that was cut off.
    pub(crate) const CUT_OFF: f64 = 1.5;

    /// What was counted: by bin, and in all.
    pub(crate) const fn counts(&self) -> ([f64; BINS], f64) {
        (self.bins, self.seen)
    }

    /// Of what another process counted.
    pub(crate) const fn of_counts(bins: [f64; BINS], seen: f64) -> Self {
        Self { bins, seen }
    }

    /// Of what was counted elsewhere: a time in seconds, and how many took about that.
    pub(crate) fn counted(rows: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut own = Self::default();
        rows.for_each(|(seconds, times)| own.add(seconds, times));
        own
    }

    /// How long good answers take: a time in seconds, rising, and how many took about that; with what is known from elsewhere
    /// as long as little was seen.
    pub(crate) fn takes(&self, elsewhere: &Self) -> [(f64, f64); BINS] {
        let all: f64 = elsewhere.bins.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut takes = [(0.0, 0.0); BINS];
        let known = self.bins.iter().zip(elsewhere.bins).zip(middles());
        for (row, ((own, other), seconds)) in takes.iter_mut().zip(known) {
            *row = (seconds, own + OF_ELSEWHERE * other / all);
        }
        takes
    }

    /// What is known of any source: a median of 0.3 s, spread by a factor of 2.2 either way.
    #[must_use]
    pub fn usual() -> Self {
        let mut bins = [0.0; BINS];
        for (bin, seconds) in bins.iter_mut().zip(middles()) {
            *bin = (-0.5 * ((seconds / 0.3).ln() / 0.8).powi(2)).exp();
        }
        let all: f64 = bins.iter().sum();
        Self {
            bins: bins.map(|bin| bin / all),
            seen: 1.0,
        }
    }

    /// What is known of all these together, weighed with what is usual.
    #[must_use]
    pub fn together(sources: &[Self], usual: &Self) -> Self {
        const OF_USUAL: f64 = 50.0;
        let mut bins = usual.bins.map(|bin| OF_USUAL * bin);
        for source in sources {
            bins.iter_mut()
                .zip(source.bins)
                .for_each(|(bin, own)| *bin += own);
        }
        let all: f64 = bins.iter().sum();
        Self {
            bins: bins.map(|bin| bin / all),
            seen: 1.0,
        }
    }

    /// A good answer took so many seconds.
    pub fn answered(&mut self, seconds: f64) {
        self.add(seconds, 1.0);
        if self.seen > ENOUGH {
            self.bins = self.bins.map(|count| count / 2.0);
            self.seen /= 2.0;
        }
    }

    fn add(&mut self, seconds: f64, times: f64) {
        let bin = (seconds.max(FIRST) / FIRST).ln() / GROWTH.ln();
        // Between 0 and 31 whatever came in: the cast saturates, and what is no number is 0.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the line after it"
        )]
        let bin = (bin as usize).min(BINS - 1);
        if let Some(count) = self.bins.get_mut(bin) {
            *count += times;
        }
        self.seen += times;
    }

    /// A call was cut off after so many seconds. Count only those whose parts were probably up.
    pub fn cut_off(&mut self, seconds: f64) {
        self.answered(seconds * Self::CUT_OFF);
    }

    /// The law of the latency on the grid that planning needs, with what is known from elsewhere as long as little was seen.
    #[must_use]
    pub fn grid(&self, elsewhere: &Self) -> Latency {
        let mut latency = Latency {
            limits: TRIED,
            share: [0.0; LIMITS],
            mean: [0.0; LIMITS],
        };
        let all: f64 =
            self.bins.iter().sum::<f64>() + OF_ELSEWHERE * elsewhere.bins.iter().sum::<f64>();
        if all <= 0.0 {
            return latency;
        }
        let rows = latency.share.iter_mut().zip(&mut latency.mean);
        for ((share, mean), limit) in rows.zip(TRIED) {
            for ((own, other), seconds) in self.bins.iter().zip(elsewhere.bins).zip(middles()) {
                let weight = (own + OF_ELSEWHERE * other) / all;
                if seconds <= limit {
                    *share += weight;
                }
                *mean += weight * seconds.min(limit);
            }
        }
        latency
    }
}

/// The middles of the bins, in seconds.
fn middles() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(FIRST * 1.1), |seconds| Some(seconds * GROWTH)).take(BINS)
}
