//! What extra upstream calls may cost: retries, in all, stay a share of the traffic that callers made.
//!
//! A count of retries a request multiplies the load just when a source can bear it least. A budget does not: every request
//! of a caller puts a tenth of a token in, every extra call takes one out. A small inflow besides keeps healing alive where
//! traffic is thin; both it and the store of tokens shrink with the traffic, so that they cannot become the load themselves.
//! (The form is Finagle's retry budget; the fractional floor is ours.)

use std::{sync::Mutex, time::Duration};

use crate::lock::lock;

/// Tokens for extra calls. Nothing is touched on the healthy path: deposits are worked out when a token is wanted, from
/// the count of requests that is kept anyway.
#[derive(Debug)]
pub(crate) struct Budget {
    rules: BudgetRules,
    tokens: Mutex<Tokens>,
}

/// How a budget fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BudgetRules {
    /// Tokens for each request of a caller.
    pub(crate) share: f64,
    /// Tokens a second at the most besides.
    pub(crate) floor_per_s: f64,
}

#[derive(Debug)]
struct Tokens {
    left: f64,
    requests: u64,
    at: Duration,
    /// Requests a second, over the last ten seconds or more.
    rate: f64,
    rate_from: (Duration, u64),
}

impl Default for BudgetRules {
    fn default() -> Self {
        Self {
            share: 0.1,
            floor_per_s: 0.1,
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
        if tokens.left < 1.0 {
            return false;
        }
        tokens.left -= 1.0;
        true
    }

    /// Whether a token is there, without taking it.
    pub(crate) fn has_some(&self, requests: u64, now: Duration) -> bool {
        let mut tokens = lock(&self.tokens);
        tokens.fill(self.rules, requests, now);
        tokens.left >= 1.0
    }

    /// Gives back a token that was taken and not used.
    pub(crate) fn give_back(&self) {
        lock(&self.tokens).left += 1.0;
    }
}

impl Tokens {
    const RATE_OVER: Duration = Duration::from_secs(10);

    fn fill(&mut self, rules: BudgetRules, requests: u64, now: Duration) {
        self.measure_rate(requests, now);
        let most = (2.0 + 10.0 * self.rate).min(10.0);
        let floor = rules.floor_per_s.min(0.4 * self.rate);
        let seconds = now.saturating_sub(self.at).as_secs_f64();
        let deposited =
            rules.share * count(requests.saturating_sub(self.requests)) + floor * seconds;
        self.left = (self.left + deposited).min(most);
        self.requests = requests;
        self.at = now;
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
        let budget = Budget::new(BudgetRules::default());
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
