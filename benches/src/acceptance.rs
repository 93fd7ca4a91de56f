//! What the decision core must reach, and what it reaches: the rows of the design's table, out of runs.

use crate::{
    compare::{Grid, Who},
    market::Setting,
    score::Figures,
};

/// Ours and the oracle in one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Where.
    pub setting: Setting,
    /// Ours.
    pub ours: Grid,
    /// The oracle.
    pub oracle: Grid,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number in the design.
    pub number: &'static str,
    /// What it is about.
    pub figure: String,
    /// What is asked.
    pub required: Bound,
    /// What we come to.
    pub ours: f64,
    /// What the oracle comes to.
    pub oracle: f64,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// That much or more.
    Least(f64),
    /// That much or less.
    Most(f64),
}

/// Scenarios in which all is out, where traffic to what is down must stay small.
const OUTAGES: [usize; 2] = [1, 7];

/// All scenarios but that in which our own network is out.
const HEALABLE: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, 8, 9];

/// The scenarios after which it must come back soon.
const RETURNS: [usize; 3] = [1, 3, 7];

/// The scenario with a quota.
const QUOTA: usize = 5;

/// The scenario of overload.
const OVERLOAD: usize = 8;

// === impl Pair ===

impl Pair {
    /// Lives a setting.
    #[must_use]
    pub fn of(setting: Setting, seeds: &[u64]) -> Self {
        Self {
            setting,
            ours: Who::Ours.grid(setting, seeds),
            oracle: Who::Oracle.grid(setting, seeds),
        }
    }

