//! A wait that stands in a body: `"retry_after": 30`, "in one minute", "banned until 1787546698129".

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::Value;

use crate::classify::{
    exchange::{Exchange, Kind},
    retry_after::MAX_WAIT,
};

use super::{MOMENTS_FROM, read};

/// Bodies of a refusal are short.
const READ_UP_TO: usize = 64 * 1024;
const MAX_DEPTH: u8 = 4;

/// What the body says about waiting.
pub(super) fn wait(exchange: &Exchange<'_>, now: Option<Timestamp>) -> Option<Duration> {
    let by_key = || {
        let is_short = exchange.body.len() <= READ_UP_TO
            && matches!(exchange.kind(), Kind::Json | Kind::Ndjson);
        let answer: Value = is_short
            .then(|| serde_json::from_slice(exchange.body).ok())
            .flatten()?;
        keyed(&answer, now, 0)
    };
    by_key().or_else(|| worded(&exchange.head_of_body(), now))
}

/// The value of the first key that names a wait.
fn keyed(value: &Value, now: Option<Timestamp>, depth: u8) -> Option<Duration> {
    let fields = value.as_object().filter(|_| depth < MAX_DEPTH)?;
    let own = fields.iter().find_map(|(key, value)| {
        let unit = unit_of(key)?;
        let number = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        // "Throttled for 0 seconds" is how an answer says that this is not why.
        (number > 0.0)
            .then(|| read(number / if number < MOMENTS_FROM { unit } else { 1.0 }, now))
            .flatten()
    });
    own.or_else(|| {
        fields
            .values()
            .find_map(|value| keyed(value, now, depth + 1))
    })
}

/// How many units of a key's number make a second.
fn unit_of(key: &str) -> Option<f64> {
    let plain: String = key
        .chars()
        .take(40)
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "retryafter" | "retryafterseconds" | "retryaftersecs" | "retryin" | "retryinseconds"
        | "throttleseconds" | "waitseconds" | "secondstowait" | "resetin" | "resetafter"
        | "backoff" | "backoffseconds" => Some(1.0),
        "retryafterms" | "retryaftermillis" | "waitms" | "backoffms" => Some(1000.0),
        _ => None,
    }
}

/// A wait in words: behind "in", "after", "wait" or "for", a number and a unit.
fn worded(text: &str, now: Option<Timestamp>) -> Option<Duration> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(512)
        .collect();
    for pair in words.windows(2) {
        match pair {
            ["until" | "till", moment] => {
                let number = moment
                    .parse::<f64>()
                    .ok()
                    .filter(|number| *number >= MOMENTS_FROM);
                if let Some(wait) = number.and_then(|number| read(number, now)) {
                    return Some(wait);
                }
            }
            ["current" | "next" | "this", "minute"] => return Some(Duration::from_mins(1)),
            ["current" | "next" | "this", "hour"] => return Some(Duration::from_hours(1)),
            _ => {}
        }
    }
    let spans = words.windows(3);
    let told = spans.into_iter().find_map(|three| match three {
        [
            "in" | "after" | "wait" | "for" | "within" | "another",
            number,
            unit,
        ] => span(number, unit),
        _ => None,
    });
    told.or_else(|| {
        words
            .contains(&"tomorrow")
            .then(|| to_midnight(now?))
            .flatten()
    })
}

fn span(number: &str, unit: &str) -> Option<Duration> {
    let count = match number {
        "a" | "an" | "one" => 1,
        digits => digits.parse::<u32>().ok()?,
    };
    let seconds = match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(u64::from(count).saturating_mul(seconds)).min(MAX_WAIT))
}

/// Until the next day begins in UTC, where most sources count.
fn to_midnight(now: Timestamp) -> Option<Duration> {
    let here = now.to_zoned(TimeZone::UTC);
    let next = here.start_of_day().ok()?.checked_add(1.day()).ok()?;
    Duration::try_from(next.timestamp().duration_since(now)).ok()
}
