//! The repository's own commands: `cargo xtask test` and `cargo xtask ci`.
//!
//! They are a Rust program and not a script, so that one command is the whole check on every machine and
//! in CI, and so that no shell stands between a step and its exit status.

mod cargo;
mod core_tree;
mod needs;
mod run;
mod steps;

use std::process::ExitCode;

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
#[derive(Clone, Copy, Debug, Subcommand)]
enum Task {
    /// Format, lints, every test, documentation and the dependency tree of `healing-core`.
    ///
    /// Checks first that the tools are there; as root on Debian it installs them.
    Test,
    /// All of `test`, then licences and sources (`cargo deny`), each crate alone and each feature alone.
    Ci,
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
    match line.command {
        Task::Test => run("test", &steps::test(&cargo), &cargo),
        Task::Ci => run("ci", &steps::ci(&cargo)?, &cargo),
    }
}
