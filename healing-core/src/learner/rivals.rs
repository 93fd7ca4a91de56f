//! What is to be expected of a call that is under way, and of one that could be made beside it.

use std::{borrow::Cow, time::Duration};

use crate::{
    learn::{Chance, Latencies},
    learner::{Learner, Needs, Query, Remedy, State},
    lock::lock,
    vocabulary::provenance::StrategyId,
};

/// The prospects of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rivals {
    /// Of the one under way, as they were when it was sent.
    pub(crate) first: Chance,
    /// Of the other.
    pub(crate) other: Chance,
    /// How long the other's good answers took.
    pub(crate) latency: Latencies,
    /// How probably something is down that both need: then the other is no way around it.
    pub(crate) in_common: f64,
}

// === impl Learner ===

impl Learner {
    /// What is to be expected of a first call that needs those.
    pub(crate) fn of_first(&self, needs: &Needs, now: Duration) -> Chance {
        lock(&self.state).of_first(needs, now.as_secs_f64())
    }

    /// What is to be expected of a call under way at a route that needs those, and of a remedy beside it.
    pub(crate) fn rivals(
        &self,
        route: u32,
        (first, other): (&Needs, &Query),
        now: Duration,
    ) -> Rivals {
        let (state, now) = (lock(&self.state), now.as_secs_f64());
        let own = state.remedies.get(&Remedy {
            route,
            name: Cow::Borrowed(other.id.as_str()),
        });
        let [succeeded, failed] = own.map_or([0.0; 2], |own| own.counts(now));
        let pooled = state.outer.pooled(other.id.as_str());
        let reliability = pooled.after(succeeded, succeeded + failed);
        let places = other.places.iter();
        let parts = |needs: &Needs| needs.parts();
        let in_common = parts(first)
            .into_iter()
            .filter(|part| places.clone().all(|place| parts(place).contains(part)));
        Rivals {
            first: state.of_first(first, now),
            other: state.one_of(reliability, places.clone().copied(), now),
            latency: own.map_or_else(Latencies::default, |own| own.latency),
            in_common: in_common
                .map(|part| state.beliefs.down(part, now))
                .fold(0.0, f64::max),
        }
    }
}

// === impl State ===

impl State {
    fn of_first(&self, needs: &Needs, now: f64) -> Chance {
        let usual = self.outer.pooled(StrategyId::DIRECT.as_str()).mean;
        self.one_of(usual, std::iter::once(*needs), now)
    }
}
