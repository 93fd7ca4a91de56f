//! Quotes and the other bodies that are not charts.

use serde_json::{Map, Value, json};

use super::{error, sound};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::assets::{Asset, AssetKind};
use crate::prices::round;

/// A symbol that Yahoo lists without knowing anything of it.
const GHOST: &str = "GHOST";

pub(super) fn quote(ask: &Ask<'_>) -> Outcome {
    let Some(symbols) = ask.param("symbols") else {
        return Err(error(
            "quoteResponse",
            400,
            (
                "argument-error",
                "Missing value for the \"symbols\" argument",
            ),
        ));
    };
    let rows: Vec<Value> = symbols
        .split(',')
        .filter_map(|symbol| row(ask, symbol.trim()))
        .collect();
    Ok(sound(
        &json!({"quoteResponse": {"result": rows, "error": null}}),
        1,
    ))
}

fn row(ask: &Ask<'_>, symbol: &str) -> Option<Value> {
    if symbol == GHOST {
        return Some(json!({
            "language": "en-US", "region": "US", "quoteType": "NONE", "triggerable": false,
            "customPriceAlertConfidence": "NONE", "hasPrePostMarketData": false, "tradeable": false,
            "cryptoTradeable": false, "corporateActions": [], "esgPopulated": false, "symbol": symbol,
        }));
    }
    let asset = ask.market.asset(symbol)?;
    Some(quote_row(ask, &asset))
}

fn quote_row(ask: &Ask<'_>, asset: &Asset) -> Value {
    let tick = ask.market.tick(asset, ask.now);
    let places = price_places(asset);
    let change = tick.price - tick.previous_close;
    let (quote_type, exchange, full_exchange, feed) = listing(asset.kind);
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("language", json!("en-US"));
    put("region", json!("US"));
    put("quoteType", json!(quote_type));
    put("quoteSourceName", json!(feed));
    put("currency", json!("USD"));
    put("shortName", json!(asset.name));
    put("longName", json!(asset.name));
    put("symbol", json!(asset.symbol));
    put("exchange", json!(exchange));
    put("fullExchangeName", json!(full_exchange));
    put("exchangeTimezoneName", json!("America/New_York"));
    put("marketState", json!(market_state(ask, asset)));
    put("regularMarketTime", json!(tick.at.as_second()));
    put("regularMarketPrice", json!(round(tick.price, places)));
    put(
        "regularMarketPreviousClose",
        json!(round(tick.previous_close, places)),
    );
    put("regularMarketChange", json!(round(change, places)));
    put(
        "regularMarketChangePercent",
        json!(change / tick.previous_close * 100.0),
    );
    put("regularMarketOpen", json!(round(tick.day.open, places)));
    put("regularMarketDayHigh", json!(round(tick.day.high, places)));
    put("regularMarketDayLow", json!(round(tick.day.low, places)));
    put("regularMarketVolume", json!(tick.day.volume));
    put("sourceInterval", json!(15));
    put("exchangeDataDelayedBy", json!(0));
    put("tradeable", json!(false));
    put("priceHint", json!(2));
    Value::Object(row)
}

fn market_state(ask: &Ask<'_>, asset: &Asset) -> &'static str {
    if ask.session(asset).holds(ask.wall) {
        "REGULAR"
    } else {
        "CLOSED"
    }
}

/// Quote type, exchange, its long name, and the feed's name.
pub(super) const fn listing(
    kind: AssetKind,
) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        AssetKind::Crypto => ("CRYPTOCURRENCY", "CCC", "CCC", "CoinMarketCap"),
        AssetKind::Currency => ("CURRENCY", "CCY", "CCY", "Delayed Quote"),
        AssetKind::Equity => ("EQUITY", "NMS", "NasdaqGS", "Nasdaq Real Time Price"),
        AssetKind::Etf => ("ETF", "PCX", "NYSEArca", "Nasdaq Real Time Price"),
        AssetKind::Index => ("INDEX", "SNP", "SNP", "Free Realtime Quote"),
    }
}

