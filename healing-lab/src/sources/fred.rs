//! FRED: series, observations and the keyless CSV.

pub(crate) mod forms;
pub(crate) mod observations;
pub(crate) mod series;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::limits::Rate;
use crate::sources::{READS, Source, reason};
use series::{FIRST, Series, WITHDRAWN};

const JSON: &str = "application/json; charset=UTF-8";
const XML: &str = "text/xml; charset=UTF-8";
/// The documented limit of a key.
const PER_MINUTE: Rate = Rate {
    calls: 120,
    per: SignedDuration::from_mins(1),
};
const THROTTLED: &str = "Too Many Requests.  Exceeded Rate Limit";
const KEY_HELP: &str =
    "Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.";

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse,
    methods: READS,
    keys: &[
        "labfredkey0000000000000000000001",
        "labfredkey0000000000000000000002",
        "labfredkey0000000000000000000api",
    ],
    forms: forms::FORMS,
};

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    let answer = match ask.request.segments().as_slice() {
        ["graph", "fredgraph.csv"] => observations::graph_csv(ask),
        ["fred", "v2", "release", "observations"] => settle(v2_release(ask, gate)),
        ["fred", rest @ ..] => settle(admit(ask, gate).and_then(|()| route(ask, rest))),
        _ => page_not_found(),
    };
    answer.with("server", "Apache")
}

fn route(ask: &Ask<'_>, rest: &[&str]) -> Outcome {
    match rest {
        ["series"] => Ok(metadata(ask, find(ask)?)),
        ["series", "observations"] => observations::observations(ask, find(ask)?),
        ["series", "updates"] => Ok(updates(ask)),
        _ => Err(error(
            ask,
            404,
            "Not Found.  The requested page could not be found.",
        )),
    }
}

fn refuse(ask: &Ask<'_>, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(ask, 429, THROTTLED),
        Refusal::Failed(status) => error(ask, status, reason(status)),
    }
}

/// The error in the form that was asked for: XML unless `file_type=json`.
fn error(ask: &Ask<'_>, status: u16, message: &str) -> Answer {
    if ask.param("file_type") == Some("json") {
        error_json(status, message)
    } else {
        error_xml(status, message)
    }
}

fn error_json(status: u16, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"error_code": status, "error_message": message}),
    )
    .typed(JSON)
}

fn error_xml(status: u16, message: &str) -> Answer {
    let message = escape(message);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<error code=\"{status}\" message=\"{message}\" />\n"
    );
    Answer::new(status, "text/xml;charset=utf-8", body)
}

fn sound(ask: &Ask<'_>, answer: Answer) -> Answer {
    answer
        .with("cache-control", "max-age=0, no-cache")
        .with("last-modified", http_date(ask.now))
}

pub(crate) fn http_date(at: Timestamp) -> String {
    httpdate::fmt_http_date(std::time::SystemTime::from(at))
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let bad = |text: &str| error(ask, 400, &format!("Bad Request.  {text}  {KEY_HELP}"));
    let key = ask
        .param("api_key")
        .ok_or_else(|| bad("Variable api_key is not set."))?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if key.len() != 32 || !key.bytes().all(allowed) {
        return Err(bad(
            "The value for variable api_key is not a 32 character alpha-numeric lower-case string.",
        ));
    }
    if key.starts_with("unregistered") || gate.picked.revoked.hold(key) {
        return Err(bad("The value for variable api_key is not registered."));
    }
    if !gate.admits(key, PER_MINUTE, ask.wall) {
        return Err(refuse(ask, Refusal::Throttled));
    }
    Ok(())
}

