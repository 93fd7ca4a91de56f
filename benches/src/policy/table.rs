//! Tables of what worked: for each remedy how often it did, and the best one first. The usual ways to learn an order.

use std::collections::HashMap;

use arrayvec::ArrayVec;
use healing_core::{learn::Cause, plan::Costs};
use rand::RngExt;
use rand_distr::{Beta, Distribution};

use crate::{
    market::{ENDPOINTS, SOURCES},
    policy::{Attempt, Case, Decision, Failure, Move, Policy, Strategy, View, draws::Draws},
};

/// How a table is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// By the share of successes since ever, whatever the answer is worth.
    SuccessRate,
    /// The same, with nothing below the floor.
    SuccessRateAboveFloor,
    /// By the mean worth, with a tenth of the orders at random.
    Greedy,
    /// By a draw from what is believed (Thompson sampling).
    Thompson,
    /// The same with counts that fade, behind a breaker.
    Fading,
    /// The same, with what all sources have in common as the prior.
    Pooled,
}

/// A table of what worked.
#[derive(Clone, Debug)]
pub struct Table {
    kind: Kind,
    cells: HashMap<(usize, Cause, Strategy), Cell>,
    /// Successes and failures by source.
    plain: HashMap<(usize, Strategy), (f64, f64)>,
    takes: [[f64; 8]; SOURCES],
    priors: HashMap<(Cause, Strategy), (f64, f64)>,
    breakers: Vec<Breaker>,
    refit: f64,
    random: Draws,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    succeeded: f64,
    failed: f64,
    at: f64,
    worth: f64,
    tried: f64,
}

#[derive(Clone, Copy, Debug)]
struct Breaker {
    failures: u32,
    open_until: f64,
    cause: Cause,
}

/// Half-life of counts that fade, in seconds.
const HALF_LIFE: f64 = 450.0;

/// A copy this old is not given.
const COPY_FOR: f64 = 900.0;

/// How long each call is waited for, in seconds.
const LIMIT: f64 = 1.0;

/// After the first failure.
const REMEDIES: [Strategy; 7] = [
    Strategy::Retry,
    Strategy::OtherHost,
    Strategy::OtherKey,
    Strategy::OtherSource,
    Strategy::Copy,
    Strategy::Daily,
    Strategy::Proxy,
];

// === impl Table ===

impl Table {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(kind: Kind, seed: u64) -> Self {
        let closed = Breaker {
            failures: 0,
            open_until: 0.0,
            cause: Cause::ServerError,
        };
        Self {
            kind,
            cells: HashMap::new(),
            plain: HashMap::new(),
            takes: [[0.3; 8]; SOURCES],
            priors: HashMap::new(),
            breakers: vec![closed; SOURCES * ENDPOINTS],
            refit: 300.0,
            random: Draws::of(seed ^ 0x7a_b1e5),
        }
    }

    const fn has_breaker(&self) -> bool {
        matches!(self.kind, Kind::Fading | Kind::Pooled)
    }

