//! Kraken: the public endpoints, every refusal a text in `error` of a 200.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::assets::Asset;
use crate::forms::Form;
use crate::limits::Rate;
use crate::market::Span;
use crate::sources::{READS, Source};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

/// About one a second and address, with some patience.
const PER_QUARTER_MINUTE: Rate = Rate {
    calls: 15,
    per: SignedDuration::from_secs(15),
};
/// Pairs as they are asked for, as they are answered, and their coins.
const PAIRS: [(&str, &str, &str); 4] = [
    ("XBTUSD", "XXBTZUSD", "BTC"),
    ("ETHUSD", "XETHZUSD", "ETH"),
    ("SOLUSD", "SOLUSD", "SOL"),
    ("XRPUSD", "XXRPZUSD", "XRP"),
];
const MOST: i64 = 720;

const FORMS: &[Form] = &[
    Form::asked(
        "ok_ticker",
        "/0/public/Ticker?pair=XBTUSD",
        "the last trade",
    ),
    Form::asked(
        "nf_pair",
        "/0/public/Ticker?pair=NOSUCH",
        "an unknown pair, with 200",
    ),
    Form::made(
        "rl_lockout",
        |_| error("EGeneral:Temporary lockout"),
        "locked out for minutes, with 200",
    ),
    Form::made(
        "maint_service",
        |_| {
            Answer::json(
                200,
                &json!({"error": ["EService:Unavailable"], "result": {}}),
            )
        },
        "not available, with 200",
    ),
    Form::made(
        "auth_key",
        |_| error("EAPI:Invalid key"),
        "a bad key, with 200",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask))).with("server", "cloudflare")
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["0", "public", "SystemStatus"] => Ok(result(
            &json!({"status": "online", "timestamp": ask.now.to_string()}),
        )),
        ["0", "public", "Ticker"] => ticker(ask),
        ["0", "public", "OHLC"] => candles(ask),
        _ => Err(error("EGeneral:Unknown method")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error("EAPI:Rate limit exceeded"),
        Refusal::Failed(status) => {
            let text = if status >= 500 {
                "EService:Unavailable"
            } else {
                "EGeneral:Invalid arguments"
            };
            Answer {
                status,
                ..error(text)
            }
        }
    }
}

fn error(text: &str) -> Answer {
    Answer::json(200, &json!({"error": [text]}))
}

fn result(result: &Value) -> Answer {
    Answer::json(200, &json!({"error": [], "result": result}))
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(error("EGeneral:Permission denied"));
    }
    if gate.admits(&peer, PER_QUARTER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

fn pair(ask: &Ask<'_>) -> Result<(&'static str, Asset), Answer> {
    let unknown = || error("EQuery:Unknown asset pair");
    let asked = ask
        .param("pair")
        .ok_or_else(|| error("EGeneral:Invalid arguments"))?;
    let found = PAIRS
        .iter()
        .find(|(name, answered, _)| *name == asked || *answered == asked);
    let (_, answered, coin) = found.ok_or_else(unknown)?;
    let asset = ask
        .market
        .asset(&format!("{coin}-USD"))
        .ok_or_else(unknown)?;
    Ok((answered, asset))
}

fn ticker(ask: &Ask<'_>) -> Outcome {
    let (name, asset) = pair(ask)?;
    let tick = ask.market.tick(&asset, ask.now);
    let price = |value: f64| format!("{value:.5}");
    let volume = tick.day.volume.to_string();
    Ok(result(&json!({name: {
        "a": [price(tick.price * 1.0001), "1", "1.000"], "b": [price(tick.price * 0.9999), "1", "1.000"],
        "c": [price(tick.price), "0.00100000"], "v": [volume, volume], "p": [price(tick.price), price(tick.price)],
        "t": [tick.day.volume / 7, tick.day.volume / 7], "l": [price(tick.day.low), price(tick.day.low)],
        "h": [price(tick.day.high), price(tick.day.high)], "o": price(tick.day.open),
    }})))
}

/// Oldest first, up to 720 of them; the last one is not over yet.
fn candles(ask: &Ask<'_>) -> Outcome {
    let (name, asset) = pair(ask)?;
    let minutes: i64 = ask
        .param("interval")
        .unwrap_or("1")
        .parse()
        .unwrap_or_default();
    if ![1, 5, 15, 30, 60, 240, 1_440].contains(&minutes) {
        return Err(error("EGeneral:Invalid arguments:interval"));
    }
    let from = ask
        .now
        .checked_sub(SignedDuration::from_mins(minutes * MOST))
        .unwrap_or(ask.now);
    let bars = ask
        .market
        .bars(&asset, Span { from, to: ask.now }, minutes * 60_000);
    let price = |value: f64| format!("{value:.1}");
    let rows: Value = bars
        .iter()
        .map(|bar| {
            json!([
                bar.start / 1_000,
                price(bar.open),
                price(bar.high),
                price(bar.low),
                price(bar.close),
                price(bar.close),
                bar.volume.to_string(),
                bar.volume / 7,
            ])
        })
        .collect();
    let last = bars.last().map_or(0, |bar| bar.start / 1_000);
    Ok(result(&json!({name: rows, "last": last})))
}
