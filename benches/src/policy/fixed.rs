//! The specification's orders: always the same remedies, one after another, whatever they are worth.

use crate::policy::{Attempt, Case, Decision, Move, Policy, Strategy, View};

/// A fixed order.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// How long each call is waited for, in seconds.
    limit: f64,
    /// The pause before the first retry, in seconds; it doubles.
    pause: f64,
    retries: usize,
}

/// A copy this old is not given.
const COPY_FOR: f64 = 900.0;

// === impl Fixed ===

impl Fixed {
    /// As it is written: timeouts of 10 s, three retries after 1, 2 and 4 s.
    pub const AS_WRITTEN: Self = Self {
        limit: 10.0,
        pause: 1.0,
        retries: 3,
    };

    /// With timeouts of 1 s, two retries after 0.2 and 0.4 s.
    pub const TUNED: Self = Self {
        limit: 1.0,
        pause: 0.2,
        retries: 2,
    };
}

impl Policy for Fixed {
    const LEARNS: bool = false;

    fn decide(&mut self, case: &mut Case, view: View<'_>) -> Decision {
        let left = view.remaining;
        let call = |strategy, delay: f64| Move::Try {
            strategy,
            limit: self.limit.min(left - delay),
            delay,
        };
        let then = if case.is_new() {
            Move::Try {
                strategy: Strategy::Primary,
                limit: self.limit.min(left),
                delay: 0.0,
            }
        } else if left < 0.05 {
            Move::Refuse
        } else {
            let retried = case.tried(Strategy::Retry);
            let delay = self.pause * f64::from(1_u32 << retried.min(8));
            if retried < self.retries && delay < left {
                call(Strategy::Retry, delay)
            } else if case.copy_age < COPY_FOR {
                Move::Copy
            } else {
                let rest = [
                    Strategy::Daily,
                    Strategy::OtherHost,
                    Strategy::OtherKey,
                    Strategy::OtherSource,
                    Strategy::Proxy,
                ];
                let lends = |strategy: &Strategy| {
                    *strategy != Strategy::OtherSource
                        || view.setting.lender
                        || case.request.source != view.setting.target
                };
                let next = rest
                    .into_iter()
                    .filter(lends)
                    .find(|strategy| case.tried(*strategy) == 0);
                next.map_or(Move::Refuse, |strategy| call(strategy, 0.0))
            }
        };
        Decision::only(then)
    }

    fn ended(&mut self, _: &Case, _: &Attempt, _: f64) {}
}
