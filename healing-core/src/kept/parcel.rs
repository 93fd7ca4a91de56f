//! Copies on their way to a second level and back.
//!
//! A parcel begins with the number of its form and a checksum of the rest; one of another form, or one that was cut or changed
//! on the way, is set aside like one that never came. Its times are wall times, for another process reads them by its own
//! clock: one that says that it will come later than now was written by a wrong clock, and is set aside, too.

use std::{hash::Hasher, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::{
    body::Chunks,
    clock::Clock,
    kept::{
        Address, IDLE, Kept,
        copy::{Copy, Recalled},
        shelf::{fields_of, lines_of, wall_time},
        terms::Terms,
        title::far_variant,
    },
};

/// The form of parcels.
const FORM: u8 = 1;

/// Before what was asked at a time and what was changed then lies this much doubt: the clocks of two machines differ.
const DOUBT: Duration = Duration::from_secs(1);

/// The greatest difference of clocks that is borne.
const AHEAD: Duration = Duration::from_secs(5);

/// What is lost of a time on its way.
const ROUNDED: Duration = Duration::from_millis(10);

/// What is in a parcel beside fields and body.
#[derive(Debug, Deserialize, Serialize)]
struct About {
    status: u16,
    /// How old it was when it came.
    age: Duration,
    took: Duration,
    /// When it came, in milliseconds since 1970.
    came: i64,
    terms: Terms,
    with_credentials: bool,
    fields: usize,
}

/// What is found under the name of a URL.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// Its answer.
    Copy(Box<Copy>),
    /// The names of the fields that its answers vary by: each variant has a name of its own.
    Varies(String),
}

/// What a parcel is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) clock: &'a Clock,
    /// The fields of the request that it is wanted for.
    pub(crate) request: &'a HeaderMap,
    /// When its URL was changed last, in milliseconds since 1970.
    pub(crate) changed: Option<i64>,
}

/// The fields that an answer varies by, in one line; `None` when it does not vary.
pub(crate) fn varies(headers: &HeaderMap) -> Option<String> {
    let names = headers.get_all(header::VARY).iter();
    let names: Vec<&str> = names.filter_map(|value| value.to_str().ok()).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// How long a copy is of use to anybody: while it is fresh, and while it heals.
pub(crate) fn lasts(copy: &Copy, heal_for: Duration) -> Duration {
    let terms = &copy.terms;
    let healing = if terms.heals {
        heal_for.max(terms.if_error)
    } else {
        terms.if_error
    };
    let fresh = terms.lifetime.unwrap_or_default();
    let stale = healing.max(terms.while_revalidating);
    fresh.saturating_add(stale).min(IDLE)
}

/// A copy as a parcel.
pub(crate) fn pack(copy: &Copy, clock: &Clock) -> Vec<u8> {
    let came = copy.last();
    let fields = lines_of(&copy.headers);
    let about = About {
        status: copy.status.as_u16(),
        age: copy.age(came, clock),
        took: copy.took,
        came: wall_time(clock, came).as_millisecond(),
        terms: copy.terms,
        with_credentials: copy.with_credentials,
        fields: fields.len(),
    };
    let about = serde_json::to_vec(&about).unwrap_or_default();
    let mut rest = Vec::with_capacity(about.len() + fields.len() + copy.body.len() + 8);
    rest.push(b'c');
    rest.extend_from_slice(&about);
    rest.push(b'\n');
    rest.extend_from_slice(&fields);
    for chunk in copy.body.iter() {
        rest.extend_from_slice(chunk);
    }
    sealed(&rest)
}

/// The names of fields as a parcel.
pub(crate) fn pack_varies(names: &str) -> Vec<u8> {
    sealed(&[b"v", names.as_bytes()].concat())
}

fn sealed(rest: &[u8]) -> Vec<u8> {
    let mut parcel = Vec::with_capacity(rest.len() + 9);
    parcel.push(FORM);
    parcel.extend_from_slice(&checksum(rest));
    parcel.extend_from_slice(rest);
    parcel
}

fn checksum(rest: &[u8]) -> [u8; 8] {
    let mut hash = SipHasher13::new();
    hash.write(rest);
    hash.finish().to_be_bytes()
}

/// What a change of a URL is in a second level: when it was, in milliseconds since 1970.
pub(crate) fn pack_change(at: Timestamp) -> Vec<u8> {
    at.as_millisecond().to_string().into_bytes()
}

/// When that was. What cannot be read was just now: better none than an old copy.
pub(crate) fn change(value: &[u8], clock: &Clock) -> i64 {
    let now = || clock.timestamp(clock.now()).as_millisecond();
    let read = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok());
    read.unwrap_or_else(now)
}

