//! The agents of the control plane: the watcher, which turns what happened into what people see, the monitor, which probes quiet
//! routes, and those who keep shapes of routes, copies and what was learned over restarts.
//!
//! They run beside the request path and never stand in its way: with the watcher dead the proxy still proxies and heals, and the
//! dashboard says since when it has heard nothing.

mod board;
pub(crate) mod copies;
pub(crate) mod lessons;
pub(crate) mod monitor;
pub(crate) mod shapes;

use std::{fmt, sync::Arc, time::Duration};

use healing_core::{Clock, ErrorEvent, Incidents, Snapshot, Store};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use board::{Board, Seen};

/// How often the sources are looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How often the health of endpoints goes to the store.
const SAVE: Duration = Duration::from_secs(10);
/// How long the last save may take while the program stops.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// What the watcher is made of.
pub(crate) struct WatcherParts {
    pub(crate) clock: Clock,
    /// How all sources are doing now.
    pub(crate) snapshots: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    /// Whatever else is counted, as a JSON object for `/api/v1/status`.
    pub(crate) counters: Arc<dyn Fn() -> Value + Send + Sync>,
    /// The error events, as they happen. The sender never waits: what does not fit it drops and counts.
    pub(crate) events: mpsc::Receiver<ErrorEvent>,
    /// Where the health of endpoints is kept.
    pub(crate) store: Option<Arc<dyn Store>>,
}

/// Looks at all sources once a second, finds incidents and puts both on the [`Board`].
pub(crate) struct Watcher {
    snapshots: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    events: mpsc::Receiver<ErrorEvent>,
    store: Option<Arc<dyn Store>>,
    incidents: Incidents,
    board: Board,
    saving: JoinSet<()>,
    saved: Instant,
}

// === impl Watcher ===

impl Watcher {
    /// A watcher and the board that it writes on, which shows the sources as they are now.
    pub(crate) fn new(parts: WatcherParts) -> (Self, Board) {
        let WatcherParts {
            clock,
            snapshots,
            counters,
            events,
            store,
        } = parts;
        let board = Board::new(clock, counters, snapshots());
        let watcher = Self {
            snapshots,
            events,
            store,
            incidents: Incidents::new(Uuid::now_v7().as_u64_pair().1),
            board: board.clone(),
            saving: JoinSet::new(),
            saved: Instant::now(),
        };
        (watcher, board)
    }

    /// Works until it is told to stop, then takes what is still in the channel and saves once more.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut more = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = beat.tick() => self.beat(),
                event = self.events.recv(), if more => match event {
                    Some(event) => self.take(&event),
                    None => more = false,
                },
            }
        }
        while let Ok(event) = self.events.try_recv() {
            self.take(&event);
        }
        self.beat();
        self.save_at_last().await;
    }

    fn take(&mut self, event: &ErrorEvent) {
        let change = self.incidents.event(event);
        self.board.event(event);
        if let Some(change) = change {
            self.board.alert(change);
        }
    }

    /// One look at all sources. Alerts go on the board before the snapshot that shows them.
    fn beat(&mut self) {
        let snapshot = (self.snapshots)();
        for change in self.incidents.snapshot(&snapshot) {
            self.board.alert(change);
        }
        self.board.unlisted(self.incidents.unlisted());
        self.board.publish(snapshot);
        while self.saving.try_join_next().is_some() {}
        if self.saved.elapsed() >= SAVE && self.saving.is_empty() {
            self.saved = Instant::now();
            if let Some(store) = self.store.clone() {
                self.saving.spawn(save(store, self.board.seen()));
            }
        }
    }

    async fn save_at_last(&mut self) {
        let Some(store) = self.store.clone() else {
            return;
        };
        self.saving.abort_all();
        if timeout(LAST_SAVE, save(store, self.board.seen()))
            .await
            .is_err()
        {
            tracing::warn!("the health of endpoints was not saved in time while stopping");
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}

/// Saves the health of all endpoints. A store that is away is no reason to stop watching.
async fn save(store: Arc<dyn Store>, seen: Arc<Seen>) {
    let rows: Vec<_> = seen
        .snapshot
        .sources
        .iter()
        .flat_map(|source| source.routes.iter().cloned())
        .collect();
    if let Err(error) = store.save_health(&rows).await {
        tracing::warn!(error = %error, "the health of endpoints was not saved");
    }
}

#[cfg(test)]
mod tests;
