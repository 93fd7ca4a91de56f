//! What is known of remedies and of what they need, put together from [`learn`](crate::learn) for live use.
//!
//! Every attempt that ends is told here: by whom it was made does not matter, what it needed does. Beliefs say what is
//! probably down now, the remedies' own counts how often each works when all is up, and the outer layer what to expect of one
//! that nobody has tried. One lock holds it all, for a microsecond at a time and never across a wait. A good answer from a
//! source of which nothing is suspect takes no lock: it reads two flags.

pub(crate) mod decision;
pub(crate) mod decisions;
pub(crate) mod episodes;
mod known;
pub(crate) mod names;
pub(crate) mod orders;
mod outer;
pub(crate) mod recall;
mod remedies;
mod rivals;
mod suspects;
pub(crate) mod worth;
mod written;

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arrayvec::ArrayVec;

use crate::{
    learn::{Beliefs, Blame, Cause, Chance, Culprit, Latencies, Part},
    learner::{
        decisions::Decisions, episodes::Episodes, known::Sources, outer::Outer, remedies::Remedies,
        suspects::Suspects,
    },
    lock::lock,
    plan::Latency,
    vocabulary::{fault::Fault, provenance::StrategyId},
};

/// The most places that one remedy is planned to ask.
pub(crate) const MAX_PLACES: usize = 4;

/// What learns, shared by all requests.
pub(crate) struct Learner {
    state: Mutex<State>,
    /// Whether our own network is suspect: then good answers of all sources count.
    network: AtomicBool,
    pub(crate) decisions: Decisions,
    pub(crate) episodes: Episodes,
}

/// What an attempt needed, each by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Needs {
    pub(crate) source: u32,
    pub(crate) upstream: u32,
    pub(crate) key: u32,
    pub(crate) endpoint: u32,
}

/// A remedy at a route.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Remedy {
    /// The number of the asked route.
    pub(crate) route: u32,
    /// The strategy's name.
    pub(crate) name: Cow<'static, str>,
}

/// What is asked about a remedy before it is tried.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) id: StrategyId,
    /// What each of the places needs that it would ask, where that is known beforehand.
    pub(crate) places: ArrayVec<Needs, MAX_PLACES>,
    /// Whether it asks the asked place itself, whose good answers tell how long its own take.
    pub(crate) is_same: bool,
}

/// What is to be expected of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prospect {
    pub(crate) chance: Chance,
    pub(crate) latency: Latency,
    /// How long it takes to fail, in seconds.
    pub(crate) fails_after: f64,
}

/// An attempt that failed, as far as it matters to those after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) needs: Needs,
    pub(crate) cause: Cause,
    /// The share of blame that lies on nothing that lasts.
    pub(crate) on_nothing: f64,
}

/// How one run of a remedy ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    /// With an answer.
    Well,
    /// Without; the share of it that tells against the remedy itself.
    Badly(f64),
    /// It was not waited for any longer; the share that tells against it.
    CutOff(f64),
}

/// One run of a remedy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) ended: Ended,
    pub(crate) took: Duration,
    /// What the last place needed that it asked.
    pub(crate) last: Option<Needs>,
}

/// What a reading of the learner shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LearnerCounts {
    /// Remedies at routes of which something is known.
    pub remedies: usize,
    /// How many were forgotten because there was no room: those that had not been used for longest.
    pub forgotten: u64,
    /// How much was not learned because there was no room for a source or another suspect of it.
    pub unlearned: u64,
    /// Decisions on record.
    pub decisions: usize,
    /// Healed requests from which another order can be judged.
    pub episodes: usize,
    /// How many of these went because there was no room: the oldest.
    pub episodes_forgotten: u64,
    /// Lessons of an earlier process that could not be read.
    pub set_aside: u64,
}

#[derive(Debug, Default)]
struct State {
    beliefs: Beliefs,
    suspects: Suspects,
    sources: Sources,
    remedies: Remedies,
    outer: Outer,
    set_aside: u64,
}

// === impl Learner ===

