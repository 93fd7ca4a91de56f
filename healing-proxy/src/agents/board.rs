//! What people see: the latest snapshot, the open incidents and the last events.
//!
//! The watcher writes, the admin port reads; a clone is a handle. Every part is bounded. Readers that fall behind lose
//! nothing that matters: the snapshot is always the newest one, and the list of open incidents tells what they missed.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use healing_core::{
    Alert, AlertChange, Clock, ErrorEvent, Resolution, Snapshot, Source, StoredEvent,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An unchanged snapshot is told again after this, so that a reader can tell silence from health. With a look each second
/// the feed is never silent for 15 s.
const HEARTBEAT: SignedDuration = SignedDuration::from_secs(14);
/// Alert changes that a reader may be behind before it has to compare lists.
const NEWS: usize = 256;

/// A handle on what people see.
#[derive(Clone)]
pub(crate) struct Board(Arc<Shared>);

struct Shared {
    clock: Clock,
    started: Timestamp,
    counters: Arc<dyn Fn() -> Value + Send + Sync>,
    seen: watch::Sender<Arc<Seen>>,
    news: broadcast::Sender<AlertChange>,
    record: Mutex<Record>,
    /// How the file of the configuration fared, as the status shows it.
    configuration: Mutex<Value>,
    ready: AtomicBool,
    draining: CancellationToken,
}

/// A snapshot as it was put on the board.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Grows by one with each.
    pub(crate) seq: u64,
    pub(crate) snapshot: Snapshot,
    /// Its form on the feed, made by the first reader for all of them.
    pub(crate) text: OnceLock<Utf8Bytes>,
    /// Events on record when it was put there.
    events: u64,
}

#[derive(Default)]
struct Record {
    /// Oldest first.
    events: VecDeque<Arc<StoredEvent>>,
    /// How many there have been; the newest one's number.
    events_so_far: u64,
    open: Vec<Alert>,
    /// Oldest first.
    resolved: VecDeque<(Alert, Resolution)>,
    unlisted: u64,
}

// === impl Board ===

impl Board {
    /// The most events that are kept.
    pub(crate) const MAX_EVENTS: usize = 500;
    /// The most resolved incidents that are kept.
    pub(crate) const MAX_RESOLVED: usize = 256;

    /// A board that shows that snapshot.
    pub(crate) fn new(
        clock: Clock,
        counters: Arc<dyn Fn() -> Value + Send + Sync>,
        first: Snapshot,
    ) -> Self {
        let first = Seen {
            seq: 1,
            snapshot: first,
            text: OnceLock::new(),
            events: 0,
        };
        Self(Arc::new(Shared {
            clock,
            started: clock.timestamp(clock.now()),
            counters,
            seen: watch::Sender::new(Arc::new(first)),
            news: broadcast::Sender::new(NEWS),
            record: Mutex::default(),
            configuration: Mutex::default(),
            ready: AtomicBool::new(false),
            draining: CancellationToken::new(),
        }))
    }

