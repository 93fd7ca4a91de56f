//! Probes and JSON.
//!
//! The probes never look at sources: a proxy whose sources are down is at work, not ill, and restarting it helps nobody.

use std::str::FromStr;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use healing_core::Source;
use serde_json::{Value, json};

use super::{
    Admin,
    messages::{AlertForm, Endpoint, millis, tenths},
    problem::{Problem, bad_parameter},
};
use crate::agents::Board;

/// Events that are listed when the caller does not say how many.
const DEFAULT_EVENTS: usize = 100;
/// What is said of the shared cache while it is away; nothing waits for it.
const SHARED_CACHE_AWAY: &str = "[~] shared cache: away, the proxy goes on without it\n";
/// Resolved incidents that are listed.
const RESOLVED: usize = 50;

/// `GET /livez`: the event loop turns.
pub(super) async fn livez(query: RawQuery) -> Result<String, Problem> {
    probe(&query, &[("event loop", true)]).map(|(_, text)| text)
}

/// `GET /readyz`: the listeners are bound and nothing is being drained.
pub(super) async fn readyz(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Response, Problem> {
    let draining = admin.board.draining().is_cancelled();
    let checks = [
        ("listeners bound", admin.board.is_ready()),
        ("not draining", !draining),
    ];
    let (passed, mut text) = probe(&query, &checks)?;
    let is_asked = query.0.as_deref() == Some("verbose");
    let counters = admin.board.counters();
    let is_away = counters.get("shared_cache_away").and_then(Value::as_bool);
    if is_asked && is_away == Some(true) {
        text.insert_str(0, SHARED_CACHE_AWAY);
    }
    let status = if passed {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((status, text).into_response())
}

/// `GET /api/v1/status`: the endpoints as on the feed, the open incidents, and how the program is doing.
pub(super) async fn status(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    Query::of(&query, &[])?;
    let board = &admin.board;
    let seen = board.seen();
    let (started, uptime) = board.started();
    let worst = seen
        .snapshot
        .sources
        .iter()
        .map(|source| source.status)
        .max();
    Ok(Json(json!({
        "name": admin.settings.name,
        "version": admin.settings.version,
        "proxy": admin.settings.proxy,
        "time": millis(board.now()),
        "started_at": millis(started),
        "uptime_s": tenths(uptime.as_secs_f64()),
        "ready": board.is_ready() && !board.draining().is_cancelled(),
        "status": worst.map(healing_core::HealthStatus::as_str),
        "seq": seen.seq,
        "as_of": millis(seen.snapshot.time),
        "endpoints": Endpoint::all(&seen.snapshot),
        "alerts": board.alerts().iter().map(AlertForm::of).collect::<Vec<_>>(),
        "counters": board.counters(),
        "configuration": board.configuration(),
    })))
}

/// `GET /api/v1/events`: the last events, newest first.
pub(super) async fn events(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(&query, &["limit", "source"])?;
    let allowed = format!("a whole number from 1 to {}", Board::MAX_EVENTS);
    let in_range = |limit: &usize| (1..=Board::MAX_EVENTS).contains(limit);
    let limit = query
        .value("limit", &allowed, in_range)?
        .unwrap_or(DEFAULT_EVENTS);
    let slug = "a slug: 1 to 64 of a-z, 0-9, '_' and '-', starting with a letter or digit";
    let source = query
        .value::<Slug>("source", slug, |_| true)?
        .map(|slug| slug.0);
    let events = admin.board.events(limit, source.as_ref());
    Ok(Json(json!({
        "time": millis(admin.board.now()),
        "total": admin.board.events_so_far(),
        "events": events.iter().map(AsRef::as_ref).collect::<Vec<&healing_core::StoredEvent>>(),
    })))
}

/// `GET /api/v1/alerts`: the open incidents, and the last ones that are over.
pub(super) async fn alerts(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    Query::of(&query, &[])?;
    let (resolved, unlisted) = admin.board.resolved();
    let ended = resolved.iter().take(RESOLVED).map(|(alert, end)| {
        json!({
            "alert": AlertForm::of(alert),
            "resolved_at": millis(end.time),
            "duration_s": end.duration.as_secs(),
            "reason": end.reason.as_str(),
        })
    });
    Ok(Json(json!({
        "time": millis(admin.board.now()),
        "alerts": admin.board.alerts().iter().map(AlertForm::of).collect::<Vec<_>>(),
        "resolved": ended.collect::<Vec<_>>(),
        "unlisted": unlisted,
    })))
}

/// Whether all checks passed, and the answer's text: one word, or a line a check with `?verbose`.
fn probe(query: &RawQuery, checks: &[(&str, bool)]) -> Result<(bool, String), Problem> {
    let verbose = Query::of(query, &["verbose"])?
        .0
        .iter()
        .any(|(name, _)| name == "verbose");
    let passed = checks.iter().all(|(_, passed)| *passed);
    let word = if passed { "ok" } else { "not ok" };
    let lines = checks
        .iter()
        .filter(|_| verbose)
        .map(|(name, passed)| match passed {
            true => format!("[+] {name}: ok\n"),
            false => format!("[-] {name}: failed\n"),
        });
    Ok((passed, lines.chain([format!("{word}\n")]).collect()))
}

/// The parameters of a request, each of a name that the page knows.
pub(super) struct Query(Vec<(String, String)>);

/// A source's slug in a parameter.
struct Slug(Source);

// === impl Query ===

impl Query {
    pub(super) fn of(RawQuery(text): &RawQuery, known: &[&str]) -> Result<Self, Problem> {
        let pairs = text
            .as_deref()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        let pairs: Vec<_> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (index, (name, value)) in pairs.iter().enumerate() {
            let again = pairs.iter().take(index).any(|(earlier, _)| earlier == name);
            if !known.contains(&name.as_str()) || again {
                let allowed = match known {
                    [] => "this page takes no parameters".to_owned(),
                    _ => format!("each of these at most once: {}", known.join(", ")),
                };
                return Err(bad_parameter(name, value, &allowed));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter's value, if it is there and allowed. All allowed values are plain, so nothing is percent-decoded.
    pub(super) fn value<T: FromStr>(
        &self,
        name: &str,
        allowed: &str,
        accept: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, Problem> {
        let Some((_, text)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let value = text.parse().ok().filter(accept);
        value
            .map(Some)
            .ok_or_else(|| bad_parameter(name, text, allowed))
    }
}

// === impl Slug ===

impl FromStr for Slug {
    type Err = healing_core::SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Source::new(text).map(Self)
    }
}
