//! The page of figures, in Markdown.

use std::fmt::{self, Display, Formatter};

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use crate::{
    acceptance::{Bound, Pair, Row, missed_by},
    alone::{Alone, Measured},
    compare::{Grid, Who},
    market::{SCENARIOS, Setting},
    score::Figures,
    trials::{Sizes, Trial},
};

/// What one setting gives: everybody who decides in it.
#[derive(Clone, Debug)]
pub struct Chapter {
    pair: Pair,
    others: Vec<(Who, Grid)>,
}

/// The page.
#[derive(Clone, Debug)]
pub struct Page {
    seeds: u64,
    measured: Measured,
    chapters: Vec<Chapter>,
    /// The settings once more, under seeds that nothing was written by.
    kept_apart: Vec<Pair>,
}

/// What stands before the figures.
const OPENING: &str = include_str!("page/opening.md");

/// What stands before the trials.
const TRIALS: &str = include_str!("page/trials.md");

/// The number before the first seed that nothing was written by.
const APART: u64 = 100;

// === impl Page ===

impl Page {
    /// Lives all settings under the seeds from 1 to that.
    #[must_use]
    pub fn of(seeds: u64) -> Self {
        // First of all: what is timed has to be before what stops the clock.
        let measured = Measured::now(Sizes::FULL, 1);
        let numbers: Vec<u64> = (1..=seeds).collect();
        let apart: Vec<u64> = numbers.iter().map(|seed| seed + APART).collect();
        let chapter = |setting| Chapter {
            pair: Pair::of(setting, &numbers),
            others: Who::OTHERS
                .into_iter()
                .map(|who| (who, who.grid(setting, &numbers)))
                .collect(),
        };
        Self {
            seeds,
            measured,
            chapters: Setting::ALL.into_iter().map(chapter).collect(),
            kept_apart: Setting::ALL
                .into_iter()
                .map(|setting| Pair::of(setting, &apart))
                .collect(),
        }
    }

    /// A digest of every figure: the same runs have the same.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let grids = self.chapters.iter().flat_map(Chapter::grids);
        for (_, grid) in grids {
            for figures in grid.runs.iter().flat_map(|(_, seeds)| seeds) {
                for figure in [figures.utility, figures.amplification, figures.worth] {
                    hash.update(figure.to_bits().to_be_bytes());
                }
            }
        }
        let bytes = hash.finalize();
        bytes
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl Display for Page {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { seeds, .. } = self;
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        write!(f, "{OPENING}")?;
        writeln!(
            f,
            "Run on {today}, seeds 1 to {seeds}; digest of the figures `{}`.\n",
            self.digest()
        )?;
        writeln!(
            f,
            "## What must be reached\n\n| # | figure | required | healing-core | oracle | reached | seeds {} to {} | reached |",
            APART + 1,
            APART + seeds
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        let pairs = self.chapters.iter().map(|chapter| &chapter.pair);
        let rows = pairs.zip(&self.kept_apart);
        let mut lines: Vec<(u32, String)> = rows
            .flat_map(|(pair, apart)| pair.rows().into_iter().zip(apart.rows()))
            .map(|(row, apart)| (place(row.number), line(&row, &apart)))
            .collect();
        let alone = self.measured.rows.iter();
        lines.extend(alone.map(|row| (place(row.number), row.to_string())));
        lines.sort_by_key(|(place, _)| *place);
        for (_, line) in lines {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "\n{TRIALS}\n\n{}", Trial::HEADING)?;
        for trial in &self.measured.trials {
            writeln!(f, "{trial}")?;
        }
        for chapter in &self.chapters {
            write!(f, "\n{chapter}")?;
        }
        Ok(())
    }
}

// === impl Chapter ===

impl Chapter {
    /// Everybody, with the oracle last.
    fn grids(&self) -> impl Iterator<Item = (Who, &Grid)> {
        let others = self.others.iter().map(|(who, grid)| (*who, grid));
        others.chain([
            (Who::Ours, &self.pair.ours),
            (Who::Oracle, &self.pair.oracle),
        ])
    }
}

impl Display for Chapter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let setting = self.pair.setting;
        writeln!(f, "## {}\n\n{}\n", setting.name, setting.meaning)?;
        writeln!(
            f,
            "| who decides | utility | % of oracle | refused % | below floor % | healed % | time to heal by a call, mean / p95 s | worth | calls a request | lender |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|")?;
        let best = self.pair.oracle.mean(|run| run.utility);
        for (who, grid) in self.grids() {
            let of = |pick: fn(&Figures) -> f64| grid.mean(pick);
            let utility = of(|run| run.utility);
            writeln!(
                f,
                "| {} | {utility:.3} | {:.1} | {:.2} | {:.2} | {:.2} | {:.2} / {:.2} | {:.3} | {:.2} | {:.3} |",
                who.name(),
                100.0 * utility / best,
                100.0 * of(|run| run.refused),
                100.0 * of(|run| run.wrong),
                100.0 * of(|run| run.healed),
                of(|run| run.mean_time),
                of(|run| run.p95),
                of(|run| run.worth),
                of(|run| run.amplification),
                of(|run| run.lender),
            )?;
        }
        writeln!(
            f,
            "\n| scenario | healing-core | oracle | calls a request, worst seed |"
        )?;
        writeln!(f, "|---|---|---|---|")?;
        for scenario in self.pair.ours.scenarios() {
            writeln!(
                f,
                "| {} | {:.3} | {:.3} | {:.2} |",
                SCENARIOS.get(scenario).unwrap_or(&""),
                self.pair.ours.of(scenario, |run| run.utility),
                self.pair.oracle.of(scenario, |run| run.utility),
                self.pair
                    .ours
                    .greatest(&[scenario], |run| run.amplification),
            )?;
        }
        Ok(())
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            figure,
            required,
            ours,
            oracle,
        } = self;
        let reached = reached(self.missed_by());
        write!(
            f,
            "| {number} | {figure} | {required} | {ours:.4} | {oracle:.4} | {reached} |"
        )
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Least(least) => write!(f, "≥ {least}"),
            Self::Most(most) => write!(f, "≤ {most}"),
        }
    }
}

/// A row, and the same row under the seeds kept apart.
fn line(row: &Row, apart: &Row) -> String {
    format!("{row} {:.4} | {} |", apart.ours, reached(apart.missed_by()))
}

impl Display for Alone {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            figure,
            required,
            ours,
        } = self;
        let reached = reached(missed_by(*required, *ours));
        let ours = if *ours > 0.0 && *ours < 1e-4 {
            format!("{ours:.1e}")
        } else {
            format!("{ours:.4}")
        };
        write!(
            f,
            "| {number} | {figure} | {required} | {ours} | | {reached} | | |"
        )
    }
}

fn reached(missed: f64) -> String {
    if missed > 0.0 {
        format!("**no**, by {missed:.4}")
    } else {
        "yes".to_owned()
    }
}

/// The place of a row in the design's table.
fn place(number: &str) -> u32 {
    number
        .strip_prefix('A')
        .and_then(|number| number.parse().ok())
        .unwrap_or(u32::MAX)
}
