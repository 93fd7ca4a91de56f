//! Calendars as they are written in YAML.

mod value;

use jiff::civil::Time;
use serde::Deserialize;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::{
    Calendar, Hours,
    weekly::{Session, Weekly},
};
use value::{At, weekday};

/// Why a text is no list of calendars.
#[derive(Debug, Error)]
pub enum CalendarsError {
    /// It is no YAML, or has a key or a kind of value that no calendar has. The cause says what may stand there.
    #[error("line {line}: no list of calendars: {cause}")]
    Form {
        /// Counted from 1; 0 where it is not known.
        line: u64,
        /// What is wrong, and what may stand there.
        cause: String,
    },
    /// The value of a key is not one of those that it can have.
    #[error("line {line}: `{key}: {value}` in calendar `{calendar}`: {remedy}")]
    Value {
        /// Counted from 1.
        line: u64,
        /// The calendar's name.
        calendar: String,
        /// The key at which the value stands.
        key: &'static str,
        /// What was written.
        value: String,
        /// What to write instead.
        remedy: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCalendar {
    name: Spanned<String>,
    /// For readers.
    #[serde(default, rename = "doc")]
    _doc: Option<String>,
    zone: Spanned<String>,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    sessions: Vec<WrittenSession>,
    #[serde(default)]
    holidays: Vec<WrittenRule>,
    #[serde(default)]
    closed: Vec<Spanned<String>>,
    #[serde(default)]
    half: Vec<WrittenRule>,
    half_close: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSession {
    days: Vec<Spanned<String>>,
    open: Spanned<String>,
    close: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: Spanned<String>,
    fixed: Option<Spanned<String>>,
    nth: Option<Spanned<String>>,
    easter: Option<i32>,
    #[serde(default)]
    plus: i32,
    saturday: Option<Spanned<String>>,
    sunday: Option<Spanned<String>>,
    since: Option<i16>,
    until: Option<i16>,
}

/// Reads the calendars of a text, with their names.
pub(super) fn calendars(text: &str) -> Result<Vec<(String, Calendar)>, CalendarsError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let written: Vec<WrittenCalendar> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| form(&error))?;
    let mut read: Vec<(String, Calendar)> = Vec::new();
    for calendar in &written {
        let name = &calendar.name;
        if read.iter().any(|(known, _)| *known == name.value) {
            let at = At(&name.value);
            return Err(at.wrong("name", name, "give each calendar a name of its own"));
        }
        read.push((name.value.clone(), calendar.read()?));
    }
    Ok(read)
}

fn form(error: &serde_saphyr::Error) -> CalendarsError {
    CalendarsError::Form {
        line: error.location().map_or(0, |location| location.line()),
        cause: error.without_snippet().to_string(),
    }
}

// === impl WrittenCalendar ===

impl WrittenCalendar {
    fn read(&self) -> Result<Calendar, CalendarsError> {
        let at = At(&self.name.value);
        let zone = at.zone(&self.zone)?;
        if self.always {
            return if self.has_hours() {
                Err(at.wrong(
                    "name",
                    &self.name,
                    "leave out either `always: true` or sessions and days",
                ))
            } else {
                Ok(Calendar {
                    zone,
                    hours: Hours::Always,
                })
            };
        }
        let weekly = Weekly {
            sessions: self.sessions(at)?,
            holidays: at.rules(&self.holidays)?,
            closed: at.dates(&self.closed)?,
            half: at.rules(&self.half)?,
            half_close: match &self.half_close {
                Some(written) => at.time("half_close", written)?,
                None if self.half.is_empty() => Time::midnight(),
                None => {
                    return Err(at.wrong(
                        "name",
                        &self.name,
                        "say with `half_close: \"13:00\"` when its half days end",
                    ));
                }
            },
        };
        let hours = Hours::Weekly(weekly);
        Ok(Calendar { zone, hours })
    }

    fn has_hours(&self) -> bool {
        !(self.sessions.is_empty()
            && self.holidays.is_empty()
            && self.closed.is_empty()
            && self.half.is_empty()
            && self.half_close.is_none())
    }

    fn sessions(&self, at: At<'_>) -> Result<Vec<Session>, CalendarsError> {
        let mut sessions: Vec<Session> = Vec::new();
        for written in &self.sessions {
            let open = at.time("open", &written.open)?;
            let close = at.time("close", &written.close)?;
            for day in &written.days {
                let weekday = weekday(&day.value).ok_or_else(|| {
                    at.wrong("days", day, "write mon, tue, wed, thu, fri, sat or sun")
                })?;
                let session = Session {
                    weekday,
                    open,
                    close,
                };
                if sessions.iter().any(|other| overlap(*other, session)) {
                    let remedy = "let no session open before another one has closed";
                    return Err(at.wrong("open", &written.open, remedy));
                }
                sessions.push(session);
            }
        }
        if sessions.is_empty() {
            let remedy = "give it `sessions` with days, or `always: true`";
            return Err(at.wrong("name", &self.name, remedy));
        }
        Ok(sessions)
    }
}

/// Whether two sessions of a week are open at the same time.
fn overlap(one: Session, other: Session) -> bool {
    let after = |a: Session, b: Session| (opens(b) - opens(a)).rem_euclid(WEEK) < lasts(a);
    after(one, other) || after(other, one)
}

/// Seconds of a week.
const WEEK: i32 = 7 * DAY;
const DAY: i32 = 24 * 60 * 60;

fn opens(session: Session) -> i32 {
    i32::from(session.weekday.to_monday_zero_offset()) * DAY + of_day(session.open)
}

fn lasts(session: Session) -> i32 {
    let lasts = of_day(session.close) - of_day(session.open);
    if lasts > 0 { lasts } else { lasts + DAY }
}

fn of_day(time: Time) -> i32 {
    (i32::from(time.hour()) * 60 + i32::from(time.minute())) * 60 + i32::from(time.second())
}

#[cfg(test)]
mod tests;
