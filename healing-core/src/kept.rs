//! What is remembered of each URL: the copies in hand, what its good answers look like, whether it is worth asking.
//!
//! One store for both uses of a copy: to answer without asking while it is fresh, and to stand in when asking came to
//! nothing. A copy is what heals most, so the rules about who may be given which are strict (RFC 9111, with the bounds of
//! `docs/src/copies.md`): never `no-store`, never across callers with different credentials, never against the origin's
//! word. Everything is bounded by weight in bytes.

pub(crate) mod caller;
pub(crate) mod copy;
pub(crate) mod date;
mod dates;
pub(crate) mod directives;
pub(crate) mod giving;
pub(crate) mod habits;
pub(crate) mod list;
mod looks;
pub(crate) mod memory;
pub(crate) mod parcel;
pub(crate) mod shelf;
mod steps;
pub(crate) mod target;
pub(crate) mod terms;
pub(crate) mod title;
mod variant;

use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery};
use moka::sync::Cache;
use tokio::time::Instant;

use crate::{
    body::Chunks,
    clock::Clock,
    kept::{
        copy::Copy,
        memory::{ENTRY_BYTES, Memory},
        target::{Names, UrlKey},
        terms::{Subject, Terms},
        title::Title,
    },
    settings::Treatment,
    vocabulary::{fault::Fault, route::Route},
};

/// What is not asked for in this time is forgotten, however long it would be fresh.
const IDLE: Duration = Duration::from_hours(24);

/// URLs whose copies were made void by a change are remembered that many at a time.
const MAX_VOID: u64 = 100_000;

/// The memories of all URLs, weighed and bounded.
pub(crate) struct Kept {
    urls: Cache<UrlKey, Arc<Memory>, foldhash::quality::RandomState>,
    /// How much came since room was made last, and how much may: it is made at leisure, and would be late for large copies.
    unsettled: (AtomicU64, u64),
    /// When a URL was changed last, by whomever.
    void: Cache<UrlKey, Instant>,
    /// Whether any was. All that is read where nobody changes anything.
    has_void: AtomicBool,
    /// Whether any copy is for callers with other credentials.
    has_shared: AtomicBool,
    /// Made when the first is needed, unless an earlier process's are taken.
    names: OnceLock<Names>,
    bodies: foldhash::quality::RandomState,
}

/// Tells bodies of one URL apart. Seeded, and quick rather than strong: only the URL's own source could make two meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BodyHash(u64);

/// Where a request's copies are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    /// Its URL, whoever asks.
    pub(crate) url: UrlKey,
    /// Its URL as this caller sees it.
    pub(crate) key: UrlKey,
}

/// What a request takes of a copy that stands in.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) address: Address,
    pub(crate) request: &'a HeaderMap,
    pub(crate) now: Instant,
    /// The greatest age that the caller takes.
    pub(crate) max_age: Option<Duration>,
    /// How long after it was stored, or ceased to be fresh, a copy may heal.
    pub(crate) heal_for: Duration,
}

/// An answer that was read whole.
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
    /// What was wrong with it, where something was.
    pub(crate) fault: Option<&'a Fault>,
    /// How long it took to come.
    pub(crate) took: Duration,
    /// The copy with the same body, where there is one.
    pub(crate) known: Option<Arc<Copy>>,
}

// === impl Kept ===

impl Kept {
    /// Room for that many bytes.
    pub(crate) fn new(capacity: u64) -> Self {
        let urls = Cache::builder()
            .max_capacity(capacity)
            .weigher(|_, memory: &Arc<Memory>| u32::try_from(memory.weight()).unwrap_or(u32::MAX))
            .time_to_idle(IDLE)
            .build_with_hasher(foldhash::quality::RandomState::default());
        Self {
            urls,
            unsettled: (AtomicU64::new(0), capacity / 64),
            void: Cache::builder()
                .max_capacity(MAX_VOID)
                .time_to_live(IDLE)
                .build(),
            has_void: AtomicBool::new(false),
            has_shared: AtomicBool::new(false),
            names: OnceLock::new(),
            bodies: foldhash::quality::RandomState::default(),
        }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(Names::new)
    }

    /// Where the copies of a URL are for that [`caller`](caller::digest). GET and HEAD share them.
    pub(crate) fn address(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        caller: Option<&[u8; 32]>,
    ) -> Address {
        let url = self.names().of(uri, headers);
        Address {
            url,
            key: self.names().for_caller(url, caller),
        }
    }

    /// What a URL is called that is asked so.
    pub(crate) fn title(
        &self,
        url: UrlKey,
        route: &Route,
        (uri, headers): (&Uri, &HeaderMap),
    ) -> Title {
        Title {
            target: self.target_hash(uri.path_and_query().map_or("/", PathAndQuery::as_str)),
            ..Title::of(url, route, uri, headers)
        }
    }

