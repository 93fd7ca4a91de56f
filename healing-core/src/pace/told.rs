//! What an answer's fields say of the calls that are left.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use sfv::{BareItem, List, ListEntry, Parser};

/// So many calls, and until they are counted anew, where that is said.
pub(crate) type Told = (u32, Option<Duration>);

const LEFT: [&str; 3] = [
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
];
const RESET: [&str; 4] = [
    "ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
];

/// Numbers below are a span in seconds, those above a moment since 1970.
const MOMENTS_FROM: f64 = 1e9;
/// Moments from here on are in milliseconds.
const MILLIS_FROM: f64 = 1e11;

/// `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10: `"default";r=50;t=30`), else what went before it:
/// `RateLimit-Remaining`, `X-RateLimit-Remaining`. What cannot be read says nothing, as the draft has it.
pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Vec<Told> {
    let limits = headers.get("ratelimit");
    let limits = limits.map_or_else(Vec::new, |value| of_policies(value.as_bytes()));
    if !limits.is_empty() {
        return limits;
    }
    let number = |names: &[&str]| -> Option<f64> {
        let value = names.iter().find_map(|name| headers.get(*name))?;
        value.to_str().ok()?.trim().parse().ok()
    };
    let left = number(&LEFT).and_then(whole);
    let reset = number(&RESET).and_then(|reset| span(reset, now));
    left.map(|left| (left, reset)).into_iter().collect()
}

fn of_policies(value: &[u8]) -> Vec<Told> {
    let Ok(list) = Parser::new(value).parse::<List>() else {
        return Vec::new();
    };
    let items = list.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => Some(item.params),
        ListEntry::InnerList(_) => None,
    });
    let number = |value: Option<&BareItem>| value.and_then(BareItem::as_integer).map(i64::from);
    items
        .filter_map(|params| {
            let left = u32::try_from(number(params.get("r"))?).ok()?;
            let reset = number(params.get("t")).and_then(|t| u64::try_from(t).ok());
            Some((left, reset.map(Duration::from_secs)))
        })
        .collect()
}

fn whole(number: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the bounds that are looked at"
    )]
    (0.0..=f64::from(u32::MAX))
        .contains(&number)
        .then_some(number as u32)
}

fn span(number: f64, now: Timestamp) -> Option<Duration> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    if number < MOMENTS_FROM {
        return Duration::try_from_secs_f64(number).ok();
    }
    let at = if number >= MILLIS_FROM {
        number / 1000.0
    } else {
        number
    };
    let now = now.as_duration().as_secs_f64();
    Duration::try_from_secs_f64((at - now).max(0.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], expected: &[(u32, Option<u64>)]) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let expected: Vec<Told> = expected
            .iter()
            .map(|(left, reset)| (*left, reset.map(Duration::from_secs)))
            .collect();
        assert_eq!(read(&headers, now), expected, "{fields:?}");
    }

    #[test]
    fn every_way_to_say_what_is_left_is_read_and_nonsense_says_nothing() {
        check(
            &[("ratelimit", r#""default";r=50;t=30"#)],
            &[(50, Some(30))],
        );
        check(
            &[("ratelimit", r#""burst";r=9;t=1, "day";r=0;t=3600"#)],
            &[(9, Some(1)), (0, Some(3600))],
        );
        check(&[("ratelimit", r#""default";r=-1"#)], &[]);
        check(&[("x-ratelimit-remaining", "7")], &[(7, None)]);
        check(
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1795608060"),
            ],
            &[(0, Some(1_795_608_060 - 1_795_521_600))],
        );
        check(
            &[
                ("ratelimit", "limit=10, remaining=3"),
                ("ratelimit-remaining", "3"),
                ("ratelimit-reset", "20"),
            ],
            &[(3, Some(20))],
        );
        check(&[("x-ratelimit-remaining", "many")], &[]);
        check(&[("x-ratelimit-remaining", "-3")], &[]);
        check(&[], &[]);
    }
}
