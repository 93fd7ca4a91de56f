//! Which routes are probed while nobody asks them, and how that went.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::Route;
use http::Uri;
use serde_json::{Map, Value};

/// One route that is probed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Probe {
    pub(crate) route: Route,
    /// What is asked, as it leaves.
    pub(crate) uri: Uri,
    /// Without callers for so long it is asked.
    pub(crate) every: Duration,
}

/// The routes that are probed, which a reload changes, and how that went.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    routes: Mutex<Arc<[Probe]>>,
    pub(crate) sent: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Not sent, because something rests or a quota has little left.
    pub(crate) held_back: AtomicU64,
}

// === impl Probes ===

impl Probes {
    /// From now on these are probed.
    pub(crate) fn set(&self, probes: Vec<Probe>) {
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = probes.into();
    }

    /// Those that are probed now.
    pub(crate) fn routes(&self) -> Arc<[Probe]> {
        Arc::clone(&self.routes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds its counts to those of the status.
    pub(crate) fn count_into(&self, counters: &mut Map<String, Value>) {
        for (name, count) in [
            ("probes_sent", &self.sent),
            ("probes_failed", &self.failed),
            ("probes_held_back", &self.held_back),
        ] {
            counters.insert(name.to_owned(), count.load(Relaxed).into());
        }
    }
}
