//! Which ways to answer are worth trying, in which order, and how long each.
//!
//! A cascade of remedies is a Pandora's-box problem (Weitzman 1979, *Optimal Search for the Best Alternative*,
//! Econometrica 47(3)): each candidate is a box that costs time and a call to open and holds an answer of some worth with
//! some probability. The best order is by reservation value, the index
//!
//! ```text
//! index = max over limit:  worth - (per_second * (delay + expected time) + per_call + price) / (p * F(limit))
//! ```
//!
//! descending; one stops at the first success, and opens no box whose index is below what is in hand. How long the first is
//! waited for comes after the order ([`Costs::patience`]). Nothing here allocates, reads a clock or draws a number, so a plan
//! is the same whenever it is made again, and can be explained.
//!
//! Failures tell about what is left: after each one, plan anew with the beliefs of [`learn`](crate::learn).

mod patience;
mod underway;

use std::cmp::Ordering;

use arrayvec::ArrayVec;

pub use crate::plan::underway::Underway;

/// The most candidates that are planned; any further one is left out as [`Why::TooMany`].
pub const MAX_CANDIDATES: usize = 16;

/// How many limits are tried for each candidate.
pub const LIMITS: usize = 8;

/// Below this probability that all it needs is up, a candidate is left to probes and to the budget.
pub const GATE: f64 = 0.2;

/// What it is worth to come back to the route that was asked, once it is up again.
const PREFERENCE: f64 = 0.012;

/// So probably up, the asked route is preferred.
const IS_BACK: f64 = 0.8;

/// Less than this is no chance at all.
const NO_CHANCE: f64 = 1e-9;

/// What waiting, asking and refusing cost, in worth: an exact answer at once is worth 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Costs {
    /// A second of waiting.
    pub per_second: f64,
    /// An upstream call.
    pub per_call: f64,
    /// An honest refusal.
    pub refusal: f64,
}

/// How long the good answers of a candidate take, on a grid of limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The limits, in seconds, rising.
    pub limits: [f64; LIMITS],
    /// F: the share of good answers that have come by each limit.
    pub share: [f64; LIMITS],
    /// E\[min(T, limit)\]: how long one waits on average, in seconds, when the answer is good.
    pub mean: [f64; LIMITS],
}

/// One way to answer, as far as planning goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// Its name; breaks ties.
    pub name: &'a str,
    /// What its answer is worth: the probability that it is as good as the exact one.
    pub worth: f64,
    /// The probability that it succeeds when it is tried now.
    pub p: f64,
    /// The probability that all it needs is up.
    pub up: f64,
    /// How long its good answers take.
    pub latency: Latency,
    /// How long it takes to fail, in seconds, where it says so.
    pub fails_after: f64,
    /// Whether it is likely to fail by silence.
    pub hangs: bool,
    /// How long it must wait before it is tried, in seconds.
    pub delay: f64,
    /// What the call costs beyond any call: a scarce quota.
    pub price: f64,
    /// Whether it is the route that was asked.
    pub is_primary: bool,
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stand {
    /// What is in hand is worth; without anything, less the cost of a refusal.
    pub in_hand: f64,
    /// The least worth that may be given.
    pub floor: f64,
    /// The time that is left, in seconds.
    pub remaining: f64,
}

/// A candidate that is worth trying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which of the candidates.
    pub candidate: usize,
    /// Its index.
    pub index: f64,
    /// The limit that gives its index, in seconds. [`Costs::patience`] says how long the first is really waited for.
    pub limit: f64,
}

/// What it comes to to wait for a candidate that long.
#[derive(Clone, Copy, Debug)]
struct Trial {
    limit: f64,
    /// The probability of an answer within it.
    chance: f64,
    /// How long a failure takes.
    in_vain: f64,
    /// Time and call, in worth.
    cost: f64,
    index: f64,
}

