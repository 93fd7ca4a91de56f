//! Each way to heal as a tower layer of its own: [`HealLayer`] with that one strategy. One mechanism, whatever is layered.

use tower_layer::Layer;

use crate::{
    attempt::Strategy,
    background::Background,
    healer::{Healer, HealerBuilder},
    layers::heal::{Heal, HealLayer},
    settings::SourceSettings,
    strategies::{queue::Queue, retry::Retry, rotate_key::RotateKey},
};

/// Asks again where that may help, and does nothing else.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::{convert::Infallible, sync::atomic::{AtomicU32, Ordering}};
/// use healing_core::{Body, RetryLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// static CALLS: AtomicU32 = AtomicU32::new(0);
/// let client = ServiceBuilder::new().layer(RetryLayer::default()).service_fn(|_: http::Request<Body>| async {
///     let status = if CALLS.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 200 };
///     Ok::<_, Infallible>(http::Response::builder().status(status).body(Body::from("[1]")).unwrap())
/// });
/// let answer = client.oneshot(http::Request::get("/prices").body(Body::empty()).unwrap()).await.unwrap();
/// assert_eq!(answer.status(), 200);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RetryLayer(HealLayer);

/// Gives the kept copy, with its age in the provenance, when the answer is bad or late, and does nothing else.
///
/// ```
/// use std::time::Duration;
/// use healing_core::{Healer, StaleLayer};
/// let patient = StaleLayer::of(Healer::builder().deadline(Duration::from_secs(5)));
/// # let _ = patient;
/// ```
#[derive(Clone, Debug)]
pub struct StaleLayer(HealLayer);

/// Sends requests with a key, asks again with the next one where the source turned it away, and does nothing else.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
/// use healing_core::{Body, KeyPlace, Keys, RotateKeyLayer, Secret, Source, SourceSettings};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let mut fred = SourceSettings::new(Source::new("fred_api")?);
/// let keys = ["revoked", "valid"].map(|key| Secret::new(key.to_owned()));
/// fred.keys = Some(Keys::new(KeyPlace::Query("api_key".to_owned()), keys.into())?);
/// let client = ServiceBuilder::new().layer(RotateKeyLayer::new(fred)).service_fn(|request: http::Request<Body>| async move {
///     let status = if request.uri().query() == Some("api_key=valid") { 200 } else { 401 };
///     Ok::<_, Infallible>(http::Response::builder().status(status).body(Body::from("[1]")).unwrap())
/// });
/// let answer = client.oneshot(http::Request::get("/fred/series").body(Body::empty())?).await?;
/// assert_eq!(answer.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RotateKeyLayer(HealLayer);

/// Keeps to a source's quotas: what comes too early waits for its turn, where that comes in time. It does nothing else.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{convert::Infallible, time::Duration};
/// use healing_core::{Body, Per, Provenance, QueueLayer, Quota, QuotaScope, Source, SourceSettings, StrategyId};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let mut alpha = SourceSettings::new(Source::new("alpha_vantage")?);
/// alpha.quotas = vec![Quota::new(1, Per::Window(Duration::from_millis(100)), QuotaScope::Key)?];
/// let client = ServiceBuilder::new().layer(QueueLayer::new(alpha)).service_fn(|_: http::Request<Body>| async {
///     Ok::<_, Infallible>(http::Response::new(Body::from("[1]")))
/// });
/// let ask = || client.clone().oneshot(http::Request::get("/query").body(Body::empty()).unwrap());
/// let (_first, second) = (ask().await?, ask().await?);
/// let truth: &Provenance = second.extensions().get().unwrap();
/// assert_eq!(truth.strategy, StrategyId::REQUEST_QUEUING);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct QueueLayer(HealLayer);

// === impl RetryLayer ===

impl RetryLayer {
    /// Retries that way.
    #[must_use]
    pub fn new(retry: Retry) -> Self {
        let healer = Healer::builder()
            .gives_copies(false)
            .without_strategies()
            .strategy(retry)
            .build();
        Self(HealLayer::new(healer))
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(Retry::default())
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Heal<S>;

    fn layer(&self, inner: S) -> Heal<S> {
        self.0.layer(inner)
    }
}

// === impl StaleLayer ===

impl StaleLayer {
    /// Keeps and gives copies with those settings; their strategies are left out.
    #[must_use]
    pub fn of(settings: HealerBuilder) -> Self {
        Self(HealLayer::new(settings.without_strategies().build()))
    }

    /// The same, with somewhere for calls to go on that lost the race against the deadline.
    #[must_use]
    pub fn background(self, background: Background) -> Self {
        Self(self.0.background(background))
    }
}

impl Default for StaleLayer {
    fn default() -> Self {
        Self::of(Healer::builder())
    }
}

impl<S> Layer<S> for StaleLayer {
    type Service = Heal<S>;

    fn layer(&self, inner: S) -> Heal<S> {
        self.0.layer(inner)
    }
}

// === impl RotateKeyLayer ===

impl RotateKeyLayer {
    /// For requests to that source, with its keys.
    #[must_use]
    pub fn new(source: SourceSettings) -> Self {
        Self(only(RotateKey, source))
    }
}

impl<S> Layer<S> for RotateKeyLayer {
    type Service = Heal<S>;

    fn layer(&self, inner: S) -> Heal<S> {
        self.0.layer(inner)
    }
}

// === impl QueueLayer ===

impl QueueLayer {
    /// For requests to that source, within its quotas.
    #[must_use]
    pub fn new(source: SourceSettings) -> Self {
        Self(only(Queue, source))
    }
}

impl<S> Layer<S> for QueueLayer {
    type Service = Heal<S>;

    fn layer(&self, inner: S) -> Heal<S> {
        self.0.layer(inner)
    }
}

fn only(strategy: impl Strategy + 'static, source: SourceSettings) -> HealLayer {
    let healer = Healer::builder()
        .gives_copies(false)
        .without_strategies()
        .strategy(strategy)
        .source(source)
        .build();
    HealLayer::new(healer)
}
