//! Days joined to weeks and months of the calendar.

use jiff::civil::Date;

use crate::calendar::Session;
use crate::prices::Bar;

/// How many days go in a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    /// So many sessions.
    Days(usize),
    /// So many weeks from Monday.
    Weeks(i64),
    /// So many months from the first of January.
    Months(i64),
}

/// Joins days, oldest first, to bars with the last day of each. The first and the last may be short.
pub(crate) fn join(days: &[(Session, Bar)], period: Period) -> Vec<(Date, Bar)> {
    let mut bars: Vec<(i64, Date, Bar)> = Vec::new();
    for (index, (session, bar)) in days.iter().enumerate() {
        let number = number(index, session.date, period);
        match bars.last_mut() {
            Some((open, last, joined)) if *open == number => {
                *last = session.date;
                joined.high = joined.high.max(bar.high);
                joined.low = joined.low.min(bar.low);
                joined.close = bar.close;
                joined.volume += bar.volume;
            }
            _ => bars.push((number, session.date, *bar)),
        }
    }
    bars.into_iter().map(|(_, last, bar)| (last, bar)).collect()
}

/// Which period a day belongs to, counted from some fixed moment.
fn number(index: usize, date: Date, period: Period) -> i64 {
    match period {
        Period::Days(each) => i64::try_from(index / each.max(1)).unwrap_or_default(),
        Period::Weeks(each) => {
            // Weeks have no number that goes on over the years, so days are counted from a Monday.
            let monday = Date::constant(1900, 1, 1);
            let days = date.duration_since(monday).as_hours() / 24;
            days.div_euclid(7 * each.max(1))
        }
        Period::Months(each) => {
            (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).div_euclid(each.max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Period, join};
    use crate::calendar::Hours;
    use crate::market::Market;
    use jiff::civil::{Date, date};

    fn lasts(period: Period) -> Vec<Date> {
        let market = Market::new(7, Hours::Exchange);
        let asset = market.asset("AAPL").unwrap();
        let now = "2024-04-03T18:00:00Z".parse().unwrap();
        let days = market.days(&asset, (date(2024, 2, 26), date(2024, 4, 3)), now);
        let joined = join(&days, period);
        let volume: u64 = days.iter().map(|(_, bar)| bar.volume).sum();
        assert_eq!(
            joined.iter().map(|(_, bar)| bar.volume).sum::<u64>(),
            volume
        );
        assert_eq!(
            joined.last().unwrap().1.close.to_bits(),
            days.last().unwrap().1.close.to_bits()
        );
        joined.into_iter().map(|(last, _)| last).collect()
    }

    #[test]
    fn weeks_end_on_their_last_session() {
        // The last of March 2024 has no Friday: it was a holiday.
        let fridays = [
            date(2024, 3, 1),
            date(2024, 3, 8),
            date(2024, 3, 15),
            date(2024, 3, 22),
        ];
        let expected = [&fridays[..], &[date(2024, 3, 28), date(2024, 4, 3)]].concat();
        assert_eq!(lasts(Period::Weeks(1)), expected);
    }

    #[test]
    fn months_and_counted_days_are_joined_too() {
        assert_eq!(
            lasts(Period::Months(1)),
            [date(2024, 2, 29), date(2024, 3, 28), date(2024, 4, 3)]
        );
        assert_eq!(
            lasts(Period::Months(3)),
            [date(2024, 3, 28), date(2024, 4, 3)]
        );
        assert_eq!(
            lasts(Period::Days(25)),
            [date(2024, 4, 1), date(2024, 4, 3)]
        );
    }
}
