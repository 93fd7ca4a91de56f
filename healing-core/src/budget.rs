//! What extra upstream calls may cost: retries, in all, stay a share of the traffic that callers made.
//!
//! A count of retries a request multiplies the load just when a source can bear it least. A budget does not: every request
//! of a caller puts a tenth of a token in, every extra call takes one out. A small inflow besides keeps healing alive where
//! traffic is thin; both it and the store of tokens shrink with the traffic, so that they cannot become the load themselves.
//! (The form is Finagle's retry budget; the fractional floor is ours.) A last rail holds for all sources together, whatever
//! was stored: within ten seconds only a share of all calls may be extra ones.

use std::{sync::Mutex, time::Duration};

use crate::lock::lock;

/// Tokens for extra calls. Nothing is touched on the healthy path: deposits are worked out when a token is wanted, from
/// the count of requests that is kept anyway.
#[derive(Debug)]
pub(crate) struct Budget {
    rules: BudgetRules,
    tokens: Mutex<Tokens>,
}

/// What healing may cost: how the budget of a source fills, and the most that all sources together may spend.
///
/// ```
/// use healing_core::BudgetRules;
/// assert_eq!(BudgetRules::default(), BudgetRules::new(0.1, 0.1, 0.2)?);
/// assert!(BudgetRules::new(7.0, 0.1, 0.2).is_err()); // seven extra calls for each request of a caller
/// # Ok::<(), healing_core::BudgetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetRules {
    share: f64,
    floor_per_s: f64,
    at_most: f64,
}

/// Why a budget cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// What is no share.
    #[error("{name} is {given}; give a share from 0 to 1, such as 0.1")]
    NoShare {
        /// Which of the figures.
        name: &'static str,
        /// What it is.
        given: f64,
    },
    /// What is no rate.
    #[error("floor_per_s is {0}; give calls a second from 0 to 10, such as 0.1")]
    NoRate(f64),
}

#[derive(Debug)]
struct Tokens {
    left: f64,
    requests: u64,
    at: Duration,
    /// Requests a second, over the last ten seconds or more.
    rate: f64,
    rate_from: (Duration, u64),
    lately: Lately,
}

/// What was spent within ten seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Lately {
    from: Duration,
    /// Requests when they began, and in the ten seconds before.
    requests: u64,
    before: u64,
    spent: u64,
}

impl Default for BudgetRules {
    fn default() -> Self {
        Self {
            share: 0.1,
            floor_per_s: 0.1,
            at_most: 0.2,
        }
    }
}

// === impl BudgetRules ===

impl BudgetRules {
    /// All sources together have a floor so many times as high: there are more of them to keep alive.
    const SOURCES: f64 = 10.0;

    /// For each request of a caller that share of an extra call, and so many extra calls a second besides, fewer where traffic
    /// is thin; in all, at most that share of the calls within ten seconds, and two in any case.
    ///
    /// # Errors
    /// When a share is not from 0 to 1, or the rate not from 0 to 10 a second.
    pub fn new(share: f64, floor_per_s: f64, at_most: f64) -> Result<Self, BudgetError> {
        for (name, given) in [("share", share), ("at_most", at_most)] {
            if !(0.0..=1.0).contains(&given) {
                return Err(BudgetError::NoShare { name, given });
            }
        }
        if !(0.0..=10.0).contains(&floor_per_s) {
            return Err(BudgetError::NoRate(floor_per_s));
        }
        Ok(Self {
            share,
            floor_per_s,
            at_most,
        })
    }

    /// Those of one source, whose calls are not all calls.
    pub(crate) const fn of_one(self) -> Self {
        Self {
            at_most: 1.0,
            ..self
        }
    }

    /// Those of all sources together, which may spend what one may.
    pub(crate) fn of_all(self) -> Self {
        Self {
            floor_per_s: self.floor_per_s * Self::SOURCES,
            ..self
        }
    }
}

// === impl Budget ===

