//! One key: whether it rests, since what, and how often it was used.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    keys::Secret,
    outage::{Gate, Guards},
    quota::Meter,
    vocabulary::fault::FaultClass,
};

/// How a key is doing. It does not say which one it is: keys have numbers, in the order that they were given in.
///
/// ```
/// use healing_core::{Healer, Source};
/// let healer = Healer::builder().build();
/// assert_eq!(healer.pace_of(&Source::new("fred_api")?).keys.first(), None); // no keys are set
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct KeyHealth {
    /// Calls made with it.
    pub calls: u64,
    /// How often its source turned it away.
    pub turned_away: u64,
    /// How much longer it rests, where it does.
    pub rests_for: Option<Duration>,
    /// Calls left to it for now, where they are counted one by one.
    pub left: Option<u32>,
}

/// A key in use.
#[derive(Debug)]
pub(crate) struct HeldKey {
    secret: Secret,
    pub(crate) gate: Arc<Gate>,
    /// Its calls, where they are limited.
    pub(crate) meter: Option<Arc<Meter>>,
    /// In milliseconds since the clock's start; zero: it does not rest. All that a healthy request reads.
    rests_until_ms: AtomicU64,
    /// Whether it rests because its source does not take it, rather than because it was used too much.
    is_refused: AtomicBool,
    calls: AtomicU64,
    turned_away: AtomicU64,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stance {
    Healthy,
    /// It has rested long enough: one request may find out.
    Due,
    Rests,
}

// === impl HeldKey ===

impl HeldKey {
    /// Limits that name no time are mostly those of a minute.
    const REST_AFTER_A_LIMIT: Duration = Duration::from_mins(1);
    /// A spent day or month, and a key that is not taken, do not come back sooner.
    const LONG_REST: Duration = Duration::from_hours(1);
    /// Between one request that finds out and the next.
    const BETWEEN_TRIES: Duration = Duration::from_secs(5);

    pub(crate) fn new(secret: Secret, meter: Option<Arc<Meter>>, now: Instant) -> Self {
        Self {
            secret,
            gate: Arc::new(Gate::new(Guards::One, now)),
            meter,
            rests_until_ms: AtomicU64::new(0),
            is_refused: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        }
    }

    /// The same key under new settings, with what was known of it: one that was not taken is given another chance.
    pub(crate) fn knowing(mut self, known: Option<&Arc<Self>>) -> Self {
        let Some(known) = known else {
            return self;
        };
        let copy = |count: &AtomicU64| AtomicU64::new(count.load(Relaxed));
        (self.calls, self.turned_away) = (copy(&known.calls), copy(&known.turned_away));
        if !known.is_refused.load(Relaxed) {
            self.gate = Arc::clone(&known.gate);
            self.rests_until_ms = copy(&known.rests_until_ms);
        }
        self
    }

    pub(crate) const fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn is(&self, secret: &Secret) -> bool {
        self.secret.expose() == secret.expose()
    }

    /// It goes out with a call.
    pub(crate) fn count(&self) {
        self.calls.fetch_add(1, Relaxed);
    }

    pub(crate) fn stance(&self, now: Duration) -> Stance {
        match self.rests_until_ms.load(Relaxed) {
            0 => Stance::Healthy,
            until if until <= millis(now) => Stance::Due,
            _ => Stance::Rests,
        }
    }

    /// When its rest is over, in milliseconds since the clock's start.
    pub(crate) fn rests_until(&self) -> u64 {
        self.rests_until_ms.load(Relaxed)
    }

    /// Takes the right to find out, which one request has for a while.
    pub(crate) fn claim(&self, now: Duration) -> bool {
        let until = self.rests_until_ms.load(Relaxed);
        let next = millis(now + Self::BETWEEN_TRIES);
        until != 0
            && until <= millis(now)
            && self
                .rests_until_ms
                .compare_exchange(until, next, Relaxed, Relaxed)
                .is_ok()
    }

    /// Its source turned it away. A rest that was longer stays so.
    pub(crate) fn rest(&self, class: FaultClass, wait: Option<Duration>, now: Duration) {
        self.turned_away.fetch_add(1, Relaxed);
        let is_refused = matches!(class, FaultClass::AuthError | FaultClass::Forbidden);
        let usual = if class == FaultClass::RateLimit {
            Self::REST_AFTER_A_LIMIT
        } else {
            Self::LONG_REST
        };
        // Rounded up: never early.
        let until = millis(now + wait.unwrap_or(usual)) + 1;
        self.is_refused.store(is_refused, Relaxed);
        self.rests_until_ms.fetch_max(until, Relaxed);
    }

    /// One that found out had a good answer.
    pub(crate) fn works_again(&self) {
        self.rests_until_ms.store(0, Relaxed);
        self.is_refused.store(false, Relaxed);
    }

    pub(crate) fn health(&self, now: Duration) -> KeyHealth {
        let left = self.rests_until().saturating_sub(millis(now));
        KeyHealth {
            calls: self.calls.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
            rests_for: (left > 0).then(|| Duration::from_millis(left)),
            left: self.meter.as_ref().and_then(|meter| meter.left(now)),
        }
    }
}

fn millis(since_start: Duration) -> u64 {
    u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX)
}
