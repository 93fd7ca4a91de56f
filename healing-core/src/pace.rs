//! How fast and with which key a source may be asked now.
//!
//! A key that its source turned away rests: for the time that was named, or for as long as such a fault usually lasts. The
//! first key that does not rest is used, so the healthy path reads one atomic and takes no lock. When the rest is over, one
//! request in a few seconds tries the key again; where it fails, another key answers that caller all the same.
//!
//! Where every key rests there is nothing to choose, and the [`Gate`] of the one that is free first decides, as it does
//! for a source without keys.

mod key;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use http::{HeaderMap, Request, Uri};
use tokio::time::Instant;

pub use crate::pace::key::KeyHealth;
use crate::{
    clock::Clock,
    keys::{Keys, Secret},
    outage::Gate,
    pace::key::{HeldKey, Stance},
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// The pace of one source.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Clock,
    keys: Keys,
    held: Box<[Arc<HeldKey>]>,
}

/// What one request may use of it, over all its calls.
#[derive(Debug)]
pub(crate) struct Share {
    pace: Arc<Pace>,
    /// The keys that were turned away at this request, one a bit.
    struck: AtomicU64,
    /// Those of them that may have been the wrong key or not.
    suspect: AtomicU64,
}

/// The permission to make one call.
#[derive(Debug)]
pub(crate) struct Pass(Option<Granted>);

#[derive(Debug)]
struct Granted {
    share: Arc<Share>,
    key: usize,
    /// Whether the key is used to find out about it.
    trying: bool,
}

// === impl Pace ===

impl Pace {
    /// A pace with those keys. What is known of a key stays with it, but not that it was refused: that is what new settings
    /// may have mended at the source.
    pub(crate) fn new(keys: &Keys, before: Option<&Self>, clock: Clock) -> Self {
        let known = || before.iter().flat_map(|before| &before.held);
        let held = keys.ring().iter().map(|secret| {
            let known = known().find(|held| held.is(secret));
            known.map_or_else(
                || Arc::new(HeldKey::new(secret.clone(), clock.now())),
                |held| HeldKey::kept(held, clock.now()),
            )
        });
        Self {
            clock,
            held: held.collect(),
            keys: keys.clone(),
        }
    }

    /// The share of a request like that; none where it gets no key of ours.
    pub(crate) fn share(self: &Arc<Self>, uri: &Uri, headers: &HeaderMap) -> Option<Arc<Share>> {
        self.keys.are_for(uri, headers).then(|| {
            Arc::new(Share {
                pace: Arc::clone(self),
                struck: AtomicU64::new(0),
                suspect: AtomicU64::new(0),
            })
        })
    }

    /// How its keys are doing, in their order.
    pub(crate) fn health(&self, now: Instant) -> Vec<KeyHealth> {
        let now = self.clock.since_start(now);
        self.held.iter().map(|key| key.health(now)).collect()
    }
}

// === impl Share ===

impl Share {
    /// The gate that a call with these keys stands before: that of a healthy one, where one is left, for then there is a
    /// way through whatever became of the others.
    pub(crate) fn gate(&self, now: Instant) -> Option<Arc<Gate>> {
        let since_start = self.pace.clock.since_start(now);
        let healthy = self
            .left()
            .find(|(_, key)| key.stance(since_start) == Stance::Healthy);
        let (_, key) = healthy.or_else(|| self.first_to_come())?;
        Some(Arc::clone(&key.gate))
    }

    /// Whether a key is left that this request has not been turned away with, and that does not rest.
    pub(crate) fn has_spare_key(&self) -> bool {
        let since_start = self.pace.clock.since_start(self.pace.clock.now());
        self.left()
            .any(|(_, key)| key.stance(since_start) != Stance::Rests)
    }

    /// Permission for a call now.
    ///
    /// # Errors
    /// With why not, and for how long.
    pub(crate) fn pass(self: &Arc<Self>, now: Instant) -> Result<Pass, Fault> {
        let since_start = self.pace.clock.since_start(now);
        let usable = self.left().find_map(|(n, key)| {
            let granted = |trying| Granted {
                share: Arc::clone(self),
                key: n,
                trying,
            };
            match key.stance(since_start) {
                Stance::Healthy => Some(granted(false)),
                Stance::Due if key.claim(since_start) => Some(granted(true)),
                Stance::Due | Stance::Rests => None,
            }
        });
        if let Some(granted) = usable {
            return Ok(Pass(Some(granted)));
        }
        // All rest. Their gates know whether one may be asked all the same, and what is a command.
        let Some((key, held)) = self.first_to_come() else {
            return Err(Fault::resting(FaultClass::AuthError).striking(Domain::Key));
        };
        match held.gate.told_to_wait(now) {
            Some(rest) => Err(Fault::resting(rest.class)
                .with_wait(Some(rest.retry_in))
                .striking(Domain::Key)),
            None => Ok(Pass(Some(Granted {
                share: Arc::clone(self),
                key,
                trying: true,
            }))),
        }
    }

