//! Alpha Vantage's named answers.

use jiff::SignedDuration;
use serde_json::json;

use super::{CSV, burst, day_spent, information, premium, quotes};
use crate::answer::Answer;
use crate::ask::{Ask, settle};
use crate::forms::{Form, no_answer};

/// Every documented answer of the source.
pub(crate) const FORMS: &[Form] = &[
    Form::asked(
        "ok_daily",
        "/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey={key}",
        "daily prices",
    ),
    Form::asked(
        "ok_weekly",
        "/query?function=TIME_SERIES_WEEKLY&symbol=IBM&apikey={key}",
        "weekly prices",
    ),
    Form::asked(
        "ok_monthly",
        "/query?function=TIME_SERIES_MONTHLY&symbol=IBM&apikey={key}",
        "monthly prices",
    ),
    Form::asked(
        "ok_quote",
        "/query?function=GLOBAL_QUOTE&symbol=IBM&apikey={key}",
        "a quote",
    ),
    Form::asked(
        "ok_exchange_rate",
        "/query?function=CURRENCY_EXCHANGE_RATE&from_currency=BTC&to_currency=USD&apikey={key}",
        "an exchange rate",
    ),
    Form::asked(
        "ok_treasury_yield",
        "/query?function=TREASURY_YIELD&maturity=10year&apikey={key}",
        "an economic series",
    ),
    Form::asked(
        "ok_overview",
        "/query?function=OVERVIEW&symbol=IBM&apikey={key}",
        "a company",
    ),
    Form::asked(
        "ok_intraday_tz",
        "/query?function=TIME_SERIES_INTRADAY&symbol=MSFT&interval=1min&apikey={key}",
        "minutes in US/Eastern",
    ),
    Form::asked(
        "ok_csv",
        "/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&datatype=csv&apikey={key}",
        "CSV as a download",
    ),
    Form::asked(
        "ok_csv_extended",
        "/query?function=TIME_SERIES_INTRADAY_EXTENDED&symbol=MSFT&interval=1min&slice=year1month1&apikey={key}",
        "the function that is always CSV",
    ),
    Form::asked(
        "ok_csv_header_only",
        "/query?function=EARNINGS_CALENDAR&symbol=IBM&horizon=3month&apikey={key}",
        "no earnings is healthy",
    ),
    Form::asked(
        "ok_sma",
        "/query?function=SMA&symbol=MSFT&interval=15min&time_period=10&series_type=close&apikey={key}",
        "an indicator, whose names have colons",
    ),
    Form::asked(
        "ok_sector_information_key",
        "/query?function=SECTOR&apikey={key}",
        "an Information that is no refusal",
    ),
    Form::asked(
        "ok_search_empty",
        "/query?function=SYMBOL_SEARCH&keywords=zzzzqq&apikey={key}",
        "no match is healthy",
    ),
    Form::asked(
        "ok_news_empty",
        "/query?function=NEWS_SENTIMENT&tickers=IBM&time_from=20250101T0000&time_to=20250101T0001&apikey={key}",
        "no news is healthy",
    ),
    Form::asked(
        "ok_news_text_trap",
        "/query?function=NEWS_SENTIMENT&tickers=MSFT&limit=1&apikey={key}",
        "a story about rate limits",
    ),
    Form::made(
        "rl_info_burst",
        |_| burst(),
        "the throttle of a second; names the day's limit and premium too",
    ),
    Form::made(
        "rl_info_burst_short",
        |_| {
            information(
                "Thank you for using Alpha Vantage! Please space your free API requests more sparingly (1 request per second).",
            )
        },
        "the same in short",
    ),
    Form::made(
        "rl_info_sparingly",
        |_| {
            information(
                "Thank you for using Alpha Vantage! Please spread your free API requests out more sparingly. A premium plan lifts the free key rate limit (25 requests per day).",
            )
        },
        "the same without the second",
    ),
    Form::made(
        "rl_info_2018",
        |_| {
            information(
                "Thank you for using Alpha Vantage! Please visit https://www.alphavantage.co/premium/ for a higher API call volume.",
            )
        },
        "the wording of 2018",
    ),
    Form::made(
        "rl_note_burst",
        |_| note("Please slow your free API requests down (1 request per second)."),
        "the same under the name Note",
    ),
    Form::made(
        "rl_note_minute",
        |_| {
            note(
                "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day.",
            )
        },
        "the old limit, a minute's",
    ),
    Form::made("quota_daily", day_spent, "the day's limit; echoes the key"),
    Form::made(
        "quota_csv_endpoint",
        |ask| day_spent(ask).typed(CSV),
        "the same as JSON from a CSV function",
    ),
    Form::asked(
        "prem_endpoint",
        "/query?function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&apikey={key}",
        "a paid function",
    ),
    Form::made("prem_parameter", |_| premium(), "a paid parameter"),
    Form::asked(
        "auth_invalid",
        "/query?function=TIME_SERIES_DAILY&symbol=IBM",
        "no key; any other key works",
    ),
    Form::asked(
        "bad_news_inputs",
        "/query?function=NEWS_SENTIMENT&tickers=NOTREAL&apikey={key}",
        "an Information about wrong inputs",
    ),
    Form::asked(
        "bad_call",
        "/query?function=TIME_SERIES_DAILY&symbol=NOSUCH&apikey={key}",
        "an unknown symbol of a time series",
    ),
    Form::asked(
        "bad_function",
        "/query?function=NOTHING&apikey={key}",
        "no such function",
    ),
    Form::asked(
        "nf_empty_global_quote",
        "/query?function=GLOBAL_QUOTE&symbol=NOSUCH&apikey={key}",
        "an unknown symbol of a quote",
    ),
    Form::asked(
        "empty_object_b",
        "/query?function=OVERVIEW&symbol=NOSUCH&apikey={key}",
        "an unknown company",
    ),
    Form::made(
        "empty_object",
        |_| Answer::json(200, &json!({})),
        "an empty object for a known symbol",
    ),
    Form::made(
        "se_heroku",
        |_| Answer::html(503, HEROKU).typed("text/html"),
        "503 page of the host",
    ),
    Form::made("stale_quote", stale_quote, "a quote of six weeks ago"),
    Form::made("to", no_answer, "no answer at all"),
];

const HEROKU: &str = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Application Error</title></head>\n\
    <body><iframe src=\"//www.herokucdn.com/error-pages/application-error.html\"></iframe></body></html>";

fn note(text: &str) -> Answer {
    Answer::json(200, &json!({"Note": text}))
}

fn stale_quote(ask: &Ask<'_>) -> Answer {
    let request = ask
        .request
        .retargeted("/query?function=GLOBAL_QUOTE&symbol=IBM");
    let past = ask
        .now
        .checked_sub(SignedDuration::from_hours(42 * 24))
        .unwrap_or(ask.now);
    settle(quotes::global_quote(&Ask {
        request: &request,
        now: past,
        ..*ask
    }))
}
