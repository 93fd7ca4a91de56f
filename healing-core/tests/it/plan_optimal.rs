//! The planner against exact judges: every order of independent candidates, and dynamic programming where failures tell about
//! what is left.

use healing_core::plan::{Candidate, Costs, LIMITS, Latency, Stand};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

const COSTS: (f64, f64) = (0.05, 0.01);

const LIMITS_TRIED: [f64; LIMITS] = [0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.2];

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

fn any_candidate(random: &mut StdRng) -> Candidate<'static> {
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
fn trial(candidate: &Candidate<'_>, p: f64, limit: usize) -> (f64, f64) {
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
fn value(steps: &[(f64, f64, f64)], in_hand: f64) -> f64 {
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

#[test]
fn no_order_of_independent_candidates_is_better() {
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..10_000 {
        let candidates: Vec<_> = (0..random.random_range(1..=5))
            .map(|_| any_candidate(&mut random))
            .collect();
        let in_hand = [-0.5, 0.3, 0.6, 0.8, 0.9][random.random_range(0..5)];
        let stand = Stand {
            in_hand,
            floor: -1.0,
            remaining: 1e9,
        };
        let step = |n: usize, limit_s: f64| {
            let candidate = &candidates[n];
            let limit = LIMITS_TRIED.iter().position(|own| *own == limit_s).unwrap();
            let (chance, cost) = trial(candidate, candidate.p, limit);
            (candidate.worth, chance, cost)
        };
        let plan = Costs::default().plan(&candidates, stand);
        let planned: Vec<_> = plan
            .steps()
            .iter()
            .map(|own| step(own.candidate, own.limit))
            .collect();
        let index = |n: usize| Costs::default().index(&candidates[n], 1e9).unwrap().1;
        let mut all: Vec<_> = (0..candidates.len()).map(|n| step(n, index(n))).collect();
        let (found, best) = (value(&planned, in_hand), best_order(&mut all, in_hand));
        assert!(
            found >= best - 1e-9,
            "{found} < {best}: {candidates:?} {in_hand}"
        );
    }
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

const NEEDS: [&[usize]; 5] = [
    &[0, 1, 2, 4],
    &[0, 1, 3, 4],
    &[0, 1, 2, 5],
    &[0, 6],
    &[0, 1, 3, 5],
];

impl Shared {
    fn any(random: &mut StdRng) -> Self {
        // A Dirichlet law of parameter one half: squares of normal numbers over their sum.
        let square = |random: &mut StdRng| {
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
        for (n, chances) in self
            .chances
            .iter()
            .enumerate()
            .filter(|(n, _)| failed >> n & 1 == 1)
        {
            let _ = n;
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
        let stand = Stand {
            in_hand: self.in_hand,
            floor: -1.0,
            remaining: 1e9,
        };
        let Some(step) = Costs::default()
            .plan(&candidates, stand)
            .steps()
            .first()
            .copied()
        else {
            return self.in_hand;
        };
        let n = left[step.candidate];
        let limit = LIMITS_TRIED
            .iter()
            .position(|own| *own == step.limit)
            .unwrap();
        let (chance, cost) = trial(&self.candidates[n], chances[n], limit);
        value(
            &[(self.candidates[n].worth, chance, cost)],
            self.planned(failed | 1 << n, blind),
        )
    }
}

/// Mean and fifth percentile.
fn summary(mut shares: Vec<f64>) -> (f64, f64) {
    shares.sort_by(f64::total_cmp);
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    (mean, shares[shares.len() / 20])
}

#[test]
fn planning_anew_after_each_failure_comes_close_to_the_best_where_parts_are_shared() {
    let mut random = StdRng::seed_from_u64(2);
    let (mut ours, mut blind) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let shared = Shared::any(&mut random);
        let best = shared.best(0, &mut [None; 32]) - shared.in_hand;
        if best > 1e-6 {
            ours.push((shared.planned(0, false) - shared.in_hand) / best);
            blind.push((shared.planned(0, true) - shared.in_hand) / best);
        }
    }
    assert!(ours.len() > 500);
    let (ours, blind) = (summary(ours), summary(blind));
    assert!(ours.0 >= 0.985 && ours.1 >= 0.95, "{ours:?}");
    assert!(ours.0 > blind.0, "{ours:?} {blind:?}");
}

fn strategy() -> impl Strategy<Value = Candidate<'static>> {
    (any::<u64>(), 0.0..1.0, 0.0..1.0, 0.0..0.4).prop_map(|(seed, up, worth, delay)| Candidate {
        up,
        worth,
        delay,
        ..any_candidate(&mut StdRng::seed_from_u64(seed))
    })
}

proptest! {
    #[test]
    fn the_index_grows_with_what_is_good_and_shrinks_with_what_costs(own in strategy(), more in 1.0..2.0_f64) {
        let index = |candidate: Candidate<'_>| {
            let index = Costs::default().index(&candidate, 5.0);
            index.map_or(f64::MIN, |(index, _)| index)
        };
        let calm = Candidate { hangs: false, ..own };
        let base = index(calm);
        let likely = Candidate { p: (own.p * more).min(1.0), ..calm };
        let share = calm.latency.share.map(|share| (share * more).min(1.0));
        let prompt = Candidate { latency: Latency { share, ..calm.latency }, ..calm };
        let worthy = Candidate { worth: own.worth * more, ..calm };
        let late = Candidate { delay: own.delay * more, ..calm };
        let dear = Candidate { price: more, ..calm };
        prop_assert!(index(likely) >= base - 1e-12);
        prop_assert!(index(prompt) >= base - 1e-12);
        prop_assert!(index(worthy) >= base - 1e-12);
        prop_assert!(index(late) <= base + 1e-12);
        prop_assert!(index(dear) <= base + 1e-12);
        prop_assert!(index(own) <= base + 1e-12);
    }

    #[test]
    fn no_step_is_below_the_floor_the_gate_or_what_is_in_hand_and_none_outlasts_the_time(
        all in prop::collection::vec(strategy(), 0..24), in_hand in -0.5..1.0, floor in 0.0..1.0, remaining in 0.0..5.0
    ) {
        let plan = Costs::default().plan(&all, Stand { in_hand, floor, remaining });
        for step in plan.steps() {
            let own = &all[step.candidate];
            prop_assert!(own.worth >= floor && own.up >= 0.2 && step.index > in_hand);
            prop_assert!(own.delay + step.limit <= remaining);
        }
        prop_assert!(plan.steps().windows(2).all(|pair| pair[0].index >= pair[1].index));
        prop_assert_eq!(plan.steps().len() + plan.left_out().len(), all.len().min(plan.steps().len() + 16));
    }
    #[test]
    fn a_further_candidate_never_makes_a_plan_worth_less(
        all in prop::collection::vec(strategy(), 1..6), in_hand in -0.5..0.9
    ) {
        let calm: Vec<_> = all.iter().map(|own| Candidate { delay: 0.0, up: 1.0, ..*own }).collect();
        let worth = |some: &[Candidate<'_>]| {
            let stand = Stand { in_hand, floor: -1.0, remaining: 1e9 };
            let plan = Costs::default().plan(some, stand);
            let steps: Vec<_> = plan.steps().iter().map(|own| {
                let candidate = &some[own.candidate];
                let limit = LIMITS_TRIED.iter().position(|tried| *tried == own.limit).unwrap();
                let (chance, cost) = trial(candidate, candidate.p, limit);
                (candidate.worth, chance, cost)
            }).collect();
            value(&steps, in_hand)
        };
        prop_assert!(worth(&calm) >= worth(&calm[1..]) - 1e-9);
    }

    #[test]
    fn neither_the_order_of_candidates_nor_the_unit_of_time_changes_a_plan(
        all in prop::collection::vec(strategy(), 1..8), in_hand in -0.5..0.9, by in 0.1..10.0_f64
    ) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let named: Vec<_> = all.iter().zip(names).map(|(own, name)| Candidate { name, ..*own }).collect();
        let stand = Stand { in_hand, floor: 0.2, remaining: 3.0 };
        let order = |costs: Costs, some: &[Candidate<'static>], stand: Stand| -> Vec<_> {
            costs.plan(some, stand).steps().iter().map(|step| some[step.candidate].name).collect()
        };
        let planned = order(Costs::default(), &named, stand);
        let turned: Vec<_> = named.iter().rev().copied().collect();
        prop_assert_eq!(&order(Costs::default(), &turned, stand), &planned);

        let slower: Vec<_> = named.iter().map(|own| Candidate {
            latency: Latency {
                limits: own.latency.limits.map(|limit| limit * by),
                mean: own.latency.mean.map(|mean| mean * by),
                ..own.latency
            },
            fails_after: own.fails_after * by,
            delay: own.delay * by,
            ..*own
        }).collect();
        let mut patient = Costs::default();
        patient.per_second /= by;
        // A hair more time: a limit that fits to the last bit must not fall out by rounding.
        let stand = Stand { remaining: stand.remaining * by * (1.0 + 1e-12), ..stand };
        prop_assert_eq!(&order(patient, &slower, stand), &planned);
    }
}
