//! Judges one exchange that was recorded, with nothing promised: what a status line, fields and a body say by themselves.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

use crate::{
    classify::{finding::Finding, general, is_ndjson, retry_after, rules::Case, sources::Sources},
    vocabulary::fault::{Domain, FaultClass},
};

/// One request and what came back, as a file of recorded exchanges holds it.
#[derive(Clone, Default)]
pub struct Recorded {
    /// The source's slug or one of its other names, where it is known.
    pub source: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's host, without a port.
    pub host: String,
    /// The request's path, with its query.
    pub target: String,
    /// The answer's status; `None` where no answer came.
    pub status: Option<u16>,
    /// The answer's fields.
    pub headers: HeaderMap,
    /// The answer's body, its content codings undone.
    pub body: Bytes,
    /// What failed below HTTP, in the client's words.
    pub transport_error: Option<String>,
}

/// What kind of text a recorded body is.
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

/// What is said of one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is wrong; `None` where it is a good answer.
    pub class: Option<FaultClass>,
    /// The rule that decided: `alpha_vantage/daily_quota`, `general/status_429`.
    pub rule: Cow<'static, str>,
    /// The field that the rule looked at and what it found there, never the text of an answer.
    pub evidence: Cow<'static, str>,
    /// How long the source asks us to wait.
    pub wait: Option<Duration>,
    /// Whether the same request may succeed within about an hour.
    pub retryable: bool,
    /// What the fault strikes.
    pub domain: Domain,
    /// What is odd about a good answer: `incomplete`, fewer parts than were asked for.
    pub suspect: Option<Cow<'static, str>>,
}

/// Judges an exchange by the rules of its source, those of the front ends before it, and the general ones.
///
/// The clock is the answer's `Date`; without one, nothing is called stale.
///
/// ```
/// use healing_core::classify::{Recorded, Sources, judge};
/// let throttled = Recorded { status: Some(429), ..Recorded::default() };
/// assert_eq!(judge(&throttled, &Sources::built_in()).class, Some(healing_core::FaultClass::RateLimit));
/// ```
#[must_use]
pub fn judge(recorded: &Recorded, sources: &Sources) -> Verdict {
    let now = retry_after::date(&recorded.headers);
    let own = sources.find(recorded).map(|rules| rules.on(recorded));
    let found = own
        .as_ref()
        .and_then(Case::judge)
        .or_else(|| sources.edge()?.on(recorded).judge())
        .or_else(|| general::judge(recorded))
        .unwrap_or_else(Finding::good);
    let is_good = found.class.is_none();
    let stale = now
        .zip(own.filter(|_| is_good))
        .and_then(|(now, own)| own.stale(now, sources.calendars()));
    stale.unwrap_or(found).verdict(recorded, now)
}

// === impl Recorded ===

impl Recorded {
    /// The path that was asked, without its query.
    pub(crate) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&*self.target, |(path, _)| path)
    }

    /// The values of a query parameter, as they stand in the query, with `%XX` undone.
    pub(crate) fn query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
    }

    /// The media type of the answer, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE);
        let text = value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let kind = text.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// The body without white space around it and the mark of UTF-8 before it.
    pub(crate) fn text(&self) -> &[u8] {
        let text = self.body.trim_ascii();
        text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
    }

    /// The first 8 KiB of that: what a person would read first.
    pub(crate) fn head(&self) -> &[u8] {
        let text = self.text();
        text.get(..READ_UP_TO).unwrap_or(text)
    }

    /// The same as text.
    pub(crate) fn head_of_body(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.head().trim_ascii())
    }

    /// What kind of text the body is. Its bytes tell, and only where they leave it open its media type.
    pub(crate) fn kind(&self) -> Kind {
        let text = self.text();
        match text.first() {
            None => Kind::Empty,
            Some(b'<') if starts_as_page(text) || self.media_type().contains("html") => Kind::Html,
            Some(b'<') => Kind::Xml,
            Some(_) if is_ndjson(self.media_type().as_bytes()) => Kind::Ndjson,
            Some(b'{' | b'[') => Kind::Json,
            Some(_) if is_json(text) && self.media_type().contains("json") => Kind::Json,
            Some(_) if self.media_type().contains("csv") || has_head_of_names(text) => Kind::Csv,
            Some(_) => Kind::Text,
        }
    }
}

/// Shows the status and the size, never a path, a field or content.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("source", &self.source)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Bytes of a body that are read as text.
const READ_UP_TO: usize = 8 * 1024;

fn starts_as_page(text: &[u8]) -> bool {
    let start = text.get(..512).unwrap_or(text).to_ascii_lowercase();
    [
        &b"<!doctype html"[..],
        b"<html",
        b"<head",
        b"<body",
        b"<a href",
    ]
    .iter()
    .any(|tag| start.windows(tag.len()).any(|window| window == *tag))
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
