//! The steps of each command, as data, in the order in which they run.
//!
//! All steps share one profile and the workspace's features, and none sets `RUSTFLAGS`: so dependencies are
//! built once for the tests and checked once for lints and documentation. What cannot share (one crate alone, one
//! feature alone) is left to `ci`.

use crate::{cargo::Cargo, core_tree, fuzz};

/// One step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) action: Action,
}

/// What a step does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Runs cargo with these arguments.
    Cargo(Vec<String>),
    /// Builds the documentation; a warning is an error.
    Document(Vec<String>),
    /// Checks the dependency tree of `healing-core`.
    CheckCoreTree,
    /// Runs a Python script of the workspace with these arguments.
    Python(Vec<String>),
    /// Runs each fuzz target for a short time.
    Fuzz,
    /// Says why a step cannot be run here.
    Omit(String),
}

/// Returns the steps of `cargo xtask test`.
pub(crate) fn test(cargo: &Cargo) -> Vec<Step> {
    vec![
        step("format", &["fmt", "--all", "--", "--check"]),
        step(
            "lints",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
        ),
        environment(),
        cache_suite(),
        tests(cargo.has("nextest")),
        step(
            "documentation tests",
            &["test", "--doc", "--workspace", "--locked"],
        ),
        documentation(),
        Step {
            name: "tree of healing-core".to_owned(),
            action: Action::CheckCoreTree,
        },
        fuzzing(fuzz::lack()),
    ]
}

/// Returns the steps of `cargo xtask ci`.
///
/// # Errors
///
/// When cargo cannot list the crates of the workspace.
pub(crate) fn ci(cargo: &Cargo) -> anyhow::Result<Vec<Step>> {
    let listed = cargo.output(&[
        "tree",
        "--locked",
        "--workspace",
        "--depth",
        "0",
        "--prefix",
        "none",
    ])?;
    let mut steps = test(cargo);
    steps.push(licences(cargo.has("deny")));
    for name in members(&listed) {
        steps.push(step(
            &format!("{name} alone"),
            &["check", "--locked", "--package", name],
        ));
    }
    for (name, features) in [
        ("without features", ""),
        ("with sqlite", "sqlite"),
        ("with jq", "jq"),
        ("with redis", "redis"),
    ] {
        let arguments = [
            "clippy",
            "--locked",
            "--package",
            "healing-core",
            "--no-default-features",
            "--features",
            features,
            "--",
            "-D",
            "warnings",
        ];
        steps.push(step(&format!("healing-core {name}"), &arguments));
    }
    Ok(steps)
}

/// Returns the steps of `cargo xtask long`.
pub(crate) fn long() -> Vec<Step> {
    let arguments = [
        "run",
        "--locked",
        "--profile",
        "quick",
        "--package",
        "benches",
        "--bin",
        "trials",
    ];
    vec![step("trials", &arguments)]
}

/// Has its own step, so that a registry out of reach is named as such and not as the failure of a test.
fn environment() -> Step {
    Step {
        name: "environment of the Flask example".to_owned(),
        action: Action::Python(words(&["examples/flask-api/run", "--install-only"])),
    }
}

/// Has its own step for the same reason. A test runs the suite.
fn cache_suite() -> Step {
    Step {
        name: "suite of tests for caches".to_owned(),
        action: Action::Python(words(&["healing-proxy/tests/cache_suite/install"])),
    }
}

/// Nothing is skipped: tests marked `#[ignore]` run too.
fn tests(nextest: bool) -> Step {
    let with_nextest: &[&str] = &[
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--run-ignored",
        "all",
    ];
    let with_cargo: &[&str] = &[
        "test",
        "--workspace",
        "--locked",
        "--lib",
        "--bins",
        "--tests",
        "--examples",
        "--",
        "--include-ignored",
    ];
    step("tests", if nextest { with_nextest } else { with_cargo })
}

