//! `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};

/// The longest wait that is believed. A source that says more is asked again after this.
pub(crate) const MAX_WAIT: Duration = Duration::from_hours(7 * 24);

/// How long the source asks us to wait from `now` on. A date in the past is no wait; what does not parse says nothing.
pub(crate) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_WAIT));
    }
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(MAX_WAIT); // more seconds than fit in 64 bits
    }
    if is_fraction(value) {
        let seconds: f64 = value.parse().ok()?;
        return Some(
            Duration::try_from_secs_f64(seconds).map_or(MAX_WAIT, |wait| wait.min(MAX_WAIT)),
        );
    }
    let until = timestamp(httpdate::parse_http_date(value).ok()?)?;
    // The source's date is read by the source's clock where it shows it: ours may differ.
    let here = date(headers).unwrap_or(now);
    let wait = until.duration_since(here);
    Some(
        Duration::try_from(wait.max(SignedDuration::ZERO))
            .ok()?
            .min(MAX_WAIT),
    )
}

/// Whether it is a number of seconds with a fraction, as some sources write them against the RFC: what they mean is plain.
fn is_fraction(value: &str) -> bool {
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    value
        .split_once('.')
        .is_some_and(|(whole, rest)| !whole.is_empty() && is_digits(whole) && is_digits(rest))
}

/// Whether it says how many seconds, and not until when.
pub(crate) fn is_span(value: &str) -> bool {
    is_fraction(value) || !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    timestamp(httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?)
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, date: Option<&str>, expected: Option<u64>) {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        assert_eq!(
            wait(&headers, now),
            expected.map(Duration::from_secs),
            "{value}"
        );
    }

    #[test]
    fn both_forms_are_read_and_nonsense_says_nothing() {
        check("120", None, Some(120));
        check(" 0 ", None, Some(0));
        check("Sun, 22 Nov 2026 12:01:00 GMT", None, Some(60));
        check("Sun, 22 Nov 2026 11:00:00 GMT", None, Some(0));
        check("soon", None, None);
        check("-5", None, None);
        check("1.5.0", None, None);
        check(".5", None, None);
        check("1e3", None, None);
    }

    #[test]
    fn a_fraction_of_a_second_is_waited_for_though_the_rfc_has_whole_ones() {
        let mut headers = HeaderMap::new();
        for (value, expected) in [("1.5", 1_500), ("0.05", 50), ("2.", 2_000)] {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            let found = wait(&headers, Timestamp::UNIX_EPOCH);
            assert_eq!(found, Some(Duration::from_millis(expected)), "{value}");
        }
        headers.insert(header::RETRY_AFTER, "1209600.5".parse().unwrap());
        assert_eq!(wait(&headers, Timestamp::UNIX_EPOCH), Some(MAX_WAIT));
    }

    #[test]
    fn a_date_is_read_by_the_sources_own_clock() {
        check(
            "Sun, 22 Nov 2026 13:01:00 GMT",
            Some("Sun, 22 Nov 2026 13:00:00 GMT"),
            Some(60),
        );
    }

    #[test]
    fn a_wait_is_capped() {
        check("99999999999999999999999999", None, Some(MAX_WAIT.as_secs()));
        check("1209600", None, Some(MAX_WAIT.as_secs()));
    }
}
