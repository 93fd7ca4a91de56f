//! The functions that are not time series.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{error_message, information, invalid_call};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::prices::{hash, round, unit};
use crate::sources::fred::series::Series;

const SECTORS: [&str; 11] = [
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
];

fn local(ask: &Ask<'_>, at: Timestamp, format: &str) -> String {
    ask.market.calendar.eastern(at).strftime(format).to_string()
}

/// An unknown symbol is an empty object under the same name.
pub(super) fn global_quote(ask: &Ask<'_>) -> Outcome {
    let symbol = ask
        .param("symbol")
        .ok_or_else(|| invalid_call("GLOBAL_QUOTE"))?;
    let Some(asset) = ask.market.asset(symbol) else {
        return Ok(Answer::json(200, &json!({"Global Quote": {}})));
    };
    let tick = ask.market.tick(&asset, ask.now);
    let change = tick.price - tick.previous_close;
    let price = |value: f64| format!("{value:.4}");
    Ok(Answer::json(
        200,
        &json!({"Global Quote": {
            "01. symbol": asset.symbol, "02. open": price(tick.day.open), "03. high": price(tick.day.high),
            "04. low": price(tick.day.low), "05. price": price(tick.price), "06. volume": tick.day.volume.to_string(),
            "07. latest trading day": tick.session.date.to_string(), "08. previous close": price(tick.previous_close),
            "09. change": price(change), "10. change percent": format!("{:.4}%", change / tick.previous_close * 100.0),
        }}),
    ))
}

pub(super) fn exchange_rate(ask: &Ask<'_>) -> Outcome {
    let bad = || invalid_call("CURRENCY_EXCHANGE_RATE");
    let from = ask.param("from_currency").ok_or_else(bad)?;
    let to = ask.param("to_currency").ok_or_else(bad)?;
    let symbols = [format!("{from}-{to}"), format!("{from}{to}=X")];
    let coin = ["BTC", "ETH"].contains(&from);
    let [as_coin, as_pair] = &symbols;
    let asset = ask
        .market
        .asset(if coin { as_coin } else { as_pair })
        .ok_or_else(bad)?;
    let tick = ask.market.tick(&asset, ask.now);
    let utc = tick.at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let price = |value: f64| format!("{value:.5}");
    Ok(Answer::json(
        200,
        &json!({"Realtime Currency Exchange Rate": {
            "1. From_Currency Code": from, "2. From_Currency Name": asset.name, "3. To_Currency Code": to,
            "4. To_Currency Name": to, "5. Exchange Rate": price(tick.price), "6. Last Refreshed": utc, "7. Time Zone": "UTC",
            "8. Bid Price": price(tick.price * 0.9999), "9. Ask Price": price(tick.price * 1.0001),
        }}),
    ))
}

pub(super) fn search(ask: &Ask<'_>) -> Answer {
    let keywords = ask.param("keywords").unwrap_or_default().to_uppercase();
    let row = ask.market.asset(&keywords).map(|asset| {
        json!({
            "1. symbol": asset.symbol, "2. name": asset.name, "3. type": "Equity", "4. region": "United States",
            "5. marketOpen": "09:30", "6. marketClose": "16:00", "7. timezone": "UTC-04", "8. currency": "USD",
            "9. matchScore": "1.0000",
        })
    });
    let rows: Vec<Value> = row.into_iter().collect();
    Answer::json(200, &json!({"bestMatches": rows}))
}

pub(super) fn news(ask: &Ask<'_>) -> Outcome {
    let tickers = ask.param("tickers").unwrap_or_default();
    if tickers
        .split(',')
        .any(|ticker| ask.market.asset(ticker).is_none())
    {
        return Err(information(
            "Invalid inputs. Please try again as the API documentation says: https://www.alphavantage.co/documentation",
        ));
    }
    let definitions = (
        "x <= -0.35: Bearish; -0.35 < x < 0.35: Neutral; x >= 0.35: Bullish",
        "0 < x <= 1, with a higher score for higher relevance.",
    );
    if ask.param("time_to").is_some() {
        let (sentiment, relevance) = definitions;
        return Ok(Answer::json(
            200,
            &json!({"items": "0", "sentiment_score_definition": sentiment, "relevance_score_definition": relevance, "feed": []}),
        ));
    }
    // The words of a refusal in the text of a healthy answer.
    let story = json!({
        "title": "What \"API call frequency exceeded\" means for your app", "url": "https://example.com/story",
        "time_published": local(ask, ask.now, "%Y%m%dT%H%M%S"), "authors": [], "source": "Example Wire",
        "summary": "An Error Message greeted readers of a premium endpoint; a rate limit was to blame.",
        "overall_sentiment_score": -0.1, "overall_sentiment_label": "Neutral", "ticker_sentiment": [],
    });
    Ok(Answer::json(200, &json!({"items": "1", "feed": [story]})))
}

/// An unknown symbol is an empty object.
pub(super) fn overview(ask: &Ask<'_>) -> Answer {
    let Some(asset) = ask
        .param("symbol")
        .and_then(|symbol| ask.market.asset(symbol))
    else {
        return Answer::json(200, &json!({}));
    };
    let tick = ask.market.tick(&asset, ask.now);
    Answer::json(
        200,
        &json!({
            "Symbol": asset.symbol, "AssetType": "Common Stock", "Name": asset.name, "Exchange": "NASDAQ", "Currency": "USD",
            "Country": "USA", "Sector": "TECHNOLOGY", "LatestQuarter": tick.session.date.first_of_month().to_string(),
            "MarketCapitalization": "2400000000000", "PERatio": "29.5",
            "50DayMovingAverage": format!("{:.2}", tick.previous_close),
        }),
    )
}

/// Its meta data has an `Information` that is no refusal.
pub(super) fn sectors(ask: &Ask<'_>) -> Answer {
    let rank = |salt: u64| {
        let day = local(ask, ask.now, "%Y-%m-%d");
        let value = |sector: &str| {
            round(
                unit(hash(ask.market.seed ^ salt, &format!("{sector}{day}"))) * 4.0 - 2.0,
                2,
            )
        };
        let rows = SECTORS.iter().map(|sector| {
            (
                (*sector).to_owned(),
                json!(format!("{:.2}%", value(sector))),
            )
        });
        Value::Object(rows.collect())
    };
    Answer::json(
        200,
        &json!({
            "Meta Data": {
                "Information": "US sector performance, real-time and historical",
                "Last Refreshed": local(ask, ask.now, "%I:%M %p ET %m/%d/%Y"),
            },
            "Rank A: Real-Time Performance": rank(1),
            "Rank B: 1 Day Performance": rank(2),
        }),
    )
}

/// Economic functions have their rows under `data`, newest first.
pub(super) fn treasury_yield(ask: &Ask<'_>) -> Answer {
    let series = match ask.param("maturity").unwrap_or("10year") {
        "3month" => "DGS3MO",
        "2year" => "DGS2",
        "5year" => "DGS5",
        "7year" => "DGS7",
        "10year" => "DGS10",
        "30year" => "DGS30",
        other => return error_message(&format!("Invalid maturity: {other}")),
    };
    let Some(series) = Series::find(series) else {
        return invalid_call("TREASURY_YIELD");
    };
    let rows: Vec<Value> = series
        .dates_back(ask.market, ask.now)
        .take(100)
        .map(|date| json!({"date": date.to_string(), "value": series.value(ask.market, date)}))
        .collect();
    Answer::json(
        200,
        &json!({"name": series.title, "interval": "daily", "unit": "percent", "data": rows}),
    )
}
