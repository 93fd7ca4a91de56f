//! Observations as JSON, XML and CSV.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::series::Series;
use super::{JSON, XML, error, page_not_found, sound};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};

/// The most that FRED gives in one answer.
const MOST: usize = 100_000;
const EARLIEST: Date = Date::constant(1600, 1, 1);
const LATEST: Date = Date::constant(9999, 12, 31);
/// Earlier real-time periods than this do not exist for the lab's series.
const ALFRED_START: Date = Date::constant(1990, 1, 1);

/// What is asked of a series.
struct Wanted {
    start: Date,
    end: Date,
    descending: bool,
    limit: usize,
    offset: usize,
    units: String,
}

pub(super) fn observations(ask: &Ask<'_>, series: &'static Series) -> Outcome {
    let wanted = wanted(ask)?;
    let dates = series.dates(ask.market, ask.now, (wanted.start, wanted.end));
    let count = dates.len();
    let page: Vec<Date> = if wanted.descending {
        dates.rev().skip(wanted.offset).take(wanted.limit).collect()
    } else {
        dates.skip(wanted.offset).take(wanted.limit).collect()
    };
    let page = page.into_iter();
    let rows: Vec<(Date, String)> = page
        .map(|date| (date, value(ask, (series, date), &wanted.units)))
        .collect();
    Ok(sound(ask, render(ask, (&wanted, count), &rows)))
}

/// The same answer with these observations instead.
pub(super) fn with_rows(ask: &Ask<'_>, rows: &[(Date, &str)]) -> Answer {
    let wanted = Wanted {
        start: EARLIEST,
        end: LATEST,
        descending: false,
        limit: MOST,
        offset: 0,
        units: "lin".to_owned(),
    };
    let rows: Vec<(Date, String)> = rows
        .iter()
        .map(|(date, value)| (*date, (*value).to_owned()))
        .collect();
    sound(ask, render_json(ask, (&wanted, rows.len()), &rows))
}

pub(super) fn rows_v2(ask: &Ask<'_>, series: &'static Series) -> Vec<Value> {
    let dates = series.dates_back(ask.market, ask.now).take(5);
    dates
        .map(|date| json!({"date": date.to_string(), "value": series.value(ask.market, date)}))
        .collect()
}

fn wanted(ask: &Ask<'_>) -> Result<Wanted, Answer> {
    vintages(ask)?;
    choice(ask, "file_type", &["json", "xml", "txt", "xls", "csv"])?;
    let units = [
        "lin", "chg", "ch1", "pch", "pc1", "pca", "cch", "cca", "log",
    ];
    let offset = if ask.param("offset").is_some() {
        number(ask, "offset", 0..=usize::MAX)?
    } else {
        0
    };
    Ok(Wanted {
        start: date(ask, "observation_start", EARLIEST)?,
        end: date(ask, "observation_end", LATEST)?,
        descending: choice(ask, "sort_order", &["asc", "desc"])? == "desc",
        limit: number(ask, "limit", 1..=MOST)?,
        offset,
        units: choice(ask, "units", &units)?,
    })
}

fn bad(ask: &Ask<'_>, text: &str) -> Answer {
    error(ask, 400, &format!("Bad Request.  {text}"))
}

fn vintages(ask: &Ask<'_>) -> Result<(), Answer> {
    let from = date(ask, "realtime_start", LATEST)?;
    let to = date(ask, "realtime_end", LATEST)?;
    if to < ALFRED_START {
        return Err(bad(
            ask,
            "The series does not exist in ALFRED but may exist in FRED.",
        ));
    }
    if from < ALFRED_START {
        let text = format!(
            "There are 2104 vintage dates in the specified real-time period: {from} to {to}.  \
             This exceeds the maximum number of vintage dates allowed (2000)."
        );
        return Err(bad(ask, &text));
    }
    Ok(())
}

fn date(ask: &Ask<'_>, name: &str, default: Date) -> Result<Date, Answer> {
    let wrong = || {
        bad(
            ask,
            &format!("Variable {name} is not a valid date in the format YYYY-MM-DD."),
        )
    };
    ask.param(name)
        .map_or(Ok(default), |text| text.parse().map_err(|_| wrong()))
}

/// A number in `range`, whose end is the default.
fn number(ask: &Ask<'_>, name: &str, range: RangeInclusive<usize>) -> Result<usize, Answer> {
    let wrong = || {
        bad(
            ask,
            &format!(
                "Variable {name} is not between {} and {}.",
                range.start(),
                range.end()
            ),
        )
    };
    match ask.param(name) {
        None => Ok(*range.end()),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(wrong),
    }
}

/// One of `choices`, or an empty text for none.
fn choice(ask: &Ask<'_>, name: &str, choices: &[&str]) -> Result<String, Answer> {
    let chosen = ask.param(name).unwrap_or_default();
    if chosen.is_empty() || choices.contains(&chosen) {
        return Ok(chosen.to_owned());
    }
    let choices = choices.join("', '");
    Err(bad(
        ask,
        &format!("Variable {name} is not one of the values: '{choices}'"),
    ))
}

