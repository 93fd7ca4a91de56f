//! Each way to heal as a tower layer of its own: [`HealLayer`] with that one strategy. One mechanism, whatever is layered.

macro_rules! layer {
    ($layer:ty) => {
        impl<S> Layer<S> for $layer {
            type Service = Heal<S>;

            fn layer(&self, inner: S) -> Heal<S> {
                self.0.layer(inner)
            }
        }
    };
}

#[cfg(feature = "jq")]
mod compute;
mod estimate;
mod shorter;

use std::sync::Arc;

use tower_layer::Layer;

#[cfg(feature = "jq")]
pub use compute::ComputeLayer;
pub use estimate::EtfEstimateLayer;
pub use shorter::ShorterRangeLayer;

#[cfg(feature = "jq")]
use crate::strategies::fallback::Fallback;
use crate::{
    attempt::Strategy,
    background::Background,
    healer::{Healer, builder::HealerBuilder},
    layers::heal::{Heal, HealLayer},
    settings::{RouteSettings, Settings, SettingsError, SourceSettings, Treatment},
    strategies::{
        alternate::AlternateEndpoint, batch::BatchRequests, crumb::RenewCrumb,
        hedge::HedgedRequest, previous_day::PreviousDay, queue::Queue, reduce::ReduceRequest,
        retry::Retry, rotate_key::RotateKey, series::AlternateSeries, substitute::EtfProxy,
    },
    vocabulary::{fidelity::Fidelity, pattern::Pattern, source::Source},
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

/// Asks other addresses of the source for the same, and does nothing else.
///
/// ```
/// use healing_core::{AlternateEndpoint, AlternateLayer};
/// let layer = AlternateLayer::new(AlternateEndpoint::at(["https://query2.finance.yahoo.com".parse()?]));
/// # let _ = layer;
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct AlternateLayer(HealLayer);

/// Asks other addresses of the source beside a first call that takes long, and does nothing else.
///
/// ```
/// use healing_core::{HedgeLayer, HedgedRequest};
/// let layer = HedgeLayer::new(HedgedRequest::at(["https://query2.finance.yahoo.com".parse()?]));
/// # let _ = layer;
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct HedgeLayer(HealLayer);

/// Asks for another series of a route, and does nothing else. The floor is reduced.
///
/// ```
/// use healing_core::{AlternateSeries, Pattern, SeriesLayer, Source};
/// let series = Pattern::of("/api/fred/series/{series}".parse()?);
/// let layer = SeriesLayer::new(Source::new("fred_api")?, series, AlternateSeries::fred_monthly("series"))?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeriesLayer(HealLayer);

/// Asks for the fund of a share's sector, and does nothing else. The floor is substitute: whoever puts this layer there
/// consents, and a caller may raise it.
///
/// ```
/// use healing_core::{EtfProxy, Pattern, Source, SubstituteLayer};
/// let chart = Pattern::of("/v8/finance/chart/{symbol}".parse()?);
/// let layer = SubstituteLayer::new(Source::new("yahoo_finance")?, chart, EtfProxy::of("symbol").sectors())?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SubstituteLayer(HealLayer);

/// Asks for fewer rows of a route, and does nothing else. The floor is reduced.
///
/// ```
/// use healing_core::{Param, Pattern, ReduceLayer, ReduceRequest, Source};
/// let trades = Pattern::of("/v3/trades/{ticker}".parse()?).param("limit", Param::Query("limit".into()));
/// let layer = ReduceLayer::new(Source::new("polygon_io")?, trades, ReduceRequest::of("limit"))?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLayer(HealLayer);

/// Asks for a list of a route in parts, and for several single things in one call, and does nothing else. The floor is reduced:
/// where some parts do not come, the rest is given under a label.
///
/// ```
/// use healing_core::{BatchLayer, BatchRequests, Param, Pattern, Source};
/// let quotes = Pattern::of("/v7/finance/quote".parse()?).param("symbols", Param::Query("symbols".into()));
/// let layer = BatchLayer::new(Source::new("yahoo_finance")?, quotes, BatchRequests::yahoo_quotes())?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchLayer(HealLayer);

/// Asks with a new cookie and crumb where those of a route's requests were turned away, and does nothing else.
///
/// ```
/// use healing_core::{CrumbLayer, Param, Pattern, RenewCrumb, Source};
/// let quotes = Pattern::of("/v7/finance/quote".parse()?).param("crumb", Param::Query("crumb".into()));
/// let renewal = RenewCrumb::of("crumb", "https://fc.yahoo.com/".parse()?);
/// let layer = CrumbLayer::new(Source::new("yahoo_finance")?, quotes, renewal)?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CrumbLayer(HealLayer);

/// Asks for the trading day before the one of a route's request, and does nothing else. The floor is reduced.
///
/// ```
/// use healing_core::{Pattern, PreviousDay, PreviousDayLayer, Source, classify::Calendars};
/// let nyse = Calendars::built_in().named("us_equities").cloned().unwrap();
/// let day = Pattern::of("/v1/open-close/{ticker}/{date}".parse()?);
/// let layer = PreviousDayLayer::new(Source::new("polygon_io")?, day, PreviousDay::of("date", nyse))?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PreviousDayLayer(HealLayer);

/// Asks another route, and does nothing else. The floor is equivalent, unless the fallback's own answers are lower: then it
/// is theirs.
///
/// ```
/// use healing_core::{Fallback, FallbackLayer, Pattern, Source};
/// let previous = Pattern::of("/v2/aggs/ticker/{ticker}/prev".parse()?);
/// let yahoo = Fallback::polygon_previous_day_from_yahoo("query1.finance.yahoo.com".parse()?)?;
/// let layer = FallbackLayer::new(Source::new("polygon_io")?, previous, yahoo)?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "jq")]
#[derive(Clone, Debug)]
pub struct FallbackLayer(HealLayer);

/// A layer for one route with one strategy, which keeps no copies.
fn for_route(
    (source, pattern): (Source, Pattern),
    strategy: impl Strategy + 'static,
    floor: Fidelity,
) -> Result<HealLayer, SettingsError> {
    let treatment = Treatment {
        gives_copies: false,
        floor,
        floor_for_callers: floor,
        strategies: vec![Arc::new(strategy)],
        ..Treatment::default()
    };
    let mut settings = Settings::default();
    settings
        .routes
        .push(RouteSettings::new(source, pattern, treatment));
    let healer = Healer::builder()
        .gives_copies(false)
        .without_strategies()
        .build();
    healer.configure(&settings)?;
    Ok(HealLayer::new(healer))
}

layer!(AlternateLayer);
layer!(BatchLayer);
layer!(CrumbLayer);
layer!(HedgeLayer);
layer!(PreviousDayLayer);
layer!(QueueLayer);
layer!(ReduceLayer);
layer!(RetryLayer);
layer!(RotateKeyLayer);
layer!(SeriesLayer);
layer!(StaleLayer);
layer!(SubstituteLayer);
#[cfg(feature = "jq")]
layer!(FallbackLayer);

// === impl AlternateLayer ===

impl AlternateLayer {
    /// Asks those addresses.
    #[must_use]
    pub fn new(alternate: AlternateEndpoint) -> Self {
        Self(that(alternate))
    }
}

// === impl HedgeLayer ===

impl HedgeLayer {
    /// Asks that way.
    #[must_use]
    pub fn new(hedge: HedgedRequest) -> Self {
        Self(that(hedge))
    }
}

// === impl SeriesLayer ===

impl SeriesLayer {
    /// Gives those series where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        series: AlternateSeries,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), series, Fidelity::Reduced).map(Self)
    }
}