    /// Our utility as a share of the oracle's.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.ours.mean(|run| run.utility) / self.oracle.mean(|run| run.utility)
    }

    /// The rows that this setting decides.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![
            self.worth(),
            self.row(
                ("A5", "answers below the floor, %, any seed"),
                Bound::Most(0.0),
                |grid| 100.0 * grid.greatest(&grid.scenarios(), |run| run.wrong),
            ),
        ];
        match self.setting.name {
            "main" => rows.extend(self.rows_of_main()),
            "sparse" | "no-alt" => rows.extend(self.times("A8")),
            _ => {}
        }
        if self.setting.name == "no-alt" {
            rows.extend(self.rows_of_a_quota());
        }
        if self.setting.lender {
            rows.push(self.lender());
        }
        rows.extend(self.calls());
        rows
    }

    fn row(
        &self,
        (number, figure): (&'static str, &str),
        required: Bound,
        of: impl Fn(&Grid) -> f64,
    ) -> Row {
        Row {
            number,
            figure: format!("{}: {figure}", self.setting.name),
            required,
            ours: of(&self.ours),
            oracle: of(&self.oracle),
        }
    }

    fn worth(&self) -> Row {
        let (number, least) = match self.setting.name {
            "main" => ("A1", 0.985),
            "sparse" | "cold" => ("A2", 0.97),
            _ => ("A3", 0.92),
        };
        let best = self.oracle.mean(|run| run.utility);
        self.row((number, "utility / oracle"), Bound::Least(least), |grid| {
            grid.mean(|run| run.utility) / best
        })
    }

    fn times(&self, number: &'static str) -> [Row; 2] {
        [
            self.row(
                (number, "mean time to heal by a call, s"),
                Bound::Most(0.6),
                |grid| grid.mean(|run| run.mean_time),
            ),
            self.row(
                (number, "its 95th percentile, s"),
                Bound::Most(1.2),
                |grid| grid.mean(|run| run.p95),
            ),
        ]
    }

    fn rows_of_main(&self) -> Vec<Row> {
        let least = |grid: &Grid, pick: fn(&Figures) -> f64| {
            let of = HEALABLE.iter().map(|scenario| grid.of(*scenario, pick));
            of.fold(f64::INFINITY, f64::min)
        };
        let mut rows = vec![self.row(
            ("A4", "refusals beyond the oracle's, points, worst scenario"),
            Bound::Most(0.7),
            |grid| 100.0 * self.beyond(grid, |run| run.refused),
        )];
        rows.extend(self.times("A7"));
        rows.extend([
            self.row(
                ("A9", "healed, worst scenario but S8"),
                Bound::Least(0.995),
                |grid| least(grid, |run| run.healed),
            ),
            self.row(
                ("A12", "S9, a minute after the stall: fresh"),
                Bound::Least(0.99),
                |grid| grid.of(OVERLOAD, |run| run.late_share),
            ),
            self.row(
                ("A12", "S9, a minute after the stall: worth"),
                Bound::Least(0.99),
                |grid| grid.of(OVERLOAD, |run| run.late_worth),
            ),
            self.row(
                (
                    "A14",
                    "S2, requests of its first 10 s that touch the dead source, worst seed",
                ),
                Bound::Most(20.0),
                |grid| grid.greatest(&[1], |run| run.touched),
            ),
            self.row(
                (
                    "A15",
                    "S2, S4, S8: first exact answer after it, s, worst seed",
                ),
                Bound::Most(10.0),
                |grid| grid.greatest(&RETURNS, |run| run.exact),
            ),
            self.row(
                ("A15", "S2, S4, S8: first as it was asked, s, worst seed"),
                Bound::Most(20.0),
                |grid| grid.greatest(&RETURNS, |run| run.back),
            ),
        ]);
        rows
    }

    fn rows_of_a_quota(&self) -> [Row; 2] {
        [
            self.row(
                ("A16", "S6, last call within the window, worst seed"),
                Bound::Least(0.97),
                |grid| -grid.greatest(&[QUOTA], |run| -run.last_call),
            ),
            self.row(
                ("A16", "S6, refusals beyond the oracle's, points"),
                Bound::Most(2.0),
                |grid| {
                    let refused = |grid: &Grid| grid.of(QUOTA, |run| run.refused);
                    100.0 * (refused(grid) - refused(&self.oracle))
                },
            ),
        ]
    }

    fn lender(&self) -> Row {
        self.row(
            (
                "A13",
                "what the lender's own callers lose beside the oracle",
            ),
            Bound::Most(0.005),
            |grid| self.oracle.mean(|run| run.lender) - grid.mean(|run| run.lender),
        )
    }

    fn calls(&self) -> [Row; 2] {
        let (in_outages, ever) = if self.setting.rate > 2.0 {
            (0.35, 1.0)
        } else {
            (1.1, 1.8)
        };
        [
            self.row(
                ("A10", "calls a request in S2 and S8, worst seed"),
                Bound::Most(in_outages),
                |grid| grid.greatest(&OUTAGES, |run| run.amplification),
            ),
            self.row(
                ("A11", "calls a request, worst scenario and seed"),
                Bound::Most(ever),
                |grid| grid.greatest(&grid.scenarios(), |run| run.amplification),
            ),
        ]
    }

    /// By how much a figure is above the oracle's in the scenario where it is that most.
    fn beyond(&self, grid: &Grid, pick: fn(&Figures) -> f64) -> f64 {
        let scenarios = grid.scenarios().into_iter();
        scenarios
            .map(|scenario| grid.of(scenario, pick) - self.oracle.of(scenario, pick))
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

// === impl Row ===

impl Row {
    /// By how much it is missed; nothing where it is reached. What is no number is missed by all.
    #[must_use]
    pub fn missed_by(&self) -> f64 {
        missed_by(self.required, self.ours)
    }
}

/// By how much a figure misses what is asked of it; nothing where it does not. What is no number misses everything.
#[must_use]
pub fn missed_by(required: Bound, ours: f64) -> f64 {
    let missed = match required {
        Bound::Least(least) => least - ours,
        Bound::Most(most) => ours - most,
    };
    if missed.is_nan() {
        f64::INFINITY
    } else {
        missed.max(0.0)
    }
}
