//! What is known of each source: who is to blame there, and how long its outages last.

use std::collections::BTreeMap;

use crate::learn::{Blame, Cause, Outages};

/// The most sources of which something is known; of any further one nothing is learned, which is counted.
const MAX_SOURCES: usize = 1_024;

/// What an episode leaves of those before it: about the last fifty count.
const CULPRITS_DECAY: f64 = 0.98;

/// How many causes there are.
pub(super) const CAUSES: usize = Cause::ALL.len();

/// What is known of all sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    of: BTreeMap<u32, Known>,
    unlearned: u64,
}

/// What is known of one, by cause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    pub(super) culprits: [[f64; 6]; CAUSES],
    pub(super) outages: [Outages; CAUSES],
    /// When something was learned last, in seconds since the start.
    pub(super) changed: f64,
}

// === impl Sources ===

impl Sources {
    /// Who is to blame at a source, where `everywhere` is what was seen at all of them.
    pub(super) fn blame(&self, source: u32, cause: Cause, everywhere: &[f64; 6]) -> Blame {
        let known = self.of.get(&source).copied().unwrap_or_default();
        let here = known.culprits.get(number_of(cause));
        Blame::learned(cause, everywhere, here.unwrap_or(&[0.0; 6]))
    }

    /// How long its outages of that cause have lasted.
    pub(super) fn outages(&self, source: u32, cause: Cause) -> Outages {
        let known = self.of.get(&source);
        let outages = known.and_then(|known| known.outages.get(number_of(cause)));
        outages.copied().unwrap_or_default()
    }

    /// An outage there is over.
    pub(super) fn ended(&mut self, (source, now): (u32, f64), cause: Cause, seconds: f64) {
        let known = self.known(source, now);
        if let Some(outages) = known.and_then(|known| known.outages.get_mut(number_of(cause))) {
            outages.ended(seconds);
        }
    }

    /// Who was to blame there once.
    pub(super) fn blamed(&mut self, (source, now): (u32, f64), cause: Cause, shares: &[f64; 6]) {
        let known = self.known(source, now);
        let Some(counts) = known.and_then(|known| known.culprits.get_mut(number_of(cause))) else {
            return;
        };
        for (count, share) in counts.iter_mut().zip(shares) {
            *count = *count * CULPRITS_DECAY + share;
        }
    }

    /// All that is known.
    pub(super) fn all(&self) -> impl Iterator<Item = &Known> {
        self.of.values()
    }

    /// All that is known, by the number of the source.
    pub(super) fn each(&self) -> impl Iterator<Item = (&u32, &Known)> {
        self.of.iter()
    }

    /// An earlier process knew that of a source. What is known already is newer.
    pub(super) fn recall(&mut self, source: u32, known: Known) {
        if self.of.len() < MAX_SOURCES {
            self.of.entry(source).or_insert(known);
        }
    }

    pub(super) const fn unlearned(&self) -> u64 {
        self.unlearned
    }

    fn known(&mut self, source: u32, now: f64) -> Option<&mut Known> {
        if self.of.len() >= MAX_SOURCES && !self.of.contains_key(&source) {
            self.unlearned += 1;
            return None;
        }
        let known = self.of.entry(source).or_default();
        known.changed = now;
        Some(known)
    }
}

/// Where a cause stands in the lists.
pub(super) fn number_of(cause: Cause) -> usize {
    let mut all = Cause::ALL.iter();
    all.position(|own| *own == cause).unwrap_or_default()
}
