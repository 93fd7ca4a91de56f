//! What may be written down of a request. Secrets are taken out when a value is built, not when it is printed.

use http::Uri;
use serde_json::{Map, Value};

/// What stands in place of a value that may not be written down.
pub const REDACTED: &str = "REDACTED";

/// Parameters whose short values tell something and hide nothing.
const HARMLESS: &[&str] = &[
    "symbol",
    "symbols",
    "ticker",
    "tickers",
    "series_id",
    "series",
    "id",
    "interval",
    "range",
    "limit",
    "offset",
    "page",
    "function",
    "outputsize",
    "datatype",
    "file_type",
    "sort",
    "sort_order",
    "from",
    "to",
    "start",
    "end",
    "adjusted",
    "market",
    "currency",
    "base",
    "days",
];

/// The longest value that may be written down even of a harmless parameter: room for a date or a series, none for a key.
const MAX_VALUE: usize = 12;

/// The most parameters that are written down.
const MAX_PARAMS: usize = 16;

/// The longest name that is written down.
const MAX_NAME: usize = 24;

/// The parameters of a query, masked but for a short list of harmless names with short values.
///
/// ```
/// let params = healing_core::redacted_params(Some("series_id=DGS10&api_key=abcdef"));
/// assert_eq!(params, serde_json::json!({ "series_id": "DGS10", "api_key": "REDACTED" }));
/// ```
#[must_use]
pub fn redacted_params(query: Option<&str>) -> Value {
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(MAX_PARAMS);
    let masked: Map<String, Value> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((REDACTED, ""));
            let shown = if is_harmless(name, value) {
                value
            } else {
                REDACTED
            };
            let name = if is_plain_word(name) { name } else { REDACTED };
            (name.to_owned(), Value::from(shown))
        })
        .collect();
    Value::Object(masked)
}

/// A path and its query, for a list: segments that are words or as short as a symbol or a date, parameters as everywhere.
pub(crate) fn redacted_target(uri: &Uri) -> String {
    let shown = |segment: &str| {
        let is_shown = segment.is_empty() || is_plain_word(segment) || is_short(segment);
        if is_shown { segment } else { REDACTED }.to_owned()
    };
    let path: Vec<String> = uri.path().split('/').map(shown).collect();
    with_parameters(path.join("/"), uri)
}

/// A path and its query, for the field `Content-Location`: what could be a secret is masked, names stay.
pub(crate) fn redacted_location(uri: &Uri) -> String {
    let shown = |segment: &str| {
        if segment.len() > MAX_NAME {
            REDACTED
        } else {
            segment
        }
        .to_owned()
    };
    let path: Vec<String> = uri.path().split('/').map(shown).collect();
    with_parameters(path.join("/"), uri)
}

fn with_parameters(mut location: String, uri: &Uri) -> String {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut mark = '?';
    for pair in pairs.filter(|pair| !pair.is_empty()).take(MAX_PARAMS) {
        let (name, value) = pair.split_once('=').unwrap_or((REDACTED, ""));
        let name = if is_plain_word(name) { name } else { REDACTED };
        let value = if is_harmless(name, value) || is_day(value) {
            value
        } else {
            REDACTED
        };
        location.push(mark);
        location.extend([name, "=", value]);
        mark = '&';
    }
    location
}

/// A day as ISO 8601 writes it: nothing to hide.
fn is_day(value: &str) -> bool {
    value.len() == 10
        && value.bytes().enumerate().all(|(n, byte)| match n {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Whether a path segment may be shown as it is: a plain word, not a value. Anything that could be a token, a key or a
/// name of somebody's becomes a parameter.
pub(crate) fn is_plain_word(segment: &str) -> bool {
    let letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let upper = segment.bytes().filter(u8::is_ascii_uppercase).count();
    letters > 0
        && segment.len() <= MAX_NAME
        && digits <= 2
        && (upper <= 1 || segment.len() <= 4)
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

fn is_harmless(name: &str, value: &str) -> bool {
    HARMLESS.contains(&name) && is_short(value)
}

/// Whether a value is too short and too plain to be a key.
fn is_short(value: &str) -> bool {
    value.len() <= MAX_VALUE
        && value.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b',' | b'^' | b'=')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_masked_unless_its_name_is_harmless_and_it_is_short() {
        let query =
            "symbol=AAPL&token=x&symbol2=Y&limit=0123456789abcdef&S3cretToken123&S3cretName456=1";
        assert_eq!(
            redacted_params(Some(query)),
            serde_json::json!({
                "symbol": "AAPL", "token": REDACTED, "symbol2": REDACTED, "limit": REDACTED, REDACTED: REDACTED
            })
        );
    }

    #[test]
    fn a_location_keeps_what_it_names_and_hides_what_could_be_a_secret() {
        for (given, shown) in [
            (
                "http://a:1/v8/chart/%5EGSPC?interval=1d&crumb=x9.r&from=2024-03-05",
                "/v8/chart/%5EGSPC?interval=1d&crumb=REDACTED&from=2024-03-05",
            ),
            ("/api/s3cr3t4f-0123456789abcdef0123/x", "/api/REDACTED/x"),
            (
                "/x?S3cretToken123=1&flag",
                "/x?REDACTED=REDACTED&REDACTED=REDACTED",
            ),
            ("/", "/"),
        ] {
            assert_eq!(redacted_location(&given.parse().unwrap()), shown);
        }
    }

    #[test]
    fn a_segment_that_could_be_a_secret_is_no_plain_word() {
        for word in ["quote", "v8", "time-series", "top10", "API", "getQuote"] {
            assert!(is_plain_word(word), "{word}");
        }
        for value in [
            "s3cr3t-4f",
            "CANARYTOKEN",
            "12",
            "a%20b",
            "averyveryverylongsegmentindeed",
        ] {
            assert!(!is_plain_word(value), "{value}");
        }
    }
}
