//! The forms in which the board is told: the messages of the feed and the objects of the JSON API.
//!
//! Old clients break on more than one would think (a missing number, a quote in a name, two rows with one name), so every
//! required field is always there, every number is finite, and names are slugs. The table is in `docs/src/feed.md`.

use std::borrow::Cow;

use axum::extract::ws::Utf8Bytes;
use healing_core::{
    Alert, EndpointHealth, HealthStatus, LastFault, Resolution, Route, ShapeChange, Snapshot,
    SourceHealth, StoredEvent, ThresholdMove,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::agents::Seen;

/// The version of the messages' form; it grows when a client must know.
pub(super) const FORM: u32 = 1;

/// The most routes of a source that are told, busiest first.
const MAX_ROUTES: usize = 20;

/// A source on the feed. The first three fields are required.
#[derive(Debug, Serialize)]
pub(super) struct Endpoint<'a> {
    source: &'a str,
    status: &'static str,
    /// 0 to 100, rounded down to a tenth.
    uptime_percentage: f64,
    display_name: &'a str,
    actual_success_percentage: f64,
    /// 0 to 1.
    error_rate: f64,
    requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
    /// `open` while the source rests.
    breaker: &'static str,
    healing_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'static str>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    consecutive_failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fault: Option<FaultForm>,
    routes: Vec<RouteForm<'a>>,
    /// How many routes there are, told or not.
    routes_total: usize,
}

/// What was wrong last.
#[derive(Debug, Serialize)]
struct FaultForm {
    class: &'static str,
    detail: Cow<'static, str>,
    healed_by: Option<&'static str>,
    time: String,
}

/// A route of a source.
#[derive(Debug, Serialize)]
struct RouteForm<'a> {
    route: &'a str,
    status: &'static str,
    uptime_percentage: f64,
    error_rate: f64,
    total_requests: u64,
    failed_requests: u64,
    avg_ms: f64,
    consecutive_failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape_changed: Option<ShapeForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moved: Vec<MoveForm>,
}

/// A threshold that was moved.
#[derive(Debug, Serialize)]
struct MoveForm {
    time: String,
    threshold: &'static str,
    /// Shares, or seconds.
    from: f64,
    to: f64,
    seen: f64,
    of: u64,
}

/// How the answers of a route look otherwise than before.
#[derive(Debug, Serialize)]
struct ShapeForm<'a> {
    time: String,
    /// Names of paths.
    gone: &'a [Box<str>],
    came: &'a [Box<str>],
    retyped: bool,
    /// How many values there were, and are.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<(u32, u32)>,
}

/// An incident on the feed. The first four fields are required.
#[derive(Debug, Serialize)]
pub(super) struct AlertForm<'a> {
    id: String,
    level: &'static str,
    title: &'a str,
    healing_attempted: bool,
    healing_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    recommendation: &'static str,
    started_at: String,
    flapping: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain_id: Option<String>,
}

// === impl Endpoint ===

impl<'a> Endpoint<'a> {
    /// One for each source that was asked in the last day: a client would show the last of two rows with one name, and
    /// 100 % for one without requests.
    pub(super) fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let mut sources: Vec<&SourceHealth> = snapshot
            .sources
            .iter()
            .filter(|source| source.requests > 0)
            .collect();
        sources.sort_by(|a, b| a.source.cmp(&b.source).then(b.status.cmp(&a.status)));
        sources.dedup_by(|later, kept| later.source == kept.source);
        sources.into_iter().map(Self::of).collect()
    }

    fn of(health: &'a SourceHealth) -> Self {
        let routes = &health.routes;
        Self {
            source: health.source.as_str(),
            status: health.status.as_str(),
            uptime_percentage: percentage(health.uptime_percentage),
            display_name: display_name(health.source.as_str()),
            actual_success_percentage: percentage(health.actual_success_percentage),
            error_rate: share(health.error_rate),
            requests: health.requests,
            p50_ms: health
                .latency
                .map(|(median, _)| tenths(median.as_secs_f64() * 1000.0)),
            p95_ms: health
                .latency
                .map(|(_, high)| tenths(high.as_secs_f64() * 1000.0)),
            breaker: if health.resting { "open" } else { "closed" },
            healing_active: health.healing_active,
            status_detail: health
                .last_fault
                .as_ref()
                .filter(|_| health.status != HealthStatus::Healthy)
                .map(|fault| fault.class.as_str()),
            since: millis(health.since),
            last_success: routes
                .iter()
                .filter_map(|route| route.last_success)
                .max()
                .map(millis),
            last_failure: routes
                .iter()
                .filter_map(|route| route.last_failure)
                .max()
                .map(millis),
            consecutive_failures: routes
                .iter()
                .map(|route| route.consecutive_failures)
                .max()
                .unwrap_or(0),
            last_fault: health.last_fault.as_ref().map(FaultForm::of),
            routes: routes.iter().take(MAX_ROUTES).map(RouteForm::of).collect(),
            routes_total: routes.len(),
        }
    }
}

// === impl FaultForm ===

impl FaultForm {
    fn of(fault: &LastFault) -> Self {
        Self {
            class: fault.class.as_str(),
            detail: fault.detail.clone(),
            healed_by: fault.healed_by.map(healing_core::StrategyId::as_str),
            time: millis(fault.time),
        }
    }
}