/// Why a candidate is not part of a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// Its answer would be below the floor.
    BelowTheFloor,
    /// What it needs is probably down.
    Gated,
    /// It cannot succeed in the time that is left, or at all.
    NoTime,
    /// What is in hand is better.
    InHand,
    /// There were more candidates than are planned.
    TooMany,
}

/// The steps that are worth taking, best first, and why the others are not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    steps: ArrayVec<Step, MAX_CANDIDATES>,
    left_out: ArrayVec<(usize, Why), MAX_CANDIDATES>,
}

// === impl Costs ===

impl Default for Costs {
    /// A second is worth 5 % of an exact answer, a call as much as 200 ms, a refusal half an answer.
    fn default() -> Self {
        Self {
            per_second: 0.05,
            per_call: 0.01,
            refusal: 0.5,
        }
    }
}

impl Costs {
    /// The reservation value of a candidate and the limit that gives it; `None` where it cannot succeed in time.
    ///
    /// ```
    /// use healing_core::plan::{Candidate, Costs, Latency};
    /// let quick = Latency { limits: [1.0; 8], share: [0.9; 8], mean: [0.2; 8] };
    /// let retry = Candidate {
    ///     name: "retry", worth: 1.0, p: 0.5, up: 1.0, latency: quick, fails_after: 0.1, hangs: false, delay: 0.1,
    ///     price: 0.0, is_primary: false,
    /// };
    /// let (index, limit) = Costs::default().index(&retry, 3.0).unwrap();
    /// assert!(index > 0.9 && limit == 1.0);
    /// assert!(Costs::default().index(&retry, 0.5).is_none());
    /// ```
    #[must_use]
    pub fn index(&self, candidate: &Candidate<'_>, remaining: f64) -> Option<(f64, f64)> {
        let mut best: Option<Trial> = None;
        for trial in self.trials(candidate) {
            let fits = trial.limit + candidate.delay <= remaining;
            if fits && best.is_none_or(|most| trial.index > most.index) {
                best = Some(trial);
            }
        }
        best.map(|trial| (trial.index, trial.limit))
    }

    /// What it comes to to wait for a candidate as long as each of the limits, where it can succeed at all.
    fn trials(&self, candidate: &Candidate<'_>) -> impl Iterator<Item = Trial> {
        let latency = candidate.latency;
        let rows = latency.limits.into_iter().zip(latency.share);
        let rows = rows.zip(latency.mean);
        let (p, worth) = (candidate.p, candidate.worth);
        let (hangs, fails_after) = (candidate.hangs, candidate.fails_after);
        let (per_second, delay) = (self.per_second, candidate.delay);
        let per_call = self.per_call + candidate.price;
        rows.filter_map(move |((limit, share), mean)| {
            let chance = p * share;
            if chance <= NO_CHANCE {
                return None;
            }
            let in_vain = if hangs { limit } else { limit.min(fails_after) };
            let expected = p * mean + (1.0 - p) * in_vain;
            let cost = per_second * (delay + expected) + per_call;
            Some(Trial {
                limit,
                chance,
                in_vain,
                cost,
                index: worth - cost / chance,
            })
        })
    }

    /// What a request is worth on average when those steps are taken in that order until one succeeds, and what is left after
    /// them is worth `outside`. Candidates count as independent of each other.
    ///
    /// ```
    /// use healing_core::plan::{Candidate, Costs, Latency, Stand};
    /// let quick = Latency { limits: [1.0; 8], share: [1.0; 8], mean: [0.2; 8] };
    /// let other = Candidate {
    ///     name: "alternate_endpoint", worth: 1.0, p: 0.5, up: 1.0, latency: quick, fails_after: 0.2, hangs: false,
    ///     delay: 0.0, price: 0.0, is_primary: false,
    /// };
    /// let plan = Costs::default().plan(&[other], Stand { in_hand: -0.5, floor: 0.2, remaining: 3.0 });
    /// let value = Costs::default().value(&[other], plan.steps().iter().copied(), -0.5);
    /// assert!((value - (0.5 * 1.0 - 0.5 * 0.5 - 0.05 * 0.2 - 0.01)).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn value(
        &self,
        candidates: &[Candidate<'_>],
        order: impl DoubleEndedIterator<Item = Step>,
        outside: f64,
    ) -> f64 {
        order.rev().fold(outside, |after, step| {
            let candidate = candidates.get(step.candidate);
            let trials = candidate.into_iter().flat_map(|own| {
                let trials = self.trials(own);
                trials.map(|trial| (own.worth, trial))
            });
            let chosen = trials.take_while(|(_, trial)| trial.limit <= step.limit);
            chosen.last().map_or(after, |(worth, trial)| {
                trial.chance * worth + (1.0 - trial.chance) * after - trial.cost
            })
        })
    }

