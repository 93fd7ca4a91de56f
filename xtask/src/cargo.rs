//! Starting cargo from inside `cargo run`.
//!
//! `cargo run` describes the running package (`CARGO_PKG_NAME`, `CARGO_MANIFEST_DIR` ...) in the environment.
//! Passed on, those variables make build scripts that watch them (`ring` does) believe that something
//! changed, and half of the tree is built again. So a child gets the environment without them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// Beginnings of the variables that describe the package that runs, not the user's wishes.
const OF_THE_RUNNING_PACKAGE: &[&str] = &[
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
];

/// A cargo to start in the root of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    program: String,
}

impl Cargo {
    /// Takes the program's name or path.
    pub(crate) fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
        }
    }

    /// Returns a command that runs in the workspace's root without standard input.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(root())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if describes_the_running_package(&name) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Returns whether a subcommand of cargo is installed.
    pub(crate) fn has(&self, subcommand: &str) -> bool {
        answers(&mut self.command(&[subcommand, "--version"]))
    }

    /// Runs cargo and returns what it printed on standard output; its messages go to the terminal.
    ///
    /// # Errors
    ///
    /// When cargo cannot be started, fails, or prints something that is not UTF-8.
    pub(crate) fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let shown = format!("cargo {}", arguments.join(" "));
        let output = self
            .command(arguments)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("`{shown}` could not be started"))?;
        ensure!(
            output.status.success(),
            "`{shown}` ended with {}",
            output.status
        );
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
    }
}

/// Returns the folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Returns whether a program starts and ends well; what it prints is thrown away.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn describes_the_running_package(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        OF_THE_RUNNING_PACKAGE
            .iter()
            .any(|beginning| name.starts_with(beginning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_does_not_inherit_the_description_of_this_package() {
        let command = Cargo::new("cargo").command(&["--version"]);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert!(
            removed.contains(&OsStr::new("CARGO_MANIFEST_DIR")),
            "{removed:?}"
        );
        assert!(
            removed.contains(&OsStr::new("CARGO_PKG_NAME")),
            "{removed:?}"
        );
    }

    #[test]
    fn a_child_keeps_what_the_user_chose() {
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "CARGO_BUILD_JOBS",
            "RUSTFLAGS",
        ] {
            assert!(!describes_the_running_package(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.starts_with("[workspace]"));
    }

    #[test]
    fn a_missing_subcommand_is_not_there() {
        assert!(!Cargo::new(env!("CARGO")).has("no-such-subcommand"));
    }
}