/// Names the kinds of targets: without `--examples` cargo leaves out the features that tests switch on in `tokio`, and
/// everything above `tokio` would be checked a second time.
fn documentation() -> Step {
    let arguments = [
        "doc",
        "--no-deps",
        "--workspace",
        "--locked",
        "--lib",
        "--bins",
        "--examples",
    ];
    Step {
        name: "documentation".to_owned(),
        action: Action::Document(words(&arguments)),
    }
}

fn licences(deny: bool) -> Step {
    let arguments = ["deny", "--locked", "check", "bans", "licenses", "sources"];
    if deny {
        return step("licences and sources", &arguments);
    }
    Step {
        name: "licences and sources".to_owned(),
        action: Action::Omit(
            "cargo-deny is not installed; get it with: cargo install --locked cargo-deny"
                .to_owned(),
        ),
    }
}

fn fuzzing(lack: Option<&str>) -> Step {
    Step {
        name: "fuzz targets".to_owned(),
        action: lack.map_or(Action::Fuzz, |reason| Action::Omit(reason.to_owned())),
    }
}

/// Returns the names in a listing of crates, one `name version (path)` a line.
fn members(listed: &str) -> Vec<&str> {
    listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn step(name: &str, arguments: &[&str]) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Cargo(words(arguments)),
    }
}

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&word| word.to_owned()).collect()
}

impl Step {
    /// Returns the command as a reader would type it.
    pub(crate) fn shown(&self) -> String {
        match &self.action {
            Action::Cargo(arguments) => format!("cargo {}", arguments.join(" ")),
            Action::Document(arguments) => {
                format!("RUSTDOCFLAGS='-D warnings' cargo {}", arguments.join(" "))
            }
            Action::CheckCoreTree => format!("cargo {}", core_tree::ARGUMENTS.join(" ")),
            Action::Python(arguments) => format!("python3 {}", arguments.join(" ")),
            Action::Fuzz => format!("cargo xtask fuzz --for {}s", fuzz::SHORT.as_secs()),
            Action::Omit(_) => "not run".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(step: &Step) -> &[String] {
        match &step.action {
            Action::Cargo(arguments) | Action::Document(arguments) => arguments,
            Action::CheckCoreTree | Action::Fuzz | Action::Python(_) | Action::Omit(_) => &[],
        }
    }

    #[test]
    fn every_step_that_resolves_crates_holds_the_lock_file() {
        let mut steps = test(&Cargo::new(env!("CARGO")));
        steps.extend([tests(true), tests(false), licences(true)]);
        steps.extend(long());
        for step in steps
            .iter()
            .filter(|step| matches!(step.action, Action::Cargo(_) | Action::Document(_)))
            .filter(|step| step.name != "format")
        {
            assert!(
                arguments(step).iter().any(|word| word == "--locked"),
                "{step:?}"
            );
        }
        assert!(core_tree::ARGUMENTS.contains(&"--locked"));
    }

    #[test]
    fn ignored_tests_run_with_and_without_nextest() {
        assert!(tests(true).shown().ends_with("--run-ignored all"));
        assert!(tests(false).shown().ends_with("-- --include-ignored"));
    }

    #[test]
    fn without_cargo_deny_the_step_says_that_it_was_not_run() {
        assert!(
            matches!(licences(false).action, Action::Omit(reason) if reason.contains("not installed"))
        );
    }

    #[test]
    fn without_a_compiler_for_libfuzzer_the_step_says_that_it_was_not_run() {
        assert_eq!(
            fuzzing(Some("no compiler")).action,
            Action::Omit("no compiler".to_owned())
        );
        assert!(fuzzing(None).shown().ends_with("fuzz --for 10s"));
    }

    #[test]
    fn members_are_the_first_words() {
        assert_eq!(
            members("healing-core v0.1.0 (/x)\n\nxtask v0.1.0 (/y)\n"),
            ["healing-core", "xtask"]
        );
    }
}
