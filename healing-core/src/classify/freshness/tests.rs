//! The units and the texts in which sources tell moments; ages over weekends and holidays; frequencies of series.

use super::*;
use crate::classify::calendar::Calendars;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn moment(text: &str) -> Moment {
    Moment::At(at(text))
}

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

#[test]
fn numbers_are_moments_since_1970() {
    let expected = Some(at("2024-09-13T20:00:00Z"));
    assert_eq!(Unit::S.read_number(1_726_257_600.0), expected);
    assert_eq!(Unit::Ms.read_number(1_726_257_600_000.0), expected);
    assert_eq!(Unit::Us.read_number(1_726_257_600_000_000.0), expected);
    assert_eq!(Unit::Ns.read_number(1_726_257_600_000_000_000.0), expected);
    assert_eq!(
        Unit::S.read_number(1_726_257_600.5),
        Some(at("2024-09-13T20:00:00.5Z"))
    );
}

#[test]
fn numbers_that_were_never_set_or_are_of_another_unit_say_nothing() {
    for number in [
        0.0,
        -1.0,
        1.0,
        -1_726_257_600.0,
        1e300,
        -1e300,
        f64::NAN,
        f64::INFINITY,
        f64::MIN_POSITIVE,
    ] {
        for unit in [
            Unit::S,
            Unit::Ms,
            Unit::Us,
            Unit::Ns,
            Unit::Date,
            Unit::DateTime,
        ] {
            assert_eq!(unit.read_number(number), None, "{number} {unit:?}");
        }
    }
    assert_eq!(Unit::Ms.read_number(1_726_257_600.0), None);
    assert_eq!(Unit::S.read_number(1_726_257_600_000.0), None);
    assert_eq!(Unit::Ns.read_number(1_726_257_600_000.0), None);
    assert_eq!(Unit::Date.read_number(20_240_913.0), None);
}

#[track_caller]
fn check(text: &str, expected: Option<Moment>) {
    let found = Unit::DateTime.read_text(text, &new_york());
    assert_eq!(found, expected, "{text}");
}

#[test]
fn texts_with_an_offset_are_moments() {
    for (text, expected) in [
        ("2024-09-13T20:00:00Z", "2024-09-13T20:00:00Z"),
        ("2024-09-13T20:00:00.123+00:00", "2024-09-13T20:00:00.123Z"),
        ("2024-09-13T20:00:00+0000", "2024-09-13T20:00:00Z"),
        ("2024-09-13T16:00-04:00", "2024-09-13T20:00:00Z"),
        ("2024-06-26 09:03:02-05", "2024-06-26T14:03:02Z"),
        ("2024-09-13 20:00:00 UTC", "2024-09-13T20:00:00Z"),
        ("Fri Oct 14 00:00:00 UTC-04:00 2016", "2016-10-14T04:00:00Z"),
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24Z"),
        ("Sun, 22 Nov 2026 12:01:00 GMT", "2026-11-22T12:01:00Z"),
        ("Fri, 13 Sep 2024 16:00:00 -0400", "2024-09-13T20:00:00Z"),
        (" 1726257600 ", "2024-09-13T20:00:00Z"),
        ("1726257600000", "2024-09-13T20:00:00Z"),
    ] {
        check(text, Some(moment(expected)));
    }
}

#[test]
fn texts_without_an_offset_are_of_the_zone() {
    for (text, expected) in [
        ("2024-01-02 15:04:05", "2024-01-02T20:04:05Z"),
        ("2024-01-02T15:04", "2024-01-02T20:04:00Z"),
        ("2024-01-02 15:04", "2024-01-02T20:04:00Z"),
        ("2024-07-02T15:04:05.25", "2024-07-02T19:04:05.25Z"),
        ("20240102T150405", "2024-01-02T20:04:05Z"),
    ] {
        check(text, Some(moment(expected)));
    }
}

#[test]
fn texts_without_a_time_are_days() {
    for (text, expected) in [
        ("2024-09-13", date(2024, 9, 13)),
        ("20240913", date(2024, 9, 13)),
        ("2024", date(2024, 1, 1)),
        ("2024-05", date(2024, 5, 1)),
        ("2024M05", date(2024, 5, 1)),
        ("2024Q3", date(2024, 7, 1)),
        ("2024-Q4", date(2024, 10, 1)),
    ] {
        check(text, Some(Moment::Day(expected)));
    }
}

#[test]
fn a_day_is_as_it_is_written() {
    for text in [
        "2024-09-13",
        "2024-09-13T00:00:00.000Z",
        "2024-09-13 16:00:00",
        "2024-09-13T23:59:59+09:00",
        "Fri, 13 Sep 2024 00:00:00 GMT",
    ] {
        let found = Unit::Date.read_text(text, &new_york());
        assert_eq!(found, Some(Moment::Day(date(2024, 9, 13))), "{text}");
    }
}

