//! US Bureau of Labor Statistics: monthly series, one by GET, several by POST, every refusal inside a 200.

use serde_json::{Value, json};

use super::fred::series::Series;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Refusal, settle};
use crate::forms::Form;
use crate::sources::Source;

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: &["GET", "HEAD", "POST"],
    keys: &["labblskey1", "labblskey2"],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// Requests a day: of an address without a key, and of a key.
const PER_DAY: (u32, u32) = (25, 500);
const SPENT: &str = "Request could not be serviced, as the daily threshold for total number of requests allocated to the user has been reached.";
/// Series and those of FRED that carry the same numbers.
const SERIES: [(&str, &str); 4] = [
    ("LNS14000000", "UNRATE"),
    ("CES0000000001", "PAYEMS"),
    ("CUUR0000SA0", "CPIAUCSL"),
    ("JTS000000000000000JOL", "JTSJOL"),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_series",
        "/publicAPI/v2/timeseries/data/LNS14000000?registrationkey={key}",
        "a series",
    ),
    Form::asked(
        "nf_series",
        "/publicAPI/v2/timeseries/data/NOPE0000000?registrationkey={key}",
        "an unknown series, with 200",
    ),
    Form::asked(
        "empty_years",
        "/publicAPI/v2/timeseries/data/LNS14000000?registrationkey={key}&startyear=2090&endyear=2091",
        "no data in these years, with 200",
    ),
    Form::asked(
        "auth_key",
        "/publicAPI/v2/timeseries/data/LNS14000000?registrationkey=unknown",
        "a bad key, with 200",
    ),
    Form::made(
        "quota_daily",
        |_| not_processed(SPENT),
        "the day's requests are spent, with 200",
    ),
    Form::made("se_failed", |_| failed(200), "failed, with 200"),
];

/// What is asked: series, the years, and whether the newest month alone.
#[derive(Debug, Default)]
struct Wanted {
    series: Vec<String>,
    from: Option<i16>,
    to: Option<i16>,
    latest: bool,
    key: Option<String>,
}

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    let wanted = match ask.request.segments().as_slice() {
        ["publicAPI", "v1" | "v2", "timeseries", "data", id] if !id.is_empty() => by_query(ask, id),
        ["publicAPI", "v1" | "v2", "timeseries", "data", ..] => by_body(ask),
        _ => {
            return Answer::html(
                404,
                "<html><head><title>404 Not Found</title></head><body></body></html>",
            );
        }
    };
    settle(admit(ask, gate, wanted.key.as_deref()).map(|()| observations(ask, &wanted)))
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => not_processed(SPENT),
        Refusal::Failed(status) => failed(status),
    }
}

fn not_processed(text: &str) -> Answer {
    let body = json!({"status": "REQUEST_NOT_PROCESSED", "responseTime": 0, "message": [text], "Results": {}});
    Answer::json(200, &body).typed(JSON)
}

fn failed(status: u16) -> Answer {
    let body =
        json!({"status": "REQUEST_FAILED", "responseTime": 0, "message": [""], "Results": {}});
    Answer::json(status, &body).typed(JSON)
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>, key: Option<&str>) -> Result<(), Answer> {
    let unknown = key.is_some_and(|key| !key.starts_with("lab"));
    if unknown || gate.picked.revoked.hold(key.unwrap_or_default()) {
        let text = format!(
            "The key:{} provided by the User is invalid.",
            key.unwrap_or_default()
        );
        return Err(not_processed(&text));
    }
    let (without, with) = PER_DAY;
    let limit = if key.is_some() { with } else { without };
    let caller = key.map_or_else(|| ask.peer(), str::to_owned);
    let today = ask.market.calendar.eastern(ask.wall).date();
    if gate.admits_today(&caller, limit, today) {
        Ok(())
    } else {
        Err(not_processed(SPENT))
    }
}

fn by_query(ask: &Ask<'_>, id: &str) -> Wanted {
    let year = |name| ask.param(name).and_then(|text| text.parse().ok());
    Wanted {
        series: vec![id.to_owned()],
        from: year("startyear"),
        to: year("endyear"),
        latest: ask.param("latest") == Some("true"),
        key: ask.param("registrationkey").map(str::to_owned),
    }
}

fn by_body(ask: &Ask<'_>) -> Wanted {
    let body: Value = serde_json::from_slice(&ask.request.body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Years come as numbers and as texts.
    let year = |name: &str| {
        let value = body.get(name)?;
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        number.and_then(|year| i16::try_from(year).ok())
    };
    let series = body.get("seriesid").and_then(Value::as_array);
    Wanted {
        series: series
            .map(|ids| ids.iter().filter_map(text).collect())
            .unwrap_or_default(),
        from: year("startyear"),
        to: year("endyear"),
        latest: body
            .get("latest")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        key: body.get("registrationkey").and_then(text),
    }
}

fn observations(ask: &Ask<'_>, wanted: &Wanted) -> Answer {
    let mut messages = Vec::new();
    let rows = wanted.series.iter().map(|id| {
        let known = SERIES.iter().find(|(own, _)| own == id);
        let series = known.and_then(|(_, same)| Series::find(same));
        let months = series
            .map(|series| months(ask, series, wanted))
            .unwrap_or_default();
        if series.is_none() {
            messages.push(format!("Series does not exist for Series {id}"));
        } else if months.is_empty() {
            messages.push(format!(
                "No Data Available for Series {id} Year: {}",
                wanted.from.unwrap_or_default()
            ));
        }
        json!({"seriesID": id, "data": months})
    });
    let rows: Vec<Value> = rows.collect();
    let body = json!({
        "status": "REQUEST_SUCCEEDED", "responseTime": 95, "message": messages, "Results": {"series": rows},
    });
    Answer::json(200, &body).typed(JSON)
}

/// Newest first; three years without a range, as without a key.
fn months(ask: &Ask<'_>, series: &'static Series, wanted: &Wanted) -> Vec<Value> {
    let newest = series.dates_back(ask.market, ask.now).next();
    let last = wanted.to.unwrap_or(i16::MAX);
    let first = wanted
        .from
        .or_else(|| newest.map(|date| date.year() - 2))
        .unwrap_or_default();
    let dates = series.dates_back(ask.market, ask.now);
    dates
        .filter(|date| (first..=last).contains(&date.year()))
        .take(if wanted.latest { 1 } else { 240 })
        .map(|date| {
            let mut row = json!({
                "year": date.year().to_string(), "period": format!("M{:02}", date.month()),
                "periodName": date.strftime("%B").to_string(), "value": series.value(ask.market, date), "footnotes": [{}],
            });
            if let Some(fields) = row.as_object_mut().filter(|_| newest == Some(date)) {
                fields.insert("latest".to_owned(), json!("true"));
            }
            row
        })
        .collect()
}
