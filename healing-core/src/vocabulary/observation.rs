//! What the stores, the feed and the learner are told.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::vocabulary::{
    fault::FaultClass,
    fidelity::Fidelity,
    provenance::{Instead, StrategyId},
    route::Route,
};

/// A request whose primary attempt failed, and what became of it. Redacted when it is built: it names the route's template,
/// never the raw path, and no text of the upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorEvent {
    /// The request's id (version 7); writing an event twice is harmless because of it.
    pub id: Uuid,
    /// When the answer was given.
    pub time: Timestamp,
    /// What was asked.
    pub route: Route,
    /// What was wrong first.
    pub class: FaultClass,
    /// The finer word under the class.
    pub detail: Cow<'static, str>,
    /// The status that came with it.
    pub status: Option<u16>,
    /// How long the primary attempt took; zero when it was not made because the source rests.
    pub response_time: Duration,
    /// Query parameters, masked but for a short list of harmless names.
    pub params: Value,
    /// Upstream calls beyond the first.
    pub retries: u32,
    /// What healed it; `None` when nothing did.
    pub healed_by: Option<StrategyId>,
    /// The fidelity that was given; `None` when nothing was.
    pub fidelity: Option<Fidelity>,
    /// The age of the copy that was given.
    pub age: Option<Duration>,
    /// From the request's arrival to its answer.
    pub took: Duration,
    /// What was given, where that is something else than what was asked.
    pub instead: Option<Box<Instead>>,
}

/// What the good answers of a route look like, to be kept over restarts: numbers for the paths that carry a value, nothing of
/// their content.
///
/// ```
/// use healing_core::{Healer, Route, RouteShape, Source};
/// let kept = RouteShape {
///     route: Route::new(Source::new("fred_api")?, "/fred/series/observations"),
///     fingerprint: "of another program".to_owned(),
/// };
/// let healer = Healer::builder().build();
/// healer.recall_shapes(vec![kept]); // is set aside, with a message
/// assert!(healer.shapes().is_empty());
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteShape {
    /// The route.
    pub route: Route,
    /// The text that [`Healer::shapes`](crate::Healer::shapes) made.
    pub fingerprint: String,
}

/// Who is told of error events. Never waits: what it cannot take it counts and drops.
pub trait Sink: Send + Sync + std::fmt::Debug {
    /// Takes one event.
    fn event(&self, event: ErrorEvent);
}

// === impl ErrorEvent ===

impl ErrorEvent {
    /// Whether the caller got a permitted answer all the same.
    #[must_use]
    pub const fn healed(&self) -> bool {
        self.healed_by.is_some()
    }

    /// One line for people: built from our own words only.
    #[must_use]
    pub fn message(&self) -> String {
        let mut line = format!("{} ({})", self.class, self.detail);
        if let Some(status) = self.status {
            line.push_str(&format!(", status {status}"));
        }
        line
    }
}
