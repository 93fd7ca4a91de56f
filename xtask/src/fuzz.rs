//! Fuzzing: builds the targets of `fuzz/` with coverage, and runs them two at a time.
//!
//! The compiler's own coverage pass works on stable Rust, and libFuzzer is C++ that a crate brings along: nothing has to
//! be installed but a C++ compiler. What a run finds lies under `target/fuzz`; `--keep` takes what is new into the
//! corpus that is committed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};

use crate::{
    cargo::{Cargo, answers, root},
    run::say,
};

/// The targets, each a file of that name in `fuzz/targets`.
pub(crate) const TARGETS: &[&str] = &[
    "json",
    "judge",
    "rules",
    "recorded",
    "encoding",
    "wait",
    "exchanges",
    "floor",
    "calendars",
];

/// How long each target runs in the tests.
pub(crate) const SHORT: Duration = Duration::from_secs(10);

/// How many targets run at a time.
const AT_A_TIME: usize = 2;

/// The pass that `cargo fuzz` asks for too: a counter for each edge, and the operands of comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// One input may take that many seconds before it counts as a fault, on a machine that does other things too.
const LONGEST_INPUT: &str = "-timeout=10";

/// Why nothing can be fuzzed here; `None` where it can.
pub(crate) fn lack() -> Option<&'static str> {
    let has_compiler = answers(Command::new("c++").arg("--version"));
    (!has_compiler).then_some(
        "no C++ compiler, which libFuzzer is built with; get it with: sudo apt-get install --yes g++",
    )
}

/// Builds the targets and runs those of the names given, each for that long.
///
/// # Errors
///
/// When they cannot be built, or an input makes one fail: names it, and the file with the input.
pub(crate) fn run(cargo: &Cargo, names: &[&str], time: Duration) -> anyhow::Result<()> {
    let binaries = build(cargo)?;
    let left = Mutex::new(names.iter());
    let worker = || -> anyhow::Result<()> {
        loop {
            let next = left
                .lock()
                .map_err(|_| anyhow!("a worker panicked"))?
                .next();
            let Some(name) = next else { return Ok(()) };
            say(&one(&binaries, name, time)?)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })
}

/// Takes what was found by those targets and reaches something new into the corpus that is committed.
///
/// # Errors
///
/// When the targets cannot be built or run.
pub(crate) fn keep(cargo: &Cargo, names: &[&str]) -> anyhow::Result<()> {
    let binaries = build(cargo)?;
    for name in names {
        let mut merge = Command::new(binaries.join(name));
        merge.args(["-merge=1", LONGEST_INPUT]);
        merge.args([committed(name), found(name)]);
        logged(&mut merge, name)?;
        let count = fs::read_dir(committed(name))?.count();
        say(&format!(
            "{name}: {count} inputs in {}",
            committed(name).display()
        ))?;
    }
    Ok(())
}

/// Returns the folder of the programs.
fn build(cargo: &Cargo) -> anyhow::Result<PathBuf> {
    if let Some(lack) = lack() {
        bail!("{lack}");
    }
    let told = cargo.output(&["--version", "--verbose"])?;
    let host = told
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("cargo does not say what machine this is")?;
    // With a target named, build scripts and macros are built without the pass.
    let arguments = [
        "build",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--locked",
        "--profile",
        "fuzz",
        "--target",
        host,
        "--target-dir",
        "target/fuzz",
    ];
    let mut build = cargo.command(&arguments);
    build
        .env("RUSTFLAGS", COVERAGE)
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let status = build.status().context("cargo could not be started")?;
    ensure!(
        status.success(),
        "the fuzz targets were not built: cargo ended with {status}"
    );
    Ok(folder().join(host).join("fuzz"))
}

/// Runs one target and returns what it came to.
fn one(binaries: &Path, name: &str, time: Duration) -> anyhow::Result<String> {
    let (corpus, faults) = (found(name), folder().join("faults"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&faults)?;
    let mut fuzzer = Command::new(binaries.join(name));
    fuzzer.arg(format!("-max_total_time={}", time.as_secs().max(1)));
    fuzzer.arg(format!("-artifact_prefix={}/{name}-", faults.display()));
    fuzzer.args(["-max_len=4096", "-rss_limit_mb=2048", LONGEST_INPUT]);
    fuzzer.args([corpus, committed(name)]);
    let log = logged(&mut fuzzer, name)?;
    let runs = runs(&log).with_context(|| format!("{name} does not say what it ran"))?;
    Ok(format!("{name}: {runs}"))
}

/// Runs a fuzzer and returns what it said, which is kept beside its corpus.
fn logged(fuzzer: &mut Command, name: &str) -> anyhow::Result<String> {
    let path = folder().join(format!("{name}.log"));
    let status = fuzzer
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&path)?)
        .status()
        .with_context(|| format!("the fuzz target {name} could not be started"))?;
    let log = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    ensure!(
        status.success(),
        "{name} ended with {status}; {}see {}",
        fault(&log).map_or_else(String::new, |file| format!("the input is {file}; ")),
        path.display()
    );
    Ok(log)
}

/// Returns the line with the number of inputs that were tried.
fn runs(log: &str) -> Option<&str> {
    log.lines().find_map(|line| line.strip_prefix("Done "))
}

/// Returns the file with the input that failed.
fn fault(log: &str) -> Option<&str> {
    log.lines()
        .find_map(|line| line.split_once("Test unit written to "))
        .map(|(_, file)| file)
}

fn folder() -> PathBuf {
    root().join("target/fuzz")
}

fn found(name: &str) -> PathBuf {
    folder().join("corpus").join(name)
}

fn committed(name: &str) -> PathBuf {
    root().join("fuzz/corpus").join(name)
}

/// Reads a time such as `60s`, `10m` or `8h`.
///
/// # Errors
///
/// When it is none.
pub(crate) fn time(text: &str) -> anyhow::Result<Duration> {
    let wrong = || format!("{text:?} is no time: a number and `s`, `m` or `h`");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .with_context(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => bail!("{}", wrong()),
    };
    let number: u32 = number.parse().with_context(wrong)?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_target_has_a_file_an_entry_and_a_corpus() {
        let names = |folder: &str| -> BTreeSet<String> {
            fs::read_dir(root().join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
                .collect()
        };
        let expected = TARGETS.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(names("fuzz/targets"), expected);
        assert_eq!(names("fuzz/corpus"), expected);
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for name in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        }
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(time("60s").unwrap(), Duration::from_mins(1));
        assert_eq!(time("8h").unwrap(), Duration::from_hours(8));
        for wrong in ["", "s", "10", "1.5m", "ä"] {
            let error = time(wrong).unwrap_err().to_string();
            assert!(error.contains("is no time"), "{error}");
        }
    }

    #[test]
    fn a_log_says_how_much_was_tried_and_where_a_fault_lies() {
        let log = "#2 INITED\nDone 2217333 runs in 11 second(s)\n";
        assert_eq!(runs(log), Some("2217333 runs in 11 second(s)"));
        let log = "artifact_prefix='f/'; Test unit written to f/json-crash-1\nBase64: eA==\n";
        assert_eq!(fault(log), Some("f/json-crash-1"));
        assert_eq!((runs("x"), fault("x")), (None, None));
    }
}
