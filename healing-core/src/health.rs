//! How routes and sources are doing: live counters on the request path, windows beside it.
//!
//! The request path only adds to [`Tally`]s, which are atomics. Once a second somebody who is not on it takes a reading of
//! each; a window is the difference of two readings. So a healthy request costs a few relaxed additions, and a window of
//! any length costs nothing until it is looked at.

pub(crate) mod hedges;
pub(crate) mod rails;
pub(crate) mod tally;
pub(crate) mod tuning;
pub(crate) mod window;

use std::{borrow::Cow, fmt, time::Duration};

use jiff::Timestamp;

pub use crate::health::hedges::HedgeCounts;
pub use crate::health::rails::RailCounts;
use crate::{
    health::tuning::ThresholdMove,
    vocabulary::{fault::FaultClass, provenance::StrategyId, route::Route, source::Source},
};

/// How a route or a source is doing, worst last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum HealthStatus {
    /// Fewer of the attempts fail than makes a route degraded, and nothing had to be healed.
    Healthy,
    /// So many fail, or healing is at work: 5 % where nothing else is set.
    Degraded,
    /// So many fail that it is worse: 20 % where nothing else is set.
    Critical,
    /// The source rests after repeated failures, and nothing was healed lately.
    Failed,
}

/// From where on a route is called ill, for each route as it is set.
///
/// ```
/// use healing_core::Thresholds;
/// let usual = Thresholds::default();
/// assert_eq!((usual.degraded_from, usual.critical_from, usual.slow.as_secs()), (0.05, 0.20, 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// The share of failed requests, 0 to 1, from which on it is degraded.
    pub degraded_from: f64,
    /// The share from which on it is critical.
    pub critical_from: f64,
    /// An answer that took longer is given and counts as failed: it is as bad as a timeout.
    pub slow: Duration,
    /// Whether those that are the usual ones move with what the route's own past shows, `degraded_from` between 0.02 and 0.15,
    /// `critical_from` between 0.10 and 0.40, `slow` between 5 and 30 s. Those that are set otherwise stay.
    pub tune: bool,
}

/// A route, as of now: one row of `endpoint_health`.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointHealth {
    /// The route.
    pub route: Route,
    /// The word for it.
    pub status: HealthStatus,
    /// Requests of callers since the start.
    pub total_requests: u64,
    /// Requests whose primary attempt failed, was too slow, or was not made because the source rests.
    pub failed_requests: u64,
    /// Failed requests over requests in the last five minutes, 0 to 1; 0 without requests.
    pub error_rate: f64,
    /// Mean time of an upstream call, in seconds; 0 without calls.
    pub avg_response_time: f64,
    /// The last good upstream answer.
    pub last_success: Option<Timestamp>,
    /// The last bad one.
    pub last_failure: Option<Timestamp>,
    /// Bad upstream answers since the last good one.
    pub consecutive_failures: u32,
    /// Good upstream answers since the last bad one.
    pub consecutive_successes: u32,
    /// Requests answered usefully over requests in the last 24 hours, 0 to 100, rounded down to a tenth.
    pub uptime_percentage: f64,
    /// How its answers look otherwise than before, since this process knows it.
    pub shape_changed: Option<ShapeChange>,
    /// Its thresholds that were moved, each with its last move.
    pub moved: Vec<ThresholdMove>,
}

/// How the good answers of a route look otherwise than before, after a change that lasted. Names only, nothing of their content.
///
/// ```
/// use healing_core::ShapeChange;
/// let change = ShapeChange {
///     time: "2026-11-24T12:00:00Z".parse()?,
///     gone: vec!["/quote/price".into()],
///     came: vec!["/quote/last".into()],
///     is_retyped: false,
///     values: None,
/// };
/// assert_eq!(change.to_string(), "gone: /quote/price; new: /quote/last");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShapeChange {
    /// When it was believed.
    pub time: Timestamp,
    /// Paths that are gone, with `*` for rows and for keys that are values; 32 at most.
    pub gone: Vec<Box<str>>,
    /// Paths that came, likewise.
    pub came: Vec<Box<str>>,
    /// Whether values are of other types.
    pub is_retyped: bool,
    /// How many values an answer had and has, where it has less than a tenth.
    pub values: Option<(u32, u32)>,
}