impl Budget {
    /// A budget that starts with what a trickle of traffic may store.
    pub(crate) const fn new(rules: BudgetRules) -> Self {
        let tokens = Tokens {
            left: 2.0,
            requests: 0,
            at: Duration::ZERO,
            rate: 0.0,
            rate_from: (Duration::ZERO, 0),
            lately: Lately {
                from: Duration::ZERO,
                requests: 0,
                before: 0,
                spent: 0,
            },
        };
        Self {
            rules,
            tokens: Mutex::new(tokens),
        }
    }

    /// Takes a token, if there is one, given the requests of callers so far and the time since the start.
    pub(crate) fn spend(&self, requests: u64, now: Duration) -> bool {
        let mut tokens = lock(&self.tokens);
        tokens.fill(self.rules, requests, now);
        let may = tokens.left >= 1.0 && tokens.lately.has_room(self.rules.at_most, requests);
        if may {
            tokens.left -= 1.0;
            tokens.lately.spent += 1;
        }
        may
    }

    /// Whether a token is there, without taking it.
    pub(crate) fn has_some(&self, requests: u64, now: Duration) -> bool {
        let mut tokens = lock(&self.tokens);
        tokens.fill(self.rules, requests, now);
        tokens.left >= 1.0 && tokens.lately.has_room(self.rules.at_most, requests)
    }

    /// Whether at least half of what it can hold is there, and no more than half was spent of what may be lately: so much that
    /// something may be tried that is not for this caller alone.
    pub(crate) fn is_half_full(&self, requests: u64, now: Duration) -> bool {
        let mut tokens = lock(&self.tokens);
        tokens.fill(self.rules, requests, now);
        let lately = &tokens.lately;
        2.0 * tokens.left >= tokens.most() && lately.has_room(self.rules.at_most / 2.0, requests)
    }

    /// Gives back a token that was taken and not used.
    pub(crate) fn give_back(&self) {
        let mut tokens = lock(&self.tokens);
        tokens.left += 1.0;
        tokens.lately.spent = tokens.lately.spent.saturating_sub(1);
    }
}

impl Tokens {
    const RATE_OVER: Duration = Duration::from_secs(10);

    fn fill(&mut self, rules: BudgetRules, requests: u64, now: Duration) {
        self.measure_rate(requests, now);
        self.lately.goes_on(requests, now);
        let most = self.most();
        let floor = rules.floor_per_s.min(0.4 * self.rate);
        let seconds = now.saturating_sub(self.at).as_secs_f64();
        let deposited =
            rules.share * count(requests.saturating_sub(self.requests)) + floor * seconds;
        self.left = (self.left + deposited).min(most);
        self.requests = requests;
        self.at = now;
    }

    /// What it can hold.
    fn most(&self) -> f64 {
        (2.0 + 10.0 * self.rate).min(10.0)
    }

    fn measure_rate(&mut self, requests: u64, now: Duration) {
        let (from, then) = self.rate_from;
        let over = now.saturating_sub(from);
        let measured = count(requests.saturating_sub(then)) / over.as_secs_f64().max(1.0);
        if over >= Self::RATE_OVER {
            self.rate_from = (now, requests);
            self.rate = measured;
        } else if self.rate == 0.0 {
            self.rate = measured;
        }
    }
}

// === impl Lately ===

impl Lately {
    const OVER: Duration = Duration::from_secs(10);
    /// What may be spent however few the calls are.
    const ALWAYS: f64 = 2.0;

    fn goes_on(&mut self, requests: u64, now: Duration) {
        let over = now.saturating_sub(self.from);
        if over < Self::OVER {
            return;
        }
        let since = requests.saturating_sub(self.requests);
        *self = Self {
            from: now,
            requests,
            before: if over < 2 * Self::OVER { since } else { 0 },
            spent: 0,
        };
    }

