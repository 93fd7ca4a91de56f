//! The planner beside exact judges, and what holds of its plans whatever the candidates are.

use benches::judge::{LIMITS_TRIED, Shares, any_candidate, number_of, trial, value};
use healing_core::plan::{Candidate, Costs, Latency, Stand};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng};

#[test]
fn no_order_of_independent_candidates_is_better() {
    let shares = Shares::of_independent(10_000, 1);
    assert!(
        shares.instances > 5_000 && shares.least >= 1.0 - 1e-9,
        "{shares:?}"
    );
}

#[test]
fn in_two_seconds_a_plan_comes_to_nearly_all_that_is_possible() {
    let shares = Shares::of_hurried(10_000, 3);
    assert!(shares.instances > 5_000, "{shares:?}");
    assert!(shares.mean >= 0.995 && shares.fifth >= 0.981, "{shares:?}");
}

#[test]
fn planning_anew_after_each_failure_comes_close_to_the_best_where_parts_are_shared() {
    let ours = Shares::of_shared(10_000, 2, false);
    let blind = Shares::of_shared(10_000, 2, true);
    assert!(ours.instances > 5_000, "{ours:?}");
    assert!(ours.mean >= 0.995 && ours.fifth >= 0.973, "{ours:?}");
    assert!(ours.mean > blind.mean, "{ours:?} {blind:?}");
}

fn strategy() -> impl Strategy<Value = Candidate<'static>> {
    (any::<u64>(), 0.0..1.0, 0.0..1.0, 0.0..0.4).prop_map(|(seed, up, worth, delay)| Candidate {
        up,
        worth,
        delay,
        ..any_candidate(&mut ChaCha8Rng::seed_from_u64(seed))
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
                let limit = number_of(own.limit);
                let (chance, cost) = trial(candidate, candidate.p, limit);
                (candidate.worth, chance, cost)
            }).collect();
            value(&steps, in_hand)
        };
        prop_assert!(worth(&calm) >= worth(&calm[1..]) - 1e-9);
    }

    #[test]
    fn the_wait_for_the_first_step_fits_and_makes_a_plan_worth_no_less(
        all in prop::collection::vec(strategy(), 1..8), in_hand in -0.5..0.9, remaining in 0.0..5.0
    ) {
        let (costs, up) = (Costs::default(), |own: &Candidate<'static>| Candidate { up: 1.0, ..*own });
        let hurried: Vec<_> = all.iter().map(up).collect();
        let stand = Stand { in_hand, floor: 0.2, remaining };
        let plan = costs.plan(&hurried, stand);
        let wait = costs.patience(&hurried, plan.steps(), stand);
        prop_assert_eq!(wait.is_some(), !plan.steps().is_empty());
        if let (Some(wait), Some(first)) = (wait, plan.steps().first()) {
            prop_assert!(wait + hurried[first.candidate].delay <= remaining);
        }

        // With all the time of the world what follows is worth the same however the first step ends.
        let calm: Vec<_> = hurried.iter().map(|own| Candidate { delay: 0.0, ..*own }).collect();
        let stand = Stand { remaining: 1e9, ..stand };
        let plan = costs.plan(&calm, stand);
        let Some(wait) = costs.patience(&calm, plan.steps(), stand) else {
            return Ok(());
        };
        let worth = |first: f64| {
            let limits = plan.steps().iter().enumerate();
            let limits = limits.map(|(n, own)| (&calm[own.candidate], if n == 0 { first } else { own.limit }));
            let steps: Vec<_> = limits.map(|(own, limit)| {
                let (chance, cost) = trial(own, own.p, number_of(limit));
                (own.worth, chance, cost)
            }).collect();
            value(&steps, in_hand)
        };
        for limit in LIMITS_TRIED {
            prop_assert!(worth(wait) >= worth(limit) - 1e-9, "{wait} {limit}");
        }
    }

    #[test]
    fn neither_the_order_of_candidates_nor_the_unit_of_time_changes_a_plan(
        all in prop::collection::vec(strategy(), 1..8), in_hand in -0.5..0.9, by in 0.1..10.0_f64
    ) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let named: Vec<_> = all.iter().zip(names).map(|(own, name)| Candidate { name, ..*own }).collect();
        let stand = Stand { in_hand, floor: 0.2, remaining: 3.0 };
        let order = |costs: Costs, some: &[Candidate<'static>], stand: Stand| {
            let plan = costs.plan(some, stand);
            let names: Vec<_> = plan.steps().iter().map(|step| some[step.candidate].name).collect();
            let wait = costs.patience(some, plan.steps(), stand);
            // The limits of all candidates are the same.
            let limits = some.first().map(|own| own.latency.limits).unwrap_or_default();
            (names, wait.and_then(|wait| limits.iter().position(|limit| *limit == wait)))
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
