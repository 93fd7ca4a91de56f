//! What holds over all sources: what to expect of a remedy, a fault, an outage that nobody has seen here yet.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    learn::{Cause, Latencies, Pooled, pool},
    learner::{
        known::{CAUSES, Sources, number_of},
        remedies::Remedies,
    },
};

/// It is taken anew so often, in seconds, where something was learned.
const FIT_EVERY: f64 = 60.0;

/// And sooner after so many outcomes,
const ENOUGH: u32 = 200;

/// but never sooner than after so many seconds.
const REST: f64 = 5.0;

/// What the design expects of any remedy: successes in so many attempts.
const DESIGN: (f64, f64) = (4.75, 5.0);

/// How much the usual length of an outage counts, in outages.
const OF_USUAL: f64 = 3.0;

/// What holds over all sources.
#[derive(Debug)]
pub(super) struct Outer {
    /// By the strategy's name.
    pooled: BTreeMap<Cow<'static, str>, Pooled>,
    untried: Pooled,
    culprits: [[f64; 6]; CAUSES],
    outages: [f64; CAUSES],
    latency: Latencies,
    fitted: f64,
    outcomes: u32,
}

// === impl Outer ===

impl Default for Outer {
    fn default() -> Self {
        Self {
            pooled: BTreeMap::new(),
            untried: pool(&[DESIGN]),
            culprits: [[0.0; 6]; CAUSES],
            outages: Cause::ALL.map(Cause::usual_outage),
            latency: Latencies::usual(),
            fitted: 0.0,
            outcomes: 0,
        }
    }
}

impl Outer {
    /// What to expect of a strategy at a source that has not tried it. One that nobody has tried is expected to work as most
    /// do: it would never be tried otherwise.
    pub(super) fn pooled(&self, name: &str) -> Pooled {
        self.pooled.get(name).copied().unwrap_or(self.untried)
    }

    pub(super) fn everywhere(&self, cause: Cause) -> &[f64; 6] {
        self.culprits.get(number_of(cause)).unwrap_or(&[0.0; 6])
    }

    pub(super) fn usual_outage(&self, cause: Cause) -> f64 {
        let seen = self.outages.get(number_of(cause));
        seen.copied().unwrap_or_else(|| cause.usual_outage())
    }

    pub(super) const fn latency(&self) -> &Latencies {
        &self.latency
    }

    /// An outcome came.
    pub(super) const fn learned(&mut self) {
        self.outcomes = self.outcomes.saturating_add(1);
    }

    pub(super) fn is_due(&self, now: f64) -> bool {
        let since = now - self.fitted;
        since >= FIT_EVERY || (self.outcomes >= ENOUGH && since >= REST)
    }

    /// Takes it anew from what is known of all sources.
    pub(super) fn fit(&mut self, remedies: &Remedies, sources: &Sources, now: f64) {
        (self.fitted, self.outcomes) = (now, 0);
        let mut tried: BTreeMap<Cow<'static, str>, BTreeMap<u32, (f64, f64)>> = BTreeMap::new();
        let mut latencies = Vec::with_capacity(remedies.len());
        for (remedy, own) in remedies.each() {
            let [succeeded, failed] = own.counts(now);
            let at_source = tried.entry(remedy.name.clone()).or_default();
            let (all, of) = at_source.entry(own.source).or_default();
            *all += succeeded;
            *of += succeeded + failed;
            latencies.push(own.latency);
        }
        let of_strategy = |(name, by_source): (Cow<'static, str>, BTreeMap<u32, (f64, f64)>)| {
            let counts: Vec<(f64, f64)> = by_source.into_values().chain([DESIGN]).collect();
            (name, pool(&counts))
        };
        self.pooled = tried.into_iter().map(of_strategy).collect();
        self.latency = Latencies::together(&latencies, &Latencies::usual());
        for (n, cause) in Cause::ALL.into_iter().enumerate() {
            self.fit_cause((n, cause), sources);
        }
    }

    fn fit_cause(&mut self, (n, cause): (usize, Cause), sources: &Sources) {
        let (mut culprits, mut count, mut seconds) = ([0.0; 6], 0.0, 0.0);
        for known in sources.all() {
            let seen = known.culprits.get(n).into_iter().flatten();
            culprits
                .iter_mut()
                .zip(seen)
                .for_each(|(all, own)| *all += own);
            if let Some(outages) = known.outages.get(n) {
                count += outages.count;
                seconds += outages.seconds;
            }
        }
        if let Some(all) = self.culprits.get_mut(n) {
            *all = culprits;
        }
        if let Some(mean) = self.outages.get_mut(n) {
            *mean = (OF_USUAL * cause.usual_outage() + seconds) / (OF_USUAL + count);
        }
    }
}
