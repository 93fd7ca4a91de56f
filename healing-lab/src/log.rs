//! What the lab was asked, so that a test can compare what callers saw with what sources saw.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::request::Request;
use crate::source_name::{PerSource, SourceName};

/// The oldest entries beyond this many are dropped and counted.
pub const LOG_LENGTH: usize = 100_000;

/// Query parameters that hold a secret.
const SECRET: [&str; 9] = [
    "api_key",
    "apikey",
    "apiKey",
    "appid",
    "crumb",
    "key",
    "registrationkey",
    "token",
    "x_cg_demo_api_key",
];

/// One request that a source was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Milliseconds since the lab started.
    pub millis: u64,
    /// Slug of the source.
    #[serde(serialize_with = "slug")]
    pub source: SourceName,
    /// The method.
    pub method: String,
    /// Path and query, with keys masked up to their last four characters.
    pub target: String,
    /// The status that was sent; `None` where no head was, or not yet.
    pub status: Option<u16>,
    /// Name of the newest fault that met the request.
    pub fault: Option<&'static str>,
    /// The `If-None-Match` field.
    pub if_none_match: Option<String>,
    /// The `Via` field.
    pub via: Option<String>,
    /// The `X-Forwarded-For` field.
    pub x_forwarded_for: Option<String>,
    /// The `X-Request-Id` field.
    pub x_request_id: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn slug<S: serde::Serializer>(source: &SourceName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(source.slug())
}

impl Asked {
    pub(crate) fn new(source: SourceName, request: &Request, millis: u64) -> Self {
        let field = |name| request.header(name).map(str::to_owned);
        Self {
            millis,
            source,
            method: request.method.clone(),
            target: mask(&request.target),
            status: None,
            fault: None,
            if_none_match: field("if-none-match"),
            via: field("via"),
            x_forwarded_for: field("x-forwarded-for"),
            x_request_id: field("x-request-id"),
        }
    }
}

/// The number of an entry, counted from the first that was ever written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

/// The log of a lab.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<VecDeque<Asked>>,
    dropped: AtomicU64,
    counts: PerSource<AtomicU64>,
}

impl Log {
    /// Writes a request down when it comes, so that one whose caller leaves is there too.
    pub(crate) fn push(&self, asked: Asked) -> Place {
        self.counts.of(asked.source).fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= LOG_LENGTH {
            entries.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        entries.push_back(asked);
        Place(self.dropped() + entries.len() as u64 - 1)
    }

    /// Adds the status that was sent, unless the entry has been dropped meanwhile.
    pub(crate) fn settle(&self, place: Place, status: Option<u16>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let index = place
            .0
            .checked_sub(self.dropped())
            .and_then(|index| usize::try_from(index).ok());
        if let Some(asked) = index.and_then(|index| entries.get_mut(index)) {
            asked.status = status;
        }
    }

    pub(crate) fn entries(&self, source: Option<SourceName>) -> Vec<Asked> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |asked: &&Asked| source.is_none_or(|source| asked.source == source);
        entries.iter().filter(wanted).cloned().collect()
    }

    pub(crate) fn count(&self, source: SourceName) -> u64 {
        self.counts.of(source).load(Ordering::Relaxed)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The target with the values of secret parameters masked.
fn mask(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if SECRET.contains(&name) => format!("{name}={}", mask_key(value)),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", masked.join("&"))
}

/// Four characters are left of a long key, so that a rotation can be seen.
fn mask_key(key: &str) -> String {
    let shown = key
        .len()
        .checked_sub(4)
        .filter(|start| *start >= 6)
        .and_then(|start| key.get(start..));
    format!("***{}", shown.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn keys_are_masked_and_the_rest_is_not() {
        assert_eq!(
            mask("/fred?series_id=GDP&api_key=abcdefghijkl1234"),
            "/fred?series_id=GDP&api_key=***1234"
        );
        assert_eq!(mask("/q?apikey=short&x"), "/q?apikey=***&x");
        assert_eq!(mask("/plain"), "/plain");
    }
}
