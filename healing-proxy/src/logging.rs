//! What is said on stderr and in files, and what never is: the text of a panic, which may quote a request.

use std::{
    io::{IsTerminal, Write, stderr},
    path::Path,
};

use anyhow::{Context, Result, anyhow};
use tracing_appender::{
    non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::{
    cli::{LogFormat, TalkArgs},
    config::Log,
};

/// Files of the log that are kept, one a day.
const DAYS: usize = 14;

/// Lines that may wait for the disk; what comes beyond them is counted and not written.
const LINES: usize = 16_384;

/// The log in files, for as long as this is held.
#[derive(Debug)]
pub(crate) struct LogFiles {
    /// Lines that were not written because the disk was too slow.
    pub(crate) dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Sets up the log of a running proxy, in files too where a folder is named. What flags ask for wins over the configuration.
///
/// # Errors
/// When it was set up before, or nothing can be written in the folder.
pub(crate) fn start(talk: &TalkArgs, log: &Log) -> Result<Option<LogFiles>> {
    let format = match (talk.log_format, log.format.as_str()) {
        (LogFormat::Auto, "text") => LogFormat::Text,
        (LogFormat::Auto, "json") => LogFormat::Json,
        (asked, _) => asked,
    };
    let (lines, files) = log.directory.as_deref().map(files).transpose()?.unzip();
    begin(level(talk).unwrap_or(&log.level), format, lines)?;
    Ok(files)
}

/// Sets up the log of a command that has no configuration.
///
/// # Errors
/// When it was set up before.
pub(crate) fn plainly(talk: &TalkArgs) -> Result<()> {
    begin(level(talk).unwrap_or("info"), talk.log_format, None)
}

/// The level that flags ask for.
const fn level(talk: &TalkArgs) -> Option<&'static str> {
    match (talk.quiet, talk.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("debug"),
        (false, _) => Some("trace"),
    }
}

/// Sets up the log of the demonstration, whose own lines are the show.
///
/// # Errors
/// When it was set up before.
pub(crate) fn quiet_for_demo(talk: &TalkArgs) -> Result<()> {
    begin(
        if talk.verbose > 0 { "info" } else { "error" },
        talk.log_format,
        None,
    )
}

/// Says why the program ends, and the causes of it.
pub(crate) fn say_error(error: &anyhow::Error) {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Nobody is left to tell when stderr is gone.
    let _gone = writeln!(stderr(), "error: {}", causes.join(": "));
}

/// A file a day in that folder, written by a thread of its own.
fn files(folder: &Path) -> Result<(NonBlocking, LogFiles)> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("healing-proxy")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(folder)
        .with_context(|| {
            format!(
                "log.directory: nothing can be written in {}; name a folder that is this program's own",
                folder.display()
            )
        })?;
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES)
        .lossy(true)
        .finish(file);
    let dropped = lines.error_counter();
    let files = LogFiles {
        dropped,
        _writer: writer,
    };
    Ok((lines, files))
}

fn begin(ours: &str, format: LogFormat, files: Option<NonBlocking>) -> Result<()> {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(
            place,
            "a bug: something panicked; its message is not shown because it may quote a request"
        );
    }));
    let filter = EnvFilter::try_new(format!("error,healing_proxy={ours},healing_core={ours}"))?;
    let text = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(stderr).with_target(false);
    let said = if text {
        lines.with_ansi(stderr().is_terminal()).compact().boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    let written = files.map(|files| {
        let lines = fmt::layer().with_writer(files).with_target(false);
        lines.json().flatten_event(true)
    });
    registry()
        .with(filter)
        .with(said)
        .with(written)
        .try_init()
        .map_err(|error| anyhow!("the log cannot be set up: {error}"))
}
