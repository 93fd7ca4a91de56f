//! Copies on their way to a store and back, so that a restart in the middle of an outage still heals.
//!
//! Only answers to callers without credentials go there, under a keyed hash of their URL. An answer that heals or is fresh
//! later than now is worth it; an error that says how long it holds is not.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    body::Chunks,
    clock::Clock,
    kept::{
        BodyHash, IDLE, Kept,
        copy::{Copy, Recalled},
        target::{Names, UrlKey},
        terms::Terms,
    },
    vocabulary::kept_copy::{CopyChanges, KeptCopy},
};

/// What is given out at a time, in bytes.
const AT_A_TIME: usize = 8 << 20;

/// How much older than it is a copy may be said to be in the store, while it comes again and again.
const BEHIND: Duration = Duration::from_secs(10);

/// Which copies a store has, so that only what has changed is given out.
///
/// ```
/// assert!(format!("{:?}", healing_core::CopyLog::default()).starts_with("CopyLog"));
/// ```
#[derive(Debug, Default)]
pub struct CopyLog {
    stored: HashMap<(UrlKey, u64), Stored>,
    /// Until when changes of URLs are known.
    looked: Option<Instant>,
    /// Whether the times are told exactly.
    exactly: bool,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    hash: BodyHash,
    at: Instant,
}

/// What a store has of a copy beside its fields and its body.
#[derive(Debug, Deserialize, Serialize)]
struct About {
    status: u16,
    /// How old it was when it came.
    age: Duration,
    took: Duration,
    terms: Terms,
}

// === impl CopyLog ===

impl CopyLog {
    /// From now on the times of all copies are told exactly: the process is about to end.
    pub const fn last_time(&mut self) {
        self.exactly = true;
    }

    /// How the copy has to be stored: with its body or without; `None` where the store has it.
    fn lacks(&self, place: (UrlKey, u64), copy: &Copy) -> Option<bool> {
        let Some(stored) = self.stored.get(&place) else {
            return Some(true);
        };
        if stored.hash != copy.hash {
            return Some(true);
        }
        let behind = copy.last().saturating_duration_since(stored.at);
        let bearable = if self.exactly { Duration::ZERO } else { BEHIND };
        (behind > bearable).then_some(false)
    }
}

// === impl Kept ===

impl Kept {
    /// What has to be stored of the copies, a piece at a time.
    pub(crate) fn changes(&self, log: &mut CopyLog, clock: &Clock) -> CopyChanges {
        let mut changes = CopyChanges::default();
        let looking = clock.now();
        if self.has_void.load(Relaxed) {
            let since = log.looked;
            let new = |changed| since.is_none_or(|since| changed >= since);
            for (url, _) in self.void.iter().filter(|(_, changed)| new(*changed)) {
                log.stored.retain(|(stored, _), _| *stored != *url);
                changes.gone.push(url.to_bytes());
            }
        }
        log.looked = Some(looking);
        log.stored.retain(|(url, _), _| self.urls.contains_key(url));
        let mut bytes = 0;
        for (url, memory) in &self.urls {
            for copy in memory.copies() {
                let place = (*url, copy.varies_by);
                if !is_worth_it(&copy) || self.is_void(*url, &copy) {
                    continue;
                }
                let Some(with_body) = log.lacks(place, &copy) else {
                    continue;
                };
                if bytes > AT_A_TIME {
                    changes.has_more = true;
                    return changes;
                }
                let stored = self.to_store(*url, &copy, (clock, with_body));
                bytes += stored.bytes();
                changes.copies.push(stored);
                let (hash, at) = (copy.hash, copy.last());
                log.stored.insert(place, Stored { hash, at });
            }
        }
        changes
    }

    fn to_store(&self, url: UrlKey, copy: &Copy, (clock, with_body): (&Clock, bool)) -> KeptCopy {
        let came = copy.last();
        let about = About {
            status: copy.status.as_u16(),
            age: copy.age(came, clock),
            took: copy.took,
            terms: copy.terms,
        };
        let body = || {
            let chunks: Vec<_> = copy.body.iter().map(AsRef::as_ref).collect();
            chunks.concat()
        };
        KeptCopy {
            key: self.names().key(),
            name: url.to_bytes(),
            variant: copy.varies_by,
            kept_at: wall_time(clock, came),
            about: serde_json::to_string(&about).unwrap_or_default(),
            fields: lines_of(&copy.headers),
            body: with_body.then(body),
        }
    }

