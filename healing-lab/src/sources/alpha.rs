//! Alpha Vantage: everything behind `/query?function=`, every refusal inside a 200.

pub(crate) mod forms;
pub(crate) mod quotes;
pub(crate) mod rows;
pub(crate) mod series;

use jiff::SignedDuration;
use serde_json::json;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::limits::{Limits, Rate};
use crate::periods::Period;
use crate::sources::{READS, Source, reason};

const CSV: &str = "application/x-download";
const BURST: Rate = Rate {
    calls: 1,
    per: SignedDuration::from_secs(1),
};
/// Requests of a free key a day, which ends at midnight US/Eastern.
const PER_DAY: u32 = 25;
const PLANS: &str = "https://www.alphavantage.co/premium/";
/// Functions of paid plans only.
const PREMIUM: [&str; 4] = [
    "HISTORICAL_OPTIONS",
    "REALTIME_BULK_QUOTES",
    "TIME_SERIES_DAILY_ADJUSTED",
    "VWAP",
];

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &["LABALPHAKEY00001", "LABALPHAKEY00002", "LABALPHAKEY00API"],
    forms: forms::FORMS,
};

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    let answer = match ask.request.segments().as_slice() {
        ["query"] => settle(admit(ask, gate).and_then(|()| route(ask))),
        _ => Answer::html(
            404,
            "<html><head><title>Not Found</title></head><body><h1>Not Found</h1></body></html>",
        ),
    };
    answer.with("server", "cloudflare")
}

fn route(ask: &Ask<'_>) -> Outcome {
    let function = ask.param("function").unwrap_or_default();
    match function {
        _ if PREMIUM.contains(&function) => Err(premium()),
        "TIME_SERIES_INTRADAY" => series::intraday(ask),
        "TIME_SERIES_INTRADAY_EXTENDED" => series::intraday_extended(ask),
        "TIME_SERIES_DAILY" => series::calendar_series(ask, Period::Days(1)),
        "TIME_SERIES_WEEKLY" => series::calendar_series(ask, Period::Weeks(1)),
        "TIME_SERIES_MONTHLY" => series::calendar_series(ask, Period::Months(1)),
        "SMA" => series::moving_average(ask),
        "GLOBAL_QUOTE" => quotes::global_quote(ask),
        "CURRENCY_EXCHANGE_RATE" => quotes::exchange_rate(ask),
        "SYMBOL_SEARCH" => Ok(quotes::search(ask)),
        "NEWS_SENTIMENT" => quotes::news(ask),
        "OVERVIEW" => Ok(quotes::overview(ask)),
        "EARNINGS_CALENDAR" => Ok(Answer::new(
            200,
            CSV,
            "symbol,name,reportDate,fiscalDateEnding,estimate,currency\n",
        )),
        "SECTOR" => Ok(quotes::sectors(ask)),
        "TREASURY_YIELD" => Ok(quotes::treasury_yield(ask)),
        _ => Err(error_message(&format!(
            "This API function ({function}) does not exist."
        ))),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => burst(),
        Refusal::Failed(200) => {
            error_message("Invalid API call. Please retry or visit the documentation.")
        }
        Refusal::Failed(status) => Answer::json(status, &json!({"Error Message": reason(status)})),
    }
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let key = ask
        .param("apikey")
        .filter(|key| !gate.picked.revoked.hold(key))
        .ok_or_else(no_key)?;
    if gate.picked.spent.hold(key) {
        return Err(day_spent(ask));
    }
    if gate.limits == Limits::Off {
        return Ok(());
    }
    if !gate.meter.admit(key, BURST, ask.wall) {
        return Err(burst());
    }
    let today = ask.market.calendar.eastern(ask.wall).date();
    if gate.meter.admit_today(key, PER_DAY, today) {
        Ok(())
    } else {
        Err(day_spent(ask))
    }
}

fn information(text: &str) -> Answer {
    Answer::json(200, &json!({"Information": text}))
}

fn error_message(text: &str) -> Answer {
    Answer::json(200, &json!({"Error Message": text}))
}

fn no_key() -> Answer {
    error_message(
        "the parameter apikey is invalid or missing. A free API key can be claimed within a minute \
         (https://www.alphavantage.co/support/#api-key).",
    )
}

/// Names the day's limit and the paid plans, and yet is over within a second.
fn burst() -> Answer {
    information(&format!(
        "Thank you for using Alpha Vantage! Please spread your free API requests out more sparingly \
         (1 request per second). A premium plan at {PLANS} lifts the free key rate limit (25 requests per day), \
         raises the per-second burst limit and opens all premium endpoints."
    ))
}

/// Echoes the key, and comes as JSON from the CSV functions too.
fn day_spent(ask: &Ask<'_>) -> Answer {
    let key = ask.param("apikey").unwrap_or("demo");
    let note = information(&format!(
        "We have detected your API key as {key} and our standard API rate limit is {PER_DAY} requests per day. \
         Please subscribe to a premium plan at {PLANS} to remove all daily rate limits."
    ));
    if wants_csv(ask) {
        note.typed(CSV)
    } else {
        note
    }
}

fn premium() -> Answer {
    information(&format!(
        "Thank you for using Alpha Vantage! This is a premium endpoint: \
         one of the premium plans at {PLANS} unlocks it."
    ))
}

fn wants_csv(ask: &Ask<'_>) -> bool {
    let function = ask.param("function").unwrap_or_default();
    ask.param("datatype") == Some("csv")
        || ["EARNINGS_CALENDAR", "TIME_SERIES_INTRADAY_EXTENDED"].contains(&function)
}

fn invalid_call(function: &str) -> Answer {
    error_message(&format!(
        "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for {function}."
    ))
}
