//! Charts and the CSV download.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::quote::{listing, price_places};
use super::{error, sound};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::assets::Asset;
use crate::market::{Span, Tick};
use crate::periods::{Period, join};
use crate::prices::{Bar, round};

const DAY: i64 = 86_400;
/// No instrument of the lab traded before 12 December 1980.
const FIRST_TRADE: i64 = 345_479_400;
const RANGES: [(&str, i64); 11] = [
    ("1d", 1),
    ("5d", 7),
    ("1mo", 31),
    ("3mo", 92),
    ("6mo", 183),
    ("1y", 366),
    ("2y", 731),
    ("5y", 1_827),
    ("10y", 3_653),
    ("ytd", 183),
    ("max", 20_000),
];
/// Interval, its seconds, the longest window of a request in days, and how far back it goes in days.
const INTERVALS: [(&str, i64, i64, i64); 11] = [
    ("1m", 60, 8, 30),
    ("2m", 120, 60, 60),
    ("5m", 300, 60, 60),
    ("15m", 900, 60, 60),
    ("30m", 1_800, 60, 60),
    ("60m", 3_600, 730, 730),
    ("1h", 3_600, 730, 730),
    ("1d", DAY, 36_525, 36_525),
    ("5d", 5 * DAY, 36_525, 36_525),
    ("1wk", 7 * DAY, 36_525, 36_525),
    ("1mo", 30 * DAY, 36_525, 36_525),
];

/// What a chart is asked for.
struct Window {
    interval: &'static str,
    seconds: i64,
    range: String,
    from: i64,
    to: i64,
}

pub(super) fn chart(ask: &Ask<'_>, symbol: &str) -> Outcome {
    let Some(asset) = ask.market.asset(symbol) else {
        return Err(error(
            "chart",
            404,
            ("Not Found", "No data found, symbol may be delisted"),
        ));
    };
    let window = window(ask)?;
    let bars = bars(ask, &asset, &window);
    Ok(sound(&body(ask, &asset, (&window, &bars)), 10))
}

/// The chart of `asset`, with its values null.
pub(super) fn all_null(ask: &Ask<'_>) -> Answer {
    let Some(asset) = ask.market.asset("AAPL") else {
        return Answer::empty(500);
    };
    let window = Window {
        interval: "1d",
        seconds: DAY,
        range: "5d".to_owned(),
        from: 0,
        to: 0,
    };
    let now = ask.now.as_second();
    let window = Window {
        from: now - 7 * DAY,
        to: now,
        ..window
    };
    let mut body = body(ask, &asset, (&window, &bars(ask, &asset, &window)));
    let lists = [
        "/chart/result/0/indicators/quote/0",
        "/chart/result/0/indicators/adjclose/0",
    ];
    for list in lists {
        let Some(Value::Object(columns)) = body.pointer_mut(list) else {
            continue;
        };
        for column in columns.values_mut() {
            let length = column.as_array().map_or(0, Vec::len);
            *column = json!(vec![Value::Null; length]);
        }
    }
    sound(&body, 10)
}

fn window(ask: &Ask<'_>) -> Result<Window, Answer> {
    let unfit = |text: &str| error("chart", 422, ("Unprocessable Entity", text));
    let bad = |text: &str| error("chart", 400, ("Bad Request", text));
    let asked = ask.param("interval").unwrap_or("1d");
    let Some((interval, seconds, longest, back)) =
        INTERVALS.iter().copied().find(|(name, ..)| *name == asked)
    else {
        let names: Vec<&str> = INTERVALS.iter().map(|(name, ..)| *name).collect();
        return Err(unfit(&format!(
            "Invalid input - interval={asked} is not supported. Valid intervals: [{}]",
            names.join(", ")
        )));
    };
    let now = ask.now.as_second();
    let second = |name: &str| {
        let number = ask.param(name).map(str::parse::<i64>).transpose();
        number.map_err(|_| bad(&format!("Invalid value for the \"{name}\" argument")))
    };
    let range = ask.param("range").unwrap_or_default();
    let (from, to) = if let Some(from) = second("period1")? {
        (from, second("period2")?.unwrap_or(now))
    } else {
        let name = if range.is_empty() { "1d" } else { range };
        let Some((_, days)) = RANGES.iter().find(|(known, _)| *known == name) else {
            return Err(unfit(&format!(
                "Invalid input - range={name} is not supported"
            )));
        };
        (if name == "1d" { now } else { now - days * DAY }, now)
    };
    if from > to {
        return Err(bad("Invalid input - start date cannot be after end date."));
    }
    if to - from > longest * DAY {
        let span = if longest > 10_000 {
            "100 years worth of day".to_owned()
        } else {
            format!("{longest} days worth of {interval}")
        };
        return Err(unfit(&format!(
            "{interval} data not available for startTime={from} and endTime={to}. \
             Only {span} granularity data are allowed to be fetched per request."
        )));
    }
    if back < 10_000 && from < now - back * DAY {
        return Err(unfit(&format!(
            "{interval} data not available for startTime={from} and endTime={to}. \
             The requested range must be within the last {back} days."
        )));
    }
    Ok(Window {
        interval,
        seconds,
        range: range.to_owned(),
        from,
        to,
    })
}

