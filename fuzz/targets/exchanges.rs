//! The readers of recorded exchanges: HAR files and lines of JSON.
#![no_main]

use healing_core::classify::Recorded;
use healing_fuzz::exchanges;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let seen = |exchange: Recorded| {
        assert!(
            exchange
                .status
                .is_none_or(|status| (100..=999).contains(&status))
        );
    };
    let _is_har = exchanges::har(input, seen);
    let _flaws = exchanges::lines(input, seen);
});
