//! The command `run`.

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    path::Path,
    process::ExitCode,
    thread::available_parallelism,
};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    app::{App, Plan},
    banner::{Banner, Reached, Served},
    check::{self, Strictness},
    cli::{ReportForm, RunArgs, TalkArgs},
    config::{Flag, Meant, Read, Variables, Ways},
    logging::{self, LogFiles},
    reload::Reload,
    upstream::Origin,
};

/// The exit code of a bad flag or a bad configuration.
const MISTAKEN: u8 = 2;

/// What there is to begin with.
struct Begin {
    ways: Ways,
    meant: Meant,
    text: String,
    /// The API, where there is one.
    origin: Option<Origin>,
    log: Option<LogFiles>,
}

/// Runs the proxy until it is told to stop.
///
/// # Errors
/// When it cannot start, or a part of it failed.
pub(crate) fn run(args: &RunArgs, talk: &TalkArgs) -> Result<ExitCode> {
    let ways = Ways {
        file: args.config.clone(),
        variables: Variables::of_this_process(),
        flags: flags(args),
    };
    let Some(begin) = begin(ways, talk)? else {
        return Ok(ExitCode::from(MISTAKEN));
    };
    let cores = available_parallelism().map_or(1, usize::from);
    let workers = args.workers.map_or(cores, usize::from);
    let plan = Plan {
        http_cache: args.http_cache,
        log_dropped: begin.log.as_ref().map(|log| log.dropped.clone()),
        ..Plan::new(&begin.meant, begin.origin.clone(), workers)
    };
    control_plane()?.block_on(serve(begin, plan))
}

/// Reads the configuration and begins the log. Nothing where there is a mistake, which was said.
fn begin(ways: Ways, talk: &TalkArgs) -> Result<Option<Begin>> {
    let Read {
        name,
        text,
        mut reading,
    } = match ways.read() {
        Ok(read) => read,
        Err(error) => {
            let file = ways
                .file
                .as_deref()
                .unwrap_or_else(|| Path::new("-"))
                .display();
            logging::say_error(&anyhow::anyhow!("{file}: {error}"));
            return Ok(None);
        }
    };
    let meant = reading.meant.as_ref();
    if reading.mistakes.is_empty() && meant.is_some_and(|meant| meant.config.asks_nobody()) {
        logging::say_error(&anyhow::anyhow!(
            "there is no upstream; give --upstream <URL> such as http://127.0.0.1:5002, or name it in a file: -c FILE"
        ));
        return Ok(None);
    }
    reading.must_lead_somewhere();
    if !reading.mistakes.is_empty() {
        let colours = stderr().is_terminal() && !ways.variables.holds("NO_COLOR");
        let report = check::of_config(&name, &text, &reading, Strictness::Start);
        let said = report.show(ReportForm::Text, colours);
        stderr()
            .write_all(said.as_bytes())
            .context("stderr is closed")?;
        return Ok(None);
    }
    let Some(meant) = reading.meant else {
        return Ok(None);
    };
    let origin = meant.config.upstream.clone();
    let log = logging::start(talk, &meant.config.log)?;
    for note in reading.unfilled.iter().chain(&reading.notes) {
        tracing::warn!(file = name, "{note}");
    }
    Ok(Some(Begin {
        ways,
        meant,
        text,
        origin,
        log,
    }))
}

async fn serve(begin: Begin, plan: Plan) -> Result<ExitCode> {
    let Begin {
        ways,
        meant,
        text,
        origin,
        log,
    } = begin;
    let places = plan.places.clone();
    let mut app = App::start(plan).await?;
    let file = ways.file.clone().filter(|file| file != Path::new("-"));
    if let Some(file) = file {
        app.follow(|parts| Reload::new((ways, file), (meant, text), parts))?;
    }
    let api = async {
        match &origin {
            Some(origin) => Some(Reached::by(origin).await),
            None => None,
        }
    };
    let (api, sources) = tokio::join!(api, Served::all(&places));
    let state = app.database.as_ref().map(|file| file.display().to_string());
    let banner = Banner {
        proxy: app.proxy,
        admin: app.admin,
        api,
        sources,
        state: state.as_deref(),
    };
    writeln!(stdout(), "{banner}").context("stdout is closed")?;
    for origin in banner.unreached() {
        tracing::warn!(upstream = %origin, "the upstream is not reachable yet; is it running, and on that port?");
    }
    told_to_stop().await?;
    tracing::info!("stopping: requests under way may end");
    app.stop().await?;
    drop(log);
    Ok(ExitCode::SUCCESS)
}

/// What the flags say over the environment and the file.
pub(crate) fn flags(args: &RunArgs) -> Vec<Flag> {
    let state = args.state.as_ref();
    let state = state.map(|folder| format!("sqlite:{}", folder.join("healing.db").display()));
    let given: [(&'static str, &'static [&'static str], Option<String>); 6] = [
        ("--upstream", &["upstream"], args.upstream.clone()),
        ("--listen", &["listen"], args.listen.clone()),
        ("--admin", &["admin", "listen"], args.admin.clone()),
        ("--state", &["store", "url"], state),
        ("--name", &["identity", "name"], args.name.clone()),
        (
            "--expose",
            &["identity", "expose"],
            args.expose.map(|expose| expose.word().to_owned()),
        ),
    ];
    let given = given.into_iter();
    let flags = given.filter_map(|(name, path, value)| {
        Some(Flag {
            name,
            path,
            value: value?,
        })
    });
    flags.collect()
}

/// The runtime of everything that is not a request.
pub(crate) fn control_plane() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .context("the control plane's threads cannot be started")
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
