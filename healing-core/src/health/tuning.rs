//! Thresholds that move with what a route's own past shows: within bounds, a step at a time, and never without a receipt.
//!
//! The specification's figures are where every route begins. A route of which one request in a hundred fails day and night is
//! called degraded by 5 % of a small window again and again; one that never fails is worse off at 3 % than one that always
//! does. So the share is placed where a window of a quiet time comes once in a thousand: the median share of the windows, which
//! an incident of less than half of them does not move, and three standard deviations of a count of that size above it.

use std::time::Duration;

use jiff::Timestamp;

use crate::health::{Thresholds, tally::Reading};

/// A window of that length counts, where it had so many requests.
const WINDOW: Duration = Duration::from_mins(5);
const LEAST_REQUESTS: u64 = 20;

/// Nothing moves before four hours of windows.
const LEAST_WINDOWS: u64 = 48;

/// After a week of windows each new one counts twice as much as those before.
const MOST_WINDOWS: u64 = 2_016;

/// Nor does the time before so many good calls.
const LEAST_CALLS: u64 = 1_000;

/// How often a threshold moves at most.
const PACE: Duration = Duration::from_hours(1);

/// How far it moves at most, and how far it has to be off to move, as a share of itself.
const STEP: f64 = 0.25;
const WORTH_A_MOVE: f64 = 0.1;

/// Where each stays, whatever was seen.
const DEGRADED: (f64, f64) = (0.02, 0.15);
const CRITICAL: (f64, f64) = (0.10, 0.40);
const SLOW_SECONDS: (f64, f64) = (5.0, 30.0);

/// Critical is as much worse than degraded as the specification has it.
const CRITICAL_TO_DEGRADED: f64 = 4.0;

/// A time this many times the 99th percentile is slow.
const SLOW_TO_USUAL: f64 = 3.0;

/// Of a normal distribution one in a thousand lies further above the mean, in standard deviations.
const ONE_IN_A_THOUSAND: f64 = 3.09;

/// A single failure in a window is none.
const A_SINGLE_ONE: f64 = 1.5;

/// No route is taken to be better than that: a share of zero was not seen for long enough.
const BEST: f64 = 0.005;

/// Shares are counted in steps of half a per cent.
const BINS: usize = 200;

/// Which threshold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Threshold {
    /// [`Thresholds::degraded_from`], a share.
    DegradedFrom,
    /// [`Thresholds::critical_from`], a share.
    CriticalFrom,
    /// [`Thresholds::slow`], in seconds.
    Slow,
}

/// The receipt of a threshold that was moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThresholdMove {
    /// When.
    pub time: Timestamp,
    /// Which.
    pub threshold: Threshold,
    /// Where it was: a share, 0 to 1, or seconds.
    pub from: f64,
    /// Where it is.
    pub to: f64,
    /// What was seen: the median share of failed requests in windows of five minutes, or the 99th percentile of good calls in seconds.
    pub seen: f64,
    /// In how many windows, or good calls.
    pub of: u64,
}

/// What one route's past shows, and where it put its thresholds.
#[derive(Debug)]
pub(crate) struct Tuning {
    now: Thresholds,
    moves: [Option<ThresholdMove>; 3],
    shares: [u32; BINS],
    windows: u64,
    requests: u64,
    begun: Option<(Duration, Reading)>,
    moved: Duration,
}

/// What is known of a route when it is time to tune.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) time: Timestamp,
    /// What is set for it.
    pub(crate) set: Thresholds,
    /// How many good calls, and the time under which 99 of 100 stayed.
    pub(crate) calls: u64,
    pub(crate) usual: Option<Duration>,
}

// === impl Threshold ===

impl Threshold {
    /// Its word on the feed and in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DegradedFrom => "degraded",
            Self::CriticalFrom => "critical",
            Self::Slow => "slow",
        }
    }
}

// === impl Tuning ===

impl Default for Tuning {
    fn default() -> Self {
        Self {
            now: Thresholds::default(),
            moves: [None; 3],
            shares: [0; BINS],
            windows: 0,
            requests: 0,
            begun: None,
            moved: Duration::ZERO,
        }
    }
}

impl Tuning {
    /// Takes note of a route, so long after the start; call it about once a second. Returns whether it is time to tune.
    pub(crate) fn note(&mut self, at: Duration, reading: Reading) -> bool {
        let (begun, before) = *self.begun.get_or_insert((at, reading));
        if at.saturating_sub(begun) >= WINDOW {
            self.begun = Some((at, reading));
            self.count(reading.since(before));
        }
        let is_due = self.windows >= LEAST_WINDOWS && at.saturating_sub(self.moved) >= PACE;
        if is_due {
            self.moved = at;
        }
        is_due
    }

