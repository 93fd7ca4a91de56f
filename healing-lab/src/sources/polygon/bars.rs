//! Aggregates: ranges, the previous day, the whole market of a day.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Plan, TIMEFRAME, Visit, error, not_authorized};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::assets::Asset;
use crate::market::{MOST_BARS, Span};
use crate::periods::{Period, join};
use crate::prices::{Bar, round};

/// Two years, the free plan's history, with some days of grace.
const BASIC_HISTORY: SignedDuration = SignedDuration::from_hours(733 * 24);
const GROUPED: [&str; 6] = ["AAPL", "IBM", "JPM", "MSFT", "NVDA", "SPY"];

pub(super) fn prev(visit: &Visit<'_>, ticker: &str) -> Outcome {
    let ask = visit.ask;
    let bar = ask
        .market
        .asset(ticker)
        .and_then(|asset| previous_bar(ask, &asset));
    let rows: Vec<Value> = bar.iter().map(|bar| row(bar, Some(ticker))).collect();
    Ok(envelope(visit, ticker, rows))
}

/// The bar of the last session that is over.
fn previous_bar(ask: &Ask<'_>, asset: &Asset) -> Option<Bar> {
    let mut days = ask.market.days_back(asset, ask.now);
    days.find(|(session, _)| session.close <= ask.now)
        .map(|(_, bar)| bar)
}

pub(super) fn range(visit: &Visit<'_>, ticker: &str, range: &[&str]) -> Outcome {
    let ask = visit.ask;
    let [multiplier, unit, from, to] = range else {
        return Err(Answer::text(404, "404 page not found"));
    };
    let multiplier: i64 = multiplier
        .parse()
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            error(
                ask,
                400,
                "The parameter 'multiplier' must be a positive integer",
            )
        })?;
    let (from, _) = edge(ask, from)?;
    let (start_of_last, to) = edge(ask, to)?;
    if from > to {
        return Err(error(
            ask,
            400,
            "The parameter 'to' cannot be a time that occurs before 'from'",
        ));
    }
    if visit.plan == Plan::Basic {
        basic_window(ask, from, start_of_last)?;
    }
    let Some(asset) = ask.market.asset(ticker) else {
        return Ok(envelope(visit, ticker, Vec::new()));
    };
    let span = Span {
        from,
        to: to.min(ask.now),
    };
    let mut bars = bars(ask, &asset, (multiplier, unit), span)?;
    if ask.param("sort") == Some("desc") {
        bars.reverse();
    }
    let limit = ask
        .param("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(MOST_BARS);
    let rows = bars.iter().take(limit).map(|bar| row(bar, None)).collect();
    Ok(envelope(visit, ticker, rows))
}

/// Start and end of a day, or one moment in milliseconds.
fn edge(ask: &Ask<'_>, text: &str) -> Result<(Timestamp, Timestamp), Answer> {
    if let Some(at) = text
        .parse()
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
    {
        return Ok((at, at));
    }
    let date: Date = text.parse().map_err(|_| {
        error(
            ask,
            400,
            "Could not parse the time parameter; use YYYY-MM-DD.",
        )
    })?;
    let calendar = &ask.market.calendar;
    let next = date.tomorrow().unwrap_or(date);
    Ok((
        calendar.eastern_instant(date, 0, 0),
        calendar.eastern_instant(next, 0, 0),
    ))
}

fn basic_window(ask: &Ask<'_>, from: Timestamp, last: Timestamp) -> Result<(), Answer> {
    if ask.now.duration_since(from) > BASIC_HISTORY {
        return Err(not_authorized(ask, TIMEFRAME));
    }
    let session = ask
        .market
        .calendar
        .latest_session(ask.now, ask.market.hours);
    let today = ask.market.calendar.eastern_instant(session.date, 0, 0);
    if session.holds(ask.now) && last >= today {
        let text = "Attempted to request today's data before end of day. Please upgrade your plan.";
        return Err(not_authorized(ask, text));
    }
    Ok(())
}

