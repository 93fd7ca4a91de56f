//! How long a source asks us to wait, wherever it says so: in fields, or in the body.

mod body;

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;

use crate::{
    classify::{
        exchange::Exchange,
        retry_after::{self, MAX_WAIT},
    },
    vocabulary::fault::FaultClass,
};

/// Numbers below are a span in seconds, those above a moment since 1970.
const MOMENTS_FROM: f64 = 1e9;
/// Moments from here on are in milliseconds.
const MILLIS_FROM: f64 = 1e11;

/// How long the source asks us to wait after a fault of that class, at most [`MAX_WAIT`]. `now` is the source's time; without it
/// no moment is read, only spans.
///
/// `Retry-After` (RFC 9110, section 10.2.3) comes first and is read for every class; the budget fields (`RateLimit`,
/// draft-ietf-httpapi-ratelimit-headers, and the `X-RateLimit-Reset` before it) and the body only for limits and for a source
/// that is down on purpose.
pub(crate) fn of(
    exchange: &Exchange<'_>,
    class: FaultClass,
    now: Option<Timestamp>,
) -> Option<Duration> {
    let headers = exchange.headers;
    let limits = matches!(class, FaultClass::RateLimit | FaultClass::QuotaExceeded);
    let told = limits || class == FaultClass::Maintenance;
    retry_after(headers, now)
        .or_else(|| limits.then(|| budget(headers, now)).flatten())
        .or_else(|| told.then(|| body::wait(exchange, now)).flatten())
}

fn retry_after(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match now {
        Some(now) => retry_after::wait(headers, now),
        None if retry_after::is_span(text) => retry_after::wait(headers, Timestamp::UNIX_EPOCH),
        None => None,
    }
}

/// What the fields of a call budget say.
fn budget(headers: &HeaderMap, now: Option<Timestamp>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let combined = text("ratelimit").and_then(reset_of);
    let spans = [
        "ratelimit-reset",
        "x-ratelimit-reset-after",
        "x-ratelimit-retry-after",
        "x-rate-limit-retry-after-seconds",
    ];
    let moments = [
        "x-ratelimit-reset",
        "x-rate-limit-reset",
        "x-rate-limit-reset-time",
    ];
    combined
        .or_else(|| spans.iter().chain(&moments).find_map(|name| text(name)))
        .and_then(|text| read(text.parse().ok()?, now))
}

/// The seconds of a combined field: `"default";r=0;t=30`, or `limit=10, remaining=0, reset=30` of the older drafts.
fn reset_of(text: &str) -> Option<&str> {
    let parts = text.split([';', ',']).map(str::trim);
    parts.into_iter().find_map(|part| {
        let (name, value) = part.split_once('=')?;
        matches!(name.trim(), "t" | "reset").then(|| value.trim())
    })
}

/// A span in seconds, or a moment in seconds or milliseconds since 1970, by its size.
fn read(number: f64, now: Option<Timestamp>) -> Option<Duration> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    if number < MOMENTS_FROM {
        return Some(Duration::from_secs_f64(number).min(MAX_WAIT));
    }
    let seconds = if number >= MILLIS_FROM {
        number / 1000.0
    } else {
        number
    };
    until(seconds, now?)
}

/// From `now` to a moment in seconds since 1970; one in the past is no wait.
fn until(seconds: f64, now: Timestamp) -> Option<Duration> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of this century are exact in 52 bits"
    )]
    let here = now.as_second() as f64;
    let span = (seconds - here).clamp(0.0, MAX_WAIT.as_secs_f64());
    Duration::try_from_secs_f64(span).ok()
}

#[cfg(test)]
mod tests;
