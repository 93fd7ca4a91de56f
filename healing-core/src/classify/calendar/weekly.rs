//! A market that opens and closes: its sessions by day.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};

use super::rule::Rule;

/// The hours of a week, and the days that depart from them.
#[derive(Clone, Debug)]
pub(super) struct Weekly {
    pub(super) sessions: Vec<Session>,
    pub(super) holidays: Vec<Rule>,
    pub(super) closed: Vec<Date>,
    pub(super) half: Vec<Rule>,
    /// When a half day ends.
    pub(super) half_close: Time,
}

/// One opening of a week. Where `close` is not after `open` it is on the next day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    /// The day of the opening.
    pub(super) weekday: Weekday,
    pub(super) open: Time,
    pub(super) close: Time,
}

/// From the opening to the close, which is outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Opening {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

// === impl Weekly ===

impl Weekly {
    /// The sessions that belong to a day: those that close on it.
    pub(super) fn on(&self, date: Date, zone: &TimeZone) -> impl Iterator<Item = Opening> {
        let closed = self.is_closed(date);
        let early = (!closed && self.half.iter().any(|rule| rule.falls_on(date)))
            .then(|| date.to_datetime(self.half_close));
        let sessions = self.sessions.iter().filter(move |_| !closed);
        sessions.filter_map(move |session| session.on(date, early, zone))
    }

    fn is_closed(&self, date: Date) -> bool {
        self.closed.contains(&date) || self.holidays.iter().any(|rule| rule.falls_on(date))
    }
}

// === impl Session ===

impl Session {
    fn on(&self, date: Date, early: Option<DateTime>, zone: &TimeZone) -> Option<Opening> {
        let opens_on = if self.is_overnight() {
            date.yesterday().ok()?
        } else {
            date
        };
        if opens_on.weekday() != self.weekday {
            return None;
        }
        let open = opens_on.to_datetime(self.open);
        let closes_on = if self.close == Time::midnight() {
            date.tomorrow().ok()?
        } else {
            date
        };
        let close = closes_on.to_datetime(self.close);
        let close = early.map_or(close, |early| early.min(close));
        let opening = Opening {
            from: timestamp(open, zone)?,
            to: timestamp(close, zone)?,
        };
        (opening.from < opening.to).then_some(opening)
    }

    /// Whether it closes on the day after its opening. Midnight ends the day itself.
    pub(super) fn is_overnight(&self) -> bool {
        self.close <= self.open && self.close != Time::midnight()
    }
}

/// A local time that the clocks skip is taken after the gap, one that comes twice is the first.
fn timestamp(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(at).compatible().ok()
}
