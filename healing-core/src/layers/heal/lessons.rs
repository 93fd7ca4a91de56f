//! What the run of a strategy teaches, and how it goes on record.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    attempt::{Miss, Refusal},
    layers::heal::{attempts::Trace, scene::Scene},
    learner::{Ended, Needs, Ran, Remedy, decision::Outcome},
    lock::lock,
    vocabulary::fault::Fault,
};

/// What was waited for less than this had no fair chance.
const FAIR: Duration = Duration::from_secs(1);

/// The run of a strategy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Its place in the treatment's list.
    pub(crate) n: usize,
    pub(crate) name: &'static str,
    pub(crate) began: Instant,
}

impl<S, E> Scene<S, E> {
    /// It had an answer, which may be given or not. Where it may, what it needed is in order, and what failed before it for
    /// this request failed because of the rest.
    pub(crate) fn answered_by(&mut self, tally: Tally, trace: &Mutex<Trace>, is_given: bool) {
        let (good, last) = {
            let trace = lock(trace);
            (trace.good, trace.last)
        };
        self.ledger().failed(lock(trace).failures.iter().copied());
        if !is_given {
            self.learn(tally, Ended::Badly(1.0), last);
            let below = Outcome::Refused(Refusal::BelowTheFloor);
            return self.ledger().tried(tally.n, below);
        }
        self.learn(tally, Ended::Well, last);
        let house = Arc::clone(&self.place.house);
        let now = house.clock.since_start(house.clock.now());
        if let Some(by) = good {
            house.learner.exonerated(self.ledger().failures(), &by, now);
        }
        self.ledger().tried(tally.n, Outcome::Answered);
    }

    /// It did not answer. Where it did not ask either, nothing is learned.
    pub(crate) fn missed(&mut self, tally: Tally, trace: &Mutex<Trace>, miss: &Miss) {
        let (failures, last, cut_off) = {
            let trace = lock(trace);
            (trace.failures.clone(), trace.last, trace.cut_off)
        };
        let on_nothing = failures.last().map(|failure| failure.on_nothing);
        let ended = match (miss, on_nothing) {
            (_, Some(share)) if cut_off => Some(Ended::CutOff(share)),
            (_, Some(share)) => Some(Ended::Badly(share)),
            (Miss::Fault(_) | Miss::Elsewhere(_), None) => Some(Ended::Badly(1.0)),
            (Miss::Refused(_), None) => None,
        };
        if let Some(ended) = ended {
            self.learn(tally, ended, last);
        }
        let outcome = match miss {
            Miss::Fault(fault) | Miss::Elsewhere(fault) => Outcome::of(fault),
            Miss::Refused(refusal) => Outcome::Refused(*refusal),
        };
        self.ledger().failed(failures);
        self.ledger().tried(tally.n, outcome);
    }

    /// The time was over before it had an answer.
    pub(crate) fn too_late(&mut self, tally: Tally, trace: &Mutex<Trace>) {
        self.ledger().tried(tally.n, Outcome::TooLate);
        let now = self.place.house.clock.now();
        if now.saturating_duration_since(tally.began) < FAIR {
            return; // it was given no fair chance, which is our doing
        }
        let (underway, last) = {
            let trace = lock(trace);
            (trace.underway.clone(), trace.last)
        };
        let share = match underway {
            Some((place, needs)) => {
                place.learns_of(&Fault::cut_off(), &needs, now);
                place
                    .take_failure()
                    .map_or(1.0, |failure| failure.on_nothing)
            }
            None => 1.0,
        };
        self.learn(tally, Ended::CutOff(share), last);
    }

    /// It was dropped, for the call that it was made beside came in first: that it works is not known, and how long it takes
    /// only from below.
    pub(super) fn outrun(&self, tally: Tally, trace: &Mutex<Trace>) {
        let last = lock(trace).last;
        self.learn(tally, Ended::CutOff(0.0), last);
    }

    fn learn(&self, tally: Tally, ended: Ended, last: Option<Needs>) {
        let (place, clock) = (&self.place, &self.place.house.clock);
        let now = clock.now();
        let remedy = Remedy {
            route: place.route.gate.number(),
            name: tally.name.into(),
        };
        let source = place.route.source.number();
        let run = Ran {
            ended,
            took: now.saturating_duration_since(tally.began),
            last,
        };
        let learner = &place.house.learner;
        learner.ran((remedy, source), &run, clock.since_start(now));
    }
}
