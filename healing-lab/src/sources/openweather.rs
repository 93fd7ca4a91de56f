//! OpenWeather: the weather of a town, its status a number or a text in `cod`.

use jiff::SignedDuration;
use serde_json::{Value, json};

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
    keys: &["labweatherkey1", "labweatherkey2"],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// The free plan's limit of a key.
const PER_MINUTE: Rate = Rate {
    calls: 60,
    per: SignedDuration::from_mins(1),
};
const TOWNS: [(&str, &str, f64, f64); 5] = [
    ("Berlin", "DE", 52.52, 13.41),
    ("Chicago", "US", 41.85, -87.65),
    ("London", "GB", 51.51, -0.13),
    ("New York", "US", 40.71, -74.01),
    ("Tokyo", "JP", 35.69, 139.69),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_weather",
        "/data/2.5/weather?q=London&appid={key}",
        "the weather",
    ),
    Form::asked(
        "nf_city",
        "/data/2.5/weather?q=NOSUCH&appid={key}",
        "404: an unknown town",
    ),
    Form::asked(
        "auth_invalid",
        "/data/2.5/weather?q=London&appid=unknown",
        "401: a bad key",
    ),
    Form::asked(
        "bad_nothing",
        "/data/2.5/weather?appid={key}",
        "400: nothing is asked for",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask))).with("server", "openresty")
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["data", "2.5", "weather"] => weather(ask),
        _ => Err(error(404, &json!("404"), "Internal error")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(
            429,
            &json!(429),
            "Your account is temporary blocked due to exceeding of requests limitation of your subscription type. Please choose the proper subscription https://openweathermap.org/price",
        ),
        Refusal::Failed(status) => error(status, &json!(status), reason(status)),
    }
}

fn error(status: u16, code: &Value, text: &str) -> Answer {
    Answer::json(status, &json!({"cod": code, "message": text})).typed(JSON)
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let key = ask.param("appid").unwrap_or_default();
    if !key.starts_with("lab") || gate.picked.revoked.hold(key) {
        let text =
            "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.";
        return Err(error(401, &json!(401), text));
    }
    if gate.admits(key, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

/// Kelvin unless `units=metric`.
fn weather(ask: &Ask<'_>) -> Outcome {
    let asked = ask
        .param("q")
        .ok_or_else(|| error(400, &json!("400"), "Nothing to geocode"))?;
    let name = asked.split(',').next().unwrap_or(asked);
    let town = TOWNS
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let (name, country, latitude, longitude) =
        town.ok_or_else(|| error(404, &json!("404"), "city not found"))?;
    let at = ask.now.as_second().div_euclid(600) * 600;
    let of = |part: &str, level: readings::Level| {
        round(
            readings::at(ask, &format!("{part} {name}"), level, at * 1_000),
            2,
        )
    };
    let celsius = of("temperature", (12.0, 0.4));
    let degrees = if ask.param("units") == Some("metric") {
        celsius
    } else {
        round(celsius + 273.15, 2)
    };
    Ok(Answer::json(
        200,
        &json!({
            "coord": {"lon": longitude, "lat": latitude},
            "weather": [{"id": 803, "main": "Clouds", "description": "broken clouds", "icon": "04d"}], "base": "stations",
            "main": {"temp": degrees, "feels_like": degrees, "pressure": 1012, "humidity": of("humidity", (62.0, 0.2)).round()},
            "visibility": 10_000, "wind": {"speed": of("wind", (3.5, 0.5)), "deg": 240}, "clouds": {"all": 75}, "dt": at,
            "sys": {"country": country}, "timezone": 0, "id": 2_643_743, "name": name, "cod": 200,
        }),
    )
    .typed(JSON))
}
