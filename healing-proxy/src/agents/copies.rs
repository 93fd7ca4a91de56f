//! Keeps copies over restarts, so that one in the middle of an outage still heals.

use std::{sync::Arc, time::Duration};

use healing_core::{CopyLog, Healer, Store};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often what is new is stored: a kill loses no more than what came since.
const SAVE: Duration = Duration::from_secs(2);
/// How long the last save may take while the program stops.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// Where copies go.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    store: Arc<dyn Store>,
    /// How many bytes of them are kept.
    room: u64,
}

// === impl Shelf ===

impl Shelf {
    /// That many bytes of a store.
    pub(crate) fn in_store(store: &Arc<dyn Store>, room: u64) -> Self {
        let store = Arc::clone(store);
        Self { store, room }
    }
}

/// Gives the healer what an earlier process kept. Without it there is nothing in hand, which is no reason not to start.
pub(crate) async fn recall(healer: &Healer, shelf: &Shelf) -> CopyLog {
    match shelf.store.copies(shelf.room).await {
        Ok(copies) => healer.recall_copies(copies),
        Err(error) => {
            tracing::warn!(%error, "the copies of an earlier process could not be read");
            CopyLog::default()
        }
    }
}

/// Stores what is new until it is told to stop, and once more then.
pub(crate) async fn keep(
    (healer, mut log): (Healer, CopyLog),
    shelf: Shelf,
    stop: CancellationToken,
) {
    let mut due = interval(SAVE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        save(&healer, &mut log, &shelf).await;
    }
    log.last_time();
    if timeout(LAST_SAVE, save(&healer, &mut log, &shelf))
        .await
        .is_err()
    {
        tracing::warn!("not all copies were stored in time while stopping");
    }
}

async fn save(healer: &Healer, log: &mut CopyLog, shelf: &Shelf) {
    loop {
        let changes = healer.copy_changes(log);
        if changes.gone.is_empty() && changes.copies.is_empty() {
            return;
        }
        if let Err(error) = shelf.store.save_copies(&changes, shelf.room).await {
            tracing::warn!(%error, "copies were not stored; it is tried again");
            *log = CopyLog::default();
            return;
        }
        if !changes.has_more {
            return;
        }
    }
}
