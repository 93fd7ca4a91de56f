//! The HTTP cache before the healing layer (RFC 9111, 5861, 9213): answers without asking while a copy is fresh, asks whether
//! a copy is still what it was, and lets callers wait for one call.
//!
//! It shares its store with the healing layer, which judges before anything is kept; so this layer stands before [`Heal`] and
//! nothing else. What it has nothing to say about passes as if it were not there.

mod future;
mod look;
mod reach;
mod wait;

use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

pub use crate::layers::cache::future::CacheFuture;
use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    flights::Joined,
    kept::giving,
    layers::{
        cache::{
            future::Then,
            look::{Look, Missing, look},
            reach::{Reaching, is_elsewhere},
            wait::Waiting,
        },
        heal::{
            Heal,
            found::{Found, Held},
        },
    },
};

/// Wraps [`Heal`] in [`Cache`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::convert::Infallible;
/// use healing_core::{Body, CacheLayer, CacheUse, HealLayer, Healer, Provenance};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let client = ServiceBuilder::new()
///     .layer(CacheLayer::new())
///     .layer(HealLayer::new(Healer::builder().build()))
///     .service_fn(|_: Request<Body>| async {
///         let answer = Response::builder().header("cache-control", "max-age=60");
///         Ok::<_, Infallible>(answer.body(Body::from("[1]")).unwrap())
///     });
/// let ask = || Request::get("/prices").body(Body::empty()).unwrap();
/// client.clone().oneshot(ask()).await.unwrap();
/// let answer = client.oneshot(ask()).await.unwrap();
/// let truth: &Provenance = answer.extensions().get().unwrap();
/// assert!(matches!(truth.cache, CacheUse::Fresh { .. }));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CacheLayer;

/// A service that gives what it has of what the inner one would answer.
#[derive(Clone, Debug)]
pub struct Cache<S> {
    heal: Heal<S>,
}

/// Whose call a renewal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cost {
    /// The caller's, who would have waited for it.
    TheCallers,
    /// Ours, from the budget for extra calls.
    Ours,
}

// === impl CacheLayer ===

impl CacheLayer {
    /// A cache with the store and the settings of the healer behind it.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<Heal<S>> for CacheLayer {
    type Service = Cache<S>;

    fn layer(&self, heal: Heal<S>) -> Cache<S> {
        Cache { heal }
    }
}

// === impl Cache ===

impl<S, B, R> Service<Request<B>> for Cache<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = CacheFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.heal, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match look(self.heal.house(), &request) {
            Look::Past => CacheFuture::asking(self.heal.ask(request, None), Then::Give),
            Look::Changes(changed) => {
                let house = Arc::clone(self.heal.house());
                let then = Then::Invalidate(house, changed);
                CacheFuture::asking(self.heal.ask(request, None), then)
            }
            Look::Nothing(found) => {
                CacheFuture::asking(self.heal.ask(request, Some(found)), Then::Give)
            }
            Look::Has(response) => CacheFuture::given(*response),
            Look::HasWhileRevalidating(_, missing) if !self.heal.in_background().takes_work() => {
                self.ask_for_all(request, *missing) // nobody would look after it
            }
            Look::HasWhileRevalidating(response, missing) => {
                self.refresh(request, *missing, Cost::TheCallers);
                CacheFuture::given(*response)
            }
            Look::HasAndIsDue(response, missing) => {
                self.refresh(request, *missing, Cost::Ours);
                CacheFuture::given(*response)
            }
            Look::Misses(missing) => self.ask_for_all(request, *missing),
        }
    }
}

impl<S, R> Cache<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Asks, unless somebody asks for the same already.
    fn ask_for_all<B>(
        &mut self,
        mut request: Request<B>,
        missing: Missing,
    ) -> CacheFuture<S::Future, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let method = request.method().clone();
        let less = if missing.is_wanted_whole {
            giving::ask_for_all(request.headers_mut())
        } else {
            HeaderMap::new()
        };
        let house = self.heal.house();
        let Missing {
            mut found, flight, ..
        } = missing;
        match flight.map(|key| (key, house.flights.join(key))) {
            None => {}
            Some((_, Joined::Leads(flight))) => {
                found.flight = Some(flight);
                if house.beyond.is_some() && found.held != Held::Refused {
                    let clone = self.heal.clone();
                    let heal = mem::replace(&mut self.heal, clone);
                    let reaching = Reaching { heal, found, less };
                    return CacheFuture::waiting(Box::pin(reaching.answer(request)));
                }
            }
            Some((key, Joined::Waits(word))) => {
                let clone = self.heal.clone();
                let heal = mem::replace(&mut self.heal, clone);
                let waiting = Waiting {
                    heal,
                    found,
                    key,
                    less,
                };
                return CacheFuture::waiting(Box::pin(waiting.answer(request, word)));
            }
        }
        let then = Then::Tailor(method, less);
        CacheFuture::asking(self.heal.ask(request, Some(found)), then)
    }

    /// Asks for what comes after the copy that is given, where nobody does yet.
    fn refresh<B>(&self, request: Request<B>, missing: Missing, cost: Cost) {
        let house = self.heal.house();
        let joined = missing.flight.map(|key| house.flights.join(key));
        let Some(Joined::Leads(flight)) = joined else {
            return;
        };
        let here = missing.found.here.as_ref();
        let is_paid = match cost {
            Cost::TheCallers => true,
            Cost::Ours => here.is_some_and(|here| house.pays_for(&here.route.source)),
        };
        if !is_paid {
            return;
        }
        if let Some(copy) = &missing.copy {
            copy.is_being_renewed(house.clock.now());
        }
        let (mut head, _) = request.into_parts();
        giving::ask_for_all(&mut head.headers);
        head.method = Method::GET;
        let mut found = Found {
            flight: Some(flight),
            for_nobody: true,
            ..missing.found
        };
        let mut heal = self.heal.clone();
        let house = Arc::clone(house);
        // Where there is no room it is asked for again by the next caller; the set counts.
        let _ran = self.heal.in_background().run(async move {
            if is_elsewhere(&house, &head, &mut found).await {
                if cost == Cost::Ours
                    && let Some(here) = &found.here
                {
                    house.gives_back(&here.route.source);
                }
                return;
            }
            let request = Request::from_parts(head, Body::empty());
            let ready = poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut heal, cx));
            if ready.await.is_ok() {
                let _answer = heal.ask(request, Some(found)).await;
            }
        });
    }
}
