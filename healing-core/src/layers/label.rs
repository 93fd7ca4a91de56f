//! Writes down in an answer's fields what its provenance says.
//!
//! A layer of its own, outside [`Heal`](crate::Heal): whoever embeds healing in a client needs no fields, whoever serves
//! others does.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{fields::Identity, vocabulary::provenance::Provenance};

/// Wraps a service in [`Label`].
#[derive(Clone, Debug)]
pub struct LabelLayer {
    identity: Arc<Identity>,
}

/// Labels every answer that carries a [`Provenance`].
#[derive(Clone, Debug)]
pub struct Label<S> {
    inner: S,
    identity: Arc<Identity>,
}

pin_project! {
    /// The answer of [`Label`].
    #[derive(Debug)]
    pub struct LabelFuture<F> {
        #[pin]
        inner: F,
        identity: Arc<Identity>,
    }
}

// === impl LabelLayer ===

impl LabelLayer {
    /// Labels in that name.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity: Arc::new(identity),
        }
    }
}

impl<S> Layer<S> for LabelLayer {
    type Service = Label<S>;

    fn layer(&self, inner: S) -> Label<S> {
        Label {
            inner,
            identity: Arc::clone(&self.identity),
        }
    }
}

// === impl Label ===

impl<S, B, R> Service<Request<B>> for Label<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = LabelFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        LabelFuture {
            inner: self.inner.call(request),
            identity: Arc::clone(&self.identity),
        }
    }
}

// === impl LabelFuture ===

impl<F, R, E> Future for LabelFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx)).map(|mut response| {
            // Out and in again, so that fields and truth can be held at the same time.
            let extensions = mem::take(response.extensions_mut());
            if let Some(truth) = extensions.get::<Provenance>() {
                this.identity.label(response.headers_mut(), truth);
            }
            *response.extensions_mut() = extensions;
            response
        });
        Poll::Ready(answer)
    }
}
