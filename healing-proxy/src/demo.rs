//! The command `demo`: a market of simulated sources, an API in front of it, the proxy in front of that, and a page's worth
//! of requests. Faults come by a schedule that is printed, and everything that had to be healed is one line.

mod load;
mod schedule;
mod show;

use std::{
    io::{Write, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use healing_core::ErrorEvent;
use healing_lab::{Lab, LabSettings, Limits, SourceName};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Plan},
    cli::DemoArgs,
    config::{self, Given, Variables},
    demo::load::{Load, Seen},
    run::{control_plane, told_to_stop},
};

/// How often the sum is shown.
const SUM_EVERY: Duration = Duration::from_secs(10);

/// Lines that may wait to be shown.
const LINES: usize = 1_024;

/// Runs the demonstration. The exit code is 0 only if no answer that could have been given was lost.
///
/// # Errors
/// When a part of it cannot start.
pub(crate) fn demo(args: &DemoArgs) -> Result<ExitCode> {
    control_plane()?.block_on(async {
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        let settings = LabSettings {
            limits: Limits::Off,
            script: Some(schedule::script()),
            ..LabSettings::default()
        };
        let lab = Lab::start(settings).await?;
        let (tap, events) = mpsc::channel(LINES);
        let reading = config::load(&Given {
            file: None,
            variables: &Variables::default(),
            flags: &[],
        });
        let meant = reading.meant.context("the defaults are no configuration")?;
        let origin = lab.url(SourceName::Api).parse()?;
        let app = App::start(Plan {
            listen: args.listen,
            admin: args.admin.0,
            database: Some(folder.path().join("healing.db")),
            tap: Some(tap),
            ..Plan::new(&meant, Some(origin), 1)
        })
        .await?;
        say(&show::opening(&app, &lab, args.time))?;
        let seen = watch(&app, events, args.time).await?;
        let calls = lab.count(SourceName::Api);
        say(&show::end(&seen, calls))?;
        app.stop().await?;
        lab.stop().await;
        Ok(if seen.lost == 0 && seen.requests > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// Shows what happens until the time is over or somebody stops it.
async fn watch(app: &App, mut events: mpsc::Receiver<ErrorEvent>, time: Duration) -> Result<Seen> {
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let load = Load::start(app.proxy, &stop);
    let mut sums = interval(SUM_EVERY);
    sums.set_missed_tick_behavior(MissedTickBehavior::Skip);
    sums.tick().await;
    let stopped = told_to_stop();
    tokio::pin!(stopped);
    let mut told = schedule::telling(begun);
    loop {
        tokio::select! {
            Some(event) = events.recv() => say(&show::event(&event, begun.elapsed()))?,
            Some(line) = told.next() => say(&line)?,
            _ = sums.tick() => say(&show::sum(&load.seen(), begun.elapsed()))?,
            () = sleep_until(begun + time) => break,
            _ = &mut stopped => break,
        }
    }
    stop.cancel();
    Ok(load.end().await)
}

fn say(line: &str) -> Result<()> {
    writeln!(stdout(), "{line}").context("stdout is closed")
}