    fn order(&mut self, case: &Case, view: &View<'_>) -> ArrayVec<Strategy, 12> {
        let cause = case
            .failures
            .first()
            .map_or(Cause::ServerError, |failure| failure.cause);
        let at_random = self.kind == Kind::Greedy && self.random.random_bool(0.1);
        let lends = view.setting.lender || case.request.source != view.setting.target;
        let mut scored: Vec<(f64, Strategy)> = Vec::with_capacity(REMEDIES.len());
        for strategy in REMEDIES {
            let worth = if strategy == Strategy::Copy {
                case.copy
            } else {
                strategy.worth()
            };
            let below = self.kind != Kind::SuccessRate && worth < case.request.floor;
            if below || (strategy == Strategy::OtherSource && !lends) {
                continue;
            }
            let score = if at_random {
                self.random.random()
            } else {
                self.score((case, strategy), cause, view.now)
            };
            scored.push((score, strategy));
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let draws = matches!(self.kind, Kind::Thompson | Kind::Fading | Kind::Pooled);
        let refusal = -Costs::default().refusal;
        let worthy = scored
            .into_iter()
            .filter(|(score, _)| !draws || *score >= refusal);
        worthy.map(|(_, strategy)| strategy).collect()
    }

    fn score(&mut self, (case, strategy): (&Case, Strategy), cause: Cause, now: f64) -> f64 {
        let source = case.request.source;
        if matches!(self.kind, Kind::SuccessRate | Kind::SuccessRateAboveFloor) {
            let (succeeded, failed) = self
                .plain
                .get(&(source, strategy))
                .copied()
                .unwrap_or_default();
            let all = succeeded + failed;
            let rank = f64::from(u32::try_from(strategy.number()).unwrap_or(u32::MAX));
            return if all > 0.0 { succeeded / all } else { 0.5 } - 1e-3 * rank;
        }
        if strategy == Strategy::Copy {
            return case.copy
                - if self.kind == Kind::Greedy {
                    0.001
                } else {
                    0.0
                };
        }
        let cell = self
            .cell(case, cause, strategy)
            .copied()
            .unwrap_or_default();
        if self.kind == Kind::Greedy {
            return if cell.tried > 0.0 {
                cell.worth / cell.tried
            } else {
                0.5
            };
        }
        let fading = if self.kind == Kind::Thompson {
            1.0
        } else {
            faded(now - cell.at)
        };
        let (a, b) = match self.kind {
            Kind::Pooled => {
                let (mean, strength) = self
                    .priors
                    .get(&(cause, strategy))
                    .copied()
                    .unwrap_or((0.5, 2.0));
                (mean * strength, (1.0 - mean) * strength)
            }
            Kind::SuccessRate
            | Kind::SuccessRateAboveFloor
            | Kind::Greedy
            | Kind::Thompson
            | Kind::Fading => (1.0, 1.0),
        };
        let law = Beta::new(
            a.max(0.05) + fading * cell.succeeded,
            b.max(0.05) + fading * cell.failed,
        );
        let p: f64 = law.map_or(0.5, |law| law.sample(&mut *self.random));
        let costs = Costs::default();
        let takes = self.takes[source][strategy.number()];
        strategy.worth() - (costs.per_second * takes + costs.per_call) / p.max(1e-3)
    }

    fn cell(&self, case: &Case, cause: Cause, strategy: Strategy) -> Option<&Cell> {
        self.cells.get(&(endpoint_of(case), cause, strategy))
    }

    fn next(&mut self, case: &mut Case, view: &View<'_>) -> Move {
        let above_floor = self.kind == Kind::SuccessRate || case.copy >= case.request.floor;
        while let Some(strategy) = case
            .order
            .as_mut()
            .and_then(|order| (!order.is_empty()).then(|| order.remove(0)))
        {
            if view.remaining < 0.05 {
                break;
            }
            if strategy == Strategy::Copy {
                let counts = self
                    .plain
                    .entry((case.request.source, strategy))
                    .or_default();
                if case.copy_age < COPY_FOR && above_floor {
                    counts.0 += 1.0;
                    return Move::Copy;
                }
                counts.1 += 1.0;
                continue;
            }
            let delay = if strategy == Strategy::Retry {
                0.2 * f64::from(1_u32 << case.tried(Strategy::Retry))
            } else {
                0.0
            };
            if delay < view.remaining {
                let limit = LIMIT.min(view.remaining - delay);
                return Move::Try {
                    strategy,
                    limit,
                    delay,
                };
            }
        }
        if self.kind != Kind::SuccessRate && case.copy >= case.request.floor {
            Move::Copy
        } else {
            Move::Refuse
        }
    }

    /// What all sources have in common, by the moments of their shares of successes.
    fn refit(&mut self, now: f64) {
        if now < self.refit || self.kind != Kind::Pooled {
            return;
        }
        self.refit += 300.0;
        for cause in Cause::ALL {
            for strategy in REMEDIES {
                let cells = self
                    .cells
                    .iter()
                    .filter(|((_, own, remedy), _)| *own == cause && *remedy == strategy);
                let counts: Vec<(f64, f64)> = cells
                    .map(|(_, cell)| {
                        let fading = faded(now - cell.at);
                        (
                            fading * cell.succeeded,
                            fading * (cell.succeeded + cell.failed),
                        )
                    })
                    .filter(|(_, tried)| *tried > 0.5)
                    .collect();
                if !counts.is_empty() {
                    self.priors.insert((cause, strategy), moments(&counts));
                }
            }
        }
    }
}

impl Policy for Table {
    const LEARNS: bool = true;

