//! An upstream that does as its script says: answers, lateness, breaks, silence.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use healing_core::{Body, Sent, TransportError, TransportFault};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::{Instant, sleep};
use tower::Service;

use crate::layers_support::SERIES;

/// What the upstream does with a request.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    after: Option<Duration>,
    outcome: Result<Page, Lost>,
}

#[derive(Clone, Debug)]
struct Page {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Bytes,
    then: Then,
}

/// The value of a field.
pub(crate) struct Value(String);

/// What follows the bytes of a body.
#[derive(Clone, Copy, Debug)]
enum Then {
    Ends,
    Stops,
    Breaks,
    FallsSilent,
    Goes(&'static str, Duration),
}

/// The error of the scripted upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("lost: {0:?}, sent {1:?}")]
pub(crate) struct Lost(pub(crate) TransportFault, pub(crate) Sent);

/// An upstream that does as its script says.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Mutex<Script>>);

type Acting = Box<dyn FnMut(&Request<Body>) -> Act + Send>;

struct Script {
    act: Acting,
    calls: Vec<Instant>,
    last_fields: HeaderMap,
}

/// A way to the upstream that may be used only when it is ready.
pub(crate) struct Port {
    upstream: Upstream,
    ready: bool,
}

pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Act {
    let page = Page {
        status,
        fields: Vec::new(),
        body: body.into(),
        then: Then::Ends,
    };
    Act {
        after: Some(Duration::ZERO),
        outcome: Ok(page),
    }
}

pub(crate) fn json(body: impl Into<Bytes>) -> Act {
    answer(200, body).with("content-type", "application/json")
}

pub(crate) fn lost(fault: TransportFault, sent: Sent) -> Act {
    Act {
        after: Some(Duration::ZERO),
        outcome: Err(Lost(fault, sent)),
    }
}

pub(crate) fn hang() -> Act {
    Act {
        after: None,
        ..json(SERIES)
    }
}

// === impl Value ===

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

// === impl Act ===

impl Act {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Ok(page) = &mut self.outcome {
            page.fields.push((name, value.into().0));
        }
        self
    }

    pub(crate) fn late(mut self, after: Duration) -> Self {
        self.after = Some(after);
        self
    }

    /// The body ends without an error and before its declared length.
    pub(crate) fn stops(self) -> Self {
        self.then(Then::Stops)
    }

    pub(crate) fn breaks(self) -> Self {
        self.then(Then::Breaks)
    }

    pub(crate) fn falls_silent(self) -> Self {
        self.then(Then::FallsSilent)
    }

    /// After a pause comes more, and then the connection breaks.
    pub(crate) fn goes_on(self, more: &'static str, after: Duration) -> Self {
        self.then(Then::Goes(more, after))
    }

    fn then(mut self, then: Then) -> Self {
        if let Ok(page) = &mut self.outcome {
            page.then = then;
        }
        self
    }
}

impl Page {
    fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.fields {
            response = response.header(name, value);
        }
        let broken = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        let rest: BoxStream<'static, Result<Bytes, std::io::Error>> = match self.then {
            Then::Ends => {
                return response
                    .body(Body::from(self.body))
                    .expect("a head of the test");
            }
            Then::Stops => stream::empty().boxed(),
            Then::Breaks => stream::once(async move { broken() }).boxed(),
            Then::FallsSilent => stream::pending().boxed(),
            Then::Goes(more, after) => stream::once(async move {
                sleep(after).await;
                Ok(Bytes::from(more))
            })
            .chain(stream::once(async move { broken() }))
            .boxed(),
        };
        let all = stream::iter([Ok(self.body)]).chain(rest);
        response
            .body(Body::wrap(StreamBody::new(
                all.map(|part| part.map(Frame::data)),
            )))
            .expect("a head of the test")
    }
}

// === impl Lost ===

impl TransportError for Lost {
    fn fault(&self) -> (TransportFault, Sent) {
        (self.0, self.1)
    }
}

// === impl Upstream ===

impl Upstream {
    pub(crate) fn that(act: Act) -> Self {
        Self::by(move |_| act.clone())
    }

    /// Does one after the other, and the last for ever.
    pub(crate) fn in_turn(acts: impl IntoIterator<Item = Act>) -> Self {
        let mut acts = acts.into_iter().collect::<Vec<_>>().into_iter();
        let mut last = None;
        Self::by(move |_| {
            last = acts.next().or_else(|| last.take());
            last.clone().expect("one act at least")
        })
    }

    pub(crate) fn by(act: impl FnMut(&Request<Body>) -> Act + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Script {
            act: Box::new(act),
            calls: Vec::new(),
            last_fields: HeaderMap::new(),
        })))
    }

    pub(crate) fn becomes(&self, act: Act) {
        self.by_from_now(move |_| act.clone());
    }

    pub(crate) fn by_from_now(&self, act: impl FnMut(&Request<Body>) -> Act + Send + 'static) {
        self.script().act = Box::new(act);
    }

    /// Decides for each request anew.
    pub(crate) fn does(&self, act: impl FnMut(&Request<Body>) -> Act + Send + 'static) {
        self.script().act = Box::new(act);
    }

    pub(crate) fn calls(&self) -> usize {
        self.script().calls.len()
    }

    pub(crate) fn call_times(&self) -> Vec<Instant> {
        self.script().calls.clone()
    }

    /// The fields of the last request.
    pub(crate) fn last_fields(&self) -> HeaderMap {
        self.script().last_fields.clone()
    }

    pub(crate) fn port(&self) -> Port {
        Port {
            upstream: self.clone(),
            ready: false,
        }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Port ===

impl Clone for Port {
    /// A clone is not ready because its original was.
    fn clone(&self) -> Self {
        self.upstream.port()
    }
}

impl Service<Request<Body>> for Port {
    type Response = Response<Body>;
    type Error = Lost;
    type Future = BoxFuture<'static, Result<Response<Body>, Lost>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(self.ready, "called without being ready");
        self.ready = false;
        let mut script = self.upstream.script();
        script.calls.push(Instant::now());
        script.last_fields.clone_from(request.headers());
        let act = (script.act)(&request);
        drop(script);
        Box::pin(async move {
            match act.after {
                None => std::future::pending().await,
                Some(Duration::ZERO) => {}
                Some(after) => sleep(after).await,
            }
            act.outcome.map(Page::response)
        })
    }
}
