//! World Bank: yearly indicators of countries, a pair of page and rows.

use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::{Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::forms::Form;
use crate::limits::Rate;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

/// Nothing is published.
const PER_MINUTE: Rate = Rate {
    calls: 1_000,
    per: SignedDuration::from_mins(1),
};
/// Two letters, three letters, name, output in dollars, people.
const COUNTRIES: [(&str, &str, &str, f64, f64); 6] = [
    ("BR", "BRA", "Brazil", 2.2e12, 2.1e8),
    ("CN", "CHN", "China", 1.8e13, 1.4e9),
    ("DE", "DEU", "Germany", 4.5e12, 8.3e7),
    ("IN", "IND", "India", 3.6e12, 1.4e9),
    ("JP", "JPN", "Japan", 4.2e12, 1.2e8),
    ("US", "USA", "United States", 2.7e13, 3.4e8),
];
/// Indicators, their names, and what a country's value is about.
const INDICATORS: [(&str, &str, Level); 5] = [
    (
        "FP.CPI.TOTL.ZG",
        "Inflation, consumer prices (annual %)",
        Level::Share(3.2),
    ),
    (
        "GC.DOD.TOTL.GD.ZS",
        "Central government debt, total (% of GDP)",
        Level::Share(90.0),
    ),
    ("NY.GDP.MKTP.CD", "GDP (current US$)", Level::Output),
    (
        "SL.UEM.TOTL.ZS",
        "Unemployment, total (% of total labor force)",
        Level::Share(5.1),
    ),
    ("SP.POP.TOTL", "Population, total", Level::People),
];

/// Where the level of a value comes from.
#[derive(Clone, Copy, Debug)]
enum Level {
    /// A share, about the same everywhere.
    Share(f64),
    Output,
    People,
}

const FIRST_YEAR: i16 = 1960;

const FORMS: &[Form] = &[
    Form::asked(
        "ok_indicator",
        "/v2/country/JP/indicator/GC.DOD.TOTL.GD.ZS?format=json&mrv=1",
        "an indicator",
    ),
    Form::asked(
        "ok_xml",
        "/v2/country/JP/indicator/GC.DOD.TOTL.GD.ZS?mrv=1",
        "XML, because JSON was not asked for",
    ),
    Form::asked(
        "nf_indicator",
        "/v2/country/all/indicator/NO.SUCH?format=json",
        "a message in a list, with 200",
    ),
    Form::asked(
        "nf_country",
        "/v2/country/XX/indicator/SP.POP.TOTL?format=json",
        "an unknown country, with 200",
    ),
    Form::made("se_page", |_| refuse(Refusal::Failed(502)), "502: a page"),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["v2", "country", countries, "indicator", indicator] => rows(ask, countries, indicator),
        _ => Err(refuse(Refusal::Failed(404))),
    }
}

/// The refusals of its front end are pages.
fn refuse(refusal: Refusal) -> Answer {
    let status = match refusal {
        Refusal::Throttled => 429,
        Refusal::Failed(status) => status,
    };
    let reason = reason(status);
    let page = format!(
        "<!DOCTYPE html><html><head><title>{reason}</title></head><body><h2>{reason}</h2></body></html>"
    );
    Answer::html(status, page).typed("text/html")
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(refuse(Refusal::Failed(403)));
    }
    if gate.admits(&peer, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

fn invalid() -> Answer {
    let message = json!({"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"});
    Answer::json(200, &json!([{"message": [message]}])).typed("application/json; charset=utf-8")
}

/// The newest year first; the last one that is over has its numbers.
fn rows(ask: &Ask<'_>, countries: &str, indicator: &str) -> Outcome {
    let known = INDICATORS.iter().find(|(id, ..)| *id == indicator);
    let (_, name, level) = known.ok_or_else(invalid)?;
    let asked = |two: &str, three: &str| {
        let hit = |code: &str| code.eq_ignore_ascii_case(two) || code.eq_ignore_ascii_case(three);
        countries == "all" || countries.split(';').any(hit)
    };
    let countries: Vec<_> = COUNTRIES
        .iter()
        .filter(|(two, three, ..)| asked(two, three))
        .collect();
    if countries.is_empty() {
        return Err(invalid());
    }
    let today = readings::today(ask);
    let (from, to) = years(ask, today.year() - 1);
    let mut all = Vec::new();
    for (two, three, country, output, people) in countries {
        let (level, swing) = match *level {
            Level::Share(share) => (share, 0.05),
            Level::Output => (*output, 0.05),
            Level::People => (*people, 0.002),
        };
        for year in (from..=to).rev() {
            let value = readings::on(
                ask,
                &format!("{two}{indicator}"),
                (level, swing),
                date(year, 7, 1),
            );
            all.push(json!({
                "indicator": {"id": indicator, "value": name}, "country": {"id": two, "value": country}, "countryiso3code": three,
                "date": year.to_string(), "value": if level > 1e6 { readings::whole(value) } else { json!(value) }, "unit": "", "obs_status": "",
                "decimal": 1,
            }));
        }
    }
    Ok(page(ask, all))
}

/// `date=2010:2020`, `date=2015`, or the most recent `mrv` years.
fn years(ask: &Ask<'_>, newest: i16) -> (i16, i16) {
    let year = |text: &str| text.parse().unwrap_or(newest).clamp(FIRST_YEAR, newest);
    if let Some(range) = ask.param("date") {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        return (year(from), year(to));
    }
    match ask.param("mrv").and_then(|text| text.parse::<i16>().ok()) {
        Some(count) => (
            newest.saturating_sub(count.max(1) - 1).max(FIRST_YEAR),
            newest,
        ),
        None => (FIRST_YEAR, newest),
    }
}

fn page(ask: &Ask<'_>, rows: Vec<Value>) -> Answer {
    let number = |name: &str, default: usize| {
        ask.param(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
            .clamp(1, 32_500)
    };
    let (size, page) = (number("per_page", 50), number("page", 1));
    let total = rows.len();
    let updated = readings::today(ask).first_of_month().to_string();
    let shown: Vec<Value> = rows
        .into_iter()
        .skip(size * (page - 1))
        .take(size)
        .collect();
    if ask.param("format") != Some("json") {
        return xml(&shown, total);
    }
    let head = json!({
        "page": page, "pages": total.div_ceil(size), "per_page": size, "total": total, "sourceid": "2", "lastupdated": updated,
    });
    Answer::json(200, &json!([head, shown])).typed("application/json; charset=utf-8")
}

fn xml(rows: &[Value], total: usize) -> Answer {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<wb:data total=\"{total}\" xmlns:wb=\"http://www.worldbank.org\">\n"
    );
    for row in rows {
        let of = |pointer: &str| {
            row.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let value = row.get("value").unwrap_or(&Value::Null);
        text.push_str(&format!(
            "  <wb:data><wb:country id=\"{}\">{}</wb:country><wb:date>{}</wb:date><wb:value>{value}</wb:value></wb:data>\n",
            of("/country/id"), of("/country/value"), of("/date"),
        ));
    }
    text.push_str("</wb:data>\n");
    Answer::new(200, "text/xml; charset=utf-8", text)
}