    fn decide(&mut self, case: &mut Case, view: View<'_>) -> Decision {
        self.refit(view.now);
        if case.is_new() {
            let breaker = self.breakers[endpoint_of(case)];
            if !self.has_breaker() || view.now >= breaker.open_until {
                return Decision::only(Move::Try {
                    strategy: Strategy::Primary,
                    limit: LIMIT,
                    delay: 0.0,
                });
            }
            let path = Strategy::Primary.path(&case.request, view.world);
            case.failed(Failure {
                strategy: Strategy::Primary,
                path,
                cause: breaker.cause,
            });
        }
        if case.order.is_none() {
            let order = self.order(case, &view);
            case.order = Some(order);
        }
        let then = self.next(case, &view);
        Decision::only(then)
    }

    fn ended(&mut self, case: &Case, attempt: &Attempt, now: f64) {
        let (source, strategy) = (case.request.source, attempt.strategy);
        let succeeded = attempt.outcome.failed.is_none();
        let takes = &mut self.takes[source][strategy.number()];
        *takes += 0.1 * (attempt.outcome.took - *takes);
        if strategy == Strategy::Primary {
            let breaker = &mut self.breakers[endpoint_of(case)];
            match attempt.outcome.failed {
                None => breaker.failures = 0,
                Some(cause) => {
                    breaker.failures += 1;
                    breaker.cause = cause;
                    if breaker.failures >= 5 {
                        (breaker.open_until, breaker.failures) = (now + 30.0, 4);
                    }
                }
            }
            return;
        }
        let Some(first) = case.failures.first() else {
            return;
        };
        let cell = self
            .cells
            .entry((endpoint_of(case), first.cause, strategy))
            .or_default();
        if matches!(self.kind, Kind::Fading | Kind::Pooled) {
            let fading = faded(now - cell.at);
            cell.succeeded *= fading;
            cell.failed *= fading;
            cell.at = now;
        }
        let counts = self.plain.entry((source, strategy)).or_default();
        let worth = if succeeded {
            cell.succeeded += 1.0;
            counts.0 += 1.0;
            strategy.worth()
        } else {
            cell.failed += 1.0;
            counts.1 += 1.0;
            0.0
        };
        let costs = Costs::default();
        cell.worth += worth - costs.per_second * attempt.outcome.took - costs.per_call;
        cell.tried += 1.0;
    }
}

const fn endpoint_of(case: &Case) -> usize {
    case.request.source * ENDPOINTS + case.request.symbol % ENDPOINTS
}

fn faded(seconds: f64) -> f64 {
    (-seconds / HALF_LIFE).exp2()
}

/// Mean and strength of a beta law that has these shares of successes.
fn moments(counts: &[(f64, f64)]) -> (f64, f64) {
    let tried: f64 = counts.iter().map(|(_, tried)| tried).sum();
    let succeeded: f64 = counts.iter().map(|(succeeded, _)| succeeded).sum();
    let mean = (succeeded + 1.0) / (tried + 2.0);
    let spread = counts
        .iter()
        .map(|(own, all)| all * (own / all - mean).powi(2))
        .sum::<f64>()
        / tried;
    let groups = f64::from(u32::try_from(counts.len()).unwrap_or(u32::MAX));
    let beyond_chance = spread - mean * (1.0 - mean) / (tried / groups);
    let strength = if beyond_chance > 1e-4 {
        mean * (1.0 - mean) / beyond_chance - 1.0
    } else {
        30.0
    };
    (mean, strength.clamp(2.0, 30.0))
}