impl Learner {
    /// Knows nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            network: AtomicBool::new(false),
            decisions: Decisions::default(),
            episodes: Episodes::default(),
        }
    }

    /// Whether a good answer has anything to clear. `source` is the flag of the source that gave it. All that a healthy
    /// request reads.
    pub(crate) fn listens(&self, source: &AtomicBool) -> bool {
        source.load(Relaxed) || self.network.load(Relaxed)
    }

    /// An attempt succeeded: what it needed is in order.
    pub(crate) fn succeeded(&self, needs: &Needs, source: &AtomicBool, now: Duration) {
        let (mut state, now) = (lock(&self.state), now.as_secs_f64());
        let state = &mut *state;
        for (_, cause, seconds) in state.beliefs.succeeded(&needs.parts(), now) {
            state.sources.ended((needs.source, now), cause, seconds);
        }
        let left = state.suspects.look(needs.source, &state.beliefs, now);
        // Under the lock, so that no failure in between is forgotten.
        source.store(left.source, Relaxed);
        self.network.store(left.network, Relaxed);
    }

    /// An attempt failed. `None` where nothing is to be learned from that: a caller's own mistake, a change of shape that may
    /// be the new shape, a source that was not asked.
    pub(crate) fn failed(
        &self,
        needs: &Needs,
        (fault, source): (&Fault, &AtomicBool),
        now: Duration,
    ) -> Option<Failure> {
        let teaches = !fault.is_change_of_shape() && !fault.is_resting() && !fault.is_held_back();
        let cause = Cause::of(fault.class).filter(|_| teaches)?;
        let mut parts = needs.parts();
        if fault.was_heard() {
            parts.retain(|part| part.kind != Culprit::Network);
        }
        let (mut state, now) = (lock(&self.state), now.as_secs_f64());
        let blame = state.blame(needs.source, cause);
        let on_nothing = state.beliefs.failed(&parts, &blame, now);
        state.suspects.note(needs.source, &parts);
        source.store(true, Relaxed);
        if parts.iter().any(|part| part.kind == Culprit::Network) {
            self.network.store(true, Relaxed);
        }
        Some(Failure {
            needs: *needs,
            cause,
            on_nothing,
        })
    }

    /// What the failed attempts of a request needed and the one that succeeded did not is to blame.
    pub(crate) fn exonerated(&self, failures: &[Failure], by: &Needs, now: Duration) {
        let (mut state, now) = (lock(&self.state), now.as_secs_f64());
        let cleared = by.parts();
        for failure in failures {
            let blame = state.blame(failure.needs.source, failure.cause);
            let left = failure.needs.parts();
            let left = left.into_iter().filter(|part| !cleared.contains(part));
            let shares = state.beliefs.exonerated(left, &blame, now);
            let source = (failure.needs.source, now);
            state.sources.blamed(source, failure.cause, &shares);
        }
    }

    /// A remedy of a route of that source was run.
    pub(crate) fn ran(&self, (remedy, source): (Remedy, u32), run: &Ran, now: Duration) {
        let (mut state, now) = (lock(&self.state), now.as_secs_f64());
        let own = state.remedies.of(remedy, source, now);
        own.ended(run.ended, run.took.as_secs_f64(), now);
        if run.last.is_some() {
            own.last = run.last;
        }
        state.outer.learned();
        let State {
            outer,
            remedies,
            sources,
            ..
        } = &mut *state;
        if outer.is_due(now) {
            outer.fit(remedies, sources, now);
        }
    }

    /// What is to be expected of remedies at a route, in their order. `usually` is how long good answers of the asked place
    /// take.
    pub(crate) fn prospects(
        &self,
        route: u32,
        queries: &[Query],
        (usually, now): (Option<&Latencies>, Duration),
    ) -> Vec<Prospect> {
        let (state, now) = (lock(&self.state), now.as_secs_f64());
        let prospect = |query: &Query| state.prospect(route, (query, usually), now);
        queries.iter().map(prospect).collect()
    }

    /// What it holds.
    pub(crate) fn counts(&self) -> LearnerCounts {
        let (episodes, episodes_forgotten) = self.episodes.counts();
        let state = lock(&self.state);
        LearnerCounts {
            episodes,
            episodes_forgotten,
            remedies: state.remedies.len(),
            forgotten: state.remedies.forgotten(),
            unlearned: state.sources.unlearned() + state.suspects.unnoted(),
            decisions: self.decisions.len(),
            set_aside: state.set_aside,
        }
    }
}

impl fmt::Debug for Learner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learner")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    fn blame(&self, source: u32, cause: Cause) -> Blame {
        let usual = self.outer.usual_outage(cause);
        self.sources
            .blame(source, cause, self.outer.everywhere(cause))
            .lasting(self.sources.outages(source, cause).mean(usual))
    }

    fn prospect(
        &self,
        route: u32,
        (query, usually): (&Query, Option<&Latencies>),
        now: f64,
    ) -> Prospect {
        let name = query.id.as_str();
        let own = self.remedies.get(&Remedy {
            route,
            name: Cow::Borrowed(name),
        });
        let [succeeded, failed] = own.map_or([0.0; 2], |own| own.counts(now));
        let pooled = self.outer.pooled(name);
        let reliability = pooled.after(succeeded, succeeded + failed);
        let last = own.and_then(|own| own.last);
        let unknown = query.places.is_empty();
        let places = query.places.iter().copied();
        let places = places.chain(last.filter(|_| unknown));
        let elsewhere = self.outer.latency();
        let elsewhere = match usually.filter(|_| query.is_same) {
            Some(usually) => Latencies::together(&[*usually], elsewhere),
            None => *elsewhere,
        };
        let law = own.map_or_else(Latencies::default, |own| own.latency);
        Prospect {
            chance: self.one_of(reliability, places, now),
            latency: law.grid(&elsewhere),
            fails_after: own.map_or(remedies::FAILS_AFTER, |own| own.fails_after),
        }
    }

    /// The chance that one of the places answers, asked one after the other.
    fn one_of(&self, reliability: f64, places: impl Iterator<Item = Needs>, now: f64) -> Chance {
        let (mut all_down, mut hangs, mut any) = (1.0, false, false);
        for needs in places {
            let chance = self.beliefs.chance(1.0, &needs.parts(), now);
            all_down *= 1.0 - chance.up;
            hangs |= chance.hangs;
            any = true;
        }
        let up = if any { 1.0 - all_down } else { 1.0 };
        Chance {
            p: reliability * up,
            up,
            hangs,
        }
    }
}

// === impl Needs ===

impl Needs {
    pub(crate) fn parts(&self) -> ArrayVec<Part, 5> {
        let part = |kind, number| Part { kind, number };
        ArrayVec::from([
            part(Culprit::Network, 0),
            part(Culprit::Source, self.source),
            part(Culprit::Host, self.upstream),
            part(Culprit::Key, self.key),
            part(Culprit::Endpoint, self.endpoint),
        ])
    }
}

#[cfg(test)]
mod tests;
