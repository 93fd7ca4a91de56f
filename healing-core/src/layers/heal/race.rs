//! A second call beside a first one that takes long; the first acceptable answer of the two is given.
//!
//! When to make it is no setting. While the first call is silent, what it is still worth to wait for it falls; when that is
//! less than what a call elsewhere is worth, with all that one costs, it is made (`plan::Underway`, `docs/src/strategies.md`).
//! Before the earliest such moment a request pays for one timer; without the strategy it pays nothing.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, select};
use http::{Request, Response};
use tokio::time::{Instant, error::Elapsed, timeout_at};
use tower_service::Service;

use crate::{
    attempt::{Answer, Miss, Refusal, TransportError},
    body::{Body, BoxError},
    health::tally::Tally as RouteTally,
    layers::heal::{
        attempts::{Calls, Trace},
        call::{Bad, Good, Last, Place},
        lessons::Tally,
        outlook::ENOUGH,
        scene::Scene,
    },
    learn::Latencies,
    learner::{
        decision::{Considered, Figures, Left, Outcome},
        worth,
    },
    pace::Pass,
    plan::{Costs, GATE, Underway},
    vocabulary::{
        fault::Fault,
        fidelity::Fidelity,
        provenance::{Provenance, StrategyId},
    },
};

/// No second call sooner: one is worth 0.2 s of waiting, so what little it could save before that does not pay for it.
const SOONEST: Duration = Duration::from_millis(150);

/// No second call sooner where too little is known of how long the route takes: the longest limit of a planned call.
const SOONEST_UNKNOWN: Duration = Duration::from_millis(2_200);

/// Between one look and the next the first call has been waited for so much longer, as a bin of latencies is wide.
const LATER: f64 = 1.22;

/// What both calls need is down more probably than this: a second one is no way around it.
const DOWN: f64 = 0.5;

/// Until when a first call is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// Until what is in hand is given, or is looked for elsewhere.
    pub(super) first: Instant,
    /// Until it is given up where there is nothing.
    pub(super) last: Instant,
}

/// Whether a second call is worth it.
enum Worth {
    /// It is; should the first one fail, it is waited for so long.
    Now(Considered, Duration),
    /// Not yet.
    Later,
    /// It cannot be made.
    Never(Refusal),
}

/// What a first call came to; an error where it was not waited for any longer.
pub(super) type Called<E> = Result<Result<Good, Bad<E>>, Elapsed>;

/// What is known of a second call, also while it is under way.
struct Second {
    strategy: StrategyId,
    tally: Tally,
    /// How long it is waited for where the first one has failed.
    patience: Duration,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
    trace: Arc<Mutex<Trace>>,
}

// === impl Place ===

impl Place {
    /// Whether a second call is worth it, beside a first one that has been silent for so long.
    fn worth_of_second(&self, n: usize, (waited, now): (Duration, Instant), in_hand: f64) -> Worth {
        let Some(strategy) = self.treatment.strategies.get(n) else {
            return Worth::Never(Refusal::NothingToAsk);
        };
        let query = self.query(strategy.as_ref(), now);
        if query.places.is_empty() {
            return Worth::Never(Refusal::NothingToAsk);
        }
        if self.told_to_wait(&Pass::free(), now) {
            return Worth::Never(Refusal::NotYet);
        }
        let is_known = self.route.tally.good_calls() >= ENOUGH;
        if !is_known && waited < SOONEST_UNKNOWN {
            return Worth::Later;
        }
        let usual = usual_of(&self.route.tally);
        let (house, route) = (&self.house, self.route.gate.number());
        let first = self.needs_now(now);
        let rivals = house
            .learner
            .rivals(route, (&first, &query), house.clock.since_start(now));
        if rivals.in_common > DOWN || rivals.other.up < GATE {
            return Worth::Later;
        }
        let costs = Costs::default();
        let made = Underway {
            worth: worth::of_offer(Fidelity::Exact),
            p: rivals.first.p,
            waited: waited.as_secs_f64(),
            cost: 0.0,
            remaining: self.ask.until.saturating_duration_since(now).as_secs_f64(),
        };
        let to_make = Underway {
            p: rivals.other.p,
            waited: 0.0,
            cost: costs.per_call,
            ..made
        };
        let going_on = costs.index_underway(&Latencies::default().takes(&usual), made);
        let going_on = going_on.map_or(f64::NEG_INFINITY, |(index, _)| index);
        match costs.index_underway(&rivals.latency.takes(&usual), to_make) {
            Some((index, limit)) if index > going_on.max(in_hand) => {
                let patience = Duration::try_from_secs_f64(limit).unwrap_or_default();
                let figures = Figures {
                    p: rivals.other.p,
                    up: rivals.other.up,
                    index: Some(index),
                    limit: Some(patience),
                };
                Worth::Now(considered(strategy.id(), Some(figures)), patience)
            }
            Some(_) | None => Worth::Later,
        }
    }
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
    /// The strategy that asks beside a first call, where one is set and the request lets it.
    pub(super) fn hedge(&self) -> Option<usize> {
        let mut strategies = self.place.treatment.strategies.iter();
        let hedge = strategies.position(|strategy| strategy.hedges())?;
        self.place.ask.body.is_empty().then_some(hedge)
    }

