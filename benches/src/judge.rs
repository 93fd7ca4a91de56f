//! The planner against exact judges: every order of independent candidates, and dynamic programming where time is short or
//! failures tell about what is left.

use healing_core::plan::{Candidate, Costs, LIMITS, Latency, Stand};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// What a second and what a call costs.
const COSTS: (f64, f64) = (0.05, 0.01);

/// The limits that are tried, in seconds.
pub const LIMITS_TRIED: [f64; LIMITS] = [0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.2];

/// Answers whose logarithm of the latency is normal.
fn latency(median: f64) -> Latency {
    let (mut share, mut mean) = ([0.0; LIMITS], [0.0; LIMITS]);
    let normal = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let spread: f64 = 0.4;
    for (n, limit) in LIMITS_TRIED.into_iter().enumerate() {
        let z = (limit.ln() - median.ln()) / spread;
        share[n] = normal(z);
        mean[n] =
            median * (spread * spread / 2.0).exp() * normal(z - spread) + limit * (1.0 - share[n]);
    }
    Latency {
        limits: LIMITS_TRIED,
        share,
        mean,
    }
}

/// Any candidate.
pub fn any_candidate(random: &mut ChaCha8Rng) -> Candidate<'static> {
    let worths = [1.0, 1.0, 1.0, 0.95, 0.9, 0.5];
    let median = random.random_range(0.05_f64.ln()..1.2_f64.ln()).exp();
    Candidate {
        name: "any",
        worth: worths[random.random_range(0..worths.len())],
        p: random.random_range(0.05..0.98),
        up: 1.0,
        latency: latency(median),
        fails_after: 0.08,
        hangs: random.random_bool(0.4),
        delay: 0.0,
        price: 0.0,
        is_primary: false,
    }
}

/// What trying a candidate for so long gives and costs: the chance that it succeeds, and the cost whatever comes.
#[must_use]
pub fn trial(candidate: &Candidate<'_>, p: f64, limit: usize) -> (f64, f64) {
    let (latency, (per_second, per_call)) = (&candidate.latency, COSTS);
    let limit_s = latency.limits[limit];
    let in_vain = if candidate.hangs {
        limit_s
    } else {
        limit_s.min(candidate.fails_after)
    };
    let expected = p * latency.mean[limit] + (1.0 - p) * in_vain;
    (p * latency.share[limit], per_second * expected + per_call)
}

/// What a cascade is worth that tries these in that order and stops at the first success.
#[must_use]
pub fn value(steps: &[(f64, f64, f64)], in_hand: f64) -> f64 {
    let back = |rest: f64, (worth, chance, cost): &(f64, f64, f64)| {
        chance * worth - cost + (1.0 - chance) * rest
    };
    steps.iter().rev().fold(in_hand, back)
}

/// The best value over every order of every subset, each candidate tried as long as its index has it.
fn best_order(left: &mut Vec<(f64, f64, f64)>, in_hand: f64) -> f64 {
    let mut best = in_hand;
    for n in 0..left.len() {
        let step = left.swap_remove(n);
        let rest = best_order(left, in_hand);
        best = best.max(value(&[step], rest));
        left.push(step);
        let last = left.len() - 1;
        left.swap(n, last);
    }
    best
}

/// Where a limit stands among those that are tried.
#[must_use]
pub fn number_of(limit: f64) -> usize {
    let place = LIMITS_TRIED.iter().position(|own| *own == limit);
    place.unwrap_or_default()
}

/// How much of the best possible gain the planner comes to, over many instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// In how many instances there was anything to gain.
    pub instances: usize,
    /// The mean share.
    pub mean: f64,
    /// The share that 19 of 20 instances come to.
    pub fifth: f64,
    /// The least.
    pub least: f64,
}

// === impl Shares ===

impl Shares {
    fn of(mut shares: Vec<f64>) -> Self {
        shares.sort_by(f64::total_cmp);
        let instances = shares.len();
        let count = f64::from(u32::try_from(instances).unwrap_or(u32::MAX));
        let at = |n: usize| shares.get(n).copied().unwrap_or(f64::NAN);
        Self {
            instances,
            mean: shares.iter().sum::<f64>() / count,
            fifth: at(instances / 20),
            least: at(0),
        }
    }

