//! The repository's own commands: `cargo xtask test`, `ci`, `cells`, `fuzz` and `long`.
//!
//! They are a Rust program and not a script, so that one command is the whole check on every machine and
//! in CI, and so that no shell stands between a step and its exit status.

mod cargo;
mod cells;
mod core_tree;
mod fuzz;
mod needs;
mod run;
mod steps;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

use crate::{cargo::Cargo, run::run};

/// Checks of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
struct Line {
    /// The cargo that runs the steps.
    #[arg(
        long,
        env = "CARGO",
        default_value = "cargo",
        hide = true,
        global = true
    )]
    cargo: String,
    #[command(subcommand)]
    command: Task,
}

/// What to run.
#[derive(Clone, Debug, Subcommand)]
enum Task {
    /// Format, lints, every test, documentation, the dependency tree of `healing-core`, and ten seconds of each fuzz target.
    ///
    /// Checks first that the tools are there; as root on Debian it installs them.
    Test,
    /// All of `test`, then licences and sources (`cargo deny`), each crate alone and each feature alone.
    Ci,
    /// Breaks every source of the Flask example in every way, and prints the tables of the README.
    Cells,
    /// Tries what must never happen as often as is asked of the layers: minutes. The tests try a part of it.
    Long,
    /// Runs fuzz targets, two at a time. Inputs that reach something new stay under `target/fuzz`.
    Fuzz {
        /// The target; all of them without one.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(fuzz::TARGETS))]
        target: Option<String>,
        /// How long each target runs.
        #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = fuzz::time)]
        time: Duration,
        /// Runs nothing: takes inputs that were found and reach something new into `fuzz/corpus`.
        #[arg(long, conflicts_with = "time")]
        keep: bool,
    },
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a failed command is for the terminal"
)]
fn main() -> ExitCode {
    match work(&Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("cargo xtask: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn work(line: &Line) -> anyhow::Result<()> {
    let cargo = Cargo::new(&line.cargo);
    needs::meet(&cargo)?;
    match &line.command {
        Task::Test => run("test", &steps::test(&cargo), &cargo),
        Task::Ci => run("ci", &steps::ci(&cargo)?, &cargo),
        Task::Cells => cells::run(&cargo),
        Task::Long => run("long", &steps::long(), &cargo),
        Task::Fuzz { target, time, keep } => {
            let one = target.as_deref().map(|name| [name]);
            let names = one.as_ref().map_or(fuzz::TARGETS, |name| name.as_slice());
            if *keep {
                fuzz::keep(&cargo, names)
            } else {
                fuzz::run(&cargo, names, *time)
            }
        }
    }
}
