//! The series of the lab and their observations.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::calendar::is_trading_day;
use crate::market::Market;
use crate::prices::{Walk, hash, round};

/// How often a series has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Quarterly,
}

/// Where a series' values come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Make {
    /// A walk around a level with so much swing a year, and decimals.
    Walk(f64, f64, i32),
    /// The average of the business days of a month of another series.
    MonthlyMean(&'static str),
    /// One series less another.
    Difference(&'static str, &'static str),
}

/// A series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) units: &'static str,
    pub(crate) frequency: Frequency,
    make: Make,
    /// The last observation of a series that has ended.
    pub(crate) ended: Option<Date>,
}

/// Series that existed and were withdrawn with their licence.
pub(crate) const WITHDRAWN: [&str; 2] = ["USD3MTD156N", "GBP3MTD156N"];

const PERCENT: &str = "Percent";

const fn series(
    id: &'static str,
    title: &'static str,
    (units, frequency): (&'static str, Frequency),
    make: Make,
) -> Series {
    Series {
        id,
        title,
        units,
        frequency,
        make,
        ended: None,
    }
}

const fn treasury(id: &'static str, title: &'static str, level: f64) -> Series {
    series(
        id,
        title,
        (PERCENT, Frequency::Daily),
        Make::Walk(level, 0.15, 2),
    )
}

const fn monthly_treasury(id: &'static str, title: &'static str, daily: &'static str) -> Series {
    series(
        id,
        title,
        (PERCENT, Frequency::Monthly),
        Make::MonthlyMean(daily),
    )
}

/// The first observation date: the lab's series all begin here, on a Monday.
pub(crate) const FIRST: Date = Date::constant(1990, 1, 1);

/// The last day of a London rate that is still served and no longer goes on.
const EURIBOR_END: Date = Date::constant(2020, 1, 31);

const SERIES: &[Series] = &[
    treasury(
        "DGS1",
        "Market Yield on U.S. Treasury Securities at 1-Year Constant Maturity",
        4.6,
    ),
    treasury(
        "DGS2",
        "Market Yield on U.S. Treasury Securities at 2-Year Constant Maturity",
        4.3,
    ),
    treasury(
        "DGS3",
        "Market Yield on U.S. Treasury Securities at 3-Year Constant Maturity",
        4.2,
    ),
    treasury(
        "DGS5",
        "Market Yield on U.S. Treasury Securities at 5-Year Constant Maturity",
        4.1,
    ),
    treasury(
        "DGS7",
        "Market Yield on U.S. Treasury Securities at 7-Year Constant Maturity",
        4.15,
    ),
    treasury(
        "DGS10",
        "Market Yield on U.S. Treasury Securities at 10-Year Constant Maturity",
        4.2,
    ),
    treasury(
        "DGS20",
        "Market Yield on U.S. Treasury Securities at 20-Year Constant Maturity",
        4.5,
    ),
    treasury(
        "DGS30",
        "Market Yield on U.S. Treasury Securities at 30-Year Constant Maturity",
        4.4,
    ),
    treasury(
        "DGS3MO",
        "Market Yield on U.S. Treasury Securities at 3-Month Constant Maturity",
        5.0,
    ),
    treasury(
        "DGS6MO",
        "Market Yield on U.S. Treasury Securities at 6-Month Constant Maturity",
        4.9,
    ),
    treasury("DFF", "Federal Funds Effective Rate", 4.9),
    treasury("DPCREDIT", "Discount Window Primary Credit Rate", 5.2),
    treasury(
        "T5YIFR",
        "5-Year, 5-Year Forward Inflation Expectation Rate",
        2.3,
    ),
    monthly_treasury(
        "GS1",
        "Market Yield on U.S. Treasury Securities at 1-Year, monthly average",
        "DGS1",
    ),
    monthly_treasury(
        "GS2",
        "Market Yield on U.S. Treasury Securities at 2-Year, monthly average",
        "DGS2",
    ),
    monthly_treasury(
        "GS3",
        "Market Yield on U.S. Treasury Securities at 3-Year, monthly average",
        "DGS3",
    ),
    monthly_treasury(
        "GS5",
        "Market Yield on U.S. Treasury Securities at 5-Year, monthly average",
        "DGS5",
    ),
    monthly_treasury(
        "GS7",
        "Market Yield on U.S. Treasury Securities at 7-Year, monthly average",
        "DGS7",
    ),
    monthly_treasury(
        "GS10",
        "Market Yield on U.S. Treasury Securities at 10-Year, monthly average",
        "DGS10",
    ),
    monthly_treasury(
        "GS20",
        "Market Yield on U.S. Treasury Securities at 20-Year, monthly average",
        "DGS20",
    ),
    monthly_treasury(
        "GS30",
        "Market Yield on U.S. Treasury Securities at 30-Year, monthly average",
        "DGS30",
    ),
    monthly_treasury(
        "GS3M",
        "Market Yield on U.S. Treasury Securities at 3-Month, monthly average",
        "DGS3MO",
    ),
    monthly_treasury(
        "GS6M",
        "Market Yield on U.S. Treasury Securities at 6-Month, monthly average",
        "DGS6MO",
    ),
    monthly_treasury(
        "FEDFUNDS",
        "Federal Funds Effective Rate, monthly average",
        "DFF",
    ),
    series(
        "T10Y2Y",
        "10-Year Treasury minus 2-Year Treasury",
        (PERCENT, Frequency::Daily),
        Make::Difference("DGS10", "DGS2"),
    ),
    series(
        "SP500",
        "S&P 500",
        ("Index", Frequency::Daily),
        Make::Walk(5_500.0, 0.25, 2),
    ),
    series(
        "ICSA",
        "Initial Claims",
        ("Number", Frequency::Weekly),
        Make::Walk(225_000.0, 0.1, 0),
    ),
    series(
        "UNRATE",
        "Unemployment Rate",
        (PERCENT, Frequency::Monthly),
        Make::Walk(4.1, 0.1, 1),
    ),
    series(
        "PAYEMS",
        "All Employees, Total Nonfarm",
        ("Thousands of Persons", Frequency::Monthly),
        Make::Walk(158_000.0, 0.02, 0),
    ),
    series(
        "CPIAUCSL",
        "Consumer Price Index for All Urban Consumers",
        ("Index 1982-1984=100", Frequency::Monthly),
        Make::Walk(314.0, 0.04, 3),
    ),
    series(
        "JTSJOL",
        "Job Openings: Total Nonfarm",
        ("Level in Thousands", Frequency::Monthly),
        Make::Walk(8_000.0, 0.1, 0),
    ),
    series(
        "GDP",
        "Gross Domestic Product",
        ("Billions of Dollars", Frequency::Quarterly),
        Make::Walk(28_500.0, 0.03, 3),
    ),
    series(
        "PCECC96",
        "Real Personal Consumption Expenditures",
        ("Billions of Chained 2017 Dollars", Frequency::Quarterly),
        Make::Walk(15_800.0, 0.03, 3),
    ),
    Series {
        ended: Some(EURIBOR_END),
        ..treasury(
            "EUR3MTD156N",
            "3-Month London Interbank Offered Rate, Euro (discontinued)",
            0.4,
        )
    },
];

impl Frequency {
    pub(crate) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Daily => ("Daily", "D"),
            Self::Weekly => ("Weekly, Ending Saturday", "W"),
            Self::Monthly => ("Monthly", "M"),
            Self::Quarterly => ("Quarterly", "Q"),
        }
    }

    /// Days from the date of an observation to its publication, about as long as in truth.
    fn delay(self) -> i32 {
        match self {
            Self::Daily => 1,
            Self::Weekly => 5,
            Self::Monthly => 31 + 10,
            Self::Quarterly => 91 + 28,
        }
    }

    /// The `n`-th observation date since [`FIRST`], from 0.
    fn date(self, n: i64) -> Date {
        let days = |days: i64| FIRST.checked_add(days.days());
        let months = |months: i64| FIRST.checked_add(months.months());
        let date = match self {
            // The first day is a Monday, and weekends have no observation.
            Self::Daily => days(n / 5 * 7 + n % 5),
            Self::Weekly => days(n * 7 + 5),
            Self::Monthly => months(n),
            Self::Quarterly => months(n * 3),
        };
        date.unwrap_or(FIRST)
    }

    /// How many observation dates there are up to `date`.
    fn count(self, date: Date) -> i64 {
        let days = date.duration_since(FIRST).as_hours() / 24;
        let months = (i64::from(date.year()) - 1990) * 12 + i64::from(date.month()) - 1;
        match self {
            _ if date < FIRST => 0,
            Self::Daily => days / 7 * 5 + (days % 7 + 1).min(5),
            Self::Weekly => (days + 2) / 7,
            Self::Monthly => months + 1,
            Self::Quarterly => months / 3 + 1,
        }
    }
}