// === impl SubstituteLayer ===

impl SubstituteLayer {
    /// Gives those funds where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(source: Source, pattern: Pattern, proxy: EtfProxy) -> Result<Self, SettingsError> {
        for_route((source, pattern), proxy, Fidelity::Substitute).map(Self)
    }
}

// === impl ReduceLayer ===

impl ReduceLayer {
    /// Asks for fewer rows where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        reduce: ReduceRequest,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), reduce, Fidelity::Reduced).map(Self)
    }
}

// === impl BatchLayer ===

impl BatchLayer {
    /// Splits and gathers where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        batch: BatchRequests,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), batch, Fidelity::Reduced).map(Self)
    }
}

// === impl CrumbLayer ===

impl CrumbLayer {
    /// Renews where that route of that source refuses.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        renewal: RenewCrumb,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), renewal, Fidelity::Exact).map(Self)
    }
}

// === impl PreviousDayLayer ===

impl PreviousDayLayer {
    /// Gives the day before where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        previous: PreviousDay,
    ) -> Result<Self, SettingsError> {
        for_route((source, pattern), previous, Fidelity::Reduced).map(Self)
    }
}

// === impl FallbackLayer ===

#[cfg(feature = "jq")]
impl FallbackLayer {
    /// Asks the other route where that route of that source fails.
    ///
    /// # Errors
    /// When the pattern cannot be a route.
    pub fn new(
        source: Source,
        pattern: Pattern,
        fallback: Fallback,
    ) -> Result<Self, SettingsError> {
        let floor = fallback.fidelity().unwrap_or(Fidelity::Equivalent);
        for_route((source, pattern), fallback, floor).map(Self)
    }
}

// === impl RetryLayer ===

impl RetryLayer {
    /// Retries that way.
    #[must_use]
    pub fn new(retry: Retry) -> Self {
        Self(that(retry))
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(Retry::default())
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

// === impl RotateKeyLayer ===

impl RotateKeyLayer {
    /// For requests to that source, with its keys.
    #[must_use]
    pub fn new(source: SourceSettings) -> Self {
        Self(only(RotateKey, source))
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

/// A layer for all requests with one strategy, which keeps no copies.
fn that(strategy: impl Strategy + 'static) -> HealLayer {
    let healer = Healer::builder()
        .gives_copies(false)
        .without_strategies()
        .strategy(strategy)
        .build();
    HealLayer::new(healer)
}

/// The same for one source, as it is set.
fn only(strategy: impl Strategy + 'static, source: SourceSettings) -> HealLayer {
    let healer = Healer::builder()
        .gives_copies(false)
        .without_strategies()
        .strategy(strategy)
        .source(source)
        .build();
    HealLayer::new(healer)
}
