//! Work that outlives the request that began it, with an owner and a bound.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A bounded set of tasks: calls that lost the race against the deadline and may still fill a copy, and probes.
///
/// Each worker of a service makes one, gives it to the layers, and closes it when it stops. A library without one has
/// [`Background::none`]: what would go on in the background is cancelled, and callers probe themselves.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let background = healing_core::Background::new(64);
/// assert!(background.run(async {}));
/// background.stop().await;
/// assert!(!healing_core::Background::none().run(async {}));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Background(Arc<Set>);

#[derive(Debug)]
struct Set {
    tasks: TaskTracker,
    stop: CancellationToken,
    running: AtomicUsize,
    refused: AtomicU64,
    limit: usize,
}

/// A place in the set, given back when it is dropped.
struct Place(Arc<Set>);

// === impl Background ===

impl Background {
    /// A set of at most that many tasks at a time.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Set {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            running: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            limit,
        }))
    }

    /// A set that takes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0)
    }

    /// Whether it ever takes anything.
    #[must_use]
    pub fn takes_work(&self) -> bool {
        self.0.limit > 0
    }

    /// Runs a future to its end, or until the set stops. Returns whether there was room; where there was not the future is
    /// dropped and counted. Call it inside a tokio runtime.
    pub fn run(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        if self.0.running.fetch_add(1, Relaxed) >= self.0.limit || self.0.stop.is_cancelled() {
            self.0.running.fetch_sub(1, Relaxed);
            self.0.refused.fetch_add(1, Relaxed);
            return false;
        }
        let place = Place(Arc::clone(&self.0));
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            let _place = place;
            stop.run_until_cancelled(work).await;
        });
        true
    }

    /// How often there was no room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Relaxed)
    }

    /// Cancels what runs and waits until it is gone.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_set_refuses_and_counts() {
        let background = Background::new(1);
        assert!(background.run(std::future::pending()));
        assert!(!background.run(async {}));
        assert_eq!(background.refused(), 1);
        background.stop().await;
        assert!(!background.run(async {}), "stopped");
    }
}
