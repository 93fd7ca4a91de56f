//! What is said on stderr, and what never is: the text of a panic, which may quote a request.

use std::io::{IsTerminal, Write, stderr};

use anyhow::{Result, anyhow};
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use crate::cli::{LogFormat, TalkArgs};

/// Sets up the log.
///
/// # Errors
/// When it was set up before.
pub(crate) fn start(talk: &TalkArgs) -> Result<()> {
    let ours = match (talk.quiet, talk.verbose) {
        (true, _) => "error",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    begin(ours, talk.log_format)
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