/// What was wrong last with a source, and what healed it.
#[derive(Clone, Debug, PartialEq)]
pub struct LastFault {
    /// The class.
    pub class: FaultClass,
    /// The finer word.
    pub detail: Cow<'static, str>,
    /// What healed it; `None` when nothing did.
    pub healed_by: Option<StrategyId>,
    /// When.
    pub time: Timestamp,
}

/// A source, as of now: its routes added up, its status the worst of theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceHealth {
    /// The source.
    pub source: Source,
    /// The word for it.
    pub status: HealthStatus,
    /// Requests of callers in the last 24 hours.
    pub requests: u64,
    /// Requests answered usefully over requests in the last 24 hours, 0 to 100, rounded down to a tenth.
    pub uptime_percentage: f64,
    /// Requests whose primary attempt was good over requests in the last 24 hours, likewise.
    pub actual_success_percentage: f64,
    /// Failed requests over requests in the last five minutes, 0 to 1.
    pub error_rate: f64,
    /// Median and 95th percentile of upstream calls, within a sixth of the value; `None` without calls.
    pub latency: Option<(Duration, Duration)>,
    /// Whether the primary attempt is not made at the moment (the breaker is open).
    pub resting: bool,
    /// Whether an answer was healed in the last ten seconds.
    pub healing_active: bool,
    /// Since when the status has been what it is.
    pub since: Timestamp,
    /// What was wrong last.
    pub last_fault: Option<LastFault>,
    /// Its routes, busiest first.
    pub routes: Vec<EndpointHealth>,
}

/// Every source that has had a request, as of one moment. A source without data is left out: unknown is not healthy.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The moment.
    pub time: Timestamp,
    /// The sources by name.
    pub sources: Vec<SourceHealth>,
}

// === impl ShapeChange ===

impl ShapeChange {
    /// Whether it is the same but for its time.
    pub(crate) fn is_that_of(&self, other: &Self) -> bool {
        let time = self.time;
        Self {
            time,
            ..other.clone()
        } == *self
    }
}

impl fmt::Display for ShapeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.gone.is_empty() {
            parts.push(format!("gone: {}", self.gone.join(", ")));
        }
        if !self.came.is_empty() {
            parts.push(format!("new: {}", self.came.join(", ")));
        }
        if self.is_retyped {
            parts.push("values of other types".to_owned());
        }
        if let Some((before, now)) = self.values {
            parts.push(format!("{now} values in place of {before}"));
        }
        if parts.is_empty() {
            parts.push("paths without a name".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

// === impl Thresholds ===

impl Default for Thresholds {
    /// The specification's 5 %, 20 % and 10 s.
    fn default() -> Self {
        Self {
            degraded_from: 0.05,
            critical_from: 0.20,
            slow: Duration::from_secs(10),
            tune: true,
        }
    }
}

impl Thresholds {
    /// Whether the shares move: together, so that degraded stays below critical.
    fn moves_shares(self) -> bool {
        let usual = Self::default();
        let is = |one: f64, other: f64| one.to_bits() == other.to_bits();
        self.tune
            && is(self.degraded_from, usual.degraded_from)
            && is(self.critical_from, usual.critical_from)
    }

    pub(crate) fn moves_slow(self) -> bool {
        self.tune && self.slow == Self::default().slow
    }
}

// === impl HealthStatus ===

impl HealthStatus {
    /// Its word on the feed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
            Self::Failed => "failed",
        }
    }

    /// The word for what is seen of a route.
    pub(crate) fn of(signs: Signs, thresholds: Thresholds) -> Self {
        if signs.resting && !signs.healing {
            Self::Failed
        } else if signs.error_rate >= thresholds.critical_from {
            Self::Critical
        } else if signs.healing || signs.error_rate >= thresholds.degraded_from {
            Self::Degraded
        } else {
            Self::Healthy
        }
    }
}

/// What is seen of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    /// The share of requests whose primary attempt failed, in the window.
    pub(crate) error_rate: f64,
    /// Whether the primary attempt is not made.
    pub(crate) resting: bool,
    /// Whether an answer was healed lately.
    pub(crate) healing: bool,
}

/// A share as a percentage with one decimal, rounded down, so that 99.96 is never shown as 100; 100 where nothing was
/// asked, which callers leave out.
pub(crate) fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 100.0;
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    f64::from(u16::try_from(tenths.min(1000)).unwrap_or(1000)) / 10.0
}
