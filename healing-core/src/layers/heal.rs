//! Heals: asks, judges the answer, and when it is bad gives the best one that the caller allows, with its provenance.
//!
//! A request that cannot be answered twice (not GET or HEAD, an upgrade, a body above the replay cap) passes untouched. For
//! all others the whole run is one boxed future that owns its state, so that it can do what a borrowed one cannot: answer
//! the caller early, from what is in hand, and go on in the background until the upstream's own answer is in.

mod attempts;
mod call;
mod echo;
mod elsewhere;
mod foresight;
pub(crate) mod found;
pub(crate) mod gates;
mod handover;
mod heard;
mod held_back;
mod judging;
mod keep;
mod ledger;
mod lessons;
mod outlook;
mod price;
pub(crate) mod probe;
mod race;
mod read;
mod run;
mod scene;
mod tries;
mod watch;

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use crate::{
    attempt::TransportError,
    background::Background,
    body::{Body, BoxError},
    fields,
    healer::{Healer, House},
    layers::heal::{
        found::Found,
        handover::{Take, handover},
        run::Run,
    },
    problem::Problem,
    vocabulary::{
        fault::Fault,
        fidelity::Fidelity,
        provenance::{CacheUse, Observed, Provenance, StrategyId},
    },
};

/// Wraps a client, or any service of HTTP values, in [`Heal`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::convert::Infallible;
/// use healing_core::{Body, HealLayer, Healer, Provenance};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let client = ServiceBuilder::new()
///     .layer(HealLayer::new(Healer::builder().build()))
///     .service_fn(|_: http::Request<Body>| async { Ok::<_, Infallible>(http::Response::new(Body::from("[1]"))) });
/// let answer = client.oneshot(http::Request::get("/prices").body(Body::empty()).unwrap()).await.unwrap();
/// assert!(answer.extensions().get::<Provenance>().unwrap().is_direct());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HealLayer {
    healer: Healer,
    background: Background,
}

/// A service that heals what the inner one answers.
///
/// The inner service is called as soon as it is ready; later calls go to clones of it. Its errors stay what they are:
/// when healing is exhausted the last real outcome is returned.
#[derive(Clone, Debug)]
pub struct Heal<S> {
    inner: S,
    healer: Healer,
    background: Background,
}

type BoxedRun = Pin<Box<dyn Future<Output = ()> + Send>>;

pin_project! {
    /// The answer of [`Heal`].
    #[project = Project]
    #[must_use = "futures do nothing unless polled"]
    pub struct HealFuture<F, E> {
        #[pin]
        pass: Option<F>,
        run: Option<BoxedRun>,
        answer: Option<Take<E>>,
        refusal: Option<Response<Body>>,
        house: Option<Arc<House>>,
        background: Background,
    }

    impl<F, E> PinnedDrop for HealFuture<F, E> {
        fn drop(this: Pin<&mut Self>) {
            // The caller went away. The call under way may still fill a copy; where nobody looks after it, it is cancelled.
            let this = this.project();
            if let Some(run) = this.run.take().filter(|_| this.background.takes_work()) {
                this.background.run(run);
            }
        }
    }
}

// === impl HealLayer ===

impl HealLayer {
    /// Heals with that healer, and cancels what would go on in the background.
    #[must_use]
    pub fn new(healer: Healer) -> Self {
        Self {
            healer,
            background: Background::none(),
        }
    }

    /// The same, with somewhere for calls to go on that lost the race against the deadline, and for probes.
    #[must_use]
    pub fn background(mut self, background: Background) -> Self {
        self.background = background;
        self
    }
}

impl<S> Layer<S> for HealLayer {
    type Service = Heal<S>;

    fn layer(&self, inner: S) -> Heal<S> {
        Heal {
            inner,
            healer: self.healer.clone(),
            background: self.background.clone(),
        }
    }
}

// === impl Heal ===

impl<S, B, R> Service<Request<B>> for Heal<S>
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
    type Future = HealFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.ask(request, None)
    }
}

impl<S> Heal<S> {
    /// Who heals.
    pub(crate) const fn house(&self) -> &Arc<House> {
        &self.healer.house
    }

    /// Where work goes on that no caller waits for.
    pub(crate) const fn in_background(&self) -> &Background {
        &self.background
    }

