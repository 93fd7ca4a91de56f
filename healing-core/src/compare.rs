//! What a changed order of remedies would gain, told from what was tried under the order that holds.
//!
//! One cannot compare the requests in which something was tried first with those in which something else was: it was tried
//! first because its prospects were better just then. What can be compared is what chance decided. Where the order of two was
//! drawn, each with a known probability (its propensity), the doubly robust estimate of the difference is right on average
//! however wrong the model is that says what to expect (Dudik, Erhan, Langford, Li 2014, *Doubly Robust Policy Evaluation and
//! Optimization*, Statistical Science 29(4)):
//!
//! ```text
//! X = q(changed) + [changed was tried] / p(changed) * (reward - q(changed))
//!   - q(usual)   - [usual was tried]   / p(usual)   * (reward - q(usual))
//! ```
//!
//! The interval is a confidence sequence: it holds at every time at once, so that looking often misleads nobody (Howard,
//! Ramdas, McAuliffe, Sekhon 2021, *Time-uniform, nonparametric, nonasymptotic confidence sequences*, Annals of Statistics
//! 49(2), theorem 4, with a discrete mixture). It speaks of the mean of what was to be expected of each request as it came, so
//! neither days that differ nor a learner that goes on learning make it wrong. For each rate L, and a step that may fall short
//! of what the model says by no more than c < 1/L,
//!
//! ```text
//! exp(L * sum(X - mean) - sum((-ln(1 - L c) - L c) / c^2 * (X - model)^2))
//! ```
//!
//! is no more than 1 on average at any time (Fan, Grama, Liu 2015), so the chance that it ever reaches 1/a is at most a
//! (Ville). The rates share what chance there is. Only the fall counts below, and only the rise above, which is why an
//! interval may reach further on one side.
//!
//! Pure: no clock, no chance, no allocation.

/// The chance that an interval ever misses.
pub const ALPHA: f64 = 0.05;

/// A smaller propensity counts as this one: a single lucky draw must not decide. None that is drawn is smaller.
pub const LEAST_PROPENSITY: f64 = 0.02;

/// Rewards and expectations lie between this and its negative; what is beyond counts as this.
pub const MOST_REWARD: f64 = 1.0;

/// How many rates share the chance of a miss.
const RATES: usize = 10;

/// Steps that can hardly fall count as ones that may fall by this: the figures stay finite, and the bound only wider.
const LEAST_FALL: f64 = 0.01;

/// Something that might be tried first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// The reward that the model expects when it is tried first.
    pub expected: f64,
    /// The probability with which it was put first; 0 where it could not be.
    pub propensity: f64,
}

/// Which of the two was tried first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tried {
    /// What the order that holds puts first.
    Usual,
    /// What the changed order puts first.
    Changed,
    /// Something else.
    Neither,
}

/// A healed request in which the changed order would have tried something else first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What the order that holds puts first.
    pub usual: Arm,
    /// What the changed order puts first.
    pub changed: Arm,
    /// What was tried.
    pub tried: Tried,
    /// What came of it.
    pub reward: f64,
}

/// Healed requests, weighed one after the other.
///
/// ```
/// use healing_core::compare::{Arm, Comparison, Trial, Tried, Verdict};
/// let mut comparison = Comparison::default();
/// assert_eq!(comparison.estimate().verdict, Verdict::NoSupport);
/// let arm = |propensity| Arm { expected: 0.5, propensity };
/// for n in 0..4_000 {
///     let (tried, reward) = if n % 2 == 0 { (Tried::Usual, 0.4) } else { (Tried::Changed, 0.9) };
///     comparison.tells(&Trial { usual: arm(0.5), changed: arm(0.5), tried, reward });
/// }
/// let estimate = comparison.estimate();
/// assert_eq!(estimate.verdict, Verdict::Better);
/// assert!((estimate.gain.unwrap().mean - 0.5).abs() < 1e-9);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    alike: u64,
    supported: u64,
    unsupported: u64,
    sum: f64,
    below: Evidence,
    above: Evidence,
    weights: f64,
    squares: f64,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// In a word.
    pub verdict: Verdict,
    /// What the changed order gains for each request; `None` without support.
    pub gain: Option<Gain>,
    /// The requests that it speaks of.
    pub episodes: u64,
    /// Those of them in which the changed order would have tried something else first.
    pub differing: u64,
    /// Further ones in which it would have, and could not have been tried first: of these nothing is known.
    pub unsupported: u64,
    /// How many requests that were treated as the changed order says, and only they, would tell as much (Kish's effective
    /// sample size). Low where few were drawn.
    pub effective: f64,
}

/// A difference of rewards: an exact answer at once is worth 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// The estimate.
    pub mean: f64,
    /// The lower end of its interval.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// What is to be thought of a changed order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It gains something.
    Better,
    /// It loses something.
    Worse,
    /// Either may be.
    NotYetKnown,
    /// It would have tried the same in all requests.
    Same,
    /// What it would try was never tried first, so nothing is known.
    NoSupport,
}

