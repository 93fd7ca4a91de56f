//! What trials share: a runtime whose clock stands still, and how a call is lost.

use std::future::Future;

use healing_core::{Sent, TransportError, TransportFault};
use tokio::runtime::Builder;

/// When every trial begins.
pub(super) const START: &str = "2026-11-24T12:00:00Z";

/// A call that was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lost(pub(super) TransportFault, pub(super) Sent);

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lost: {:?}, sent {:?}", self.0, self.1)
    }
}

impl std::error::Error for Lost {}

impl TransportError for Lost {
    fn fault(&self) -> (TransportFault, Sent) {
        (self.0, self.1)
    }
}

/// Lives something under a clock that jumps from one event to the next.
pub(super) fn lived<F: Future>(life: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(life),
        Err(error) => unreachable!("a runtime without I/O needs nothing: {error}"),
    }
}
