//! One request and what came back, as rules look at it: nothing is copied.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

use crate::classify::is_ndjson;

/// One request and what came back.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    /// The source's slug or one of its other names, where it is known.
    pub(crate) source: Option<&'a str>,
    pub(crate) method: &'a str,
    /// Without a port.
    pub(crate) host: &'a str,
    /// The path with its query.
    pub(crate) target: &'a str,
    /// `None` where no answer came.
    pub(crate) status: Option<u16>,
    /// The answer's fields.
    pub(crate) headers: &'a HeaderMap,
    /// The answer's body, its content codings undone.
    pub(crate) body: &'a [u8],
    /// What failed below HTTP, in the client's words.
    pub(crate) transport_error: Option<&'a str>,
}

/// What kind of text a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// No byte but white space.
    Empty,
    /// An object or an array, whole or cut.
    Json,
    /// A JSON value on each line, by its media type.
    Ndjson,
    /// A page.
    Html,
    /// XML that is no page.
    Xml,
    /// Lines of values with a head of names.
    Csv,
    /// Anything else.
    Text,
}

// === impl Kind ===

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Empty,
        Self::Json,
        Self::Ndjson,
        Self::Html,
        Self::Xml,
        Self::Csv,
        Self::Text,
    ];

    /// Its word in rules and in what is written down.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::Text => "text",
        }
    }

    /// The kind of a text that is no JSON, by its beginning and by whether its media type holds a word.
    pub(crate) fn of_words(text: &[u8], says: impl Fn(&str) -> bool) -> Self {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        match text.first() {
            None => Self::Empty,
            Some(b'<') if starts_as_page(text) => Self::Html,
            // Old services send XML as whatever their server sends by default.
            Some(b'<') if says("html") && !text.starts_with(b"<?xml") => Self::Html,
            Some(b'<') => Self::Xml,
            Some(_) if says("csv") || has_head_of_names(text) => Self::Csv,
            Some(_) => Self::Text,
        }
    }
}

// === impl Exchange ===

impl<'a> Exchange<'a> {
    /// The path that was asked, without its query.
    pub(crate) fn path(&self) -> &'a str {
        self.target
            .split_once('?')
            .map_or(self.target, |(path, _)| path)
    }

    /// The values of a query parameter, as they stand in the query, with `%XX` undone.
    pub(crate) fn query(&self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
    }

    /// Whether the media type of the answer holds that word, which is in lower case.
    pub(crate) fn says_type(&self, word: &str) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE);
        let text = value.map_or(&[][..], |value| value.as_bytes());
        let kind = text.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn is_ndjson(&self) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE);
        value.is_some_and(|value| is_ndjson(value.as_bytes()))
    }

    /// The body without white space around it and the mark of UTF-8 before it.
    pub(crate) fn text(&self) -> &'a [u8] {
        let text = self.body.trim_ascii();
        text.strip_prefix(MARK).unwrap_or(text)
    }

    /// The first 8 KiB of that: what a person would read first.
    pub(crate) fn head(&self) -> &'a [u8] {
        let text = self.text();
        text.get(..READ_UP_TO).unwrap_or(text)
    }

    /// The same as text.
    pub(crate) fn head_of_body(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.head().trim_ascii())
    }

    /// What kind of text the body is. Its bytes tell, and only where they leave it open its media type.
    pub(crate) fn kind(&self) -> Kind {
        let text = self.text();
        match text.first() {
            Some(first) if *first != b'<' && self.is_ndjson() => Kind::Ndjson,
            Some(b'{' | b'[') => Kind::Json,
            Some(first) if *first != b'<' && self.says_type("json") && is_json(text) => Kind::Json,
            Some(_) | None => Kind::of_words(text, |word| self.says_type(word)),
        }
    }
}

/// Shows the status and the size, never a path, a field or content.
impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("source", &self.source)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The mark of UTF-8 before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes of a body that are read as text.
const READ_UP_TO: usize = 8 * 1024;

fn starts_as_page(text: &[u8]) -> bool {
    let start = text.get(..512).unwrap_or(text);
    [
        &b"<!doctype html"[..],
        b"<html",
        b"<head",
        b"<body",
        b"<a href",
    ]
    .iter()
    .any(|tag| {
        start
            .windows(tag.len())
            .any(|window| window.eq_ignore_ascii_case(tag))
    })
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether the first line is a head of columns: short names with commas between, and no sentence.
fn has_head_of_names(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let names = line.trim_ascii().split(|byte| *byte == b',');
    let is_name = |name: &[u8]| {
        (1..=32).contains(&name.len())
            && !name.starts_with(b" ")
            && name
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"_-. \"/()%".contains(b))
    };
    names.clone().count() >= 2 && names.into_iter().all(is_name)
}
