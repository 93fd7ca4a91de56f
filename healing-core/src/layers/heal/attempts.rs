//! The calls that strategies make: paid, judged and observed like the first.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use arrayvec::ArrayVec;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_service::Service;

use crate::{
    attempt::{Ask, Attempts, Miss, Refusal, TransportError},
    body::{Body, BoxError},
    layers::heal::{
        call::{Last, Place, Underway},
        elsewhere::{missed, of_use},
    },
    learner::{Failure, Needs},
    lock::lock,
    outage::Ticket,
    overload::Boards,
    pace::{NoTurn, Pass},
    quota::Errand,
    vocabulary::fault::Fault,
};

/// Calls of one strategy for one request.
pub(crate) struct Calls<S, E> {
    inner: S,
    place: Arc<Place>,
    last: Arc<Mutex<Last<E>>>,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
    /// Calls elsewhere that take the place of one that the asked upstream does not get, and are no extra ones.
    due: Arc<AtomicU32>,
    /// Whether those are not for finding out whether a place elsewhere is worth asking again.
    only_to_what_works: bool,
    /// How long each is waited for, where something else may be tried.
    limit: Option<Duration>,
    /// Whether they are made beside a first call that is under way.
    beside_a_first: bool,
    trace: Arc<Mutex<Trace>>,
}

/// What the calls of one strategy came to.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) failures: ArrayVec<Failure, MAX_FAILURES>,
    /// What the last call needed.
    pub(crate) last: Option<Needs>,
    /// What the last good one needed, where none failed after it.
    pub(crate) good: Option<Needs>,
    /// Whether the last one was not waited for any longer.
    pub(crate) cut_off: bool,
    /// Where one is under way.
    pub(crate) underway: Option<(Arc<Place>, Needs)>,
}

/// The most failures of one strategy that are remembered.
const MAX_FAILURES: usize = 4;

// === impl Calls ===

impl<S, E> Calls<S, E> {
    pub(crate) fn new(inner: S, place: Arc<Place>, last: Arc<Mutex<Last<E>>>) -> Self {
        Self {
            inner,
            place,
            last,
            made: Arc::default(),
            stored: Arc::default(),
            due: Arc::default(),
            only_to_what_works: false,
            limit: None,
            beside_a_first: false,
            trace: Arc::default(),
        }
    }

    /// The same, with so many calls that are due to the request anyway, all of them or only those to what works.
    pub(crate) fn of_which_due(mut self, calls: u32, only_to_what_works: bool) -> Self {
        self.due.store(calls, Relaxed);
        self.only_to_what_works = only_to_what_works;
        self
    }

    /// The same, each waited for no longer than that.
    pub(crate) const fn each_within(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// The same, made beside a first call that is under way. Each has a place of its own, so that it takes nothing from what the
    /// first one notes; it is for no gate to find out by, and the reserve of a quota is not for it.
    pub(crate) const fn beside_a_first(mut self) -> Self {
        self.beside_a_first = true;
        self
    }

    /// What they came to, also while they are under way.
    pub(crate) fn trace(&self) -> Arc<Mutex<Trace>> {
        Arc::clone(&self.trace)
    }

    /// How many of those are left.
    pub(crate) fn due(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.due)
    }

    /// Where a call goes that is not one to the asked place itself, with the right to find out whether it is worth it.
    fn elsewhere(&self, ask: &Ask) -> Result<(Arc<Place>, Option<Ticket>), Miss> {
        let now = self.place.house.clock.now();
        let place = self.place.elsewhere(ask.clone(), now);
        let ticket = place.passage(now)?;
        if self.beside_a_first && ticket.is_some() {
            return Err(Miss::Refused(Refusal::Resting));
        }
        if !place.lends_to(&self.place, now) {
            return Err(Miss::Refused(Refusal::LenderShort));
        }
        Ok((Arc::new(place), ticket))
    }

    /// How many there were, also while they are under way.
    pub(crate) fn made(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.made)
    }

    /// Whether a copy of a good one was kept.
    pub(crate) fn stored(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stored)
    }

    fn call(&self, ask: &Ask) -> Result<Call<S, E>, Miss>
    where
        S: Clone,
    {
        let own = &self.place;
        let is_same = ask.uri == own.ask.uri && ask.headers == own.ask.headers;
        let is_the_asked = is_same && !self.beside_a_first;
        let (place, ticket) = if is_the_asked {
            (Arc::clone(own), None)
        } else {
            self.elsewhere(ask)?
        };
        let is_own = Arc::ptr_eq(&place.route.source, &own.route.source);
        let errand = if is_own && !self.beside_a_first {
            Errand::Caller
        } else {
            Errand::Extra
        };
        Ok(Call {
            inner: self.inner.clone(),
            place,
            ask: ask.clone(),
            errand,
            is_the_asked,
            ticket,
            last: Arc::clone(&self.last),
            made: Arc::clone(&self.made),
            stored: Arc::clone(&self.stored),
            limit: self.limit,
            trace: Arc::clone(&self.trace),
        })
    }

    /// Whether a call is due to the request anyway; it is not any more then.
    fn takes_what_is_due(&self) -> bool {
        let left = |left: u32| left.checked_sub(1);
        self.due.fetch_update(Relaxed, Relaxed, left).is_ok()
    }
}

