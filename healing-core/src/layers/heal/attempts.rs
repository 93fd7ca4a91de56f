//! The calls that strategies make: paid, judged and observed like the first.

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::ServiceExt;
use tower_service::Service;

use crate::{
    attempt::{Ask, Attempts, Miss, Refusal, TransportError},
    body::{Body, BoxError},
    layers::heal::call::{Last, Place, Underway},
    lock::lock,
    pace::{NoTurn, Pass},
    quota::Errand,
};

/// Calls of one strategy for one request.
pub(crate) struct Calls<S, E> {
    inner: S,
    place: Arc<Place>,
    last: Arc<Mutex<Last<E>>>,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
    /// Whether no call was made for this request so far.
    pub(crate) nothing_asked: bool,
}

// === impl Calls ===

impl<S, E> Calls<S, E> {
    pub(crate) fn new(inner: S, place: Arc<Place>, last: Arc<Mutex<Last<E>>>) -> Self {
        Self {
            inner,
            place,
            last,
            made: Arc::default(),
            stored: Arc::default(),
            nothing_asked: false,
        }
    }

    /// How many there were, also while they are under way.
    pub(crate) fn made(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.made)
    }

    /// Whether a copy of a good one was kept.
    pub(crate) fn stored(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stored)
    }

    fn call(&self, ask: &Ask) -> Call<S, E>
    where
        S: Clone,
    {
        let own = &self.place;
        let place = if ask.uri == own.ask.uri && ask.headers == own.ask.headers {
            Arc::clone(own)
        } else {
            Arc::new(own.elsewhere(ask.clone(), own.house.clock.now()))
        };
        let errand = if Arc::ptr_eq(&place.route.source, &own.route.source) {
            Errand::Caller
        } else {
            Errand::Extra
        };
        Call {
            inner: self.inner.clone(),
            place,
            ask: ask.clone(),
            errand,
            last: Arc::clone(&self.last),
            made: Arc::clone(&self.made),
            stored: Arc::clone(&self.stored),
        }
    }

    /// Takes a token from the source's budget and from that of all.
    fn pay(&self) -> bool {
        let house = &self.place.house;
        let source = &self.place.route.source;
        let now = house.clock.since_start(house.clock.now());
        if !source.budget.spend(source.requests.load(Relaxed), now) {
            return false;
        }
        let paid = house.budget.spend(house.requests.load(Relaxed), now);
        if !paid {
            source.budget.give_back();
        }
        paid
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
        let call = self.call(ask);
        let pass = match call.place.pass(call.errand, call.place.house.clock.now()) {
            Ok(pass) if call.may_go(&pass) => pass,
            Ok(_) | Err(_) => return refused(Refusal::NotYet),
        };
        if !self.pay() {
            return refused(Refusal::Budget);
        }
        Box::pin(call.made_with(pass))
    }

    fn attempt_in_turn(&mut self, ask: &Ask) -> BoxFuture<'static, Result<Response<Body>, Miss>> {
        let call = self.call(ask);
        // The first call for a request is no extra one, however late it is made.
        let free = mem::take(&mut self.nothing_asked);
        if !free && !self.pay() {
            return refused(Refusal::Budget);
        }
        let (payer, until) = (Arc::clone(&self.place), call.place.ask.until);
        Box::pin(async move {
            let turn = match call.place.ask.share.clone() {
                Some(share) => share.in_turn(until).await,
                None => Ok(Pass::free()),
            };
            let refusal = match turn {
                Ok(pass) if call.may_go(&pass) => return call.made_with(pass).await,
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
}

/// One call, before it is made.
struct Call<S, E> {
    inner: S,
    place: Arc<Place>,
    ask: Ask,
    errand: Errand,
    last: Arc<Mutex<Last<E>>>,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
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
        let request = pass.dress(self.ask.request());
        let sent_at = place.house.clock.now();
        let answer = self.inner.oneshot(request);
        match place
            .call(&self.ask, answer, Underway { sent_at, pass })
            .await
        {
            Ok(good) => {
                self.stored.store(good.stored, Relaxed);
                Ok(good.response)
            }
            Err(bad) => {
                *lock(&self.last) = bad.last;
                Err(Miss::Fault(bad.fault))
            }
        }
    }
}

fn refused<T>(refusal: Refusal) -> BoxFuture<'static, Result<T, Miss>>
where
    T: Send + 'static,
{
    Box::pin(std::future::ready(Err(Miss::Refused(refusal))))
}
