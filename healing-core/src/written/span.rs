//! Spans of time as a file writes them: `90s`, `15m`, `1h 30m`, `2d`.

use std::time::Duration;

/// Reads a span of time; `None` where it is none or is too long. A zero needs its unit.
///
/// ```
/// use std::time::Duration;
/// use healing_core::written::span;
/// assert_eq!(span("1m 30s"), Some(Duration::from_secs(90)));
/// assert_eq!(span("90"), None);
/// ```
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let mut whole = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.find(|letter: char| !letter.is_ascii_alphabetic());
        let (unit, after) = after.split_at_checked(letters.unwrap_or(after.len()))?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let millis = number.parse::<u64>().ok()?.checked_mul(millis)?;
        whole = whole.checked_add(Duration::from_millis(millis))?;
        rest = after.trim_start();
    }
    Some(whole)
}

/// Writes a span as [`span`] reads it, to the millisecond.
///
/// ```
/// use std::time::Duration;
/// use healing_core::written::span_text;
/// assert_eq!(span_text(Duration::from_millis(90_500)), "1m 30s 500ms");
/// assert_eq!(span_text(Duration::ZERO), "0s");
/// ```
#[must_use]
pub fn span_text(span: Duration) -> String {
    const UNITS: [(&str, u128); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let mut rest = span.as_millis();
    let mut parts = Vec::new();
    for (unit, millis) in UNITS {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}
