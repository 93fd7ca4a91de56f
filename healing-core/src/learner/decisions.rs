//! The last decisions, for whoever asks why.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{learner::decision::Decision, lock::lock, vocabulary::route::Route};

/// How many are kept; with a further one the oldest goes.
const MAX_DECISIONS: usize = 1_000;

/// The last decisions. Only requests that were healed or failed leave one.
#[derive(Debug, Default)]
pub(crate) struct Decisions(Mutex<VecDeque<Arc<Decision>>>);

// === impl Decisions ===

impl Decisions {
    pub(crate) fn note(&self, decision: Decision) {
        let decision = Arc::new(decision);
        let mut kept = lock(&self.0);
        if kept.len() >= MAX_DECISIONS {
            kept.pop_front();
        }
        kept.push_back(decision);
    }

    /// That of a request, while it is kept.
    pub(crate) fn of(&self, id: Uuid) -> Option<Arc<Decision>> {
        let kept = lock(&self.0);
        kept.iter()
            .rev()
            .find(|decision| decision.id == id)
            .cloned()
    }

    /// The latest at a route.
    pub(crate) fn latest_at(&self, route: &Route) -> Option<Arc<Decision>> {
        let kept = lock(&self.0);
        let mut latest = kept.iter().rev();
        latest.find(|decision| decision.route == *route).cloned()
    }

    /// When the oldest was made, once older ones had to go.
    pub(crate) fn complete_from(&self) -> Option<Timestamp> {
        let kept = lock(&self.0);
        let oldest = kept.front().filter(|_| kept.len() >= MAX_DECISIONS);
        oldest.map(|decision| decision.time)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}
