//! Binance: the public market endpoints.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::assets::Asset;
use crate::forms::Form;
use crate::limits::Rate;
use crate::market::{Span, Tick};
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

/// 6,000 weight a minute and address; every endpoint here weighs two.
const PER_MINUTE: Rate = Rate {
    calls: 3_000,
    per: SignedDuration::from_mins(1),
};
const PAIRS: [&str; 6] = [
    "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT",
];
/// Intervals in minutes.
const INTERVALS: [(&str, i64); 7] = [
    ("1m", 1),
    ("5m", 5),
    ("15m", 15),
    ("1h", 60),
    ("4h", 240),
    ("1d", 1_440),
    ("1w", 10_080),
];
const MOST: usize = 1_000;
const RESTRICTED: &str = "Service unavailable from a restricted location according to 'b. Eligibility' in https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in error.";

const FORMS: &[Form] = &[
    Form::asked("ok_ping", "/api/v3/ping", "an empty object is healthy here"),
    Form::asked(
        "ok_klines",
        "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1",
        "candles",
    ),
    Form::asked(
        "nf_symbol",
        "/api/v3/ticker/price?symbol=NOSUCH",
        "400: an unknown symbol",
    ),
    Form::asked(
        "bad_interval",
        "/api/v3/klines?symbol=BTCUSDT&interval=2y",
        "400: not an interval",
    ),
    Form::made(
        "blocked_451",
        |_| Answer::json(451, &json!({"code": 0, "msg": RESTRICTED})),
        "451: a restricted location",
    ),
    Form::made(
        "rl_418",
        |ask| {
            let until = ask.wall.as_millisecond() + 120_000;
            let text = format!(
                "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to avoid bans."
            );
            error(418, -1003, &text).with("retry-after", "120")
        },
        "418: an address that went on after a 429",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["api", "v3", "ping"] => Ok(sound(&json!({}))),
        ["api", "v3", "time"] => Ok(sound(&json!({"serverTime": ask.now.as_millisecond()}))),
        ["api", "v3", "ticker", "price"] => ticker(
            ask,
            |pair, tick| json!({"symbol": pair, "price": price(tick.price)}),
        ),
        ["api", "v3", "ticker", "24hr"] => ticker(ask, day),
        ["api", "v3", "klines"] => klines(ask),
        ["api", "v3", "depth"] => depth(ask),
        _ => Err(Answer::html(
            404,
            "<html><body><h2>404 Not found</h2></body></html>",
        )),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(
            429,
            -1003,
            "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
        )
        .with("retry-after", "30"),
        Refusal::Failed(status) => error(status, -1000, &reason(status).to_lowercase()),
    }
}

fn error(status: u16, code: i32, text: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "msg": text}))
}

fn sound(body: &Value) -> Answer {
    Answer::json(200, body).typed("application/json;charset=UTF-8")
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(Answer::json(451, &json!({"code": 0, "msg": RESTRICTED})));
    }
    if gate.admits(&peer, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

fn pair(ask: &Ask<'_>, symbol: &str) -> Result<Asset, Answer> {
    let coin = symbol
        .strip_suffix("USDT")
        .or_else(|| symbol.strip_suffix("USD"));
    let asset = coin.and_then(|coin| ask.market.asset(&format!("{coin}-USD")));
    asset.ok_or_else(|| error(400, -1121, "Invalid symbol."))
}

fn needed<'a>(ask: &Ask<'a>, name: &str) -> Result<&'a str, Answer> {
    let text = format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
    ask.param(name).ok_or_else(|| error(400, -1102, &text))
}

fn price(value: f64) -> String {
    format!("{value:.8}")
}

/// One row for `symbol`, a list without it.
fn ticker(ask: &Ask<'_>, row: fn(&str, &Tick) -> Value) -> Outcome {
    if let Some(symbol) = ask.param("symbol") {
        let tick = ask.market.tick(&pair(ask, symbol)?, ask.now);
        return Ok(sound(&row(symbol, &tick)));
    }
    let rows = PAIRS.iter().filter_map(|symbol| {
        let asset = pair(ask, symbol).ok()?;
        Some(row(symbol, &ask.market.tick(&asset, ask.now)))
    });
    Ok(sound(&rows.collect()))
}

fn day(pair: &str, tick: &Tick) -> Value {
    let change = tick.price - tick.previous_close;
    json!({
        "symbol": pair, "priceChange": price(change),
        "priceChangePercent": format!("{:.3}", change / tick.previous_close * 100.0),
        "weightedAvgPrice": price(f64::midpoint(tick.day.high, tick.day.low)), "prevClosePrice": price(tick.previous_close),
        "lastPrice": price(tick.price), "lastQty": "0.01200000", "bidPrice": price(tick.price * 0.9999),
        "askPrice": price(tick.price * 1.0001), "openPrice": price(tick.day.open), "highPrice": price(tick.day.high),
        "lowPrice": price(tick.day.low), "volume": price(tick.day.volume as f64), "openTime": tick.day.start,
        "closeTime": tick.at.as_millisecond(), "count": tick.day.volume / 7,
    })
}

/// Oldest first; a row is a list whose places have meanings.
fn klines(ask: &Ask<'_>) -> Outcome {
    let asset = pair(ask, needed(ask, "symbol")?)?;
    let asked = needed(ask, "interval")?;
    let known = INTERVALS.iter().find(|(name, _)| *name == asked);
    let (_, minutes) = known.ok_or_else(|| error(400, -1120, "Invalid interval."))?;
    let limit = ask
        .param("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(500)
        .min(MOST);
    let step = minutes * 60_000;
    let span = SignedDuration::from_millis(step * i64::try_from(limit + 1).unwrap_or(1));
    let from = ask.now.checked_sub(span).unwrap_or(ask.now);
    let bars = ask.market.bars(&asset, Span { from, to: ask.now }, step);
    let rows = bars
        .iter()
        .skip(bars.len().saturating_sub(limit))
        .map(|bar| {
            json!([
                bar.start,
                price(bar.open),
                price(bar.high),
                price(bar.low),
                price(bar.close),
                price(bar.volume as f64),
                bar.start + step - 1,
                price(bar.close * bar.volume as f64),
                bar.volume / 7,
                price(bar.volume as f64 / 2.0),
                price(bar.close * bar.volume as f64 / 2.0),
                "0",
            ])
        });
    Ok(sound(&rows.collect()))
}

fn depth(ask: &Ask<'_>) -> Outcome {
    let tick = ask
        .market
        .tick(&pair(ask, needed(ask, "symbol")?)?, ask.now);
    let levels: u32 = ask
        .param("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
        .min(100);
    let side = |sign: f64| -> Value {
        let level = |n: u32| {
            json!([
                price(tick.price * (1.0 + sign * 0.0001 * f64::from(n))),
                "0.50000000"
            ])
        };
        (1..=levels).map(level).collect()
    };
    let body =
        json!({"lastUpdateId": ask.now.as_millisecond(), "bids": side(-1.0), "asks": side(1.0)});
    Ok(sound(&body))
}
