//! The values of a calendar that are texts of a form of their own: zones, times, dates and days of a year.

use jiff::{
    civil::{Date, Time, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_saphyr::Spanned;

use super::{CalendarsError, WrittenRule};
use crate::classify::calendar::rule::{Anchor, Moved, Rule};

/// Reads values of one calendar, whose name errors show.
#[derive(Clone, Copy)]
pub(super) struct At<'a>(pub(super) &'a str);

// === impl At ===

impl At<'_> {
    pub(super) fn zone(self, written: &Spanned<String>) -> Result<TimeZone, CalendarsError> {
        let remedy = "write a zone of the IANA database, such as America/New_York or UTC";
        TimeZoneDatabase::bundled()
            .get(&written.value)
            .map_err(|_| self.wrong("zone", written, remedy))
    }

    pub(super) fn time(
        self,
        key: &'static str,
        written: &Spanned<String>,
    ) -> Result<Time, CalendarsError> {
        Time::strptime("%H:%M", &written.value)
            .map_err(|_| self.wrong(key, written, "write hours and minutes, such as \"09:30\""))
    }

    pub(super) fn dates(self, written: &[Spanned<String>]) -> Result<Vec<Date>, CalendarsError> {
        let remedy = "write a date, such as 2018-12-05";
        let read = |date: &Spanned<String>| {
            Date::strptime("%Y-%m-%d", &date.value).map_err(|_| self.wrong("closed", date, remedy))
        };
        written.iter().map(read).collect()
    }

    pub(super) fn rules(self, written: &[WrittenRule]) -> Result<Vec<Rule>, CalendarsError> {
        written.iter().map(|rule| self.rule(rule)).collect()
    }

    fn rule(self, written: &WrittenRule) -> Result<Rule, CalendarsError> {
        let (anchor, plus) = match (&written.fixed, &written.nth, written.easter) {
            (Some(fixed), None, None) => (self.fixed(fixed)?, 0),
            (None, Some(nth), None) => (self.nth(nth)?, 0),
            (None, None, Some(days)) => (Anchor::Easter, days),
            _ => {
                let remedy = "give the day exactly one of `fixed`, `nth` and `easter`";
                return Err(self.wrong("name", &written.name, remedy));
            }
        };
        Ok(Rule {
            anchor,
            plus: plus.saturating_add(written.plus),
            saturday: self.moved("saturday", written.saturday.as_ref())?,
            sunday: self.moved("sunday", written.sunday.as_ref())?,
            since: written.since.unwrap_or(i16::MIN),
            until: written.until.unwrap_or(i16::MAX),
        })
    }

    fn fixed(self, written: &Spanned<String>) -> Result<Anchor, CalendarsError> {
        // Read in a leap year, so that 29 February is a day.
        let date = Date::strptime("%Y-%m-%d", format!("2024-{}", written.value));
        let date = date
            .map_err(|_| self.wrong("fixed", written, "write month and day, such as \"12-25\""))?;
        Ok(Anchor::Fixed {
            month: date.month(),
            day: date.day(),
        })
    }

    fn nth(self, written: &Spanned<String>) -> Result<Anchor, CalendarsError> {
        nth(&written.value).ok_or_else(|| {
            let remedy = "write it as `third monday of january` or `last monday of may`";
            self.wrong("nth", written, remedy)
        })
    }

    fn moved(
        self,
        key: &'static str,
        written: Option<&Spanned<String>>,
    ) -> Result<Moved, CalendarsError> {
        let Some(written) = written else {
            return Ok(Moved::Stays);
        };
        match written.value.as_str() {
            "friday" => Ok(Moved::Friday),
            "monday" => Ok(Moved::Monday),
            _ => Err(self.wrong(
                key,
                written,
                "write friday or monday, or leave it out where it is not moved",
            )),
        }
    }

    pub(super) fn wrong(
        self,
        key: &'static str,
        written: &Spanned<String>,
        remedy: &'static str,
    ) -> CalendarsError {
        CalendarsError::Value {
            line: written.referenced.line(),
            calendar: self.0.to_owned(),
            key,
            value: written.value.clone(),
            remedy,
        }
    }
}

fn nth(text: &str) -> Option<Anchor> {
    let mut words = text.split_whitespace();
    let nth = words.next()?;
    let day = words.next()?;
    let ("of", month, None) = (words.next()?, words.next()?, words.next()) else {
        return None;
    };
    let nth = match nth {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "last" => -1,
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    Some(Anchor::Nth {
        nth,
        weekday: WEEKDAYS.iter().find(|(name, _)| *name == day)?.1,
        month: i8::try_from(month + 1).ok()?,
    })
}

/// The day of an abbreviation of three letters.
pub(super) fn weekday(short: &str) -> Option<Weekday> {
    let (_, day) = WEEKDAYS
        .iter()
        .find(|(name, _)| name.get(..3) == Some(short))?;
    Some(*day)
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
