//! What the fuzz targets share: how an input is taken apart, and the readers of `healing-proxy classify`.

use http::{HeaderMap, HeaderName, HeaderValue};

pub mod exchanges;

/// The first line of an input, and what comes after it.
#[must_use]
pub fn line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (line, rest) = input.split_at(end.unwrap_or(input.len()));
    (line, rest.get(1..).unwrap_or_default())
}

/// What stands before a mark, and what comes after it.
#[must_use]
pub fn halves<'a>(input: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = input.windows(mark.len()).position(|window| window == mark);
    let (first, rest) = input.split_at(at.unwrap_or(input.len()));
    (first, rest.get(mark.len()..).unwrap_or_default())
}

/// Adds a field where its value can be one.
pub fn add(headers: &mut HeaderMap, name: &'static str, value: &[u8]) {
    let value = HeaderValue::from_bytes(value);
    if let (Ok(value), false) = (value, name.is_empty()) {
        headers.append(HeaderName::from_static(name), value);
    }
}
