//! What is known of the server, and what became of questions and writes.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{lock::lock, second_level::Written};

/// What may wait to be written, in bytes of copies.
pub(super) const MAX_WEIGHT: usize = 32 << 20;

/// Changes of URLs that may wait while the server is away. With more than these nothing that is kept there can be trusted, and
/// the oldest are lost.
const MAX_REMEMBERED: usize = 10_000;

/// Shared by all who ask and the task that works.
#[derive(Debug)]
pub(super) struct State {
    is_away: AtomicBool,
    waiting: AtomicUsize,
    remembered: Mutex<VecDeque<Written>>,
    pub(super) asked: AtomicU64,
    pub(super) unanswered: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) busy: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dropped_full: AtomicU64,
    pub(super) dropped_away: AtomicU64,
    pub(super) changes_lost: AtomicU64,
    pub(super) times_away: AtomicU64,
}

// === impl State ===

impl State {
    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Relaxed)
    }

    /// The server did not answer. It is said once.
    pub(super) fn lost(&self, why: &str) {
        if !self.is_away.swap(true, Relaxed) {
            self.times_away.fetch_add(1, Relaxed);
            tracing::warn!(
                why,
                "the shared cache is away; the proxy goes on without it"
            );
        }
    }

    /// The server answers, and has all that had to be written.
    pub(super) fn found(&self) {
        if self.is_away.swap(false, Relaxed) {
            tracing::info!("the shared cache is there");
        }
    }

    /// Whether there is room for that weight, which is taken then.
    pub(super) fn admits(&self, weight: usize) -> bool {
        let before = self.waiting.fetch_add(weight, Relaxed);
        let fits = before.saturating_add(weight) <= MAX_WEIGHT;
        if !fits {
            self.done(weight);
            self.dropped_full.fetch_add(1, Relaxed);
        }
        fits
    }

    pub(super) fn done(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Relaxed);
    }

    /// Keeps what must be written until it is.
    pub(super) fn remember(&self, written: Written) {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.pop_front();
            self.changes_lost.fetch_add(1, Relaxed);
        }
        remembered.push_back(written);
    }

    /// The next of those.
    pub(super) fn next_remembered(&self) -> Option<Written> {
        lock(&self.remembered).pop_front()
    }

    /// One that could not be written.
    pub(super) fn remember_again(&self, written: Written) {
        lock(&self.remembered).push_front(written);
    }

    pub(super) fn by_name(&self) -> Vec<(&'static str, u64)> {
        let read = |count: &AtomicU64| count.load(Relaxed);
        vec![
            ("shared_cache_asked", read(&self.asked)),
            ("shared_cache_unanswered", read(&self.unanswered)),
            ("shared_cache_skipped_away", read(&self.skipped)),
            ("shared_cache_skipped_busy", read(&self.busy)),
            ("shared_cache_written", read(&self.written)),
            ("shared_cache_write_failed", read(&self.failed)),
            ("shared_cache_dropped_queue_full", read(&self.dropped_full)),
            ("shared_cache_dropped_away", read(&self.dropped_away)),
            ("shared_cache_changes_lost", read(&self.changes_lost)),
            ("shared_cache_times_away", read(&self.times_away)),
        ]
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            // Until the first word of it.
            is_away: AtomicBool::new(true),
            waiting: AtomicUsize::new(0),
            remembered: Mutex::default(),
            asked: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            written: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped_full: AtomicU64::new(0),
            dropped_away: AtomicU64::new(0),
            changes_lost: AtomicU64::new(0),
            times_away: AtomicU64::new(0),
        }
    }
}
