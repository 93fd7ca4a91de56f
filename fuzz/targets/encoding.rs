//! Content codings: undone within the bound, or said not to be.
//!
//! An input is a line with the codings, and the body.
#![no_main]

use healing_core::classify::plain_body;
use healing_fuzz::{add, line};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (codings, body) = line(input);
    let mut headers = HeaderMap::new();
    add(&mut headers, "content-encoding", codings);
    if let Ok(plain) = plain_body(&headers, body.to_vec().into()) {
        assert!(plain.len() <= 8 * 1024 * 1024);
    }
});
