//! Takes a changed configuration while requests go on: the whole file is checked, then what it sets is swapped at once. One
//! with a mistake changes nothing, and the log and the status say so.

mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Result;
use healing_core::{Compared, Healer, StrategyId, compare::Gain};
use notify::RecommendedWatcher;
use serde_json::{Value, json};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    task::spawn_blocking,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    agents::Board,
    config::{Change, Meant, Ways},
    places::Places,
    probes::Probes,
};

/// Editors write a file in several steps; after the first of them there is this much time for the others.
const SETTLE: Duration = Duration::from_millis(300);

/// Routes that are told of whose strategies stand in another order; the others are counted.
const ORDERS_TOLD: usize = 8;

/// Follows the configuration of a running proxy.
#[derive(Debug)]
pub(crate) struct Reload {
    ways: Arc<Ways>,
    file: PathBuf,
    healer: Healer,
    board: Board,
    probes: Arc<Probes>,
    /// What holds.
    held: Meant,
    /// Where requests go until the next start.
    places: Places,
    /// The text that was read last, whether it was taken or not.
    text: String,
    hangup: Signal,
    changed: Arc<Notify>,
    /// Held for as long as this runs: it watches until it is dropped.
    _watcher: Option<RecommendedWatcher>,
}

/// Why a configuration was not taken.
enum Refused {
    /// Each mistake with its line.
    Mistaken(Vec<String>),
    /// The text is the one that was read last.
    Unchanged,
}

// === impl Reload ===

impl Reload {
    /// Follows the file of a configuration that was read and holds.
    ///
    /// # Errors
    /// When no signal can be waited for.
    pub(crate) fn new(
        (ways, file): (Ways, PathBuf),
        (held, text): (Meant, String),
        (healer, board, probes): (Healer, Board, Arc<Probes>),
    ) -> Result<Self> {
        let changed = Arc::new(Notify::new());
        let watcher = watch::watch(&file, &changed).inspect_err(|error| {
            tracing::warn!(file = %file.display(), %error, "the configuration is not watched; send SIGHUP when it has changed");
        });
        // It may have changed since it was read and before it was watched.
        changed.notify_one();
        let reload = Self {
            ways: Arc::new(ways),
            file,
            healer,
            board,
            probes,
            places: held.places(),
            held,
            text,
            hangup: signal(SignalKind::hangup())?,
            changed,
            _watcher: watcher.ok(),
        };
        reload.tell("in force", &[]);
        Ok(reload)
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let changed = Arc::clone(&self.changed);
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.hangup.recv() => self.again(true).await,
                () = changed.notified() => {
                    sleep(SETTLE).await;
                    self.again(false).await;
                }
            }
        }
    }

    /// Reads the file again, and takes it where it is good.
    async fn again(&mut self, is_asked: bool) {
        let file = self.file.display().to_string();
        match self.take(is_asked).await {
            Ok(change) => {
                tracing::info!(file, %change, "the configuration was reloaded");
                self.tell("in force", &[]);
            }
            Err(Refused::Unchanged) => {}
            Err(Refused::Mistaken(mistakes)) => {
                for mistake in &mistakes {
                    tracing::error!(file, "{mistake}");
                }
                tracing::error!(
                    file,
                    mistakes = mistakes.len(),
                    "the configuration was not reloaded; the one from before holds"
                );
                self.tell("refused", &mistakes);
            }
        }
    }

    async fn take(&mut self, is_asked: bool) -> Result<Change, Refused> {
        let one = |error: &dyn std::fmt::Display| Refused::Mistaken(vec![error.to_string()]);
        let ways = Arc::clone(&self.ways);
        let read = spawn_blocking(move || ways.text()).await;
        let text = read
            .map_err(|error| one(&error))?
            .map_err(|error| one(&error))?;
        if !is_asked && text == self.text {
            return Err(Refused::Unchanged);
        }
        self.text.clone_from(&text);
        let ways = Arc::clone(&self.ways);
        let read = spawn_blocking(move || ways.read_text(text)).await;
        let mut reading = read.map_err(|error| one(&error))?.reading;
        reading.must_lead_somewhere();
        let meant = reading.meant.filter(|_| reading.mistakes.is_empty());
        let Some(meant) = meant else {
            let mistakes = reading.mistakes.iter().map(ToString::to_string);
            return Err(Refused::Mistaken(mistakes.collect()));
        };
        let settings = meant.settings(&self.places);
        // Told of what has been until now, and before it changes.
        let compared = self.healer.compare(&settings);
        self.healer
            .configure(&settings)
            .map_err(|error| one(&error))?;
        tell_orders(&compared);
        self.probes.set(meant.probes(&self.places));
        let change = Change::between(&self.held, &meant);
        self.held = meant;
        Ok(change)
    }

    /// Puts on the board how the file fared.
    fn tell(&self, state: &str, mistakes: &[String]) {
        let file = self
            .ways
            .file
            .as_ref()
            .map(|file| file.display().to_string());
        let told: Value = json!({
            "file": file,
            "state": state,
            "as_of": self.board.now().to_string(),
            "mistakes": mistakes,
        });
        self.board.set_configuration(told);
    }
}

/// Says what the new order of strategies is likely to come to, of each route where it differs. Nobody's decision but the
/// file's: it holds.
fn tell_orders(all: &[Compared]) {
    let names = |order: &[StrategyId]| {
        let names: Vec<&str> = order.iter().map(|id| id.as_str()).collect();
        names.join(", ")
    };
    for compared in all.iter().take(ORDERS_TOLD) {
        let estimate = &compared.estimate;
        let gain = estimate.gain.map_or_else(
            || "no figure".to_owned(),
            |gain| {
                let Gain { mean, lower, upper } = gain;
                format!("{mean:.3} a healed request, between {lower:.3} and {upper:.3}")
            },
        );
        tracing::info!(
            source = compared.route.source().as_str(),
            route = compared.route.template(),
            before = names(&compared.held),
            now = names(&compared.changed),
            verdict = estimate.verdict.as_str(),
            gain,
            episodes = estimate.episodes,
            effective = estimate.effective,
            "strategies stand in another order"
        );
    }
    if let Some(more @ 1..) = all.len().checked_sub(ORDERS_TOLD) {
        tracing::info!(
            more,
            "further routes whose strategies stand in another order"
        );
    }
}