    /// Whether one more stays within that share of all calls.
    fn has_room(&self, at_most: f64, requests: u64) -> bool {
        let made = count(requests.saturating_sub(self.requests).max(self.before));
        let spent = count(self.spent) + 1.0;
        spent <= Self::ALWAYS || spent <= at_most * (made + spent)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests between two calls are small"
)]
const fn count(requests: u64) -> f64 {
    requests as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Extra calls granted when every request wants one more, at that rate for that long.
    fn granted(per_second: u64, seconds: u64) -> f64 {
        let budget = Budget::new(BudgetRules::default().of_one());
        let requests = per_second * seconds;
        let granted = (1..=requests)
            .filter(|n| budget.spend(*n, Duration::from_millis(n * 1000 / per_second)))
            .count();
        f64::from(u32::try_from(granted).unwrap()) / count(requests)
    }

    #[test]
    fn extra_calls_stay_under_the_promised_shares() {
        assert!(granted(2, 15) <= 0.6, "{}", granted(2, 15));
        assert!(granted(2, 300) <= 0.2, "{}", granted(2, 300));
        assert!(granted(500, 60) <= 0.101, "{}", granted(500, 60));
    }

    #[test]
    fn thin_traffic_may_still_heal() {
        assert!(granted(1, 30) >= 0.1, "{}", granted(1, 30));
    }

    #[test]
    fn what_is_stored_does_not_carry_past_the_share_of_all_calls() {
        let generous = BudgetRules::new(1.0, 10.0, 0.2).unwrap().of_all();
        let budget = Budget::new(generous);
        let second = |n: u64| Duration::from_secs(n);
        // Twenty calls in ten seconds: five more are a fifth of all.
        for n in 1..=20 {
            budget.has_some(n, Duration::from_millis(n * 480));
        }
        let spent = (0..20).filter(|_| budget.spend(20, Duration::from_millis(9_900)));
        assert_eq!(spent.count(), 5);
        assert!(budget.spend(21, second(11)), "the next ten seconds");
        budget.give_back();
        let spent = (0..20).filter(|_| budget.spend(21, second(11)));
        assert_eq!(spent.count(), 5, "what was asked lately counts");
        let quiet = (0..20).filter(|_| budget.spend(40, second(60)));
        assert_eq!(quiet.count(), 2, "two in any case");
    }

    #[test]
    fn half_of_it_is_half_of_what_it_can_hold() {
        let budget = Budget::new(BudgetRules::default().of_one());
        let after = |seconds| Duration::from_secs(seconds);
        for n in 1..=60 {
            budget.has_some(n * 10, after(n));
        }
        for left in (5..10).rev() {
            assert!(budget.is_half_full(600, after(60)), "{left}");
            assert!(budget.spend(600, after(60)));
        }
        assert!(budget.is_half_full(600, after(60)));
        assert!(budget.spend(600, after(60)));
        assert!(!budget.is_half_full(600, after(60)));
    }

    #[test]
    fn what_is_no_share_is_said() {
        let said = |rules: Result<_, BudgetError>| rules.unwrap_err().to_string();
        assert_eq!(
            said(BudgetRules::new(f64::NAN, 0.1, 0.2)),
            "share is NaN; give a share from 0 to 1, such as 0.1"
        );
        assert_eq!(
            said(BudgetRules::new(0.1, 0.1, 1.5)),
            "at_most is 1.5; give a share from 0 to 1, such as 0.1"
        );
        assert_eq!(
            said(BudgetRules::new(0.1, -1.0, 0.2)),
            "floor_per_s is -1; give calls a second from 0 to 10, such as 0.1"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_order_of_moments_overdraws(steps: Vec<(u8, u16)>) {
            let budget = Budget::new(BudgetRules::default());
            let (mut requests, mut now, mut spent) = (0_u64, Duration::ZERO, 0_u32);
            for (more, ms) in steps {
                requests += u64::from(more);
                now += Duration::from_millis(u64::from(ms));
                spent += u32::from(budget.spend(requests, now));
            }
            let allowed = 10.0 + 0.1 * count(requests) + 0.1 * now.as_secs_f64();
            proptest::prop_assert!(f64::from(spent) <= allowed);
        }
    }
}