    /// Takes what an earlier process stored, the newest first. Returns what of it the store has now, and how many were of no
    /// use.
    pub(crate) fn recall(&self, copies: Vec<KeptCopy>, clock: &Clock) -> (CopyLog, usize) {
        let mut log = CopyLog::default();
        let Some(newest) = copies.first() else {
            return (log, 0);
        };
        // Where names were made already, they stay, and nothing stored under others is found.
        let key = self.names.get_or_init(|| Names::with_key(newest.key)).key();
        let now = clock.timestamp(clock.now());
        let is_forgotten = |kept_at| {
            Duration::try_from(now.duration_since(kept_at)).is_ok_and(|since| since > IDLE)
        };
        let mut useless = 0;
        for stored in copies
            .into_iter()
            .take_while(|stored| !is_forgotten(stored.kept_at))
        {
            let place = (UrlKey::of_bytes(stored.name), stored.variant);
            match self.of_store(stored, key, clock) {
                Some(copy) => {
                    let (hash, at) = (copy.hash, copy.last());
                    log.stored.insert(place, Stored { hash, at });
                    self.take_back(place.0, &Arc::new(copy), clock.now());
                }
                None => useless += 1,
            }
        }
        (log, useless)
    }

    fn take_back(&self, url: UrlKey, copy: &Arc<Copy>, now: Instant) {
        let memory = self.find_or_begin(url, now);
        memory.learns(copy.hash);
        memory.keep_beside(copy);
        self.urls.insert(url, memory);
        if copy.terms.is_shared && copy.terms.lifetime.is_some() {
            self.has_shared.store(true, Relaxed);
        }
    }

    fn of_store(&self, stored: KeptCopy, key: [u8; 16], clock: &Clock) -> Option<Copy> {
        let about: About = serde_json::from_str(&stored.about).ok()?;
        let headers = fields_of(&stored.fields)?;
        let mut body = Chunks::None;
        body.push(stored.body.filter(|_| stored.key == key)?.into());
        let now = clock.now();
        let since = clock.timestamp(now).duration_since(stored.kept_at);
        // A clock that was set back makes it as old as it came, and no younger.
        let since = Duration::try_from(since).unwrap_or_default();
        Some(Copy::recalled(Recalled {
            status: StatusCode::from_u16(about.status).ok()?,
            hash: self.hash_of(&headers, &body),
            headers,
            body,
            terms: about.terms,
            with_credentials: false,
            took: about.took,
            came_with: about.age,
            came: now.checked_sub(since)?,
            varies_by: stored.variant,
        }))
    }
}

/// The wall time of a moment that may lie before the process began.
pub(crate) fn wall_time(clock: &Clock, at: Instant) -> Timestamp {
    let now = clock.now();
    let then = clock.timestamp(now);
    let since = now.saturating_duration_since(at);
    then.checked_sub(since).unwrap_or(then)
}

/// Whether a copy is kept over restarts.
fn is_worth_it(copy: &Copy) -> bool {
    let lifetime = copy.terms.lifetime.unwrap_or_default();
    !copy.with_credentials && copy.fault.is_none() && (copy.terms.heals || !lifetime.is_zero())
}

/// Fields, a line each.
pub(crate) fn lines_of(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// The fields of such lines; `None` where it is something else.
pub(crate) fn fields_of(text: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut rest = text;
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        let (line, more) = rest.split_at_checked(end)?;
        let colon = memchr::memmem::find(line, b": ")?;
        let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
        let value = HeaderValue::from_bytes(line.get(colon + 2..)?).ok()?;
        headers.append(name, value);
        rest = more.get(2..)?;
    }
    rest.is_empty().then_some(headers)
}

#[cfg(test)]
mod tests;
