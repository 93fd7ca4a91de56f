//! What was asked against what came.

use std::collections::BTreeSet;

use crate::classify::{exchange::Exchange, rules::condition::Scene};

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
        got > 0 && self.asks_more_than(got, &scene.exchange)
    }

    /// Whether more different things were asked for than that. An answer that is whole is told from their number alone.
    fn asks_more_than(&self, got: usize, exchange: &Exchange<'_>) -> bool {
        let parts = |value: &str| value.split(&*self.split).count();
        let at_most: usize = exchange.query(&self.query).map(|value| parts(&value)).sum();
        if at_most <= got {
            return false;
        }
        let values: Vec<_> = exchange.query(&self.query).collect();
        let parts = values.iter().flat_map(|value| value.split(&*self.split));
        let parts: BTreeSet<&str> = parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        parts.len() > got
    }
}
