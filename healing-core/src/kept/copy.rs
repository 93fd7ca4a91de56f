//! A kept answer: what it is, how old, and as which answer it is given.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    body::Chunks,
    clock::Clock,
    kept::{BodyHash, Received, date, directives::whole_seconds, terms::Terms},
    vocabulary::fault::Fault,
};

/// What a copy weighs without its fields and its body.
const COPY_BYTES: usize = 256;

/// What a field weighs beside its text.
const FIELD_BYTES: usize = 128;

/// A kept answer.
pub(crate) struct Copy {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Chunks,
    /// What may be done with it.
    pub(crate) terms: Terms,
    /// What was wrong with it, where it is an error that says how long it holds.
    pub(crate) fault: Option<Fault>,
    /// Whether it answers a caller that gave credentials of its own.
    pub(crate) with_credentials: bool,
    /// How long it took to come.
    pub(crate) took: Duration,
    /// The age that it came with, by its own word.
    came_with: Duration,
    /// When it was made by its own word; read when somebody asks.
    dated: OnceLock<Option<Timestamp>>,
    /// When it came first.
    first: Instant,
    /// How long after that it came last, in nanoseconds.
    again: AtomicU64,
    /// When, after that, it was asked for again behind its callers' backs, in nanoseconds; zero before it was.
    renewal: AtomicU64,
    /// When it was offered to others last, in nanoseconds after it came first, and one.
    offered: AtomicU64,
    /// What the request said in the fields that the answer varies by.
    pub(crate) varies_by: u64,
    /// What it weighs, in bytes.
    pub(crate) weight: usize,
    /// The hash of its body.
    pub(crate) hash: BodyHash,
}

/// A copy that another process made.
pub(crate) struct Recalled {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Chunks,
    pub(crate) terms: Terms,
    pub(crate) with_credentials: bool,
    pub(crate) took: Duration,
    /// How old it was when it came.
    pub(crate) came_with: Duration,
    /// When that was.
    pub(crate) came: Instant,
    pub(crate) varies_by: u64,
    pub(crate) hash: BodyHash,
}

// === impl Copy ===

impl Copy {
    /// A copy of that answer, which came at `now`.
    pub(crate) fn of(answer: &Received<'_>, terms: Terms, varies_by: u64, now: Instant) -> Self {
        let headers = own_fields(answer.headers, terms);
        let known = answer.known.as_ref();
        let body = known.map_or_else(|| answer.body.compact(), |copy| copy.body.clone());
        Self {
            status: answer.status,
            weight: weight(&headers, answer.body),
            hash: answer.hash,
            came_with: age(answer.headers).saturating_add(answer.took),
            dated: OnceLock::new(),
            terms,
            fault: answer.fault.cloned(),
            with_credentials: answer.with_credentials,
            took: answer.took,
            headers,
            body,
            first: now,
            again: AtomicU64::new(0),
            renewal: AtomicU64::new(0),
            offered: AtomicU64::new(0),
            varies_by,
        }
    }

    /// The copy that it was.
    pub(crate) fn recalled(before: Recalled) -> Self {
        Self {
            weight: weight(&before.headers, &before.body),
            status: before.status,
            headers: before.headers,
            body: before.body,
            terms: before.terms,
            fault: None,
            with_credentials: before.with_credentials,
            took: before.took,
            came_with: before.came_with,
            // What its own date has to say is in that age already.
            dated: OnceLock::from(None),
            first: before.came,
            again: AtomicU64::new(0),
            renewal: AtomicU64::new(0),
            offered: AtomicU64::new(0),
            varies_by: before.varies_by,
            hash: before.hash,
        }
    }

    /// How old its content is (RFC 9111, section 4.2.3).
    pub(crate) fn age(&self, now: Instant, clock: &Clock) -> Duration {
        let came = self.last();
        let dated = self
            .dated
            .get_or_init(|| date::said(&self.headers, &header::DATE));
        let apparent = dated
            .and_then(|dated| Duration::try_from(clock.timestamp(came).duration_since(dated)).ok())
            .unwrap_or_default();
        now.saturating_duration_since(came)
            .saturating_add(self.came_with.max(apparent))
    }

    /// When it came last.
    pub(crate) fn last(&self) -> Instant {
        self.first + Duration::from_nanos(self.again.load(Relaxed))
    }

    /// Whether it is worth asking for the next one although this one is still fresh, decided by chance: the likelier, the
    /// sooner it expires and the longer its successor takes to come (`XFetch`: Vattani, Chierichetti, Lowenstein, "Optimal
    /// Probabilistic Cache Stampede Prevention", VLDB 2015). What is asked for often is so renewed before anybody waits.
    pub(crate) fn is_due(&self, age: Duration, chance: impl FnOnce() -> f64) -> bool {
        /// Sooner than this many times what its successor takes it is as good as never due.
        const SOONEST: u32 = 8;
        let left = self.terms.lifetime.unwrap_or_default().saturating_sub(age);
        left < self.took * SOONEST && chance() < (-left.div_duration_f64(self.took)).exp()
    }