    /// The plan for a stand: which candidates are worth trying, in which order, and why the others are not.
    ///
    /// ```
    /// use healing_core::plan::{Candidate, Costs, Latency, Stand, Why};
    /// let quick = Latency { limits: [1.0; 8], share: [0.9; 8], mean: [0.2; 8] };
    /// let other = Candidate {
    ///     name: "alternate_endpoint", worth: 1.0, p: 0.9, up: 1.0, latency: quick, fails_after: 0.1, hangs: false,
    ///     delay: 0.0, price: 0.0, is_primary: false,
    /// };
    /// let monthly = Candidate { name: "alternate_series", worth: 0.5, ..other };
    /// let stand = Stand { in_hand: 0.7, floor: 0.2, remaining: 3.0 };
    /// let plan = Costs::default().plan(&[monthly, other], stand);
    /// assert_eq!(plan.steps()[0].candidate, 1);
    /// assert_eq!(plan.left_out(), [(0, Why::InHand)]);
    /// ```
    #[must_use]
    pub fn plan(&self, candidates: &[Candidate<'_>], stand: Stand) -> Plan {
        let mut plan = Plan::default();
        for (n, candidate) in candidates.iter().enumerate() {
            match self.step(candidate, stand) {
                Ok((index, limit)) => {
                    let step = Step {
                        candidate: n,
                        index,
                        limit,
                    };
                    if plan.steps.try_push(step).is_err() {
                        plan.leave_out(n, Why::TooMany);
                    }
                }
                Err(why) => plan.leave_out(n, why),
            }
        }
        let name = |step: &Step| {
            candidates
                .get(step.candidate)
                .map_or("", |candidate| candidate.name)
        };
        plan.steps.sort_unstable_by(|a, b| {
            let by_index = b.index.partial_cmp(&a.index).unwrap_or(Ordering::Equal);
            by_index.then_with(|| name(a).cmp(name(b)))
        });
        plan
    }

    fn step(&self, candidate: &Candidate<'_>, stand: Stand) -> Result<(f64, f64), Why> {
        if candidate.worth < stand.floor {
            return Err(Why::BelowTheFloor);
        }
        if candidate.up < GATE {
            return Err(Why::Gated);
        }
        let (index, limit) = self.index(candidate, stand.remaining).ok_or(Why::NoTime)?;
        let preferred = candidate.is_primary && candidate.up >= IS_BACK;
        let index = if preferred { index + PREFERENCE } else { index };
        if index > stand.in_hand {
            Ok((index, limit))
        } else {
            Err(Why::InHand)
        }
    }
}

// === impl Plan ===

impl Plan {
    /// Take them in this order, and stop at the first success.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The candidates that are not tried. The first [`MAX_CANDIDATES`] of them are named.
    #[must_use]
    pub fn left_out(&self) -> &[(usize, Why)] {
        &self.left_out
    }

    fn leave_out(&mut self, candidate: usize, why: Why) {
        // What does not fit is beyond what anybody reads; the bound is in the documentation of `left_out`.
        let _full = self.left_out.try_push((candidate, why));
    }
}
