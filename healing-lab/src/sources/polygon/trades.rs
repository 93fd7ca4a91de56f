//! Last trades, quotes and snapshots.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::bars::row;
use super::{Visit, not_found};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::assets::Asset;
use crate::market::Tick;
use crate::prices::round;

/// Nanoseconds as Polygon writes them; the lab's clock has no finer digits than its timestamps.
fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn known(visit: &Visit<'_>, ticker: &str) -> Result<(Asset, Tick), Answer> {
    visit.not_basic()?;
    let ask = visit.ask;
    let asset = ask.market.asset(ticker).ok_or_else(|| not_found(ask))?;
    let tick = ask.market.tick(&asset, ask.now);
    Ok((asset, tick))
}

pub(super) fn last_trade(visit: &Visit<'_>, ticker: &str) -> Outcome {
    let (_, tick) = known(visit, ticker)?;
    Ok(visit.sound(json!({"results": trade(ticker, &tick)})))
}

fn trade(ticker: &str, tick: &Tick) -> Value {
    let at = nanos(tick.at);
    json!({
        "c": [12, 37], "i": "4021", "p": round(tick.price, 4), "s": 100, "x": 4, "r": 202, "z": 3, "T": ticker, "t": at,
        "y": at - 2_000_000, "f": at - 1_000, "q": tick.day.volume,
    })
}

pub(super) fn last_quote(visit: &Visit<'_>, ticker: &str) -> Outcome {
    let (_, tick) = known(visit, ticker)?;
    let at = nanos(tick.at);
    let results = json!({
        "T": ticker, "P": round(tick.price + 0.01, 2), "S": 3, "X": 11, "p": round(tick.price - 0.01, 2), "s": 2, "x": 12,
        "q": tick.day.volume, "t": at, "y": at - 2_000_000, "z": 3,
    });
    Ok(visit.sound(json!({"results": results})))
}

/// An old route with its own envelope and the status `success`.
pub(super) fn last_coin(visit: &Visit<'_>, symbol: &str) -> Outcome {
    let (_, tick) = known(visit, symbol)?;
    let last = json!({
        "conditions": [2], "exchange": 2, "price": round(tick.price, 2), "size": 0.01,
        "timestamp": tick.at.as_millisecond(),
    });
    let body = json!({"last": last, "request_id": visit.ask.request_id(), "status": "success", "symbol": symbol});
    Ok(Answer::json(200, &body))
}

pub(super) fn trades(visit: &Visit<'_>, ticker: &str) -> Outcome {
    let (asset, tick) = known(visit, ticker)?;
    let limit = visit
        .ask
        .param("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(10);
    let row = |back: i64| {
        let at = tick
            .at
            .checked_sub(SignedDuration::from_secs(back))
            .unwrap_or(tick.at);
        json!({
            "conditions": [12, 37], "exchange": 11, "id": format!("{}", 4_100 + back), "participant_timestamp": nanos(at),
            "price": round(asset.walk.at(at.as_millisecond()), 4), "sequence_number": 7_000_000 - back,
            "sip_timestamp": nanos(at), "size": 10, "tape": 3,
        })
    };
    let rows: Vec<Value> = (0..limit).take(50).map(row).collect();
    Ok(visit.sound(json!({"results": rows})))
}

pub(super) fn snapshot(visit: &Visit<'_>, ticker: &str) -> Outcome {
    visit.not_basic()?;
    let ask = visit.ask;
    let asset = ask
        .market
        .asset(ticker)
        .ok_or_else(|| Answer::json(404, &json!({"status": "NotFound"})))?;
    Ok(visit.sound(json!({"ticker": snapshot_row(ask, &asset, ticker)})))
}

/// Unknown tickers are silently left out.
pub(super) fn snapshots(visit: &Visit<'_>) -> Outcome {
    visit.not_basic()?;
    let ask = visit.ask;
    let tickers = ask.param("tickers").unwrap_or("AAPL,MSFT,SPY");
    let row = |ticker: &str| {
        ask.market
            .asset(ticker)
            .map(|asset| snapshot_row(ask, &asset, ticker))
    };
    let rows: Vec<Value> = tickers.split(',').filter_map(row).collect();
    Ok(Answer::json(
        200,
        &json!({"count": rows.len(), "status": visit.status(), "tickers": rows}),
    ))
}

fn snapshot_row(ask: &Ask<'_>, asset: &Asset, ticker: &str) -> Value {
    let tick = ask.market.tick(asset, ask.now);
    let mut days = ask.market.days_back(asset, ask.now).map(|(_, bar)| bar);
    let (day, before) = (
        days.next().unwrap_or(tick.day),
        days.next().unwrap_or(tick.day),
    );
    let short = |bar| {
        let mut short = row(bar, None);
        if let Some(object) = short.as_object_mut() {
            object.remove("t");
            object.remove("n");
        }
        short
    };
    let minute_start = tick.at.as_millisecond().div_euclid(60_000) * 60_000;
    let minute = asset.walk.bar(minute_start, tick.at.as_millisecond());
    let change = tick.price - tick.previous_close;
    json!({
        "ticker": ticker, "todaysChange": round(change, 4), "todaysChangePerc": round(change / tick.previous_close * 100.0, 4),
        "updated": nanos(tick.at), "day": short(&day), "prevDay": short(&before), "min": row(&minute, None),
        "lastTrade": trade(ticker, &tick),
    })
}

/// A row that has been emptied for the night: zeros, and nothing that says so.
pub(super) fn cleared(ask: &Ask<'_>) -> Answer {
    let zeros = json!({"o": 0, "h": 0, "l": 0, "c": 0, "v": 0, "vw": 0});
    let minute = json!({"av": 0, "t": 0, "n": 0, "o": 0, "h": 0, "l": 0, "c": 0, "v": 0, "vw": 0});
    let before = ask.market.asset("AAPL").map_or(Value::Null, |asset| {
        row(&ask.market.tick(&asset, ask.now).day, None)
    });
    let ticker = json!({
        "ticker": "AAPL", "todaysChangePerc": 0, "todaysChange": 0, "updated": 0, "day": zeros, "min": minute,
        "prevDay": before,
    });
    Answer::json(
        200,
        &json!({"ticker": ticker, "status": "OK", "request_id": ask.request_id()}),
    )
}

/// The snapshot of all markets: each row may carry its own error in a 200. Indices are in no plan of the lab.
pub(super) fn universal(visit: &Visit<'_>, indices: bool) -> Outcome {
    let ask = visit.ask;
    let tickers = ask.param("ticker.any_of").unwrap_or("AAPL");
    let row = |ticker: &str| match ask.market.asset(ticker) {
        _ if indices => {
            json!({"ticker": ticker, "error": "NOT_ENTITLED", "message": "Not entitled to this ticker."})
        }
        None => json!({"ticker": ticker, "error": "NOT_FOUND", "message": "Ticker not found."}),
        Some(asset) => {
            let tick = ask.market.tick(&asset, ask.now);
            let session = json!({"price": round(tick.price, 4), "previous_close": round(tick.previous_close, 4)});
            json!({"ticker": ticker, "name": asset.name, "type": "stocks", "session": session, "last_updated": nanos(tick.at)})
        }
    };
    let rows: Vec<Value> = tickers.split(',').map(row).collect();
    let mut body = json!({"results": rows});
    if let (false, Some(object)) = (indices, body.as_object_mut()) {
        object.insert("request_id".to_owned(), json!(ask.request_id()));
    }
    Ok(Answer::json(200, &body))
}