impl Series {
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        SERIES.iter().find(|series| series.id == id)
    }

    /// Dates of published observations between `start` and `end` at `now`, oldest first. Counted, not searched: a series
    /// has thousands of them and most callers want the last few.
    pub(crate) fn dates(
        &'static self,
        market: &Market,
        now: Timestamp,
        (start, end): (Date, Date),
    ) -> impl DoubleEndedIterator<Item = Date> + ExactSizeIterator {
        let today = market.calendar.central(now).date();
        let newest = today
            .checked_sub(self.frequency.delay().days())
            .unwrap_or(today);
        let end = self
            .ended
            .map_or(newest, |ended| ended.min(newest))
            .min(end);
        let before = start
            .yesterday()
            .map_or(0, |date| self.frequency.count(date));
        // A range of `i32` knows its length; an observation number is far below that.
        let number = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        (number(before)..number(self.frequency.count(end)))
            .map(|n| self.frequency.date(i64::from(n)))
    }

    /// All dates of published observations at `now`, newest first.
    pub(crate) fn dates_back(
        &'static self,
        market: &Market,
        now: Timestamp,
    ) -> impl Iterator<Item = Date> {
        self.dates(market, now, (FIRST, Date::MAX)).rev()
    }

    /// The value of a date as FRED writes it; `.` on a holiday of a daily series.
    pub(crate) fn value(&self, market: &Market, date: Date) -> String {
        if self.frequency == Frequency::Daily && !is_trading_day(date) {
            return ".".to_owned();
        }
        let places = match self.make {
            Make::Walk(_, _, places) => places,
            Make::MonthlyMean(_) | Make::Difference(..) => 2,
        };
        let places = usize::try_from(places).unwrap_or(2);
        format!("{:.places$}", self.number(market, date))
    }

    fn number(&self, market: &Market, date: Date) -> f64 {
        match self.make {
            Make::Walk(level, swing, places) => {
                let walk = Walk {
                    seed: hash(market.seed, self.id),
                    level,
                    swing,
                };
                let noon = market.calendar.eastern_instant(date, 12, 0);
                round(walk.at(noon.as_millisecond()), places)
            }
            Make::MonthlyMean(daily) => {
                let Some(daily) = Self::find(daily) else {
                    return 0.0;
                };
                let days =
                    std::iter::successors(Some(date.first_of_month()), |day| day.tomorrow().ok());
                let days = days
                    .take_while(|day| day.month() == date.month())
                    .filter(|day| is_trading_day(*day));
                let (sum, count) = days.fold((0.0, 0.0), |(sum, count), day| {
                    (sum + daily.number(market, day), count + 1.0)
                });
                sum / f64::max(count, 1.0)
            }
            Make::Difference(minuend, subtrahend) => {
                let of = |id| Self::find(id).map_or(0.0, |series| series.number(market, date));
                of(minuend) - of(subtrahend)
            }
        }
    }
}

#[cfg(test)]
mod tests;
