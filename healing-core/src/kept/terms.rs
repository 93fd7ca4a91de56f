//! What may be done with an answer, as its origin, the operator and the rules of HTTP have it (RFC 9111, 5861, 9213).

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    kept::{
        date,
        directives::{Directives, Word},
    },
    settings::{Sharing, Treatment},
    vocabulary::fault::Fault,
};

/// Settled once, when a copy is made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
pub(crate) struct Terms {
    /// Up to which age it is given without asking; `None` when nobody says.
    pub(crate) lifetime: Option<Duration>,
    /// How long after that it may be given while it is being asked for again.
    pub(crate) while_revalidating: Duration,
    /// How long after that it may be given in the place of an error, by the origin's word.
    pub(crate) if_error: Duration,
    /// Whether it may stand in for an answer that did not come.
    pub(crate) heals: bool,
    /// Whether it is asked for again each time.
    pub(crate) asks_first: bool,
    /// Whether it is given against the origin's word, because the operator says so.
    pub(crate) is_overridden: bool,
    /// Whether it may be given to callers with credentials other than those it answers.
    pub(crate) is_shared: bool,
}

/// An answer, and who asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a HeaderMap,
    pub(crate) with_credentials: bool,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// What the verdict found, where it found something.
    pub(crate) fault: Option<&'a Fault>,
}

// === impl Terms ===

impl Terms {
    /// On which terms a copy of this answer to a GET may be kept, if at all. `now` is asked for only where it matters.
    pub(crate) fn of(
        answer: Subject<'_>,
        treatment: &Treatment,
        now: impl FnOnce() -> Timestamp,
    ) -> Option<Self> {
        let caching = treatment.caching;
        let said = Directives::of_answer(answer.headers);
        let understood = said.says(Word::MustUnderstand) && is_understood(answer.status);
        let never = ((said.says(Word::NoStore) || said.says(Word::MustUnderstand)) && !understood)
            || (said.says(Word::Private) && !answer.with_credentials)
            || is_partial(answer.status)
            || Directives::of_request(answer.request).says(Word::NoStore)
            || (answer.fault.is_some() && !caching.errors);
        if never {
            return None;
        }
        let overrides = caching.overrides && answer.fault.is_none();
        let is_strict = said.says(Word::NoCache)
            || said.says(Word::MustRevalidate)
            || said.says(Word::ProxyRevalidate)
            || said.s_maxage.is_some();
        let strict = is_strict && !overrides;
        let (lifetime, is_longer) = lifetime(answer, &said, treatment, now);
        let asks_first = said.says(Word::NoCache) && !(overrides && is_longer);
        let heals = answer.status == StatusCode::OK && answer.fault.is_none() && !strict;
        let stale = |time: Option<Duration>| time.filter(|_| !strict).unwrap_or_default();
        let terms = Self {
            lifetime,
            while_revalidating: stale(said.stale_while_revalidate),
            if_error: stale(said.stale_if_error),
            heals,
            asks_first,
            is_overridden: overrides && (is_strict || is_longer),
            is_shared: is_shared(&said, answer.with_credentials, caching.sharing),
        };
        let is_worth_it = heals
            || lifetime.is_some_and(|time| !time.is_zero())
            || has_validator(answer.headers) && (lifetime.is_some() || asks_first);
        is_worth_it.then_some(terms)
    }

    /// Whether it is more than something to heal with.
    pub(crate) const fn is_for_the_cache(&self) -> bool {
        self.lifetime.is_some() || self.asks_first
    }

    /// How much longer a copy of that age is fresh, in whole seconds; negative once it is not.
    pub(crate) fn ttl(&self, age: Duration) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let lifetime = self.lifetime.unwrap_or_default();
        match lifetime.checked_sub(age) {
            Some(left) => seconds(left),
            None => -seconds(age.saturating_sub(lifetime)),
        }
    }

    /// Whether a copy of that age is fresh.
    pub(crate) fn is_fresh(&self, age: Duration) -> bool {
        !self.asks_first && self.lifetime.is_some_and(|lifetime| age < lifetime)
    }

    /// Whether a copy of that age may be given while it is asked for again.
    pub(crate) fn serves_while_revalidating(&self, age: Duration) -> bool {
        !self.asks_first
            && self
                .lifetime
                .is_some_and(|lifetime| age < lifetime.saturating_add(self.while_revalidating))
    }
}

/// Up to which age the answer is fresh, and whether that is the operator's word against the origin's.
fn lifetime(
    answer: Subject<'_>,
    said: &Directives,
    treatment: &Treatment,
    now: impl FnOnce() -> Timestamp,
) -> (Option<Duration>, bool) {
    let caching = treatment.caching;
    let explicit = || {
        said.s_maxage
            .filter(|_| !said.is_targeted)
            .or(said.max_age)
            .is_some()
            || (!said.is_targeted && answer.headers.contains_key(header::EXPIRES))
    };
    let ours = treatment
        .fresh_for
        .filter(|_| answer.status == StatusCode::OK && answer.fault.is_none());
    if let Some(time) = ours.filter(|_| caching.overrides) {
        return (Some(time), explicit() || said.says(Word::NoCache));
    }
    if explicit() {
        let time = said
            .s_maxage
            .filter(|_| !said.is_targeted)
            .or(said.max_age)
            .unwrap_or_else(|| until_expires(answer.headers, now));
        return (Some(time), false);
    }
    if let Some(time) = ours {
        return (Some(time), false);
    }
    let guess = caching
        .heuristic
        .then(|| heuristic(answer, said, now))
        .flatten();
    (guess, false)
}

/// From when it was sent until it expires; nothing where that cannot be read (RFC 9111, section 5.3).
fn until_expires(headers: &HeaderMap, now: impl FnOnce() -> Timestamp) -> Duration {
    let Some(expires) = date::said(headers, &header::EXPIRES) else {
        return Duration::ZERO;
    };
    let sent = date::said(headers, &header::DATE).unwrap_or_else(now);
    Duration::try_from(expires.duration_since(sent)).unwrap_or_default()
}

/// A tenth of the time since it was changed last (RFC 9111, section 4.2.2).
fn heuristic(
    answer: Subject<'_>,
    said: &Directives,
    now: impl FnOnce() -> Timestamp,
) -> Option<Duration> {
    const BY_DEFAULT: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
    if !BY_DEFAULT.contains(&answer.status.as_u16()) && !said.says(Word::Public) {
        return None;
    }
    let changed = date::said(answer.headers, &header::LAST_MODIFIED)?;
    let sent = date::said(answer.headers, &header::DATE).unwrap_or_else(now);
    Some(Duration::try_from(sent.duration_since(changed)).ok()? / 10)
}

/// Whether others than those with the caller's credentials may be given it (RFC 9111, section 3.5).
fn is_shared(said: &Directives, with_credentials: bool, sharing: Sharing) -> bool {
    let by_rule = match sharing {
        Sharing::WhenPublic => false,
        Sharing::AsHttpHasIt => {
            !with_credentials || said.says(Word::MustRevalidate) || said.s_maxage.is_some()
        }
    };
    !said.says(Word::Private) && (by_rule || said.says(Word::Public))
}

/// Whether the status is one whose rules about keeping are known (RFC 9110, section 15).
fn is_understood(status: StatusCode) -> bool {
    status.canonical_reason().is_some()
}

/// Whether it is only a part of an answer, or a word about one.
const fn is_partial(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
    )
}

/// Whether it can be asked for again by a name of its own.
pub(crate) fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED)
}
