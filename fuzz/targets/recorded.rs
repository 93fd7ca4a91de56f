//! The judge of recorded exchanges, with the rules of every built-in source.
//!
//! An input is a line `STATUS SOURCE METHOD HOST TARGET`, lines `NAME: VALUE` of fields, an empty line, and the body.
#![no_main]

use std::sync::LazyLock;

use healing_core::classify::{Recorded, Sources, judge};
use healing_fuzz::{halves, line};
use http::{HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

static SOURCES: LazyLock<Sources> = LazyLock::new(Sources::built_in);

fuzz_target!(|input: &[u8]| {
    let (first, rest) = line(input);
    let (fields, body) = halves(rest, b"\n\n");
    let first = String::from_utf8_lossy(first);
    let mut words = first.split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    let mut recorded = Recorded {
        status: word().parse().ok(),
        source: Some(word()).filter(|source| !source.is_empty()),
        method: word(),
        host: word(),
        target: word(),
        body: body.to_vec().into(),
        ..Recorded::default()
    };
    for field in fields.split(|byte| *byte == b'\n') {
        let (name, value) = halves(field, b": ");
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            recorded.headers.append(name, value);
        }
    }
    let verdict = judge(&recorded, &SOURCES);
    assert!(!verdict.rule.is_empty());
});
