//! Polygon's named answers.

use jiff::SignedDuration;
use serde_json::json;

use super::{NOT_ENTITLED, Plan, TIMEFRAME, Visit, error, not_authorized, trades};
use crate::answer::Answer;
use crate::ask::{Ask, settle};
use crate::forms::{Form, no_answer, no_connection};

/// Every documented answer of the source.
pub(crate) const FORMS: &[Form] = &[
    Form::asked(
        "ok_prev",
        "/v2/aggs/ticker/AAPL/prev?adjusted=true&apiKey={key}",
        "the previous day",
    ),
    Form::asked(
        "ok_aggs_hist",
        "/v2/aggs/ticker/AAPL/range/1/day/2005-04-01/2005-04-04?apiKey={key}",
        "days of long ago",
    ),
    Form::asked(
        "ok_grouped",
        "/v2/aggs/grouped/locale/us/market/stocks/2024-03-05?apiKey={key}",
        "the whole market of a day",
    ),
    Form::asked(
        "ok_marketstatus",
        "/v1/marketstatus/now?apiKey={key}",
        "no status field",
    ),
    Form::asked(
        "ok_marketstatus_upcoming",
        "/v1/marketstatus/upcoming?apiKey={key}",
        "a plain list",
    ),
    Form::asked(
        "ok_lasttrade",
        "/v2/last/trade/AAPL?apiKey={key}",
        "the last trade",
    ),
    Form::asked(
        "ok_lastquote",
        "/v2/last/nbbo/AAPL?apiKey={key}",
        "the last quote",
    ),
    Form::asked(
        "ok_status_success_b",
        "/v1/last/crypto/BTC/USD?apiKey={key}",
        "the status success",
    ),
    Form::asked(
        "ok_ticker",
        "/v3/reference/tickers/AAPL?apiKey={key}",
        "what a ticker is",
    ),
    Form::asked(
        "ok_symbol_trap",
        "/v3/reference/tickers/ERR?apiKey={key}",
        "a company called Error",
    ),
    Form::asked(
        "ok_delayed",
        "/v2/aggs/ticker/AAPL/prev?apiKey=labdelayedkey1",
        "DELAYED: the plan's delay, the data is there",
    ),
    Form::asked(
        "ok_trades",
        "/v3/trades/AAPL?limit=2&apiKey={key}",
        "trades",
    ),
    Form::asked(
        "ok_silent_drop",
        "/v2/snapshot/locale/us/markets/stocks/tickers?tickers=AAPL,NOTREAL&apiKey={key}",
        "an unknown ticker is left out",
    ),
    Form::asked(
        "ok_snapshot",
        "/v2/snapshot/locale/us/markets/stocks/tickers/AAPL?apiKey={key}",
        "a snapshot",
    ),
    Form::asked(
        "nf_row_200",
        "/v3/snapshot?ticker.any_of=NOTREAL&apiKey={key}",
        "a row that is not found, in a 200",
    ),
    Form::asked(
        "nf_ticker",
        "/v3/reference/tickers/NOTREAL?apiKey={key}",
        "404: an unknown ticker",
    ),
    Form::asked(
        "nf_zero_row_200",
        "/v1/open-close/NOTREAL/2020-10-06?apiKey={key}",
        "a 200 of zeros",
    ),
    Form::asked(
        "nf_snapshot_camel",
        "/v2/snapshot/locale/us/markets/stocks/tickers/NOTREAL?apiKey={key}",
        "404 with the other spelling",
    ),
    Form::asked(
        "empty_no_results",
        "/v2/aggs/ticker/NOTREAL/prev?apiKey={key}",
        "an unknown ticker: 200 without results",
    ),
    Form::made(
        "empty_null_spurious",
        |_| {
            Answer::json(
                200,
                &json!({"status": "OK", "queryCount": 0, "resultsCount": 0, "adjusted": true, "results": null}),
            )
        },
        "results null",
    ),
    Form::made(
        "empty_snapshot_zero",
        trades::cleared,
        "a snapshot cleared for the night",
    ),
    Form::asked(
        "prem_row_200",
        "/v3/snapshot/indices?ticker.any_of=I:SPX&apiKey={key}",
        "a row the plan lacks, in a 200",
    ),
    Form::made(
        "prem_not_entitled_error",
        |ask| error(ask, 403, NOT_ENTITLED),
        "403: the plan lacks the data",
    ),
    Form::asked(
        "prem_not_authorized",
        "/v2/last/trade/AAPL?apiKey=labbasickey1",
        "403: NOT_AUTHORIZED",
    ),
    Form::asked(
        "prem_timeframe",
        "/v2/aggs/ticker/AAPL/range/1/day/2005-04-01/2005-04-04?apiKey=labbasickey1",
        "403: the plan's history is shorter",
    ),
    Form::made(
        "prem_before_end_of_day",
        |ask| {
            not_authorized(
                ask,
                "Attempted to request today's data before end of day. Please upgrade your plan.",
            )
        },
        "403: end of day data only",
    ),
    Form::made(
        "prem_timeframe_text",
        |_| Answer::text(403, TIMEFRAME),
        "the same as text",
    ),
    Form::asked(
        "auth_unknown_key",
        "/v2/aggs/ticker/AAPL/prev?apiKey=unknown",
        "401: an unknown key",
    ),
    Form::asked(
        "auth_unknown_key_v1",
        "/v1/marketstatus/now?apiKey=unknown",
        "the same under the name message",
    ),
    Form::asked("auth_missing", "/v2/aggs/ticker/AAPL/prev", "401: no key"),
    Form::asked(
        "auth_misspelt",
        "/v2/aggs/ticker/AAPL/prev?apikey={key}",
        "401: apikey is no key",
    ),
    Form::made("auth_empty", |_| Answer::empty(401), "401 without body"),
    Form::made(
        "auth_proxy_407",
        |_| Answer::text(407, "Proxy Authentication Required"),
        "a proxy on the way wants a password",
    ),
    Form::made("forb_empty", |_| Answer::empty(403), "403 without body"),
    Form::made(
        "rl_429_error",
        |ask| error(ask, 429, super::THROTTLED),
        "429",
    ),
    Form::made(
        "rl_429_msg",
        throttled_message,
        "the same under the name message",
    ),
    Form::made("rl_429_empty", |_| Answer::empty(429), "429 without body"),
    Form::made(
        "rl_200",
        |ask| Answer {
            status: 200,
            ..error(ask, 429, super::THROTTLED)
        },
        "the throttle inside a 200",
    ),
    Form::asked(
        "bad_date",
        "/v1/open-close/AAPL/2024-13-45?apiKey={key}",
        "400: not a date",
    ),
    Form::asked(
        "bad_order",
        "/v2/aggs/ticker/AAPL/range/1/day/2024-03-05/2024-03-01?apiKey={key}",
        "400: to before from",
    ),
    Form::asked(
        "se_404_route",
        "/v2/nothing?apiKey={key}",
        "404 as text: no such route",
    ),
    Form::made(
        "se_500",
        |_| Answer::text(500, "Internal Server Error"),
        "500",
    ),
    Form::made(
        "se_502",
        |_| Answer::html(502, "<html><body>502 Bad Gateway</body></html>").typed("text/html"),
        "502",
    ),
    Form::made("stale_trade", stale_trade, "a trade of a week ago"),
    Form::made(
        "malformed_truncated",
        |_| Answer::new(200, "application/json", "{\"truncated\":"),
        "JSON cut in the middle",
    ),
    Form::made("to", no_answer, "no answer at all"),
    Form::made(
        "conn_refused",
        no_connection,
        "no connection; for a port that refuses, inject down",
    ),
];

fn throttled_message(ask: &Ask<'_>) -> Answer {
    let body =
        json!({"status": "ERROR", "request_id": ask.request_id(), "message": super::THROTTLED});
    Answer::json(429, &body)
}

fn stale_trade(ask: &Ask<'_>) -> Answer {
    let past = ask
        .now
        .checked_sub(SignedDuration::from_hours(7 * 24))
        .unwrap_or(ask.now);
    let ask = Ask { now: past, ..*ask };
    settle(trades::last_trade(
        &Visit {
            ask: &ask,
            plan: Plan::Full,
        },
        "AAPL",
    ))
}
