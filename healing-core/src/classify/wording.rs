//! What in a JSON text looks like a message in place of data: keys that announce an error, and sentences.

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
