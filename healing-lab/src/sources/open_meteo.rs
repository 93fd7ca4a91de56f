//! Open-Meteo: the weather of a place, now, by the hour and by the day.

use jiff::{SignedDuration, Timestamp};
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
/// The free limit of an address.
const PER_MINUTE: Rate = Rate {
    calls: 600,
    per: SignedDuration::from_mins(1),
};
/// Seconds between two states of the weather.
const INTERVAL: i64 = 900;
/// Variables, their units, levels and swings.
const VARIABLES: [(&str, &str, f64, f64); 6] = [
    ("precipitation", "mm", 0.2, 0.6),
    ("relative_humidity_2m", "%", 62.0, 0.2),
    ("surface_pressure", "hPa", 1_012.0, 0.01),
    ("temperature_2m", "°C", 12.0, 0.4),
    ("temperature_2m_max", "°C", 15.6, 0.4),
    ("wind_speed_10m", "km/h", 11.0, 0.5),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_current",
        "/v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m",
        "the weather now",
    ),
    Form::asked(
        "ok_hourly",
        "/v1/forecast?latitude=52.52&longitude=13.41&hourly=temperature_2m&forecast_days=1",
        "by the hour",
    ),
    Form::asked(
        "bad_variable",
        "/v1/forecast?latitude=52.52&longitude=13.41&hourly=nosuch",
        "400: an unknown variable",
    ),
    Form::asked(
        "bad_latitude",
        "/v1/forecast?latitude=99&longitude=13.41",
        "400: no such place",
    ),
    Form::made(
        "quota_daily",
        |_| {
            error(
                429,
                "Daily API request limit exceeded. Please try again tomorrow.",
            )
        },
        "429: until tomorrow",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["v1", "forecast"] => forecast(ask),
        _ => Err(error(404, "Not Found")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(
            429,
            "Minutely API request limit exceeded. Please try again in one minute.",
        ),
        Refusal::Failed(status) => error(status, reason(status)),
    }
}

fn error(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"error": true, "reason": text})).typed(JSON)
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(error(403, "Access from your address is not allowed."));
    }
    if gate.admits(&peer, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

/// A place in degrees.
struct Place {
    latitude: f64,
    longitude: f64,
}

fn degrees(ask: &Ask<'_>, name: &str, most: f64) -> Result<f64, Answer> {
    let text = ask.param(name).ok_or_else(|| {
        error(
            400,
            &format!(
                "Parameter '{name}' and its counterpart must have the same number of elements"
            ),
        )
    })?;
    let value = text.parse().ok().filter(|value: &f64| value.abs() <= most);
    value.ok_or_else(|| {
        error(
            400,
            &format!("{name} must be in range of -{most} to {most}°. Given: {text}."),
        )
    })
}

fn forecast(ask: &Ask<'_>) -> Outcome {
    let place = Place {
        latitude: degrees(ask, "latitude", 90.0)?,
        longitude: degrees(ask, "longitude", 180.0)?,
    };
    let days: i64 = ask
        .param("forecast_days")
        .and_then(|text| text.parse().ok())
        .unwrap_or(7)
        .clamp(1, 16);
    let mut body = Map::new();
    body.insert("latitude".to_owned(), json!(place.latitude));
    body.insert("longitude".to_owned(), json!(place.longitude));
    for (name, value) in [
        ("generationtime_ms", json!(0.02)),
        ("utc_offset_seconds", json!(0)),
        ("timezone", json!("GMT")),
        ("timezone_abbreviation", json!("GMT")),
        ("elevation", json!(38.0)),
    ] {
        body.insert(name.to_owned(), value);
    }
    current(ask, &place, &mut body)?;
    let midnight = ask.now.as_second().div_euclid(86_400) * 86_400;
    let hours: Vec<i64> = (0..days * 24).map(|hour| midnight + hour * 3_600).collect();
    columns(ask, ("hourly", "%Y-%m-%dT%H:%M"), &place, &hours).map(|part| body.extend(part))?;
    let dates: Vec<i64> = (0..days)
        .map(|day| midnight + day * 86_400 + 43_200)
        .collect();
    columns(ask, ("daily", "%Y-%m-%d"), &place, &dates).map(|part| body.extend(part))?;
    Ok(Answer::json(200, &body).typed(JSON))
}

fn variable(name: &str) -> Result<(&'static str, readings::Level), Answer> {
    let found = VARIABLES.iter().find(|(known, ..)| *known == name);
    let text = format!(
        "Cannot initialize SurfacePressureAndHeightVariable<VariableAndPreviousDay, ForecastPressureVariable, ForecastHeightVariable> from invalid String value {name}."
    );
    found
        .map(|(_, unit, level, swing)| (*unit, (*level, *swing)))
        .ok_or_else(|| error(400, &text))
}

fn value(ask: &Ask<'_>, (place, name): (&Place, &str), level: readings::Level, second: i64) -> f64 {
    // A day's highest temperature is on the walk of the temperature, at a higher level.
    let name = name.trim_end_matches("_max");
    let key = format!("{name} {} {}", place.latitude, place.longitude);
    round(readings::at(ask, &key, level, second * 1_000), 1)
}

fn time(second: i64, format: &str) -> String {
    Timestamp::from_second(second)
        .map(|at| at.strftime(format).to_string())
        .unwrap_or_default()
}

fn current(ask: &Ask<'_>, place: &Place, body: &mut Map<String, Value>) -> Result<(), Answer> {
    let Some(names) = ask.param("current") else {
        return Ok(());
    };
    let second = ask.now.as_second().div_euclid(INTERVAL) * INTERVAL;
    let mut now = Map::new();
    let mut units = Map::new();
    now.insert("time".to_owned(), json!(time(second, "%Y-%m-%dT%H:%M")));
    now.insert("interval".to_owned(), json!(INTERVAL));
    for name in names.split(',') {
        let (unit, level) = variable(name)?;
        now.insert(
            name.to_owned(),
            json!(value(ask, (place, name), level, second)),
        );
        units.insert(name.to_owned(), json!(unit));
    }
    body.insert("current_units".to_owned(), Value::Object(units));
    body.insert("current".to_owned(), Value::Object(now));
    Ok(())
}

/// A list of times and one list a variable, all of one length; nothing where none is asked for.
fn columns(
    ask: &Ask<'_>,
    (part, format): (&str, &str),
    place: &Place,
    seconds: &[i64],
) -> Result<Map<String, Value>, Answer> {
    let mut body = Map::new();
    let Some(names) = ask.param(part) else {
        return Ok(body);
    };
    let mut table = Map::new();
    let mut units = Map::new();
    table.insert(
        "time".to_owned(),
        seconds
            .iter()
            .map(|second| json!(time(*second, format)))
            .collect(),
    );
    for name in names.split(',') {
        let (unit, level) = variable(name)?;
        let values = seconds
            .iter()
            .map(|second| json!(value(ask, (place, name), level, *second)));
        table.insert(name.to_owned(), values.collect());
        units.insert(name.to_owned(), json!(unit));
    }
    body.insert(format!("{part}_units"), Value::Object(units));
    body.insert(part.to_owned(), Value::Object(table));
    Ok(body)
}
