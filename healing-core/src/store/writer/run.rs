//! The task behind a writer: gather a batch, put it somewhere, bring back what was spilled.
//!
//! One turn of its loop waits for events at most, then writes one batch and at most one chunk of the spill file, so that a
//! large file never starves the queue. States: the store is there; or it is away until the next try, and batches spill; or
//! there is nowhere to spill to either, and then the batch stays in hand, the queue fills up, and new events are dropped there.

use std::{error::Error, io, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    store::{
        Store,
        stored::StoredEvent,
        writer::{WriterSettings, counts::Counters, spill::Spill},
    },
    vocabulary::observation::ErrorEvent,
};

/// The state of the task.
#[derive(Debug)]
pub(super) struct Writing {
    store: Arc<dyn Store>,
    queue: mpsc::Receiver<ErrorEvent>,
    settings: WriterSettings,
    counters: Arc<Counters>,
    spill: Option<Spill>,
    /// The batch in hand: out of the queue, nowhere else yet.
    held: Vec<StoredEvent>,
    /// When to try the store again, while it is away.
    away_until: Option<Instant>,
    /// When to try the spill file again, after it failed.
    spill_rests_until: Option<Instant>,
    pause: Duration,
}

/// What waiting for an event came to.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is moved once, from the queue into the batch"
)]
enum Next {
    Event(ErrorEvent),
    Closed,
    Due,
}

// === impl Writing ===