impl<S, R> Attempts for Calls<S, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    fn attempt(&mut self, ask: &Ask) -> BoxFuture<'static, Result<Response<Body>, Miss>> {
        let call = match self.call(ask) {
            Ok(call) => call,
            Err(miss) => return Box::pin(std::future::ready(Err(miss))),
        };
        let now = call.place.house.clock.now();
        let pass = match call.place.pass_for(Boards::Extra, call.errand, now) {
            Ok(pass) if call.may_go(&pass) => pass,
            Err(fault) if fault.is_own_load() => return refused(Refusal::Overloaded),
            Ok(_) | Err(_) => return refused(Refusal::NotYet),
        };
        let finds_out = self.only_to_what_works && call.ticket.is_some();
        let may_be_due = !call.is_the_asked && !finds_out;
        let is_due = ask.is_upkeep || (may_be_due && self.takes_what_is_due());
        if !is_due && !self.place.pays() {
            return refused(Refusal::Budget);
        }
        let hedges = &self.place.house.hedges;
        hedges.made.fetch_add(self.beside_a_first.into(), Relaxed);
        Box::pin(call.made_with(pass))
    }

    fn attempt_in_turn(&mut self, ask: &Ask) -> BoxFuture<'static, Result<Response<Body>, Miss>> {
        let call = match self.call(ask) {
            Ok(call) => call,
            Err(miss) => return Box::pin(std::future::ready(Err(miss))),
        };
        // The first call for a request is no extra one, however late it is made.
        let free = self.takes_what_is_due();
        if !free && !self.place.pays() {
            return refused(Refusal::Budget);
        }
        let (payer, until) = (Arc::clone(&self.place), call.place.ask.until);
        Box::pin(async move {
            let turn = match call.place.ask.share.clone() {
                Some(share) => share.in_turn(until).await,
                None => Ok(Pass::free()),
            };
            let whose = if free { Boards::First } else { Boards::Extra };
            let refusal = match turn {
                Ok(pass) if call.may_go(&pass) => match call.place.boards(pass, whose) {
                    Ok(pass) => return call.made_with(pass).await,
                    Err(_) => Refusal::Overloaded,
                },
                Ok(_) => Refusal::NotYet,
                Err(NoTurn::Full) => Refusal::QueueFull,
                Err(NoTurn::TooLate) => Refusal::TooLate,
            };
            if !free {
                payer.route.source.budget.give_back();
                payer.house.budget.give_back();
            }
            Err(Miss::Refused(refusal))
        })
    }

    fn last_good(&mut self, no_older_than: Duration) -> Option<Response<Body>> {
        self.place.last_good(no_older_than)
    }

    fn reread(
        &mut self,
        response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, Miss>> {
        let place = Arc::clone(&self.place);
        Box::pin(async move { place.reread(response).await })
    }
}

/// One call, before it is made.
struct Call<S, E> {
    inner: S,
    place: Arc<Place>,
    ask: Ask,
    errand: Errand,
    is_the_asked: bool,
    /// The right to find out whether it is worth it, held until the answer is in.
    ticket: Option<Ticket>,
    last: Arc<Mutex<Last<E>>>,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
    limit: Option<Duration>,
    trace: Arc<Mutex<Trace>>,
}

impl<S, E> Call<S, E> {
    /// Whether no time is named before which it must not be made.
    fn may_go(&self, pass: &Pass) -> bool {
        let now = self.place.house.clock.now();
        !self.place.told_to_wait(pass, now)
    }
}

impl<S, R> Call<S, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: TransportError,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    async fn made_with(self, mut pass: Pass) -> Result<Response<Body>, Miss> {
        let place = &self.place;
        self.made.fetch_add(1, Relaxed);
        place.head_came.store(false, Relaxed);
        let request = pass.dress(place.request(&self.ask));
        let sent_at = place.house.clock.now();
        let answer = self.inner.oneshot(request);
        let needs = place.needs_with(&pass);
        lock(&self.trace).begins(place, needs);
        let call = place.call(&self.ask, answer, Underway { sent_at, pass });
        let called = match self.limit {
            Some(limit) => timeout(limit, call)
                .await
                .unwrap_or_else(|_| Err(place.cut_off(&needs))),
            None => call.await,
        };
        lock(&self.trace).ends(called.as_ref().err().map(|bad| &bad.fault));
        let outcome = match called {
            Ok(good) => {
                let of_the_asked = self.is_the_asked || self.ask.is_the_same;
                self.stored.store(good.stored && of_the_asked, Relaxed);
                if of_the_asked {
                    Ok(good.response)
                } else {
                    of_use(&self.ask, good.response)
                }
            }
            Err(bad) => {
                if self.is_the_asked && !bad.fault.is_cut_off() {
                    *lock(&self.last) = bad.last;
                }
                Err(missed(self.is_the_asked, bad.fault))
            }
        };
        drop(self.ticket);
        outcome
    }
}

// === impl Trace ===

impl Trace {
    fn begins(&mut self, place: &Arc<Place>, needs: Needs) {
        self.cut_off = false;
        self.last = Some(needs);
        self.underway = Some((Arc::clone(place), needs));
    }

    fn ends(&mut self, fault: Option<&Fault>) {
        let place = self.underway.take();
        self.good = self.last.filter(|_| fault.is_none());
        self.cut_off = fault.is_some_and(Fault::is_cut_off);
        let failure = place.and_then(|(place, _)| place.take_failure());
        if let Some(failure) = failure.filter(|_| fault.is_some()) {
            // Of more failures than there is room for the first ones tell enough.
            let _full = self.failures.try_push(failure);
        }
    }
}

fn refused<T>(refusal: Refusal) -> BoxFuture<'static, Result<T, Miss>>
where
    T: Send + 'static,
{
    Box::pin(std::future::ready(Err(Miss::Refused(refusal))))
}
