//! The holidays and early closes of the New York Stock Exchange as it published them, for every day of six years; where
//! holidays on weekends are kept; changes of the clocks; the week of currencies; calendars of users; and that no span is negative, nor any moment too far.

use jiff::{ToSpan, civil::date};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[track_caller]
fn named(name: &str) -> Calendar {
    Calendars::built_in().named(name).unwrap().clone()
}

fn weekly(calendar: &Calendar) -> &Weekly {
    match &calendar.hours {
        Hours::Weekly(weekly) => weekly,
        Hours::Always => panic!("always open"),
    }
}

/// The first and the last local time of a day's sessions.
fn hours(calendar: &Calendar, date: Date) -> Option<(Time, Time)> {
    let local = |at: Timestamp| calendar.zone.to_datetime(at).time();
    let mut openings = weekly(calendar).on(date, &calendar.zone);
    let opening = openings.next()?;
    Some((local(opening.from), local(opening.to)))
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// Of <https://www.nyse.com/markets/hours-calendars>, as announced on 27 December 2021 and 8 November 2024; 9 January 2025 was
/// announced on 30 December 2024.
const CLOSED: &[&str] = &[
    // No New Year's Day in 2022: 1 January was a Saturday.
    "2022-01-17",
    "2022-02-21",
    "2022-04-15",
    "2022-05-30",
    "2022-06-20",
    "2022-07-04",
    "2022-09-05",
    "2022-11-24",
    "2022-12-26",
    "2023-01-02",
    "2023-01-16",
    "2023-02-20",
    "2023-04-07",
    "2023-05-29",
    "2023-06-19",
    "2023-07-04",
    "2023-09-04",
    "2023-11-23",
    "2023-12-25",
    "2024-01-01",
    "2024-01-15",
    "2024-02-19",
    "2024-03-29",
    "2024-05-27",
    "2024-06-19",
    "2024-07-04",
    "2024-09-02",
    "2024-11-28",
    "2024-12-25",
    "2025-01-01",
    "2025-01-09",
    "2025-01-20",
    "2025-02-17",
    "2025-04-18",
    "2025-05-26",
    "2025-06-19",
    "2025-07-04",
    "2025-09-01",
    "2025-11-27",
    "2025-12-25",
    "2026-01-01",
    "2026-01-19",
    "2026-02-16",
    "2026-04-03",
    "2026-05-25",
    "2026-06-19",
    "2026-07-03",
    "2026-09-07",
    "2026-11-26",
    "2026-12-25",
    "2027-01-01",
    "2027-01-18",
    "2027-02-15",
    "2027-03-26",
    "2027-05-31",
    "2027-06-18",
    "2027-07-05",
    "2027-09-06",
    "2027-11-25",
    "2027-12-24",
];

/// Days that close at 13:00, of the same lists.
const EARLY: &[&str] = &[
    "2022-11-25",
    "2023-07-03",
    "2023-11-24",
    "2024-07-03",
    "2024-11-29",
    "2024-12-24",
    "2025-07-03",
    "2025-11-28",
    "2025-12-24",
    "2026-11-27",
    "2026-12-24",
    "2027-11-26",
];

#[test]
fn the_exchange_keeps_the_days_that_it_published_and_no_others() {
    let nyse = named("us_equities");
    let open = date(1, 1, 1).at(9, 30, 0, 0).time();
    let mut today = date(2022, 1, 1);
    while today < date(2028, 1, 1) {
        let written = today.to_string();
        let is_weekend = today.weekday().to_monday_zero_offset() >= 5;
        let close = if EARLY.contains(&written.as_str()) {
            13
        } else {
            16
        };
        let expected = (!is_weekend && !CLOSED.contains(&written.as_str()))
            .then(|| (open, jiff::civil::time(close, 0, 0, 0)));
        assert_eq!(hours(&nyse, today), expected, "{today}");
        today = today.tomorrow().unwrap();
    }
}

#[test]
fn a_holiday_on_a_weekend_is_kept_where_the_exchange_kept_it() {
    let nyse = named("us_equities");
    for open in [
        "2010-12-31",
        "2021-12-31",
        "2021-06-18",
        "2021-07-02",
        "2021-12-23",
        "2015-07-02",
        "2027-12-31",
    ] {
        let (_, close) = hours(&nyse, day(open)).expect(open);
        assert_eq!(close.hour(), 16, "{open}");
    }
    for closed in [
        "2015-07-03",
        "2017-01-02",
        "2018-12-05",
        "2020-07-03",
        "2021-07-05",
        "2021-12-24",
        "2022-06-20",
    ] {
        assert_eq!(hours(&nyse, day(closed)), None, "{closed}");
    }
}

#[test]
fn treasury_yields_have_the_days_of_the_bond_market() {
    let rates = named("us_rates");
    for closed in [
        "2023-10-09",
        "2024-03-29",
        "2024-10-14",
        "2024-11-11",
        "2025-11-11",
        "2026-07-03",
        "2021-12-24",
        "2022-12-26",
        // A Sunday's 11 November is kept on the Monday.
        "2018-11-12",
    ] {
        assert_eq!(hours(&rates, day(closed)), None, "{closed}");
    }
    for open in [
        "2021-12-31",
        "2023-11-10",
        "2025-01-09",
        "2024-07-03",
        "2024-12-24",
        "2024-11-29",
    ] {
        assert!(hours(&rates, day(open)).is_some(), "{open}");
    }
}

#[test]
fn sessions_follow_the_clocks_of_the_market() {
    let nyse = named("us_equities");
    let opens = |text: &str| {
        let open = at(text);
        nyse.is_open(open) && !nyse.is_open(open.checked_sub(1.nanosecond()).unwrap())
    };
    assert!(opens("2024-03-08T14:30:00Z"));
    assert!(opens("2024-03-11T13:30:00Z"));
    assert!(opens("2024-11-01T13:30:00Z"));
    assert!(opens("2024-11-04T14:30:00Z"));
    assert!(
        !nyse.is_open(at("2024-03-11T20:00:00Z")),
        "shut at its close"
    );
    for monday in [
        "2024-03-04T00:00:00Z",
        "2024-03-11T00:00:00Z",
        "2024-11-04T00:00:00Z",
    ] {
        let monday = at(monday);
        let week = nyse.open_between(monday, monday.checked_add(168.hours()).unwrap());
        assert_eq!(week, minutes(5 * 390), "{monday}");
    }
}

#[test]
fn a_session_over_a_change_of_the_clocks_is_as_long_as_it_was() {
    let text = r#"
- name: night
  zone: America/New_York
  sessions: [{ days: [sat], open: "20:00", close: "08:00" }]
"#;
    let calendars = Calendars::default().with(text).unwrap();
    let night = calendars.named("night").unwrap();
    for (friday, hours) in [("2024-03-01", 12), ("2024-03-08", 11), ("2024-11-01", 13)] {
        let from = at(&format!("{friday}T12:00:00Z"));
        let open = night.open_between(from, from.checked_add(96.hours()).unwrap());
        assert_eq!(open, SignedDuration::from_hours(hours), "{friday}");
    }
}

#[test]
fn currencies_rest_from_friday_to_sunday_at_five() {
    let fx = named("fx");
    for (moment, open) in [
        ("2024-01-05T21:59:59Z", true),
        ("2024-01-05T22:00:00Z", false),
        ("2024-01-06T12:00:00Z", false),
        ("2024-01-07T21:59:59Z", false),
        ("2024-01-07T22:00:00Z", true),
        ("2024-01-08T22:00:00Z", true),
        // In summer five o'clock is an hour earlier.
        ("2024-07-05T20:59:59Z", true),
        ("2024-07-05T21:00:00Z", false),
        ("2024-07-07T21:00:00Z", true),
        ("2024-12-24T21:59:59Z", true),
        ("2024-12-25T12:00:00Z", false),
        ("2024-12-25T22:00:00Z", true),
    ] {
        assert_eq!(fx.is_open(at(moment)), open, "{moment}");
    }
    let week = fx.open_between(at("2024-03-09T00:00:00Z"), at("2024-03-16T00:00:00Z"));
    assert_eq!(week, SignedDuration::from_hours(120));
    let friday = day("2024-01-05");
    assert_eq!(fx.sessions_between(friday, at("2024-01-08T21:59:59Z")), 0);
    assert_eq!(fx.sessions_between(friday, at("2024-01-08T22:00:00Z")), 1);
}

#[test]
fn only_sessions_that_have_ended_are_counted() {
    let nyse = named("us_equities");
    let friday = day("2025-08-29");
    for (now, sessions) in [
        ("2025-08-29T23:00:00Z", 0),
        ("2025-08-31T12:00:00Z", 0),
        ("2025-09-01T23:00:00Z", 0), // Labor Day
        ("2025-09-02T19:59:59Z", 0),
        ("2025-09-02T20:00:00Z", 1),
        ("2025-09-03T20:00:00Z", 2),
        ("2025-08-01T12:00:00Z", 0),
    ] {
        assert_eq!(nyse.sessions_between(friday, at(now)), sessions, "{now}");
    }
    // Thanksgiving, and the early close after it.
    assert_eq!(
        nyse.sessions_between(day("2025-11-26"), at("2025-11-28T18:00:00Z")),
        1
    );
    let crypto = named("crypto");
    assert_eq!(
        crypto.sessions_between(day("2025-01-04"), at("2025-01-05T23:59:59Z")),
        0
    );
    assert_eq!(
        crypto.sessions_between(day("2025-01-04"), at("2025-01-06T00:00:00Z")),
        1
    );
}

#[test]
fn a_session_with_a_break_is_one_day() {
    let text = r#"
- name: tokyo
  zone: Asia/Tokyo
  sessions:
    - { days: [mon, tue, wed, thu, fri], open: "09:00", close: "11:30" }
    - { days: [mon, tue, wed, thu, fri], open: "12:30", close: "15:30" }
"#;
    let calendars = Calendars::built_in().with(text).unwrap();
    let tokyo = calendars.named("tokyo").unwrap();
    assert!(!tokyo.is_open(at("2024-06-03T03:00:00Z")));
    assert_eq!(
        tokyo.sessions_between(day("2024-05-31"), at("2024-06-03T03:00:00Z")),
        0
    );
    assert_eq!(
        tokyo.sessions_between(day("2024-05-31"), at("2024-06-03T06:30:00Z")),
        1
    );
    let open = tokyo.open_between(at("2024-06-02T23:00:00Z"), at("2024-06-03T12:00:00Z"));
    assert_eq!(open, minutes(330));
}

#[test]
fn a_long_span_is_as_its_first_400_days() {
    let nyse = named("us_equities");
    let (from, to) = (at("2000-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z"));
    let hours = nyse.open_between(from, to).as_hours();
    // 6,037 sessions were held in these 24 years.
    assert!((38_000..40_500).contains(&hours), "{hours}");
    assert!(nyse.more_than(from, to, Duration::from_hours(30_000)));
    assert!(!nyse.more_than(from, to, Duration::from_hours(50_000)));
    assert!(!nyse.more_than(from, to, Duration::MAX));
    assert!(!nyse.more_than(to, from, Duration::ZERO));
}

#[test]
fn all_calendars_are_built_in() {
    let calendars = Calendars::built_in();
    let names: Vec<_> = calendars.names().collect();
    assert_eq!(names, ["always", "crypto", "fx", "us_equities", "us_rates"]);
    let always = calendars.named("always").unwrap();
    let (from, to) = (at("1999-12-31T00:00:00Z"), at("2020-01-01T00:00:00Z"));
    assert_eq!(always.open_between(from, to), to.duration_since(from));
}

#[test]
fn a_users_calendar_replaces_one_of_the_same_name() {
    let text = "- { name: fx, zone: UTC, always: true }";
    let calendars = Calendars::built_in().with(text).unwrap();
    assert!(
        calendars
            .named("fx")
            .unwrap()
            .is_open(at("2024-01-06T12:00:00Z"))
    );
    assert_eq!(calendars.names().count(), 5);
}

fn seconds() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let near = (-20 * 365 * 86_400_i64)..(130 * 365 * 86_400);
    prop_oneof![Just(first), Just(last), first..=last, near]
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_add_up(from in 0..4_000_000_000_i64, first in 0..17_000_000_i64, second in 0..17_000_000_i64) {
        let [a, b, c] = [from, from + first, from + first + second].map(|at| Timestamp::from_second(at).unwrap());
        let calendars = Calendars::built_in();
        for name in calendars.names() {
            let calendar = calendars.named(name).unwrap();
            let whole = calendar.open_between(a, c);
            prop_assert_eq!(calendar.open_between(a, b) + calendar.open_between(b, c), whole, "{}", name);
            let limit = Duration::try_from(whole).unwrap();
            prop_assert!(!calendar.more_than(a, c, limit));
            prop_assert_eq!(calendar.more_than(a, c, limit.saturating_sub(Duration::from_nanos(1))), !whole.is_zero());
        }
    }

    #[test]
    fn no_moment_is_too_far_and_no_span_is_negative(from in seconds(), to in seconds()) {
        let calendars = Calendars::built_in();
        for name in calendars.names() {
            let calendar = calendars.named(name).unwrap();
            let open = calendar.open_between(from, to);
            prop_assert!(!open.is_negative());
            prop_assert!(open <= to.duration_since(from).max(SignedDuration::ZERO));
            prop_assert!(!calendar.is_open(from) || to <= from || !open.is_zero());
            for last in [Date::MIN, Date::MAX, calendar.date(from)] {
                prop_assert!(calendar.sessions_between(last, to) <= 400);
            }
        }
    }
}
