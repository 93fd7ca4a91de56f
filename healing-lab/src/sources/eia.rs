//! US Energy Information Administration, the second version of its API.

use jiff::SignedDuration;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::calendar::is_trading_day;
use crate::forms::Form;
use crate::limits::Rate;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &["labeiakey1", "labeiakey2"],
    forms: FORMS,
};

/// The documented limit of a key.
const PER_HOUR: Rate = Rate {
    calls: 9_000,
    per: SignedDuration::from_hours(1),
};
const RETIRED: &str = "EIA retired APIv1 on March 13th, 2023. Please use an APIv2 call starting with /v2, or a backward compatibility call with api.eia.gov/seriesid/V1_SERIES_ID. Full documentation is available at https://www.eia.gov/opendata";

/// A series of daily prices: id, what it is, unit, level.
const SPOTS: [(&str, &str, &str, f64); 3] = [
    (
        "RWTC",
        "Cushing, OK WTI Spot Price FOB (Dollars per Barrel)",
        "$/BBL",
        76.0,
    ),
    (
        "RBRTE",
        "Europe Brent Spot Price FOB (Dollars per Barrel)",
        "$/BBL",
        80.0,
    ),
    (
        "EER_EPMRU_PF4_Y35NY_DPG",
        "New York Harbor Conventional Gasoline Regular Spot Price FOB",
        "$/GAL",
        2.3,
    ),
];
const GAS: [(&str, &str, &str, f64); 1] = [(
    "RNGWHHD",
    "Henry Hub Natural Gas Spot Price (Dollars per Million Btu)",
    "$/MMBTU",
    2.8,
)];
const STATES: [(&str, &str, f64); 3] = [
    ("CA", "California", 29.0),
    ("TX", "Texas", 14.5),
    ("US", "U.S. Total", 16.8),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_spot",
        "/v2/petroleum/pri/spt/data/?api_key={key}&frequency=daily&data[0]=value&facets[series][]=RWTC&length=3",
        "spot prices",
    ),
    Form::asked(
        "empty_series",
        "/v2/petroleum/pri/spt/data/?api_key={key}&frequency=daily&data[0]=value&facets[series][]=NOSUCH",
        "no rows of an unknown facet",
    ),
    Form::asked(
        "auth_missing",
        "/v2/petroleum/pri/spt/data/?frequency=daily",
        "403: no key",
    ),
    Form::asked(
        "auth_invalid",
        "/v2/petroleum/pri/spt/data/?api_key=unknown",
        "403: a bad key",
    ),
    Form::asked(
        "nf_v1",
        "/series/?series_id=PET.RWTC.D&api_key={key}",
        "404: the first version was retired",
    ),
    Form::asked(
        "nf_route",
        "/v2/nothing/data/?api_key={key}",
        "404: an unknown route",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.path.trim_end_matches('/') {
        "/v2/petroleum/pri/spt/data" => Ok(prices(ask, "NYMEX and spot prices", &SPOTS)),
        "/v2/natural-gas/pri/fut/data" => {
            Ok(prices(ask, "Natural gas spot and futures prices", &GAS))
        }
        "/v2/electricity/retail-sales/data" => Ok(electricity(ask)),
        path if path.starts_with("/v2/") => Err(error(404, &json!("Not found."))),
        _ => Err(error(404, &json!(RETIRED))),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => gateway(
            429,
            "OVER_RATE_LIMIT",
            "You have exceeded your rate limit. Try again later or contact us at https://api.eia.gov/contact/ for assistance",
        ),
        Refusal::Failed(status) => error(status, &json!(reason(status))),
    }
}

/// The API's own error.
fn error(status: u16, text: &Value) -> Answer {
    Answer::json(status, &json!({"error": text, "code": status}))
}

