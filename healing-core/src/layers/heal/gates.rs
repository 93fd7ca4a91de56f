//! The gates on a request's way: its URL, its route, its source's key, its upstream's address.

use std::{borrow::Cow, sync::Arc};

use tokio::time::Instant;

use crate::{
    kept::memory::Memory,
    outage::{Gate, Heard, Passage, Rest},
    pace::{Pass, Share},
    registry::Whereabouts,
    vocabulary::fault::{Domain, Fault, FaultClass},
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

/// Whose calls they are: with a key of ours, or by the caller's credentials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    pub(crate) share: Option<&'a Share>,
    pub(crate) caller: Option<&'a [u8; 32]>,
}

// === impl Gates ===

impl Gates {
    pub(crate) fn of(
        here: &Whereabouts,
        memory: Option<&Arc<Memory>>,
        who: Who<'_>,
        now: Instant,
    ) -> Self {
        let ours = who.share.and_then(|share| share.gate(now));
        Self {
            url: memory.map(|memory| Arc::clone(&memory.gate)),
            route: Arc::clone(&here.route.gate),
            key: ours.unwrap_or_else(|| here.route.source.gate_of(who.caller, now)),
            upstream: Arc::clone(&here.upstream),
        }
    }

    /// Asks each for passage, the widest first; the first that does not simply let pass decides. A time that the source
    /// named holds whatever the others say.
    pub(crate) fn ask(&self, now: Instant, jitter: f64) -> Passage {
        for gate in self.all() {
            match gate.ask(now, jitter) {
                Passage::Free => {}
                passage @ (Passage::Try(_) | Passage::Probe(_) | Passage::Rest(_)) => {
                    return self.told_to_wait(now).map_or(passage, Passage::Rest);
                }
            }
        }
        Passage::Free
    }

    /// Whether the source named a time before which this is not asked.
    pub(crate) fn told_to_wait(&self, now: Instant) -> Option<Rest> {
        let told = self.all().filter_map(|gate| gate.told_to_wait(now));
        told.max_by_key(|rest| rest.retry_in)
    }

    /// The same for a call with that pass: its key may be another one.
    pub(crate) fn with(&self, pass: &Pass) -> Cow<'_, Self> {
        match pass.gate() {
            Some(key) if !Arc::ptr_eq(key, &self.key) => Cow::Owned(Self {
                key: Arc::clone(key),
                ..self.clone()
            }),
            Some(_) | None => Cow::Borrowed(self),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Gate>> {
        let wide = [&self.upstream, &self.key, &self.route].into_iter();
        wide.chain(&self.url)
    }

    /// After faults of which class something on the way rests.
    pub(crate) fn resting(&self, now: Instant) -> Option<FaultClass> {
        self.all().find_map(|gate| gate.resting(now))
    }

    /// A caller would have come this way, and was given a copy instead.
    pub(crate) fn are_wanted(&self) {
        for gate in self.all() {
            gate.is_wanted();
        }
    }

    /// Whether what was in disorder on the way then has been in order since.
    pub(crate) fn were_good_since(&self, then: Instant) -> bool {
        self.all().any(|gate| gate.was_good_since(then))
    }

    /// A good answer clears everything on its way.
    pub(crate) fn good(&self, heard: Heard) {
        for gate in self.all() {
            gate.good(heard);
        }
    }

    /// A fault marks what it strikes, and clears what it shows to be in order: an upstream that refuses was reached.
    pub(crate) fn failed(&self, fault: &Fault, object: u64, heard: Heard) {
        if fault.is_change_of_shape() {
            return;
        }
        if fault.class == FaultClass::StaleData {
            // It answers, and what it answers may be given as what it is: nothing is gained by not asking.
            self.upstream.good(heard);
            self.key.good(heard);
            return;
        }
        match fault.domain {
            Domain::Upstream | Domain::Network => self.upstream.failed(heard, fault, object),
            Domain::Key | Domain::Source => {
                self.upstream.good(heard);
                self.key.failed(heard, fault, object);
            }
            Domain::Object | Domain::Endpoint => {
                if fault.status.is_some() {
                    self.upstream.good(heard);
                    self.key.good(heard);
                }
                // What one object is told to wait for, the others are not.
                self.route
                    .failed(heard, &fault.clone().with_wait(None), object);
                if let Some(url) = &self.url {
                    url.failed(heard, fault, object);
                }
            }
        }
    }
}
