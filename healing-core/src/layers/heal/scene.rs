//! A request, what is known of it, and who waits for its answer.

use std::{sync::Arc, time::Duration};

use http::{Response, StatusCode, header};
use tokio::time::Instant;

use crate::{
    attempt::Strategy,
    beyond::Sought,
    body::Body,
    flights::{Flight, Outcome},
    kept::{copy::Copy, giving},
    layers::{
        heal::{
            call::{Frozen, Good, Last, Place},
            found::Held,
            handover::Give,
            ledger::Ledger,
        },
        observe::Answered,
    },
    learner::{
        decision::{Decision, Given},
        worth,
    },
    outage::Rest,
    plan::Costs,
    problem::Problem,
    vocabulary::{
        fault::Fault,
        fidelity::Fidelity,
        provenance::{CacheUse, Observed, Provenance, StrategyId},
    },
};

/// One request from its arrival on. Every way out of it is a method that gives an answer with its provenance; only the
/// first one counts.
pub(crate) struct Scene<S, E> {
    pub(crate) place: Arc<Place>,
    pub(crate) inner: S,
    pub(crate) give: Option<Give<E>>,
    pub(crate) in_hand: Option<Arc<Copy>>,
    /// Whether it was looked for elsewhere, too.
    pub(crate) has_reached: bool,
    /// Those who wait for the same answer.
    pub(crate) flight: Option<Flight>,
    pub(crate) arrived: Instant,
    /// Upstream calls so far.
    pub(crate) attempts: u32,
    /// Calls that the request may still make without being a load more than it would be by itself: one, wherever it goes,
    /// and what has been paid for.
    pub(crate) calls_due: u32,
    /// Whether what is due is for finding out about the asked upstream before it is for finding out about others.
    pub(crate) asks_first: bool,
    /// Which strategies are tried now.
    pub(crate) beside: Beside,
    /// How long the primary attempt took.
    pub(crate) response_time: Duration,
    /// What would have been done, where nothing is.
    pub(crate) observed: Observed,
    /// What was considered and tried, once something failed.
    pub(crate) ledger: Option<Box<Ledger>>,
}

/// What part the strategies have that ask beside the upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Beside {
    /// They are tried like all others.
    Too,
    /// They alone are tried: the upstream rests.
    Only,
    /// They have been tried.
    Tried,
}

impl Beside {
    /// Which strategies are tried.
    pub(crate) const fn lets(self) -> fn(&dyn Strategy) -> bool {
        match self {
            Self::Too => |_| true,
            Self::Only => |strategy| strategy.is_beside(),
            Self::Tried => |strategy| !strategy.is_beside(),
        }
    }
}

