//! Yahoo's named answers.

use jiff::SignedDuration;
use serde_json::json;

use super::{JSON, chart, error, refuse, sound};
use crate::answer::{Answer, Delivery};
use crate::ask::{Ask, Refusal, settle};
use crate::forms::{Form, no_answer, no_connection};

const SAD_PANDA: &str = "<!DOCTYPE html>\n<html lang=\"en-us\"><head><meta charset=\"utf-8\"><title>Yahoo</title>\n\
    <style>body { background: #fff url(https://s.yimg.com/nn/img/sad-panda.png) 50% 50%; }</style></head>\n\
    <body><!-- status code : 500 --><p>Yahoo</p><p>Something is broken on our side.</p></body></html>";
const RIGHT_BACK: &str = "<!DOCTYPE html><html><head><title>Yahoo - will be right back</title></head><body>\
    <h1>We will be right back...</h1><p>We are working on it. Thank you for waiting.</p></body></html>";

/// Every documented answer of the source.
pub(crate) const FORMS: &[Form] = &[
    Form::asked(
        "ok_chart",
        "/v8/finance/chart/AAPL?range=5d&interval=1d",
        "a chart; needs no crumb",
    ),
    Form::asked(
        "ok_quote_closed",
        "/v7/finance/quote?symbols=AAPL&crumb={crumb}",
        "a quote",
    ),
    Form::asked(
        "ok_quote_crypto",
        "/v7/finance/quote?symbols=BTC-USD&crumb={crumb}",
        "a coin, which never closes",
    ),
    Form::asked(
        "ok_quote_fx",
        "/v7/finance/quote?symbols=EURUSD%3DX&crumb={crumb}",
        "a currency pair",
    ),
    Form::asked(
        "ok_quote_multi",
        "/v7/finance/quote?symbols=AAPL%2CIBM&crumb={crumb}",
        "two symbols in one",
    ),
    Form::asked(
        "ok_null_fields",
        "/v10/finance/quoteSummary/AAPL?modules=industryTrend&crumb={crumb}",
        "a module of nulls is healthy",
    ),
    Form::asked(
        "ok_empty_list_insights",
        "/ws/insights/v2/finance/insights?symbol=GC%3DF",
        "no significant developments is healthy",
    ),
    Form::asked(
        "ok_zero_timestamp",
        "/v1/finance/trending/AU?count=5",
        "jobTimestamp 0 is healthy",
    ),
    Form::asked(
        "ok_text_trap_maintenance",
        "/v10/finance/quoteSummary/AAPL?modules=assetProfile&crumb={crumb}",
        "a company that does maintenance",
    ),
    Form::asked("ok_crumb", "/v1/test/getcrumb", "the crumb of a cookie"),
    Form::asked(
        "ok_csv_header_only",
        "/v7/finance/download/KO?interval=1mo&events=div",
        "no dividends is healthy",
    ),
    Form::asked(
        "ok_options",
        "/v7/finance/options/AAPL?crumb={crumb}",
        "an option chain",
    ),
    Form::asked(
        "empty_fundamentals",
        "/ws/fundamentals-timeseries/v1/finance/timeseries/QQQ?type=quarterlyTotalRevenue",
        "types without values",
    ),
    Form::asked(
        "empty_chart_weekend",
        "/v8/finance/chart/AAPL?interval=1d&period1=4102444800&period2=4102531200",
        "a window without trades",
    ),
    Form::made(
        "empty_chart_null",
        |_| sound(&json!({"chart": null}), 10),
        "200 with chart null",
    ),
    Form::made(
        "empty_chart_result",
        |_| sound(&json!({"chart": {"result": [], "error": null}}), 10),
        "200 with an empty result",
    ),
    Form::made(
        "empty_all_null",
        chart::all_null,
        "a chart whose values are all null",
    ),
    Form::asked(
        "nf_quote_empty_200",
        "/v7/finance/quote?symbols=NONEXIST&crumb={crumb}",
        "an unknown symbol: 200 and no rows",
    ),
    Form::asked(
        "nf_quote_empty_200b",
        "/v7/finance/quote?symbols=NOSUCH.AX&crumb={crumb}",
        "the same for another exchange",
    ),
    Form::asked(
        "nf_quotetype_none",
        "/v7/finance/quote?symbols=GHOST&crumb={crumb}",
        "a row of type NONE",
    ),
    Form::asked(
        "nf_module_404",
        "/v10/finance/quoteSummary/GC=F?modules=insiderTransactions&crumb={crumb}",
        "no such module for a future",
    ),
    Form::asked(
        "nf_chart_404",
        "/v8/finance/chart/NOSUCH?range=1d",
        "an unknown symbol: 404",
    ),
    Form::made(
        "nf_chart_error_null",
        |_| Answer::json(404, &json!({"chart": {"result": null, "error": null}})).typed(JSON),
        "404 with error null",
    ),
    Form::asked("nf_route", "/v9/finance/nothing", "an unknown route"),
    Form::asked(
        "bad_csv_nodata_400",
        "/v7/finance/download/AAPL?interval=1d&events=history&period1=1&period2=86401",
        "400 as text/csv",
    ),
    Form::asked(
        "bad_granularity_range",
        "/v8/finance/chart/SPY?interval=1m&period1=1752606940&period2=1784142940",
        "422: more than 8 days of minutes",
    ),
    Form::asked(
        "bad_granularity_100y",
        "/v8/finance/chart/SPY?interval=1d&period1=-2208988800&period2=1587242455",
        "422: more than 100 years of days",
    ),
    Form::asked(
        "bad_granularity_60d",
        "/v8/finance/chart/SPY?interval=5m&range=6mo",
        "422: more than 60 days of five minutes",
    ),
    Form::asked(
        "bad_granularity_back",
        "/v8/finance/chart/SPY?interval=1m&period1=1600000000&period2=1600086400",
        "422: minutes of long ago",
    ),
    Form::asked(
        "bad_symbols_missing",
        "/v7/finance/quote?crumb={crumb}",
        "400: no symbols",
    ),
    Form::asked(
        "auth_invalid_crumb",
        "/v7/finance/quote?symbols=AAPL",
        "401: no crumb, or an old one",
    ),
    Form::asked(
        "auth_old_crumb",
        "/v7/finance/quote?symbols=AAPL&crumb=OLDCRUMB123",
        "401: a crumb that is not of this cookie",
    ),
    Form::made(
        "auth_invalid_cookie",
        |_| error("finance", 401, ("Unauthorized", "Invalid Cookie")),
        "401: the crumb was asked without cookie",
    ),
    Form::made(
        "auth_feature",
        |_| {
            error(
                "finance",
                401,
                (
                    "Unauthorized",
                    "User is unable to access this feature - check our help pages",
                ),
            )
        },
        "401 that no crumb heals",
    ),
    Form::made(
        "rl_edge_429",
        |_| refuse(Refusal::Throttled),
        "429, text under an HTML type",
    ),
    Form::made(
        "rl_text_429",
        |_| Answer::text(429, "Too Many Requests\r\n"),
        "429 as text",
    ),
    Form::made(
        "rl_999",
        |_| {
            Answer::html(
                999,
                "<html><body>Unable to process request at this time</body></html>",
            )
        },
        "the old status for the same",
    ),
    Form::made(
        "rl_crumb_edge_200",
        |_| Answer::text(200, "Edge: Too Many Requests"),
        "200 with the throttle as its text, instead of a crumb",
    ),
    Form::asked(
        "blocked_consent_307",
        "/quote/AAPL",
        "redirect to the consent wall",
    ),
    Form::asked(
        "blocked_consent_302",
        "/consent?brandType=nonEu",
        "the consent wall's own redirect",
    ),
    Form::made(
        "se_sad_panda_500",
        |_| Answer::html(500, SAD_PANDA).typed("text/html"),
        "500 page",
    ),
    Form::made(
        "se_html_200",
        |_| Answer::html(200, SAD_PANDA).typed("text/html;charset=utf-8"),
        "the same page with 200",
    ),
    Form::made(
        "maint_right_back_503",
        |_| Answer::html(503, RIGHT_BACK),
        "503 page",
    ),
    Form::made(
        "maint_right_back_200",
        |_| Answer::html(200, RIGHT_BACK),
        "the same page with 200",
    ),
    Form::made(
        "malformed_schema",
        |_| sound(&json!({"somethingWeird": true}), 60),
        "JSON of no known shape",
    ),
    Form::made(
        "malformed_truncated",
        |ask| healthy_chart(ask).delivered(Delivery::CutBody),
        "a chart cut before its length",
    ),
    Form::made(
        "stale_open_market",
        stale_chart,
        "a chart of a week ago while the market is open",
    ),
    Form::made("to_read", no_answer, "no answer at all"),
    Form::made(
        "conn_dns",
        no_connection,
        "no connection; stands for a name that does not resolve",
    ),
];

fn healthy_chart(ask: &Ask<'_>) -> Answer {
    let request = ask
        .request
        .retargeted("/v8/finance/chart/AAPL?range=5d&interval=1d");
    settle(chart::chart(
        &Ask {
            request: &request,
            ..*ask
        },
        "AAPL",
    ))
}

fn stale_chart(ask: &Ask<'_>) -> Answer {
    let past = ask
        .now
        .checked_sub(SignedDuration::from_hours(7 * 24))
        .unwrap_or(ask.now);
    healthy_chart(&Ask { now: past, ..*ask })
}