impl Kept {
    /// What is in a parcel; `None` when it is of no use.
    pub(crate) fn open(&self, parcel: &Bytes, opening: Opening<'_>) -> Option<Parcel> {
        let (form, rest) = parcel.split_first()?;
        let (sum, rest) = rest.split_first_chunk::<8>()?;
        if *form != FORM || *sum != checksum(rest) {
            return None;
        }
        match rest.split_first()? {
            (b'c', rest) => self.open_copy(&parcel.slice_ref(rest), opening),
            (b'v', names) => {
                let names = std::str::from_utf8(names).ok()?;
                Some(Parcel::Varies(names.to_owned()))
            }
            _ => None,
        }
    }

    fn open_copy(&self, rest: &Bytes, opening: Opening<'_>) -> Option<Parcel> {
        let end = memchr::memchr(b'\n', rest)?;
        let about: About = serde_json::from_slice(rest.get(..end)?).ok()?;
        let start = end + 1;
        let body_at = start.checked_add(about.fields)?;
        let headers = fields_of(rest.get(start..body_at)?)?;
        let body = rest.slice_ref(rest.get(body_at..)?);
        let clock = opening.clock;
        let came = came_at(&about, opening)?;
        let mut chunks = Chunks::None;
        chunks.push(body);
        Some(Parcel::Copy(Box::new(Copy::recalled(Recalled {
            status: StatusCode::from_u16(about.status).ok()?,
            hash: self.hash_of(&headers, &chunks),
            varies_by: self.varied(&headers, opening.request)?,
            headers,
            body: chunks,
            terms: about.terms,
            with_credentials: about.with_credentials,
            took: about.took,
            came_with: about.age,
            came: clock.now().checked_sub(came)?,
        }))))
    }

    /// Takes in what came from a second level, unless something newer is here. Returns whether it was taken.
    pub(crate) fn take_in(&self, address: Address, copy: Copy) -> bool {
        let with_credentials = address.url != address.key;
        let is_shared = copy.terms.is_shared && copy.terms.lifetime.is_some();
        let key = if copy.with_credentials == with_credentials {
            address.key
        } else if is_shared {
            address.url
        } else {
            return false; // it is of other callers
        };
        let copy = Arc::new(copy);
        let memory = self.find_or_begin(key, copy.last());
        // The same copy seems a little newer each time that its wall time is read.
        let newest = copy
            .last()
            .checked_sub(ROUNDED)
            .unwrap_or_else(|| copy.last());
        let is_known = |own: &Copy| own.varies_by == copy.varies_by && own.last() >= newest;
        if self.is_void(address.url, &copy) || memory.find(is_known).is_some() {
            return false;
        }
        if !memory.was_good() {
            memory.learns(copy.hash);
        }
        self.keep(Address { key, ..address }, &memory, &copy);
        true
    }
}

/// How long ago that came, by this process's wall clock.
fn came_at(about: &About, opening: Opening<'_>) -> Option<Duration> {
    let came = Timestamp::from_millisecond(about.came).ok()?;
    let took = i64::try_from(about.took.as_millis()).ok()?;
    let asked = about.came.checked_sub(took)?;
    let doubt = i64::try_from(DOUBT.as_millis()).ok()?;
    if opening
        .changed
        .is_some_and(|changed| asked <= changed.saturating_add(doubt))
    {
        return None;
    }
    let now = opening.clock.timestamp(opening.clock.now());
    if let Ok(since) = Duration::try_from(now.duration_since(came)) {
        return (since <= IDLE).then_some(since);
    }
    let ahead = Duration::try_from(came.duration_since(now)).ok()?;
    (ahead <= AHEAD).then_some(Duration::ZERO)
}

/// The name of a variant beside that of its URL; `None` when nobody else can ask for it.
pub(crate) fn variant_of(answer: &HeaderMap, request: &HeaderMap) -> Option<String> {
    far_variant(answer, request).map(|variant| format!("{variant:016x}"))
}

#[cfg(test)]
mod tests;