impl<S, E> Scene<S, E> {
    /// Whether anybody still waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.give.as_ref().is_some_and(Give::is_awaited)
            || self.flight.as_ref().is_some_and(Flight::is_awaited)
    }

    /// Whether there may be a copy elsewhere, where there is none here.
    pub(crate) fn may_reach(&self) -> bool {
        let place = &self.place;
        self.in_hand.is_none()
            && !self.has_reached
            && place.house.beyond.is_some()
            && place.takes_copies()
    }

    /// Takes in hand what others kept, where there is nothing here and it may stand in.
    pub(crate) async fn reach(&mut self) {
        let place = &self.place;
        let Some(beyond) = place.house.beyond.as_ref().filter(|_| self.may_reach()) else {
            return;
        };
        let sought = Sought {
            kept: &place.house.kept,
            clock: &place.house.clock,
            title: place.title(),
            address: place.address,
            request: &place.ask.headers,
        };
        let reached = beyond.reach(sought, None).await;
        if reached.took {
            let memory = place.house.kept.find(place.address.key);
            self.in_hand =
                memory.and_then(|memory| place.in_hand_of(&memory, place.house.clock.now()));
        }
        self.has_reached = true;
    }

    /// Until when strategies may try.
    pub(crate) fn until(&self) -> Instant {
        match &self.in_hand {
            Some(copy) => self.place.until_with(copy),
            None => self.place.ask.until,
        }
    }

    pub(crate) fn waited(&self) -> Duration {
        self.place
            .house
            .clock
            .now()
            .saturating_duration_since(self.arrived)
    }

    pub(crate) fn cache_use(&self, stored: bool) -> CacheUse {
        match self.place.held {
            Held::Refused => CacheUse::Refused { stored },
            Held::Stale => CacheUse::Asked { stored },
            Held::Nothing if self.in_hand.is_some() => CacheUse::Asked { stored },
            Held::Nothing => CacheUse::Missed { stored },
        }
    }

    /// The upstream's own answer; what a layer further in says of it holds, for fidelity never rises on the way out.
    pub(crate) fn exact(&mut self, good: Good) {
        let Good {
            response,
            stored,
            suspect,
            renewed,
        } = good;
        let cache = if renewed {
            CacheUse::Revalidated { stored }
        } else {
            self.cache_use(stored)
        };
        let truth = Provenance {
            suspect,
            ..self.truth(Some(Fidelity::Exact), StrategyId::DIRECT, cache)
        };
        let inner = response
            .extensions()
            .get::<Provenance>()
            .filter(|inner| inner.fidelity > truth.fidelity);
        let truth = match inner {
            Some(inner) => Provenance {
                id: truth.id,
                route: truth.route,
                took: truth.took,
                ..inner.clone()
            },
            None => truth,
        };
        self.answer(Ok(response), truth);
    }

    /// What a strategy came to.
    pub(crate) fn healed(&mut self, response: Response<Body>, truth: Provenance) {
        self.answer(Ok(response), truth);
    }

    /// The copy.
    pub(crate) fn stale(&mut self, copy: &Copy, fault: Fault, cache: CacheUse) {
        let truth = self.truth(Some(Fidelity::Stale), StrategyId::USE_CACHED_DATA, cache);
        let clock = &self.place.house.clock;
        let age = Some(copy.age(clock.now(), clock));
        let ask = &self.place.ask;
        let mut response = giving::give(copy, &ask.method, &ask.headers);
        // What the origin let be given while it was fresh is another caller's session now.
        response.headers_mut().remove(header::SET_COOKIE);
        self.answer(
            Ok(response),
            Provenance {
                fault: Some(fault),
                age,
                overridden: copy.terms.is_overridden,
                ..truth
            },
        );
    }

    /// The copy, because the source rests.
    pub(crate) fn rested(&mut self, copy: &Copy, rest: Rest) {
        self.stale(copy, Fault::resting(rest.class), CacheUse::Rested);
    }

    /// Nothing, because the source rests and nothing is in hand.
    pub(crate) fn refused(&mut self, rest: Rest) {
        let fault = Fault::resting(rest.class).with_wait(Some(rest.retry_in));
        let detail = format!(
            "{} failed repeatedly ({}) and nothing is kept of this request; the next try is in {} s",
            self.place.ask.route.source(),
            rest.class,
            rest.retry_in.as_secs_f64().ceil()
        );
        let problem = Problem::of_fault(&fault)
            .detail(detail)
            .retry_after(rest.retry_in);
        self.problem(problem, fault);
    }

    /// What is in hand, because no key may be used now or no call is left; or nothing, and when there is one.
    pub(crate) fn not_asked(&mut self, fault: Fault) {
        if let Some(copy) = self.in_hand.clone() {
            return self.stale(&copy, fault, CacheUse::Rested);
        }
        let wait = fault.wait.unwrap_or_default();
        let source = self.place.ask.route.source();
        let detail = if fault.is_held_back() {
            format!("our own count of calls to {source} says that none is left")
        } else {
            format!("every key for {source} rests ({})", fault.class)
        };
        let detail = format!(
            "{detail}, and nothing is kept of this request; the next try is in {} s",
            wait.as_secs_f64().ceil()
        );
        let problem = Problem::of_fault(&fault).detail(detail).retry_after(wait);
        self.problem(problem, fault);
    }

    /// Nothing better came: what is in hand, or the last real outcome.
    pub(crate) fn exhausted(&mut self, fault: Fault, last: Last<E>) {
        let copy = self.in_hand.clone();
        let outcome = match (last, copy) {
            (Last::Frozen(frozen), copy) if copy.is_none() || !frozen.is_behind_copy => {
                return self.frozen(*frozen, fault);
            }
            (_, Some(copy)) => return self.stale(&copy, fault, CacheUse::AfterFault),
            (Last::Response(response), None) => Ok(*response),
            (Last::Error(error), None) if !self.place.house.answers_errors => Err(error),
            (Last::Error(_) | Last::Frozen(_) | Last::Nothing, None) => return self.useless(fault),
        };
        let truth = self.truth(None, StrategyId::NONE, self.cache_use(false));
        self.answer(
            outcome,
            Provenance {
                fault: Some(fault),
                ..truth
            },
        );
    }

    /// An answer whose data stands still, as what it is, where its caller takes that.
    fn frozen(&mut self, frozen: Frozen, fault: Fault) {
        let floor = self.place.ask.floor;
        let is_young = floor.max_age.is_none_or(|most| frozen.age <= most);
        if !is_young || !Fidelity::Stale.meets(floor.fidelity) {
            return self.useless(fault);
        }
        let cache = self.cache_use(false);
        let truth = self.truth(Some(Fidelity::Stale), StrategyId::DIRECT, cache);
        self.answer(
            Ok(frozen.response),
            Provenance {
                fault: Some(fault),
                age: Some(frozen.age),
                ..truth
            },
        );
    }

    /// Nothing that may be given.
    fn useless(&mut self, fault: Fault) {
        let detail = format!(
            "{} did not give usable data: {fault}",
            self.place.ask.route.source()
        );
        self.problem(Problem::of_fault(&fault).detail(detail), fault);
    }

    pub(crate) fn truth(
        &self,
        fidelity: Option<Fidelity>,
        strategy: StrategyId,
        cache: CacheUse,
    ) -> Provenance {
        Provenance {
            id: self.place.ask.id,
            fidelity,
            strategy,
            route: Some(self.place.ask.route.clone()),
            fault: None,
            age: None,
            suspect: None,
            attempts: self.attempts,
            took: self.waited(),
            cache,
            collapsed: false,
            overridden: false,
            instead: None,
            observed: self.observed.clone(),
        }
    }

    fn problem(&mut self, problem: Problem, fault: Fault) {
        let truth = self.truth(None, StrategyId::NONE, CacheUse::Generated);
        let truth = Provenance {
            fault: Some(fault),
            ..truth
        };
        self.answer(Ok(problem.about(&truth).response()), truth);
    }

    /// Tells those who wait for the same.
    fn tell(&self, outcome: &Result<Response<Body>, E>, truth: &Provenance) {
        let Some(flight) = self.flight.as_ref() else {
            return;
        };
        let place = &self.place;
        let outcome = outcome.as_ref().ok().and_then(|response| {
            let kept = &place.house.kept;
            let varies_by = kept.varied(response.headers(), &place.ask.headers);
            Outcome::of(response, truth, varies_by, place.house.clock.now())
        });
        flight.came(outcome);
    }

    /// The book of this request, begun with the first that fails.
    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        self.ledger.get_or_insert_default()
    }

    fn goes_on_record(&mut self, fault: &Fault, truth: &Provenance, status: Option<StatusCode>) {
        let (place, clock) = (&self.place, &self.place.house.clock);
        let now = clock.now();
        let ledger = self.ledger.take().unwrap_or_default();
        place.house.learner.decisions.note(Decision {
            id: truth.id,
            time: clock.timestamp(now),
            route: place.ask.route.clone(),
            class: fault.class,
            detail: fault.detail.clone(),
            answered_by: truth.strategy,
            given: given(truth, status),
            fidelity: truth.fidelity,
            floor: place.ask.floor.fidelity,
            in_hand: self.in_hand.as_ref().map(|copy| copy.age(now, clock)),
            no_copy: place.no_copy(self.in_hand.as_deref(), now),
            attempts: truth.attempts,
            took: truth.took,
            deadline: place.treatment.deadline,
            propensity: ledger.propensity(),
            considered: ledger.considered(),
        });
    }

    /// What the answer is worth to its caller, less what it cost.
    fn reward(&self, truth: &Provenance) -> f64 {
        let costs = Costs::default();
        let is_copy = truth.strategy == StrategyId::USE_CACHED_DATA;
        let worth = match (truth.fidelity, truth.age.filter(|_| is_copy)) {
            (Some(_), Some(age)) => worth::of_copy(age, self.place.treatment.heal_for),
            (Some(fidelity), None) => worth::of_offer(fidelity),
            (None, _) => -costs.refusal,
        };
        worth
            - costs.per_second * truth.took.as_secs_f64()
            - costs.per_call * f64::from(truth.attempts)
    }

    /// What it tells of other orders, where there was something to choose.
    fn tells_of_orders(&self, truth: &Provenance) {
        let ledger = self.ledger.as_ref();
        let episode = ledger.and_then(|ledger| ledger.episode(self.reward(truth)));
        if let Some(episode) = episode {
            let place = &self.place;
            place.house.learner.episodes.note(&place.ask.route, episode);
        }
    }

    fn answer(&mut self, mut outcome: Result<Response<Body>, E>, truth: Provenance) {
        self.tell(&outcome, &truth);
        let Some(give) = self.give.take().filter(Give::is_awaited) else {
            return; // the caller went away, and teaches nothing
        };
        if self.place.for_nobody {
            return give.give(outcome);
        }
        self.place.house.observer.answered(Answered {
            route: &self.place.route,
            ask: &self.place.ask,
            truth: &truth,
            response_time: self.response_time,
            slow: self.place.route.slow(self.place.treatment.thresholds),
        });
        self.tells_of_orders(&truth);
        if let Some(fault) = &truth.fault {
            let status = outcome.as_ref().ok().map(Response::status);
            self.goes_on_record(fault, &truth, status);
        }
        if let Ok(response) = &mut outcome {
            response.extensions_mut().insert(truth);
        }
        give.give(outcome);
    }
}

/// What an answer with that status is to its caller.
const fn given(truth: &Provenance, status: Option<StatusCode>) -> Given {
    match (status, &truth.fidelity, &truth.cache) {
        (None, _, _) => Given::ClientError,
        (Some(status), Some(_), _) => Given::Data(status),
        (Some(status), None, CacheUse::Generated) => Given::Problem(status),
        (Some(status), None, _) => Given::AsItCame(status),
    }
}