fn bars(
    ask: &Ask<'_>,
    asset: &Asset,
    (multiplier, unit): (i64, &str),
    span: Span,
) -> Result<Vec<Bar>, Answer> {
    let step = match unit {
        "second" => 1_000,
        "minute" => 60_000,
        "hour" => 3_600_000,
        "day" | "week" | "month" | "quarter" | "year" => 0,
        _ => {
            return Err(error(
                ask,
                400,
                "The parameter 'timespan' is not one of the known spans",
            ));
        }
    };
    if span.to < span.from {
        return Ok(Vec::new());
    }
    if step > 0 {
        return Ok(ask.market.bars(asset, span, step * multiplier));
    }
    let calendar = &ask.market.calendar;
    let last_moment = span
        .to
        .checked_sub(SignedDuration::from_millis(1))
        .unwrap_or(span.to);
    let (first, last) = (
        calendar.eastern(span.from).date(),
        calendar.eastern(last_moment).date(),
    );
    let days = ask.market.days(asset, (first, last), ask.now);
    let period = match unit {
        "week" => Period::Weeks(multiplier),
        "month" => Period::Months(multiplier),
        "quarter" => Period::Months(multiplier * 3),
        "year" => Period::Months(multiplier * 12),
        _ => Period::Days(usize::try_from(multiplier).unwrap_or(1)),
    };
    Ok(join(&days, period)
        .into_iter()
        .map(|(_, bar)| bar)
        .collect())
}

pub(super) fn grouped(visit: &Visit<'_>, date: &str) -> Outcome {
    let ask = visit.ask;
    let date: Date = date
        .parse()
        .map_err(|_| error(ask, 400, "Could not parse the date."))?;
    let row_of = |ticker: &&str| {
        let asset = ask.market.asset(ticker)?;
        let days = ask.market.days(&asset, (date, date), ask.now);
        days.first().map(|(_, bar)| row(bar, Some(ticker)))
    };
    let rows: Vec<Value> = GROUPED.iter().filter_map(row_of).collect();
    let count = rows.len();
    let body = json!({"queryCount": count, "resultsCount": count, "adjusted": true, "results": rows, "count": count});
    Ok(visit.sound(body))
}

pub(super) fn open_close(visit: &Visit<'_>, ticker: &str, date: &str) -> Outcome {
    let ask = visit.ask;
    let date: Date = date
        .parse()
        .map_err(|_| error(ask, 400, "Could not parse the date."))?;
    let asset = ask.market.asset(ticker);
    let day = asset.and_then(|asset| {
        ask.market
            .days(&asset, (date, date), ask.now)
            .first()
            .copied()
    });
    let Some((_, bar)) = day else {
        return Ok(no_open_close());
    };
    let price = |value| json!(round(value, 4));
    let body = json!({
        "status": visit.status(), "from": date.to_string(), "symbol": ticker, "open": price(bar.open),
        "high": price(bar.high), "low": price(bar.low), "close": price(bar.close), "volume": bar.volume,
        "afterHours": price(bar.close), "preMarket": price(bar.open),
    });
    Ok(Answer::json(200, &body))
}

/// A 200 of zeros for what does not exist.
fn no_open_close() -> Answer {
    let body = json!({
        "status": "NOT_FOUND", "from": "", "symbol": "", "open": 0, "high": 0, "low": 0, "close": 0, "volume": 0,
        "afterHours": 0, "preMarket": 0,
    });
    Answer::json(200, &body)
}

pub(super) fn row(bar: &Bar, ticker: Option<&str>) -> Value {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    if let Some(ticker) = ticker {
        put("T", json!(ticker));
    }
    put("v", json!(bar.volume));
    put(
        "vw",
        json!(round((bar.high + bar.low + bar.close) / 3.0, 4)),
    );
    put("o", json!(round(bar.open, 4)));
    put("c", json!(round(bar.close, 4)));
    put("h", json!(round(bar.high, 4)));
    put("l", json!(round(bar.low, 4)));
    put("t", json!(bar.start));
    put("n", json!(bar.volume / 100 + 1));
    Value::Object(row)
}

/// Without results the field is left out, as it is in truth.
fn envelope(visit: &Visit<'_>, ticker: &str, rows: Vec<Value>) -> Answer {
    let count = rows.len();
    let mut body =
        json!({"ticker": ticker, "queryCount": count, "resultsCount": count, "adjusted": true});
    if let (false, Some(object)) = (rows.is_empty(), body.as_object_mut()) {
        object.insert("results".to_owned(), Value::Array(rows));
        object.insert("count".to_owned(), json!(count));
    }
    visit.sound(body)
}