    /// The keys that this request has not been turned away with.
    fn left(&self) -> impl Iterator<Item = (usize, &Arc<HeldKey>)> {
        let struck = self.struck.load(Relaxed);
        let all = self.pace.held.iter().enumerate();
        all.filter(move |(n, _)| struck & bit(*n) == 0)
    }

    fn first_to_come(&self) -> Option<(usize, &Arc<HeldKey>)> {
        self.left().min_by_key(|(_, key)| key.rests_until())
    }
}

/// There are at most as many keys as bits.
fn bit(n: usize) -> u64 {
    u32::try_from(n)
        .ok()
        .and_then(|n| 1_u64.checked_shl(n))
        .unwrap_or(0)
}

// === impl Pass ===

impl Pass {
    /// For a source that has no pace.
    pub(crate) const fn free() -> Self {
        Self(None)
    }

    /// Whether a key of ours goes with it: then its refusal is no mistake of the caller's.
    pub(crate) const fn has_key(&self) -> bool {
        self.0.is_some()
    }

    /// Makes ready what is sent.
    pub(crate) fn dress<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(key) = self.key() {
            key.count();
            let place = self
                .0
                .as_ref()
                .map(|granted| granted.share.pace.keys.place());
            place
                .iter()
                .for_each(|place| place.fill(key.secret(), &mut request));
        }
        request
    }
    /// Its key.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.key().map(|key| key.secret())
    }

    /// The gate of its key.
    pub(crate) fn gate(&self) -> Option<&Arc<Gate>> {
        self.key().map(|key| &key.gate)
    }

    /// A good answer came. Where other keys were refused before it, they were what was wrong.
    pub(crate) fn good(&self, now: Instant) {
        let (Some(granted), Some(key)) = (&self.0, self.key()) else {
            return;
        };
        if granted.trying {
            key.works_again();
        }
        let share = &granted.share;
        let suspect = share.suspect.swap(0, Relaxed);
        if suspect == 0 {
            return;
        }
        let since_start = share.pace.clock.since_start(now);
        let others = share.pace.held.iter().enumerate();
        for (_, other) in others.filter(|(n, _)| suspect & bit(*n) != 0) {
            other.rest(FaultClass::Forbidden, None, since_start);
        }
    }

    /// A bad answer came.
    pub(crate) fn failed(&self, fault: &Fault, now: Instant) {
        let (Some(granted), Some(key)) = (&self.0, self.key()) else {
            return;
        };
        if !may_be_of_a_key(fault) {
            return;
        }
        let share = &granted.share;
        share.struck.fetch_or(bit(granted.key), Relaxed);
        if fault.domain == Domain::Key {
            let since_start = share.pace.clock.since_start(now);
            key.rest(fault.class, fault.wait, since_start);
        } else {
            share.suspect.fetch_or(bit(granted.key), Relaxed);
        }
    }

    fn key(&self) -> Option<&Arc<HeldKey>> {
        let granted = self.0.as_ref()?;
        granted.share.pace.held.get(granted.key)
    }
}

/// Whether another key may help. A source that forbids one thing may do so for all keys or for this one: only another key's
/// answer tells, so that fault alone makes no key rest.
pub(crate) fn may_be_of_a_key(fault: &Fault) -> bool {
    match fault.class {
        FaultClass::AuthError | FaultClass::RateLimit | FaultClass::QuotaExceeded => {
            fault.domain == Domain::Key
        }
        FaultClass::Forbidden => true,
        FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ServerError
        | FaultClass::Timeout
        | FaultClass::ConnectionError
        | FaultClass::StaleData
        | FaultClass::EmptyData
        | FaultClass::MalformedBody
        | FaultClass::PremiumRequired
        | FaultClass::Blocked
        | FaultClass::Maintenance => false,
    }
}
