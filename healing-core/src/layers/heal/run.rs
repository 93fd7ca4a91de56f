//! One request from its arrival to its answer, and what goes on after it.

use std::{
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use crate::{
    attempt::{Ask, TransportError},
    body::{Body, BoxError},
    healer::House,
    layers::heal::{
        broken_off,
        call::{Bad, Good, Last, Place, Underway},
        found::Found,
        handover::Give,
        race::{Called, Waits},
        scene::{Beside, Scene},
    },
    lock::lock,
    outage::{Passage, Rest, Ticket},
    quota::Errand,
    settings::Treatment,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Floor,
        provenance::Observed,
    },
};

/// A request that has just arrived.
pub(crate) struct Run<S, E> {
    pub(crate) house: Arc<House>,
    /// The service that was readied for it.
    pub(crate) inner: S,
    pub(crate) give: Give<E>,
    /// What the caller takes, where it says so.
    pub(crate) floor: Option<Floor>,
    /// What is known of it already.
    pub(crate) found: Option<Found>,
    /// Whether somebody looks after it when its caller has been answered.
    pub(crate) outlives_its_caller: bool,
}

// === impl Run ===

impl<S, E> Run<S, E> {
    /// Answers the request. What follows the answer is for those who come after.
    pub(crate) async fn start<B, R>(self, request: Request<B>)
    where
        S: Service<Request<Body>, Response = Response<R>, Error = E> + Clone + Send + 'static,
        S::Future: Send + 'static,
        E: TransportError + Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let outlives_its_caller = self.outlives_its_caller;
        let (head, body) = request.into_parts();
        let Some(body) = whole_body(body).await else {
            self.give.give(Ok(broken_off()));
            return;
        };
        let mut scene = self.scene(head, body);
        if scene.place.treatment.observe {
            return scene.watch().await;
        }
        let passage = if scene.place.treatment.rests {
            scene.place.gates.ask(scene.arrived, rand::random())
        } else {
            Passage::Free
        };
        if matches!(passage, Passage::Probe(_) | Passage::Rest(_)) {
            scene.reach().await;
        }
        match passage {
            Passage::Free => scene.direct(Asking::Freely, None).await,
            Passage::Probe(ticket) => scene.find_out(ticket, outlives_its_caller).await,
            Passage::Try(ticket) => scene.direct(Asking::Trying, Some(ticket)).await,
            Passage::Rest(rest) => scene.rest(rest).await,
        }
    }

    /// What there is to decide with.
    pub(crate) fn scene(self, head: request::Parts, body: Bytes) -> Scene<S, E> {
        let house = self.house;
        let arrived = house.clock.now();
        let mut found = self
            .found
            .unwrap_or_else(|| Found::of(&house.kept, &head.uri, &head.headers));
        let here = found
            .here
            .take()
            .unwrap_or_else(|| house.registry.find(&head.uri));
        let treatment = &here.treatment;
        let deadline = arrived + treatment.deadline.saturating_sub(found.waited);
        if !found.for_nobody {
            here.route.source.requests.fetch_add(1, Relaxed);
        }
        let floor = allowed(self.floor, treatment);
        let ask = Ask {
            id: house.clock.id(arrived),
            route: here.route.route.clone(),
            pattern: here.route.pattern.load_full(),
            share: None, // its place finds out
            until: deadline,
            is_the_same: false,
            is_upkeep: false,
            extensions: head.extensions,
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            floor,
            deadline,
            version: head.version,
            body,
        };
        let flight = found.flight.take();
        let mut place = Place::of(house, ask, here, found);
        let in_hand = place.in_hand(arrived);
        let holds = in_hand.is_none() || place.treatment.observe;
        place.hold_until = holds.then_some(place.ask.deadline);
        place.ask.until = match &in_hand {
            Some(copy) => place.until_with(copy),
            None => arrived + place.treatment.timeout,
        };
        Scene {
            place: Arc::new(place),
            inner: self.inner,
            give: Some(self.give),
            in_hand,
            has_reached: false,
            flight,
            arrived,
            attempts: 0,
            calls_due: 1,
            asks_first: false,
            beside: Beside::Too,
            response_time: Duration::ZERO,
            observed: Observed::No,
            ledger: None,
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
    /// Asks, and heals what comes back if it is bad. A ticket is held until the upstream's own answer is in.
    async fn direct(&mut self, asking: Asking, ticket: Option<Ticket>) {
        if matches!(asking, Asking::Freely) && self.leaves_the_call() {
            return;
        }
        // What was tried before the call is no part of how long it takes.
        let asked = match asking {
            Asking::Freely | Asking::Trying => self.arrived,
            Asking::Probing { .. } | Asking::Once => self.place.house.clock.now(),
        };
        let (mut pass, asked) = match self.place.pass(Errand::Caller, asked) {
            Ok(pass) => (pass, asked),
            Err(fault) => match self.held_back(fault).await {
                Some(pass) => (pass, self.place.house.clock.now()),
                None => return,
            },
        };
        let waits = self.waits(asking, asked);
        self.attempts += 1;
        self.calls_due = self.calls_due.saturating_sub(1);
        let request = pass.dress(self.first_request());
        let answer = self.inner.call(request);
        let place = Arc::clone(&self.place);
        let underway = Underway {
            sent_at: asked,
            pass,
        };
        let mut call = pin!(place.call(&place.ask, answer, underway));
        let Some(called) = self.first_call(asking, call.as_mut(), waits).await else {
            return; // a second one answered
        };
        if let Ok(Ok(good)) = called {
            return self.exact(good);
        }
        self.response_time = self.waited();
        if let Ok(Err(Bad { fault, last })) = called {
            let last = Arc::new(Mutex::new(last));
            let mut faults = vec![fault.clone()];
            if !matches!(asking, Asking::Freely) {
                faults.push(Fault::resting(fault.class));
            }
            if !self.heal(&mut faults, &last).await {
                let last = mem::replace(&mut *lock(&last), Last::Nothing);
                self.exhausted(fault, last);
            }
            return;
        }
        let fault = self.place.timed_out(self.response_time);
        self.exhausted(fault, Last::Nothing);
        if self.in_hand.is_some() {
            // The caller has gone on with the copy; the answer may still come, and be the next caller's.
            let _late = timeout_at(self.arrived + self.place.treatment.timeout, call).await;
        }
        drop(ticket);
    }

    /// Waits for the first call, and looks elsewhere for a copy where it did not come to anything in time. `None` where a second
    /// one beside it answered the request.
    async fn first_call<C>(
        &mut self,
        asking: Asking,
        mut call: Pin<&mut C>,
        waits: Waits,
    ) -> Option<Called<S::Error>>
    where
        C: Future<Output = Result<Good, Bad<S::Error>>> + Send,
    {
        let hedge = matches!(asking, Asking::Freely).then(|| self.hedge());
        let called = match hedge.flatten() {
            None => timeout_at(waits.first, call.as_mut()).await,
            Some(hedge) => self.raced(hedge, call.as_mut(), waits).await?,
        };
        if !matches!(called, Ok(Ok(_))) && self.may_reach() {
            self.reach().await;
            if called.is_err() && self.in_hand.is_none() {
                return Some(timeout_at(waits.last, call).await);
            }
        }
        Some(called)
    }

    /// Finds out whether the outage is over. Where there is something beside the upstream, callers do without its answer
    /// all the same; then finding out is a call that none of them needs, and is paid for. Where it cannot be, it is the
    /// caller's own call, unless what is beside needs that.
    async fn find_out(&mut self, ticket: Ticket, outlives_its_caller: bool) {
        let has_beside = self.has_beside(ticket.rest.class);
        let is_free = !has_beside || self.place.pays();
        if has_beside && is_free {
            self.calls_due += 1;
        }
        self.asks_first = !is_free;
        if outlives_its_caller && (has_beside || self.in_hand.is_some()) {
            return self.probe(ticket, is_free).await;
        }
        if !is_free {
            if self.is_answered_beside(ticket.rest).await {
                return;
            }
            if self.calls_due == 0 {
                return self.stay(ticket.rest).await;
            }
        }
        let asking = Asking::Probing {
            rested: ticket.rested,
        };
        self.direct(asking, Some(ticket)).await;
    }

    /// Gives the best that there is beside the upstream, then asks: with a call that is kept for it, or that is left.
    async fn probe(&mut self, ticket: Ticket, is_kept: bool) {
        let asking = Asking::Probing {
            rested: ticket.rested,
        };
        let kept = u32::from(is_kept).min(self.calls_due);
        self.calls_due -= kept;
        let is_given = self.give_beside(ticket.rest).await;
        self.calls_due += kept;
        if self.calls_due == 0 {
            if !is_given {
                self.stay(ticket.rest).await;
            }
            return;
        }
        if !is_given {
            return self.direct(asking, Some(ticket)).await;
        }
        self.calls_due -= 1;
        let asked = self.place.house.clock.now();
        let Ok(mut pass) = self.place.pass(Errand::Extra, asked) else {
            return;
        };
        let patience = self.patience(asking);
        let request = pass.dress(self.first_request());
        let answer = self.inner.call(request);
        let underway = Underway {
            sent_at: asked,
            pass,
        };
        let call = self.place.call(&self.place.ask, answer, underway);
        if timeout_at(asked + patience, call).await.is_err() {
            self.place.timed_out(patience);
        }
        drop(ticket);
    }

    /// The first request, with the caller's own map of fields; what is kept to ask again is the clone, which has no room for
    /// more. A client may read its answer into the map of the request, and a server the next request into that of the
    /// answer (hyper does): so a map goes round, and does not grow again.
    fn first_request(&mut self) -> Request<Body> {
        let mut request = self.place.ask.request();
        if let Some(place) = Arc::get_mut(&mut self.place) {
            mem::swap(request.headers_mut(), &mut place.ask.headers);
        }
        self.place.ask_about_the_copy(&mut request);
        request
    }

    /// Does not ask: gives what there is beside the upstream. Where there is nothing, an honest refusal, unless asking
    /// costs nothing but the upstream's own error, which the caller may have.
    async fn rest(&mut self, rest: Rest) {
        if !self.is_answered_beside(rest).await {
            self.stay(rest).await;
        }
    }

    /// The same where nothing beside the upstream has answered.
    async fn stay(&mut self, rest: Rest) {
        if let Some(copy) = self.in_hand.clone() {
            return self.rested(&copy, rest);
        }
        if rest.refuse {
            let named = Fault::resting(rest.class).with_wait(Some(rest.retry_in));
            if !self.heal_unasked(named).await {
                self.refused(rest);
            }
            return;
        }
        let in_time = self.waited() < self.place.treatment.timeout;
        if in_time && (self.calls_due > 0 || self.place.pays()) {
            self.direct(Asking::Once, None).await;
        } else {
            self.refused(rest);
        }
    }

    /// Heals what was not asked at first. Returns whether that came to an answer: one of a strategy, or what is left when
    /// one asked all the same, in its turn.
    pub(super) async fn heal_unasked(&mut self, fault: Fault) -> bool {
        let last = Arc::new(Mutex::new(Last::Nothing));
        let mut faults = vec![fault];
        if self.heal(&mut faults, &last).await {
            return true;
        }
        let was_asked = faults.len() > 1;
        let Some(fault) = faults.pop().filter(|_| was_asked) else {
            return false;
        };
        let last = mem::replace(&mut *lock(&last), Last::Nothing);
        self.exhausted(fault, last);
        true
    }

    /// Whether a strategy would act without the upstream's answer.
    fn has_beside(&self, class: FaultClass) -> bool {
        let resting = [Fault::resting(class)];
        let floor = self.floor(&resting);
        let mut strategies = self.place.treatment.strategies.iter();
        strategies.any(|strategy| {
            let offer = || strategy.offer(&self.place.ask, &resting);
            strategy.is_beside() && offer().is_ok_and(|offer| offer.fidelity.meets(floor))
        })
    }

    /// Gives what strategies have beside the upstream, or what is in hand. Returns whether there was something.
    async fn give_beside(&mut self, rest: Rest) -> bool {
        if self.is_answered_beside(rest).await {
            return true;
        }
        let in_hand = self.in_hand.clone();
        if let Some(copy) = &in_hand {
            self.rested(copy, rest);
        }
        in_hand.is_some()
    }

    /// Gives what strategies have beside the upstream. Returns whether they had something.
    async fn is_answered_beside(&mut self, rest: Rest) -> bool {
        let last = Arc::new(Mutex::new(Last::Nothing));
        self.beside = Beside::Only;
        // A time that the source named is one that can be waited for.
        let named = rest.refuse.then_some(rest.retry_in);
        let mut faults = vec![Fault::resting(rest.class).with_wait(named)];
        let answered = self.heal(&mut faults, &last).await;
        self.beside = Beside::Tried;
        answered
    }

    /// Until when an upstream that was asked then is waited for.
    fn waits(&self, asking: Asking, asked: Instant) -> Waits {
        let latest = self.arrived + self.place.treatment.timeout;
        let last = latest.min(asked + self.patience(asking));
        let first = if self.in_hand.is_some() {
            self.until().min(last)
        } else if self.may_reach() {
            self.place.ask.deadline.min(last)
        } else {
            last
        };
        Waits { first, last }
    }

    /// How long the upstream is waited for. With something in hand a probe waits no longer than twice the route's own
    /// good answers take, and longer only as the outage does: a source may come back slower than it was.
    fn patience(&self, asking: Asking) -> Duration {
        let timeout = self.place.treatment.timeout;
        let wait = match asking {
            Asking::Probing { rested } if self.in_hand.is_some() => {
                let usual = self.place.route.tally.quantile(0.95).unwrap_or_default();
                (usual * 2)
                    .max(rested.unwrap_or_default() / 20)
                    .max(Duration::from_secs(1))
            }
            Asking::Freely | Asking::Probing { .. } | Asking::Trying | Asking::Once => timeout,
        };
        wait.min(timeout)
    }
}

/// Why the upstream is asked.
#[derive(Clone, Copy)]
enum Asking {
    /// Nothing says that it is down.
    Freely,
    /// It rests, and somebody has to find out.
    Probing { rested: Option<Duration> },
    /// It may be back.
    Trying,
    /// It rests, but there is nothing else to give.
    Once,
}

/// What a caller takes that asked for that, as far as its route lets callers ask.
fn allowed(asked: Option<Floor>, treatment: &Treatment) -> Floor {
    asked.map_or_else(
        || Floor::of(treatment.floor),
        |floor| Floor {
            fidelity: floor.fidelity.min(treatment.floor_for_callers),
            ..floor
        },
    )
}

/// The body of a request that may be sent again, or nothing when the caller broke off.
async fn whole_body<B>(body: B) -> Option<Bytes>
where
    B: http_body::Body<Data = Bytes>,
{
    if body.is_end_stream() {
        return Some(Bytes::new());
    }
    body.collect()
        .await
        .ok()
        .map(http_body_util::Collected::to_bytes)
}
