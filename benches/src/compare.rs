//! How those who decide compare, in every scenario of a setting and under every seed.

use std::{num::NonZero, panic::resume_unwind, thread};

use crate::{
    market::{SCENARIOS, Setting, World},
    policy::{Fixed, Hindsight, Kind, Oracle, Ours, Policy, Table},
    run::run,
    score::{Figures, mean},
};

/// Who decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// The specification's order as it is written.
    AsWritten,
    /// The same with shorter timeouts and pauses.
    Tuned,
    /// A table of what worked.
    Table(Kind),
    /// The decision core of healing-core.
    Ours,
    /// Who sees what is true, the best of its variants in hindsight.
    Oracle,
}

/// The figures of one who decides in one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// By scenario, with its number, and by seed.
    pub runs: Vec<(usize, Vec<Figures>)>,
}

/// What one life gives: the past of a seed, and scenarios from there.
#[derive(Clone, Copy)]
struct Life {
    who: Who,
    setting: Setting,
    seed: u64,
    /// For the oracle, which of its variants.
    hindsight: Option<(Hindsight, bool)>,
}

/// The scenario with a quota.
const QUOTA: usize = 5;

/// The scenario that makes sense at high rates only.
const OVERLOAD: usize = 8;

// === impl Who ===

impl Who {
    /// All but ours and the oracle.
    pub const OTHERS: [Self; 8] = [
        Self::AsWritten,
        Self::Tuned,
        Self::Table(Kind::SuccessRate),
        Self::Table(Kind::SuccessRateAboveFloor),
        Self::Table(Kind::Greedy),
        Self::Table(Kind::Thompson),
        Self::Table(Kind::Fading),
        Self::Table(Kind::Pooled),
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "specification as written",
            Self::Tuned => "specification, tuned",
            Self::Table(Kind::SuccessRate) => "success-rate sort",
            Self::Table(Kind::SuccessRateAboveFloor) => "success-rate sort + floor",
            Self::Table(Kind::Greedy) => "epsilon-greedy + floor",
            Self::Table(Kind::Thompson) => "Thompson + floor",
            Self::Table(Kind::Fading) => "fading Thompson + breaker",
            Self::Table(Kind::Pooled) => "pooled Thompson + breaker",
            Self::Ours => "**healing-core**",
            Self::Oracle => "oracle",
        }
    }

    /// The figures of all scenarios of a setting under these seeds.
    #[must_use]
    pub fn grid(self, setting: Setting, seeds: &[u64]) -> Grid {
        let lives: Vec<Life> = seeds
            .iter()
            .flat_map(|&seed| self.lives(setting, seed))
            .collect();
        let mut runs: Vec<(usize, Vec<Figures>)> = scenarios(setting)
            .map(|scenario| (scenario, vec![Figures::default(); seeds.len()]))
            .collect();
        let mut seen = vec![f64::NEG_INFINITY; seeds.len() * SCENARIOS.len()];
        for (life, scenario, figures) in all(&lives) {
            let seed = seeds.iter().position(|seed| *seed == life.seed);
            let row = runs.iter_mut().find(|(number, _)| *number == scenario);
            if let (Some(seed), Some((_, row))) = (seed, row) {
                // The best of its variants is the oracle's; the others live once.
                let best = &mut seen[seed * SCENARIOS.len() + scenario];
                if figures.utility > *best {
                    (*best, row[seed]) = (figures.utility, figures);
                }
            }
        }
        Grid { runs }
    }

    fn lives(self, setting: Setting, seed: u64) -> Vec<Life> {
        let life = |hindsight| Life {
            who: self,
            setting,
            seed,
            hindsight,
        };
        if self != Self::Oracle {
            return vec![life(None)];
        }
        let variants = |quota| {
            let all = Hindsight::variants(quota, setting).into_iter();
            all.map(move |variant| life(Some((variant, quota))))
        };
        variants(false).chain(variants(true)).collect()
    }
}

// === impl Life ===

impl Life {
    fn live(&self) -> Vec<(Self, usize, Figures)> {
        let Self { setting, seed, .. } = *self;
        match (self.who, self.hindsight) {
            (Who::AsWritten, _) => self.under(&Fixed::AS_WRITTEN),
            (Who::Tuned, _) => self.under(&Fixed::TUNED),
            (Who::Table(kind), _) => self.under(&Table::new(kind, seed)),
            (Who::Oracle, Some((variant, _))) => self.under(&Oracle::new(variant, seed)),
            (Who::Ours | Who::Oracle, _) => self.under(&Ours::new(setting, seed)),
        }
    }

    fn under<P: Policy + Clone>(&self, policy: &P) -> Vec<(Self, usize, Figures)> {
        let of_variant = |scenario: &usize| {
            self.hindsight
                .is_none_or(|(_, quota)| quota == (*scenario == QUOTA))
        };
        let numbers: Vec<usize> = scenarios(self.setting).filter(of_variant).collect();
        let worlds: Vec<World> = numbers
            .iter()
            .map(|scenario| World::new(*scenario, self.setting, self.seed))
            .collect();
        let records = run(&worlds, self.setting, self.seed, policy);
        let rows = numbers.into_iter().zip(records.iter().zip(&worlds));
        rows.map(|(number, (record, world))| (*self, number, record.figures(world)))
            .collect()
    }
}

// === impl Grid ===

impl Grid {
    /// The mean of one figure over all scenarios and seeds.
    #[must_use]
    pub fn mean(&self, pick: fn(&Figures) -> f64) -> f64 {
        mean(
            self.runs
                .iter()
                .map(|(_, seeds)| mean(seeds.iter().map(pick))),
        )
    }

    /// The mean of one figure over the seeds of a scenario; no number where the setting does not have it.
    #[must_use]
    pub fn of(&self, scenario: usize, pick: fn(&Figures) -> f64) -> f64 {
        mean(self.seeds(scenario).map(pick))
    }

    /// The greatest of one figure over the seeds of some scenarios.
    #[must_use]
    pub fn greatest(&self, scenarios: &[usize], pick: fn(&Figures) -> f64) -> f64 {
        let runs = scenarios.iter().flat_map(|scenario| self.seeds(*scenario));
        runs.map(pick).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The numbers of the scenarios.
    #[must_use]
    pub fn scenarios(&self) -> Vec<usize> {
        self.runs.iter().map(|(scenario, _)| *scenario).collect()
    }

    fn seeds(&self, scenario: usize) -> impl Iterator<Item = &Figures> {
        let runs = self
            .runs
            .iter()
            .filter(move |(number, _)| *number == scenario);
        runs.flat_map(|(_, seeds)| seeds)
    }
}

/// The scenarios of a setting: S9 only where the rate makes sense of it.
pub fn scenarios(setting: Setting) -> impl Iterator<Item = usize> + Clone {
    (0..SCENARIOS.len()).filter(move |scenario| setting.rate > 2.0 || *scenario != OVERLOAD)
}

/// Lives all lives, as many at a time as there are cores; what comes of them is the same and in the same order whatever that is.
fn all(lives: &[Life]) -> Vec<(Life, usize, Figures)> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|first| {
                let own = lives.iter().enumerate().skip(first).step_by(cores);
                scope.spawn(move || own.map(|(n, life)| (n, life.live())).collect::<Vec<_>>())
            })
            .collect();
        let done = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|fault| resume_unwind(fault)));
        let mut done: Vec<_> = done.flatten().collect();
        done.sort_by_key(|(n, _)| *n);
        done.into_iter().flat_map(|(_, runs)| runs).collect()
    })
}