    /// Independent candidates and all the time of the world, beside every order of every subset.
    #[must_use]
    pub fn of_independent(instances: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let share = |_| {
            let candidates: Vec<_> = (0..random.random_range(1..=5))
                .map(|_| any_candidate(&mut random))
                .collect();
            let in_hand = [-0.5, 0.3, 0.6, 0.8, 0.9][random.random_range(0..5)];
            let step = |n: usize, limit: f64| {
                let candidate = &candidates[n];
                let (chance, cost) = trial(candidate, candidate.p, number_of(limit));
                (candidate.worth, chance, cost)
            };
            let plan = Costs::default().plan(&candidates, unhurried(in_hand));
            let steps = plan.steps().iter();
            let planned: Vec<_> = steps.map(|own| step(own.candidate, own.limit)).collect();
            let limit = |n: usize| Costs::default().index(&candidates[n], 1e9);
            let mut all: Vec<_> = (0..candidates.len())
                .filter_map(|n| Some(step(n, limit(n)?.1)))
                .collect();
            let (found, best) = (value(&planned, in_hand), best_order(&mut all, in_hand));
            share_of(found - in_hand, best - in_hand)
        };
        Self::of((0..instances).filter_map(share).collect())
    }

    /// Independent candidates and two seconds, beside dynamic programming over what is left, the time and the limit.
    #[must_use]
    pub fn of_hurried(instances: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let share = |_| {
            let hurried = Hurried::any(&mut random);
            let best = hurried.best(0, TICKS, &mut vec![None; 32 * (TICKS + 1)]);
            let found = hurried.planned(0, TICKS);
            share_of(found - hurried.in_hand, best - hurried.in_hand)
        };
        Self::of((0..instances).filter_map(share).collect())
    }

    /// Candidates that need the same parts, planned anew after each failure, beside dynamic programming that knows what each
    /// failure tells. With `blind`, as if failures told nothing.
    #[must_use]
    pub fn of_shared(instances: u32, seed: u64, blind: bool) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let share = |_| {
            let shared = Shared::any(&mut random);
            let best = shared.best(0, &mut [None; 32]) - shared.in_hand;
            share_of(shared.planned(0, blind) - shared.in_hand, best)
        };
        Self::of((0..instances).filter_map(share).collect())
    }
}

/// `None` where there was nothing to gain.
fn share_of(found: f64, best: f64) -> Option<f64> {
    (best > 1e-6).then(|| found / best)
}

const fn unhurried(in_hand: f64) -> Stand {
    Stand {
        in_hand,
        floor: -1.0,
        remaining: 1e9,
    }
}

/// A tick of the clock of those in a hurry, in seconds. All limits are so many whole ones.
const TICK: f64 = 0.05;

/// How many they have: two seconds.
const TICKS: usize = 40;

/// Independent candidates, and not much time.
struct Hurried {
    candidates: Vec<Candidate<'static>>,
    in_hand: f64,
}

// === impl Hurried ===

impl Hurried {
    fn any(random: &mut ChaCha8Rng) -> Self {
        let candidate = |_| Candidate {
            fails_after: 2.0 * TICK,
            ..any_candidate(random)
        };
        Self {
            candidates: (0..5).map(candidate).collect(),
            in_hand: [-0.5, 0.3, 0.6, 0.8][random.random_range(0..4)],
        }
    }

    /// What it is worth to try one for so long, where `rest` says what those states are worth that may follow.
    fn tried(
        &self,
        (n, limit): (usize, usize),
        left: usize,
        rest: &mut dyn FnMut(usize) -> f64,
    ) -> Option<f64> {
        let candidate = &self.candidates[n];
        let ticks = ticks(LIMITS_TRIED[limit]);
        let after_limit = left.checked_sub(ticks)?;
        let in_vain = if candidate.hangs { ticks } else { ticks.min(2) };
        let (chance, cost) = trial(candidate, candidate.p, limit);
        let cut_off = candidate.p - chance;
        let failed = 1.0 - candidate.p;
        Some(
            chance * candidate.worth - cost
                + cut_off * rest(after_limit)
                + failed * rest(left - in_vain),
        )
    }

    fn best(&self, tried: usize, left: usize, memo: &mut Vec<Option<f64>>) -> f64 {
        let place = tried * (TICKS + 1) + left;
        if let Some(known) = memo[place] {
            return known;
        }
        let mut best = self.in_hand;
        for n in (0..self.candidates.len()).filter(|n| tried >> n & 1 == 0) {
            for limit in 0..LIMITS {
                let mut rest = |left: usize| self.best(tried | 1 << n, left, memo);
                if let Some(worth) = self.tried((n, limit), left, &mut rest) {
                    best = best.max(worth);
                }
            }
        }
        memo[place] = Some(best);
        best
    }

    /// What planning anew after each failure comes to.
    fn planned(&self, tried: usize, left: usize) -> f64 {
        let open: Vec<usize> = (0..self.candidates.len())
            .filter(|n| tried >> n & 1 == 0)
            .collect();
        let candidates: Vec<_> = open.iter().map(|n| self.candidates[*n]).collect();
        let count = f64::from(u32::try_from(left).unwrap_or(u32::MAX));
        let stand = Stand {
            remaining: count * TICK + 1e-9,
            ..unhurried(self.in_hand)
        };
        let plan = Costs::default().plan(&candidates, stand);
        let Some(step) = plan.steps().first() else {
            return self.in_hand;
        };
        let patience = Costs::default().patience(&candidates, plan.steps(), stand);
        let limit = number_of(patience.unwrap_or(step.limit));
        let n = open[step.candidate];
        let mut rest = |left: usize| self.planned(tried | 1 << n, left);
        let worth = self.tried((n, limit), left, &mut rest);
        worth.unwrap_or(self.in_hand)
    }
}

