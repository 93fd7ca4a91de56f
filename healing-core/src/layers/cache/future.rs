//! The answer of the cache, as it comes about.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Response};
use pin_project_lite::pin_project;

use crate::{
    attempt::TransportError,
    body::{Body, BoxError},
    healer::House,
    kept::giving,
    layers::{cache::look::Changed, heal::HealFuture},
};

pin_project! {
    /// The answer of [`Cache`](crate::Cache).
    #[must_use = "futures do nothing unless polled"]
    pub struct CacheFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F, E> {
        Given { response: Option<Response<Body>> },
        Asking { #[pin] heal: HealFuture<F, E>, then: Then },
        Waiting { answer: BoxFuture<'static, Result<Response<Body>, E>> },
    }
}

/// What is done with the answer that comes.
pub(crate) enum Then {
    /// It is given as it is.
    Give,
    /// The whole was asked for, and the caller wants this of it.
    Tailor(Method, HeaderMap),
    /// Where the request was answered well, what was kept of its URL is void.
    Invalidate(Arc<House>, Changed),
}

// === impl CacheFuture ===

impl<F, E> CacheFuture<F, E> {
    pub(crate) const fn given(response: Response<Body>) -> Self {
        let response = Some(response);
        Self {
            state: State::Given { response },
        }
    }

    pub(crate) const fn asking(heal: HealFuture<F, E>, then: Then) -> Self {
        Self {
            state: State::Asking { heal, then },
        }
    }

    pub(crate) const fn waiting(answer: BoxFuture<'static, Result<Response<Body>, E>>) -> Self {
        Self {
            state: State::Waiting { answer },
        }
    }
}

impl<F, E, R> Future for CacheFuture<F, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
    E: TransportError,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProject::Given { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            StateProject::Asking { heal, then } => {
                let answer = ready!(heal.poll(cx));
                Poll::Ready(answer.map(|response| mem::replace(then, Then::Give).with(response)))
            }
            StateProject::Waiting { answer } => answer.as_mut().poll(cx),
        }
    }
}

impl<F, E> fmt::Debug for CacheFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheFuture").finish_non_exhaustive()
    }
}

// === impl Then ===

impl Then {
    fn with(self, response: Response<Body>) -> Response<Body> {
        match self {
            Self::Give => response,
            Self::Tailor(_, less) if less.is_empty() => response,
            Self::Tailor(method, less) => giving::tailor(response, &method, &less),
            Self::Invalidate(house, Changed { url, far }) => {
                let status = response.status();
                if status.is_success() || status.is_redirection() {
                    house.kept.invalidate(url, house.clock.now());
                    if let (Some(beyond), Some(name)) = (&house.beyond, far) {
                        beyond.changed(name, house.clock);
                    }
                }
                response
            }
        }
    }
}
