//! Dates and values of the series.

use super::{FIRST, Frequency, Series};
use crate::calendar::Hours;
use crate::market::Market;
use jiff::civil::{Date, date};

fn newest(id: &str, now: &str) -> Option<Date> {
    let market = Market::new(7, Hours::Always);
    Series::find(id)
        .unwrap()
        .dates_back(&market, now.parse().unwrap())
        .next()
}

#[test]
fn observations_are_published_with_the_delay_of_their_frequency() {
    let now = "2024-06-27T15:00:00Z";
    assert_eq!(newest("DGS10", now), Some(date(2024, 6, 26)));
    assert_eq!(newest("ICSA", now), Some(date(2024, 6, 22)));
    assert_eq!(newest("UNRATE", now), Some(date(2024, 5, 1)));
    assert_eq!(newest("GDP", now), Some(date(2024, 1, 1)));
    assert_eq!(newest("EUR3MTD156N", now), Some(date(2020, 1, 31)));
}

#[test]
fn a_holiday_of_a_daily_series_is_a_dot() {
    let market = Market::new(7, Hours::Always);
    let series = Series::find("DGS10").unwrap();
    assert_eq!(series.value(&market, date(2024, 1, 1)), ".");
    assert_ne!(series.value(&market, date(2024, 1, 2)), ".");
}

#[test]
fn the_spread_is_the_difference_of_its_parts() {
    let market = Market::new(7, Hours::Always);
    let value = |id: &str| -> f64 {
        Series::find(id)
            .unwrap()
            .value(&market, date(2024, 3, 6))
            .parse()
            .unwrap()
    };
    assert!((value("T10Y2Y") - (value("DGS10") - value("DGS2"))).abs() < 1e-9);
}

#[test]
fn the_monthly_series_is_the_mean_of_the_business_days() {
    let market = Market::new(7, Hours::Always);
    let daily = Series::find("DGS10").unwrap();
    let business: Vec<f64> = (1..=31)
        .map(|day| date(2024, 5, day))
        .filter(|day| crate::calendar::is_trading_day(*day))
        .map(|day| daily.value(&market, day).parse().unwrap())
        .collect();
    let mean = business.iter().sum::<f64>() / business.len() as f64;
    let monthly = Series::find("GS10")
        .unwrap()
        .value(&market, date(2024, 5, 1));
    assert_eq!(monthly, format!("{mean:.2}"));
}

#[test]
fn numbers_and_dates_of_observations_agree() {
    let all = [
        Frequency::Daily,
        Frequency::Weekly,
        Frequency::Monthly,
        Frequency::Quarterly,
    ];
    for frequency in all {
        for n in [0, 1, 4, 5, 6, 250, 411] {
            let date = frequency.date(n);
            assert_eq!(frequency.count(date), n + 1, "{frequency:?} {date}");
            assert_eq!(
                frequency.count(date.yesterday().unwrap()),
                n,
                "{frequency:?} {date}"
            );
        }
    }
    assert_eq!(Frequency::Daily.count(date(1990, 1, 7)), 5);
    assert_eq!(Frequency::Daily.count(FIRST.yesterday().unwrap()), 0);
}

#[test]
fn the_dates_of_a_span_are_inside_it() {
    let market = Market::new(7, Hours::Always);
    let now = "2024-06-27T15:00:00Z".parse().unwrap();
    let dates = |id: &str, span| -> Vec<Date> {
        Series::find(id)
            .unwrap()
            .dates(&market, now, span)
            .collect()
    };
    let week = (date(2024, 1, 5), date(2024, 1, 9));
    assert_eq!(
        dates("DGS10", week),
        [date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 9)]
    );
    assert_eq!(
        dates("GDP", (date(2023, 2, 1), date(2024, 12, 31))).len(),
        4
    );
    assert!(dates("DGS10", (date(2030, 1, 1), Date::MAX)).is_empty());
}
