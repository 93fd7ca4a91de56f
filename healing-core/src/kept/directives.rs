//! What `Cache-Control` (RFC 9111, section 5.2; RFC 5861) and `CDN-Cache-Control` (RFC 9213) say.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// Overrides `Cache-Control` and `Expires` for caches in front of an origin.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// More seconds than this are this many (RFC 9111, section 1.2.2).
const MOST_SECONDS: u64 = 1 << 31;

/// The directives of one field, as far as a shared cache listens to them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Directives {
    words: u16,
    /// A value that cannot be read is no time at all: the answer is stale at once.
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// The caller takes an answer that is stale by no more than this.
    pub(crate) max_stale: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    /// Whether the field was there at all.
    pub(crate) is_said: bool,
    /// Whether that field stands in the place of all others.
    pub(crate) is_targeted: bool,
}

/// A directive without a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Word {
    NoStore,
    NoCache,
    Private,
    Public,
    MustRevalidate,
    ProxyRevalidate,
    MustUnderstand,
    OnlyIfCached,
}

const WORDS: [(&[u8], Word); 8] = [
    (b"no-store", Word::NoStore),
    (b"no-cache", Word::NoCache),
    (b"private", Word::Private),
    (b"public", Word::Public),
    (b"must-revalidate", Word::MustRevalidate),
    (b"proxy-revalidate", Word::ProxyRevalidate),
    (b"must-understand", Word::MustUnderstand),
    (b"only-if-cached", Word::OnlyIfCached),
];

// === impl Directives ===

impl Directives {
    /// What the fields of a request say.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let mut said = Self::of_cache_control(headers);
        let pragma = || headers.get_all(header::PRAGMA).iter();
        if !said.is_said && pragma().any(|value| value.as_bytes().eq_ignore_ascii_case(b"no-cache"))
        {
            said.add(Word::NoCache); // RFC 9111, section 5.4
        }
        said
    }

    /// What the fields of an answer say to a shared cache.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Self {
        if headers.contains_key(CDN_CACHE_CONTROL)
            && let Some(targeted) = Self::targeted(headers)
        {
            return targeted;
        }
        Self::of_cache_control(headers)
    }

    fn of_cache_control(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        for value in headers.get_all(header::CACHE_CONTROL) {
            said.is_said = true;
            for directive in split(value.as_bytes()) {
                said.take(directive);
            }
        }
        said
    }

    /// RFC 9213: a dictionary, ignored whole where it is none or a value is of the wrong type.
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        let lines: Vec<&[u8]> = headers
            .get_all(CDN_CACHE_CONTROL)
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect();
        let field = lines.join(&b", "[..]);
        let dictionary: Dictionary = Parser::new(&field).parse().ok()?;
        let mut said = Self {
            is_said: true,
            is_targeted: true,
            ..Self::default()
        };
        for (key, entry) in &dictionary {
            let ListEntry::Item(item) = entry else {
                return None;
            };
            said.take_item(key.as_str().as_bytes(), &item.bare_item)?;
        }
        (!dictionary.is_empty()).then_some(said)
    }

    fn take_item(&mut self, name: &[u8], value: &BareItem) -> Option<()> {
        if let Some(slot) = self.slot(name) {
            let BareItem::Integer(seconds) = value else {
                return None;
            };
            let seconds = u64::try_from(i64::from(*seconds)).ok()?;
            *slot = Some(Duration::from_secs(seconds.min(MOST_SECONDS)));
        } else if let Some(word) = word(name) {
            match value {
                BareItem::Boolean(true) | BareItem::String(_) => self.add(word),
                BareItem::Boolean(false) => {}
                BareItem::Integer(_)
                | BareItem::Decimal(_)
                | BareItem::Token(_)
                | BareItem::ByteSequence(_)
                | BareItem::Date(_)
                | BareItem::DisplayString(_) => return None,
            }
        }
        Some(())
    }

    fn take(&mut self, directive: &[u8]) {
        let mut halves = directive.splitn(2, |b| *b == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next());
        if let Some(word) = word(name) {
            return self.add(word);
        }
        let any = name.eq_ignore_ascii_case(b"max-stale") && value.is_none();
        let Some(slot) = self.slot(name) else {
            return;
        };
        let read = if any {
            Duration::from_secs(MOST_SECONDS)
        } else {
            seconds(value.unwrap_or_default()).unwrap_or_default()
        };
        // Said twice: the shorter time is safe.
        *slot = Some(slot.map_or(read, |before| before.min(read)));
    }

    fn slot(&mut self, name: &[u8]) -> Option<&mut Option<Duration>> {
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        if is(b"max-age") {
            Some(&mut self.max_age)
        } else if is(b"s-maxage") {
            Some(&mut self.s_maxage)
        } else if is(b"min-fresh") {
            Some(&mut self.min_fresh)
        } else if is(b"max-stale") {
            Some(&mut self.max_stale)
        } else if is(b"stale-while-revalidate") {
            Some(&mut self.stale_while_revalidate)
        } else if is(b"stale-if-error") {
            Some(&mut self.stale_if_error)
        } else {
            None
        }
    }

    /// Whether that was said.
    pub(crate) const fn says(&self, word: Word) -> bool {
        self.words & (1 << word as u16) != 0
    }

    const fn add(&mut self, word: Word) {
        self.words |= 1 << word as u16;
    }
}

fn word(name: &[u8]) -> Option<Word> {
    WORDS
        .iter()
        .find(|(text, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, word)| *word)
}

/// The members of a list, without the white space around them. A comma in a quoted string separates nothing.
fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(move |byte| {
            let is_escaped = std::mem::replace(&mut escaped, quoted && *byte == b'\\');
            if *byte == b'"' && !is_escaped {
                quoted = !quoted;
            }
            *byte == b',' && !quoted
        })
        .map(<[u8]>::trim_ascii)
}

/// Digits, quoted or not.
fn seconds(value: &[u8]) -> Option<Duration> {
    let digits = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value);
    whole_seconds(digits)
}

/// A count of seconds as HTTP writes it (RFC 9111, section 1.2.2): digits and nothing else.
pub(crate) fn whole_seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() {
        return None;
    }
    let seconds = digits.iter().try_fold(0_u64, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| (sum * 10 + u64::from(digit - b'0')).min(MOST_SECONDS))
    })?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
