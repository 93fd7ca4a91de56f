//! Says of files of rules whether they can be used: `healing-proxy check`.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::Result;
use healing_core::classify::{Rules, RulesError};

use crate::cli::CheckArgs;

/// The longest file of rules that is read.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Why a file of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("cannot be read")]
    Unread(#[from] io::Error),
    #[error("longer than {} KiB", LONGEST_FILE / 1024)]
    TooLong,
    #[error(transparent)]
    Mistaken(#[from] RulesError),
}

/// Checks files one after the other, and fails if there is a mistake in any.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let mut out = stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for file in &args.files {
        let read = read(file);
        if read.is_err() {
            code = ExitCode::FAILURE;
        }
        match say(&mut out, file, &read) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(code),
            said => said?,
        }
    }
    Ok(code)
}

/// Reads a file of rules.
pub(crate) fn read(file: &Path) -> Result<Rules, Unusable> {
    let mut text = String::new();
    // One byte more, to tell the longest file from one that is longer.
    let mut bounded = File::open(file)?.take(LONGEST_FILE + 1);
    bounded.read_to_string(&mut text)?;
    if bounded.limit() == 0 {
        return Err(Unusable::TooLong);
    }
    Ok(Rules::parse(&text)?)
}

fn say(out: &mut dyn Write, file: &Path, read: &Result<Rules, Unusable>) -> io::Result<()> {
    let name = file.display();
    match read {
        Ok(rules) => {
            let (source, count) = (rules.source(), rules.rule_count());
            let s = if count == 1 { "" } else { "s" };
            writeln!(out, "{name}: fine: {source}, {count} rule{s}")
        }
        Err(Unusable::Mistaken(error)) => error.mistakes().iter().try_for_each(|mistake| {
            let places = [mistake.place.line, mistake.place.column].into_iter();
            let known = places.filter(|n| *n > 0);
            let place: String = known.map(|n| format!(":{n}")).collect();
            writeln!(out, "{name}{place}: {}", mistake.message)
        }),
        Err(Unusable::Unread(error)) => writeln!(out, "{name}: cannot be read: {error}"),
        Err(error @ Unusable::TooLong) => writeln!(out, "{name}: {error}"),
    }
}
