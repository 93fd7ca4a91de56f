//! The simulated sources: one file each, and the table of them.

pub(crate) mod alpha;
pub(crate) mod binance;
pub(crate) mod bls;
pub(crate) mod coinbase;
pub(crate) mod coingecko;
pub(crate) mod eia;
pub(crate) mod finnhub;
pub(crate) mod frankfurter;
pub(crate) mod fred;
pub(crate) mod kraken;
pub(crate) mod newsapi;
pub(crate) mod open_meteo;
pub(crate) mod openweather;
pub(crate) mod polygon;
mod readings;
pub(crate) mod sec_edgar;
pub(crate) mod stooq;
pub(crate) mod treasury;
pub(crate) mod world_bank;
pub(crate) mod yahoo;

use serde_json::json;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Refusal};
use crate::forms::Form;
use crate::source_name::SourceName;

/// What a source is made of.
#[derive(Debug)]
pub(crate) struct Source {
    /// The answer to a request that no fault changes.
    answer: fn(&Ask<'_>, &Gate<'_>) -> Answer,
    /// A refusal in the source's own words.
    refuse: fn(&Ask<'_>, Refusal) -> Answer,
    methods: &'static [&'static str],
    keys: &'static [&'static str],
    pub(crate) forms: &'static [Form],
}

const READS: &[&str] = &["GET", "HEAD"];

/// The built-in API is no source: it answers elsewhere, and only refuses here.
const API: Source = Source {
    answer: |ask, _| refuse_api(ask, Refusal::Failed(404)),
    refuse: refuse_api,
    methods: READS,
    keys: &[],
    forms: &[],
};

/// The parts of a source.
pub(crate) const fn of(source: SourceName) -> &'static Source {
    match source {
        SourceName::YahooFinance => &yahoo::SOURCE,
        SourceName::FredApi => &fred::SOURCE,
        SourceName::PolygonIo => &polygon::SOURCE,
        SourceName::AlphaVantage => &alpha::SOURCE,
        SourceName::Coingecko => &coingecko::SOURCE,
        SourceName::Binance => &binance::SOURCE,
        SourceName::Coinbase => &coinbase::SOURCE,
        SourceName::Kraken => &kraken::SOURCE,
        SourceName::Treasury => &treasury::SOURCE,
        SourceName::Bls => &bls::SOURCE,
        SourceName::Eia => &eia::SOURCE,
        SourceName::WorldBank => &world_bank::SOURCE,
        SourceName::NewsApi => &newsapi::SOURCE,
        SourceName::OpenMeteo => &open_meteo::SOURCE,
        SourceName::OpenWeather => &openweather::SOURCE,
        SourceName::Frankfurter => &frankfurter::SOURCE,
        SourceName::SecEdgar => &sec_edgar::SOURCE,
        SourceName::Stooq => &stooq::SOURCE,
        SourceName::Finnhub => &finnhub::SOURCE,
        SourceName::Api => &API,
    }
}

/// Keys that a source takes; none where it needs none. The first is for callers of the lab, the last is the one the
/// built-in API uses.
///
/// FRED takes any 32 lower-case letters and digits that do not start with `unregistered`; Alpha Vantage takes any key;
/// Polygon takes keys that start with `lab`: those with `basic` in them are held to the free plan's history and end of
/// day, those with `delayed` answer `DELAYED`. The other sources that have keys take those that start with `lab`.
#[must_use]
pub const fn keys(source: SourceName) -> &'static [&'static str] {
    of(source).keys
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
    let methods = of(source).methods;
    if !methods.contains(&ask.request.method.as_str()) {
        return refuse(source, ask, Refusal::Failed(405)).with("allow", methods.join(", "));
    }
    (of(source).answer)(ask, gate)
}

/// A refusal in the source's own words.
pub(crate) fn refuse(source: SourceName, ask: &Ask<'_>, refusal: Refusal) -> Answer {
    (of(source).refuse)(ask, refusal)
}

fn refuse_api(_ask: &Ask<'_>, refusal: Refusal) -> Answer {
    let (status, text) = match refusal {
        Refusal::Throttled => (429, "too many requests, slow down"),
        Refusal::Failed(status) => (status, reason(status)),
    };
    Answer::json(status, &json!({"error": text, "code": status}))
}

pub(crate) fn reason(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok();
    known
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown Status")
}
