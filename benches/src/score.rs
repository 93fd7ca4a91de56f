//! What a run was worth: its figures, out of what every caller got.

use healing_core::plan::Costs;

use crate::{
    market::{BEFORE, World},
    policy::Strategy,
    run::{Answered, Record},
};

/// The figures of one run. What does not occur in a run is no number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many requests count.
    pub requests: f64,
    /// Mean utility of a request.
    pub utility: f64,
    /// The share of honest refusals.
    pub refused: f64,
    /// The share of answers below the floor of who asked.
    pub wrong: f64,
    /// Of those that needed healing, the share that was answered within floor and deadline.
    pub healed: f64,
    /// Mean time to heal where a call was needed, in seconds.
    pub mean_time: f64,
    /// The 95th percentile of the same.
    pub p95: f64,
    /// Mean worth of the answers.
    pub worth: f64,
    /// Calls to the source for its own callers, probes included, by their requests.
    pub amplification: f64,
    /// Mean utility of the lender's own callers.
    pub lender: f64,
    /// From a minute after the fault, the share of requests that got an answer worth at least 0.95.
    pub late_share: f64,
    /// From then on, the mean worth of answers.
    pub late_worth: f64,
    /// Of those who asked in the first ten seconds of the fault, how many had a call made to the source.
    pub touched: f64,
    /// When after the fault the first exact answer came from the source, in seconds; infinite: not within a minute.
    pub exact: f64,
    /// When the first came in the way that was asked.
    pub back: f64,
    /// When the last call was made for which a quota was left, as a share of the time that it must last.
    pub last_call: f64,
}

/// The costs of an answer below the floor: it is forbidden, and priced so that it shows.
const WRONG: f64 = 1.0;

/// An answer of this worth is as good as the exact one.
const FRESH: f64 = 0.95;

/// How long who asks during a fault is counted as having met it unawares, in seconds.
const UNAWARES: f64 = 10.0;

/// How long the quota of its scenario must last, in seconds.
const RATIONED: f64 = 1_190.0;

// === impl Record ===

impl Record {
    /// The figures of the run.
    #[must_use]
    pub fn figures(&self, world: &World) -> Figures {
        let all = &self.answered;
        let given = || all.iter().filter(|answered| answered.is_right());
        let needed = all.iter().filter(|answered| !answered.is_direct());
        let mut times: Vec<f64> = given()
            .filter(|own| !own.is_direct() && own.calls > 0)
            .map(|own| own.took)
            .collect();
        times.sort_by(f64::total_cmp);
        let requests = count(all.len());
        let (began, over) = world.fault;
        let late = || all.iter().filter(|own| own.request.at >= over + 60.0);
        let unawares = all
            .iter()
            .filter(|own| own.request.at < began + UNAWARES && own.asked > 0);
        Figures {
            requests,
            utility: mean(all.iter().map(Answered::utility)),
            refused: mean(all.iter().map(|own| share(own.with.is_none()))),
            wrong: mean(all.iter().map(|own| share(own.is_wrong()))),
            healed: mean(needed.map(|own| share(own.is_right()))),
            mean_time: mean(times.iter().copied()),
            p95: times
                .get(times.len() * 95 / 100)
                .copied()
                .unwrap_or(f64::NAN),
            worth: mean(given().map(|own| own.worth)),
            amplification: f64::from(self.calls) / requests.max(1.0),
            lender: mean(self.lenders.iter().map(Answered::utility)),
            late_share: mean(late().map(|own| share(own.worth >= FRESH))),
            late_worth: mean(late().filter(|own| own.is_right()).map(|own| own.worth)),
            touched: count(unawares.count()),
            exact: self.first_after(over, Strategy::is_exact),
            back: self.first_after(over, |with| with == Strategy::Primary),
            last_call: (self.last_call - BEFORE) / RATIONED,
        }
    }

    /// When after the fault the first such answer came to somebody who asked after it, in seconds.
    fn first_after(&self, over: f64, is_such: fn(Strategy) -> bool) -> f64 {
        let all = self.answered.iter().chain(&self.afterwards);
        all.filter(|own| own.request.at >= over && own.with.is_some_and(is_such))
            .map(|own| own.request.at + own.took - over)
            .fold(f64::INFINITY, f64::min)
    }
}

// === impl Answered ===

impl Answered {
    /// What it was worth to who asked, less what it cost.
    #[must_use]
    pub fn utility(&self) -> f64 {
        let costs = Costs::default();
        let spent = costs.per_second * self.took + costs.per_call * f64::from(self.calls);
        let got = match self.with {
            None => -costs.refusal,
            Some(_) if self.is_wrong() => -WRONG,
            Some(_) => self.worth,
        };
        got - spent
    }

    /// Whether it is below the floor.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.with.is_some() && self.worth < self.request.floor - 1e-9
    }

    /// Whether it was answered within the floor.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.with.is_some() && !self.is_wrong()
    }

    /// Whether the first call answered it.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.with == Some(Strategy::Primary) && self.calls == 1
    }
}

/// The mean of numbers; what is no number is left out, and of none it is none.
#[must_use]
pub fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = numbers
        .filter(|number| !number.is_nan())
        .fold((0.0, 0.0), |(sum, n), number| (sum + number, n + 1.0));
    if n > 0.0 { sum / n } else { f64::NAN }
}

const fn share(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
