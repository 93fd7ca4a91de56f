//! A line of those who wait for a call: first come, first served, and nobody past the bound.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{Semaphore, SemaphorePermit};

/// More than this do not wait for one source: the last of them would hardly be served in time.
const MAX_WAITING: usize = 256;

/// Who waits. tokio's semaphore is fair, and whoever drops its place gives it back.
#[derive(Debug)]
pub(crate) struct Line {
    front: Semaphore,
    waiting: AtomicUsize,
}

/// A place in the line. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Spot<'a> {
    line: &'a Line,
    /// How many stand before it.
    pub(crate) behind: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            front: Semaphore::new(1),
            waiting: AtomicUsize::new(0),
        }
    }
}

// === impl Line ===

impl Line {
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Joins the line at its end, where there is room.
    pub(crate) fn join(&self) -> Option<Spot<'_>> {
        let behind = self.waiting.fetch_add(1, Relaxed);
        let spot = Spot { line: self, behind };
        (behind < MAX_WAITING).then_some(spot) // what is not given out gives its place back
    }
}

// === impl Spot ===

impl Spot<'_> {
    /// Waits to stand in front. `None` would mean that the line is closed, which it never is.
    pub(crate) async fn front(&self) -> Option<SemaphorePermit<'_>> {
        self.line.front.acquire().await.ok()
    }
}

impl Drop for Spot<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Relaxed);
    }
}
