//! The way of error events into a store: a bounded queue, batches, and a local file while the store is away.
//!
//! Telling an event never waits. What happens to it afterwards always has a name and a counter, see [`WriterCounts`]. Ids make
//! writing twice harmless, so after any doubt (a timeout, a crash, a torn file) the answer is to write again.

mod counts;
mod run;
mod spill;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    store::{
        Store,
        writer::{counts::Counters, run::Writing, spill::Spill},
    },
    vocabulary::observation::{ErrorEvent, Sink},
};

pub use counts::WriterCounts;

/// The only way that events go into a store. Clones share the queue.
///
/// Its owner runs the future that comes with it; when that future is done or dropped, events are counted as dropped.
///
/// ```
/// use std::sync::Arc;
/// use healing_core::{MemoryStore, StoreWriter, WriterSettings};
/// use tokio_util::sync::CancellationToken;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let stop = CancellationToken::new();
/// let (writer, run) = StoreWriter::new(Arc::new(MemoryStore::default()), WriterSettings::default(), stop.clone());
/// let mut owned = tokio::task::JoinSet::new();
/// owned.spawn(run);
/// // `writer` is a `Sink` from here on.
/// stop.cancel();
/// owned.join_all().await;
/// assert_eq!(writer.counts().written, 0);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StoreWriter {
    queue: mpsc::Sender<ErrorEvent>,
    counters: Arc<Counters>,
}

/// How events are written. Every bound is there so that a store that is away costs a known amount of memory and disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriterSettings {
    /// Events that wait in memory: 8,192, some 8 MB. With more, new ones are dropped.
    pub queue: usize,
    /// Events in one write: up to 512.
    pub batch: usize,
    /// How long the first event of a batch waits for others: 250 ms.
    pub linger: Duration,
    /// The local file for the time when the store is away, the process's own. Without one, events wait in the queue alone.
    pub spill: Option<PathBuf>,
    /// The greatest size of that file: 64 MiB, over 100,000 events.
    pub spill_max_bytes: u64,
    /// When a write counts as failed: after 10 s, twice `SQLite`'s busy timeout.
    pub write_limit: Duration,
    /// The pause after the first failed write: 500 ms. It doubles with every further one.
    pub first_pause: Duration,
    /// The longest pause: 30 s.
    pub longest_pause: Duration,
    /// How long writing may go on after the stop: 5 s. What is not written then is spilled.
    pub drain: Duration,
}

// === impl WriterSettings ===

impl WriterSettings {
    /// The defaults, with a file for the time when the store is away.
    #[must_use]
    pub fn spilling_to(path: impl Into<PathBuf>) -> Self {
        Self {
            spill: Some(path.into()),
            ..Self::default()
        }
    }
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            queue: 8_192,
            batch: 512,
            linger: Duration::from_millis(250),
            spill: None,
            spill_max_bytes: 64 * 1024 * 1024,
            write_limit: Duration::from_secs(10),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

// === impl StoreWriter ===

impl StoreWriter {
    /// A writer into that store, and the future that does the writing until `stop` or until the last clone is dropped.
    ///
    /// The future first brings in what an earlier process left in the spill file. At the end it writes what is queued, within
    /// [`WriterSettings::drain`], and spills the rest.
    #[must_use = "nothing is written unless the future runs"]
    pub fn new(
        store: Arc<dyn Store>,
        settings: WriterSettings,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, events) = mpsc::channel(settings.queue.max(1));
        let counters = Arc::new(Counters::default());
        let spill = settings
            .spill
            .clone()
            .map(|path| Spill::new(path, settings.spill_max_bytes));
        let writing = Writing::new((store, events), settings, spill, Arc::clone(&counters));
        (Self { queue, counters }, writing.run(stop))
    }

    /// What became of the events so far.
    #[must_use]
    pub fn counts(&self) -> WriterCounts {
        self.counters.snapshot()
    }

    /// Whether the store did not take the last write: events wait in the spill file or in the queue.
    #[must_use]
    pub fn is_store_away(&self) -> bool {
        self.counters.is_away()
    }
}

impl Sink for StoreWriter {
    fn event(&self, event: ErrorEvent) {
        match self.queue.try_send(event) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.counters.dropped_queue_full(),
            Err(mpsc::error::TrySendError::Closed(_)) => self.counters.dropped_at_stop(1),
        }
    }
}