    /// Waits for a first call, and makes a second one beside it once that is worth it. `None` where that one answered the
    /// request: then the first one is not needed any more, and dropped, which tells nothing but that it took longer.
    pub(super) async fn raced<C>(
        &mut self,
        n: usize,
        mut call: Pin<&mut C>,
        waits: Waits,
    ) -> Option<Called<S::Error>>
    where
        C: Future<Output = Result<Good, Bad<S::Error>>> + Send,
    {
        let soonest = (self.arrived + SOONEST).min(waits.first);
        match timeout_at(soonest, call.as_mut()).await {
            Ok(called) => Some(Ok(called)),
            // Boxed, so that a first call that is as quick as most does not carry it along.
            Err(_) => Box::pin(self.race(n, call, waits)).await,
        }
    }

    async fn race<C>(
        &mut self,
        n: usize,
        mut call: Pin<&mut C>,
        waits: Waits,
    ) -> Option<Called<S::Error>>
    where
        C: Future<Output = Result<Good, Bad<S::Error>>> + Send,
    {
        let (considered, patience) = match self.until_worth(n, call.as_mut(), waits.first).await {
            Ok(worth) => worth,
            Err(called) => return Some(called),
        };
        let place = Arc::clone(&self.place);
        let Some(strategy) = place.treatment.strategies.get(n) else {
            return Some(timeout_at(waits.first, call).await);
        };
        let last = Arc::new(Mutex::new(Last::Nothing));
        let mut calls = Calls::new(self.inner.clone(), Arc::clone(&place), last).beside_a_first();
        let second = Second {
            strategy: strategy.id(),
            tally: Tally {
                n,
                name: strategy.id().as_str(),
                began: place.house.clock.now(),
            },
            patience,
            made: calls.made(),
            stored: calls.stored(),
            trace: calls.trace(),
        };
        self.ledger().looked(&[(n, considered)]);
        let mut run = strategy.run(&place.ask, &mut calls);
        let mut until = waits.first;
        loop {
            match timeout_at(until, select(call.as_mut(), run.as_mut())).await {
                Ok(Either::Left((Ok(good), _))) => {
                    self.outran(&second);
                    return Some(Ok(Ok(good)));
                }
                Ok(Either::Left((Err(bad), _))) => return self.left_to(second, run, bad).await,
                Ok(Either::Right((tried, _))) => {
                    let is_answered = self.came(tried, &second, None);
                    return if is_answered {
                        None
                    } else {
                        Some(timeout_at(until, call).await)
                    };
                }
                Err(elapsed) => {
                    self.reach().await;
                    if self.in_hand.is_none() && until < waits.last {
                        until = waits.last;
                        continue;
                    }
                    self.attempts += second.made.load(Relaxed);
                    self.too_late(second.tally, &second.trace);
                    return Some(Err(elapsed));
                }
            }
        }
    }