/// The error of the gateway before the API.
fn gateway(status: u16, code: &str, text: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": text}}))
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let missing = || {
        gateway(
            403,
            "API_KEY_MISSING",
            "No api_key was supplied. Please register for one at https://www.eia.gov/opendata/register.php",
        )
    };
    let key = ask.param("api_key").ok_or_else(missing)?;
    if !key.starts_with("lab") || gate.picked.revoked.hold(key) {
        let text =
            "An invalid api_key was supplied. Get one at https://www.eia.gov/opendata/register.php";
        return Err(gateway(403, "API_KEY_INVALID", text));
    }
    if gate.admits(key, PER_HOUR, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

/// Whether a row of this facet is asked for; every one is where nothing is said.
fn wants(ask: &Ask<'_>, facet: &str, value: &str) -> bool {
    let name = format!("facets[{facet}][]");
    let mut asked = ask
        .request
        .query
        .iter()
        .filter(|(key, _)| *key == name)
        .peekable();
    asked.peek().is_none() || asked.any(|(_, wanted)| wanted == value)
}

fn within(ask: &Ask<'_>, period: &str) -> bool {
    ask.param("start").is_none_or(|start| period >= start)
        && ask.param("end").is_none_or(|end| period <= end)
}

/// Of business days up to two days ago.
fn prices(ask: &Ask<'_>, about: &str, table: &[(&str, &str, &str, f64)]) -> Answer {
    let days: Vec<Date> = readings::days_back(ask, 1)
        .skip(2)
        .filter(|date| is_trading_day(*date))
        .take(1_000)
        .collect();
    let rows = days.into_iter().flat_map(|date| {
        let wanted = table.iter().filter(|(id, ..)| wants(ask, "series", id));
        wanted.map(move |(id, name, unit, level)| {
            let value = readings::on(ask, id, (*level, 0.2), date);
            json!({
                "period": date.to_string(), "series": id, "series-description": name, "value": format!("{value:.2}"), "units": unit,
            })
        })
    });
    envelope(ask, ("daily", "YYYY-MM-DD", about), rows.collect())
}

/// Of months up to the one before the last.
fn electricity(ask: &Ask<'_>) -> Answer {
    let newest = readings::today(ask)
        .first_of_month()
        .checked_sub(jiff::Span::new().months(2))
        .unwrap_or(Date::MIN);
    let months = std::iter::successors(Some(newest), |date| {
        date.checked_sub(jiff::Span::new().months(1)).ok()
    });
    let rows = months.take(120).flat_map(|date| {
        let wanted = STATES.iter().filter(|(id, ..)| wants(ask, "stateid", id) && wants(ask, "sectorid", "RES"));
        wanted.map(move |(id, name, level)| {
            let price = readings::on(ask, id, (*level, 0.05), date);
            json!({
                "period": date.strftime("%Y-%m").to_string(), "stateid": id, "stateDescription": name, "sectorid": "RES",
                "sectorName": "residential", "price": format!("{price:.2}"), "price-units": "cents per kilowatt-hour",
            })
        })
    });
    envelope(
        ask,
        (
            "monthly",
            "YYYY-MM",
            "Electricity sales to ultimate customers",
        ),
        rows.collect(),
    )
}

/// Newest first unless `sort[0][direction]=asc`.
fn envelope(
    ask: &Ask<'_>,
    (frequency, format, about): (&str, &str, &str),
    mut rows: Vec<Value>,
) -> Answer {
    rows.retain(|row| {
        within(
            ask,
            row.get("period")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )
    });
    if ask.param("sort[0][direction]") == Some("asc") {
        rows.reverse();
    }
    let number = |name: &str, default: usize| {
        ask.param(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let total = rows.len();
    let shown: Vec<Value> = rows
        .into_iter()
        .skip(number("offset", 0))
        .take(number("length", 5_000).min(5_000))
        .collect();
    Answer::json(
        200,
        &json!({
            "response": {"total": total.to_string(), "dateFormat": format, "frequency": frequency, "data": shown, "description": about},
            "request": {"command": ask.request.path, "params": {"frequency": frequency}}, "apiVersion": "2.1.8",
        }),
    )
}
