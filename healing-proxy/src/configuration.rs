//! The command `config`: a file to begin with, the configuration as it holds, the schema for editors.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, IsTerminal, Write, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use crate::{
    check::{self, Strictness},
    cli::{ConfigCommand, ReportForm},
    config::{self, Read, Variables, Ways},
};

/// The file to begin with.
const STARTING: &str = include_str!("config/starting.yaml");

/// Does what is asked.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn configuration(command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Init { file } => init(file),
        ConfigCommand::Show { config, origins } => show(config.clone(), *origins),
        ConfigCommand::Schema => {
            let schema = serde_json::to_string_pretty(&config::schema())?;
            say(&format!("{schema}\n"))
        }
    }
}

/// Writes a file to begin with, never over one that is there.
fn init(file: &Path) -> Result<ExitCode> {
    let name = file.display();
    let mut new = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{name} is there already, and is left as it is; name another file")
        }
        opened => opened.with_context(|| format!("{name} cannot be written"))?,
    };
    new.write_all(STARTING.as_bytes())
        .with_context(|| format!("{name} cannot be written"))?;
    say(&format!(
        "{name} is written; edit it, then: healing-proxy run -c {name}\n"
    ))
}

fn show(file: Option<PathBuf>, origins: bool) -> Result<ExitCode> {
    let ways = Ways {
        file,
        variables: Variables::of_this_process(),
        flags: Vec::new(),
    };
    let Read {
        name,
        text,
        reading,
    } = ways.read().context("the configuration")?;
    match &reading.meant {
        Some(meant) if reading.mistakes.is_empty() => {
            say(&config::show(meant, &reading.texts, origins))
        }
        _ => {
            let report = check::of_config(&name, &text, &reading, Strictness::Start);
            let colours = stderr().is_terminal() && !ways.variables.holds("NO_COLOR");
            stderr().write_all(report.show(ReportForm::Text, colours).as_bytes())?;
            Ok(ExitCode::from(2))
        }
    }
}

fn say(text: &str) -> Result<ExitCode> {
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("stdout"),
        _ => Ok(ExitCode::SUCCESS),
    }
}
