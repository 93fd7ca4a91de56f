//! Everybody who is told of an event.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use healing_core::{ErrorEvent, Healer, LearnerCounts, Sink, StoreWriter};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing_appender::non_blocking::ErrorCounter;

use crate::probes::Probes;

/// Everybody who is told of an event. Nobody is waited for.
#[derive(Debug)]
pub(super) struct Outlets {
    pub(super) writer: StoreWriter,
    pub(super) watcher: mpsc::Sender<ErrorEvent>,
    pub(super) tap: Option<mpsc::Sender<ErrorEvent>>,
    pub(super) log_dropped: Option<ErrorCounter>,
    pub(super) missed: AtomicU64,
}

// === impl Outlets ===

impl Outlets {
    /// What the status page counts, by name.
    pub(super) fn counters(&self, healer: &Healer, probes: &Probes) -> Value {
        let mut counters: serde_json::Map<String, Value> = self
            .writer
            .counts()
            .by_name()
            .into_iter()
            .map(|(name, count)| (name.to_owned(), Value::from(count)))
            .collect();
        counters.insert(
            "events_not_shown".to_owned(),
            self.missed.load(Relaxed).into(),
        );
        counters.insert("store_away".to_owned(), json!(self.writer.is_store_away()));
        let LearnerCounts {
            remedies,
            forgotten,
            unlearned,
            decisions,
            episodes,
            episodes_forgotten,
            set_aside,
            ..
        } = healer.learner();
        counters.insert("remedies_known".to_owned(), remedies.into());
        counters.insert("remedies_forgotten".to_owned(), forgotten.into());
        counters.insert("outcomes_unlearned".to_owned(), unlearned.into());
        counters.insert("decisions_on_record".to_owned(), decisions.into());
        counters.insert("episodes_on_record".to_owned(), episodes.into());
        counters.insert("episodes_forgotten".to_owned(), episodes_forgotten.into());
        counters.insert("lessons_set_aside".to_owned(), set_aside.into());
        counters.insert(
            "calls_left_to_others".to_owned(),
            healer.calls_left_to_others().into(),
        );
        let hedges = healer.hedges();
        counters.insert("hedges_made".to_owned(), hedges.made.into());
        counters.insert("hedges_won".to_owned(), hedges.won.into());
        counters.insert("hedges_held_back".to_owned(), hedges.held_back.into());
        let rails = healer.rails();
        let by_name = [
            ("calls_held_back_by_rate", rails.held_back_by_rate),
            ("calls_sent_over_rate", rails.sent_over_rate),
            ("calls_held_back_by_load", rails.held_back_by_load),
            ("calls_sent_over_load", rails.sent_over_load),
        ];
        counters.extend(by_name.map(|(name, count)| (name.to_owned(), count.into())));
        if let Some(dropped) = &self.log_dropped {
            counters.insert(
                "log_lines_dropped".to_owned(),
                dropped.dropped_lines().into(),
            );
        }
        probes.count_into(&mut counters);
        if let Some(shared) = healer.second_level() {
            counters.insert("shared_cache_away".to_owned(), shared.is_away.into());
            let counts = shared.counts.into_iter();
            counters.extend(counts.map(|(name, count)| (name.to_owned(), count.into())));
        }
        Value::Object(counters)
    }

    fn count(&self, missed: bool) {
        self.missed.fetch_add(u64::from(missed), Relaxed);
    }
}

impl Sink for Outlets {
    fn event(&self, event: ErrorEvent) {
        if let Some(tap) = &self.tap {
            // Full or closed: the demonstration misses a line.
            self.count(tap.try_send(event.clone()).is_err());
        }
        self.count(self.watcher.try_send(event.clone()).is_err());
        self.writer.event(event);
    }
}
