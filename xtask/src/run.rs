//! Runs steps in order, shows each with its time, and stops at the first that fails.
//!
//! Standard output and error of a step are the terminal's own, so a runner's summary with its counts of tests reaches
//! the reader, and a CI's log, as it was printed.

use std::{fmt, io::Write, path::Path, process::Command};

use anyhow::{Context, anyhow, ensure};

use crate::{
    cargo::{Cargo, root},
    core_tree, fuzz,
    steps::{Action, Step},
};

/// How a step that did not fail ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    Passed,
    NotRun,
}

/// Runs the steps and prints a summary.
///
/// # Errors
///
/// Names the first step that failed, what it ran and how it ended.
pub(crate) fn run(title: &str, steps: &[Step], cargo: &Cargo) -> anyhow::Result<()> {
    let all = Watch::start();
    let total = steps.len();
    let mut passed = 0;
    for (index, step) in steps.iter().enumerate() {
        let place = format!("[{}/{total}] {}", index + 1, step.name);
        say(&format!("==> {place}: {}", step.shown()))?;
        let watch = Watch::start();
        let ending = perform(&step.action, cargo)
            .map_err(|fault| anyhow!("{title} failed at step {place} after {watch}: {fault:#}"))?;
        match ending {
            Ending::Passed => {
                passed += 1;
                say(&format!("<== {place}: passed in {watch}"))?;
            }
            Ending::NotRun => say(&format!("<== {place}: NOT RUN"))?,
        }
    }
    let not_run = total - passed;
    say(&format!(
        "cargo xtask {title}: {passed} of {total} steps passed, {not_run} not run, in {all}"
    ))
}

/// Prints a line at once, so that it stands before what the next child prints.
///
/// # Errors
///
/// When standard output is closed.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("standard output is closed")
}

fn perform(action: &Action, cargo: &Cargo) -> anyhow::Result<Ending> {
    match action {
        Action::Cargo(arguments) => succeed(&mut cargo.command(arguments)),
        Action::Document(arguments) => {
            succeed(cargo.command(arguments).env("RUSTDOCFLAGS", "-D warnings"))
        }
        Action::CheckCoreTree => core_tree::check(cargo).map(|()| Ending::Passed),
        Action::Python(arguments) => {
            let mut python = Command::new("python3");
            succeed(python.args(arguments).current_dir(root()))
        }
        Action::Fuzz => fuzz::run(cargo, fuzz::TARGETS, fuzz::SHORT).map(|()| Ending::Passed),
        Action::Omit(reason) => say(reason).map(|()| Ending::NotRun),
    }
}

fn succeed(command: &mut Command) -> anyhow::Result<Ending> {
    let program = Path::new(command.get_program()).file_name();
    let program = program.unwrap_or_default().display().to_string();
    let status = command
        .status()
        .with_context(|| format!("{program} could not be started"))?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(Ending::Passed)
}

/// Time since a beginning; prints as seconds.
#[expect(
    clippy::disallowed_types,
    reason = "there is no runtime here whose clock could be paused"
)]
struct Watch(std::time::Instant);

impl Watch {
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "there is no runtime here whose clock could be paused"
    )]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, arguments: &[&str]) -> Step {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        Step {
            name: name.to_owned(),
            action: Action::Cargo(arguments),
        }
    }

    #[test]
    fn the_first_failing_step_stops_the_run_and_is_named() {
        let cargo = Cargo::new(env!("CARGO"));
        let steps = [
            step("good", &["--version"]),
            step("bad", &["no-such-subcommand"]),
            step("never", &["--version"]),
        ];
        let fault = run("test", &steps, &cargo).unwrap_err().to_string();
        assert!(
            fault.starts_with("test failed at step [2/3] bad after "),
            "{fault}"
        );
        assert!(
            fault.ends_with("cargo ended with exit status: 101"),
            "{fault}"
        );
    }

    #[test]
    fn steps_that_pass_or_cannot_run_do_not_fail_the_run() {
        let omitted = Step {
            name: "other".to_owned(),
            action: Action::Omit("no tool".to_owned()),
        };
        run(
            "ci",
            &[step("good", &["--version"]), omitted],
            &Cargo::new(env!("CARGO")),
        )
        .unwrap();
    }
}
