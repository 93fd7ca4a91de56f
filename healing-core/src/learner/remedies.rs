//! What is known of each remedy at each route: how often it works, and how long it takes.

use std::collections::BTreeMap;

use crate::{
    learn::{Cells, Latencies},
    learner::{Ended, Needs, Remedy},
};

/// How long a failure takes where none was seen, in seconds.
pub(super) const FAILS_AFTER: f64 = 0.1;

/// The most remedies at routes of which something is known. Beyond it the one is forgotten that was not used for longest.
const MAX_REMEDIES: usize = 4_096;

/// After so many seconds an outcome counts half.
const HALF_LIFE: f64 = 6.0 * 3_600.0;

/// How much the latest failure says of how long they take.
const OF_LATEST: f64 = 0.1;

/// What is known of all.
#[derive(Debug, Default)]
pub(super) struct Remedies {
    of: BTreeMap<Remedy, Own>,
    forgotten: u64,
}

/// What is known of one.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// Whose route it is at.
    pub(super) source: u32,
    counts: Cells<(), 2>,
    pub(super) latency: Latencies,
    pub(super) fails_after: f64,
    /// What the place needed that it asked last.
    pub(super) last: Option<Needs>,
    pub(super) used: f64,
}

// === impl Remedies ===

impl Remedies {
    pub(super) fn get(&self, remedy: &Remedy) -> Option<&Own> {
        self.of.get(remedy)
    }

    /// What is known of one, to be added to.
    pub(super) fn of(&mut self, remedy: Remedy, source: u32, now: f64) -> &mut Own {
        if self.of.len() >= MAX_REMEDIES && !self.of.contains_key(&remedy) {
            let by_use =
                |(_, a): &(&Remedy, &Own), (_, b): &(&Remedy, &Own)| a.used.total_cmp(&b.used);
            let oldest = self
                .of
                .iter()
                .min_by(by_use)
                .map(|(remedy, _)| remedy.clone());
            if oldest.is_some_and(|oldest| self.of.remove(&oldest).is_some()) {
                self.forgotten += 1;
            }
        }
        let own = self.of.entry(remedy).or_insert_with(|| Own {
            source,
            counts: Cells::new(0, HALF_LIFE, now),
            latency: Latencies::default(),
            fails_after: FAILS_AFTER,
            last: None,
            used: now,
        });
        own.used = now;
        own
    }

    /// All of them.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Remedy, &Own)> {
        self.of.iter()
    }

    /// An earlier process knew that of a remedy. What is known already is newer.
    pub(super) fn recall(&mut self, remedy: Remedy, own: Own) {
        if self.of.len() < MAX_REMEDIES {
            self.of.entry(remedy).or_insert(own);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

// === impl Own ===

impl Own {
    /// What an earlier process knew at that moment.
    pub(super) fn recalled(
        (source, last): (u32, Option<Needs>),
        outcomes: [f64; 2],
        (latency, fails_after): (Latencies, f64),
        at: f64,
    ) -> Self {
        let mut counts = Cells::new(0, HALF_LIFE, at);
        counts.add((), outcomes, at);
        Self {
            source,
            counts,
            latency,
            fails_after,
            last,
            used: at,
        }
    }

    /// Successes and failures, as they weigh now.
    pub(super) fn counts(&self, now: f64) -> [f64; 2] {
        self.counts.read(&(), now).unwrap_or_default()
    }

    /// A run ended after so many seconds.
    pub(super) fn ended(&mut self, ended: Ended, took: f64, now: f64) {
        match ended {
            Ended::Well => {
                self.counts.add((), [1.0, 0.0], now);
                self.latency.answered(took);
            }
            Ended::Badly(share) => {
                self.counts.add((), [0.0, share], now);
                self.fails_after += OF_LATEST * (took - self.fails_after);
            }
            Ended::CutOff(share) => {
                self.counts.add((), [0.0, share], now);
                self.latency.cut_off(took);
            }
        }
    }
}