#[test]
fn texts_that_are_no_moment_say_nothing() {
    for text in [
        "",
        " ",
        ".",
        "N/A",
        "None",
        "0",
        "-",
        "null",
        "0000-00-00",
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        "1970-01-01",
        "1970-01-01T00:00:00Z",
        "9999-12-31",
        "2024-13-01",
        "2024-02-30",
        "2024Q5",
        "2024Q0",
        "2024Q99",
        "12",
        "é2024",
        "24é4",
        "99999999999999999999",
        "UTC",
        "GMT",
        "2024-09-13T25:00:00Z",
        "15:04:05",
        "yesterday",
    ] {
        for unit in [
            Unit::S,
            Unit::Ms,
            Unit::Us,
            Unit::Ns,
            Unit::Date,
            Unit::DateTime,
        ] {
            assert_eq!(unit.read_text(text, &new_york()), None, "{text} {unit:?}");
        }
    }
    assert_eq!(Unit::S.read_text("inf", &new_york()), None);
    assert_eq!(Unit::Ms.read_text("2024-09-13", &new_york()), None);
    assert_eq!(
        Unit::Ms.read_text("1726257600000", &new_york()),
        Some(moment("2024-09-13T20:00:00Z"))
    );
}

#[test]
fn the_later_of_two_is_the_newest() {
    let (early, late) = (
        moment("2024-09-12T20:00:00Z"),
        moment("2024-09-13T00:00:00Z"),
    );
    let day = Moment::Day(date(2024, 9, 13));
    assert_eq!(early.later(late), late);
    assert_eq!(late.later(early), late);
    assert_eq!(early.later(day), day);
    assert_eq!(
        day.later(moment("2024-09-13T00:00:01Z")),
        moment("2024-09-13T00:00:01Z")
    );
}

#[track_caller]
fn check_stale(calendar: &str, newest: Moment, allowed: Allowed, moments: &[(&str, bool)]) {
    let calendars = Calendars::built_in();
    let calendar = calendars.named(calendar).unwrap();
    for (now, expected) in moments {
        let found = is_stale(&newest, at(now), calendar, &allowed);
        assert_eq!(found, *expected, "{now}");
    }
}

const AN_HOUR: Allowed = Allowed {
    max_age: Some(Duration::from_hours(1)),
    sessions: None,
};

const ONE_SESSION: Allowed = Allowed {
    max_age: None,
    sessions: Some(1),
};

#[test]
fn a_price_ages_only_while_the_market_is_open() {
    // Labor Day weekend: from Friday at 15:59 to Tuesday at 10:29 are sixty minutes.
    let friday = moment("2025-08-29T19:59:00Z");
    check_stale(
        "us_equities",
        friday,
        AN_HOUR,
        &[
            ("2025-08-29T20:30:00Z", false),
            ("2025-08-30T12:00:00Z", false),
            ("2025-09-01T18:00:00Z", false),
            ("2025-09-02T14:29:00Z", false),
            ("2025-09-02T14:29:01Z", true),
            ("2031-01-01T00:00:00Z", true),
            ("2025-08-01T00:00:00Z", false),
        ],
    );
    check_stale(
        "crypto",
        friday,
        AN_HOUR,
        &[
            ("2025-08-29T20:59:00Z", false),
            ("2025-08-29T21:00:00Z", true),
        ],
    );
    check_stale(
        "us_equities",
        friday,
        Allowed::default(),
        &[("2031-01-01T00:00:00Z", false)],
    );
}

#[test]
fn a_daily_point_ages_by_sessions() {
    // Thursday's yield is published on Friday, Friday's on the Tuesday after Labor Day.
    check_stale(
        "us_rates",
        Moment::Day(date(2025, 8, 28)),
        ONE_SESSION,
        &[
            ("2025-08-29T20:00:00Z", false),
            ("2025-08-31T12:00:00Z", false),
            ("2025-09-01T23:59:00Z", false),
            ("2025-09-02T13:00:00Z", false),
            ("2025-09-02T21:00:00Z", true),
            ("2025-09-30T12:00:00Z", true),
        ],
    );
    // A bar of a day that is told by the moment of its opening.
    check_stale(
        "us_equities",
        moment("2025-08-28T04:00:00Z"),
        ONE_SESSION,
        &[
            ("2025-09-02T13:00:00Z", false),
            ("2025-09-02T20:00:00Z", true),
        ],
    );
}

#[test]
fn both_limits_hold_where_both_are_given() {
    let both = Allowed {
        sessions: Some(9),
        ..AN_HOUR
    };
    let friday = Moment::Day(date(2025, 8, 29));
    check_stale(
        "us_rates",
        friday,
        both,
        &[
            ("2025-08-30T05:00:00Z", false),
            ("2025-08-30T05:00:01Z", true),
        ],
    );
}

#[test]
fn a_series_is_as_old_as_its_frequency_lets_it_be() {
    let check = |frequency: Frequency, day: Date, moments: &[(&str, bool)]| {
        check_stale("us_rates", Moment::Day(day), frequency.allowed(), moments);
    };
    check(
        Frequency::Daily,
        date(2024, 5, 31),
        &[
            ("2024-06-03T23:00:00Z", false),
            ("2024-06-27T10:13:25Z", true),
        ],
    );
    check(
        Frequency::Weekly,
        date(2024, 1, 1),
        &[
            ("2024-02-27T12:00:00Z", false),
            ("2024-03-27T12:00:00Z", true),
        ],
    );
    check(
        Frequency::Monthly,
        date(2024, 1, 1),
        &[
            ("2024-04-30T12:00:00Z", false),
            ("2024-06-30T12:00:00Z", true),
        ],
    );
    check(
        Frequency::Quarterly,
        date(2023, 10, 1),
        &[
            ("2024-04-01T12:00:00Z", false),
            ("2024-10-01T12:00:00Z", true),
        ],
    );
    check(
        Frequency::Annual,
        date(2022, 1, 1),
        &[
            ("2024-06-01T12:00:00Z", false),
            ("2025-06-01T12:00:00Z", true),
        ],
    );
}
