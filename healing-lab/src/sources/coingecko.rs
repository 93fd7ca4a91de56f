//! CoinGecko: prices by the id of a coin, the list of markets, and charts.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::assets::Asset;
use crate::forms::Form;
use crate::limits::Rate;
use crate::market::Span;
use crate::prices::round;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse,
    methods: READS,
    keys: &["CG-labcoingeckokey1", "CG-labcoingeckokey2"],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// The demo plan's limit of a key, and of an address without one.
const PER_MINUTE: Rate = Rate {
    calls: 100,
    per: SignedDuration::from_mins(1),
};
const THROTTLED: &str = "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API plans for higher rate limits.";
/// Ids, tickers, and coins in circulation.
const COINS: [(&str, &str, f64); 6] = [
    ("bitcoin", "BTC", 19_900_000.0),
    ("ethereum", "ETH", 120_000_000.0),
    ("solana", "SOL", 540_000_000.0),
    ("ripple", "XRP", 59_000_000_000.0),
    ("cardano", "ADA", 35_000_000_000.0),
    ("dogecoin", "DOGE", 150_000_000_000.0),
];
const DAY: i64 = 86_400_000;

const FORMS: &[Form] = &[
    Form::asked("ok_ping", "/api/v3/ping", "the API is there"),
    Form::asked(
        "ok_price",
        "/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&include_last_updated_at=true",
        "a price",
    ),
    Form::asked(
        "nf_empty_price",
        "/api/v3/simple/price?ids=nosuchcoin&vs_currencies=usd",
        "ids that are not known are left out",
    ),
    Form::asked(
        "nf_coin",
        "/api/v3/coins/nosuchcoin/market_chart?vs_currency=usd&days=1",
        "404: an unknown coin",
    ),
    Form::made(
        "rl_429_page",
        |_| {
            Answer::html(
                429,
                "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Access denied | api.coingecko.com used Cloudflare to restrict access</title></head><body></body></html>",
            )
            .with("server", "cloudflare")
        },
        "429: the page of the front end",
    ),
    Form::made("auth_key", bad_key, "401: a bad key"),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask))).with("server", "cloudflare")
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["api", "v3", "ping"] => Ok(sound(&json!({"gecko_says": "(V3) To the Moon!"}))),
        ["api", "v3", "simple", "price"] => simple_price(ask),
        ["api", "v3", "coins", "markets"] => markets(ask),
        ["api", "v3", "coins", id, "market_chart"] => chart(ask, id),
        _ => Err(Answer::json(
            404,
            &json!({"error": "Incorrect path. Please check https://www.coingecko.com/api/"}),
        )
        .typed(JSON)),
    }
}

fn refuse(ask: &Ask<'_>, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => status(ask, (429, 429), THROTTLED),
        Refusal::Failed(code) => status(ask, (code, code), reason(code)),
    }
}

fn status(ask: &Ask<'_>, (status, code): (u16, u16), text: &str) -> Answer {
    let stamp = ask.now.to_string();
    let body = json!({"status": {"timestamp": stamp, "error_code": code, "error_message": text}});
    Answer::json(status, &body).typed(JSON)
}

fn bad_key(ask: &Ask<'_>) -> Answer {
    status(
        ask,
        (401, 10_002),
        "API Key Missing. Please make sure that you are using the right authentication method.",
    )
}

fn sound(body: &Value) -> Answer {
    Answer::json(200, body).typed(JSON).with(
        "cache-control",
        "max-age=30, public, must-revalidate, s-maxage=30",
    )
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let key = ask
        .request
        .header("x-cg-demo-api-key")
        .or_else(|| ask.param("x_cg_demo_api_key"));
    if gate.picked.revoked.hold(key.unwrap_or_default()) {
        return Err(bad_key(ask));
    }
    let caller = key.map_or_else(|| ask.peer(), str::to_owned);
    if gate.admits(&caller, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(ask, Refusal::Throttled))
    }
}

fn coin(ask: &Ask<'_>, id: &str) -> Option<Asset> {
    let (_, ticker, _) = known(id)?;
    ask.market.asset(&format!("{ticker}-USD"))
}

fn known(id: &str) -> Option<&'static (&'static str, &'static str, f64)> {
    COINS.iter().find(|(known, ..)| *known == id)
}

