//! Waits in fields and bodies, and what says nothing.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::classify::recorded::Recorded;

const NOW: &str = "2026-11-22T12:00:00Z";

fn limited(fields: &[(&str, &str)], body: &str) -> Recorded {
    let mut recorded = Recorded {
        status: Some(429),
        body: body.to_owned().into(),
        ..Recorded::default()
    };
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        recorded
            .headers
            .insert(name, HeaderValue::from_str(value).unwrap());
    }
    recorded
}

#[track_caller]
fn check(recorded: &Recorded, expected: Option<u64>) {
    let now = NOW.parse().ok();
    assert_eq!(
        of(&recorded.exchange(), FaultClass::RateLimit, now),
        expected.map(Duration::from_secs),
        "{:?} {:?}",
        recorded.headers,
        recorded.body
    );
}

#[test]
fn retry_after_comes_first() {
    check(
        &limited(&[("retry-after", "7"), ("x-ratelimit-reset", "90")], ""),
        Some(7),
    );
    check(
        &limited(&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")], ""),
        Some(30),
    );
    check(
        &limited(&[("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT")], ""),
        Some(0),
    );
    check(
        &limited(&[("retry-after", "soon"), ("x-ratelimit-reset", "90")], ""),
        Some(90),
    );
}

#[test]
fn the_fields_of_a_budget_are_read_in_all_their_forms() {
    check(
        &limited(&[("ratelimit", "\"default\";r=0;t=30")], ""),
        Some(30),
    );
    check(
        &limited(&[("ratelimit", "limit=10, remaining=0, reset=20")], ""),
        Some(20),
    );
    check(&limited(&[("ratelimit-reset", "15")], ""), Some(15));
    check(&limited(&[("x-ratelimit-reset-after", "5")], ""), Some(5));
    // 2026-11-22T12:01:00Z, in seconds and in milliseconds, and a moment long past
    check(
        &limited(&[("x-ratelimit-reset", "1795348860")], ""),
        Some(60),
    );
    check(
        &limited(&[("x-ratelimit-reset", "1795348860000")], ""),
        Some(60),
    );
    check(
        &limited(&[("x-ratelimit-reset", "1600000000")], ""),
        Some(0),
    );
    check(
        &limited(&[("x-ratelimit-reset", "9999999999")], ""),
        Some(MAX_WAIT.as_secs()),
    );
    for nonsense in ["-1", "NaN", "inf", "never", "", "1e999"] {
        check(&limited(&[("x-ratelimit-reset", nonsense)], ""), None);
    }
}

#[test]
fn a_budget_says_nothing_about_other_faults() {
    let recorded = limited(&[("x-ratelimit-reset", "90")], "try again in 5 minutes");
    assert_eq!(
        of(&recorded.exchange(), FaultClass::NotFound, NOW.parse().ok()),
        None
    );
}

#[test]
fn without_a_clock_only_spans_are_read() {
    let read = |fields: &[(&str, &str)]| {
        of(
            &limited(fields, "").exchange(),
            FaultClass::QuotaExceeded,
            None,
        )
    };
    assert_eq!(read(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
    assert_eq!(
        read(&[("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")]),
        None
    );
    assert_eq!(read(&[("x-ratelimit-reset", "1795348860")]), None);
}

#[test]
fn a_body_may_say_it_under_a_key() {
    check(&limited(&[], r#"{"error":{"retry_after":12}}"#), Some(12));
    check(&limited(&[], r#"{"retryAfterMs":"2000"}"#), Some(2));
    check(&limited(&[], r#"{"retry_after":0}"#), None);
    check(&limited(&[], r#"{"retry_after":"later"}"#), None);
}

#[test]
fn a_body_may_say_it_in_words() {
    check(&limited(&[], "Please try again in one minute."), Some(60));
    check(
        &limited(
            &[],
            r#"{"message":"Rate limit exceeded, retry in 3 seconds."}"#,
        ),
        Some(3),
    );
    check(&limited(&[], "Wait 2 hours"), Some(7200));
    check(
        &limited(&[], "You are out of credits for the current minute"),
        Some(60),
    );
    check(&limited(&[], "IP banned until 1795348920000."), Some(120));
    check(&limited(&[], "IP banned until 1600000000000"), Some(0));
    check(&limited(&[], "Try again tomorrow"), Some(43_200));
    check(
        &limited(
            &[],
            "after 99999999999999999999 seconds, in the end, for a while",
        ),
        None,
    );
    check(
        &limited(&[], "in 4294967295 days"),
        Some(MAX_WAIT.as_secs()),
    );
}

proptest! {
    #[test]
    fn no_words_make_it_panic(field in "[ -~]{0,40}", body in "(in|after|until|wait|for)? ?[0-9]{0,25} ?(seconds|days|hours)? ?.{0,40}") {
        for name in ["retry-after", "ratelimit", "x-ratelimit-reset"] {
            let wait = of(&limited(&[(name, &field)], &body).exchange(), FaultClass::RateLimit, NOW.parse().ok());
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_WAIT));
        }
    }
}
