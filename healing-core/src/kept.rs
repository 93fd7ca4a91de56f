//! What is remembered of each URL: the copy in hand, what its good answers look like, whether it is worth asking.
//!
//! A copy is what heals most, so the rules about who may be given which are strict (RFC 9111, with the bounds of
//! `docs/src/copies.md`): never `no-store`, never across callers with different credentials, never against the origin's
//! word. Everything is bounded by weight in bytes.

pub(crate) mod caller;
mod dates;
mod keeping;
mod steps;

use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::BytesMut;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header,
    uri::{Authority, PathAndQuery},
};
use moka::sync::Cache;
use tokio::time::Instant;

use crate::{
    body::Chunks,
    classify::{freshness::Moment, shape::Shape},
    kept::{dates::Dates, steps::Steps},
    lock::lock,
    outage::{Gate, Guards},
};

/// A shape that came so often in a row is the new shape.
const ACCEPTED_AFTER: u8 = 3;

/// What an entry weighs beside its copy.
const ENTRY_BYTES: usize = 1024;

/// The memories of all URLs, weighed and bounded.
pub(crate) struct Kept {
    urls: Cache<UrlKey, Arc<Memory>, foldhash::quality::RandomState>,
    hashers: [RandomState; 2],
    bodies: foldhash::quality::RandomState,
}

/// Names a URL as one caller sees it. Two keyed hashes: nobody outside can make two URLs meet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct UrlKey(u64, u64);

/// What a URL's last good answer looked like.
#[derive(Clone, Debug)]
pub(crate) struct Promise(Arc<(Shape, Option<u64>)>);

/// Tells bodies of one URL apart. Seeded, and quick rather than strong: only the URL's own source could make two meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BodyHash(u64);

/// What is remembered of one URL.
pub(crate) struct Memory {
    copy: ArcSwapOption<Copy>,
    /// The shape of the last good answer, and which of the URL's variants that was.
    promise: ArcSwapOption<(Shape, Option<u64>)>,
    /// A keyed hash of the last good answer's body as it came over the wire; zero before there was one.
    last_good: AtomicU64,
    pub(crate) dates: Dates,
    pub(crate) steps: Steps,
    candidate: Mutex<Option<(u64, u8)>>,
    /// Whether there is one. All that a healthy answer reads.
    has_candidate: AtomicBool,
    pub(crate) gate: Arc<Gate>,
}

/// A kept answer.
pub(crate) struct Copy {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Chunks,
    /// The age that it came with.
    came_with: Duration,
    /// When it came first.
    first: Instant,
    /// How long after that it came last, in nanoseconds.
    again: AtomicU64,
    /// What the request said in the fields that the answer varies by.
    varies_by: u64,
    /// What it weighs, in bytes.
    weight: usize,
    /// The hash of its body.
    hash: BodyHash,
}

// === impl Kept ===

