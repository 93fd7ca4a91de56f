//! Frankfurter: the European Central Bank's reference rates, once a working day.

use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use serde_json::{Map, Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::forms::Form;
use crate::limits::Rate;
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
/// Nothing is published.
const PER_MINUTE: Rate = Rate {
    calls: 600,
    per: SignedDuration::from_mins(1),
};
/// Currencies and their names.
const CURRENCIES: [(&str, &str); 6] = [
    ("CAD", "Canadian Dollar"),
    ("CHF", "Swiss Franc"),
    ("EUR", "Euro"),
    ("GBP", "British Pound"),
    ("JPY", "Japanese Yen"),
    ("USD", "United States Dollar"),
];
const FIRST: Date = Date::constant(1999, 1, 4);
const MOST_DAYS: usize = 400;

const FORMS: &[Form] = &[
    Form::asked(
        "ok_latest",
        "/v1/latest?base=USD&symbols=EUR,GBP",
        "the newest rates",
    ),
    Form::asked(
        "ok_range",
        "/v1/2024-03-01..2024-03-08?symbols=USD",
        "rates of some days",
    ),
    Form::asked("ok_currencies", "/v1/currencies", "the currencies"),
    Form::asked(
        "nf_currency",
        "/v1/latest?base=XYZ",
        "404: an unknown currency",
    ),
    Form::asked("bad_date", "/v1/yesterday", "422: not a date"),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask))).with("server", "cloudflare")
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["v1", "currencies"] => {
            let names: Map<String, Value> = CURRENCIES
                .iter()
                .map(|(code, name)| ((*code).to_owned(), json!(name)))
                .collect();
            Ok(sound(&Value::Object(names)))
        }
        ["v1", "latest"] => one_day(ask, newest(ask)),
        ["v1", when] => match when.split_once("..") {
            Some((from, to)) => range(ask, (from, to)),
            None => one_day(ask, date(when)?.min(newest(ask))),
        },
        _ => Err(message(404, "not found")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => Answer::text(429, "error code: 1015"),
        Refusal::Failed(status) => message(status, &reason(status).to_lowercase()),
    }
}

fn message(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"message": text})).typed(JSON)
}

fn sound(body: &Value) -> Answer {
    Answer::json(200, body).typed(JSON)
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(Answer::text(403, "error code: 1020"));
    }
    if gate.admits(&peer, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

fn is_working_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Rates of a day come in its afternoon; before that the day before is the newest.
fn newest(ask: &Ask<'_>) -> Date {
    let is_out = ask.now.as_second().rem_euclid(86_400) >= 15 * 3_600;
    let mut days = readings::days_back(ask, 1).skip(usize::from(!is_out));
    days.find(|date| is_working_day(*date)).unwrap_or(FIRST)
}

fn date(text: &str) -> Result<Date, Answer> {
    text.parse().map_err(|_| message(422, "invalid date"))
}

/// What a euro is worth at noon of a day, before rounding, by the walks that other sources quote too.
fn per_euro(ask: &Ask<'_>, code: &str, date: Date) -> Option<f64> {
    let noon = readings::noon(date);
    let walk = |pair: &str| Some(ask.market.asset(pair)?.walk.at(noon));
    let dollars = walk("EURUSD=X")?;
    match code {
        "EUR" => Some(1.0),
        "USD" => Some(dollars),
        "GBP" => Some(dollars / walk("GBPUSD=X")?),
        "CAD" => Some(dollars * walk("USDCAD=X")?),
        "CHF" => Some(dollars * walk("USDCHF=X")?),
        "JPY" => Some(dollars * walk("USDJPY=X")?),
        _ => None,
    }
}

fn rates(ask: &Ask<'_>, date: Date) -> Result<Value, Answer> {
    let base = ask.param("base").unwrap_or("EUR");
    let unknown = || message(404, "not found");
    let of_base = per_euro(ask, base, date).ok_or_else(unknown)?;
    let asked = ask.param("symbols");
    let mut rates = Map::new();
    for (code, _) in CURRENCIES.iter().filter(|(code, _)| *code != base) {
        if asked.is_none_or(|codes| codes.split(',').any(|wanted| wanted == *code)) {
            let rate = per_euro(ask, code, date).ok_or_else(unknown)? / of_base;
            rates.insert((*code).to_owned(), json!(round(rate, 5)));
        }
    }
    if rates.is_empty() {
        return Err(unknown());
    }
    Ok(Value::Object(rates))
}

fn one_day(ask: &Ask<'_>, asked: Date) -> Outcome {
    let mut back = std::iter::successors(Some(asked), |date| date.yesterday().ok());
    let date = back.find(|date| is_working_day(*date)).unwrap_or(asked);
    let body = json!({
        "amount": 1.0, "base": ask.param("base").unwrap_or("EUR"), "date": date.to_string(), "rates": rates(ask, date)?,
    });
    Ok(sound(&body).with("cache-control", "public, max-age=900"))
}

fn range(ask: &Ask<'_>, (from, to): (&str, &str)) -> Outcome {
    let last = if to.is_empty() {
        newest(ask)
    } else {
        date(to)?.min(newest(ask))
    };
    let first = date(from)?.max(FIRST);
    let days = std::iter::successors(Some(first), |date| date.tomorrow().ok());
    let days = days
        .take_while(|date| *date <= last)
        .filter(|date| is_working_day(*date))
        .take(MOST_DAYS);
    let mut rows = Map::new();
    for date in days {
        rows.insert(date.to_string(), rates(ask, date)?);
    }
    Ok(sound(&json!({
        "amount": 1.0, "base": ask.param("base").unwrap_or("EUR"), "start_date": first.to_string(), "end_date": last.to_string(),
        "rates": rows,
    })))
}