    /// The thresholds that hold where those are set: one that is set otherwise than the specification has it stays.
    pub(crate) fn hold(&self, set: Thresholds) -> Thresholds {
        let mut held = set;
        if set.moves_shares() {
            held.degraded_from = self.now.degraded_from;
            held.critical_from = self.now.critical_from;
        }
        if set.moves_slow() {
            held.slow = self.now.slow;
        }
        held
    }

    /// The last move of each threshold that moved.
    pub(crate) fn moves(&self) -> Vec<ThresholdMove> {
        self.moves.iter().flatten().copied().collect()
    }

    fn count(&mut self, window: Reading) {
        let requests = window.requests();
        if requests < LEAST_REQUESTS {
            return;
        }
        if self.windows >= MOST_WINDOWS {
            self.shares.iter_mut().for_each(|count| *count /= 2);
            self.windows = self.shares.iter().map(|count| u64::from(*count)).sum();
            self.requests /= 2;
        }
        // What was only slow is left out: it follows from a threshold.
        let failed = window.healed + window.unhealed;
        let bin = usize::try_from(failed * as_u64(BINS) / requests).unwrap_or(BINS);
        if let Some(count) = self.shares.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
        self.windows += 1;
        self.requests += requests;
    }

    /// Moves what is set to move, and returns the receipts.
    pub(crate) fn tune(&mut self, seen: &Seen) -> Vec<ThresholdMove> {
        let mut moves = Vec::new();
        if seen.set.moves_shares() {
            let share = self.median();
            let degraded = clamp(self.once_in_a_thousand(share), DEGRADED);
            let critical = clamp(CRITICAL_TO_DEGRADED * degraded, CRITICAL);
            let shares = (seen.time, share, self.windows);
            let Thresholds {
                degraded_from,
                critical_from,
                ..
            } = &mut self.now;
            moves.extend(step(
                Threshold::DegradedFrom,
                degraded_from,
                degraded,
                shares,
            ));
            moves.extend(step(
                Threshold::CriticalFrom,
                critical_from,
                critical,
                shares,
            ));
        }
        let calls = Some(seen.calls).filter(|calls| *calls >= LEAST_CALLS && seen.set.moves_slow());
        if let Some((usual, calls)) = seen.usual.zip(calls) {
            let usual = usual.as_secs_f64();
            let target = clamp(SLOW_TO_USUAL * usual, SLOW_SECONDS);
            let mut slow = self.now.slow.as_secs_f64();
            moves.extend(step(
                Threshold::Slow,
                &mut slow,
                target,
                (seen.time, usual, calls),
            ));
            self.now.slow = Duration::try_from_secs_f64(slow).unwrap_or(self.now.slow);
        }
        for made in &moves {
            if let Some(last) = self.moves.get_mut(made.threshold as usize) {
                *last = Some(*made);
            }
        }
        moves
    }

    /// The share that a window of the usual size exceeds once in a thousand, where so many fail.
    #[expect(clippy::cast_precision_loss, reason = "a mean of counts")]
    fn once_in_a_thousand(&self, share: f64) -> f64 {
        let usual = (self.requests as f64 / self.windows.max(1) as f64).max(1.0);
        let share = share.max(BEST);
        let rare = share + ONE_IN_A_THOUSAND * (share * (1.0 - share) / usual).sqrt();
        rare.max(A_SINGLE_ONE / usual)
    }

    /// The median of the windows' shares, at the lower edge of its step.
    #[expect(clippy::cast_precision_loss, reason = "a number of a bin")]
    fn median(&self) -> f64 {
        let mut left = self.windows.div_ceil(2);
        let bin = self.shares.iter().position(|count| {
            left = left.saturating_sub(u64::from(*count));
            left == 0
        });
        bin.unwrap_or(0) as f64 / BINS as f64
    }
}

/// Moves a threshold towards where it should be, if that is worth it.
fn step(
    threshold: Threshold,
    now: &mut f64,
    target: f64,
    (time, seen, of): (Timestamp, f64, u64),
) -> Option<ThresholdMove> {
    let from = *now;
    if (target - from).abs() <= WORTH_A_MOVE * from {
        return None;
    }
    *now = target.clamp(from * (1.0 - STEP), from * (1.0 + STEP));
    Some(ThresholdMove {
        time,
        threshold,
        from,
        to: *now,
        seen,
        of,
    })
}

