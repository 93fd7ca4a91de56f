//! Finnhub: a quote in single letters, zeros for what it does not know.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::forms::Form;
use crate::limits::Rate;
use crate::prices::round;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse,
    methods: READS,
    keys: &["labfinnhubkey1", "labfinnhubkey2"],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// The free plan's limit of a key.
const PER_MINUTE: Rate = Rate {
    calls: 60,
    per: SignedDuration::from_mins(1),
};

const FORMS: &[Form] = &[
    Form::asked(
        "ok_quote",
        "/api/v1/quote?symbol=AAPL&token={key}",
        "a quote",
    ),
    Form::asked(
        "nf_zeros",
        "/api/v1/quote?symbol=NOSUCH&token={key}",
        "zeros for an unknown symbol",
    ),
    Form::asked(
        "nf_profile",
        "/api/v1/stock/profile2?symbol=NOSUCH&token={key}",
        "an empty object for an unknown company",
    ),
    Form::asked(
        "auth_invalid",
        "/api/v1/quote?symbol=AAPL&token=unknown",
        "401: a bad token",
    ),
    Form::made(
        "rl_text",
        |_| Answer::text(429, "API limit reached. Please try again later."),
        "429: a line of text",
    ),
    Form::made(
        "rl_redirect",
        |_| Answer::html(302, "<a href=\"/\">Found</a>.\n\n").with("location", "/"),
        "302: a client past its limit is sent to the first page",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["api", "v1", "quote"] => Ok(quote(ask)),
        ["api", "v1", "stock", "profile2"] => Ok(profile(ask)),
        ["api", "v1", "stock", "recommendation"] => Ok(recommendation(ask)),
        _ => Err(Answer::html(
            404,
            "<!DOCTYPE html><html><head><title>Finnhub</title></head><body></body></html>",
        )),
    }
}

fn refuse(ask: &Ask<'_>, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(
            429,
            "API limit reached. Please try again later. Remaining Limit: 0",
        )
        .with("x-ratelimit-limit", "60")
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", (ask.wall.as_second() + 60).to_string()),
        Refusal::Failed(status) => error(status, reason(status)),
    }
}

fn error(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"error": text})).typed(JSON)
}

fn sound(body: &Value) -> Answer {
    Answer::json(200, body).typed(JSON)
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let key = ask
        .param("token")
        .or_else(|| ask.request.header("x-finnhub-token"));
    let key = key.ok_or_else(|| error(401, "Please use an API key."))?;
    if !key.starts_with("lab") || gate.picked.revoked.hold(key) {
        return Err(error(401, "Invalid API key"));
    }
    if gate.admits(key, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(ask, Refusal::Throttled))
    }
}

fn symbol<'a>(ask: &Ask<'a>) -> &'a str {
    ask.param("symbol").unwrap_or_default()
}

fn quote(ask: &Ask<'_>) -> Answer {
    let Some(asset) = ask.market.asset(symbol(ask)) else {
        return sound(
            &json!({"c": 0, "d": null, "dp": null, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}),
        );
    };
    let tick = ask.market.tick(&asset, ask.now);
    let change = tick.price - tick.previous_close;
    let price = |value: f64| round(value, 4);
    sound(&json!({
        "c": price(tick.price), "d": price(change), "dp": price(change / tick.previous_close * 100.0), "h": price(tick.day.high),
        "l": price(tick.day.low), "o": price(tick.day.open), "pc": price(tick.previous_close), "t": tick.at.as_second(),
    }))
}

fn profile(ask: &Ask<'_>) -> Answer {
    let Some(asset) = ask.market.asset(symbol(ask)) else {
        return sound(&json!({}));
    };
    sound(&json!({
        "country": "US", "currency": "USD", "exchange": "NASDAQ NMS - GLOBAL MARKET", "finnhubIndustry": "Technology",
        "ipo": "1980-12-12", "marketCapitalization": 2_400_000.0, "name": asset.name, "shareOutstanding": 15_000.0,
        "ticker": asset.symbol, "weburl": "https://example.com/",
    }))
}

/// A month each, newest first.
fn recommendation(ask: &Ask<'_>) -> Answer {
    let this_month = ask.market.calendar.eastern(ask.now).date().first_of_month();
    let months = std::iter::successors(Some(this_month), |date| {
        date.checked_sub(jiff::Span::new().months(1)).ok()
    });
    let known = ask.market.asset(symbol(ask)).is_some();
    let rows = months.take(if known { 4 } else { 0 }).map(|month| {
        json!({
            "buy": 20 + month.month() % 5, "hold": 9, "period": month.to_string(), "sell": 2, "strongBuy": 12, "strongSell": 0,
            "symbol": symbol(ask),
        })
    });
    sound(&rows.collect())
}