    /// When it was asked for last.
    pub(crate) fn asked_at(&self) -> Instant {
        let last = self.last();
        last.checked_sub(self.took).unwrap_or(last)
    }

    /// Just this came once more.
    pub(crate) fn came_again(&self, now: Instant) {
        self.again.store(self.since_first(now), Relaxed);
    }

    /// From now on it is being asked for again behind its callers' backs.
    pub(crate) fn is_being_renewed(&self, now: Instant) {
        self.renewal.store(self.since_first(now), Relaxed);
    }

    /// When that began last, within the time that it holds by its origin's word.
    pub(crate) fn renewal(&self, now: Instant) -> Option<Instant> {
        let began = self.first + Duration::from_nanos(self.renewal.load(Relaxed));
        let lifetime = self.terms.lifetime.unwrap_or_default();
        (began > self.last() && now.saturating_duration_since(began) < lifetime).then_some(began)
    }

    fn since_first(&self, now: Instant) -> u64 {
        let after = now.saturating_duration_since(self.first).as_nanos();
        u64::try_from(after).unwrap_or(u64::MAX)
    }

    /// Whether it is to be offered to others now: at first, and when it came again after half of the time that it is fresh.
    pub(crate) fn is_news(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.first).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        let before = self.offered.load(Relaxed);
        let half = self.terms.lifetime.unwrap_or_default() / 2;
        let is_news = before == 0 || u128::from(since.saturating_sub(before)) >= half.as_nanos();
        if is_news {
            self.offered.store(since, Relaxed);
        }
        is_news
    }

    /// Whether it is a copy of that answer, which has its body.
    pub(crate) fn is_of(&self, answer: &Received<'_>, terms: Terms, varies_by: u64) -> bool {
        self.status == answer.status
            && self.terms == terms
            && self.varies_by == varies_by
            && self
                .headers
                .iter()
                .eq(fields_to_keep(answer.headers, terms))
    }

    /// Whether it may stand in for an answer that did not come, that long after it came or after it ceased to be fresh.
    pub(crate) fn heals(&self, now: Instant, heal_for: Duration) -> bool {
        let until = self.heals_until(heal_for);
        until.is_some_and(|until| now <= until)
    }

    /// Until when it may; `None` where it never may.
    pub(crate) fn heals_until(&self, heal_for: Duration) -> Option<Instant> {
        let fresh = self.terms.lifetime.unwrap_or_default();
        let stale = heal_for.max(self.terms.if_error);
        let heals = self.terms.heals.then_some(fresh.saturating_add(stale));
        heals.and_then(|time| self.last().checked_add(time))
    }

    /// Whether a newer copy takes the place of this one: of the same variant, and an error never that of a good one.
    pub(crate) fn gives_way_to(&self, newer: &Self) -> bool {
        self.varies_by == newer.varies_by && (newer.is_good() || !self.is_good())
    }

    fn is_good(&self) -> bool {
        self.fault.is_none() && !self.status.is_client_error() && !self.status.is_server_error()
    }
}

// What is kept is other people's data: it is counted for debugging, never shown.
impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy")
            .field("weight", &self.weight)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

fn weight(headers: &HeaderMap, body: &Chunks) -> usize {
    let fields = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    COPY_BYTES + body.len() + fields.sum::<usize>()
}

/// A copy is given to others: it must not hand them the session that began with it, unless the origin said that all of it
/// may be given for a time. Nor what was said between two hops.
fn fields_to_keep(
    headers: &HeaderMap,
    terms: Terms,
) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers.iter().filter(move |(name, _)| match name.as_str() {
        "set-cookie" => terms.lifetime.is_some(),
        "proxy-authenticate" | "proxy-authentication-info" | "proxy-authorization" => false,
        _ => true,
    })
}

/// The fields of a copy. Their values stand in memory of their own, or the copy would keep the whole buffer that they were
/// read into.
fn own_fields(headers: &HeaderMap, terms: Terms) -> HeaderMap {
    let kept = || fields_to_keep(headers, terms);
    let mut values = BytesMut::with_capacity(kept().map(|(_, value)| value.len()).sum());
    for (_, value) in kept() {
        values.extend_from_slice(value.as_bytes());
    }
    let mut values = values.freeze();
    let mut own = HeaderMap::with_capacity(headers.len());
    for (name, value) in kept() {
        let bytes = values.split_to(value.len());
        own.append(
            name,
            HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone()),
        );
    }
    own
}

/// The age that an answer says it has: the first member of the first line, where it is a count of seconds.
fn age(headers: &HeaderMap) -> Duration {
    let Some(value) = headers.get(header::AGE) else {
        return Duration::ZERO;
    };
    let first = value.as_bytes().split(|byte| *byte == b',').next();
    whole_seconds(first.unwrap_or_default().trim_ascii()).unwrap_or_default()
}
