//! Time series, newest row first.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::rows::{Ordered, Table};
use super::{CSV, error_message, invalid_call};
use crate::answer::Answer;
use crate::ask::{Ask, Outcome};
use crate::assets::Asset;
use crate::market::Span;
use crate::periods::{Period, join};
use crate::prices::Bar;

const COMPACT: usize = 100;
const ZONE: &str = "US/Eastern";
/// Intervals and their minutes.
const INTERVALS: [(&str, i64); 5] = [
    ("1min", 1),
    ("5min", 5),
    ("15min", 15),
    ("30min", 30),
    ("60min", 60),
];

/// Rows with the time each is written under, newest first.
type Stamped = Vec<(String, Bar)>;

fn asset(ask: &Ask<'_>) -> Result<Asset, Answer> {
    let function = ask.param("function").unwrap_or_default();
    ask.param("symbol")
        .and_then(|symbol| ask.market.asset(symbol))
        .ok_or_else(|| invalid_call(function))
}

fn interval(ask: &Ask<'_>) -> Result<(&'static str, i64), Answer> {
    let asked = ask.param("interval").unwrap_or_default();
    let function = ask.param("function").unwrap_or_default();
    let found = INTERVALS.iter().find(|(name, _)| *name == asked).copied();
    found.ok_or_else(|| invalid_call(function))
}

/// The days of the last month at most, by interval.
fn intraday_rows(ask: &Ask<'_>, asset: &Asset, minutes: i64) -> Stamped {
    let days = if ask.param("outputsize") == Some("full") {
        30
    } else {
        4
    };
    let from = ask
        .now
        .checked_sub(SignedDuration::from_hours(days * 24))
        .unwrap_or(ask.now);
    let mut bars = ask
        .market
        .bars(asset, Span { from, to: ask.now }, minutes * 60_000);
    bars.reverse();
    let stamp = |bar: Bar| {
        let at = Timestamp::from_millisecond(bar.start).unwrap_or(ask.now);
        (
            ask.market
                .calendar
                .eastern(at)
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string(),
            bar,
        )
    };
    bars.into_iter().map(stamp).collect()
}

pub(super) fn intraday(ask: &Ask<'_>) -> Outcome {
    let asset = asset(ask)?;
    let (name, minutes) = interval(ask)?;
    let mut rows = intraday_rows(ask, &asset, minutes);
    let full = ask.param("outputsize") == Some("full");
    if !full {
        rows.truncate(COMPACT);
    }
    if ask.param("datatype") == Some("csv") {
        return Ok(csv("timestamp", &rows));
    }
    let newest = rows
        .first()
        .map(|(stamp, _)| stamp.clone())
        .unwrap_or_default();
    let meta = vec![
        (
            "1. Information",
            format!("Intraday ({name}) open, high, low, close prices and volume"),
        ),
        ("2. Symbol", asset.symbol),
        ("3. Last Refreshed", newest),
        ("4. Interval", name.to_owned()),
        (
            "5. Output Size",
            if full { "Full size" } else { "Compact" }.to_owned(),
        ),
        ("6. Time Zone", ZONE.to_owned()),
    ];
    Ok(table(meta, format!("Time Series ({name})"), rows))
}

/// Always CSV.
pub(super) fn intraday_extended(ask: &Ask<'_>) -> Outcome {
    let asset = asset(ask)?;
    let (_, minutes) = interval(ask)?;
    Ok(csv("time", &intraday_rows(ask, &asset, minutes)))
}

