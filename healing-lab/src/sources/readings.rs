//! Numbers that are no market prices: temperatures, yearly shares, averages of auctions.

use jiff::civil::Date;
use serde_json::Value;

use crate::ask::Ask;
use crate::prices::{Walk, hash};

const DAY: i64 = 86_400_000;

/// A level and the height of its noise of one year as a share of it.
pub(super) type Level = (f64, f64);

/// The value under a name at noon (UTC) of a date.
pub(super) fn on(ask: &Ask<'_>, name: &str, level: Level, date: Date) -> f64 {
    at(ask, name, level, noon(date))
}

/// The value under a name at a moment, in milliseconds since 1970.
pub(super) fn at(ask: &Ask<'_>, name: &str, (level, swing): Level, millis: i64) -> f64 {
    let walk = Walk {
        seed: hash(ask.market.seed, name),
        level,
        swing,
    };
    walk.at(millis)
}

/// Noon (UTC) of a date, in milliseconds since 1970.
pub(super) fn noon(date: Date) -> i64 {
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    days * DAY + DAY / 2
}

/// A number without decimals, written without a point.
pub(super) fn whole(value: f64) -> Value {
    format!("{value:.0}")
        .parse::<i64>()
        .map_or(Value::Null, Value::from)
}

/// Today by the source's clock, in UTC.
pub(super) fn today(ask: &Ask<'_>) -> Date {
    ask.now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Dates from today back, `step` days each.
pub(super) fn days_back(ask: &Ask<'_>, step: i64) -> impl Iterator<Item = Date> {
    let step = jiff::Span::new().days(step);
    std::iter::successors(Some(today(ask)), move |date| date.checked_sub(step).ok())
}