    /// Waits for the first call until a second one is worth it.
    ///
    /// # Errors
    /// With what became of the first one, where none was.
    async fn until_worth<C>(
        &mut self,
        n: usize,
        mut call: Pin<&mut C>,
        until: Instant,
    ) -> Result<(Considered, Duration), Called<S::Error>>
    where
        C: Future<Output = Result<Good, Bad<S::Error>>> + Send,
    {
        loop {
            let now = self.place.house.clock.now();
            let waited = now.saturating_duration_since(self.arrived);
            let in_hand = self.place.worth_of(self.in_hand.as_deref(), now);
            match self.place.worth_of_second(n, (waited, now), in_hand) {
                Worth::Now(considered, patience) if now < until => {
                    return Ok((considered, patience));
                }
                Worth::Never(refusal) => {
                    self.held_back_second(n, refusal);
                    return Err(timeout_at(until, call).await);
                }
                Worth::Now(..) | Worth::Later => {}
            }
            let next = (self.arrived + waited.mul_f64(LATER)).min(until);
            match timeout_at(next, call.as_mut()).await {
                Ok(called) => return Err(Ok(called)),
                Err(elapsed) if next >= until => return Err(Err(elapsed)),
                Err(_) => {}
            }
        }
    }

    /// The first call failed while the second one was under way: it is paid for, and nothing else would come sooner.
    async fn left_to(
        &mut self,
        second: Second,
        run: BoxFuture<'_, Result<Answer, Miss>>,
        bad: Bad<S::Error>,
    ) -> Option<Called<S::Error>> {
        let failure = self.place.take_failure();
        self.ledger().failed(failure);
        let until = self.place.house.clock.now() + second.patience;
        if let Ok(tried) = timeout_at(until.min(self.until()), run).await {
            if self.came(tried, &second, Some(&bad.fault)) {
                return None;
            }
        } else {
            self.attempts += second.made.load(Relaxed);
            self.too_late(second.tally, &second.trace);
        }
        Some(Ok(Err(bad)))
    }

    /// A second call came to its end. Returns whether its answer was given.
    fn came(
        &mut self,
        tried: Result<Answer, Miss>,
        second: &Second,
        failed: Option<&Fault>,
    ) -> bool {
        let made = second.made.load(Relaxed);
        self.attempts += made;
        let hedges = &self.place.house.hedges;
        let answer = match tried {
            Ok(answer) => answer,
            Err(miss) => {
                hedges.held_back.fetch_add(u64::from(made == 0), Relaxed);
                self.missed(second.tally, &second.trace, &miss);
                return false;
            }
        };
        let cache = self.cache_use(second.stored.load(Relaxed));
        let floor = self.place.ask.floor.fidelity;
        let truth = self.truth_of(&answer, (second.strategy, cache), floor);
        self.answered_by(second.tally, &second.trace, truth.is_some());
        let Some(truth) = truth else {
            return false;
        };
        self.place.house.hedges.won.fetch_add(1, Relaxed);
        self.response_time = self.waited();
        if failed.is_none() {
            self.place.route.tally.outrun(self.response_time);
        }
        let fault = Some(failed.cloned().unwrap_or_else(Fault::cut_off));
        self.healed(answer.response, Provenance { fault, ..truth });
        true
    }

    /// The first call came in first: of the second one, which is dropped, it is known at most that it took longer.
    fn outran(&mut self, second: &Second) {
        self.attempts += second.made.load(Relaxed);
        let now = self.place.house.clock.now();
        // What had little time yet says nothing of how long it takes.
        if now.saturating_duration_since(second.tally.began) >= second.patience {
            self.outrun(second.tally, &second.trace);
        }
    }

    fn held_back_second(&mut self, n: usize, refusal: Refusal) {
        let strategy = self.place.treatment.strategies.get(n);
        if let Some(strategy) = strategy.map(|strategy| strategy.id()) {
            self.place.house.hedges.held_back.fetch_add(1, Relaxed);
            self.ledger().looked(&[(n, considered(strategy, None))]);
            self.ledger().tried(n, Outcome::Refused(refusal));
        }
    }
}

/// How long good answers of a route take, or usually do where too little is known of it.
pub(super) fn usual_of(tally: &RouteTally) -> Latencies {
    if tally.good_calls() >= ENOUGH {
        tally.latencies()
    } else {
        Latencies::usual()
    }
}

/// A second call, before anything became of it.
fn considered(strategy: StrategyId, figures: Option<Figures>) -> Considered {
    Considered {
        strategy,
        fidelity: Some(Fidelity::Exact),
        figures,
        outcome: Outcome::Left(Left::NotReached),
    }
}