impl Kept {
    /// Room for that many bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let urls = Cache::builder()
            .max_capacity(capacity)
            .weigher(|_, memory: &Arc<Memory>| u32::try_from(memory.weight()).unwrap_or(u32::MAX))
            .time_to_idle(Duration::from_hours(24))
            .build_with_hasher(foldhash::quality::RandomState::default());
        Self {
            urls,
            hashers: [RandomState::new(), RandomState::new()],
            bodies: foldhash::quality::RandomState::default(),
        }
    }

    /// The key of a URL for that [`caller`](caller::digest). GET and HEAD share it.
    pub(crate) fn key(&self, uri: &Uri, caller: Option<&[u8; 32]>) -> UrlKey {
        let authority = uri.authority().map_or("", Authority::as_str);
        let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
        let hash = |hasher: &RandomState| hasher.hash_one((authority, target, caller));
        let [first, second] = &self.hashers;
        UrlKey(hash(first), hash(second))
    }

    /// The hash of what an answer's body is: its bytes, and what they are said to be. A body that was cut into other
    /// chunks hashes otherwise, and is looked into once more.
    pub(crate) fn hash_of(&self, headers: &HeaderMap, body: &Chunks) -> BodyHash {
        let mut hash = self.bodies.build_hasher();
        for name in [header::CONTENT_ENCODING, header::CONTENT_TYPE] {
            headers.get(name).map(HeaderValue::as_bytes).hash(&mut hash);
        }
        for chunk in body.iter() {
            hash.write(chunk);
        }
        BodyHash(hash.finish().max(1))
    }

    pub(crate) fn find(&self, key: UrlKey) -> Option<Arc<Memory>> {
        self.urls.get(&key)
    }

    pub(crate) fn find_or_begin(&self, key: UrlKey, now: Instant) -> Arc<Memory> {
        self.urls.get_with(key, || Arc::new(Memory::new(now)))
    }

    /// Keeps a copy. The entry is weighed anew where its weight has changed.
    pub(crate) fn keep(&self, key: UrlKey, memory: &Arc<Memory>, copy: Arc<Copy>) {
        if memory.holds(&copy) {
            return;
        }
        let before = memory.weight();
        memory.copy.store(Some(copy));
        if memory.weight().abs_diff(before) > ENTRY_BYTES {
            self.urls.insert(key, Arc::clone(memory));
        }
    }

    /// Whether a copy of this answer may be kept, and if so, the copy: the known one where nothing differs but the time.
    pub(crate) fn copy_of(
        &self,
        answer: &Received<'_>,
        now: impl FnOnce() -> Instant,
    ) -> Option<Arc<Copy>> {
        if !keeping::is_allowed(answer) {
            return None;
        }
        let varies_by = self.varied(answer.headers, answer.request)?;
        let now = now();
        let known = answer.known.as_ref();
        if let Some(same) = known.filter(|copy| copy.is_of(answer, varies_by)) {
            same.came_again(now);
            return Some(Arc::clone(same));
        }
        let headers = own_fields(answer.headers);
        let body = known.map_or_else(|| answer.body.compact(), |copy| copy.body.clone());
        Some(Arc::new(Copy {
            status: answer.status,
            weight: weight(&headers, answer.body),
            hash: answer.hash,
            came_with: age(answer.headers),
            headers,
            body,
            first: now,
            again: AtomicU64::new(0),
            varies_by,
        }))
    }

    /// The copy in hand for that request: young enough to heal, and of what this caller asks.
    pub(crate) fn in_hand(&self, memory: &Memory, wanted: Wanted<'_>) -> Option<Arc<Copy>> {
        let Wanted {
            request,
            now,
            max_age,
            heal_for,
        } = wanted;
        let copy = memory.copy.load_full()?;
        let in_time = now.saturating_duration_since(copy.last()) <= heal_for;
        let young = max_age.is_none_or(|most| copy.age(now) <= most);
        let same = !copy.headers.contains_key(header::VARY)
            || self.varied(&copy.headers, request) == Some(copy.varies_by);
        (in_time && young && same).then_some(copy)
    }

    /// A number that requests share for which an answer with these fields is the same; `None` when no two are.
    pub(crate) fn varied(&self, answer: &HeaderMap, request: &HeaderMap) -> Option<u64> {
        let mut sum = 0_u64;
        for name in answer
            .get_all(header::VARY)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','))
        {
            let name = name.trim();
            if name == "*" {
                return None;
            }
            let Ok(name) = HeaderName::try_from(name) else {
                continue;
            };
            let values: Vec<&[u8]> = request
                .get_all(&name)
                .iter()
                .map(HeaderValue::as_bytes)
                .collect();
            let [hasher, _] = &self.hashers;
            sum = sum.wrapping_add(hasher.hash_one((name.as_str(), values)));
        }
        Some(sum)
    }
}

/// What a request takes of a copy.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) request: &'a HeaderMap,
    pub(crate) now: Instant,
    /// The greatest age that the caller takes.
    pub(crate) max_age: Option<Duration>,
    /// How long after it was stored a copy may heal.
    pub(crate) heal_for: Duration,
}

/// A good answer that was read whole.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a Method,
    /// The fields of the request.
    pub(crate) request: &'a HeaderMap,
    /// Whether the request carried credentials of its caller.
    pub(crate) with_credentials: bool,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Chunks,
    pub(crate) hash: BodyHash,
    /// The copy with the same body, where there is one.
    pub(crate) known: Option<Arc<Copy>>,
}

// What is kept is other people's data: it is counted for debugging, never shown.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("urls", &self.urls.entry_count())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy")
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

// === impl Promise ===

impl std::ops::Deref for Promise {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        &self.0.0
    }
}

// === impl UrlKey ===

impl UrlKey {
    /// A number for telling objects apart.
    pub(crate) const fn object(self) -> u64 {
        self.0
    }
}

// === impl Memory ===

impl Memory {
    fn new(now: Instant) -> Self {
        Self {
            copy: ArcSwapOption::empty(),
            promise: ArcSwapOption::empty(),
            last_good: AtomicU64::new(0),
            dates: Dates::default(),
            steps: Steps::default(),
            candidate: Mutex::new(None),
            has_candidate: AtomicBool::new(false),
            gate: Arc::new(Gate::new(Guards::One, now)),
        }
    }

    /// What that variant of the URL promises. One variant is remembered, the last.
    pub(crate) fn promise(&self, varies_by: Option<u64>) -> Option<Promise> {
        let promise = self.promise.load_full()?;
        (promise.1.is_some() && promise.1 == varies_by).then_some(Promise(promise))
    }

    /// Whether a good answer of the URL is remembered.
    pub(crate) fn has_promise(&self) -> bool {
        self.promise.load().is_some()
    }