// === impl RouteForm ===

impl<'a> RouteForm<'a> {
    fn of(health: &'a EndpointHealth) -> Self {
        Self {
            route: health.route.template(),
            status: health.status.as_str(),
            uptime_percentage: percentage(health.uptime_percentage),
            error_rate: share(health.error_rate),
            total_requests: health.total_requests,
            failed_requests: health.failed_requests,
            avg_ms: tenths(health.avg_response_time * 1000.0),
            consecutive_failures: health.consecutive_failures,
            last_success: health.last_success.map(millis),
            last_failure: health.last_failure.map(millis),
            shape_changed: health.shape_changed.as_ref().map(ShapeForm::of),
            moved: health.moved.iter().map(MoveForm::of).collect(),
        }
    }
}

// === impl ShapeForm ===

impl<'a> ShapeForm<'a> {
    fn of(change: &'a ShapeChange) -> Self {
        Self {
            time: millis(change.time),
            gone: &change.gone,
            came: &change.came,
            retyped: change.is_retyped,
            values: change.values,
        }
    }
}

// === impl MoveForm ===

impl MoveForm {
    fn of(made: &ThresholdMove) -> Self {
        Self {
            time: millis(made.time),
            threshold: made.threshold.as_str(),
            from: share(made.from),
            to: share(made.to),
            seen: share(made.seen),
            of: made.of,
        }
    }
}

// === impl AlertForm ===

impl<'a> AlertForm<'a> {
    pub(super) fn of(alert: &'a Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            level: alert.level.as_str(),
            title: &alert.title,
            healing_attempted: alert.healing != healing_core::HealingState::NotAttempted,
            healing_state: alert.healing.as_str(),
            source: alert.source.as_ref().map(healing_core::Source::as_str),
            class: alert.class.map(healing_core::FaultClass::as_str),
            detail: alert.detail.clone(),
            route: alert.route.as_ref().map(Route::template),
            recommendation: alert.recommendation,
            started_at: millis(alert.started_at),
            flapping: alert.flapping,
            explain_id: alert.explain_id.map(|id| id.to_string()),
        }
    }
}

/// The first message: what the client talks to.
pub(super) fn hello(name: &str, version: &str, now: Timestamp) -> Utf8Bytes {
    text(&json!({
        "type": "hello",
        "version": FORM,
        "server": { "name": name, "version": version },
        "features": ["alert_updated", "event", "shape_changed", "bye"],
        "time": millis(now),
    }))
}

/// How all sources are doing. Made once for all clients.
pub(super) fn health_update(seen: &Seen) -> Utf8Bytes {
    let make = || {
        text(&json!({
            "type": "health_update",
            "version": FORM,
            "seq": seen.seq,
            "time": millis(seen.snapshot.time),
            "endpoints": Endpoint::all(&seen.snapshot),
        }))
    };
    seen.text.get_or_init(make).clone()
}

/// A new incident, or with `alert_updated` a change of one.
pub(super) fn alert(kind: &str, alert: &Alert) -> Utf8Bytes {
    text(&json!({ "type": kind, "alert": AlertForm::of(alert) }))
}

/// The end of one.
pub(super) fn alert_resolved(end: &Resolution) -> Utf8Bytes {
    text(&json!({
        "type": "alert_resolved",
        "alert_id": end.id.to_string(),
        "resolved_at": millis(end.time),
        "duration_s": end.duration.as_secs(),
        "reason": end.reason.as_str(),
    }))
}

/// An event, and how many before it were left out because there were too many.
pub(super) fn event(event: &StoredEvent, left_out: u64) -> Utf8Bytes {
    text(&json!({ "type": "event", "event": event, "left_out": left_out }))
}

/// That the answers of a route look otherwise from now on.
pub(super) fn shape_changed(route: &Route, change: &ShapeChange) -> Utf8Bytes {
    text(&json!({
        "type": "shape_changed",
        "source": route.source().as_str(),
        "route": route.template(),
        "change": ShapeForm::of(change),
    }))
}

/// The last message.
pub(super) fn bye(now: Timestamp) -> Utf8Bytes {
    text(&json!({ "type": "bye", "reason": "drain", "time": millis(now) }))
}

/// A moment in UTC with milliseconds.
pub(super) fn millis(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

/// A finite number rounded down to a tenth, at least 0.
pub(super) fn tenths(number: f64) -> f64 {
    // A number that was rounded to a tenth before must not lose another one to binary fractions.
    if number.is_finite() {
        ((number * 10.0 + 1e-6).floor() / 10.0).max(0.0)
    } else {
        0.0
    }
}

fn percentage(number: f64) -> f64 {
    tenths(number).min(100.0)
}

/// A share from 0 to 1, rounded to a thousandth.
fn share(number: f64) -> f64 {
    if number.is_finite() {
        (number.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
    } else {
        0.0
    }
}

fn display_name(slug: &str) -> &str {
    match slug {
        "yahoo_finance" => "Yahoo Finance",
        "fred_api" => "FRED API",
        "polygon_io" => "Polygon.io",
        "alpha_vantage" => "Alpha Vantage",
        _ => slug,
    }
}

fn text(message: &Value) -> Utf8Bytes {
    message.to_string().into()
}
