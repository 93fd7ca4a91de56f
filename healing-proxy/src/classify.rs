//! Says of recorded exchanges what is wrong with each: `healing-proxy classify`.
//!
//! The input is lines of JSON or a HAR file, told apart by what stands in it. Results come in the order of the input and as
//! soon as they are known. An exchange that cannot be read is named on stderr, and the others are still judged.

mod entry;
mod har;
mod lines;
mod row;
mod table;

use std::{
    fs::File,
    io::{
        self, BufRead, BufReader, Cursor, ErrorKind, IsTerminal, Read, Write, stderr, stdin, stdout,
    },
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result};
use healing_core::classify::{Sources, judge};
use serde_json::Value;

use crate::{
    check,
    classify::{
        entry::{Entry, Flaw},
        lines::Lines,
        row::Columns,
        table::Table,
    },
    cli::ClassifyArgs,
};

/// The most that is read at first to tell the two forms apart.
const GLANCE: u64 = 4096;

/// Judges exchanges and says what it found.
struct Report<'a> {
    sources: &'a Sources,
    out: &'a mut dyn Write,
    /// For people; else for programs.
    people: Option<(Columns, Table)>,
    flaws: u64,
}

/// Judges what a file or stdin holds.
///
/// # Errors
/// When a file of rules or the input cannot be read.
pub(crate) fn classify(args: &ClassifyArgs) -> Result<ExitCode> {
    let sources = sources(args)?;
    let for_people = args.form.explain || (!args.form.json && stdout().is_terminal());
    let mut report = Report {
        sources: &sources,
        out: &mut stdout().lock(),
        people: for_people.then(|| (Columns::new(), Table::default())),
        flaws: 0,
    };
    let file = args.file.as_deref().filter(|file| *file != Path::new("-"));
    let ended = open(file)
        .map_err(anyhow::Error::from)
        .and_then(|input| report.read(input))
        .and_then(|()| report.end());
    match ended {
        Err(error) if !is_closed(&error) => Err(error.context(named(file))),
        Ok(()) if report.flaws > 0 => Ok(ExitCode::FAILURE),
        // Or nobody reads any more.
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}

fn sources(args: &ClassifyArgs) -> Result<Sources> {
    let first = if args.no_rules {
        Sources::none()
    } else {
        Sources::built_in()
    };
    args.rules.iter().try_fold(first, |sources, file| {
        let rules = check::rules(file).with_context(|| named(Some(file)))?;
        Ok(sources.with(rules))
    })
}

fn open(file: Option<&Path>) -> io::Result<Box<dyn BufRead>> {
    Ok(match file {
        Some(file) => Box::new(BufReader::new(File::open(file)?)),
        None => Box::new(stdin().lock()),
    })
}

fn named(file: Option<&Path>) -> String {
    file.map_or_else(|| "stdin".to_owned(), |file| file.display().to_string())
}

fn is_closed(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

// === impl Report ===

impl Report<'_> {
    fn read(&mut self, mut input: impl BufRead) -> Result<()> {
        let head = glance(&mut input)?;
        let is_har = starts_as_har(&head);
        let whole = Cursor::new(head).chain(input);
        if is_har {
            return har::read(whole, &mut |number, entry| {
                self.take("entry", number, entry)
            });
        }
        let mut lines = Lines::of(whole);
        while let Some((number, entry)) = lines.next()? {
            self.take("line", number, entry)?;
        }
        Ok(())
    }

    /// Says what an exchange is, or why it cannot be read.
    fn take(&mut self, unit: &str, number: u64, entry: Result<Entry, Flaw>) -> Result<()> {
        match entry {
            Ok(entry) => Ok(self.judge(&entry)?),
            Err(flaw) => {
                self.flaws += 1;
                let error = Value::from(flaw.to_string());
                // Nobody is left to tell when stderr is gone.
                let _gone = writeln!(stderr(), r#"{{"{unit}":{number},"error":{error}}}"#);
                Ok(())
            }
        }
    }

    fn judge(&mut self, entry: &Entry) -> io::Result<()> {
        let verdict = judge(&entry.exchange, self.sources);
        let Some((columns, table)) = &mut self.people else {
            return row::write(self.out, entry, &verdict);
        };
        table.count(entry, &verdict);
        columns.write(self.out, entry, &verdict)
    }

    fn end(&mut self) -> Result<()> {
        if let Some((_, table)) = &self.people {
            table.write(self.out)?;
        }
        Ok(self.out.flush()?)
    }
}

/// Reads the first line that is not blank, or the start of it, without the mark of UTF-8.
fn glance(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut bounded = input.take(GLANCE);
    while bounded.read_until(b'\n', &mut head)? > 0 && head.trim_ascii().is_empty() {}
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    Ok(head)
}

/// Whether it is a whole document over several lines, or an object whose first key is `log`.
fn starts_as_har(head: &[u8]) -> bool {
    let first_key = head.trim_ascii().strip_prefix(b"{").map(<[u8]>::trim_ascii);
    first_key.is_some_and(|key| key.is_empty() || is_log(key))
}

fn is_log(key: &[u8]) -> bool {
    let rest = key.strip_prefix(b"\"log\"").map(<[u8]>::trim_ascii);
    rest.is_some_and(|rest| rest.starts_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_har_is_known_by_its_first_key_or_by_standing_over_several_lines() {
        for har in [
            "{\"log\":{\"version\"",
            "\n\n  {\n",
            "{ \"log\" : {\n",
            "\u{feff}{\n",
        ] {
            let head = glance(&mut har.as_bytes()).unwrap();
            assert!(starts_as_har(&head), "{har:?}");
        }
        for lines in [
            "{\"id\": 1}\n",
            "{\"logs\": 1}\n",
            "",
            "[1]",
            "{}",
            "{\"id\": \"log\"}",
        ] {
            let head = glance(&mut lines.as_bytes()).unwrap();
            assert!(!starts_as_har(&head), "{lines:?}");
        }
    }

    #[test]
    fn a_glance_takes_no_more_than_the_first_line() {
        let mut input = &b"\n{\"a\": 1}\n{\"b\": 2}\n"[..];
        assert_eq!(glance(&mut input).unwrap(), b"\n{\"a\": 1}\n");
        assert_eq!(input, b"{\"b\": 2}\n");
    }
}
