//! What an answer says where its data should be. Read only after the data was missed: a headline about rate limits is news.

/// What a sentence is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wording {
    Throttle,
    Quota,
    Maintenance,
}

/// The sign of an error in an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    Throttle,
    Quota,
    Maintenance,
    /// A value under a key such as `error`.
    Error,
}

/// Whether a key announces an error when it carries a value.
pub(crate) fn names_an_error(key: &str) -> bool {
    const NAMES: [&str; 8] = [
        "error",
        "errors",
        "error_message",
        "errormessage",
        "error message",
        "note",
        "fault",
        "exception",
    ];
    key.len() <= 13 && NAMES.iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// Whether a text is a sentence rather than a value.
pub(crate) fn is_prose(text: &str) -> bool {
    text.len() >= 10 && text.bytes().filter(|b| *b == b' ').take(2).count() >= 1
}

/// What a sentence is about, judged by its first half kilobyte.
pub(crate) fn read(text: &str) -> Option<Wording> {
    const THROTTLE: [&str; 9] = [
        "rate limit",
        "ratelimit",
        "too many requests",
        "throttl",
        "slow down",
        "per minute",
        "per second",
        "sparingly",
        "call frequency",
    ];
    const QUOTA: [&str; 6] = [
        "quota",
        "per day",
        "daily limit",
        "per month",
        "monthly limit",
        "call volume",
    ];
    const MAINTENANCE: [&str; 3] = ["maintenance", "be right back", "temporarily unavailable"];
    let end = text.floor_char_boundary(512);
    let text = text.get(..end).unwrap_or(text).to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&MAINTENANCE) {
        Some(Wording::Maintenance)
    } else if says(&THROTTLE) && !text.contains("requests per day") {
        Some(Wording::Throttle)
    } else if says(&QUOTA) {
        // A note that names both the burst and the day is about the burst when it says how to space calls.
        Some(
            if text.contains("sparingly") || text.contains("per second") {
                Wording::Throttle
            } else {
                Wording::Quota
            },
        )
    } else {
        None
    }
}