fn find(ask: &Ask<'_>) -> Result<&'static Series, Answer> {
    let bad = |status, text: &str| error(ask, status, &format!("{}.  {text}", reason(status)));
    let id = ask
        .param("series_id")
        .ok_or_else(|| bad(400, "Variable series_id is not set."))?;
    if WITHDRAWN.contains(&id) {
        return Err(bad(404, "The series does not exist."));
    }
    Series::find(id).ok_or_else(|| bad(400, "The series does not exist."))
}

fn metadata(ask: &Ask<'_>, series: &'static Series) -> Answer {
    let today = ask.market.calendar.central(ask.now);
    let updated = today.strftime("%Y-%m-%d 08:01:02%:::z").to_string();
    let today = today.date();
    let newest = series
        .dates_back(ask.market, ask.now)
        .next()
        .unwrap_or(FIRST);
    let (frequency, short) = series.frequency.names();
    if ask.param("file_type") != Some("json") {
        let (title, units) = (escape(series.title), escape(series.units));
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<seriess realtime_start=\"{today}\" realtime_end=\"{today}\">\n  \
             <series id=\"{}\" title=\"{title}\" observation_start=\"{}\" observation_end=\"{newest}\" \
             frequency=\"{frequency}\" frequency_short=\"{short}\" units=\"{units}\" last_updated=\"{updated}\" />\n</seriess>\n",
            series.id, FIRST,
        );
        return sound(ask, Answer::new(200, XML, body));
    }
    let row = json!({
        "id": series.id, "realtime_start": today.to_string(), "realtime_end": today.to_string(), "title": series.title,
        "observation_start": FIRST.to_string(), "observation_end": newest.to_string(), "frequency": frequency,
        "frequency_short": short, "units": series.units, "units_short": series.units,
        "seasonal_adjustment": "Not Seasonally Adjusted", "seasonal_adjustment_short": "NSA", "last_updated": updated,
        "popularity": 50,
    });
    let body = json!({"realtime_start": today.to_string(), "realtime_end": today.to_string(), "seriess": [row]});
    sound(ask, Answer::json(200, &body).typed(JSON))
}

fn updates(ask: &Ask<'_>) -> Answer {
    let today = ask.market.calendar.central(ask.now).date().to_string();
    let body = json!({
        "realtime_start": today, "realtime_end": today, "filter_variable": "geography", "filter_value": "all",
        "order_by": "last_updated", "sort_order": "desc", "count": 0, "offset": 0, "limit": 100, "seriess": [],
    });
    sound(ask, Answer::json(200, &body).typed(JSON))
}

/// The second version has its own envelope: `code` and `message`.
fn v2_release(ask: &Ask<'_>, gate: &Gate<'_>) -> Outcome {
    let refuse = |status: u16, message: &str| {
        if ask.param("format") == Some("xml") {
            let body =
                format!("<error>\n<code>{status}</code>\n<message>{message}</message>\n</error>");
            return Answer::new(status, "application/xml; charset=utf-8", body);
        }
        Answer::json(status, &json!({"code": status, "message": message})).typed(JSON)
    };
    if gate
        .picked
        .revoked
        .hold(ask.param("api_key").unwrap_or_default())
    {
        return Err(refuse(400, "api_key is not registered"));
    }
    let id: Option<u32> = ask
        .param("release_id")
        .and_then(|id| id.parse().ok())
        .filter(|id| *id > 0);
    let id = id.ok_or_else(|| refuse(400, "release_id is not a positive integer"))?;
    let series: Vec<_> = ["DGS10", "DGS2"]
        .iter()
        .filter_map(|id| Series::find(id))
        .map(|series| json!({"series_id": series.id, "observations": observations::rows_v2(ask, series)}))
        .collect();
    let body = json!({"release": {"release_id": id, "name": "H.15 Selected Interest Rates"}, "has_more": false, "series": series});
    Ok(sound(ask, Answer::json(200, &body).typed(JSON)))
}

fn page_not_found() -> Answer {
    let page = "<!DOCTYPE html><html lang=\"en\"><head><title>FRED: Error</title></head>\
        <body><h1>We could not find that</h1></body></html>";
    Answer::html(404, page)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}
