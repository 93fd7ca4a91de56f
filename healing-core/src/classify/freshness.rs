//! How old data may be: the moment that an answer names as its newest, read in the units that sources use, and the age that
//! is allowed for it.
//!
//! A zero, or a moment that no market has seen, is a field that was never set, and says nothing about age.

use std::{cmp::Ordering, time::Duration};

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::{Date, DateTime, Time, date},
    fmt::{rfc2822, temporal::Pieces},
    tz::TimeZone,
};
use serde::Deserialize;

use crate::classify::calendar::Calendar;

/// How a field tells a moment.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Seconds since 1970, as a number or in digits.
    S,
    /// Milliseconds since 1970.
    Ms,
    /// Microseconds since 1970.
    Us,
    /// Nanoseconds since 1970.
    Ns,
    /// A day; of a text with a time and an offset, the day as it is written.
    Date,
    /// A moment as text; without a time it is a day.
    DateTime,
}

/// The newest that an answer has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moment {
    /// Something of a whole day, or of the period that begins with it.
    Day(Date),
    /// Something of that moment.
    At(Timestamp),
}

/// What age is allowed. Both limits hold where both are given; without any, nothing is stale.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Allowed {
    /// Of a moment: time in which the market was open. Of a day: plain time since its end.
    pub(crate) max_age: Option<Duration>,
    /// Whole sessions that may have ended since the day.
    pub(crate) sessions: Option<u32>,
}

/// How often a series has a new point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    Annual,
}

/// Whether what is newest is older than is allowed. What lies ahead of `now` is not.
pub(crate) fn is_stale(
    newest: &Moment,
    now: Timestamp,
    calendar: &Calendar,
    allowed: &Allowed,
) -> bool {
    let too_many = allowed.sessions.is_some_and(|sessions| {
        let day = match *newest {
            Moment::Day(day) => day,
            Moment::At(at) => calendar.date(at),
        };
        calendar.sessions_between(day, now) > sessions
    });
    let too_old = allowed.max_age.is_some_and(|limit| match *newest {
        Moment::Day(day) => calendar
            .end_of(day)
            .is_some_and(|end| is_longer(now.duration_since(end), limit)),
        Moment::At(at) => calendar.more_than(at, now, limit),
    });
    too_many || too_old
}

fn is_longer(age: SignedDuration, limit: Duration) -> bool {
    SignedDuration::try_from(limit).is_ok_and(|limit| age > limit)
}

// === impl Unit ===

impl Unit {
    /// All six, by the names that a file uses.
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("s", Self::S),
        ("ms", Self::Ms),
        ("us", Self::Us),
        ("ns", Self::Ns),
        ("date", Self::Date),
        ("datetime", Self::DateTime),
    ];

    /// The moment of a number. A number alone is no date.
    pub(crate) fn read_number(self, number: f64) -> Option<Timestamp> {
        let per_second = match self {
            Self::S => 1.0,
            Self::Ms => 1e3,
            Self::Us => 1e6,
            Self::Ns => 1e9,
            Self::Date | Self::DateTime => return None,
        };
        let since = SignedDuration::try_from_secs_f64(number / per_second).ok()?;
        let at = Timestamp::from_duration(since).ok()?;
        is_possible(TimeZone::UTC.to_datetime(at).date()).then_some(at)
    }

    /// The moment of a text. What has no offset is of that zone.
    pub(crate) fn read_text(self, text: &str, zone: &TimeZone) -> Option<Moment> {
        let text = text.trim();
        let moment = match self {
            Self::S | Self::Ms | Self::Us | Self::Ns => {
                Moment::At(self.read_number(text.parse().ok()?)?)
            }
            Self::Date => Moment::Day(Written::read(text)?.date),
            Self::DateTime => match digits(text) {
                Some(unit) => Moment::At(unit.read_number(text.parse().ok()?)?),
                None => Written::read(text)?.moment(zone)?,
            },
        };
        let day = match moment {
            Moment::Day(day) => day,
            Moment::At(at) => TimeZone::UTC.to_datetime(at).date(),
        };
        is_possible(day).then_some(moment)
    }
}

/// A moment in digits tells its unit by their number, from 2001 to 2286.
fn digits(text: &str) -> Option<Unit> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match text.len() {
        10 => Some(Unit::S),
        13 => Some(Unit::Ms),
        16 => Some(Unit::Us),
        19 => Some(Unit::Ns),
        _ => None,
    }
}

/// Days that newest data can have. Seconds taken for milliseconds end up in January 1970, and the other way round far ahead.
fn is_possible(day: Date) -> bool {
    (date(1971, 1, 1)..date(2200, 1, 1)).contains(&day)
}

/// A date as it stands in a text, with what else stands there.
struct Written {
    date: Date,
    time: Option<Time>,
    /// The zone or the offset that the text names.
    zone: Option<TimeZone>,
}

