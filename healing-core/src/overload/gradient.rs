//! The arithmetic of a limit of calls at a time: the form of Gradient2 of Netflix' concurrency-limits.
//!
//! While answers take as long as usual the limit grows by its square root, and shrinks by as much as they take longer than
//! half as long again. Where Gradient2 limits from the start, this begins with the first sign of overload and ends with the
//! last, so that a well host is never limited; where it measures one latency of a host, this is given how much longer each
//! call took than those of its own route.

use std::time::Duration;

/// No limit is less.
pub(crate) const LEAST: u32 = 4;

/// Nor more.
const MOST: f64 = 10_000.0;

/// Answers that take so many times as long as usual are no sign of waiting in a line.
const TOLERANCE: f64 = 1.5;

/// Where there is no limit yet answers have to take so many times as long, at two looks in a row.
const SLOW: f64 = 2.0;

/// What of a look is kept: the limit follows one look by half where it shrinks, and by a fifth where it grows.
const SHRINKS: f64 = 0.5;
const GROWS: f64 = 0.2;

/// Such a share of calls that time out or are refused as too many is a sign of overload, at a look with so many.
const SHARE: f64 = 0.1;
const FAULTS: u64 = 3;

/// What that says of the limit.
const AFTER_FAULTS: f64 = 0.7;

/// Between two looks, while there is no limit and while there is one.
const LOOK: Duration = Duration::from_secs(1);
const LIMITED_LOOK: Duration = Duration::from_millis(200);

/// Fewer good answers than this say nothing of how long they take.
const ENOUGH: u32 = 8;

/// So long without a sign of overload, and without anybody who found no room, and there is no limit any more.
const WELL: Duration = Duration::from_secs(10);

/// A limit of calls at a time: none until there is a sign of overload.
#[derive(Debug, Default)]
pub(crate) struct Gradient {
    limit: Option<f64>,
    look: Look,
    /// The look before this one found answers slow.
    was_slow: bool,
    /// When there was a sign of overload, or somebody found no room.
    ill_at: Duration,
    /// How long good answers took at the last look with some.
    took: Duration,
}

/// A call that came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// How many were under way with it when it began.
    pub(crate) under_way: u32,
    pub(crate) took: Duration,
    /// How much longer it took than usual, as a logarithm, where that is known.
    pub(crate) excess: Option<f64>,
    pub(crate) is_overloaded: bool,
    /// Of how many calls it is the one that is looked at.
    pub(crate) stands_for: u64,
}

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    since: Duration,
    calls: u64,
    overloaded: u64,
    timed: u32,
    excess: f64,
    good: u32,
    took: Duration,
    peak: u32,
}

// === impl Gradient ===

impl Gradient {
    /// Takes note of a call; `pressed` where somebody found no room since the last one. Returns the limit, or zero.
    pub(crate) fn ended(&mut self, sample: Sample, pressed: bool, now: Duration) -> u32 {
        if self.look.calls == 0 {
            self.look.since = now;
        }
        self.look.add(sample);
        if pressed {
            self.ill_at = now;
        }
        let over = now.saturating_sub(self.look.since);
        let is_due = over >= LOOK || (self.limit.is_some() && over >= LIMITED_LOOK);
        if is_due {
            let look = std::mem::take(&mut self.look);
            self.looked(look, now);
        }
        self.limit.map_or(0, whole)
    }

    /// The time from one place that comes free to the next.
    pub(crate) fn apart(&self) -> Duration {
        self.limit
            .map_or(Duration::ZERO, |limit| self.took / whole(limit))
    }

    fn looked(&mut self, look: Look, now: Duration) {
        let slow = look.slow();
        self.took = look.took.checked_div(look.good).unwrap_or(self.took);
        let Some(limit) = self.limit else {
            let is_slow = slow >= SLOW;
            let is_ill = look.is_refused() || (is_slow && self.was_slow);
            self.was_slow = is_slow;
            if is_ill && look.peak > LEAST {
                self.limit = Some(bounded(f64::from(look.peak) * AFTER_FAULTS));
                self.ill_at = now;
                self.was_slow = false;
            }
            return;
        };
        let by_time = (TOLERANCE / slow).clamp(0.5, 1.0);
        // What is let wait there, so that the limit finds out whether the host bears more.
        let (gradient, waiting) = if look.is_refused() {
            (by_time.min(AFTER_FAULTS), 0.0)
        } else {
            (by_time, limit.sqrt())
        };
        let next = limit * gradient + waiting;
        if gradient < 1.0 {
            self.ill_at = now;
            self.limit = Some(bounded(limit + SHRINKS * (next - limit)));
        } else if f64::from(look.peak) * 2.0 >= limit {
            self.limit = Some(bounded(limit + GROWS * (next - limit)));
        }
        if now.saturating_sub(self.ill_at) >= WELL {
            self.limit = None;
        }
    }
}

// === impl Look ===

impl Look {
    fn add(&mut self, sample: Sample) {
        self.calls += sample.stands_for;
        self.overloaded += u64::from(sample.is_overloaded);
        self.peak = self.peak.max(sample.under_way);
        if !sample.is_overloaded {
            self.good += 1;
            self.took += sample.took;
        }
        if let Some(excess) = sample.excess.filter(|excess| excess.is_finite()) {
            self.timed += 1;
            self.excess += excess;
        }
    }

    /// How many times as long as usual its answers took.
    fn slow(&self) -> f64 {
        if self.timed < ENOUGH {
            return 1.0;
        }
        (self.excess / f64::from(self.timed))
            .exp()
            .clamp(0.01, 100.0)
    }

    /// Whether many were refused as too many, or not answered.
    fn is_refused(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "calls of a second")]
        let share = self.overloaded as f64 / self.calls.max(1) as f64;
        self.overloaded >= FAULTS && share >= SHARE
    }
}

fn bounded(limit: f64) -> f64 {
    limit.clamp(f64::from(LEAST), MOST)
}

fn whole(limit: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the bounds of a limit"
    )]
    let whole = bounded(limit) as u32;
    whole
}

#[cfg(test)]
mod tests;
