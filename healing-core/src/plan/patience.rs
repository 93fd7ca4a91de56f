//! How long the first step of a plan is waited for.
//!
//! The index orders candidates, and a limit of its own goes with it: the one that gives the most for its cost, as if there
//! were always something as good to go on with. Often there is not. After the last candidate comes what is in hand, or a
//! refusal, and then it is worth waiting longer; and where time is short, a shorter wait leaves some to those that follow.
//! So once the order stands, the first step is waited for as long as the whole plan is worth most:
//!
//! ```text
//! limit = argmax over limit:  p * F(limit) * worth - cost(limit) + cut off * rest(time left then) + failed * rest(time left then)
//! ```
//!
//! The rest are the other steps in their order, each as long as its index has it in the time that is left to it then. The
//! order is not touched.

use arrayvec::ArrayVec;

use crate::plan::{Candidate, Costs, LIMITS, MAX_CANDIDATES, Stand, Step, Trial};

/// Waits whose worth differs by less than this differ by rounding: then the shortest is taken.
const SAME: f64 = 1e-12;

/// What is tried later.
struct Later {
    worth: f64,
    delay: f64,
    /// By limit, the best trial that is no longer than that.
    within: ArrayVec<Trial, LIMITS>,
}

// === impl Costs ===

impl Costs {
    /// How long the first of these steps is worth waiting for when the others follow it, in seconds; `None` where there is
    /// no step, or it cannot succeed in time.
    ///
    /// ```
    /// use healing_core::plan::{Candidate, Costs, Latency, Stand};
    /// let slow = Latency {
    ///     limits: [0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.2],
    ///     share: [0.3, 0.6, 0.75, 0.85, 0.9, 0.94, 0.97, 0.99],
    ///     mean: [0.13, 0.19, 0.22, 0.25, 0.28, 0.3, 0.32, 0.34],
    /// };
    /// let retry = Candidate {
    ///     name: "retry", worth: 1.0, p: 0.9, up: 1.0, latency: slow, fails_after: 0.1, hangs: false, delay: 0.0,
    ///     price: 0.0, is_primary: false,
    /// };
    /// let (costs, stand) = (Costs::default(), Stand { in_hand: -0.5, floor: 0.2, remaining: 5.0 });
    /// let wait = |all: &[Candidate<'_>]| costs.patience(all, costs.plan(all, stand).steps(), stand).unwrap();
    /// // Nothing follows but a refusal: it is waited for longer than its index has it.
    /// assert!(wait(&[retry]) > costs.index(&retry, 5.0).unwrap().1);
    /// ```
    #[must_use]
    pub fn patience(
        &self,
        candidates: &[Candidate<'_>],
        steps: &[Step],
        stand: Stand,
    ) -> Option<f64> {
        let mut steps = steps.iter();
        let own = candidates.get(steps.next()?.candidate)?;
        let later: ArrayVec<Later, MAX_CANDIDATES> = steps
            .filter_map(|step| candidates.get(step.candidate))
            .map(|candidate| self.later(candidate))
            .take(MAX_CANDIDATES)
            .collect();
        let left = stand.remaining - own.delay;
        let fits = |trial: &Trial| trial.limit + own.delay <= stand.remaining;
        let mut values: ArrayVec<(f64, f64), LIMITS> = ArrayVec::new();
        for trial in self.trials(own).filter(fits) {
            let cut_off = rest(&later, stand.in_hand, left - trial.limit);
            let failed = rest(&later, stand.in_hand, left - trial.in_vain);
            let value = trial.chance * own.worth - trial.cost
                + (own.p - trial.chance) * cut_off
                + (1.0 - own.p) * failed;
            // No more trials than limits.
            let _full = values.try_push((trial.limit, value));
        }
        let all = values.iter().map(|(_, value)| *value);
        let most = all.fold(f64::NEG_INFINITY, f64::max);
        let mut enough = values.iter().filter(|(_, value)| *value >= most - SAME);
        enough.next().map(|(limit, _)| *limit)
    }

    fn later(&self, candidate: &Candidate<'_>) -> Later {
        let mut within: ArrayVec<Trial, LIMITS> = ArrayVec::new();
        for trial in self.trials(candidate) {
            let shorter = within.last().copied();
            let best = shorter.filter(|shorter| shorter.index >= trial.index);
            // No more trials than limits.
            let _full = within.try_push(Trial {
                limit: trial.limit,
                ..best.unwrap_or(trial)
            });
        }
        Later {
            worth: candidate.worth,
            delay: candidate.delay,
            within,
        }
    }
}

/// What those are worth one after the other in so much time, and then what is in hand.
fn rest(later: &[Later], in_hand: f64, mut left: f64) -> f64 {
    let (mut value, mut reached) = (0.0, 1.0);
    for own in later {
        let fits = |trial: &&Trial| trial.limit + own.delay <= left;
        let Some(trial) = own.within.iter().take_while(fits).last() else {
            continue;
        };
        if trial.index <= in_hand {
            continue;
        }
        value += reached * (trial.chance * own.worth - trial.cost);
        reached *= 1.0 - trial.chance;
        left -= own.delay + trial.in_vain;
    }
    value + reached * in_hand
}
