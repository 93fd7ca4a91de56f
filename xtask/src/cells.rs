//! The tables of the README: four sources broken in four ways before the Flask example.

use std::{fs, process::Command};

use anyhow::{Context, ensure};

use crate::{
    cargo::{Cargo, root},
    run::say,
};

const TESTS: &[&str] = &[
    "test",
    "--locked",
    "--package",
    "healing-proxy",
    "--test",
    "cells",
    // One run at a time: they are measured.
    "--",
    "--test-threads=1",
    "runs::",
];

/// Runs the cells and prints their tables with the date and the commit.
///
/// # Errors
///
/// When a cell misses what it should have, or git or date cannot be asked.
pub(crate) fn run(cargo: &Cargo) -> anyhow::Result<()> {
    let folder = root().join("target/cells");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("the old tables could not be removed")?;
    }
    let status = cargo.command(TESTS).status();
    let status = status.context("cargo could not be started")?;
    ensure!(
        status.success(),
        "the tests of the cells ended with {status}"
    );
    let commit = line_of("git", &["describe", "--always", "--dirty"])?;
    let day = line_of("date", &["-u", "+%F"])?;
    say(&format!("\nMeasured on {day} at commit {commit}.\n"))?;
    let entries = fs::read_dir(&folder).context("the tests wrote no tables")?;
    let mut tables = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    tables.sort();
    for table in tables {
        say(&fs::read_to_string(table)?)?;
    }
    Ok(())
}

fn line_of(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .with_context(|| format!("`{program}` could not be started"))?;
    ensure!(
        output.status.success(),
        "`{program}` ended with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