/// Forms that are no standard: of Java and of older web services.
const FORMS: &[&str] = &["%a %b %d %H:%M:%S UTC%:z %Y", "%a %b %d %H:%M:%S %z %Y"];

// === impl Written ===

impl Written {
    fn read(text: &str) -> Option<Self> {
        Self::standard(text)
            .or_else(|| Some(Self::of(&rfc2822::parse(text).ok()?)))
            .or_else(|| {
                let read = |form: &&str| Zoned::strptime(form, text).ok();
                FORMS.iter().find_map(read).as_ref().map(Self::of)
            })
            .or_else(|| period(text).map(Self::day))
    }

    /// ISO 8601 as RFC 3339 and RFC 9557 have it, with a blank or a `T`, with an offset or without, also in whole hours.
    fn standard(text: &str) -> Option<Self> {
        let (text, zone) = match text
            .strip_suffix("UTC")
            .or_else(|| text.strip_suffix("GMT"))
        {
            Some(rest) => (rest.trim_end(), Some(TimeZone::UTC)),
            None => (text, None),
        };
        let pieces = Pieces::parse(text).ok()?;
        Some(Self {
            date: pieces.date(),
            time: pieces.time(),
            zone: zone.or_else(|| pieces.to_numeric_offset().map(TimeZone::fixed)),
        })
    }

    fn of(zoned: &Zoned) -> Self {
        Self {
            date: zoned.date(),
            time: Some(zoned.time()),
            zone: Some(zoned.time_zone().clone()),
        }
    }

    const fn day(date: Date) -> Self {
        Self {
            date,
            time: None,
            zone: None,
        }
    }

    fn moment(&self, zone: &TimeZone) -> Option<Moment> {
        let Some(time) = self.time else {
            return Some(Moment::Day(self.date));
        };
        let at = DateTime::from_parts(self.date, time);
        let zone = self.zone.as_ref().unwrap_or(zone);
        Some(Moment::At(
            zone.to_ambiguous_timestamp(at).compatible().ok()?,
        ))
    }
}

/// The first day of a year, a quarter or a month: `2023`, `2023Q4`, `2023-Q4`, `2023M05`, `2023-05`.
fn period(text: &str) -> Option<Date> {
    let (year, rest) = text.split_at_checked(4)?;
    if !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = year.parse().ok()?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let month = match rest.strip_prefix('Q') {
        _ if rest.is_empty() => 1,
        Some(quarter) => quarter.parse::<i8>().ok()?.checked_mul(3)?.checked_sub(2)?,
        None => rest.strip_prefix('M').unwrap_or(rest).parse().ok()?,
    };
    Date::new(year, month, 1).ok()
}

// === impl Moment ===

impl Moment {
    /// The later of two, a day being taken from its beginning in UTC.
    pub(crate) fn later(self, other: Self) -> Self {
        match self.utc().cmp(&other.utc()) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        }
    }

    /// How long ago that was; a day from its end in UTC. What lies ahead is no time ago.
    pub(crate) fn age(self, now: Timestamp) -> Duration {
        let at = match self {
            Self::At(at) => Some(at),
            Self::Day(day) => {
                let end = day.tomorrow().unwrap_or(day).to_zoned(TimeZone::UTC).ok();
                end.map(|end| end.timestamp())
            }
        };
        let since = at.map(|at| now.duration_since(at));
        since
            .and_then(|since| Duration::try_from(since).ok())
            .unwrap_or_default()
    }

    /// Whether it is later than another.
    pub(crate) fn is_later_than(self, other: Self) -> bool {
        self.utc() > other.utc()
    }

    fn utc(self) -> DateTime {
        match self {
            Self::Day(day) => day.to_datetime(Time::midnight()),
            Self::At(at) => TimeZone::UTC.to_datetime(at),
        }
    }
}

// === impl Frequency ===

impl Frequency {
    /// The age that is allowed where a source's file says nothing: that of the slowest well known series of a frequency on the
    /// day before its next point. A point is dated by the first day of its period.
    pub(crate) const fn allowed(self) -> Allowed {
        let days = match self {
            // Exchange rates of the H.10 and oil prices of the EIA come once a week, up to seven sessions late.
            Self::Daily => {
                return Allowed {
                    max_age: None,
                    sessions: Some(7),
                };
            }
            // Money supply by week comes once a month: four weeks' points with some three weeks' delay.
            Self::Weekly => 60,
            // The Case-Shiller index of January comes at the end of March, the next at the end of April.
            Self::Monthly => 130,
            // Financial accounts (Z.1) of the third quarter come in December, the next in the middle of March.
            Self::Quarterly => 280,
            // Household incomes of a year come in September of the next.
            Self::Annual => 1000,
        };
        Allowed {
            max_age: Some(Duration::from_hours(days * 24)),
            sessions: None,
        }
    }
}

#[cfg(test)]
mod tests;
