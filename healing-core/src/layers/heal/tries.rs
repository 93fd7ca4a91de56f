//! Trying the strategies for one request, the most promising first.

use std::sync::{Arc, Mutex, atomic::Ordering::Relaxed};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{sleep_until, timeout_at};
use tower_service::Service;

use crate::{
    attempt::{Answer, TransportError},
    body::{Body, BoxError},
    layers::heal::{
        attempts::Calls,
        call::Last,
        lessons::Tally,
        outlook::{Choice, Situation},
        scene::Scene,
    },
    plan::Costs,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{CacheUse, Provenance, StrategyId},
    },
};

/// What a strategy came to.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the answer, and is moved once"
)]
enum Tried {
    Answered(Response<Body>, Provenance),
    Missed(Option<Fault>),
    TooLate,
}

// === impl Scene ===

impl<S, R> Scene<S, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Tries the strategies, the most promising first, as long as what is in hand can wait; each that fails tells about those
    /// that are left. Returns whether one answered.
    pub(crate) async fn heal(
        &mut self,
        faults: &mut Vec<Fault>,
        last: &Arc<Mutex<Last<S::Error>>>,
    ) -> bool {
        let failure = self.place.take_failure();
        self.ledger().failed(failure);
        let Some(first) = self.choose(faults, &[]) else {
            return false;
        };
        // Boxed, so that a request that needs none of this does not carry it along.
        Box::pin(self.try_each(first, faults, last)).await
    }

    async fn try_each(
        &mut self,
        first: Choice,
        faults: &mut Vec<Fault>,
        last: &Arc<Mutex<Last<S::Error>>>,
    ) -> bool {
        let mut tried = Vec::new();
        let mut next = Some(first);
        while let Some(choice) = next {
            if !self.is_awaited() {
                return true;
            }
            tried.push(choice.n);
            match self.attempt(choice, faults, last).await {
                Tried::Answered(response, truth) => {
                    let first = faults.first().cloned();
                    let fault = match first {
                        Some(fault) if fault.is_resting() => Some(fault.with_wait(None)),
                        fault => fault,
                    };
                    self.healed(response, Provenance { fault, ..truth });
                    return true;
                }
                Tried::Missed(missed) => faults.extend(missed),
                Tried::TooLate => break,
            }
            next = self.choose(faults, &tried);
        }
        false
    }

    /// What is tried next. Its calls are cut short only where there is something else to try.
    fn choose(&mut self, faults: &[Fault], tried: &[usize]) -> Option<Choice> {
        let now = self.place.house.clock.now();
        let is_first = !self.ledger().has_chosen();
        let outlook = self.place.outlook(&Situation {
            draws: is_first && self.place.may_draw(now),
            now,
            faults,
            floor: self.floor(faults),
            in_hand: self
                .in_hand
                .as_ref()
                .map(|copy| copy.age(now, &self.place.house.clock)),
            tried,
            lets: self.beside.lets(),
        });
        self.ledger().looked(&outlook.seen);
        let (first, others) = outlook.order.split_first()?;
        if is_first {
            let spent = self.cost_so_far();
            self.ledger().chose(outlook.stood, outlook.drawn, spent);
        }
        Some(Choice {
            limit: first.limit.filter(|_| !others.is_empty()),
            ..*first
        })
    }

    /// What the request has cost until now, in worth.
    fn cost_so_far(&self) -> f64 {
        let costs = Costs::default();
        costs.per_second * self.waited().as_secs_f64() + costs.per_call * f64::from(self.attempts)
    }

    async fn attempt(
        &mut self,
        choice: Choice,
        faults: &[Fault],
        last: &Arc<Mutex<Last<S::Error>>>,
    ) -> Tried {
        let floor = self.floor(faults);
        let place = Arc::clone(&self.place);
        let Some(strategy) = place.treatment.strategies.get(choice.n) else {
            return Tried::Missed(None);
        };
        let until = self.until();
        sleep_until(place.house.clock.now() + choice.offer.delay).await;
        let began = place.house.clock.now();
        let calls = Calls::new(self.inner.clone(), Arc::clone(&place), Arc::clone(last));
        let calls = calls.of_which_due(self.calls_due, self.asks_first);
        let mut calls = calls.each_within(choice.limit);
        let (made, stored, due) = (calls.made(), calls.stored(), calls.due());
        let trace = calls.trace();
        let mut run = strategy.run(&place.ask, &mut calls);
        let tried = timeout_at(until, &mut run).await;
        self.attempts += made.load(Relaxed);
        self.calls_due = due.load(Relaxed);
        let tally = Tally {
            n: choice.n,
            name: strategy.id().as_str(),
            began,
        };
        match tried {
            Ok(Ok(answer)) => {
                let cache = self.cache_use(stored.load(Relaxed));
                let truth = self.truth_of(&answer, (strategy.id(), cache), floor);
                self.answered_by(tally, &trace, truth.is_some());
                match truth {
                    Some(truth) => Tried::Answered(answer.response, truth),
                    None => Tried::Missed(None),
                }
            }
            Ok(Err(miss)) => {
                self.missed(tally, &trace, &miss);
                Tried::Missed(miss.into_fault())
            }
            Err(_) => {
                self.too_late(tally, &trace);
                if let (Some(copy), Some(fault)) = (self.in_hand.clone(), faults.first()) {
                    self.stale(&copy, fault.clone(), CacheUse::AfterFault);
                    // The caller has gone on with the copy; the answer may still come, and be the next caller's.
                    let _late = timeout_at(self.arrived + place.treatment.timeout, run).await;
                }
                Tried::TooLate
            }
        }
    }

    /// What an answer of a strategy really is: what a layer further in says of it holds, for fidelity never rises on the way
    /// out. `None` where that is less than the caller takes.
    pub(super) fn truth_of(
        &self,
        answer: &Answer,
        (id, cache): (StrategyId, CacheUse),
        floor: Fidelity,
    ) -> Option<Provenance> {
        let inner = answer.response.extensions().get::<Provenance>();
        let fidelity = inner.map_or(answer.fidelity, |inner| {
            answer
                .fidelity
                .max(inner.fidelity.unwrap_or(answer.fidelity))
        });
        let age = inner.and_then(|inner| inner.age);
        let young = |most| age.is_none_or(|age| age <= most);
        let taken = fidelity.meets(floor) && self.place.ask.floor.max_age.is_none_or(young);
        let instead = answer.instead.as_ref();
        let instead = instead.or_else(|| inner.and_then(|inner| inner.instead.as_ref()));
        taken.then(|| Provenance {
            age,
            instead: instead.cloned(),
            ..self.truth(Some(fidelity), id, cache)
        })
    }

    /// The lowest fidelity worth trying for: nothing further away than what is in hand, or than data that stands still.
    pub(crate) fn floor(&self, faults: &[Fault]) -> Fidelity {
        let floor = self.place.ask.floor.fidelity;
        let stands_still = |fault: &Fault| fault.class == FaultClass::StaleData;
        if self.in_hand.is_some() || faults.first().is_some_and(stands_still) {
            floor.min(Fidelity::Stale)
        } else {
            floor
        }
    }
}