pub(super) fn price_places(asset: &Asset) -> i32 {
    if asset.kind == AssetKind::Currency {
        5
    } else {
        2
    }
}

pub(super) fn summary(ask: &Ask<'_>, symbol: &str) -> Outcome {
    let scope = "quoteSummary";
    let Some(asset) = ask.market.asset(symbol) else {
        let text = format!("Quote not found for symbol: {symbol}");
        return Err(error(scope, 404, ("Not Found", &text)));
    };
    let Some(asked) = ask.param("modules") else {
        return Err(error(
            scope,
            400,
            ("Bad Request", "Missing value for the \"modules\" argument"),
        ));
    };
    // Futures and currencies have no company behind them.
    if symbol.contains('=') && asked != "price" {
        let text = format!("No fundamentals data found for any of the summaryTypes={asked}");
        return Err(error(scope, 404, ("Not Found", &text)));
    }
    let modules: Map<String, Value> = asked
        .split(',')
        .map(|name| (name.to_owned(), module(ask, name, &asset)))
        .collect();
    Ok(sound(
        &json!({scope: {"result": [modules], "error": null}}),
        1,
    ))
}

fn module(ask: &Ask<'_>, name: &str, asset: &Asset) -> Value {
    let tick = ask.market.tick(asset, ask.now);
    match name {
        "assetProfile" => json!({
            "country": "United States", "sector": "Industrials", "sectorKey": "industrials", "industry": "Conglomerates",
            "longBusinessSummary": format!(
                "{} provides transport, repair and maintenance services; service unavailable notices are among its products.",
                asset.name
            ),
            "maxAge": 86_400,
        }),
        "price" => json!({
            "maxAge": 1, "symbol": asset.symbol, "currency": "USD", "regularMarketTime": tick.at.as_second(),
            "regularMarketPrice": round(tick.price, 2), "marketState": market_state(ask, asset),
        }),
        _ => json!({"maxAge": 1, "symbol": null, "estimates": []}),
    }
}

pub(super) fn options(ask: &Ask<'_>, symbol: &str) -> Outcome {
    let Some(asset) = ask.market.asset(symbol) else {
        return Ok(sound(
            &json!({"optionChain": {"result": [], "error": null}}),
            1,
        ));
    };
    let tick = ask.market.tick(&asset, ask.now);
    let strike = tick.price.round();
    let contract = json!({"strike": strike, "lastPrice": round(tick.price * 0.02, 2), "currency": "USD", "inTheMoney": false});
    let result = json!({
        "underlyingSymbol": asset.symbol, "expirationDates": [], "strikes": [strike], "hasMiniOptions": false,
        "quote": quote_row(ask, &asset), "options": [{"calls": [contract.clone()], "puts": [contract]}],
    });
    Ok(sound(
        &json!({"optionChain": {"result": [result], "error": null}}),
        1,
    ))
}

/// The job time is 0, which says nothing of the freshness.
pub(super) fn trending() -> Answer {
    let quotes = json!([{"symbol": "NVDA"}, {"symbol": "TSLA"}]);
    let result = json!({"count": 2, "quotes": quotes, "jobTimestamp": 0, "startInterval": 0});
    sound(
        &json!({"finance": {"result": [result], "error": null}}),
        300,
    )
}

pub(super) fn insights(ask: &Ask<'_>) -> Answer {
    let symbol = ask.param("symbol").unwrap_or_default();
    sound(
        &json!({"finance": {"result": {"symbol": symbol, "sigDevs": []}, "error": null}}),
        300,
    )
}

/// The types exist and hold nothing, as for a fund.
pub(super) fn fundamentals(ask: &Ask<'_>, symbol: &str) -> Answer {
    let types = ask.param("type").unwrap_or("quarterlyTotalRevenue");
    let rows: Vec<Value> = types
        .split(',')
        .map(|name| json!({"meta": {"symbol": [symbol], "type": [name]}}))
        .collect();
    sound(&json!({"timeseries": {"result": rows, "error": null}}), 60)
}
