//! The estimate against a truth that is known: seeded worlds in which the order is drawn as it is in use.

use super::*;

/// Numbers that look random, the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap();
        f64::from(top) / f64::from(u32::MAX)
    }
}

/// Two ways to heal, in hard times and in easy ones. In easy times the second one is put first for a reason; in hard ones
/// both are as good as each other to the planner, and the order is drawn.
#[derive(Clone, Copy)]
struct World {
    propensity: f64,
    /// How often each works in hard times.
    usual: f64,
    changed: f64,
    /// What the model believes of both.
    believed: [f64; 2],
}

const GOOD: f64 = 0.95;
const REFUSED: f64 = -0.5;

/// What is seen of one request.
struct Seen {
    trial: Option<Trial>,
    second_first: bool,
    reward: f64,
    /// What the changed order gains in it on average.
    truth: f64,
}

impl World {
    fn value(p: f64) -> f64 {
        p * GOOD + (1.0 - p) * REFUSED
    }

    fn request(&self, chance: &mut Chance) -> Seen {
        let mut happens = |p: f64| chance.draw() < p;
        let worth = |works: bool| if works { GOOD } else { REFUSED };
        if happens(0.5) {
            return Seen {
                trial: None,
                second_first: true,
                reward: worth(happens(0.98)),
                truth: 0.0,
            };
        }
        let is_drawn = happens(self.propensity);
        let works = if is_drawn { self.changed } else { self.usual };
        let reward = worth(happens(works));
        let [usual, changed] = self.believed.map(Self::value);
        let trial = Trial {
            usual: Arm {
                expected: usual,
                propensity: 1.0 - self.propensity,
            },
            changed: Arm {
                expected: changed,
                propensity: self.propensity,
            },
            tried: if is_drawn {
                Tried::Changed
            } else {
                Tried::Usual
            },
            reward,
        };
        Seen {
            trial: Some(trial),
            second_first: is_drawn,
            reward,
            truth: Self::value(self.changed) - Self::value(self.usual),
        }
    }
}

/// A run of that many requests, with a look after each: the estimate, the truth of it, and what naive matching says.
struct Run {
    last: Estimate,
    truth: f64,
    naive: f64,
    missed: bool,
    /// Whether an interval for one look alone missed at one of all the looks.
    fixed_missed: bool,
}

