//! The Rust files of the workspace, and what is said of a file that breaks a rule.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

/// A file's path, from the workspace's root and with `/` between the parts, and its text.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Returns the name of the file without folders.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Returns whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.file_name() == "tests.rs"
            || self
                .path
                .split('/')
                .rev()
                .skip(1)
                .any(|folder| folder == "tests")
    }
}

/// One broken rule.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Violation {
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// What the rule asks for and what was found instead.
    pub(crate) rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// Fails the test with every violation on a line of its own.
#[track_caller]
pub(crate) fn assert_none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        lines.is_empty(),
        "the house rules of CONTRIBUTING.md are broken:\n{}",
        lines.join("\n")
    );
}

/// Returns the folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Returns the Rust files below a folder of the workspace (`""` for all of them) that git tracks or would
/// track; where git does not answer, as in an unpacked archive, all but those in `target` and hidden folders.
///
/// # Errors
///
/// When a folder or file cannot be read.
pub(crate) fn rust_files(below: &str) -> anyhow::Result<Vec<Source>> {
    let mut paths = match listed_by_git() {
        Some(paths) => paths,
        None => walked(Path::new(""))?,
    };
    paths.retain(|path| {
        path.ends_with(".rs") && path.starts_with(below) && root().join(path).is_file()
    });
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(read).collect()
}

fn read(path: String) -> anyhow::Result<Source> {
    let text = fs::read_to_string(root().join(&path)).with_context(|| path.clone())?;
    Ok(Source { path, text })
}

fn listed_by_git() -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let names = String::from_utf8(output.stdout).ok()?;
    Some(names.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() {
            found.extend(walked(&path)?);
        } else {
            found.push(
                path.components()
                    .map(|part| part.as_os_str().to_string_lossy())
                    .collect::<Vec<_>>()
                    .join("/"),
            );
        }
    }
    Ok(found)
}

#[test]
fn this_file_is_among_the_sources_with_and_without_git() {
    let own = "xtask/tests/house/sources.rs";
    assert!(
        rust_files("")
            .unwrap()
            .iter()
            .any(|source| source.path == own)
    );
    assert!(
        walked(Path::new("xtask"))
            .unwrap()
            .iter()
            .any(|path| path == own)
    );
}

#[test]
fn nothing_that_was_built_is_among_the_sources() {
    assert!(
        walked(Path::new(""))
            .unwrap()
            .iter()
            .all(|path| !path.starts_with("target/"))
    );
}

#[test]
fn a_file_is_test_code_by_its_name_or_its_folder() {
    let is_test = |path: &str| {
        Source {
            path: path.to_owned(),
            text: String::new(),
        }
        .is_test()
    };
    assert!(is_test("healing-core/src/plan/tests.rs"));
    assert!(is_test("healing-core/tests/it/main.rs"));
    assert!(is_test("healing-core/src/plan/tests/laws.rs"));
    assert!(!is_test("healing-core/src/plan.rs"));
    assert!(!is_test("healing-lab/src/contests.rs"));
}