    /// Tells paths with their queries apart, without keeping them.
    pub(crate) fn target_hash(&self, target: &str) -> u64 {
        self.bodies.hash_one(target)
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

    /// Keeps a copy, also for others where it is for them. An entry is weighed anew where its weight has changed.
    pub(crate) fn keep(&self, address: Address, memory: &Arc<Memory>, copy: &Arc<Copy>) {
        if copy.terms.is_shared && copy.terms.lifetime.is_some() {
            self.has_shared.store(true, Relaxed);
            if address.url != address.key {
                let of_all = self.find_or_begin(address.url, copy.last());
                if let Some(title) = memory.title() {
                    of_all.titled(|| Arc::clone(title));
                }
                self.put(address.url, &of_all, copy);
            }
        }
        self.put(address.key, memory, copy);
    }

    fn put(&self, key: UrlKey, memory: &Arc<Memory>, copy: &Arc<Copy>) {
        let before = memory.weight();
        memory.keep(copy);
        let weight = memory.weight();
        if weight.abs_diff(before) > (weight / 16).max(ENTRY_BYTES / 4) {
            self.urls.insert(key, Arc::clone(memory));
            self.settle(copy.weight);
        }
    }

    fn settle(&self, weight: usize) {
        let (unsettled, most) = &self.unsettled;
        let weight = u64::try_from(weight).unwrap_or(u64::MAX);
        if unsettled.fetch_add(weight, Relaxed).saturating_add(weight) > *most {
            unsettled.store(0, Relaxed);
            self.urls.run_pending_tasks();
        }
    }

    /// Whether a copy of this answer may be kept, and if so, the copy: the known one where nothing differs but the time.
    pub(crate) fn copy_of(
        &self,
        answer: &Received<'_>,
        treatment: &Treatment,
        clock: &Clock,
    ) -> Option<Arc<Copy>> {
        if *answer.method != Method::GET {
            return None;
        }
        let subject = Subject {
            request: answer.request,
            with_credentials: answer.with_credentials,
            status: answer.status,
            headers: answer.headers,
            fault: answer.fault,
        };
        let terms = Terms::of(subject, treatment, || clock.timestamp(clock.now()))?;
        let varies_by = self.varied(answer.headers, answer.request)?;
        let now = clock.now();
        let known = answer.known.as_ref();
        if let Some(same) = known.filter(|copy| copy.is_of(answer, terms, varies_by)) {
            same.came_again(now);
            return Some(Arc::clone(same));
        }
        Some(Arc::new(Copy::of(answer, terms, varies_by, now)))
    }

    /// The copy in hand for that request: young enough to heal, and of what this caller asks.
    pub(crate) fn in_hand(
        &self,
        memory: &Memory,
        wanted: Wanted<'_>,
        clock: &Clock,
    ) -> Option<Arc<Copy>> {
        let with_credentials = wanted.address.url != wanted.address.key;
        memory.find(|copy| {
            copy.with_credentials == with_credentials
                && copy.heals(wanted.now, wanted.heal_for)
                && wanted
                    .max_age
                    .is_none_or(|most| copy.age(wanted.now, clock) <= most)
                && self.fits(copy, wanted.request)
                && !self.is_void(wanted.address.url, copy)
        })
    }

    /// The copy that the cache has of what is asked, fresh or not: this caller's own, or one that is for all.
    pub(crate) fn on_hand(
        &self,
        address: Address,
        memory: Option<&Memory>,
        request: &HeaderMap,
    ) -> Option<Arc<Copy>> {
        let fits = |copy: &Copy| {
            copy.terms.is_for_the_cache()
                && self.fits(copy, request)
                && !self.is_void(address.url, copy)
        };
        let with_credentials = address.url != address.key;
        let own = memory.and_then(|memory| {
            memory.find(|copy| {
                (copy.with_credentials == with_credentials || copy.terms.is_shared) && fits(copy)
            })
        });
        own.or_else(|| {
            let of_all = self
                .find(address.url)
                .filter(|_| with_credentials && self.has_shared.load(Relaxed))?;
            of_all.find(|copy| copy.terms.is_shared && fits(copy))
        })
    }

    /// Whether a copy is of the variant that is asked for.
    fn fits(&self, copy: &Copy, request: &HeaderMap) -> bool {
        !copy.headers.contains_key(header::VARY)
            || self.varied(&copy.headers, request) == Some(copy.varies_by)
            || variant::speaks_the_best_language(&copy.headers, request)
    }

    /// A number that requests share for which an answer with these fields is the same; `None` when no two are.
    pub(crate) fn varied(&self, answer: &HeaderMap, request: &HeaderMap) -> Option<u64> {
        variant::of(self.names(), answer, request)
    }

    /// Something at that URL was changed: what was asked for before is no answer any more, for nobody.
    pub(crate) fn invalidate(&self, url: UrlKey, now: Instant) {
        self.void.insert(url, now);
        self.has_void.store(true, Relaxed);
    }

    fn is_void(&self, url: UrlKey, copy: &Copy) -> bool {
        self.changed(url)
            .is_some_and(|changed| copy.asked_at() <= changed)
    }

    /// When something at that URL was changed last.
    pub(crate) fn changed(&self, url: UrlKey) -> Option<Instant> {
        self.has_void
            .load(Relaxed)
            .then(|| self.void.get(&url))
            .flatten()
    }
}

// What is kept is other people's data: it is counted for debugging, never shown.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("urls", &self.urls.entry_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
