//! Sees what nobody can: every address, key, token and queue as it is. Best in hindsight over its variants, it is what a policy
//! is measured by; it does not foresee what its own calls will cost later, so it is no strict upper bound.

use healing_core::plan::Costs;
use rand::RngExt;

use crate::{
    market::{Host, NOISE, PLENTY, SCATTER, Setting},
    policy::{Attempt, Case, Decision, Move, Policy, Strategy, View, draws::Draws},
};

/// A variant of the oracle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hindsight {
    /// The price of a call under a quota.
    pub price: f64,
    /// What a fresh answer is worth beyond itself: it is the next caller's copy.
    pub bonus: f64,
    /// Whether what was asked is tried even when the copy is better.
    pub must: bool,
    /// The share of the lender's tokens that is left to it.
    pub reserve: f64,
}

/// Decides by what is true.
#[derive(Clone, Debug)]
pub struct Oracle {
    hindsight: Hindsight,
    random: Draws,
}

const LIMITS: [f64; 8] = [0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.2];

/// What is true of a candidate.
struct Truth {
    p: f64,
    median: f64,
    waits: f64,
    price: f64,
}

// === impl Hindsight ===

impl Hindsight {
    /// The variants that are tried where there is a quota, and where there is none.
    #[must_use]
    pub fn variants(quota: bool, setting: Setting) -> Vec<Self> {
        let reserves: &[f64] = if setting.rate < 2.0 {
            &[0.0, 0.25]
        } else {
            &[0.0]
        };
        let prices: &[f64] = if quota {
            &[0.0, 0.05, 0.1, 0.2, 0.3, 0.45]
        } else {
            &[0.0]
        };
        let bonuses: &[f64] = if quota {
            &[0.0, 0.08]
        } else {
            &[0.0, 0.03, 0.08]
        };
        let musts: &[bool] = if quota { &[false] } else { &[true, false] };
        let priced = prices.iter().flat_map(|&price| {
            bonuses.iter().map(move |&bonus| Self {
                price,
                bonus,
                must: false,
                reserve: 0.0,
            })
        });
        let bound = priced.flat_map(|own| musts.iter().map(move |&must| Self { must, ..own }));
        bound
            .flat_map(|own| reserves.iter().map(move |&reserve| Self { reserve, ..own }))
            .collect()
    }
}

// === impl Oracle ===

impl Oracle {
    /// An oracle of that variant.
    #[must_use]
    pub fn new(hindsight: Hindsight, seed: u64) -> Self {
        Self {
            hindsight,
            random: Draws::of(seed ^ 0x0f_ac1e),
        }
    }

    fn truth(
        &self,
        case: &Case,
        view: &mut View<'_>,
        (strategy, delay): (Strategy, f64),
    ) -> Option<Truth> {
        let path = strategy.path(&case.request, view.world);
        let (world, at) = (view.world, view.now + delay);
        let mut truth = Truth {
            p: 1.0 - NOISE,
            median: world.median[path.source],
            waits: 0.0,
            price: 0.0,
        };
        match world.host(path.source, path.host, at) {
            Host::Silent | Host::Refuses => return None,
            Host::Partly(share) => truth.p *= 1.0 - share,
            Host::Slow => {
                truth.p *= 0.8;
                truth.median *= 12.0;
            }
            Host::Up => {}
        }
        let left = view.resources.quota(path.source, path.key);
        let tokens = view.resources.tokens(world, path, view.now);
        let reserve = (self.hindsight.reserve * world.burst[path.source]).max(1.0);
        if world.is_offline(at)
            || world.is_revoked(path.source, path.key, at)
            || world.is_broken(path.source, path.endpoint, at)
            || left < 1.0
            || tokens + delay * world.allowed[path.source] < 1.0
            || (strategy == Strategy::OtherSource && tokens < reserve)
        {
            return None;
        }
        if left < PLENTY / 1e3 {
            truth.price = self.hindsight.price;
        }
        if world.capacity[path.source] < PLENTY {
            let stalled = if world.is_stalled(path.source, at) {
                6.0
            } else {
                0.0
            };
            truth.waits = view.resources.backlog(world, path.source, view.now) + stalled;
        }
        Some(truth)
    }

    /// The index of a candidate by what is true of it, and the limit that gives it.
    fn index(
        &self,
        truth: &Truth,
        (strategy, delay): (Strategy, f64),
        remaining: f64,
    ) -> Option<(f64, f64)> {
        let costs = Costs::default();
        let limits = LIMITS.into_iter().chain([remaining - delay]);
        let fitting = limits.filter(|limit| *limit + delay <= remaining);
        let index = |limit: f64| {
            let (share, mean) = law(truth.median, truth.waits, limit);
            let chance = truth.p * share;
            let expected = truth.p * mean + (1.0 - truth.p) * limit.min(0.1);
            let cost = costs.per_second * (delay + expected) + costs.per_call + truth.price;
            (chance > 1e-4).then(|| {
                (
                    strategy.worth() + self.hindsight.bonus - cost / chance,
                    limit,
                )
            })
        };
        fitting.filter_map(index).max_by(|a, b| a.0.total_cmp(&b.0))
    }
}

impl Policy for Oracle {
    const LEARNS: bool = false;

    fn decide(&mut self, case: &mut Case, mut view: View<'_>) -> Decision {
        let floor = case.request.floor;
        let outside = if case.copy >= floor {
            case.copy
        } else {
            -Costs::default().refusal
        };
        let mut best: Option<(f64, f64, Strategy, f64)> = None;
        let mut priced = false;
        for strategy in Strategy::CALLS {
            let lends = view.setting.lender || case.request.source != view.setting.target;
            let legal = case.may_try(strategy)
                && strategy.worth() >= floor
                && (strategy != Strategy::OtherSource || lends);
            if !legal || view.remaining <= 0.06 {
                continue;
            }
            let delay = if strategy == Strategy::Retry {
                let doubled = f64::from(1_u32 << case.tried(Strategy::Retry));
                0.1 * doubled * (0.5 + self.random.random::<f64>())
            } else {
                0.0
            };
            let Some(truth) = self.truth(case, &mut view, (strategy, delay)) else {
                continue;
            };
            priced |= truth.price > 0.0;
            if let Some((index, limit)) = self.index(&truth, (strategy, delay), view.remaining) {
                // What is probably down is never the first choice, for it as for us.
                let open = truth.p >= healing_core::plan::GATE;
                if open && best.is_none_or(|(most, ..)| index > most) {
                    best = Some((index, limit, strategy, delay));
                }
            }
        }
        let must = self.hindsight.must && !priced && case.is_new();
        let then = match best {
            Some((index, limit, strategy, delay))
                if index > outside || (must && strategy == Strategy::Primary) =>
            {
                Move::Try {
                    strategy,
                    limit,
                    delay,
                }
            }
            _ if case.copy >= floor => Move::Copy,
            _ => Move::Refuse,
        };
        Decision::only(then)
    }

    fn ended(&mut self, _: &Case, _: &Attempt, _: f64) {}
}

/// The share of answers that come within a limit and the mean wait, for latencies whose logarithm is normal, after a queue.
fn law(median: f64, waits: f64, limit: f64) -> (f64, f64) {
    let rest = limit - waits;
    if rest <= 1e-6 {
        return (0.0, limit);
    }
    let normal = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let z = (rest.ln() - median.ln()) / SCATTER;
    let share = normal(z);
    let mean =
        median * (SCATTER * SCATTER / 2.0).exp() * normal(z - SCATTER) + rest * (1.0 - share);
    (share, mean + waits)
}
