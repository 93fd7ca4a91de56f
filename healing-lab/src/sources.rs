//! The four simulated sources.

pub(crate) mod alpha;
pub(crate) mod fred;
pub(crate) mod polygon;
pub(crate) mod yahoo;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Refusal};
use crate::source_name::SourceName;

/// Keys that a source takes. The first is for callers of the lab, the last is the one the built-in API uses.
///
/// FRED takes any 32 lower-case letters and digits that do not start with `unregistered`; Alpha Vantage takes any key;
/// Polygon takes keys that start with `lab`: those with `basic` in them are held to the free plan's history and end of
/// day, those with `delayed` answer `DELAYED`. Yahoo and the built-in API have no keys.
#[must_use]
pub const fn keys(source: SourceName) -> &'static [&'static str] {
    match source {
        SourceName::YahooFinance | SourceName::Api => &[],
        SourceName::FredApi => &[
            "labfredkey0000000000000000000001",
            "labfredkey0000000000000000000002",
            "labfredkey0000000000000000000api",
        ],
        SourceName::PolygonIo => &[
            "labpolygonkey1",
            "labpolygonkey2",
            "labbasickey1",
            "labdelayedkey1",
            "labpolygonkeyapi",
        ],
        SourceName::AlphaVantage => &["LABALPHAKEY00001", "LABALPHAKEY00002", "LABALPHAKEY00API"],
    }
}

/// A valid key for callers of the lab; empty where a source has none.
#[must_use]
pub const fn key(source: SourceName) -> &'static str {
    match keys(source) {
        [first, ..] => first,
        [] => "",
    }
}

/// The key the built-in API uses.
pub(crate) const fn api_key(source: SourceName) -> &'static str {
    match keys(source) {
        [.., last] => last,
        [] => "",
    }
}

/// What a source answers to a request that no fault changes.
pub(crate) fn answer(source: SourceName, ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    if !["GET", "HEAD"].contains(&ask.request.method.as_str()) {
        return refuse(source, ask, Refusal::Failed(405)).with("allow", "GET, HEAD");
    }
    match source {
        SourceName::YahooFinance => yahoo::answer(ask, gate),
        SourceName::FredApi => fred::answer(ask, gate),
        SourceName::PolygonIo => polygon::answer(ask, gate),
        SourceName::AlphaVantage => alpha::answer(ask, gate),
        SourceName::Api => refuse(source, ask, Refusal::Failed(404)),
    }
}

/// A refusal in the source's own words.
pub(crate) fn refuse(source: SourceName, ask: &Ask<'_>, refusal: Refusal) -> Answer {
    match source {
        SourceName::YahooFinance => yahoo::refuse(refusal),
        SourceName::FredApi => fred::refuse(ask, refusal),
        SourceName::PolygonIo => polygon::refuse(ask, refusal),
        SourceName::AlphaVantage => alpha::refuse(refusal),
        SourceName::Api => {
            let (status, text) = match refusal {
                Refusal::Throttled => (429, "too many requests, slow down"),
                Refusal::Failed(status) => (status, reason(status)),
            };
            Answer::json(status, &serde_json::json!({"error": text, "code": status}))
        }
    }
}

pub(crate) fn reason(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok();
    known
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown Status")
}
