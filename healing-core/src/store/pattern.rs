//! Patterns: which fault comes back where, and what heals it.
//!
//! They are counted from events and are additive, so that two stores, or two proxies on one store, merge by adding. All
//! arithmetic is here; the stores keep the sums only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::store::stored::{StoredEvent, rfc3339};

/// The 97.5th percentile of the normal distribution: a two-sided interval of 95 %.
const Z: f64 = 1.96;

/// One row of `error_patterns`: one kind of fault at one endpoint, since the store began.
///
/// `confidence_score` is the lower end of Wilson's 95 % interval of `fix_success_rate` (E. B. Wilson 1927, JASA 22:209): one
/// heal out of one says little (0.21), ninety-five out of a hundred say much (0.89).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorPattern {
    /// Whose endpoint it is.
    pub source: String,
    /// The fault class.
    pub error_type: String,
    /// The route's template, a space, and the finer word under the class.
    pub pattern_signature: String,
    /// Events.
    pub occurrence_count: u64,
    /// The strategy that healed most of them; of two the one that healed last.
    pub fix_method: Option<String>,
    /// Healed events, by whatever strategy, over events: 0 to 1.
    pub fix_success_rate: f64,
    /// From a request's arrival to its healed answer, in seconds, mean over the healed events; zero without any.
    pub avg_fix_time: f64,
    /// How sure the rate is: 0 to the rate itself.
    pub confidence_score: f64,
    /// The first event.
    #[serde(with = "rfc3339")]
    pub first_seen: Timestamp,
    /// The last event.
    #[serde(with = "rfc3339")]
    pub last_seen: Timestamp,
}

/// What makes events one pattern.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct PatternKey {
    pub(super) source: String,
    pub(super) error_type: String,
    pub(super) signature: String,
}

/// What is counted of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tally {
    pub(super) occurrences: u64,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    /// By strategy.
    pub(super) fixes: BTreeMap<String, Fix>,
}

/// What is counted of one strategy in a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fix {
    pub(super) healed: u64,
    /// The sum of the times to heal, in seconds.
    pub(super) seconds: f64,
    pub(super) last: Timestamp,
}

// === impl PatternKey ===

impl PatternKey {
    pub(super) fn of(event: &StoredEvent) -> Self {
        Self {
            source: event.source.clone(),
            error_type: event.error_type.clone(),
            signature: format!("{} {}", event.endpoint, event.detail),
        }
    }
}

// === impl Tally ===

impl Tally {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            occurrences: 0,
            first_seen: at,
            last_seen: at,
            fixes: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, event: &StoredEvent) {
        self.occurrences = self.occurrences.saturating_add(1);
        self.first_seen = self.first_seen.min(event.timestamp);
        self.last_seen = self.last_seen.max(event.timestamp);
        let Some(method) = &event.fix_method else {
            return;
        };
        let fix = self.fixes.entry(method.clone()).or_insert(Fix {
            healed: 0,
            seconds: 0.0,
            last: event.timestamp,
        });
        fix.healed = fix.healed.saturating_add(1);
        fix.seconds += event.took;
        fix.last = fix.last.max(event.timestamp);
    }

    /// The figures that the counts come to.
    pub(super) fn pattern(&self, key: PatternKey) -> ErrorPattern {
        let healed: u64 = self.fixes.values().map(|fix| fix.healed).sum();
        let seconds: f64 = self.fixes.values().map(|fix| fix.seconds).sum();
        let best = self
            .fixes
            .iter()
            .max_by_key(|(_, fix)| (fix.healed, fix.last));
        ErrorPattern {
            source: key.source,
            error_type: key.error_type,
            pattern_signature: key.signature,
            occurrence_count: self.occurrences,
            fix_method: best.map(|(method, _)| method.clone()),
            fix_success_rate: share(healed as f64, self.occurrences as f64),
            avg_fix_time: share(seconds, healed as f64),
            confidence_score: wilson_lower(healed as f64, self.occurrences as f64),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
        }
    }
}

/// The patterns in these events.
#[cfg(feature = "sqlite")]
pub(super) fn tallied(events: &[&StoredEvent]) -> BTreeMap<PatternKey, Tally> {
    let mut tallies = BTreeMap::new();
    for event in events {
        tallies
            .entry(PatternKey::of(event))
            .or_insert_with(|| Tally::new(event.timestamp))
            .add(event);
    }
    tallies
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The lower end of Wilson's interval of a share.
fn wilson_lower(hits: f64, all: f64) -> f64 {
    if all <= 0.0 {
        return 0.0;
    }
    let rate = hits / all;
    let z2 = Z * Z;
    let spread = Z * ((rate * (1.0 - rate) + z2 / (4.0 * all)) / all).sqrt();
    ((rate + z2 / (2.0 * all) - spread) / (1.0 + z2 / all)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_grows_with_evidence_and_stays_below_the_rate() {
        for (hits, all, low) in [
            (0.0, 0.0, 0.0),
            (0.0, 9.0, 0.0),
            (1.0, 1.0, 0.2065),
            (95.0, 100.0, 0.8882),
        ] {
            assert!(
                (wilson_lower(hits, all) - low).abs() < 1e-4,
                "{hits} of {all}: {}",
                wilson_lower(hits, all)
            );
        }
    }
}
