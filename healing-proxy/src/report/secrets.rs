//! Covers what must not be shown of a file, letter by letter, so that places stay where they are.

/// Parts of keys whose values are secret, unless the key names a variable or a file.
const SECRET: &[&str] = &[
    "pass",
    "token",
    "secret",
    "sid",
    "credential",
    "api_key",
    "apikey",
    "value",
    "dbname",
    "user",
];

/// Keys that only look so.
const OPEN: &[&str] = &["_env", "_file", "values_env", "values_file"];

/// The text with every secret value as `*`.
pub(super) fn covered(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.map(covered_line).collect()
}

fn covered_line(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(':') {
        shown.push_str(before);
        shown.push(':');
        let key = before.trim_end_matches(['"', '\'', ' ']);
        let from = key
            .rfind([' ', '{', ',', '[', '"', '\'', '\t'])
            .map_or(0, |at| at + 1);
        let key = key.get(from..).unwrap_or_default().to_ascii_lowercase();
        let end = after
            .find([',', '}', '#', '\n', '\r'])
            .unwrap_or(after.len());
        let (value, next) = after.split_at_checked(end).unwrap_or((after, ""));
        if is_secret(&key) || (names_variables(&key) && !are_variables(value)) {
            shown.extend(value.chars().map(star));
            rest = next;
        } else if let Some((scheme, host)) = with_credentials(after) {
            shown.push_str(scheme);
            let (hidden, next) = after
                .get(scheme.len()..)
                .unwrap_or_default()
                .split_at_checked(host)
                .unwrap_or_default();
            shown.extend(hidden.chars().map(star));
            rest = next;
        } else {
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

fn is_secret(key: &str) -> bool {
    SECRET.iter().any(|part| key.contains(part)) && !OPEN.iter().any(|end| key.ends_with(end))
}

/// Whether the names of variables belong under a key.
fn names_variables(key: &str) -> bool {
    key.ends_with("_env")
}

fn are_variables(value: &str) -> bool {
    let around = [' ', '[', ']', '"', '\''];
    value
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || around.contains(&c))
}

/// What stands before the credentials of a URL whose scheme and colon are behind, and how long they are.
fn with_credentials(after: &str) -> Option<(&str, usize)> {
    let rest = after.strip_prefix("//")?;
    let authority = rest.split(['/', ' ', '"', '\'', ',', '\n']).next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    after.get(..2).map(|slashes| (slashes, credentials.len()))
}

/// As many bytes as the letter has.
fn star(letter: char) -> &'static str {
    if letter == ' ' {
        return " ";
    }
    match letter.len_utf8() {
        1 => "*",
        2 => "**",
        3 => "***",
        _ => "****",
    }
}
