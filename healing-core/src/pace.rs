//! How fast and with which key a source may be asked now.
//!
//! A key that its source turned away rests: for the time that was named, or for as long as such a fault usually lasts. The
//! first key that does not rest is used, so a source with keys and no quotas reads one atomic and takes no lock. When the
//! rest is over, one request in a few seconds tries the key again; where it fails, another key answers that caller all the
//! same. Where every key rests there is nothing to choose, and the [`Gate`] of the one that is free first decides, as it
//! does for a source without keys.
//!
//! Quotas are counted before each call, the first included: where our own count says that none is left, the source is not
//! asked, and healing begins. Whoever waits for a call stands in a [`Line`], and nobody overtakes.
//!
//! Where a source refuses and says neither its limit nor a time, the limit is [learned](learned) and counts like a quota.

mod aimd;
mod demand;
mod key;
mod lately;
pub(crate) mod learned;
mod pass;
mod share;
mod told;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http::{HeaderMap, Uri};
use tokio::time::Instant;

pub use crate::pace::key::KeyHealth;
pub(crate) use crate::pace::{
    pass::{Pass, may_be_of_a_key},
    share::{NoTurn, Share},
};
use crate::{
    clock::Clock,
    keys::Keys,
    line::Line,
    lock::lock,
    pace::{demand::Demand, key::HeldKey, learned::Limits},
    quota::{Meter, Quota, QuotaScope},
};

/// More callers with keys of their own than this share one count.
const MAX_CALLERS: usize = 1_000;

/// The pace of one source.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    keys: Option<Keys>,
    held: Box<[Arc<HeldKey>]>,
    quotas: Arc<[Quota]>,
    /// The calls of all of us together, where they are limited.
    address: Option<Arc<Meter>>,
    /// Who waits for a call with one of our keys, or with none.
    line: Arc<Line>,
    /// What is asked with our keys.
    demand: Arc<Demand>,
    /// Those who send keys of their own; `None`: all others.
    callers: Mutex<HashMap<[u8; 32], Arc<Account>>>,
    anonymous: Arc<Account>,
    held_back: AtomicU64,
    queue_full: AtomicU64,
}

/// The count of a caller that sends a key of its own, and who waits for a call with it.
#[derive(Debug)]
struct Account {
    meter: Option<Arc<Meter>>,
    line: Arc<Line>,
    demand: Demand,
}

/// How the pace of a source is doing.
///
/// ```
/// use healing_core::{Healer, Source};
/// let healer = Healer::builder().build();
/// assert!(healer.pace_of(&Source::new("fred_api")?).keys.is_empty()); // nothing is set for it
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PaceHealth {
    /// Its keys, in the order that they were given in.
    pub keys: Vec<KeyHealth>,
    /// Calls left to all of us together for now, where they are counted one by one.
    pub left: Option<u32>,
    /// Requests that wait for their turn.
    pub waiting: usize,
    /// Calls that were not made because our own count said that none was left.
    pub held_back: u64,
    /// Requests that did not wait because too many did.
    pub queue_full: u64,
}

// === impl Pace ===

