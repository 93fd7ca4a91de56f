//! What it is still worth to wait for a call that is under way.
//!
//! A call that has not answered for long is one of the slow ones, or one of those that never answer; the longer it takes, the
//! more probably the latter. What was paid for it is spent and counts no more. Beside the index of a call that could be made
//! now, this says when to make that one without giving the first up: the moment of a hedged request (Dean and Barroso 2013,
//! *The Tail at Scale*, Communications of the ACM 56(2)).

use crate::plan::{Costs, NO_CHANCE};

/// A call, under way or about to be made.
///
/// ```
/// use healing_core::plan::{Costs, Underway};
/// let takes = [(0.1, 90.0), (0.2, 8.0), (2.0, 2.0)]; // two of a hundred good answers take 2 s
/// let call = |waited| Underway { worth: 1.0, p: 0.9, waited, cost: 0.0, remaining: 3.0 };
/// let worth = |waited| Costs::default().index_underway(&takes, call(waited)).unwrap().0;
/// assert!(worth(0.0) > 0.98 && worth(0.25) < 0.9); // by then it is one of the slow ones, or a dead one
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Underway {
    /// What its answer is worth.
    pub worth: f64,
    /// The probability that it succeeds, as it was when it was sent.
    pub p: f64,
    /// How long it has been waited for, in seconds; 0 for one that is about to be made.
    pub waited: f64,
    /// What it costs beyond the waiting: nothing once it is under way.
    pub cost: f64,
    /// The time that is left, in seconds.
    pub remaining: f64,
}

impl Costs {
    /// The reservation value of going on to wait for a call, and for how many seconds from now that is worth it; `None` where
    /// no good answer has ever taken so long, or none would come in time.
    ///
    /// `takes` is how long its good answers take: a time in seconds, rising, and how many took about that.
    #[must_use]
    pub fn index_underway(&self, takes: &[(f64, f64)], call: Underway) -> Option<(f64, f64)> {
        let shares = |rows: &[(f64, f64)]| rows.iter().map(|(_, share)| share).sum::<f64>();
        let from = takes.partition_point(|(seconds, _)| *seconds <= call.waited);
        let later = takes.get(from..).unwrap_or_default();
        let (all, left) = (shares(takes), shares(later));
        if left <= 0.0 {
            return None;
        }
        let outlasted = 1.0 - left / all;
        let p = call.p * (1.0 - outlasted) / (1.0 - call.p * outlasted);
        let (mut come, mut waits) = (0.0, 0.0);
        let mut best: Option<(f64, f64)> = None;
        for (seconds, share) in later {
            let limit = seconds - call.waited;
            if limit > call.remaining {
                break;
            }
            come += share;
            waits += share * limit;
            let chance = p * come / left;
            if chance <= NO_CHANCE {
                continue;
            }
            // It has been silent so far, so in vain means until the limit.
            let mean = (waits + (left - come) * limit) / left;
            let expected = p * mean + (1.0 - p) * limit;
            let index = call.worth - (self.per_second * expected + call.cost) / chance;
            if best.is_none_or(|(most, _)| index > most) {
                best = Some((index, limit));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Candidate, LIMITS, Latency};

    const TAKES: [(f64, f64); LIMITS] = [
        (0.1, 40.0),
        (0.2, 30.0),
        (0.3, 15.0),
        (0.5, 8.0),
        (0.8, 4.0),
        (1.2, 2.0),
        (1.8, 0.5),
        (2.2, 0.5),
    ];

    fn call(p: f64, waited: f64) -> Underway {
        Underway {
            worth: 1.0,
            p,
            waited,
            cost: 0.0,
            remaining: 3.0,
        }
    }

    #[test]
    fn a_call_that_is_about_to_be_made_has_the_index_of_a_candidate_that_hangs() {
        let mut latency = Latency {
            limits: TAKES.map(|(seconds, _)| seconds),
            share: [0.0; LIMITS],
            mean: [0.0; LIMITS],
        };
        for (n, limit) in latency.limits.into_iter().enumerate() {
            for (seconds, share) in TAKES {
                latency.share[n] += if seconds <= limit { share / 100.0 } else { 0.0 };
                latency.mean[n] += share / 100.0 * f64::min(seconds, limit);
            }
        }
        let candidate = Candidate {
            name: "",
            worth: 1.0,
            p: 0.8,
            up: 1.0,
            latency,
            fails_after: 0.1,
            hangs: true,
            delay: 0.0,
            price: 0.0,
            is_primary: false,
        };
        let costs = Costs::default();
        let (expected, until) = costs.index(&candidate, 3.0).unwrap();
        let about = Underway {
            cost: costs.per_call,
            ..call(0.8, 0.0)
        };
        let (index, limit) = costs.index_underway(&TAKES, about).unwrap();
        assert!((index - expected).abs() < 1e-12, "{index} {expected}");
        assert!((limit - until).abs() < 1e-12, "{limit} {until}");
    }

    #[test]
    fn what_has_taken_longer_than_any_good_answer_is_not_expected_any_more() {
        let costs = Costs::default();
        assert_eq!(costs.index_underway(&TAKES, call(0.9, 2.2)), None);
        assert_eq!(costs.index_underway(&[], call(0.9, 0.0)), None);
        let hopeless = call(0.0, 0.1);
        assert_eq!(costs.index_underway(&TAKES, hopeless), None);
        let late = Underway {
            remaining: 0.05,
            ..call(0.9, 0.0)
        };
        assert_eq!(costs.index_underway(&TAKES, late), None);
    }

    proptest::proptest! {
        #[test]
        fn a_better_chance_and_more_time_never_lower_it_and_a_cost_never_raises_it(
            p in 0.05..0.99_f64, waited in 0.0..2.0_f64, more in 0.0..0.5_f64,
        ) {
            let costs = Costs::default();
            let index = |call| costs.index_underway(&TAKES, call).map(|(index, _)| index);
            let own = index(call(p, waited));
            let likelier = index(call((p + more).min(0.999), waited));
            let dearer = index(Underway { cost: more, ..call(p, waited) });
            let shorter = index(Underway { remaining: 3.0 - 2.0 * more, ..call(p, waited) });
            proptest::prop_assert!(likelier >= own.map(|own| own - 1e-12));
            proptest::prop_assert!(dearer <= own && shorter <= own);
        }
    }
}
