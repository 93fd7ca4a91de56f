//! What a request asks for, as far as an empty answer needs to know: a search may find nothing, a named thing is there or not.

use crate::classify::exchange::Exchange;

/// What an empty list says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asks {
    /// For what matches, or what happens: nothing does.
    Search,
    /// For a span of time or a filter of a known thing: it has no values there.
    Span,
    /// For a thing by its name: there is none.
    Thing,
    /// For what cannot be told.
    Unknown,
}

pub(super) fn asks(exchange: &Exchange<'_>) -> Asks {
    let path = exchange.path().to_ascii_lowercase();
    let query = exchange
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let parameters = || {
        query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_ascii_lowercase(), value.to_ascii_lowercase())
        })
    };
    let says_search = |text: &str| SEARCH.iter().any(|word| text.contains(word));
    let named = |names: &[&str]| {
        parameters().any(|(name, value)| names.contains(&&*name) && !value.is_empty())
    };
    let acts = parameters().any(|(name, value)| ACTS.contains(&&*name) && says_search(&value));
    if says_search(&path) || acts || named(&["q", "keywords", "keyword", "search"]) {
        Asks::Search
    } else if named(SPANS) || path.split('/').any(is_date) {
        Asks::Span
    } else if named(THINGS) {
        Asks::Thing
    } else {
        Asks::Unknown
    }
}

/// Whether a request asks for how things stand now, and names no time itself.
pub(super) fn asks_for_now(exchange: &Exchange<'_>) -> bool {
    let target = exchange.target.to_ascii_lowercase();
    let (path, query) = target.split_once('?').unwrap_or((&*target, ""));
    let names_a_span = query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        SPANS.contains(&name) && name != "range" && !value.is_empty()
    });
    !names_a_span && !path.split('/').any(is_date) && NOW.iter().any(|word| target.contains(word))
}

/// Words for what is newest.
const NOW: [&str; 10] = [
    "quote",
    "latest",
    "/last/",
    "realtime",
    "real-time",
    "current",
    "live",
    "intraday",
    "range=1d",
    "ticker/price",
];

fn is_date(segment: &str) -> bool {
    segment.len() == 10
        && segment.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

const SEARCH: [&str; 24] = [
    "search",
    "lookup",
    "suggest",
    "calendar",
    "news",
    "list",
    "holiday",
    "dividend",
    "split",
    "earning",
    "event",
    "upcoming",
    "trending",
    "filing",
    "transaction",
    "txs",
    "trades",
    "orders",
    "positions",
    "alerts",
    "insider",
    "ipo",
    "recommend",
    "screener",
];

/// Parameters that name what is to be done.
const ACTS: [&str; 5] = ["function", "action", "method", "module", "type"];

const SPANS: &[&str] = &[
    "from",
    "to",
    "start",
    "end",
    "startdate",
    "enddate",
    "start_date",
    "end_date",
    "date",
    "date_from",
    "date_to",
    "period1",
    "period2",
    "startperiod",
    "endperiod",
    "startyear",
    "endyear",
    "observation_start",
    "observation_end",
    "filter",
    "since",
    "starttime",
    "endtime",
    "start_time",
    "end_time",
    "time",
    "range",
];

const THINGS: &[&str] = &[
    "symbol",
    "symbols",
    "ticker",
    "tickers",
    "s",
    "id",
    "ids",
    "fsym",
    "fsyms",
    "pair",
    "series_id",
    "seriesid",
    "coin",
    "isin",
    "city",
    "stock",
];