impl Writing {
    pub(super) fn new(
        (store, queue): (Arc<dyn Store>, mpsc::Receiver<ErrorEvent>),
        settings: WriterSettings,
        spill: Option<Spill>,
        counters: Arc<Counters>,
    ) -> Self {
        let pause = settings.first_pause;
        let held = Vec::with_capacity(settings.batch);
        Self {
            store,
            queue,
            settings,
            counters,
            spill,
            held,
            away_until: None,
            spill_rests_until: None,
            pause,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        // Ours to cancel, for the case that all senders are gone.
        let stop = stop.child_token();
        let drain = self.settings.drain;
        let over = pin!(async {
            stop.cancelled().await;
            sleep(drain).await;
        });
        tokio::select! {
            biased;
            () = over => {}
            () = self.work(&stop) => {}
        }
        self.put_away_the_rest().await;
    }

    /// Everything up to the end of the drain, if that is given the time.
    async fn work(&mut self, stop: &CancellationToken) {
        self.look_for_left_over().await;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                open = self.gather() => if !open { break },
            }
            self.settle().await;
        }
        stop.cancel();
        self.queue.close();
        self.drain().await;
    }

    /// Fills the batch until it is full, has waited long enough, or something else is due. False when no event can come.
    async fn gather(&mut self) -> bool {
        let mut due = self.next_try();
        if self.held.is_empty() {
            match self.next(due).await {
                Next::Event(event) => self.held.push(StoredEvent::from(&event)),
                Next::Closed => return false,
                Next::Due => return true,
            }
            let lingered = Instant::now() + self.settings.linger;
            if self.away_until.is_none() || self.can_spill() {
                due = Some(due.map_or(lingered, |due| due.min(lingered)));
            }
        }
        while self.held.len() < self.settings.batch {
            match self.next(due).await {
                Next::Event(event) => self.held.push(StoredEvent::from(&event)),
                Next::Closed => return false,
                Next::Due => return true,
            }
        }
        if let (Some(until), false) = (self.away_until, self.can_spill()) {
            sleep_until(until).await;
        }
        true
    }

    /// The next event, unless something is due before; events that wait already come first.
    async fn next(&mut self, due: Option<Instant>) -> Next {
        let event = tokio::select! {
            biased;
            event = self.queue.recv() => event,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => return Next::Due,
        };
        event.map_or(Next::Closed, Next::Event)
    }

    /// When the store or the spill file is to be tried without an event.
    fn next_try(&self) -> Option<Instant> {
        let spill_waits = self.spill.as_ref().is_some_and(|spill| !spill.is_empty());
        self.away_until
            .or_else(|| spill_waits.then(|| self.spill_rests_until.unwrap_or_else(Instant::now)))
    }

    /// Puts the batch into the store, or into the spill file; with the store there, brings back a chunk.
    async fn settle(&mut self) {
        if self.away_until.is_some_and(|until| Instant::now() < until) || !self.write_held().await {
            self.spill_held().await;
            return;
        }
        self.replay().await;
    }

    /// Whether the batch is in the store, or there was none.
    async fn write_held(&mut self) -> bool {
        if self.held.is_empty() {
            self.away_until = None;
            return true;
        }
        let taken = self.write(&self.held).await;
        if !self.learn(taken) {
            return false;
        }
        self.held.clear();
        true
    }

    async fn write(&self, events: &[StoredEvent]) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let written = timeout(self.settings.write_limit, self.store.write_events(events)).await?;
        Ok(written?)
    }

    /// Counts a write and says whether the store is there.
    fn learn(&mut self, taken: Result<u64, Box<dyn Error + Send + Sync>>) -> bool {
        match taken {
            Ok(new) => {
                self.counters.written(new);
                self.away_until = None;
                self.pause = self.settings.first_pause;
                if self.counters.set_away(false) {
                    info!("the store is back");
                }
                true
            }
            Err(error) => {
                self.counters.failed_batch();
                self.away_until = Some(Instant::now() + self.pause);
                self.pause = self
                    .pause
                    .saturating_mul(2)
                    .min(self.settings.longest_pause);
                if self.counters.set_away(true) {
                    warn!(
                        error = error.as_ref() as &dyn Error,
                        spill = self.spill.is_some(),
                        "the store is away"
                    );
                }
                false
            }
        }
    }

    fn can_spill(&self) -> bool {
        self.spill.is_some()
            && self
                .spill_rests_until
                .is_none_or(|until| until <= Instant::now())
    }

    /// Moves the batch to the spill file; leaves it in hand where that cannot be.
    async fn spill_held(&mut self) {
        if self.held.is_empty() || !self.can_spill() {
            return;
        }
        let Some(spill) = &mut self.spill else { return };
        match spill.append(&self.held).await {
            Ok(fitted) => {
                self.counters.spilled(fitted);
                self.counters
                    .dropped_spill_full(self.held.len().saturating_sub(fitted));
                self.held.clear();
                self.spill_rests_until = None;
            }
            Err(error) => self.rest_the_spill(&error),
        }
    }

    /// Brings one chunk of the spill file into the store.
    async fn replay(&mut self) {
        if !self.can_spill() {
            return;
        }
        let Some(spill) = self.spill.as_ref().filter(|spill| !spill.is_empty()) else {
            return;
        };
        let chunk = match spill.chunk(self.settings.batch).await {
            Ok(chunk) => chunk,
            Err(error) => return self.rest_the_spill(&error),
        };
        if !chunk.events.is_empty() {
            let taken = self.write(&chunk.events).await;
            if !self.learn(taken) {
                return;
            }
        }
        self.counters.replayed(chunk.events.len());
        self.counters.spill_lines_skipped(chunk.skipped);
        let Some(spill) = &mut self.spill else { return };
        if let Err(error) = spill.done_with(&chunk).await {
            self.rest_the_spill(&error);
        }
    }

    async fn look_for_left_over(&mut self) {
        let Some(spill) = &mut self.spill else { return };
        if let Err(error) = spill.look().await {
            self.rest_the_spill(&error);
        }
    }

    fn rest_the_spill(&mut self, error: &io::Error) {
        self.counters.spill_failure();
        self.spill_rests_until = Some(Instant::now() + self.settings.longest_pause);
        let path = self.spill.as_ref().map(Spill::path);
        warn!(
            error = error as &dyn Error,
            ?path,
            "the spill file cannot be used"
        );
    }

    /// Writes what is queued; once the store fails, spills it.
    async fn drain(&mut self) {
        // One last try, however long the pause.
        self.away_until = None;
        while let Some(event) = self.queue.recv().await {
            self.held.push(StoredEvent::from(&event));
            if self.held.len() >= self.settings.batch {
                self.drain_held().await;
            }
        }
        self.drain_held().await;
    }

    async fn drain_held(&mut self) {
        if self.away_until.is_some() || !self.write_held().await {
            self.spill_held().await;
        }
        self.drop_held_at_stop();
    }

    /// The time is up: what is left goes to the spill file in one piece.
    async fn put_away_the_rest(&mut self) {
        self.queue.close();
        while let Ok(event) = self.queue.try_recv() {
            self.held.push(StoredEvent::from(&event));
        }
        self.spill_held().await;
        self.drop_held_at_stop();
    }

    fn drop_held_at_stop(&mut self) {
        self.counters.dropped_at_stop(self.held.len());
        self.held.clear();
    }
}
