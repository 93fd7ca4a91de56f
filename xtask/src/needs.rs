//! What the checks need from the machine, as a list, and how to get it.
//!
//! A missing compiler would otherwise show itself minutes later, as an error from the build script of a crate that
//! nobody chose. Crates come from the registry and need no entry here, and so do the Python packages of the Flask example.

use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::{
    cargo::{Cargo, answers},
    run::say,
};

/// One program that must be there.
#[derive(Debug)]
struct Need {
    name: &'static str,
    /// What to call, with arguments under which it changes nothing and fails where it is not whole.
    probe: &'static [&'static str],
    remedy: Remedy,
    why: &'static str,
}

/// Where a program comes from.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    /// A package of Debian and Ubuntu.
    Debian(&'static str),
    /// A component of the Rust toolchain.
    Component(&'static str),
}

const NEEDS: &[Need] = &[
    Need {
        name: "cc",
        probe: &["cc", "--version"],
        remedy: Remedy::Debian("build-essential"),
        why: "a C compiler builds the bundled SQLite, ring and mimalloc",
    },
    Need {
        name: "cargo fmt",
        probe: &["cargo", "fmt", "--version"],
        remedy: Remedy::Component("rustfmt"),
        why: "the format step",
    },
    Need {
        name: "cargo clippy",
        probe: &["cargo", "clippy", "--version"],
        remedy: Remedy::Component("clippy"),
        why: "the lint step",
    },
    // `python3 -m venv --help` answers on Debian also where `venv` cannot make anything, for want of this module.
    Need {
        name: "python3 (3.10 or newer) with venv",
        probe: &[
            "python3",
            "-c",
            "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))",
        ],
        remedy: Remedy::Debian("python3-venv"),
        why: "the Flask example runs in a virtual environment",
    },
    // Debian's `npm` brings `node`; other packages of `node` bring `npm`.
    Need {
        name: "node (18.18 or newer) with npm",
        probe: &[
            "node",
            "-e",
            "const [major, minor] = process.versions.node.split('.'); process.exit(major > 18 || (major == 18 && minor > 17) ? require('child_process').spawnSync('npm', ['--version']).status ?? 1 : 1)",
        ],
        remedy: Remedy::Debian("npm"),
        why: "the public suite of tests for HTTP caches runs in it",
    },
    Need {
        name: "redis-server",
        probe: &["redis-server", "--version"],
        remedy: Remedy::Debian("redis-server"),
        why: "tests share a cache in it",
    },
    Need {
        name: "chromium",
        probe: &["chromium", "--version"],
        remedy: Remedy::Debian("chromium"),
        why: "the page of the Flask example is looked at while its sources are broken",
    },
];

impl Need {
    fn is_met(&self, cargo: &Cargo) -> bool {
        match self.probe {
            ["cargo", arguments @ ..] => answers(&mut cargo.command(arguments)),
            [program, arguments @ ..] => answers(Command::new(program).args(arguments)),
            [] => true,
        }
    }
}

impl Remedy {
    /// Returns the program that installs, and the command lines to give to it, without the program's name.
    fn commands(self) -> (&'static str, Vec<Vec<&'static str>>) {
        match self {
            Self::Debian(package) => (
                "apt-get",
                vec![
                    vec!["update"],
                    vec!["install", "--yes", "--no-install-recommends", package],
                ],
            ),
            Self::Component(name) => ("rustup", vec![vec!["component", "add", name]]),
        }
    }

    /// Returns whether this process may install it: Debian packages as root only.
    fn is_allowed(self) -> bool {
        match self {
            Self::Debian(_) => is_root() && answers(Command::new("apt-get").arg("--version")),
            Self::Component(_) => answers(Command::new("rustup").arg("--version")),
        }
    }

    fn advice(self) -> String {
        match self {
            Self::Debian(package) => {
                format!("sudo apt-get update && sudo apt-get install --yes {package}")
            }
            Self::Component(name) => format!("rustup component add {name}"),
        }
    }
}

/// Makes sure that everything is there, and installs what may be installed.
///
/// # Errors
///
/// Names everything that is missing at once, each with the command that brings it.
pub(crate) fn meet(cargo: &Cargo) -> anyhow::Result<()> {
    for need in NEEDS.iter().filter(|need| !need.is_met(cargo)) {
        if need.remedy.is_allowed() {
            install(need)?;
        }
    }
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !need.is_met(cargo)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("{}", report(&missing))
}

fn install(need: &Need) -> anyhow::Result<()> {
    let (program, lines) = need.remedy.commands();
    for arguments in lines {
        let shown = format!("{program} {}", arguments.join(" "));
        say(&format!("{} is missing ({}): {shown}", need.name, need.why))?;
        let status = Command::new(program)
            .args(&arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("`{shown}` could not be started"))?;
        ensure!(status.success(), "`{shown}` ended with {status}");
    }
    Ok(())
}

fn report(missing: &[&Need]) -> String {
    let mut text = String::from("this machine lacks what the checks need:");
    for need in missing {
        text.push_str(&format!(
            "\n  {}: {}; get it with: {}",
            need.name,
            need.why,
            need.remedy.advice()
        ));
    }
    text
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent() -> Need {
        Need {
            name: "no-such-program",
            probe: &["no-such-program", "--version"],
            remedy: Remedy::Debian("build-essential"),
            why: "a test",
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_missing() {
        let cargo = Cargo::new(env!("CARGO"));
        assert!(!absent().is_met(&cargo));
        let subcommand = Need {
            probe: &["cargo", "no-such-subcommand", "--version"],
            ..absent()
        };
        assert!(!subcommand.is_met(&cargo));
    }

    #[test]
    fn the_report_names_each_missing_program_and_the_command_that_brings_it() {
        let rustfmt = Need {
            remedy: Remedy::Component("rustfmt"),
            ..absent()
        };
        let report = report(&[&absent(), &rustfmt]);
        assert!(
            report.contains("no-such-program: a test; get it with: sudo apt-get update"),
            "{report}"
        );
        assert!(report.contains("install --yes build-essential"), "{report}");
        assert!(report.contains("rustup component add rustfmt"), "{report}");
    }

    #[test]
    fn a_python_that_lacks_a_module_is_not_whole() {
        let python = Need {
            probe: &["python3", "-c", "import no_such_module"],
            ..absent()
        };
        assert!(!python.is_met(&Cargo::new(env!("CARGO"))));
    }
}
