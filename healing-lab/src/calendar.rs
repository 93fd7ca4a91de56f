//! Trading sessions and the two time zones the sources write their times in.
//!
//! The zones are given as POSIX rules, so that no time zone database is needed.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// When the lab's exchange trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// Every calendar day (US/Eastern) is one session from midnight to midnight, so that a run on a Sunday is worth as
    /// much as one on a Tuesday.
    #[default]
    Always,
    /// 9:30 to 16:00 US/Eastern on days the New York exchange trades, full-day holidays kept, half days not.
    Exchange,
}

/// One trading session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) date: Date,
    pub(crate) open: Timestamp,
    pub(crate) close: Timestamp,
}

impl Session {
    pub(crate) fn holds(self, now: Timestamp) -> bool {
        self.open <= now && now < self.close
    }

    /// Time of the last trade that a caller at `now` can know of.
    pub(crate) fn last_trade(self, now: Timestamp) -> Timestamp {
        now.min(self.close)
    }
}

/// The lab's zones, and sessions computed in them.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    eastern: TimeZone,
    central: TimeZone,
}

impl Calendar {
    pub(crate) fn new() -> Self {
        let zone = |rule| TimeZone::posix(rule).unwrap_or(TimeZone::UTC);
        Self {
            eastern: zone("EST5EDT,M3.2.0,M11.1.0"),
            central: zone("CST6CDT,M3.2.0,M11.1.0"),
        }
    }

    pub(crate) fn eastern(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.eastern.clone())
    }

    pub(crate) fn central(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.central.clone())
    }

    /// Midnight and other local times of New York as timestamps.
    pub(crate) fn eastern_instant(&self, date: Date, hour: i8, minute: i8) -> Timestamp {
        date.at(hour, minute, 0, 0)
            .to_zoned(self.eastern.clone())
            .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }

    pub(crate) fn session_on(&self, date: Date, hours: Hours) -> Option<Session> {
        match hours {
            Hours::Always => Some(Session {
                date,
                open: self.eastern_instant(date, 0, 0),
                close: self.eastern_instant(date.tomorrow().ok()?, 0, 0),
            }),
            Hours::Exchange => is_trading_day(date).then(|| Session {
                date,
                open: self.eastern_instant(date, 9, 30),
                close: self.eastern_instant(date, 16, 0),
            }),
        }
    }

    /// Sessions that have begun at `now`, newest first.
    pub(crate) fn sessions_back(
        &self,
        now: Timestamp,
        hours: Hours,
    ) -> impl Iterator<Item = Session> {
        let today = self.eastern(now).date();
        std::iter::successors(Some(today), |date| date.yesterday().ok())
            .filter_map(move |date| self.session_on(date, hours))
            .skip_while(move |session| session.open > now)
    }

    /// The newest session that has begun.
    pub(crate) fn latest_session(&self, now: Timestamp, hours: Hours) -> Session {
        self.sessions_back(now, hours).next().unwrap_or(Session {
            date: Date::ZERO,
            open: Timestamp::UNIX_EPOCH,
            close: Timestamp::UNIX_EPOCH,
        })
    }
}

/// Whether the New York exchange trades on this day.
pub(crate) fn is_trading_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(date)
}

/// Full-day holidays of the New York exchange by the rules in force since 2022.
fn is_holiday(date: Date) -> bool {
    let year = date.year();
    let fixed = |month, day| Date::new(year, month, day).ok().map(observed);
    let nth = |month, n, weekday| {
        Date::new(year, month, 1)
            .and_then(|first| first.nth_weekday_of_month(n, weekday))
            .ok()
    };
    let new_year = Date::new(year, 1, 1)
        .ok()
        .and_then(|day| match day.weekday() {
            Weekday::Sunday => day.tomorrow().ok(),
            // A New Year's day on a Saturday is not moved: the Friday belongs to the old year.
            Weekday::Monday
            | Weekday::Tuesday
            | Weekday::Wednesday
            | Weekday::Thursday
            | Weekday::Friday
            | Weekday::Saturday => Some(day),
        });
    [
        new_year,
        nth(1, 3, Weekday::Monday),
        nth(2, 3, Weekday::Monday),
        good_friday(year),
        nth(5, -1, Weekday::Monday),
        fixed(6, 19),
        fixed(7, 4),
        nth(9, 1, Weekday::Monday),
        nth(11, 4, Weekday::Thursday),
        fixed(12, 25),
    ]
    .contains(&Some(date))
}

fn observed(day: Date) -> Date {
    let moved = match day.weekday() {
        Weekday::Saturday => day.yesterday(),
        Weekday::Sunday => day.tomorrow(),
        Weekday::Monday
        | Weekday::Tuesday
        | Weekday::Wednesday
        | Weekday::Thursday
        | Weekday::Friday => Ok(day),
    };
    moved.unwrap_or(day)
}

/// Two days before Easter Sunday, by the anonymous Gregorian computus.
fn good_friday(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let sum = h + l - 7 * m + 114;
    let month = i8::try_from(sum / 31).ok()?;
    let day = i8::try_from(sum % 31 + 1).ok()?;
    Date::new(year, month, day).ok()?.checked_sub(2.days()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Hours, is_trading_day};
    use jiff::Timestamp;
    use jiff::civil::date;

    #[track_caller]
    fn check_closed(year: i16, month: i8, day: i8) {
        assert!(
            !is_trading_day(date(year, month, day)),
            "{year}-{month}-{day}"
        );
    }

    #[test]
    fn holidays_of_2024_are_no_trading_days() {
        for (month, day) in [
            (1, 1),
            (1, 15),
            (2, 19),
            (3, 29),
            (5, 27),
            (6, 19),
            (7, 4),
            (9, 2),
            (11, 28),
            (12, 25),
        ] {
            check_closed(2024, month, day);
        }
        assert!(is_trading_day(date(2024, 3, 28)));
    }

    #[test]
    fn a_holiday_on_a_weekend_moves_to_the_nearest_weekday() {
        check_closed(2021, 7, 5);
        check_closed(2022, 6, 20);
        check_closed(2020, 7, 3);
        assert!(is_trading_day(date(2021, 12, 31)));
    }

    #[test]
    fn on_a_sunday_the_latest_exchange_session_is_fridays() {
        let calendar = Calendar::new();
        let sunday: Timestamp = "2024-03-03T15:00:00Z".parse().unwrap();
        let session = calendar.latest_session(sunday, Hours::Exchange);
        assert_eq!(session.date, date(2024, 3, 1));
        assert_eq!(session.close, "2024-03-01T21:00:00Z".parse().unwrap());
        assert!(!session.holds(sunday));
    }

    #[test]
    fn summer_time_moves_the_opening_hour() {
        let calendar = Calendar::new();
        let open = |day| {
            calendar
                .session_on(day, Hours::Exchange)
                .unwrap()
                .open
                .to_string()
        };
        assert_eq!(open(date(2024, 3, 8)), "2024-03-08T14:30:00Z");
        assert_eq!(open(date(2024, 3, 11)), "2024-03-11T13:30:00Z");
    }

    #[test]
    fn with_hours_always_every_moment_is_in_a_session() {
        let calendar = Calendar::new();
        let sunday: Timestamp = "2024-03-03T05:00:00Z".parse().unwrap();
        assert!(calendar.latest_session(sunday, Hours::Always).holds(sunday));
    }
}