/// What one side of the sums may have strayed, for each rate; infinite where a step may fall further than the rate bears.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Evidence([f64; RATES]);

// === impl Comparison ===

impl Comparison {
    /// A request in which both orders would have tried the same first: neither gains.
    pub const fn alike(&mut self) {
        self.alike += 1;
    }

    /// A request in which they would not have. Without a propensity for both of them, or with a figure that is no number, it
    /// is counted and tells nothing.
    pub fn tells(&mut self, trial: &Trial) {
        let (Some(usual), Some(changed)) = (trial.usual.weight(), trial.changed.weight()) else {
            self.unsupported += 1;
            return;
        };
        let Some([before, after, reward]) =
            bounded([trial.usual.expected, trial.changed.expected, trial.reward])
        else {
            self.unsupported += 1;
            return;
        };
        let surprise = match trial.tried {
            Tried::Usual => -usual * (reward - before),
            Tried::Changed => changed * (reward - after),
            Tried::Neither => 0.0,
        };
        self.supported += 1;
        self.sum += after - before + surprise;
        let fall = (changed * (after + MOST_REWARD)).max(usual * (MOST_REWARD - before));
        let rise = (changed * (MOST_REWARD - after)).max(usual * (before + MOST_REWARD));
        self.below.add(surprise, fall);
        self.above.add(surprise, rise);
        if trial.tried == Tried::Changed {
            self.weights += changed;
            self.squares += changed * changed;
        }
    }

    /// What they come to.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let gain = self.gain();
        let verdict = match gain {
            None if self.alike > 0 && self.unsupported == 0 => Verdict::Same,
            None => Verdict::NoSupport,
            Some(gain) if gain.lower > 0.0 => Verdict::Better,
            Some(gain) if gain.upper < 0.0 => Verdict::Worse,
            Some(_) => Verdict::NotYetKnown,
        };
        let nothing = Gain {
            mean: 0.0,
            lower: 0.0,
            upper: 0.0,
        };
        Estimate {
            verdict,
            gain: gain.or_else(|| (verdict == Verdict::Same).then_some(nothing)),
            episodes: self.alike + self.supported,
            differing: self.supported,
            unsupported: self.unsupported,
            effective: if self.squares > 0.0 {
                self.weights * self.weights / self.squares
            } else {
                0.0
            },
        }
    }

    fn gain(&self) -> Option<Gain> {
        if self.supported == 0 {
            return None;
        }
        let requests = count(self.alike + self.supported);
        let mean = self.sum / requests;
        let most = 2.0 * MOST_REWARD;
        Some(Gain {
            mean,
            lower: (mean - self.below.margin() / requests).max(-most),
            upper: (mean + self.above.margin() / requests).min(most),
        })
    }
}

// === impl Arm ===

impl Arm {
    /// What a request counts in which it was tried; `None` where it could not be.
    fn weight(self) -> Option<f64> {
        let can_be = self.propensity > 0.0 && self.propensity <= 1.0;
        can_be.then(|| 1.0 / self.propensity.max(LEAST_PROPENSITY))
    }
}

// === impl Evidence ===

impl Evidence {
    /// A step strayed so far from what the model says, and may fall by that much at most.
    fn add(&mut self, surprise: f64, fall: f64) {
        let fall = fall.max(LEAST_FALL);
        for (own, rate) in self.0.iter_mut().zip(rates()) {
            let part = rate * fall;
            *own += if part < 1.0 {
                (-(-part).ln_1p() - part) * (surprise / fall).powi(2)
            } else {
                f64::INFINITY
            };
        }
    }

    /// How far the sum may be from the truth.
    fn margin(&self) -> f64 {
        const SIDES: f64 = 2.0;
        let share = (SIDES * count(RATES as u64) / ALPHA).ln();
        let margins = self.0.iter().zip(rates());
        margins
            .map(|(own, rate)| (share + own) / rate)
            .fold(f64::INFINITY, f64::min)
    }
}

// === impl Verdict ===

impl Verdict {
    /// Its words.
    ///
    /// ```
    /// use healing_core::compare::Verdict;
    /// assert_eq!(Verdict::NoSupport.as_str(), "no support");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NotYetKnown => "not yet known",
            Self::Same => "the same",
            Self::NoSupport => "no support",
        }
    }
}

/// One half, a quarter, and so on: from steps that can hardly stray to those that a small propensity makes large.
fn rates() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(0.5), |rate| Some(rate / 2.0)).take(RATES)
}

/// Numbers within what a reward may be; `None` where one is none.
fn bounded(numbers: [f64; 3]) -> Option<[f64; 3]> {
    let are_numbers = numbers.iter().all(|number| !number.is_nan());
    are_numbers.then(|| numbers.map(|number| number.clamp(-MOST_REWARD, MOST_REWARD)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are no 2^53 requests on record"
)]
const fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
mod tests;
