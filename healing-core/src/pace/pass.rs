//! The permission to make one call, from its grant to what it taught.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use http::{HeaderMap, Request};
use tokio::time::Instant;

use crate::{
    keys::Secret,
    outage::Gate,
    overload::Aboard,
    pace::{
        key::HeldKey,
        share::{Share, bit},
        told,
    },
    quota::{Meter, Taken},
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// The permission to make one call. One that is dropped unused gives its place in the counts back.
#[derive(Debug)]
pub(crate) struct Pass {
    granted: Option<Granted>,
    /// Its place among the calls to its host.
    aboard: Option<Aboard>,
}

#[derive(Debug)]
pub(super) struct Granted {
    pub(super) share: Arc<Share>,
    /// Which key of ours goes with it, and whether that is to find out about it.
    pub(super) key: Option<(usize, bool)>,
    /// Where it was counted for the key.
    pub(super) own: Option<Counted>,
    /// Where it was counted for all of us.
    pub(super) address: Option<Counted>,
    /// Whether it goes by leave of a limit that was learned.
    pub(super) by_leave: bool,
    pub(super) sent: bool,
}

/// A call in a meter.
pub(super) type Counted = (Arc<Meter>, Taken);

// === impl Pass ===

impl Pass {
    /// For a source that has no pace.
    pub(crate) const fn free() -> Self {
        Self {
            granted: None,
            aboard: None,
        }
    }

    pub(super) const fn of(granted: Granted) -> Self {
        Self {
            granted: Some(granted),
            aboard: None,
        }
    }

    /// The same, with a place among the calls to its host.
    pub(crate) fn on(self, aboard: Aboard) -> Self {
        Self {
            aboard: Some(aboard),
            ..self
        }
    }

    /// Its place among the calls to its host.
    pub(crate) const fn aboard(&self) -> Option<&Aboard> {
        self.aboard.as_ref()
    }

    /// Whether a key of ours goes with it: then its refusal is no mistake of the caller's.
    pub(crate) fn has_key(&self) -> bool {
        self.key().is_some()
    }

    /// Makes ready what is sent.
    pub(crate) fn dress<B>(&mut self, mut request: Request<B>) -> Request<B> {
        if let Some(granted) = &mut self.granted {
            granted.sent = true;
            let (key, keys) = (granted.held(), &granted.share.pace.keys);
            if let Some((key, keys)) = key.zip(keys.as_ref()) {
                key.count();
                keys.place().fill(key.secret(), &mut request);
            }
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

    /// Whether it goes by leave of a limit that was learned.
    pub(crate) fn is_by_leave(&self) -> bool {
        self.granted
            .as_ref()
            .is_some_and(|granted| granted.by_leave)
    }

    /// Notes what the fields of its answer say of the calls that are left.
    pub(crate) fn told(&self, headers: &HeaderMap, now: Instant) {
        let Some(granted) = &self.granted else {
            return;
        };
        // Limits by address are told as such nowhere; what is told goes with the narrower count.
        let Some((meter, _)) = granted.own.as_ref().or(granted.address.as_ref()) else {
            return;
        };
        let clock = &granted.share.pace.clock;
        for (left, reset) in told::read(headers, clock.timestamp(now)) {
            meter.told(left, reset, clock.since_start(now));
        }
    }

    /// A good answer came. Where other keys were refused before it, they were what was wrong.
    pub(crate) fn good(&self, now: Instant) {
        let Some(granted) = &self.granted else {
            return;
        };
        if let (Some(key), Some((_, true))) = (self.key(), granted.key) {
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

    /// A bad answer came. Its key goes on where a limit that was learned answers that.
    pub(crate) fn failed(&self, fault: &Fault, is_limited: bool, now: Instant) {
        let Some(granted) = &self.granted else {
            return;
        };
        let (Some(key), Some((n, _))) = (self.key(), granted.key) else {
            return;
        };
        if !may_be_of_a_key(fault) {
            return;
        }
        let share = &granted.share;
        share.struck.fetch_or(bit(n), Relaxed);
        if is_limited {
            return; // this request tries another key, and the others wait for their turns
        }
        if fault.domain == Domain::Key {
            let since_start = share.pace.clock.since_start(now);
            key.rest(fault.class, fault.wait, since_start);
        } else {
            share.suspect.fetch_or(bit(n), Relaxed);
        }
    }

    fn key(&self) -> Option<&Arc<HeldKey>> {
        self.granted.as_ref()?.held()
    }
}

// === impl Granted ===

impl Granted {
    fn held(&self) -> Option<&Arc<HeldKey>> {
        let (n, _) = self.key?;
        self.share.pace.held.get(n)
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        let clock = &self.share.pace.clock;
        for (meter, taken) in [&self.own, &self.address].into_iter().flatten() {
            if self.sent {
                meter.ended(*taken, clock.since_start(clock.now()));
            } else {
                meter.give_back(*taken);
            }
        }
    }
}

/// Whether another key may help. A source that forbids one thing may do so for all keys or for this one: only another key's
/// answer tells, so that fault alone makes no key rest. A time that it names is for all of them.
pub(crate) fn may_be_of_a_key(fault: &Fault) -> bool {
    match fault.class {
        FaultClass::AuthError | FaultClass::RateLimit | FaultClass::QuotaExceeded => {
            fault.domain == Domain::Key && !fault.is_held_back()
        }
        FaultClass::Forbidden => fault.wait.is_none_or(|wait| wait.is_zero()),
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
