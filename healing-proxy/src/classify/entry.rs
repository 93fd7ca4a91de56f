//! One exchange of a file, and what can be wrong with how it is written down.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use healing_core::classify::{CodedError, Recorded};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, error::Category};

/// An exchange, and what its file says about it.
#[derive(Debug)]
pub(super) struct Entry {
    /// A text or a number.
    pub(super) id: Value,
    pub(super) exchange: Recorded,
    pub(super) label: Option<Label>,
}

/// What somebody who knows says is wrong with an exchange.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// `ok` or a class.
    pub(super) class: String,
    /// Other classes that a careful reader could defend.
    pub(super) accept: Vec<String>,
    pub(super) retryable: Option<bool>,
}

/// Why an exchange cannot be read. Names fields and places, and never shows what stands there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("longer than {} MiB", .0 / (1024 * 1024))]
    TooLong(u64),
    #[error("no JSON: {what} at column {column}")]
    NoJson { what: String, column: usize },
    #[error("no JSON object")]
    NoObject,
    #[error("`{field}`: {wanted} is expected")]
    Field { field: String, wanted: &'static str },
    #[error("neither `status` nor `transport_error`")]
    NoAnswer,
    #[error("`{0}`: its content coding cannot be undone, {1}: give the plain body")]
    Coded(&'static str, CodedError),
    #[error("its body is not in the file: record it with the contents of answers")]
    NoContent,
}

/// The fields of an object, taken one by one. A field that is null is absent.
pub(super) struct Fields {
    /// What stands before the names of the fields: `request.`.
    within: String,
    fields: Map<String, Value>,
}

// === impl Flaw ===

impl Flaw {
    /// What the parser says, without the number of the line, which it counts from where it began.
    pub(super) fn of(error: &serde_json::Error) -> Self {
        let what = match error.classify() {
            Category::Eof => "it ends too early".to_owned(),
            // These texts are fixed: they quote nothing.
            Category::Syntax => {
                let text = error.to_string();
                text.split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            }
            Category::Data | Category::Io => "it cannot be read".to_owned(),
        };
        let column = error.column();
        Self::NoJson { what, column }
    }
}

// === impl Fields ===

impl Fields {
    pub(super) fn of(value: Value) -> Result<Self, Flaw> {
        let Value::Object(fields) = value else {
            return Err(Flaw::NoObject);
        };
        let within = String::new();
        Ok(Self { within, fields })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Flaw> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.flaw(name, "a text")),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Flaw> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.flaw(name, "true or false")),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Flaw> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.flaw(name, "a list")),
        }
    }

    /// An object; an empty one where there is none.
    pub(super) fn object(&mut self, name: &str) -> Result<Self, Flaw> {
        let fields = match self.take(name) {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(self.flaw(name, "an object")),
        };
        let within = format!("{}{name}.", self.within);
        Ok(Self { within, fields })
    }

    /// A status; 0 and less stand for no answer.
    pub(super) fn status(&mut self, name: &str) -> Result<Option<u16>, Flaw> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(..=0) => Ok(None),
            Some(status @ 100..=999) => Ok(u16::try_from(status).ok()),
            _ => Err(self.flaw(name, "a number from 100 to 999 or null")),
        }
    }

    pub(super) fn base64(&mut self, name: &str) -> Result<Option<Bytes>, Flaw> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let decoded = BASE64_STANDARD.decode(text.trim_ascii());
        let bytes = decoded.map_err(|_| self.flaw(name, "base64"))?;
        Ok(Some(bytes.into()))
    }

    /// Every field that is left, by name.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.fields
    }

    pub(super) fn flaw(&self, name: &str, wanted: &'static str) -> Flaw {
        let field = format!("{}{name}", self.within);
        Flaw::Field { field, wanted }
    }
}

/// Reads a value. Half of a surrogate pair, with which a text that was cut may end, is read as U+FFFD.
pub(super) fn parse(json: &[u8]) -> Result<Value, Flaw> {
    serde_json::from_slice(json).or_else(|error| {
        let mended = without_halves(json);
        if mended == json {
            return Err(Flaw::of(&error));
        }
        serde_json::from_slice(&mended).map_err(|error| Flaw::of(&error))
    })
}

fn without_halves(json: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(byte) = rest.first() {
        let next = rest.get(6..).and_then(surrogate);
        let (length, is_half) = match (surrogate(rest), next) {
            (Some(0xd800..=0xdbff), Some(0xdc00..)) => (12, false),
            (Some(_), _) => (6, true),
            (None, _) if *byte == b'\\' => (2, false),
            (None, _) => (1, false),
        };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        mended.extend_from_slice(if is_half { b"\\ufffd" } else { piece });
        rest = after;
    }
    mended
}

/// The half of a pair whose escape a text starts with.
fn surrogate(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Adds a field of an answer. One that could not have come over HTTP is left out.
pub(super) fn add(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.trim_ascii().as_bytes());
    let value = HeaderValue::from_bytes(value.trim_ascii().as_bytes());
    if let (Ok(name), Ok(value)) = (name, value) {
        // Fails above 32,768 fields: what is left out there says nothing more.
        let _full = headers.try_append(name, value);
    }
}

/// A host in lower case, without the port.
pub(super) fn host(authority: &str) -> String {
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    let host = if is_port { host } else { authority };
    host.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_read_as_the_replacement_and_a_whole_pair_stays() {
        for (json, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}\u{1f600}"),
            (r#""\\ud83d\uD83D""#, "\\ud83d\u{fffd}"),
        ] {
            assert_eq!(parse(json.as_bytes()), Ok(Value::from(expected)), "{json}");
        }
        assert!(parse(br#""\ud83d"#).is_err());
    }
}
