//! Counters of one route, added to on the request path without a lock.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::learn::Latencies;

/// Latencies are counted in buckets that grow by a sixth or less: four a doubling, from 64 µs to beyond a minute.
const BUCKETS: usize = 84;
const SMALLEST_LOG2: u32 = 6;

/// What has happened on a route since the start. Additions are relaxed: a reading may be a few requests behind itself.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Requests that were answered exactly at the first call, or with the caller's own mistake.
    pub(crate) direct: AtomicU64,
    pub(crate) healed: AtomicU64,
    pub(crate) unhealed: AtomicU64,
    /// Those of the direct ones that took too long.
    pub(crate) slow: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) call_micros: AtomicU64,
    pub(crate) failures_in_a_row: AtomicU32,
    pub(crate) successes_in_a_row: AtomicU32,
    /// Milliseconds since the clock's start, plus one; zero is never.
    pub(crate) last_success_ms: AtomicU64,
    pub(crate) last_failure_ms: AtomicU64,
    pub(crate) last_healed_ms: AtomicU64,
    latency: [AtomicU32; BUCKETS],
}

/// The counters of a route at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) direct: u64,
    pub(crate) healed: u64,
    pub(crate) unhealed: u64,
    /// Of the direct ones.
    pub(crate) slow: u64,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            direct: AtomicU64::new(0),
            healed: AtomicU64::new(0),
            unhealed: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            call_micros: AtomicU64::new(0),
            failures_in_a_row: AtomicU32::new(0),
            successes_in_a_row: AtomicU32::new(0),
            last_success_ms: AtomicU64::new(0),
            last_failure_ms: AtomicU64::new(0),
            last_healed_ms: AtomicU64::new(0),
            latency: [const { AtomicU32::new(0) }; BUCKETS],
        }
    }

    /// A good upstream call that took that long.
    pub(crate) fn good_call(&self, took: Duration, since_start: Duration) {
        self.timed(took);
        // Read before writing: on the healthy path the line stays shared between cores.
        if self.failures_in_a_row.load(Relaxed) != 0 {
            self.failures_in_a_row.store(0, Relaxed);
        }
        self.successes_in_a_row.fetch_add(1, Relaxed);
        self.last_success_ms.store(stamp(since_start), Relaxed);
    }

    /// A bad upstream call that took that long.
    pub(crate) fn bad_call(&self, took: Duration, since_start: Duration) {
        self.calls.fetch_add(1, Relaxed);
        self.call_micros.fetch_add(micros(took), Relaxed);
        self.failures_in_a_row.fetch_add(1, Relaxed);
        self.successes_in_a_row.store(0, Relaxed);
        self.last_failure_ms.store(stamp(since_start), Relaxed);
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading {
            direct: self.direct.load(Relaxed),
            healed: self.healed.load(Relaxed),
            unhealed: self.unhealed.load(Relaxed),
            slow: self.slow.load(Relaxed),
        }
    }

    /// How many good calls there were whose time is known.
    pub(crate) fn good_calls(&self) -> u64 {
        let buckets = self.latency.iter();
        buckets.map(|bucket| u64::from(bucket.load(Relaxed))).sum()
    }

    /// How long good calls take.
    pub(crate) fn latencies(&self) -> Latencies {
        let rows = self.latency.iter().enumerate().map(|(n, bucket)| {
            let end = seconds(upper_edge(n));
            let begin = n.checked_sub(1).map_or(0.0, |n| seconds(upper_edge(n)));
            let middle = f64::midpoint(begin, end);
            (middle, f64::from(bucket.load(Relaxed)))
        });
        Latencies::counted(rows)
    }

    /// A call was given up after so long, for another one had the answer. It would have taken longer: counted by what is known,
    /// the slow ones would be missing, and what is usual would shrink with each that is given up.
    pub(crate) fn outrun(&self, waited: Duration) {
        self.in_bucket(waited.mul_f64(Latencies::CUT_OFF));
    }

    /// The time under which that share of the good calls stayed, or `None` without calls.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        quantile_of(std::iter::once(self), share)
    }

    /// The mean time of a call, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub(crate) fn mean_seconds(&self) -> f64 {
        match self.calls.load(Relaxed) {
            0 => 0.0,
            calls => self.call_micros.load(Relaxed) as f64 / calls as f64 / 1e6,
        }
    }

    /// A request was healed.
    pub(crate) fn healed(&self, since_start: Duration) {
        self.healed.fetch_add(1, Relaxed);
        self.last_healed_ms.store(stamp(since_start), Relaxed);
    }

    fn timed(&self, took: Duration) {
        self.calls.fetch_add(1, Relaxed);
        self.call_micros.fetch_add(micros(took), Relaxed);
        self.in_bucket(took);
    }

    fn in_bucket(&self, took: Duration) {
        if let Some(bucket) = self.latency.get(bucket_of(micros(took))) {
            bucket.fetch_add(1, Relaxed);
        }
    }
}