    /// A good answer of another shape than the last one came.
    pub(crate) fn promises(&self, shape: Shape, varies_by: Option<u64>) {
        self.promise.store(Some(Arc::new((shape, varies_by))));
    }

    /// An answer of another shape came. Returns whether it came often enough in a row to be the new one.
    pub(crate) fn accepts(&self, shape: &Shape) -> bool {
        self.has_candidate.store(true, Relaxed);
        let mut candidate = lock(&self.candidate);
        let likeness = shape.likeness();
        let seen = match *candidate {
            Some((last, seen)) if last == likeness => seen + 1,
            _ => 1,
        };
        *candidate = (seen < ACCEPTED_AFTER).then_some((likeness, seen));
        seen >= ACCEPTED_AFTER
    }

    /// Whether the last good answer had just this body: it is as good as it was, and need not be looked into again.
    pub(crate) fn knows(&self, body: BodyHash) -> bool {
        self.last_good.load(Relaxed) == body.0
    }

    /// The copy, where it has that body. It may be older than the last good answer: not every one is kept.
    pub(crate) fn copy_with(&self, body: BodyHash) -> Option<Arc<Copy>> {
        self.copy.load_full().filter(|copy| copy.hash == body)
    }

    /// The newest that the copy names, where that is known.
    pub(crate) fn newest_kept(&self) -> Option<Moment> {
        let copy = self.copy.load();
        self.dates.newest_of(copy.as_ref()?.hash)
    }

    /// Whether this URL ever had a good answer.
    pub(crate) fn was_good(&self) -> bool {
        self.last_good.load(Relaxed) != 0
    }

    fn holds(&self, copy: &Arc<Copy>) -> bool {
        let held = self.copy.load();
        held.as_ref().is_some_and(|held| Arc::ptr_eq(held, copy))
    }

    /// A good answer had this body.
    pub(crate) fn learns(&self, body: BodyHash) {
        self.last_good.store(body.0, Relaxed);
        if self.has_candidate.load(Relaxed) {
            self.forgets_candidate();
        }
    }

    /// The row of new shapes is broken.
    pub(crate) fn forgets_candidate(&self) {
        if self.has_candidate.swap(false, Relaxed) {
            lock(&self.candidate).take();
        }
    }

    fn weight(&self) -> usize {
        let copy = self.copy.load();
        ENTRY_BYTES + copy.as_ref().map_or(0, |copy| copy.weight)
    }
}

// === impl Copy ===

impl Copy {
    /// How old its content is.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last()) + self.came_with
    }

    /// When it came last.
    fn last(&self) -> Instant {
        self.first + Duration::from_nanos(self.again.load(Relaxed))
    }

    /// Just this came once more.
    fn came_again(&self, now: Instant) {
        let after = now.saturating_duration_since(self.first).as_nanos();
        self.again
            .store(u64::try_from(after).unwrap_or(u64::MAX), Relaxed);
    }

    /// Whether it is a copy of that answer, which has its body.
    fn is_of(&self, answer: &Received<'_>, varies_by: u64) -> bool {
        self.status == answer.status
            && self.varies_by == varies_by
            && self.headers.iter().eq(for_others(answer.headers))
    }

    /// Whether the caller says that it has just this one (RFC 9110, section 13.1.2; weak comparison).
    pub(crate) fn is_known_to(&self, request: &HeaderMap) -> bool {
        let tag = |text: &[u8]| text.strip_prefix(b"W/").unwrap_or(text).to_vec();
        let Some(own) = self
            .headers
            .get(header::ETAG)
            .map(|value| tag(value.as_bytes()))
        else {
            return false;
        };
        let mut known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','));
        known.any(|known| known.trim_ascii() == b"*" || tag(known.trim_ascii()) == own)
    }
}

fn weight(headers: &HeaderMap, body: &Chunks) -> usize {
    let fields = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 64);
    body.len() + fields.sum::<usize>()
}

/// A copy is given to others: it must not hand them the session that began with it.
fn for_others(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| **name != header::SET_COOKIE)
}

/// The fields of a copy. Their values stand in memory of their own, or the copy would keep the whole buffer that they were
/// read into.
fn own_fields(headers: &HeaderMap) -> HeaderMap {
    let length = for_others(headers).map(|(_, value)| value.len()).sum();
    let mut values = BytesMut::with_capacity(length);
    for (_, value) in for_others(headers) {
        values.extend_from_slice(value.as_bytes());
    }
    let mut values = values.freeze();
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in for_others(headers) {
        let bytes = values.split_to(value.len());
        own.append(
            name,
            HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone()),
        );
    }
    own
}

fn age(headers: &HeaderMap) -> Duration {
    let seconds = headers
        .get(header::AGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|age| age.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0)).min(Duration::from_hours(24 * 365))
}

#[cfg(test)]
mod tests;
