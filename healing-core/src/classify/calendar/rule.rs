//! Days that come back every year, and how their dates are found.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

/// A day of every year: how it is found, and where it is kept when it falls on a weekend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) anchor: Anchor,
    /// Days after the anchor.
    pub(super) plus: i32,
    pub(super) saturday: Moved,
    pub(super) sunday: Moved,
    /// The first year in which it is kept.
    pub(super) since: i16,
    /// The last year in which it is kept.
    pub(super) until: i16,
}

/// What a day is counted from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Anchor {
    /// A day of a month.
    Fixed { month: i8, day: i8 },
    /// The first, second, ... weekday of a month; -1 is the last.
    Nth {
        nth: i8,
        weekday: Weekday,
        month: i8,
    },
    /// Easter Sunday.
    Easter,
}

/// To where a day of the weekend is moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moved {
    Stays,
    Friday,
    Monday,
}

// === impl Rule ===

impl Rule {
    /// Whether the day is kept on that date.
    pub(super) fn falls_on(&self, date: Date) -> bool {
        // Only around the turn of the year is a day kept in another year than its own.
        let other = match date.month() {
            1 => date.year().checked_sub(1),
            12 => date.year().checked_add(1),
            _ => None,
        };
        let is_kept = |year| self.kept_in(year) == Some(date);
        is_kept(date.year()) || other.is_some_and(is_kept)
    }

    /// The date on which the day of a year is kept.
    fn kept_in(&self, year: i16) -> Option<Date> {
        if !(self.since..=self.until).contains(&year) {
            return None;
        }
        let date = self.anchor.date(year)?.checked_add(self.plus.days()).ok()?;
        let moved = match date.weekday() {
            Weekday::Saturday => self.saturday,
            Weekday::Sunday => self.sunday,
            Weekday::Monday
            | Weekday::Tuesday
            | Weekday::Wednesday
            | Weekday::Thursday
            | Weekday::Friday => Moved::Stays,
        };
        match moved {
            Moved::Stays => Some(date),
            Moved::Friday => date.nth_weekday(-1, Weekday::Friday).ok(),
            Moved::Monday => date.nth_weekday(1, Weekday::Monday).ok(),
        }
    }
}

// === impl Anchor ===

impl Anchor {
    fn date(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed { month, day } => Date::new(year, month, day).ok(),
            Self::Nth {
                nth,
                weekday,
                month,
            } => Date::new(year, month, 1)
                .ok()?
                .nth_weekday_of_month(nth, weekday)
                .ok(),
            Self::Easter => easter(year),
        }
    }
}

/// The first year of the Gregorian reckoning of Easter.
const GREGORIAN: i16 = 1583;

/// Easter Sunday of the western churches, by the rule that J. Meeus gives in "Astronomical Algorithms", chapter 8.
fn easter(year: i16) -> Option<Date> {
    if year < GREGORIAN {
        return None;
    }
    let whole = i32::from(year);
    let (golden, century, of_century) = (whole % 19, whole / 100, whole % 100);
    let skipped_leap_days = century - century / 4;
    let moon = (century + 8) / 25;
    let epact = (19 * golden + skipped_leap_days - (century - moon + 1) / 3 + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let since_march = epact + to_sunday - 7 * late + 114;
    let (month, day) = (since_march / 31, since_march % 31 + 1);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_is_where_the_churches_keep_it() {
        // Dates of the United States Census Bureau's table, with the earliest and the latest possible.
        let known = [
            (1818, 3, 22),
            (1943, 4, 25),
            (2000, 4, 23),
            (2019, 4, 21),
            (2020, 4, 12),
            (2021, 4, 4),
            (2022, 4, 17),
            (2023, 4, 9),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2028, 4, 16),
            (2038, 4, 25),
        ];
        for (year, month, day) in known {
            assert_eq!(easter(year), Some(date(year, month, day)), "{year}");
        }
        assert_eq!(easter(1582), None);
    }

    #[test]
    fn a_saturday_in_january_can_be_kept_in_december() {
        let new_year = Rule {
            anchor: Anchor::Fixed { month: 1, day: 1 },
            plus: 0,
            saturday: Moved::Friday,
            sunday: Moved::Monday,
            since: i16::MIN,
            until: i16::MAX,
        };
        assert!(new_year.falls_on(date(2021, 12, 31)));
        assert!(!new_year.falls_on(date(2022, 1, 1)));
        assert!(new_year.falls_on(date(2023, 1, 2)));
    }
}
