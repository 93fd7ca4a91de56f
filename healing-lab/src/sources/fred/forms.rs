//! FRED's named answers.

use jiff::civil::Date;

use super::{THROTTLED, error_json, error_xml, observations, page_not_found};
use crate::answer::Answer;
use crate::ask::{Ask, settle};
use crate::forms::{Form, no_answer, no_connection};
use crate::sources::fred::series::Series;

/// Every documented answer of the source.
pub(crate) const FORMS: &[Form] = &[
    Form::asked(
        "ok_obs",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&sort_order=desc&limit=3",
        "observations",
    ),
    Form::asked(
        "ok_series",
        "/fred/series?series_id=DGS10&api_key={key}&file_type=json",
        "what a series is",
    ),
    Form::asked("ok_csv", "/graph/fredgraph.csv?id=DGS10", "the keyless CSV"),
    Form::asked(
        "ok_v2",
        "/fred/v2/release/observations?release_id=18",
        "the second version",
    ),
    Form::asked(
        "ok_dot_holiday",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&observation_start=2024-01-01&observation_end=2024-01-05",
        "a dot on a holiday",
    ),
    Form::asked(
        "ok_dot_only",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&observation_start=2024-01-01&observation_end=2024-01-01",
        "a holiday alone",
    ),
    Form::asked(
        "ok_slow_series",
        "/fred/series/observations?series_id=GDP&api_key={key}&file_type=json&sort_order=desc&limit=2",
        "a quarterly series: half a year old is current",
    ),
    Form::asked(
        "ok_units",
        "/fred/series/observations?series_id=UNRATE&api_key={key}&file_type=json&observation_start=2021-01-01&observation_end=2021-12-01&units=pc1",
        "change from a year ago",
    ),
    Form::asked(
        "ok_xml_meta",
        "/fred/series?series_id=PAYEMS&api_key={key}",
        "XML, because no file type was asked for",
    ),
    Form::asked(
        "auth_missing_json",
        "/fred/series/observations?series_id=DGS10&file_type=json",
        "400: no key",
    ),
    Form::asked(
        "auth_malformed",
        "/fred/series/observations?series_id=GDP&api_key=TOOSHORT&file_type=json",
        "400: not a key",
    ),
    Form::asked(
        "auth_not_registered",
        "/fred/series/observations?series_id=GDP&api_key=unregistered00000000000000000000&file_type=json",
        "400: an unknown key",
    ),
    Form::made(
        "auth_not_registered_doc",
        unregistered_as_xml,
        "400: the same JSON under an XML type, as the documentation shows it",
    ),
    Form::asked(
        "nf_series_json",
        "/fred/series/observations?series_id=NOSUCH&api_key={key}&file_type=json",
        "400: an unknown series",
    ),
    Form::asked(
        "nf_series_xml",
        "/fred/series/observations?series_id=NOSUCH&api_key={key}",
        "the same as XML",
    ),
    Form::asked(
        "nf_series_404",
        "/fred/series/observations?series_id=USD3MTD156N&api_key={key}&file_type=json",
        "404: withdrawn with its licence",
    ),
    Form::asked(
        "nf_alfred",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&realtime_start=1950-01-01&realtime_end=1950-01-01",
        "400: no vintage of that time",
    ),
    Form::asked(
        "bad_vintages",
        "/fred/series/observations?series_id=T5YIFR&api_key={key}&file_type=json&realtime_start=1776-07-04&realtime_end=9999-12-31",
        "400: too many vintages",
    ),
    Form::asked(
        "bad_date_json",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&observation_start=2024-13-45",
        "400: not a date",
    ),
    Form::asked(
        "bad_limit",
        "/fred/series/observations?series_id=DGS10&api_key={key}&file_type=json&limit=0",
        "400: a limit out of range",
    ),
    Form::asked(
        "bad_series_missing",
        "/fred/series/observations?api_key={key}&file_type=json",
        "400: no series",
    ),
    Form::asked(
        "bad_v2_xml",
        "/fred/v2/release/observations?release_id=abc&format=xml",
        "400: the second version's XML",
    ),
    Form::asked(
        "bad_v2_json",
        "/fred/v2/release/observations?release_id=abc",
        "400: the second version's JSON",
    ),
    Form::made("rl_429_json", |_| error_json(429, THROTTLED), "429"),
    Form::made("rl_429_xml", |_| error_xml(429, THROTTLED), "429 as XML"),
    Form::made("rl_423", |_| error_json(423, "Locked"), "423"),
    Form::made(
        "se_500_json",
        |_| error_json(500, "Internal Server Error"),
        "500",
    ),
    Form::made(
        "se_500_text",
        |_| Answer::text(500, "Internal Server Error"),
        "500 as text",
    ),
    Form::made("se_500_empty", |_| Answer::empty(500), "500 without body"),
    Form::made(
        "se_csv_html",
        |_| page_not_found(),
        "404 page where CSV was asked for",
    ),
    Form::made(
        "maint_html_200",
        |_| Answer::html(200, "<html>down for maintenance</html>").typed("text/html"),
        "a maintenance page with 200",
    ),
    Form::made(
        "malformed_html_200",
        |_| Answer::html(200, "<html>this is no JSON</html>").typed("text/html"),
        "a page with 200 where JSON was asked for",
    ),
    Form::made(
        "malformed_truncated",
        truncated,
        "JSON cut in the middle, with the right length for the cut",
    ),
    Form::asked(
        "empty_obs",
        "/fred/series/observations?series_id=CPIAUCSL&api_key={key}&file_type=json&observation_start=2130-01-01",
        "no observations",
    ),
    Form::made("empty_all_dots", all_dots, "observations without a value"),
    Form::asked(
        "stale_discontinued",
        "/fred/series/observations?series_id=EUR3MTD156N&api_key={key}&file_type=json",
        "a series that ended",
    ),
    Form::made(
        "stale_daily",
        stale_daily,
        "a daily series that stopped a month ago",
    ),
    Form::made("to", no_answer, "no answer at all"),
    Form::made(
        "conn_tls_expired",
        no_connection,
        "no connection; stands for a certificate that has expired",
    ),
];

const QUARTERS: [Date; 4] = [
    Date::constant(2025, 1, 1),
    Date::constant(2025, 4, 1),
    Date::constant(2025, 7, 1),
    Date::constant(2025, 10, 1),
];

fn unregistered_as_xml(_ask: &Ask<'_>) -> Answer {
    error_json(
        400,
        "Bad Request.  The value for variable api_key is not registered.",
    )
    .typed("text/xml;charset=utf-8")
}

fn all_dots(ask: &Ask<'_>) -> Answer {
    observations::with_rows(ask, &QUARTERS.map(|date| (date, ".")))
}

fn stale_daily(ask: &Ask<'_>) -> Answer {
    let target = "/fred/series/observations?file_type=json&sort_order=desc&limit=1";
    let request = ask.request.retargeted(target);
    let past = ask
        .now
        .checked_sub(jiff::SignedDuration::from_hours(30 * 24))
        .unwrap_or(ask.now);
    match Series::find("DGS10") {
        Some(series) => settle(observations::observations(
            &Ask {
                request: &request,
                now: past,
                ..*ask
            },
            series,
        )),
        None => Answer::empty(500),
    }
}

fn truncated(ask: &Ask<'_>) -> Answer {
    let mut answer = stale_daily(ask);
    let half = answer.body.len() / 2;
    answer.body.truncate(half);
    answer
}
