//! The command `run`.

use std::{
    io::{Write, stdout},
    process::ExitCode,
    thread::available_parallelism,
};

use anyhow::{Context, Result};
use healing_core::Expose;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    app::{App, Plan, reach},
    banner::Banner,
    cli::{ExposeArg, RunArgs},
    logging,
    upstream::Origin,
};

/// Runs the proxy until it is told to stop.
///
/// # Errors
/// When it cannot start, or a part of it failed.
pub(crate) fn run(args: RunArgs) -> Result<ExitCode> {
    let given = args
        .upstream
        .context("--upstream is missing; give the API's URL, such as http://127.0.0.1:5002")?;
    let origin: Origin = match given.parse() {
        Ok(origin) => origin,
        Err(error) => {
            logging::say_error(&anyhow::Error::new(error).context("--upstream"));
            return Ok(ExitCode::from(2));
        }
    };
    let cores = available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        origin: origin.clone(),
        listen: args.listen,
        admin: args.admin.0,
        state: args.state,
        workers: args.workers.map_or(cores, usize::from),
        name: args.name,
        expose: args.expose.map(|expose| match expose {
            ExposeArg::None => Expose::None,
            ExposeArg::Errors => Expose::Errors,
            ExposeArg::Full => Expose::Full,
        }),
        tap: None,
    };
    control_plane()?.block_on(async {
        let app = App::start(plan).await?;
        let reached = reach(&origin).await;
        let state = app.database.as_ref().map(|file| file.display().to_string());
        let banner =
            Banner { proxy: app.proxy, admin: app.admin, origin: &origin, reached, state: state.as_deref() };
        writeln!(stdout(), "{banner}").context("stdout is closed")?;
        if reached.is_none() {
            tracing::warn!(upstream = %origin, "the upstream is not reachable yet; is it running, and on that port?");
        }
        told_to_stop().await?;
        tracing::info!("stopping: requests under way may end");
        app.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
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
