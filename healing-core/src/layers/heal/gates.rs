//! The gates on a request's way: its URL, its route, its source's key, its upstream's address.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    kept::Memory,
    outage::{Gate, Passage},
    registry::Whereabouts,
    vocabulary::fault::{Domain, Fault},
};

/// What stands between a request and its upstream.
#[derive(Clone, Debug)]
pub(crate) struct Gates {
    /// Where something is remembered of the URL.
    pub(crate) url: Option<Arc<Gate>>,
    pub(crate) route: Arc<Gate>,
    pub(crate) key: Arc<Gate>,
    pub(crate) upstream: Arc<Gate>,
}

// === impl Gates ===

impl Gates {
    pub(crate) fn of(
        here: &Whereabouts,
        memory: Option<&Arc<Memory>>,
        caller: Option<&[u8; 32]>,
        now: Instant,
    ) -> Self {
        Self {
            url: memory.map(|memory| Arc::clone(&memory.gate)),
            route: Arc::clone(&here.route.gate),
            key: here.route.source.gate_of(caller, now),
            upstream: Arc::clone(&here.upstream),
        }
    }

    /// Asks each for passage, the widest first; the first that does not simply let pass decides.
    pub(crate) fn ask(&self, now: Instant, jitter: f64) -> Passage {
        let wide = [&self.upstream, &self.key, &self.route].into_iter();
        for gate in wide.chain(&self.url) {
            match gate.ask(now, jitter) {
                Passage::Free => {}
                passage @ (Passage::Try(_) | Passage::Probe(_) | Passage::Rest(_)) => {
                    return passage;
                }
            }
        }
        Passage::Free
    }

    /// A good answer clears everything on its way.
    pub(crate) fn good(&self, now: Instant) {
        for gate in [&self.upstream, &self.key, &self.route]
            .into_iter()
            .chain(&self.url)
        {
            gate.good(now);
        }
    }

    /// A fault marks what it strikes, and clears what it shows to be in order: an upstream that refuses was reached.
    pub(crate) fn failed(&self, fault: &Fault, object: u64, now: Instant) {
        if fault.is_change_of_shape() {
            return;
        }
        match fault.domain {
            Domain::Upstream | Domain::Network => self.upstream.failed(now, fault, object),
            Domain::Key | Domain::Source => {
                self.upstream.good(now);
                self.key.failed(now, fault, object);
            }
            Domain::Object | Domain::Endpoint => {
                if fault.status.is_some() {
                    self.upstream.good(now);
                    self.key.good(now);
                }
                // What one object is told to wait for, the others are not.
                self.route
                    .failed(now, &fault.clone().with_wait(None), object);
                if let Some(url) = &self.url {
                    url.failed(now, fault, object);
                }
            }
        }
    }
}
