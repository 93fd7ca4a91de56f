//! The calls that strategies make: paid, judged and observed like the first.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
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
};

/// Calls of one strategy for one request.
pub(crate) struct Calls<S, E> {
    inner: S,
    place: Arc<Place>,
    last: Arc<Mutex<Last<E>>>,
    made: Arc<AtomicU32>,
    stored: Arc<AtomicBool>,
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
        let place = if ask.uri == self.place.ask.uri && ask.headers == self.place.ask.headers {
            Arc::clone(&self.place)
        } else {
            Arc::new(
                self.place
                    .elsewhere(ask.clone(), self.place.house.clock.now()),
            )
        };
        let now = place.house.clock.now();
        let pass = match place.pass(now) {
            Ok(pass) if place.gates.with(&pass).told_to_wait(now).is_none() => pass,
            Ok(_) | Err(_) => return refused(Refusal::NotYet),
        };
        if !self.pay() {
            return refused(Refusal::Budget);
        }
        self.made.fetch_add(1, Relaxed);
        let (inner, ask) = (self.inner.clone(), ask.clone());
        let (last, stored) = (Arc::clone(&self.last), Arc::clone(&self.stored));
        Box::pin(async move {
            place.head_came.store(false, Relaxed);
            let request = pass.dress(ask.request());
            let sent_at = place.house.clock.now();
            let underway = Underway { sent_at, pass };
            match place.call(&ask, inner.oneshot(request), underway).await {
                Ok(good) => {
                    stored.store(good.stored, Relaxed);
                    Ok(good.response)
                }
                Err(bad) => {
                    *lock(&last) = bad.last;
                    Err(Miss::Fault(bad.fault))
                }
            }
        })
    }
}

fn refused<T>(refusal: Refusal) -> BoxFuture<'static, Result<T, Miss>>
where
    T: Send + 'static,
{
    Box::pin(std::future::ready(Err(Miss::Refused(refusal))))
}