// === impl Reading ===

impl Reading {
    pub(crate) const fn requests(self) -> u64 {
        self.direct + self.healed + self.unhealed
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            direct: self.direct + other.direct,
            healed: self.healed + other.healed,
            unhealed: self.unhealed + other.unhealed,
            slow: self.slow + other.slow,
        }
    }

    /// What happened since an earlier reading.
    pub(crate) const fn since(self, then: Self) -> Self {
        Self {
            direct: self.direct.saturating_sub(then.direct),
            healed: self.healed.saturating_sub(then.healed),
            unhealed: self.unhealed.saturating_sub(then.unhealed),
            slow: self.slow.saturating_sub(then.slow),
        }
    }

    /// Requests whose primary attempt failed or was too slow.
    pub(crate) const fn failed(self) -> u64 {
        self.healed + self.unhealed + self.slow
    }

    /// The share of them; 0 without requests.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub(crate) fn error_rate(self) -> f64 {
        match self.requests() {
            0 => 0.0,
            requests => self.failed() as f64 / requests as f64,
        }
    }
}

/// The quantile of several routes' good calls together.
#[expect(
    single_use_lifetimes,
    reason = "an anonymous lifetime cannot stand in `impl Iterator`"
)]
pub(crate) fn quantile_of<'a>(
    tallies: impl Iterator<Item = &'a Tally>,
    share: f64,
) -> Option<Duration> {
    let mut counts = [0_u64; BUCKETS];
    for tally in tallies {
        for (count, bucket) in counts.iter_mut().zip(&tally.latency) {
            *count += u64::from(bucket.load(Relaxed));
        }
    }
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank within a count"
    )]
    let rank = ((total as f64) * share).ceil().max(1.0) as u64;
    let mut seen = 0;
    let bucket = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    });
    bucket.map(|bucket| Duration::from_micros(upper_edge(bucket)))
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since the start, kept apart from "never".
fn stamp(since_start: Duration) -> u64 {
    u64::try_from(since_start.as_millis())
        .unwrap_or(u64::MAX - 1)
        .saturating_add(1)
}

/// The moment behind a stamp.
pub(crate) fn moment(stamp: u64) -> Option<Duration> {
    stamp.checked_sub(1).map(Duration::from_millis)
}

/// The bucket of a time: the octave and its quarter.
fn bucket_of(micros: u64) -> usize {
    let micros = micros.max(1 << SMALLEST_LOG2);
    let octave = micros.ilog2();
    let quarter = (micros >> (octave - 2)) & 3;
    let index = u64::from(octave - SMALLEST_LOG2) * 4 + quarter;
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The end of a bucket, in microseconds.
fn upper_edge(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(0);
    let octave = u64::from(SMALLEST_LOG2) + bucket / 4;
    (4 + bucket % 4 + 1) << (octave - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_quarter_of_the_true_value() {
        let tally = Tally::new();
        for ms in 1..=100 {
            tally.good_call(Duration::from_millis(ms), Duration::ZERO);
        }
        let median = tally.quantile(0.5).unwrap().as_secs_f64() * 1000.0;
        assert!((50.0..63.0).contains(&median), "{median}");
        let p95 = tally.quantile(0.95).unwrap().as_secs_f64() * 1000.0;
        assert!((95.0..119.0).contains(&p95), "{p95}");
        assert_eq!(Tally::new().quantile(0.5), None);
    }

    #[test]
    fn a_call_that_was_given_up_counts_as_half_as_long_again() {
        let tally = Tally::new();
        tally.outrun(Duration::from_secs(2));
        let takes = tally.latencies().takes(&Latencies::usual());
        let (mean, all) = takes
            .iter()
            .fold((0.0, 0.0), |(mean, all), (s, n)| (mean + s * n, all + n));
        let usual = Latencies::default().takes(&Latencies::usual());
        let (rest, of_rest) = usual
            .iter()
            .fold((0.0, 0.0), |(mean, all), (s, n)| (mean + s * n, all + n));
        assert!((all - of_rest - 1.0).abs() < 1e-9, "{all}");
        assert!((2.4..3.6).contains(&(mean - rest)), "{}", mean - rest);
        assert_eq!(tally.mean_seconds(), 0.0, "it is no call that ended");
    }

    #[test]
    fn every_time_has_a_bucket_whose_edge_is_above_it() {
        for micros in [0, 63, 64, 65, 1_000, 123_456, 60_000_000, u64::MAX / 2] {
            let bucket = bucket_of(micros);
            assert!(bucket < BUCKETS);
            if bucket < BUCKETS - 1 {
                assert!(upper_edge(bucket) > micros, "{micros}");
            }
        }
    }
}