impl Pace {
    /// A pace with those keys and quotas; `None` where there are neither. What is known of a key and what was counted stays,
    /// but not that a key was refused: that is what new settings may have mended at the source.
    pub(crate) fn new(
        keys: Option<&Keys>,
        quotas: &[Quota],
        before: Option<&Self>,
        clock: Clock,
    ) -> Option<Self> {
        let ring = keys.map_or(&[][..], Keys::ring);
        if ring.is_empty() && quotas.is_empty() {
            return None;
        }
        let of_key = || scoped(quotas, QuotaScope::Key);
        let held = ring.iter().map(|secret| {
            let known = before.iter().flat_map(|before| &before.held);
            let known = known.into_iter().find(|held| held.is(secret));
            let kept = known.and_then(|held| held.meter.clone());
            let meter = kept.filter(|meter| meter.is_of(of_key()));
            let meter = meter.or_else(|| Meter::new(of_key().cloned(), clock).map(Arc::new));
            Arc::new(HeldKey::new(secret.clone(), meter, clock.now()).knowing(known))
        });
        let of_address = || scoped(quotas, QuotaScope::Address);
        let address = before.and_then(|before| before.address.clone());
        let address = address
            .filter(|meter| meter.is_of(of_address()))
            .or_else(|| Meter::new(of_address().cloned(), clock).map(Arc::new));
        let same = before.filter(|before| *before.quotas == *quotas);
        let count = |pick: fn(&Self) -> &AtomicU64| {
            AtomicU64::new(before.map_or(0, |before| pick(before).load(Relaxed)))
        };
        Some(Self {
            held: held.collect(),
            keys: keys.cloned(),
            address,
            line: before.map_or_else(Arc::default, |before| Arc::clone(&before.line)),
            demand: before.map_or_else(Arc::default, |before| Arc::clone(&before.demand)),
            anonymous: same.map_or_else(
                || Account::new(quotas, clock),
                |same| Arc::clone(&same.anonymous),
            ),
            callers: Mutex::new(same.map_or_else(HashMap::new, |same| lock(&same.callers).clone())),
            quotas: quotas.into(),
            held_back: count(|pace| &pace.held_back),
            queue_full: count(|pace| &pace.queue_full),
            clock,
        })
    }

    /// The pace of a source with neither keys nor quotas, of which a route has a limit that was learned.
    fn bare(clock: Clock) -> Self {
        Self {
            clock,
            keys: None,
            held: Box::default(),
            quotas: Arc::default(),
            address: None,
            line: Arc::default(),
            demand: Arc::default(),
            callers: Mutex::default(),
            anonymous: Account::new(&[], clock),
            held_back: AtomicU64::new(0),
            queue_full: AtomicU64::new(0),
        }
    }

    /// Whether a key of ours goes with a request like that.
    pub(crate) fn has_key_for(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let keys = self.keys.as_ref();
        keys.is_some_and(|keys| keys.are_for(uri, headers))
    }

    /// The share of a request like that; `caller` is a digest of the credentials that it came with, `limits` what was learned.
    pub(crate) fn share(
        self: &Arc<Self>,
        (uri, headers): (&Uri, &HeaderMap),
        caller: Option<&[u8; 32]>,
        limits: Option<Limits>,
    ) -> Option<Arc<Share>> {
        if self.has_key_for(uri, headers) {
            return Some(Arc::new(Share::with_keys(self, limits)));
        }
        let is_counted = !self.quotas.is_empty() || limits.is_some();
        is_counted.then(|| {
            let keys = self.keys.as_ref();
            let theirs = keys.and_then(|keys| keys.digest_of_callers(uri, headers));
            let account = self.account(theirs.as_ref().or(caller));
            Arc::new(Share::of_caller(self, &account, limits))
        })
    }

    /// How it is doing.
    pub(crate) fn health(&self, now: Instant) -> PaceHealth {
        let now = self.clock.since_start(now);
        PaceHealth {
            keys: self.held.iter().map(|key| key.health(now)).collect(),
            left: self.address.as_ref().and_then(|meter| meter.left(now)),
            waiting: self.line.waiting(),
            held_back: self.held_back.load(Relaxed),
            queue_full: self.queue_full.load(Relaxed),
        }
    }

    fn account(&self, caller: Option<&[u8; 32]>) -> Arc<Account> {
        let Some(caller) = caller else {
            return Arc::clone(&self.anonymous);
        };
        let mut callers = lock(&self.callers);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(caller) {
            return Arc::clone(&self.anonymous);
        }
        let begin = || Account::new(&self.quotas, self.clock);
        Arc::clone(callers.entry(*caller).or_insert_with(begin))
    }
}

fn scoped(quotas: &[Quota], scope: QuotaScope) -> impl Iterator<Item = &Quota> {
    quotas.iter().filter(move |quota| quota.scope == scope)
}

// === impl Account ===

impl Account {
    fn new(quotas: &[Quota], clock: Clock) -> Arc<Self> {
        let meter = Meter::new(scoped(quotas, QuotaScope::Key).cloned(), clock);
        Arc::new(Self {
            meter: meter.map(Arc::new),
            line: Arc::default(),
            demand: Demand::default(),
        })
    }
}
