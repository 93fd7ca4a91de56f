//! Which parts of which source are suspect: whether a good answer has anything to clear.

use std::collections::BTreeMap;

use crate::learn::{Beliefs, Culprit, Part};

/// A part less probably down than this is as good as any other.
const CALM: f64 = 0.02;

/// The most suspects of one source. Beyond it one is not noted, and clears by time alone.
const MAX_SUSPECTS: usize = 64;

/// The most sources with suspects.
const MAX_SOURCES: usize = 1_024;

/// Our own network.
const NETWORK: Part = Part {
    kind: Culprit::Network,
    number: 0,
};

/// The suspects by source.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    of: BTreeMap<u32, Vec<Part>>,
    network: bool,
    unnoted: u64,
}

/// What is still suspect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Left {
    pub(super) source: bool,
    pub(super) network: bool,
}

// === impl Suspects ===

impl Suspects {
    /// These parts of a source are suspect.
    pub(super) fn note(&mut self, source: u32, parts: &[Part]) {
        self.network |= parts.iter().any(|part| part.kind == Culprit::Network);
        if self.of.len() >= MAX_SOURCES && !self.of.contains_key(&source) {
            self.unnoted += 1;
            return;
        }
        let own = self.of.entry(source).or_default();
        let new = parts.iter().filter(|part| part.kind != Culprit::Network);
        for part in new {
            match own.len() {
                _ if own.contains(part) => {}
                0..MAX_SUSPECTS => own.push(*part),
                _ => self.unnoted += 1,
            }
        }
    }

    /// Our own network is suspect.
    pub(super) const fn note_network(&mut self) {
        self.network = true;
    }

    pub(super) const fn has_network(&self) -> bool {
        self.network
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty() && !self.network
    }

    /// All that is noted, each with its source.
    pub(super) fn all(&self) -> impl Iterator<Item = (Part, Option<u32>)> {
        let network = self.network.then_some((NETWORK, None));
        let of_sources = self.of.iter();
        let of_sources =
            of_sources.flat_map(|(source, own)| own.iter().map(|part| (*part, Some(*source))));
        network.into_iter().chain(of_sources)
    }

    /// How many were not noted.
    pub(super) const fn unnoted(&self) -> u64 {
        self.unnoted
    }

    /// Looks again which of a source still are.
    pub(super) fn look(&mut self, source: u32, beliefs: &Beliefs, now: f64) -> Left {
        let is_suspect = |part: &Part| beliefs.down(*part, now) > CALM;
        let of_source = self.of.get_mut(&source).is_some_and(|own| {
            own.retain(is_suspect);
            !own.is_empty()
        });
        if !of_source {
            self.of.remove(&source);
        }
        self.network &= is_suspect(&NETWORK);
        Left {
            source: of_source,
            network: self.network,
        }
    }
}