fn clamp(number: f64, (least, most): (f64, f64)) -> f64 {
    number.clamp(least, most)
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route that is looked at once in five minutes: requests in a window, and how many of them fail, by the window's number.
    fn route(
        hours: u64,
        requests: u64,
        failed: impl Fn(u64) -> u64,
    ) -> (Tuning, Vec<ThresholdMove>) {
        let (mut tuning, mut moves) = (Tuning::default(), Vec::new());
        let mut reading = Reading::default();
        for window in 0..=hours * 12 {
            if tuning.note(Duration::from_mins(5 * window), reading) {
                moves.extend(tuning.tune(&Seen {
                    time: Timestamp::UNIX_EPOCH,
                    set: Thresholds::default(),
                    calls: window * requests,
                    usual: Some(Duration::from_millis(400)),
                }));
            }
            let failed = failed(window).min(requests);
            reading.unhealed += failed;
            reading.direct += requests - failed;
        }
        (tuning, moves)
    }

    fn held(tuning: &Tuning) -> (f64, f64, f64) {
        let held = tuning.hold(Thresholds::default());
        (
            held.degraded_from,
            held.critical_from,
            held.slow.as_secs_f64(),
        )
    }

    #[test]
    fn a_route_that_hardly_fails_is_ill_sooner() {
        let (tuning, _) = route(48, 1_000, |_| 0);
        let (degraded, critical, slow) = held(&tuning);
        assert!((0.02..0.022).contains(&degraded), "{degraded}");
        assert!((0.10..0.11).contains(&critical), "{critical}");
        assert!((5.0..5.5).contains(&slow), "{slow}");
    }

    #[test]
    fn a_route_that_always_fails_a_little_is_ill_where_it_fails_more_than_ever() {
        let (tuning, _) = route(48, 300, |_| 18);
        let (degraded, critical, _) = held(&tuning);
        let rare = 0.06 + ONE_IN_A_THOUSAND * (0.06_f64 * 0.94 / 300.0).sqrt();
        assert!(
            (degraded / rare - 1.0).abs() < WORTH_A_MOVE,
            "{degraded} {rare}"
        );
        assert!((critical / degraded - 4.0).abs() < 0.9, "{critical}");
    }

    #[test]
    fn in_few_requests_a_single_failure_is_no_illness() {
        let (tuning, _) = route(48, 20, |window| u64::from(window % 5 == 0));
        let (degraded, ..) = held(&tuning);
        assert!(degraded > 1.0 / 20.0, "{degraded}");
    }

    #[test]
    fn an_outage_does_not_become_usual() {
        let quiet = route(24, 1_000, |window| 10 + window % 5).0;
        let outage = route(24, 1_000, |window| {
            if window > 160 { 1_000 } else { 10 + window % 5 }
        })
        .0;
        assert!((held(&outage).0 / held(&quiet).0 - 1.0).abs() < 0.2);
        let (degraded, critical, _) = held(&route(240, 1_000, |_| 900).0);
        assert!(
            (0.9 * DEGRADED.1..=DEGRADED.1).contains(&degraded),
            "{degraded}"
        );
        assert!(
            (0.9 * CRITICAL.1..=CRITICAL.1).contains(&critical),
            "{critical}"
        );
    }

    #[test]
    fn each_move_is_a_step_with_a_receipt_once_an_hour() {
        let (tuning, moves) = route(12, 1_000, |_| 0);
        let first = moves[0];
        assert_eq!(
            (first.threshold, first.from),
            (Threshold::DegradedFrom, 0.05)
        );
        assert!((first.to - 0.0375).abs() < 1e-9, "{first:?}");
        assert_eq!((first.seen, first.of), (0.0, 48));
        let of = |threshold| {
            let of = moves.iter().filter(move |made| made.threshold == threshold);
            of.copied().collect::<Vec<_>>()
        };
        for threshold in [
            Threshold::DegradedFrom,
            Threshold::CriticalFrom,
            Threshold::Slow,
        ] {
            let moves = of(threshold);
            for pair in moves.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
            }
            assert!(
                moves
                    .iter()
                    .all(|made| (made.to / made.from - 1.0).abs() <= STEP + 1e-9)
            );
            assert!(
                moves.len() <= 9,
                "nine hours of them are left after the first four"
            );
            assert_eq!(
                tuning
                    .moves()
                    .iter()
                    .find(|made| made.threshold == threshold),
                moves.last()
            );
        }
    }

    #[test]
    fn nothing_moves_on_little_evidence() {
        assert_eq!(route(3, 1_000, |_| 0).1, []);
        assert_eq!(route(48, LEAST_REQUESTS - 1, |_| 0).1, []);
    }

    #[test]
    fn what_is_set_stays() {
        let (tuning, _) = route(48, 1_000, |_| 0);
        let set = Thresholds {
            tune: false,
            ..Thresholds::default()
        };
        assert_eq!(tuning.hold(set), set);
        let set = Thresholds {
            critical_from: 0.5,
            ..Thresholds::default()
        };
        let held = tuning.hold(set);
        assert_eq!((held.degraded_from, held.critical_from), (0.05, 0.5));
        assert!(held.slow < set.slow);
    }

    #[test]
    fn what_is_a_week_old_fades() {
        let weeks = 14 * 24;
        let (tuning, _) = route(
            3 * weeks,
            1_000,
            |window| if window < weeks * 12 { 100 } else { 0 },
        );
        assert!(held(&tuning).0 < 0.03);
        assert!(tuning.windows <= MOST_WINDOWS);
    }
}
