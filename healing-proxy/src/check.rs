//! Says of files whether they can be used: a configuration, or rules of a source. `healing-proxy check`.

use std::{
    io::{ErrorKind, IsTerminal, Write, stdout},
    path::Path,
    process::ExitCode,
};

use anyhow::Result;
use healing_core::{
    classify::{Calendars, Rules},
    written::{self, Mistake, Mistakes, Node},
};

use crate::{
    cli::{CheckArgs, ReportForm},
    config::{self, Given, Reading, Variables, Whence},
    report::{Finding, Report, Weight},
    written_file::{self, Unread},
};

/// The exit code of mistakes, as of a bad flag.
const MISTAKEN: u8 = 2;

/// How much is a mistake.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Strictness {
    /// What a proxy cannot start with.
    Start,
    /// And what was never filled in.
    Check,
    /// And all that is only noted.
    Strict,
}

/// The keys that only a file of rules begins with.
const RULES_FILE: &str = "source";

/// Checks files one after the other, and fails if there is a mistake in any.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode> {
    let variables = Variables::of_this_process();
    let strictness = if args.strict {
        Strictness::Strict
    } else {
        Strictness::Check
    };
    let mut out = stdout().lock();
    let colours =
        args.format == ReportForm::Text && out.is_terminal() && !variables.holds("NO_COLOR");
    let mut code = 0;
    let configs = args.config.iter().map(|file| (file, true));
    for (file, is_config) in configs.chain(args.files.iter().map(|file| (file, false))) {
        let name = file.display().to_string();
        let said = match written_file::read(file) {
            Ok(text) => {
                let report = report(&name, &text, (is_config, &variables), strictness);
                code = code.max(if report.is_fine() { 0 } else { MISTAKEN });
                report.show(args.format, colours)
            }
            Err(error) => {
                code = code.max(1);
                unread(&name, &error).show(args.format, colours)
            }
        };
        match out.write_all(said.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            written => written?,
        }
    }
    Ok(ExitCode::from(code))
}

/// What is said of a configuration that was read.
pub(crate) fn of_config<'a>(
    name: &'a str,
    text: &'a str,
    reading: &Reading,
    strictness: Strictness,
) -> Report<'a> {
    let weight = |from| {
        if strictness >= from {
            Weight::Mistake
        } else {
            Weight::Note
        }
    };
    let all = [
        (Strictness::Start, &reading.mistakes),
        (Strictness::Check, &reading.unfilled),
        (Strictness::Strict, &reading.notes),
    ];
    let all = all
        .iter()
        .flat_map(|(from, said)| said.iter().map(|mistake| (weight(*from), mistake)));
    let findings = all.map(|(weight, mistake)| finding(weight, mistake, reading));
    let fine = reading.meant.as_ref().map_or_else(String::new, |meant| {
        let (routes, sources) = (meant.config.routes.len(), meant.config.sources.len());
        let served = match &*meant.served() {
            paths if meant.config.upstream.is_none() && meant.leads_nowhere().is_empty() => {
                format!("; no upstream is needed, served are {}", paths.join(", "))
            }
            _ => String::new(),
        };
        format!(
            "{}, {}{served}",
            counted(routes, "route"),
            counted(sources, "source")
        )
    });
    Report {
        file: name,
        text,
        fine,
        findings: findings.collect(),
    }
}

fn report<'a>(
    name: &'a str,
    text: &'a str,
    (is_config, variables): (bool, &Variables),
    strictness: Strictness,
) -> Report<'a> {
    if !is_config && is_rules(text) {
        return of_rules(name, text);
    }
    let reading = config::load(&Given {
        file: Some((name, text)),
        variables,
        flags: &[],
    });
    of_config(name, text, &reading, strictness)
}

fn of_rules<'a>(name: &'a str, text: &'a str) -> Report<'a> {
    let calendars = Calendars::built_in();
    let (fine, findings) = match Rules::parse_with(text, &calendars) {
        Ok(rules) => (
            format!(
                "{}, {}",
                rules.source(),
                counted(rules.rule_count(), "rule")
            ),
            Vec::new(),
        ),
        Err(error) => {
            let mistakes = error.mistakes().iter().cloned();
            let of = |mistake| Finding {
                weight: Weight::Mistake,
                elsewhere: None,
                mistake,
            };
            (String::new(), mistakes.map(of).collect())
        }
    };
    Report {
        file: name,
        text,
        fine,
        findings,
    }
}

/// Whether a text is a file of rules rather than a configuration.
fn is_rules(text: &str) -> bool {
    let file = written::read(text, &mut Mistakes::default());
    let names = file
        .iter()
        .flat_map(Node::entries)
        .map(|(key, _)| key.name.as_str());
    names.into_iter().any(|name| name == RULES_FILE)
}

fn unread<'a>(name: &'a str, error: &Unread) -> Report<'a> {
    let mistake = Mistake {
        place: written::Place::default(),
        message: error.to_string(),
    };
    let finding = Finding {
        weight: Weight::Mistake,
        elsewhere: None,
        mistake,
    };
    Report {
        file: name,
        text: "",
        fine: String::new(),
        findings: vec![finding],
    }
}

fn finding(weight: Weight, mistake: &Mistake, reading: &Reading) -> Finding {
    let elsewhere = match reading.texts.whence(mistake.place) {
        Some(Whence::Variable(name)) => Some(name.clone()),
        Some(Whence::Flag(name)) => Some((*name).to_owned()),
        Some(Whence::File(_)) | None => None,
    };
    Finding {
        weight,
        elsewhere,
        mistake: mistake.clone(),
    }
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// Reads a file of rules.
///
/// # Errors
/// When it cannot be read, or has a mistake.
pub(crate) fn rules(file: &Path) -> Result<Rules> {
    Ok(written_file::read(file)?.parse()?)
}
