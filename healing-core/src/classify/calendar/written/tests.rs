//! What is said of a text that is no list of calendars.

use super::*;
use crate::classify::calendar::Calendars;

#[track_caller]
fn check_wrong(lines: &str, expected: &str) {
    let text = format!("- name: mine\n{lines}");
    let found = Calendars::built_in().with(&text).unwrap_err().to_string();
    assert_eq!(found, expected);
}

const SESSIONS: &str =
    "  zone: UTC\n  sessions: [{ days: [mon], open: \"09:00\", close: \"17:00\" }]";

#[test]
fn mistakes_are_told_with_the_line_the_key_the_value_and_what_to_write() {
    check_wrong(
        "  zone: New York\n  always: true",
        "line 2: `zone: New York` in calendar `mine`: write a zone of the IANA database, such as America/New_York or UTC",
    );
    check_wrong(
        "  zone: UTC\n  sessions:\n  - { days: [mon, tues], open: \"09:00\", close: \"17:00\" }",
        "line 4: `days: tues` in calendar `mine`: write mon, tue, wed, thu, fri, sat or sun",
    );
    check_wrong(
        "  zone: UTC\n  sessions:\n  - { days: [mon], open: 9am, close: \"17:00\" }",
        "line 4: `open: 9am` in calendar `mine`: write hours and minutes, such as \"09:30\"",
    );
    check_wrong(
        "  zone: UTC\n  sessions:\n  - { days: [mon, tue], open: \"22:00\", close: \"02:00\" }\n  - { days: [tue], open: \"01:00\", close: \"03:00\" }",
        "line 5: `open: 01:00` in calendar `mine`: let no session open before another one has closed",
    );
    check_wrong(
        "  zone: UTC",
        "line 1: `name: mine` in calendar `mine`: give it `sessions` with days, or `always: true`",
    );
    check_wrong(
        &format!("{SESSIONS}\n  always: true"),
        "line 1: `name: mine` in calendar `mine`: leave out either `always: true` or sessions and days",
    );
    check_wrong(
        "  zone: UTC\n  always: true\n- { name: mine, zone: UTC, always: true }",
        "line 4: `name: mine` in calendar `mine`: give each calendar a name of its own",
    );
}

#[test]
fn mistakes_in_days_are_told() {
    for (days, expected) in [
        (
            "holidays: [{ name: A, nth: thrid monday of may }]",
            "`nth: thrid monday of may` in calendar `mine`: write it as `third monday of january` or `last monday of may`",
        ),
        (
            "holidays: [{ name: A, fixed: \"13-01\" }]",
            "`fixed: 13-01` in calendar `mine`: write month and day, such as \"12-25\"",
        ),
        (
            "holidays: [{ name: A, fixed: \"12-25\", easter: 1 }]",
            "`name: A` in calendar `mine`: give the day exactly one of `fixed`, `nth` and `easter`",
        ),
        (
            "holidays: [{ name: A, fixed: \"12-25\", sunday: tuesday }]",
            "`sunday: tuesday` in calendar `mine`: write friday or monday, or leave it out where it is not moved",
        ),
        (
            "closed: [2024-02-30]",
            "`closed: 2024-02-30` in calendar `mine`: write a date, such as 2018-12-05",
        ),
    ] {
        check_wrong(
            &format!("{SESSIONS}\n  {days}"),
            &format!("line 4: {expected}"),
        );
    }
    check_wrong(
        &format!("{SESSIONS}\n  half: [{{ name: A, easter: -1 }}]"),
        "line 1: `name: mine` in calendar `mine`: say with `half_close: \"13:00\"` when its half days end",
    );
}

#[test]
fn an_unknown_key_is_told_with_those_that_there_are() {
    let text = format!("- name: mine\n{SESSIONS}\n  holiday: []");
    let found = Calendars::default().with(&text).unwrap_err();
    let CalendarsError::Form { line: 4, cause } = found else {
        panic!("{found}");
    };
    assert!(
        cause.contains("holiday") && cause.contains("holidays"),
        "{cause}"
    );
    for text in ["a: b", "- [", "calendars: []", "- name: x", "- 1"] {
        let found = Calendars::default().with(text);
        assert!(matches!(found, Err(CalendarsError::Form { .. })), "{text}");
    }
}
