//! Coinbase Exchange: the ticker, the day's statistics and candles of a product.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::assets::{Asset, AssetKind};
use crate::forms::Form;
use crate::limits::Rate;
use crate::market::Span;
use crate::prices::round;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// The public limit of an address.
const PER_SECOND: Rate = Rate {
    calls: 10,
    per: SignedDuration::from_secs(1),
};
/// Seconds of a candle.
const GRANULARITIES: [i64; 6] = [60, 300, 900, 3_600, 21_600, 86_400];
const MOST: usize = 300;

const FORMS: &[Form] = &[
    Form::asked("ok_ticker", "/products/BTC-USD/ticker", "the last trade"),
    Form::asked(
        "ok_candles",
        "/products/BTC-USD/candles?granularity=3600",
        "candles",
    ),
    Form::asked(
        "nf_product",
        "/products/NOSUCH/ticker",
        "404: an unknown product",
    ),
    Form::asked(
        "bad_granularity",
        "/products/BTC-USD/candles?granularity=7",
        "400: not a granularity",
    ),
    Form::made(
        "rl_slow",
        |_| message(429, "Slow rate limit exceeded"),
        "429: the limit of candles",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["products", id, "ticker"] => ticker(ask, &product(ask, id)?),
        ["products", id, "stats"] => stats(ask, &product(ask, id)?),
        ["products", id, "candles"] => candles(ask, &product(ask, id)?),
        _ => Err(message(404, "NotFound")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => message(429, "Public rate limit exceeded"),
        Refusal::Failed(status) => message(status, reason(status)),
    }
}

fn message(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"message": text})).typed(JSON)
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(message(403, "Forbidden"));
    }
    if gate.admits(&peer, PER_SECOND, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

fn product(ask: &Ask<'_>, id: &str) -> Result<Asset, Answer> {
    let asset = ask
        .market
        .asset(id)
        .filter(|asset| asset.kind == AssetKind::Crypto);
    asset.ok_or_else(|| message(404, "NotFound"))
}

fn sound(body: &Value) -> Answer {
    Answer::json(200, body).typed(JSON)
}

fn ticker(ask: &Ask<'_>, asset: &Asset) -> Outcome {
    let tick = ask.market.tick(asset, ask.now);
    let price = |value: f64| format!("{value:.2}");
    Ok(sound(&json!({
        "ask": price(tick.price * 1.0001), "bid": price(tick.price * 0.9999), "volume": format!("{:.8}", tick.day.volume as f64),
        "trade_id": tick.at.as_second(), "price": price(tick.price), "size": "0.00698254", "time": tick.at.to_string(),
    })))
}

fn stats(ask: &Ask<'_>, asset: &Asset) -> Outcome {
    let tick = ask.market.tick(asset, ask.now);
    let price = |value: f64| format!("{value:.2}");
    Ok(sound(&json!({
        "open": price(tick.day.open), "high": price(tick.day.high), "low": price(tick.day.low), "last": price(tick.price),
        "volume": tick.day.volume.to_string(), "volume_30day": (tick.day.volume * 30).to_string(),
    })))
}

/// Newest first: time, low, high, open, close, volume.
fn candles(ask: &Ask<'_>, asset: &Asset) -> Outcome {
    let asked = ask.param("granularity").unwrap_or("60").parse();
    let seconds = asked.ok().filter(|seconds| GRANULARITIES.contains(seconds));
    let seconds = seconds.ok_or_else(|| message(400, "Unsupported granularity"))?;
    let span = SignedDuration::from_secs(seconds * i64::try_from(MOST).unwrap_or(1));
    let from = ask.now.checked_sub(span).unwrap_or(ask.now);
    let bars = ask
        .market
        .bars(asset, Span { from, to: ask.now }, seconds * 1_000);
    let rows = bars.iter().rev().take(MOST).map(|bar| {
        let places = |value| round(value, 2);
        json!([
            bar.start / 1_000,
            places(bar.low),
            places(bar.high),
            places(bar.open),
            places(bar.close),
            bar.volume
        ])
    });
    Ok(sound(&rows.collect()))
}
