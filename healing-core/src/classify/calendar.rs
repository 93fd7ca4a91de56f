//! When markets are open. Age counts only while there can be news: Friday's price is current on Sunday, and a yield of the
//! day before a long weekend is the newest there is.
//!
//! The hours are written in `calendars.yaml`, as rules where a day follows one. Users add their own in the same form with
//! [`Calendars::with`]. Nothing here reads a clock; zones come from the database that is built in, so that a machine without
//! one, or with an old one, judges alike.

mod rule;
mod weekly;
mod written;

pub use written::CalendarsError;

use std::{collections::BTreeMap, time::Duration};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use weekly::{Opening, Weekly};

/// Calendars by name.
///
/// ```
/// use healing_core::classify::Calendars;
/// let calendars = Calendars::built_in();
/// let nyse = calendars.named("us_equities").unwrap();
/// assert!(nyse.is_open("2025-01-08T15:00:00Z".parse().unwrap()));
/// assert!(!nyse.is_open("2025-01-09T15:00:00Z".parse().unwrap())); // a day of mourning
/// ```
#[derive(Clone, Debug, Default)]
pub struct Calendars {
    named: BTreeMap<String, Calendar>,
}

/// When one market is open.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    hours: Hours,
}

#[derive(Clone, Debug)]
enum Hours {
    Always,
    Weekly(Weekly),
}

/// Days that are counted one by one. What is older is old by any measure; an average does for the rest.
const COUNTED_DAYS: i64 = 400;

const COUNTED: SignedDuration = SignedDuration::from_hours(COUNTED_DAYS * 24);

// === impl Calendars ===

impl Calendars {
    /// The calendars that come with the crate: `us_equities`, `us_rates`, `fx`, `crypto` and `always`.
    #[must_use]
    pub fn built_in() -> Self {
        // A test holds that the text is well formed and that all five are in it.
        Self::default()
            .with(include_str!("calendars.yaml"))
            .unwrap_or_default()
    }

    /// Adds the calendars of a text in YAML, in the form of `calendars.yaml`. One of the same name is replaced.
    ///
    /// # Errors
    ///
    /// Where the text is no list of calendars: with the line, the key, the value and what to write instead.
    ///
    /// ```
    /// # use healing_core::classify::Calendars;
    /// let text = r#"
    /// - name: tokyo
    ///   zone: Asia/Tokyo
    ///   sessions:
    ///     - { days: [mon, tue, wed, thu, fri], open: "09:00", close: "11:30" }
    ///     - { days: [mon, tue, wed, thu, fri], open: "12:30", close: "15:30" }
    /// "#;
    /// let calendars = Calendars::built_in().with(text).unwrap();
    /// assert!(calendars.named("tokyo").is_some());
    /// ```
    pub fn with(mut self, text: &str) -> Result<Self, CalendarsError> {
        self.named.extend(written::calendars(text)?);
        Ok(self)
    }

    /// The calendar of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Calendar> {
        self.named.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

// === impl Calendar ===

impl Calendar {
    /// Whether the market is open at that moment. At its close it is shut.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        match &self.hours {
            Hours::Always => true,
            Hours::Weekly(weekly) => self
                .openings(weekly, at, at)
                .any(|opening| opening.from <= at && at < opening.to),
        }
    }

    /// How long the market was open between two moments; nothing where `to` is not after `from`.
    ///
    /// Exact up to 400 days. The rest of a longer span is taken to be as those were.
    #[must_use]
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to <= from {
            return SignedDuration::ZERO;
        }
        let Hours::Weekly(weekly) = &self.hours else {
            return to.duration_since(from);
        };
        let counted = self.counted(weekly, from, to).sum();
        let span = to.duration_since(from);
        if span <= COUNTED {
            return counted;
        }
        let stretched = counted.as_secs_f64() * (span.as_secs_f64() / COUNTED.as_secs_f64());
        SignedDuration::try_from_secs_f64(stretched).unwrap_or(span)
    }

    /// Whether the market was open for longer than `limit` between two moments. Counts no further than to the limit.
    #[must_use]
    pub fn more_than(&self, from: Timestamp, to: Timestamp, limit: Duration) -> bool {
        let Ok(limit) = SignedDuration::try_from(limit) else {
            return false;
        };
        let Hours::Weekly(weekly) = &self.hours else {
            return to.duration_since(from) > limit;
        };
        let mut open = SignedDuration::ZERO;
        let passed = self.counted(weekly, from, to).any(|part| {
            open = open.saturating_add(part);
            open > limit
        });
        passed || (to.duration_since(from) > COUNTED && self.open_between(from, to) > limit)
    }

    /// How many days with sessions have ended after the day `last` and before `now`. Weekends and holidays are none. Of the
    /// 400 days after `last`, and no more.
    #[must_use]
    pub fn sessions_between(&self, last: Date, now: Timestamp) -> u32 {
        let today = self.date(now);
        let Hours::Weekly(weekly) = &self.hours else {
            let days = today.duration_since(last).as_hours() / 24;
            return u32::try_from((days - 1).clamp(0, COUNTED_DAYS)).unwrap_or_default();
        };
        let days = days_from(last.tomorrow().ok()).take_while(|date| *date <= today);
        let ended = days.take(CAP).filter(|date| {
            let ends = weekly.on(*date, &self.zone).map(|opening| opening.to);
            ends.max().is_some_and(|end| end <= now)
        });
        u32::try_from(ended.count()).unwrap_or(u32::MAX)
    }

    /// Whether there is a session on that day.
    ///
    /// ```
    /// use healing_core::classify::Calendars;
    /// let calendars = Calendars::built_in();
    /// let nyse = calendars.named("us_equities").unwrap();
    /// assert!(!nyse.has_session("2026-01-19".parse().unwrap())); // the day of Martin Luther King
    /// ```
    #[must_use]
    pub fn has_session(&self, day: Date) -> bool {
        match &self.hours {
            Hours::Always => true,
            Hours::Weekly(weekly) => weekly.on(day, &self.zone).next().is_some(),
        }
    }

    /// The day that it is at that moment where the market is.
    pub(crate) fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// When a day is over where the market is.
    pub(crate) fn end_of(&self, day: Date) -> Option<Timestamp> {
        let next = day.tomorrow().ok()?.to_datetime(Time::midnight());
        self.zone.to_ambiguous_timestamp(next).compatible().ok()
    }

    /// What was open of the sessions between two moments, the first 400 days.
    fn counted(
        &self,
        weekly: &Weekly,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = SignedDuration> {
        let to = from
            .checked_add(COUNTED)
            .map_or(to, |horizon| horizon.min(to));
        let parts = self.openings(weekly, from, to);
        parts.filter_map(move |opening| {
            let (start, end) = (opening.from.max(from), opening.to.min(to));
            (start < end).then(|| end.duration_since(start))
        })
    }

    /// All sessions that touch the time between two moments, and some around it.
    fn openings(
        &self,
        weekly: &Weekly,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = Opening> {
        let today = self.date(to);
        // A session that is open now may belong to tomorrow, when it closes.
        let last = today.tomorrow().unwrap_or(today);
        let days = days_from(Some(self.date(from))).take_while(move |date| *date <= last);
        days.flat_map(|date| weekly.on(date, &self.zone))
    }
}

fn days_from(first: Option<Date>) -> impl Iterator<Item = Date> {
    std::iter::successors(first, |date| date.tomorrow().ok())
}

/// [`COUNTED_DAYS`], to count with.
const CAP: usize = 400;

#[cfg(test)]
mod tests;