fn run(world: World, seed: u64, requests: u32) -> Run {
    let mut chance = Chance(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut comparison = Comparison::default();
    let (mut truths, mut missed, mut fixed_missed) = (0.0, false, false);
    let mut tried = [[0.0; 2]; 2];
    let (mut sum_before, mut squares) = (0.0, 0.0);
    for n in 1..=requests {
        let seen = world.request(&mut chance);
        truths += seen.truth;
        let [sum, number] = &mut tried[usize::from(seen.second_first)];
        (*sum, *number) = (*sum + seen.reward, *number + 1.0);
        match &seen.trial {
            Some(trial) => comparison.tells(trial),
            None => comparison.alike(),
        }
        let Some(gain) = comparison.gain() else {
            continue;
        };
        let (n, truth) = (f64::from(n), truths / f64::from(n));
        missed |= truth < gain.lower || gain.upper < truth;
        squares += (comparison.sum - sum_before).powi(2);
        sum_before = comparison.sum;
        let spread = 1.96 * ((squares / n - gain.mean * gain.mean) / n).sqrt();
        fixed_missed |= n >= 500.0 && (gain.mean - truth).abs() > spread;
    }
    let mean = |[sum, number]: [f64; 2]| sum / number;
    Run {
        last: comparison.estimate(),
        truth: truths / f64::from(requests),
        naive: mean(tried[1]) - mean(tried[0]),
        missed,
        fixed_missed,
    }
}

/// The mean of what a run differs from the truth by, and its standard error.
fn bias(runs: &[Run], of: impl Fn(&Run) -> f64) -> (f64, f64) {
    let n = f64::from(u32::try_from(runs.len()).unwrap());
    let off: Vec<f64> = runs.iter().map(|run| of(run) - run.truth).collect();
    let mean = off.iter().sum::<f64>() / n;
    let variance = off.iter().map(|off| (off - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn share(runs: &[Run], of: impl Fn(&Run) -> bool) -> f64 {
    let some = runs.iter().filter(|run| of(run)).count();
    f64::from(u32::try_from(some).unwrap()) / f64::from(u32::try_from(runs.len()).unwrap())
}

/// As it is in use: one in fifty is drawn.
const RARE: World = World {
    propensity: 0.02,
    usual: 0.6,
    changed: 0.7,
    believed: [0.65, 0.65],
};

#[test]
fn a_thousand_runs_are_right_on_average_and_their_intervals_hold_at_every_time() {
    for (world, requests) in [
        (RARE, 1_000),
        // A model that is wrong about both, and about which is the better one.
        (
            World {
                believed: [0.95, 0.1],
                ..RARE
            },
            1_000,
        ),
        // Drawn so often that chance, and no bound, decides how wide an interval is.
        (
            World {
                propensity: 0.5,
                ..RARE
            },
            1_000,
        ),
    ] {
        let runs: Vec<Run> = (1..=1_000).map(|seed| run(world, seed, requests)).collect();
        let (off, error) = bias(&runs, |run| run.last.gain.unwrap().mean);
        assert!(off.abs() < 3.5 * error, "{off} +- {error}");
        let missed = share(&runs, |run| run.missed);
        assert!(missed <= ALPHA, "{missed} of the runs missed");
    }
}

#[test]
fn comparing_what_was_tried_first_as_it_came_is_wrong() {
    let runs: Vec<Run> = (1..=200).map(|seed| run(RARE, seed, 2_000)).collect();
    let (off, error) = bias(&runs, |run| run.naive);
    assert!(off > 0.3 && off > 20.0 * error, "{off} +- {error}");
    // Even where the usual one is the better one it says the other is.
    let reversed = World {
        usual: 0.7,
        changed: 0.5,
        ..RARE
    };
    let run = run(reversed, 7, 2_000);
    assert!(run.truth < 0.0 && run.naive > 0.0, "{}", run.naive);
}

#[test]
fn an_interval_for_one_look_does_not_hold_for_many() {
    let even = World {
        propensity: 0.5,
        changed: 0.6,
        ..RARE
    };
    let runs: Vec<Run> = (1..=300).map(|seed| run(even, seed, 2_000)).collect();
    let fixed = share(&runs, |run| run.fixed_missed);
    assert!(fixed > 2.0 * ALPHA, "{fixed}");
    let missed = share(&runs, |run| run.missed);
    assert!(missed <= ALPHA, "{missed}");
}

#[test]
fn what_is_better_or_worse_is_known_in_time() {
    let far = |usual, changed| World {
        usual,
        changed,
        believed: [usual, changed],
        ..RARE
    };
    let better = run(far(0.4, 0.95), 1, 10_000).last;
    assert_eq!(better.verdict, Verdict::Better, "{better:?}");
    let worse = run(far(0.95, 0.4), 1, 10_000).last;
    assert_eq!(worse.verdict, Verdict::Worse, "{worse:?}");
    let few = run(far(0.4, 0.95), 1, 200).last;
    assert_eq!(few.verdict, Verdict::NotYetKnown, "{few:?}");
    // Kish: requests that were drawn, each as heavy as the next, count as themselves.
    let drawn = 10_000.0 * 0.5 * 0.02;
    assert!((better.effective - drawn).abs() < 40.0, "{better:?}");
}

fn arm(propensity: f64) -> Arm {
    Arm {
        expected: 0.5,
        propensity,
    }
}

fn trial(usual: f64, changed: f64, reward: f64) -> Trial {
    Trial {
        usual: arm(usual),
        changed: arm(changed),
        tried: Tried::Usual,
        reward,
    }
}

#[test]
fn without_support_there_is_no_figure() {
    let mut comparison = Comparison::default();
    let nothing = comparison.estimate();
    assert_eq!((nothing.verdict, nothing.gain), (Verdict::NoSupport, None));
    for (usual, changed, reward) in [
        (1.0, 0.0, 0.9),
        (0.0, 1.0, 0.9),
        (0.98, f64::NAN, 0.9),
        (0.98, -0.02, 0.9),
        (0.98, f64::INFINITY, 0.9),
        (0.98, 0.02, f64::NAN),
    ] {
        comparison.tells(&trial(usual, changed, reward));
    }
    comparison.alike();
    let estimate = comparison.estimate();
    assert_eq!(
        (estimate.verdict, estimate.gain),
        (Verdict::NoSupport, None)
    );
    assert_eq!((estimate.episodes, estimate.unsupported), (1, 6));
}

#[test]
fn an_order_that_changes_nothing_gains_nothing() {
    let mut comparison = Comparison::default();
    comparison.alike();
    let estimate = comparison.estimate();
    assert_eq!(estimate.verdict, Verdict::Same);
    assert!(estimate.gain.unwrap().upper.abs() < 1e-12);
}

proptest::proptest! {
    #[test]
    fn whatever_comes_the_figures_are_in_order(steps: Vec<(f64, f64, f64, f64, u8)>) {
        let mut comparison = Comparison::default();
        for (usual, changed, reward, expected, tried) in steps {
            comparison.tells(&Trial {
                usual: Arm { expected, ..arm(usual) },
                changed: arm(changed.rem_euclid(1.0)),
                tried: [Tried::Usual, Tried::Changed, Tried::Neither][usize::from(tried % 3)],
                reward,
            });
            let estimate = comparison.estimate();
            if let Some(Gain { mean, lower, upper }) = estimate.gain {
                proptest::prop_assert!(lower <= mean.max(-2.0) && mean.min(2.0) <= upper, "{estimate:?}");
                proptest::prop_assert!(lower.is_finite() && upper.is_finite() && mean.is_finite());
            }
        }
    }

    #[test]
    fn a_small_propensity_weighs_no_more_than_fifty(changed in 0.0001_f64..0.02, reward in -1.0_f64..1.0) {
        let of = |propensity| {
            let mut comparison = Comparison::default();
            let tried = Tried::Changed;
            comparison.tells(&Trial { tried, ..trial(0.9, propensity, reward) });
            comparison.estimate().gain.unwrap().mean
        };
        proptest::prop_assert!((of(changed) - of(0.02)).abs() < 1e-12);
    }
}
