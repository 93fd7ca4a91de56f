//! A calendar that somebody wrote, and how long its market was open between two moments.
//!
//! An input is a line with each moment in seconds since 1970, and the calendars in YAML. Where the text is one, time is
//! counted without holes: what is open is never longer than the span, the parts of a span add up, and `more_than` is what
//! counting says.
#![no_main]

use std::time::Duration;

use healing_core::classify::Calendars;
use healing_fuzz::line;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;

/// Within which counting is exact, in days.
const COUNTED: i64 = 400;

fn moment(text: &[u8]) -> Option<Timestamp> {
    let seconds = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

fuzz_target!(|input: &[u8]| {
    let (first, rest) = line(input);
    let (second, text) = line(rest);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let calendars = match Calendars::built_in().with(text) {
        Ok(calendars) => calendars,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (Some(from), Some(to)) = (moment(first), moment(second)) else {
        return;
    };
    for calendar in calendars.names().filter_map(|name| calendars.named(name)) {
        let open = calendar.open_between(from, to);
        let span = to.duration_since(from).max(SignedDuration::ZERO);
        assert!((SignedDuration::ZERO..=span).contains(&open));
        let _sessions = calendar.sessions_between(from.to_zoned(TimeZone::UTC).date(), to);
        if to <= from || span > SignedDuration::from_hours(COUNTED * 24) {
            continue;
        }
        let middle = from + span / 2;
        let parts = calendar.open_between(from, middle) + calendar.open_between(middle, to);
        assert_eq!(parts, open, "a span is its halves");
        let limit = Duration::try_from(open).unwrap_or_default();
        assert!(!calendar.more_than(from, to, limit));
        if !open.is_zero() {
            assert!(calendar.more_than(from, to, limit - Duration::from_nanos(1)));
        }
    }
});