/// The value in the asked units; the lab computes levels, logarithms and changes from a year ago.
fn value(ask: &Ask<'_>, (series, date): (&'static Series, Date), units: &str) -> String {
    let level = series.value(ask.market, date);
    let Ok(number) = level.parse::<f64>() else {
        return level;
    };
    let year_ago = || {
        let before = date.checked_sub(jiff::Span::new().years(1)).ok()?;
        series.value(ask.market, before).parse::<f64>().ok()
    };
    match units {
        "log" => format!("{:.5}", number.ln()),
        "ch1" => year_ago().map_or_else(
            || ".".to_owned(),
            |before| format!("{:.5}", number - before),
        ),
        "pc1" => year_ago().map_or_else(
            || ".".to_owned(),
            |before| format!("{:.5}", (number / before - 1.0) * 100.0),
        ),
        _ => level,
    }
}

fn render(ask: &Ask<'_>, wanted: (&Wanted, usize), rows: &[(Date, String)]) -> Answer {
    match ask.param("file_type") {
        Some("json") => render_json(ask, wanted, rows),
        Some("csv" | "txt") => Answer::new(200, "text/csv", csv(&["value"], alone(rows))),
        _ => render_xml(ask, wanted, rows),
    }
}

fn render_json(
    ask: &Ask<'_>,
    (wanted, count): (&Wanted, usize),
    rows: &[(Date, String)],
) -> Answer {
    let today = ask.market.calendar.central(ask.now).date().to_string();
    let rows: Vec<Value> = rows
        .iter()
        .map(|(date, value)| json!({"realtime_start": today, "realtime_end": today, "date": date.to_string(), "value": value}))
        .collect();
    let units = if wanted.units.is_empty() {
        "lin"
    } else {
        &wanted.units
    };
    let body = json!({
        "realtime_start": today, "realtime_end": today, "observation_start": wanted.start.to_string(),
        "observation_end": wanted.end.to_string(), "units": units, "output_type": 1, "file_type": "json",
        "order_by": "observation_date", "sort_order": if wanted.descending { "desc" } else { "asc" },
        "count": count, "offset": wanted.offset, "limit": wanted.limit, "observations": rows,
    });
    Answer::json(200, &body).typed(JSON)
}

fn render_xml(ask: &Ask<'_>, (wanted, count): (&Wanted, usize), rows: &[(Date, String)]) -> Answer {
    let today = ask.market.calendar.central(ask.now).date();
    let mut body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<observations realtime_start=\"{today}\" realtime_end=\"{today}\" \
         observation_start=\"{}\" observation_end=\"{}\" units=\"lin\" output_type=\"1\" file_type=\"xml\" count=\"{count}\">\n",
        wanted.start, wanted.end,
    );
    for (date, value) in rows {
        // Writing to a string cannot fail.
        let _written = writeln!(
            body,
            "  <observation realtime_start=\"{today}\" realtime_end=\"{today}\" date=\"{date}\" value=\"{value}\"/>"
        );
    }
    body.push_str("</observations>\n");
    Answer::new(200, XML, body)
}

/// `fredgraph.csv?id=...`: no key, a column for each of several ids, an empty cell for a missing value, an HTML page where one of
/// the series is unknown.
pub(super) fn graph_csv(ask: &Ask<'_>) -> Answer {
    let ids = ask.param("id").unwrap_or_default().split(',');
    let all: Option<Vec<&'static Series>> = ids.map(Series::find).collect();
    let Some(all) = all else {
        return page_not_found();
    };
    let edge = |name: &str, default: Date| {
        ask.param(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let span = (edge("cosd", EARLIEST), edge("coed", LATEST));
    let mut rows: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    for (at, series) in all.iter().enumerate() {
        for date in series.dates(ask.market, ask.now, span) {
            let cells = rows.entry(date).or_default();
            cells.resize(at, String::new());
            cells.push(series.value(ask.market, date));
        }
    }
    let names: Vec<&str> = all.iter().map(|series| series.id).collect();
    Answer::new(200, "application/csv", csv(&names, rows)).with(
        "content-disposition",
        format!("attachment; filename={}.csv", names.join("_")),
    )
}

/// Rows of one column.
fn alone(rows: &[(Date, String)]) -> impl Iterator<Item = (Date, Vec<String>)> {
    let rows = rows.iter();
    rows.map(|(date, value)| (*date, vec![value.clone()]))
}

fn csv(columns: &[&str], rows: impl IntoIterator<Item = (Date, Vec<String>)>) -> String {
    let mut text = format!("observation_date,{}\n", columns.join(","));
    for (date, mut cells) in rows {
        cells.resize(columns.len(), String::new());
        let cells: Vec<&str> = cells
            .iter()
            .map(|cell| if cell == "." { "" } else { cell })
            .collect();
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{date},{}", cells.join(","));
    }
    text
}
