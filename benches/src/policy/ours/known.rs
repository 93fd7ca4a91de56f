//! What is known of one source: how long its answers take, how long its outages last, what calls to it are worth.

use healing_core::{
    learn::{Cause, Latencies, Outages, quantile_price},
    plan::Latency,
};

use crate::policy::{
    Attempt,
    rails::{Budget, Limiter, Probes},
};

/// The causes of the model, by number.
pub(super) const CAUSES: usize = Cause::ALL.len();

/// Bins of the histogram of what calls are worth, and their width.
const GAINS: (usize, f64) = (60, 1.0 / 30.0);

/// What is known of a source.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) culprits: [[f64; 6]; CAUSES],
    pub(super) outages: [Outages; CAUSES],
    pub(super) latencies: Latencies,
    pub(super) grid: Latency,
    unread: u32,
    answers: u32,
    pub(super) fails_after: f64,
    pub(super) arrivals: f64,
    last_arrival: f64,
    pub(super) budget: Budget,
    pub(super) limiters: [Limiter; 4],
    pub(super) probes: Probes,
    gains: Vec<f64>,
    pub(super) price: f64,
}

// === impl Known ===

impl Known {
    /// Nothing yet, but for how often it will be asked a second and how long answers take elsewhere.
    pub(super) fn new(rate: f64, usual: &Latencies) -> Self {
        Self {
            culprits: [[0.0; 6]; CAUSES],
            outages: [Outages::default(); CAUSES],
            latencies: Latencies::default(),
            grid: Latencies::default().grid(usual),
            unread: 0,
            answers: 0,
            fails_after: 0.1,
            arrivals: rate,
            last_arrival: 0.0,
            budget: Budget::new(rate),
            limiters: [Limiter::new(); 4],
            probes: Probes::new(),
            gains: vec![0.0; GAINS.0],
            price: 0.0,
        }
    }

    /// A caller asked.
    pub(super) fn arrived(&mut self, now: f64) {
        self.budget.earn(now);
        self.arrivals = self.arrivals * (-(now - self.last_arrival) / 60.0).exp() + 1.0 / 60.0;
        self.last_arrival = now;
    }

    /// The price of a call under a quota of which so many are left, by what calls have been worth.
    pub(super) fn reprice(&mut self, gain: f64, (left, seconds): (f64, f64), chance: f64) {
        self.gains.iter_mut().for_each(|count| *count *= 0.996);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the bins there are"
        )]
        let bin = ((gain / GAINS.1).max(0.0) as usize).min(GAINS.0 - 1);
        self.gains[bin] += 1.0;
        let expected = (self.arrivals * seconds).max(1.0);
        self.price = quantile_price(&self.gains, GAINS.1, left / expected, chance);
    }

    /// A call took its time; `is_up`: what it needed was probably in order.
    pub(super) fn took(&mut self, attempt: &Attempt, is_up: bool, usual: &Latencies) {
        match attempt.outcome.failed {
            None => self.latencies.answered(attempt.outcome.took),
            Some(Cause::Timeout) if is_up => self.latencies.cut_off(attempt.limit),
            Some(Cause::Timeout) => return,
            Some(_) => {
                self.fails_after += 0.1 * (attempt.outcome.took - self.fails_after);
                return;
            }
        }
        self.unread += 1;
        self.answers += 1;
        if self.unread >= 16 || self.answers < 20 {
            self.unread = 0;
            self.grid = self.latencies.grid(usual);
        }
    }
}
