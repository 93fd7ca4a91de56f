//! The timer for the head of a request, one a connection.
//!
//! hyper starts a timer for each head and drops it when the head is in. Tokio's are entered in the runtime's wheel and taken
//! out again, each time under its lock. Heads come soon and their deadlines only move on: so one entry stays, and where it
//! fires for a head that came long ago it moves to the deadline that holds now.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::Timer;
use tokio::time::{Instant, Sleep, sleep};

/// The timer of one connection, for deadlines of which none is before an earlier one.
#[derive(Clone, Debug)]
pub(crate) struct HeadTimer(Entry);

type Entry = Arc<Mutex<Pin<Box<Sleep>>>>;

/// Waits for one head.
struct HeadSleep {
    entry: Entry,
    deadline: Instant,
}

// === impl HeadTimer ===

impl HeadTimer {
    /// A timer that first fires after that time.
    pub(crate) fn new(first: Duration) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(sleep(first)))))
    }
}

#[expect(
    clippy::disallowed_types,
    reason = "hyper's trait; what it is given is tokio's time"
)]
impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until((Instant::now() + duration).into_std())
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HeadSleep {
            entry: Arc::clone(&self.0),
            deadline: deadline.into(),
        })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

// === impl HeadSleep ===

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            ready!(entry.as_mut().poll(cx));
            if entry.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            entry.as_mut().reset(self.deadline);
        }
    }
}

impl hyper::rt::Sleep for HeadSleep {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_head_has_its_own_time_and_an_earlier_one_does_not_shorten_it() {
        let timer = HeadTimer::new(Duration::from_secs(30));
        let start = Instant::now();
        let first = timer.sleep(Duration::from_secs(30));
        assert!(
            tokio::time::timeout(Duration::from_secs(20), first)
                .await
                .is_err()
        );
        timer.sleep(Duration::from_secs(30)).await;
        assert_eq!(start.elapsed().as_secs(), 50);
        timer.sleep(Duration::from_secs(30)).await;
        assert_eq!(start.elapsed().as_secs(), 80);
    }
}