    /// Answers a request of which that is known already.
    pub(crate) fn ask<B, R>(
        &mut self,
        request: Request<B>,
        found: Option<Found>,
    ) -> HealFuture<S::Future, S::Error>
    where
        S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: TransportError + Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let clone = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, clone);
        let house = &self.healer.house;
        let mut future = HealFuture::waiting(self.background.clone());
        let Ok(floor) = fields::floor(request.headers()) else {
            future.refusal = Some(bad_floor());
            return future;
        };
        if can_be_replayed(&request, house) {
            if found.as_ref().is_none_or(|found| !found.for_nobody) {
                house.requests.fetch_add(1, Relaxed);
            }
            let (give, answer) = handover();
            future.answer = Some(answer);
            let run = Run {
                house: Arc::clone(house),
                inner: ready,
                give,
                floor,
                found,
                outlives_its_caller: self.background.takes_work(),
            };
            future.run = Some(Box::pin(run.start(request)));
        } else {
            future.house = Some(Arc::clone(house));
            future.pass = Some(ready.call(request.map(Body::wrap)));
        }
        future
    }
}

/// Whether the request may be sent again, decided before anything of its body is read.
pub(crate) fn can_be_replayed<B: http_body::Body>(request: &Request<B>, house: &House) -> bool {
    let body = request.body();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !request.headers().contains_key(header::UPGRADE)
        && (body.is_end_stream()
            || body
                .size_hint()
                .upper()
                .is_some_and(|upper| upper <= house.limits.replay_up_to))
}

/// The truth about a request that is not healed.
fn unhealed() -> Provenance {
    Provenance {
        id: Uuid::now_v7(),
        fidelity: Some(Fidelity::Exact),
        strategy: StrategyId::DIRECT,
        route: None,
        fault: None,
        age: None,
        suspect: None,
        attempts: 1,
        took: Duration::ZERO,
        cache: CacheUse::Bypass,
        collapsed: false,
        overridden: false,
        instead: None,
        observed: Observed::No,
    }
}

/// An answer of ours, with its provenance.
pub(crate) fn ours(problem: Problem, attempts: u32, fault: Option<Fault>) -> Response<Body> {
    let truth = Provenance {
        fidelity: None,
        strategy: StrategyId::NONE,
        attempts,
        fault,
        cache: CacheUse::Generated,
        ..unhealed()
    };
    let mut response = problem.about(&truth).response();
    response.extensions_mut().insert(truth);
    response
}

fn bad_floor() -> Response<Body> {
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "bad-floor",
        "The field Healing-Floor cannot be read",
    )
    .detail(format!("Healing-Floor is {}", fields::FLOOR_GRAMMAR));
    ours(problem, 0, None)
}

/// The answer to a request that passed untouched.
fn passed<R, E>(
    answer: Result<Response<R>, E>,
    house: Option<&Arc<House>>,
) -> Result<Response<Body>, E>
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
    E: TransportError,
{
    match answer {
        Ok(response) => {
            let mut response = response.map(Body::wrap);
            response.extensions_mut().insert(unhealed());
            Ok(response)
        }
        Err(error) if house.is_some_and(|house| house.answers_errors) => {
            let (transport, _) = error.fault();
            let fault = transport.fault();
            let problem = Problem::of_fault(&fault).detail(format!(
                "the request was sent once and is not sent again: {fault}"
            ));
            Ok(ours(problem, 1, Some(fault)))
        }
        Err(error) => Err(error),
    }
}

// === impl HealFuture ===

impl<F, E> HealFuture<F, E> {
    fn waiting(background: Background) -> Self {
        Self {
            pass: None,
            run: None,
            answer: None,
            refusal: None,
            house: None,
            background,
        }
    }
}

impl<F, E, R> Future for HealFuture<F, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
    E: TransportError,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(pass) = this.pass.as_pin_mut() {
            return pass
                .poll(cx)
                .map(|answer| passed(answer, this.house.as_ref()));
        }
        if let Some(refusal) = this.refusal.take() {
            return Poll::Ready(Ok(refusal));
        }
        if this
            .run
            .as_mut()
            .is_some_and(|run| run.as_mut().poll(cx).is_ready())
        {
            *this.run = None;
        }
        let Some(answer) = this.answer.as_mut() else {
            return Poll::Pending;
        };
        match (answer.take(), this.run.take()) {
            (Some(answer), None) => Poll::Ready(answer),
            (Some(answer), Some(run)) => {
                this.background.run(run);
                Poll::Ready(answer)
            }
            (None, run @ Some(_)) => {
                *this.run = run;
                Poll::Pending
            }
            // A run that ends without an answer is a bug of ours; the caller is told so rather than kept waiting.
            (None, None) => Poll::Ready(Ok(no_answer())),
        }
    }
}

impl<F, E> fmt::Debug for HealFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealFuture").finish_non_exhaustive()
    }
}

/// The answer to a request whose own body broke off: nothing was asked.
fn broken_off() -> Response<Body> {
    let title = "The request's body broke off before its end";
    ours(
        Problem::new(StatusCode::BAD_REQUEST, "broken-request", title),
        0,
        None,
    )
}

fn no_answer() -> Response<Body> {
    let title = "The healing layer came to no answer";
    ours(
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title),
        0,
        None,
    )
}
