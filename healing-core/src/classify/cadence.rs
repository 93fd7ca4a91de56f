//! How often the newest moment of an answer moves, learned where nobody set how old it may be; and whether it stands still.
//!
//! Only what moved steadily is missed when it stops: over a time as long as what is missed, with pauses a quarter of that at
//! most. Pauses are counted in the time in which a market is open where all that was seen kept to its sessions, so that nights
//! and weekends are none; else in plain time with room for the longest holidays that markets take together.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::classify::{calendar::Calendar, freshness::Moment, sources};

/// It stands still once it has not moved for so many times as long as it ever paused.
const PATIENCE: u64 = 4;

/// Moves before anything is missed at all, and days on which it moved.
const ENOUGH_MOVES: u32 = 5;
const ENOUGH_DAYS: u32 = 5;

/// Before it is believed that a market's sessions are its own, or that it knows no weekend.
const MOVES_IN_SESSIONS: u32 = 20;
const DAYS_WITH_WEEKENDS: u32 = 14;
const MOVES_ON_WEEKENDS: u32 = 4;

/// The shortest that can be missed: in sessions where the hours fit, and where only the days do (other markets share most
/// of them, and some close for a week and a half); in plain time with and without weekends.
const BY_HOURS: Duration = sessions(3);
const BY_DAYS: Duration = sessions(10);
const WITH_WEEKENDS: Duration = Duration::from_hours(3 * 24);
const PLAIN: Duration = Duration::from_hours(14 * 24);

/// So many whole sessions of the New York exchanges.
const fn sessions(count: u64) -> Duration {
    Duration::from_secs(count * 390 * 60)
}

/// What is published a little after the close still belongs to the session.
const AFTER_CLOSE: Duration = Duration::from_mins(15);

/// It may go back that far: not all machines of a source are as quick.
const BACK: Duration = Duration::from_hours(1);

/// How the newest moment of one URL's answers has moved.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Cadence {
    newest: Named,
    /// The first that was seen, in seconds since 1970.
    first: i64,
    /// When the newest was seen first, likewise.
    seen: i64,
    moves: u32,
    /// The longest between two moves, in seconds: of plain time, and of open time.
    plain: u64,
    open: u64,
    /// Days on which it moved, and moves to a day of a weekend.
    days: u32,
    weekends: u32,
    in_sessions: bool,
    /// It went back far: it is no clock of anything.
    wanders: bool,
}

/// A moment as it is written down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Named {
    /// Seconds since 1970; of a day its beginning in UTC.
    at: i64,
    is_day: bool,
}

// === impl Cadence ===

impl Cadence {
    /// What the first answer of a URL tells.
    pub(crate) fn begin(newest: Moment, now: Timestamp) -> Self {
        let newest = Named::of(newest);
        Self {
            newest,
            first: newest.at,
            seen: now.as_second(),
            moves: 0,
            plain: 0,
            open: 0,
            days: 1,
            weekends: u32::from(newest.is_on_weekend()),
            in_sessions: newest.is_in_session(),
            wanders: false,
        }
    }

    /// Takes note of what the next good answer names.
    pub(crate) fn note(&mut self, newest: Moment, now: Timestamp) {
        let next = Named::of(newest);
        let step = next.at.saturating_sub(self.newest.at);
        if step <= 0 {
            self.wanders |= step.unsigned_abs() > BACK.as_secs().max(self.plain);
            return;
        }
        let now = now.as_second();
        self.moves = self.moves.saturating_add(1);
        self.plain = self
            .plain
            .max(step.unsigned_abs())
            .max(between(self.seen, now));
        self.in_sessions &= next.is_in_session();
        if self.in_sessions {
            self.open = self
                .open
                .max(open_between(self.newest.at, next.at))
                .max(open_between(self.seen, now));
        }
        self.days = self
            .days
            .saturating_add(u32::from(next.day() != self.newest.day()));
        self.weekends = self
            .weekends
            .saturating_add(u32::from(next.is_on_weekend()));
        self.newest = next;
        self.seen = now;
    }

    /// Whether it has stood still for far longer than it ever did.
    pub(crate) fn stands_still(&self, now: Timestamp) -> bool {
        if self.wanders || self.moves < ENOUGH_MOVES || self.days < ENOUGH_DAYS {
            return false;
        }
        let now = now.as_second();
        let (pause, least, since) = if self.in_sessions && self.moves >= MOVES_IN_SESSIONS {
            let least = if self.newest.is_day {
                BY_DAYS
            } else {
                BY_HOURS
            };
            (self.open, least, open_between(self.seen, now))
        } else {
            let works_on = self.days >= DAYS_WITH_WEEKENDS && self.weekends >= MOVES_ON_WEEKENDS;
            let least = if works_on { WITH_WEEKENDS } else { PLAIN };
            (self.plain, least, between(self.seen, now))
        };
        let limit = pause.saturating_mul(PATIENCE).max(least.as_secs());
        between(self.first, self.newest.at) >= limit && since > limit
    }

    /// When it moved last, as far as was seen, in seconds since 1970.
    pub(crate) const fn seen(&self) -> i64 {
        self.seen
    }
}

// === impl Named ===

impl Named {
    fn of(moment: Moment) -> Self {
        match moment {
            Moment::At(at) => Self {
                at: at.as_second(),
                is_day: false,
            },
            Moment::Day(day) => {
                let begins = day.to_zoned(TimeZone::UTC);
                Self {
                    at: begins.map_or(0, |begins| begins.timestamp().as_second()),
                    is_day: true,
                }
            }
        }
    }

    fn day(self) -> Date {
        TimeZone::UTC.to_datetime(timestamp(self.at)).date()
    }

    fn is_on_weekend(self) -> bool {
        matches!(self.day().weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    fn is_in_session(self) -> bool {
        let Some(market) = market() else {
            return false;
        };
        if self.is_day {
            let ends = market.end_of(self.day());
            let before = self.day().yesterday().ok();
            return ends
                .zip(before)
                .is_some_and(|(ends, before)| market.sessions_between(before, ends) > 0);
        }
        [0, AFTER_CLOSE.as_secs()]
            .into_iter()
            .any(|late| market.is_open(timestamp(self.at.saturating_sub_unsigned(late))))
    }
}

/// The market whose sessions most of what moves keeps to.
fn market() -> Option<&'static Calendar> {
    sources::calendars().named("us_equities")
}

fn open_between(from: i64, to: i64) -> u64 {
    let open = market().map(|market| market.open_between(timestamp(from), timestamp(to)));
    open.and_then(|open| u64::try_from(open.as_secs()).ok())
        .unwrap_or_default()
}

fn between(from: i64, to: i64) -> u64 {
    to.saturating_sub(from).max(0).unsigned_abs()
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests;
