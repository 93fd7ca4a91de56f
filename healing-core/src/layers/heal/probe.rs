//! Asking on nobody's behalf, so that what callers rarely ask for is known to work before they do.

use std::{future::poll_fn, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::timeout_at;
use tower_service::Service;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    layers::heal::{
        Heal,
        call::{Bad, Underway},
        found::Found,
        handover::handover,
        run::Run,
    },
    outage::{Passage, Rest, Ticket},
    quota::Errand,
    vocabulary::fault::Fault,
};

/// What became of a probe.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::convert::Infallible;
/// use healing_core::{Body, HealLayer, Healer, Probed};
/// use tower::Layer;
/// let api = tower::service_fn(|_: http::Request<Body>| async { Ok::<_, Infallible>(http::Response::new(Body::from("[1]"))) });
/// let mut client = HealLayer::new(Healer::builder().build()).layer(api);
/// let probed = client.probe(http::Request::get("http://api.test/prices").body(Body::empty()).unwrap()).await;
/// assert!(matches!(probed, Probed::Good));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Probed {
    /// The upstream answered, and the answer is good, or says that what was asked for does not exist.
    Good,
    /// It did not, or with a fault.
    Bad(Fault),
    /// Nothing was asked, for something on the way rests. The soonest that it makes sense to ask again.
    Rests(Duration),
    /// Nothing was asked, for too few calls of a quota are left. How long until there are more, where that is known.
    HeldBack(Option<Duration>),
}

// === impl Heal ===

impl<S, R> Heal<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: TransportError + Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    /// Asks the upstream once, on nobody's behalf: what comes is judged, remembered and learned from as any answer is, and
    /// counts as no request of a caller. Nothing is healed, and nothing asked where something on the way rests or a quota
    /// has little left.
    pub async fn probe(&mut self, request: Request<Body>) -> Probed {
        let clone = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, clone);
        if let Err(error) = poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut ready, cx)).await
        {
            let (transport, _) = S::Error::fault(&error);
            return Probed::Bad(transport.fault());
        }
        let (head, _) = request.into_parts();
        let (give, _answer) = handover::<S::Error>();
        let run = Run {
            house: Arc::clone(self.house()),
            inner: ready,
            give,
            floor: None,
            found: Some(Found {
                for_nobody: true,
                ..Found::of(&self.house().kept, &head.uri, &head.headers)
            }),
            outlives_its_caller: false,
        };
        let mut scene = run.scene(head, Bytes::new());
        let now = scene.arrived;
        let ticket = match scene.place.gates.ask(now, rand::random()) {
            Passage::Free => None,
            Passage::Try(ticket) | Passage::Probe(ticket) => Some(ticket),
            Passage::Rest(Rest { retry_in, .. }) => return Probed::Rests(retry_in),
        };
        let mut pass = match scene.place.pass(Errand::Extra, now) {
            Ok(pass) => pass,
            Err(fault) => return Probed::HeldBack(fault.wait),
        };
        let request = pass.dress(scene.place.ask.request());
        let answer = scene.inner.call(request);
        let underway = Underway { sent_at: now, pass };
        let call = scene.place.call(&scene.place.ask, answer, underway);
        let until = now + scene.place.treatment.timeout;
        let probed = match timeout_at(until, call).await {
            Ok(Ok(_)) => Probed::Good,
            Ok(Err(Bad { fault, .. })) => Probed::Bad(fault),
            Err(_) => Probed::Bad(scene.place.timed_out(scene.place.treatment.timeout)),
        };
        drop::<Option<Ticket>>(ticket);
        probed
    }
}
