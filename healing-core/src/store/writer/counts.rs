//! What became of the events, counted by name.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What became of the events that a writer was told, since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WriterCounts {
    /// Events that are new in the store, those of the spill file among them.
    pub written: u64,
    /// Events that were not taken because the queue was full.
    pub dropped_queue_full: u64,
    /// Events that did not fit into the spill file.
    pub dropped_spill_full: u64,
    /// Events that came after the end, or were left at the end without a spill file to take them.
    pub dropped_at_stop: u64,
    /// Events that went into the spill file.
    pub spilled: u64,
    /// Events that the store took from the spill file, known ones among them.
    pub replayed: u64,
    /// Lines of the spill file that are no events: torn by a crash, or not ours.
    pub spill_lines_skipped: u64,
    /// Writes that the store refused or did not finish in time.
    pub failed_batches: u64,
    /// Times that the spill file could not be read or written.
    pub spill_failures: u64,
}

/// The live side of [`WriterCounts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    written: AtomicU64,
    dropped_queue_full: AtomicU64,
    dropped_spill_full: AtomicU64,
    dropped_at_stop: AtomicU64,
    spilled: AtomicU64,
    replayed: AtomicU64,
    spill_lines_skipped: AtomicU64,
    failed_batches: AtomicU64,
    spill_failures: AtomicU64,
    away: AtomicBool,
}

// === impl WriterCounts ===

impl WriterCounts {
    /// The counts with the names that metrics and the documentation use.
    #[must_use]
    pub const fn by_name(&self) -> [(&'static str, u64); 9] {
        [
            ("events_written", self.written),
            ("events_dropped_queue_full", self.dropped_queue_full),
            ("events_dropped_spill_full", self.dropped_spill_full),
            ("events_dropped_at_stop", self.dropped_at_stop),
            ("events_spilled", self.spilled),
            ("events_replayed", self.replayed),
            ("events_spill_lines_skipped", self.spill_lines_skipped),
            ("events_failed_batches", self.failed_batches),
            ("events_spill_failures", self.spill_failures),
        ]
    }
}

// === impl Counters ===

impl Counters {
    /// The counts are read one after the other; `written` before `replayed`, so that their difference never says too much.
    pub(super) fn snapshot(&self) -> WriterCounts {
        WriterCounts {
            written: self.written.load(Relaxed),
            dropped_queue_full: self.dropped_queue_full.load(Relaxed),
            dropped_spill_full: self.dropped_spill_full.load(Relaxed),
            dropped_at_stop: self.dropped_at_stop.load(Relaxed),
            spilled: self.spilled.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            spill_lines_skipped: self.spill_lines_skipped.load(Relaxed),
            failed_batches: self.failed_batches.load(Relaxed),
            spill_failures: self.spill_failures.load(Relaxed),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Relaxed)
    }

    /// Whether that is a change.
    pub(super) fn set_away(&self, away: bool) -> bool {
        self.away.swap(away, Relaxed) != away
    }

    pub(super) fn written(&self, events: u64) {
        self.written.fetch_add(events, Relaxed);
    }

    pub(super) fn dropped_queue_full(&self) {
        self.dropped_queue_full.fetch_add(1, Relaxed);
    }

    pub(super) fn dropped_spill_full(&self, events: usize) {
        self.dropped_spill_full.fetch_add(events as u64, Relaxed);
    }

    pub(super) fn dropped_at_stop(&self, events: usize) {
        self.dropped_at_stop.fetch_add(events as u64, Relaxed);
    }

    pub(super) fn spilled(&self, events: usize) {
        self.spilled.fetch_add(events as u64, Relaxed);
    }

    pub(super) fn replayed(&self, events: usize) {
        self.replayed.fetch_add(events as u64, Relaxed);
    }

    pub(super) fn spill_lines_skipped(&self, lines: usize) {
        self.spill_lines_skipped.fetch_add(lines as u64, Relaxed);
    }

    pub(super) fn failed_batch(&self) {
        self.failed_batches.fetch_add(1, Relaxed);
    }

    pub(super) fn spill_failure(&self) {
        self.spill_failures.fetch_add(1, Relaxed);
    }
}
