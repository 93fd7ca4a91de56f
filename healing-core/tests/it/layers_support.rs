//! What is asked in the tests of the layers, by whom, and what it came to.

use std::{pin::Pin, task::Poll, time::Duration};

use bytes::Bytes;
use healing_core::{Body, BoxError, Fidelity, HealLayer, Healer, Provenance, StrategyId};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

pub(crate) use crate::layers_upstream::{Act, Lost, Port, Upstream, answer, hang, json, lost};

/// A good answer.
pub(crate) const SERIES: &str = r#"{"units":"lin","observations":[{"date":"2026-01-02","value":4.1},{"date":"2026-01-03","value":4.2}]}"#;

/// The same series, one day on.
pub(crate) const NEWER: &str = r#"{"units":"lin","observations":[{"date":"2026-01-03","value":4.2},{"date":"2026-01-04","value":4.3}]}"#;

/// Where it is asked.
pub(crate) const URL: &str = "http://fred.test/fred/series/observations?series_id=DGS10";

/// What a caller got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, BoxError>,
    pub(crate) truth: Provenance,
    pub(crate) took: Duration,
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url)
        .body(Body::empty())
        .expect("a URL of the test")
}

pub(crate) fn get_with(url: &str, fields: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = get(url);
    for (name, value) in fields {
        request
            .headers_mut()
            .append(*name, value.parse().expect("a value"));
    }
    request
}

/// Heals what the upstream gives, with the defaults.
pub(crate) fn healed(upstream: &Upstream) -> healing_core::Heal<Port> {
    healed_by(upstream, Healer::builder().build())
}

pub(crate) fn healed_by(upstream: &Upstream, healer: Healer) -> healing_core::Heal<Port> {
    HealLayer::new(healer).layer(upstream.port())
}

/// Asks, and reads the body to its end or its break.
pub(crate) async fn ask<S>(service: &S, request: Request<Body>) -> Got
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Lost> + Clone,
{
    try_ask(service, request).await.expect("an answer")
}

pub(crate) async fn try_ask<S>(service: &S, request: Request<Body>) -> Result<Got, Lost>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Lost> + Clone,
{
    let asked = Instant::now();
    let response = service.clone().oneshot(request).await?;
    let took = asked.elapsed();
    let (head, body) = response.into_parts();
    Ok(Got {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes),
        truth: head
            .extensions
            .get::<Provenance>()
            .expect("no answer without provenance")
            .clone(),
        took,
    })
}

// === impl Got ===

impl Got {
    /// Status, fidelity, strategy.
    pub(crate) fn story(&self) -> (u16, Option<Fidelity>, StrategyId) {
        (self.status, self.truth.fidelity, self.truth.strategy)
    }

    pub(crate) fn text(&self) -> &str {
        let body = self.body.as_ref().expect("a whole body");
        std::str::from_utf8(body).expect("text")
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.truth.is_direct() && self.status == 200
    }

    pub(crate) fn is_copy(&self) -> bool {
        self.truth.fidelity == Some(Fidelity::Stale)
            && self.truth.strategy == StrategyId::USE_CACHED_DATA
    }
}

/// Keeps a future going by hand, to look at it while it waits.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
