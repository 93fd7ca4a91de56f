//! What is said on stderr, and what never is: the text of a panic, which may quote a request.

use std::io::{IsTerminal, Write, stderr};

use anyhow::{Result, anyhow};
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use crate::{
    cli::{LogFormat, TalkArgs},
    config::Log,
};

/// Sets up the log of a running proxy. What flags ask for wins over the configuration.
///
/// # Errors
/// When it was set up before.
pub(crate) fn start(talk: &TalkArgs, log: &Log) -> Result<()> {
    let format = match (talk.log_format, log.format.as_str()) {
        (LogFormat::Auto, "text") => LogFormat::Text,
        (LogFormat::Auto, "json") => LogFormat::Json,
        (asked, _) => asked,
    };
    begin(level(talk).unwrap_or(&log.level), format)
}

/// Sets up the log of a command that has no configuration.
///
/// # Errors
/// When it was set up before.
pub(crate) fn plainly(talk: &TalkArgs) -> Result<()> {
    begin(level(talk).unwrap_or("info"), talk.log_format)
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
    )
}

/// Says why the program ends, and the causes of it.
pub(crate) fn say_error(error: &anyhow::Error) {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Nobody is left to tell when stderr is gone.
    let _gone = writeln!(stderr(), "error: {}", causes.join(": "));
}

fn begin(ours: &str, format: LogFormat) -> Result<()> {
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
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_span_events(FmtSpan::NONE);
    let text = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let begun = if text {
        log.with_ansi(stderr().is_terminal())
            .with_target(false)
            .compact()
            .try_init()
    } else {
        log.json().flatten_event(true).with_target(false).try_init()
    };
    begun.map_err(|error| anyhow!("the log cannot be set up: {error}"))
}
