//! How long a source asks us to wait: in `Retry-After`, in the budget fields, in the body. Never more than seven days.
//!
//! An input is a line for each of `Retry-After`, `Date`, `RateLimit` and `X-RateLimit-Reset`, and the body.
#![no_main]

use std::time::Duration;

use healing_core::classify::{Recorded, Sources, judge};
use healing_fuzz::{add, line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut recorded = Recorded {
        status: Some(429),
        ..Recorded::default()
    };
    let mut rest = input;
    for name in ["retry-after", "date", "ratelimit", "x-ratelimit-reset"] {
        let (value, after) = line(rest);
        if !value.is_empty() {
            add(&mut recorded.headers, name, value);
        }
        rest = after;
    }
    recorded.body = rest.to_vec().into();
    let wait = judge(&recorded, &Sources::none()).wait;
    assert!(wait.is_none_or(|wait| wait <= Duration::from_hours(7 * 24)));
});