    /// Puts a snapshot there, if it tells anything new.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let events = self.record().events_so_far;
        self.0.seen.send_if_modified(|seen| {
            let same = seen.snapshot.sources == snapshot.sources && seen.events == events;
            if same && snapshot.time.duration_since(seen.snapshot.time) < HEARTBEAT {
                return false;
            }
            *seen = Arc::new(Seen {
                seq: seen.seq + 1,
                snapshot,
                text: OnceLock::new(),
                events,
            });
            true
        });
    }

    /// Takes a change of an incident and tells the readers.
    pub(crate) fn alert(&self, change: AlertChange) {
        {
            let mut record = self.record();
            match &change {
                AlertChange::Opened(alert) => record.open.push(alert.clone()),
                AlertChange::Updated(alert) => {
                    if let Some(open) = record.open.iter_mut().find(|open| open.id == alert.id) {
                        *open = alert.clone();
                    }
                }
                AlertChange::Resolved(resolution) => record.resolve(resolution),
            }
        }
        if self.0.news.send(change).is_err() {
            tracing::trace!("nobody reads the feed");
        }
    }

    /// Takes an event.
    pub(crate) fn event(&self, event: &ErrorEvent) {
        let event = Arc::new(StoredEvent::from(event));
        let mut record = self.record();
        if record.events.len() >= Self::MAX_EVENTS {
            record.events.pop_front();
        }
        record.events.push_back(event);
        record.events_so_far += 1;
    }

    /// Takes the number of incidents that were not listed.
    pub(crate) fn unlisted(&self, unlisted: u64) {
        self.record().unlisted = unlisted;
    }

    /// Says that the listeners are bound: `/readyz` turns true.
    pub(crate) fn set_configuration(&self, told: Value) {
        let mut configuration = self
            .0
            .configuration
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *configuration = told;
    }

    /// How the file of the configuration fared; null where there is none.
    pub(crate) fn configuration(&self) -> Value {
        self.0
            .configuration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_ready(&self) {
        self.0.ready.store(true, Ordering::Relaxed);
    }

    /// Says that the program is about to stop: `/readyz` turns false for good, and readers of the feed are sent away.
    pub(crate) fn drain(&self) {
        self.0.draining.cancel();
    }

    /// Whether the listeners are bound.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }

    /// Cancelled when the program is about to stop.
    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.0.draining
    }

    /// The wall time.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.timestamp(self.0.clock.now())
    }

    /// When the board was made, and how long ago.
    pub(crate) fn started(&self) -> (Timestamp, Duration) {
        (
            self.0.started,
            Duration::try_from(self.now().duration_since(self.0.started)).unwrap_or_default(),
        )
    }

    /// Whatever else is counted.
    pub(crate) fn counters(&self) -> Value {
        (self.0.counters)()
    }

    /// The newest snapshot.
    pub(crate) fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.0.seen.borrow())
    }

    /// Wakes with every new snapshot.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Seen>> {
        self.0.seen.subscribe()
    }

    /// Every change of an incident from now on. Subscribe before reading [`Board::alerts`], or one may be missed.
    pub(crate) fn news(&self) -> broadcast::Receiver<AlertChange> {
        self.0.news.subscribe()
    }

    /// The open incidents, oldest first.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.record().open.clone()
    }

    /// The last resolved incidents, newest first, and how many incidents were never listed.
    pub(crate) fn resolved(&self) -> (Vec<(Alert, Resolution)>, u64) {
        let record = self.record();
        (
            record.resolved.iter().rev().cloned().collect(),
            record.unlisted,
        )
    }

    /// How that incident ended, while it is remembered.
    pub(crate) fn resolution(&self, id: Uuid) -> Option<Resolution> {
        self.record()
            .resolved
            .iter()
            .rev()
            .map(|(_, resolution)| resolution)
            .find(|end| end.id == id)
            .cloned()
    }

    /// The last events, newest first, of one source or of all.
    pub(crate) fn events(&self, limit: usize, source: Option<&Source>) -> Vec<Arc<StoredEvent>> {
        let record = self.record();
        let wanted =
            |event: &&Arc<StoredEvent>| source.is_none_or(|source| event.source == source.as_str());
        record
            .events
            .iter()
            .rev()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect()
    }

    /// How many events there have been.
    pub(crate) fn events_so_far(&self) -> u64 {
        self.record().events_so_far
    }

    /// The events after that number, oldest first, at most the newest so many; and the number of the newest one.
    pub(crate) fn events_after(&self, number: u64, most: usize) -> (Vec<Arc<StoredEvent>>, u64) {
        let record = self.record();
        let new =
            usize::try_from(record.events_so_far.saturating_sub(number)).unwrap_or(usize::MAX);
        let skip = record.events.len().saturating_sub(new.min(most));
        (
            record.events.iter().skip(skip).cloned().collect(),
            record.events_so_far,
        )
    }

    /// A holder that panicked left whole values behind: there is no step in between that could be seen.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board")
            .field("seq", &self.seen().seq)
            .finish_non_exhaustive()
    }
}

// === impl Record ===

impl Record {
    fn resolve(&mut self, resolution: &Resolution) {
        let Some(index) = self.open.iter().position(|open| open.id == resolution.id) else {
            return;
        };
        let alert = self.open.remove(index);
        if self.resolved.len() >= Board::MAX_RESOLVED {
            self.resolved.pop_front();
        }
        self.resolved.push_back((alert, resolution.clone()));
    }
}