/// How much of a currency a dollar is.
fn per_dollar(ask: &Ask<'_>, currency: &str) -> Option<f64> {
    let price = |symbol: &str| Some(ask.market.tick(&ask.market.asset(symbol)?, ask.now).price);
    match currency {
        "usd" => Some(1.0),
        "eur" => Some(1.0 / price("EURUSD=X")?),
        "gbp" => Some(1.0 / price("GBPUSD=X")?),
        "jpy" => price("USDJPY=X"),
        "btc" => Some(1.0 / price("BTC-USD")?),
        _ => None,
    }
}

fn missing(name: &str) -> Answer {
    Answer::json(422, &json!({"error": format!("Missing parameter {name}")})).typed(JSON)
}

fn simple_price(ask: &Ask<'_>) -> Outcome {
    let ids = ask.param("ids").ok_or_else(|| missing("ids"))?;
    let currencies = ask
        .param("vs_currencies")
        .ok_or_else(|| missing("vs_currencies"))?;
    let wants = |name: &str| ask.param(name) == Some("true");
    let mut body = Map::new();
    for (id, asset) in ids.split(',').filter_map(|id| Some((id, coin(ask, id)?))) {
        let tick = ask.market.tick(&asset, ask.now);
        let mut row = Map::new();
        for currency in currencies.split(',') {
            let Some(rate) = per_dollar(ask, currency) else {
                continue;
            };
            row.insert(currency.to_owned(), json!(round(tick.price * rate, 6)));
            if wants("include_24hr_change") {
                let change = (tick.price / tick.previous_close - 1.0) * 100.0;
                row.insert(format!("{currency}_24h_change"), json!(change));
            }
        }
        if wants("include_last_updated_at") {
            row.insert("last_updated_at".to_owned(), json!(tick.at.as_second()));
        }
        body.insert(id.to_owned(), Value::Object(row));
    }
    Ok(sound(&Value::Object(body)))
}

fn markets(ask: &Ask<'_>) -> Outcome {
    let currency = ask
        .param("vs_currency")
        .ok_or_else(|| missing("vs_currency"))?;
    let rate = per_dollar(ask, currency)
        .ok_or_else(|| Answer::json(422, &json!({"error": "invalid vs_currency"})).typed(JSON))?;
    let wanted = ask.param("ids");
    let most = ask
        .param("per_page")
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let coins = COINS
        .iter()
        .filter(|(id, ..)| wanted.is_none_or(|ids| ids.split(',').any(|wanted| wanted == *id)));
    let rows = coins.zip(1..).take(most).filter_map(|((id, ticker, supply), rank)| {
        let asset = coin(ask, id)?;
        let tick = ask.market.tick(&asset, ask.now);
        let change = tick.price - tick.previous_close;
        Some(json!({
            "id": id, "symbol": ticker.to_lowercase(), "name": asset.name.trim_end_matches(" USD"),
            "current_price": round(tick.price * rate, 6), "market_cap": readings::whole(tick.price * rate * supply),
            "market_cap_rank": rank, "total_volume": tick.day.volume, "high_24h": round(tick.day.high * rate, 6),
            "low_24h": round(tick.day.low * rate, 6), "price_change_24h": round(change * rate, 6),
            "price_change_percentage_24h": round(change / tick.previous_close * 100.0, 5),
            "circulating_supply": supply, "last_updated": tick.at.to_string(),
        }))
    });
    Ok(sound(&rows.collect()))
}

/// Hourly points for up to 90 days, daily ones beyond.
fn chart(ask: &Ask<'_>, id: &str) -> Outcome {
    let asset = coin(ask, id)
        .ok_or_else(|| Answer::json(404, &json!({"error": "coin not found"})).typed(JSON))?;
    let currency = ask
        .param("vs_currency")
        .ok_or_else(|| missing("vs_currency"))?;
    let rate = per_dollar(ask, currency).unwrap_or(1.0);
    let supply = known(id).map_or(0.0, |(_, _, supply)| *supply);
    let days: i64 = ask
        .param("days")
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
        .clamp(1, 365);
    let step = if days > 90 { DAY } else { DAY / 24 };
    let from = ask
        .now
        .checked_sub(SignedDuration::from_hours(days * 24))
        .unwrap_or(ask.now);
    let bars = ask.market.bars(&asset, Span { from, to: ask.now }, step);
    let points = |value: &dyn Fn(f64, u64) -> f64| -> Value {
        bars.iter()
            .map(|bar| json!([bar.start, value(bar.close * rate, bar.volume)]))
            .collect()
    };
    Ok(sound(&json!({
        "prices": points(&|price, _| price),
        "market_caps": points(&|price, _| price * supply),
        "total_volumes": points(&|price, volume| price * volume as f64),
    })))
}