/// Seconds as ticks.
fn ticks(seconds: f64) -> usize {
    let all = (0..=TICKS * 2).map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)) * TICK);
    all.take_while(|tick| *tick < seconds - 1e-9).count()
}

/// Candidates that need parts, one of which may be down.
struct Shared {
    candidates: Vec<Candidate<'static>>,
    /// How probable each part's outage is; the last is that of none.
    faults: Vec<f64>,
    /// The chance of each candidate under each fault.
    chances: Vec<Vec<f64>>,
    in_hand: f64,
}

/// What each of them needs.
const NEEDS: [&[usize]; 5] = [
    &[0, 1, 2, 4],
    &[0, 1, 3, 4],
    &[0, 1, 2, 5],
    &[0, 6],
    &[0, 1, 3, 5],
];

impl Shared {
    fn any(random: &mut ChaCha8Rng) -> Self {
        // A Dirichlet law of parameter one half: squares of normal numbers over their sum.
        let square = |random: &mut ChaCha8Rng| {
            let sum: f64 = (0..12).map(|_| random.random::<f64>()).sum();
            (sum - 6.0).powi(2) + 1e-6
        };
        let weights: Vec<f64> = (0..9).map(|_| square(random)).collect();
        let total: f64 = weights.iter().sum();
        let chance = |needs: &[usize], base: f64| {
            let under = |fault: usize| {
                if fault < 8 && needs.contains(&fault) {
                    0.03 * base
                } else {
                    base
                }
            };
            (0..9).map(under).collect()
        };
        let chances = NEEDS
            .iter()
            .map(|needs| chance(needs, random.random_range(0.85..0.99)))
            .collect();
        Self {
            candidates: NEEDS.iter().map(|_| any_candidate(random)).collect(),
            faults: weights.iter().map(|weight| weight / total).collect(),
            chances,
            in_hand: [-0.5, 0.3, 0.6, 0.8][random.random_range(0..4)],
        }
    }

    /// The chance of each candidate once those have failed, by Bayes' rule.
    fn after(&self, failed: u32) -> Vec<f64> {
        let mut weights = self.faults.clone();
        let all = self.chances.iter().enumerate();
        for (_, chances) in all.filter(|(n, _)| failed >> n & 1 == 1) {
            weights
                .iter_mut()
                .zip(chances)
                .for_each(|(weight, chance)| *weight *= 1.0 - chance);
        }
        let total: f64 = weights.iter().sum();
        let mean = |chances: &Vec<f64>| {
            chances
                .iter()
                .zip(&weights)
                .map(|(c, w)| c * w)
                .sum::<f64>()
                / total
        };
        self.chances.iter().map(mean).collect()
    }

    fn best(&self, failed: u32, memo: &mut [Option<f64>]) -> f64 {
        if let Some(known) = memo[failed as usize] {
            return known;
        }
        let chances = self.after(failed);
        let mut best = self.in_hand;
        for (n, candidate) in self
            .candidates
            .iter()
            .enumerate()
            .filter(|(n, _)| failed >> n & 1 == 0)
        {
            let rest = self.best(failed | 1 << n, memo);
            for limit in 0..LIMITS {
                let (chance, cost) = trial(candidate, chances[n], limit);
                best = best.max(value(&[(candidate.worth, chance, cost)], rest));
            }
        }
        memo[failed as usize] = Some(best);
        best
    }

    /// The value of planning anew after each failure; or, with `blind`, as if failures told nothing.
    fn planned(&self, failed: u32, blind: bool) -> f64 {
        let chances = self.after(failed);
        let believed = if blind {
            self.after(0)
        } else {
            chances.clone()
        };
        let left: Vec<usize> = (0..self.candidates.len())
            .filter(|n| failed >> n & 1 == 0)
            .collect();
        let candidates: Vec<_> = left
            .iter()
            .map(|n| Candidate {
                p: believed[*n],
                ..self.candidates[*n]
            })
            .collect();
        let stand = unhurried(self.in_hand);
        let plan = Costs::default().plan(&candidates, stand);
        let Some(step) = plan.steps().first() else {
            return self.in_hand;
        };
        let n = left[step.candidate];
        let patience = Costs::default().patience(&candidates, plan.steps(), stand);
        let limit = number_of(patience.unwrap_or(step.limit));
        let (chance, cost) = trial(&self.candidates[n], chances[n], limit);
        value(
            &[(self.candidates[n].worth, chance, cost)],
            self.planned(failed | 1 << n, blind),
        )
    }
}