fn bars(ask: &Ask<'_>, asset: &Asset, window: &Window) -> Vec<Bar> {
    let end = window.to.min(ask.now.as_second());
    let start = window.from.max(FIRST_TRADE);
    let at = |second| Timestamp::from_second(second).unwrap_or(ask.now);
    if end < start {
        return Vec::new();
    }
    if window.seconds < DAY {
        // Of one day means the whole of it, also when the window is empty because both ends are now.
        let from = if window.from == end {
            ask.market.tick(asset, ask.now).session.open
        } else {
            at(start)
        };
        return ask
            .market
            .bars(asset, Span { from, to: at(end) }, window.seconds * 1_000);
    }
    let calendar = &ask.market.calendar;
    let first = calendar.eastern(at(start)).date();
    let last = calendar.eastern(at(end)).date();
    let first = if window.from == end {
        ask.market.tick(asset, ask.now).session.date.min(first)
    } else {
        first
    };
    let days = ask.market.days(asset, (first, last), ask.now);
    let period = match window.interval {
        "5d" => Period::Days(5),
        "1wk" => Period::Weeks(1),
        "1mo" => Period::Months(1),
        _ => Period::Days(1),
    };
    join(&days, period)
        .into_iter()
        .map(|(_, bar)| bar)
        .collect()
}

fn body(ask: &Ask<'_>, asset: &Asset, (window, bars): (&Window, &[Bar])) -> Value {
    let places = price_places(asset);
    let column = |value: fn(&Bar) -> f64| -> Vec<f64> {
        bars.iter().map(|bar| round(value(bar), places)).collect()
    };
    let meta = meta(ask, asset, window);
    let mut result = json!({"meta": meta, "indicators": {"quote": [{}]}});
    if !bars.is_empty() {
        let closes = column(|bar| bar.close);
        let mut indicators = json!({"quote": [{
            "open": column(|bar| bar.open), "high": column(|bar| bar.high), "low": column(|bar| bar.low),
            "close": closes, "volume": bars.iter().map(|bar| bar.volume).collect::<Vec<_>>(),
        }]});
        if let (true, Some(indicators)) = (window.seconds >= DAY, indicators.as_object_mut()) {
            indicators.insert("adjclose".to_owned(), json!([{"adjclose": closes}]));
        }
        let seconds: Vec<i64> = bars.iter().map(|bar| bar.start / 1_000).collect();
        result = json!({"meta": meta, "timestamp": seconds, "indicators": indicators});
    }
    json!({"chart": {"result": [result], "error": null}})
}

fn meta(ask: &Ask<'_>, asset: &Asset, window: &Window) -> Value {
    let tick: Tick = ask.market.tick(asset, ask.now);
    let places = price_places(asset);
    let local = ask.market.calendar.eastern(ask.now);
    let offset = local.offset().seconds();
    let zone = if offset == -4 * 3_600 { "EDT" } else { "EST" };
    let period = |start: Timestamp, end: Timestamp| json!({"timezone": zone, "start": start.as_second(), "end": end.as_second(), "gmtoffset": offset});
    let hours = |at: Timestamp, hours| {
        at.checked_add(SignedDuration::from_hours(hours))
            .unwrap_or(at)
    };
    let session = ask.session(asset);
    let (kind, exchange, full_exchange, _) = listing(asset.kind);
    let ranges: Vec<&str> = RANGES.iter().map(|(name, _)| *name).collect();
    let mut meta = json!({
        "currency": "USD", "symbol": asset.symbol, "exchangeName": exchange, "fullExchangeName": full_exchange,
        "instrumentType": kind, "firstTradeDate": FIRST_TRADE, "regularMarketTime": tick.at.as_second(),
        "hasPrePostMarketData": true, "gmtoffset": offset, "timezone": zone, "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": round(tick.price, places), "regularMarketDayHigh": round(tick.day.high, places),
        "regularMarketDayLow": round(tick.day.low, places), "regularMarketVolume": tick.day.volume,
        "longName": asset.name, "shortName": asset.name, "chartPreviousClose": round(tick.previous_close, places),
        "priceHint": 2, "dataGranularity": window.interval, "range": window.range, "validRanges": ranges,
    });
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(
            "fiftyTwoWeekHigh".to_owned(),
            json!(round(tick.day.high * 1.2, places)),
        );
        meta.insert(
            "fiftyTwoWeekLow".to_owned(),
            json!(round(tick.day.low * 0.8, places)),
        );
        let periods = json!({
            "pre": period(hours(session.open, -5), session.open),
            "regular": period(session.open, session.close),
            "post": period(session.close, hours(session.close, 4)),
        });
        meta.insert("currentTradingPeriod".to_owned(), periods);
    }
    meta
}

pub(super) fn download(ask: &Ask<'_>, symbol: &str) -> Outcome {
    let csv = |status, text: String| Answer::new(status, "text/csv", text);
    let Some(asset) = ask.market.asset(symbol) else {
        return Err(csv(
            404,
            "404 Not Found: No data found, symbol may be delisted".to_owned(),
        ));
    };
    let window = window(ask)?;
    if ask
        .param("events")
        .is_some_and(|events| events.starts_with("div"))
    {
        return Ok(csv(200, "Date,Dividends\n".to_owned()));
    }
    let bars = bars(ask, &asset, &window);
    if bars.is_empty() {
        let text = format!(
            "400 Bad Request: Data doesn't exist for startDate = {}, endDate = {}",
            window.from, window.to
        );
        return Err(csv(400, text));
    }
    let mut text = "Date,Open,High,Low,Close,Adj Close,Volume\n".to_owned();
    for bar in bars {
        let at = Timestamp::from_millisecond(bar.start).unwrap_or(ask.now);
        let date = ask.market.calendar.eastern(at).date();
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "{date},{:.6},{:.6},{:.6},{:.6},{:.6},{}",
            bar.open, bar.high, bar.low, bar.close, bar.close, bar.volume
        );
    }
    Ok(csv(200, text))
}
