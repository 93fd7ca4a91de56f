//! What was asked against what came.

use std::collections::BTreeSet;

use crate::classify::{recorded::Recorded, rules::condition::Scene};

/// A list in the request, and where its items come back.
#[derive(Debug)]
pub(super) struct Completeness {
    pub(super) query: Box<str>,
    pub(super) split: Box<str>,
    pub(super) slot: usize,
    pub(super) pointer: Box<str>,
}

// === impl Completeness ===

impl Completeness {
    /// Whether some came, and not all. Where nothing came, there is more to say than this.
    pub(super) fn is_partial(&self, scene: &Scene<'_>) -> bool {
        let got = scene.found().map_or(0, |found| found.count(self.slot));
        let got = usize::try_from(got).unwrap_or(usize::MAX);
        got > 0 && self.asked(scene.recorded) > got
    }

    /// How many different things were asked for.
    fn asked(&self, recorded: &Recorded) -> usize {
        let values: Vec<_> = recorded.query(&self.query).collect();
        let parts = values.iter().flat_map(|value| value.split(&*self.split));
        let parts: BTreeSet<&str> = parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        parts.len()
    }
}