pub(super) fn calendar_series(ask: &Ask<'_>, period: Period) -> Outcome {
    let asset = asset(ask)?;
    let daily = matches!(period, Period::Days(_));
    let full = match ask.param("outputsize").unwrap_or("compact") {
        "full" => true,
        "compact" => !daily,
        _ => return Err(error_message("Invalid outputsize; it is compact or full.")),
    };
    let days = ask.market.days_back(&asset, ask.now);
    let days = days.take(if full { 2_500 } else { COMPACT });
    let mut days: Vec<_> = days.collect();
    days.reverse();
    let joined = join(&days, period).into_iter().rev();
    let rows: Stamped = joined.map(|(last, bar)| (last.to_string(), bar)).collect();
    if ask.param("datatype") == Some("csv") {
        return Ok(csv("timestamp", &rows));
    }
    let (words, title) = match period {
        Period::Days(_) => (
            "Daily Prices (open, high, low, close) and Volumes",
            "Time Series (Daily)",
        ),
        Period::Weeks(_) => (
            "Weekly Prices (open, high, low, close) and Volumes",
            "Weekly Time Series",
        ),
        Period::Months(_) => (
            "Monthly Prices (open, high, low, close) and Volumes",
            "Monthly Time Series",
        ),
    };
    let newest = rows
        .first()
        .map(|(stamp, _)| stamp.clone())
        .unwrap_or_default();
    let mut meta = vec![
        ("1. Information", words.to_owned()),
        ("2. Symbol", asset.symbol),
        ("3. Last Refreshed", newest),
    ];
    if daily {
        meta.push((
            "4. Output Size",
            if full { "Full size" } else { "Compact" }.to_owned(),
        ));
        meta.push(("5. Time Zone", ZONE.to_owned()));
    } else {
        meta.push(("4. Time Zone", ZONE.to_owned()));
    }
    Ok(table(meta, title.to_owned(), rows))
}

pub(super) fn moving_average(ask: &Ask<'_>) -> Outcome {
    let asset = asset(ask)?;
    let (name, minutes) = interval(ask)?;
    let count: usize = ask
        .param("time_period")
        .and_then(|text| text.parse().ok())
        .filter(|n| *n > 0)
        .ok_or_else(|| invalid_call("SMA"))?;
    let rows = intraday_rows(ask, &asset, minutes);
    let averages: Vec<(String, Value)> = rows
        .windows(count)
        .take(COMPACT)
        .filter_map(|window| {
            let sum: f64 = window.iter().map(|(_, bar)| bar.close).sum();
            let stamp = window.first()?.0.get(..16)?.to_owned();
            Some((stamp, json!({"SMA": format!("{:.4}", sum / count as f64)})))
        })
        .collect();
    let meta = vec![
        ("1: Symbol", asset.symbol),
        ("2: Indicator", "Simple Moving Average (SMA)".to_owned()),
        (
            "3: Last Refreshed",
            rows.first()
                .map(|(stamp, _)| stamp.clone())
                .unwrap_or_default(),
        ),
        ("4: Interval", name.to_owned()),
        ("5: Time Period", count.to_string()),
        (
            "6: Series Type",
            ask.param("series_type").unwrap_or("close").to_owned(),
        ),
        ("7: Time Zone", ZONE.to_owned()),
    ];
    let table = Table {
        meta,
        title: "Technical Analysis: SMA".to_owned(),
        rows: Ordered(averages),
    };
    Ok(Answer::json(200, &table))
}

fn table(meta: Vec<(&'static str, String)>, title: String, rows: Stamped) -> Answer {
    let row = |bar: Bar| {
        json!({
            "1. open": format!("{:.4}", bar.open), "2. high": format!("{:.4}", bar.high),
            "3. low": format!("{:.4}", bar.low), "4. close": format!("{:.4}", bar.close),
            "5. volume": bar.volume.to_string(),
        })
    };
    let rows = Ordered(
        rows.into_iter()
            .map(|(stamp, bar)| (stamp, row(bar)))
            .collect(),
    );
    Answer::json(200, &Table { meta, title, rows })
}

fn csv(first: &str, rows: &Stamped) -> Answer {
    let mut text = format!("{first},open,high,low,close,volume\n");
    for (stamp, bar) in rows {
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "{stamp},{:.4},{:.4},{:.4},{:.4},{}",
            bar.open, bar.high, bar.low, bar.close, bar.volume
        );
    }
    Answer::new(200, CSV, text)
}
