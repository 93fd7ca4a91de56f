//! What a route's refusals have taught of how often it may be asked: a limit for each key that it is asked with.
//!
//! Where a source says when to come again, that is exact and is obeyed. Where it says no more than that it is too much, the
//! rate that it accepts is found out. Until a route's first such refusal it pays for one count of what it accepts, and one
//! look at whether there are limits.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    clock::Clock,
    line::Line,
    lock::lock,
    outage::Heard,
    pace::{
        Pace,
        aimd::{Aimd, Refused},
        lately::Accepted,
    },
    quota::Errand,
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// More keys than this have no limit at one route; their refusals are left to the gates.
const MAX_KEYS: usize = 1_000;

/// The learned limits of one route.
#[derive(Debug)]
pub(crate) struct Learned {
    clock: Clock,
    /// What the route accepts, with whatever key.
    accepted: Accepted,
    /// Whether there is a limit. All that a healthy request reads.
    any: AtomicBool,
    /// By the numbers of the keys' gates.
    limits: Mutex<HashMap<u32, Arc<Limit>>>,
    /// Who waits for a call with one of our keys.
    ours: Arc<Line>,
    /// Stands in for the pace of a source for which nothing is set.
    bare: OnceLock<Arc<Pace>>,
}

/// The limit of one key.
#[derive(Debug)]
pub(crate) struct Limit {
    clock: Clock,
    accepted: Accepted,
    rate: Mutex<Aimd>,
    /// Who waits for a call with it, where it is a caller's own.
    pub(super) line: Arc<Line>,
}

/// What limits one request.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(super) of_route: Arc<Learned>,
    /// That of the caller's own key; `None`: a key of ours goes with the request, and each has its own.
    pub(super) of_caller: Option<Arc<Limit>>,
}

/// A call that came back: by which key's gate it went, and whether by leave of that key's limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Went {
    pub(crate) key: u32,
    pub(crate) by_leave: bool,
    pub(crate) heard: Heard,
}

// === impl Learned ===

impl Learned {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            accepted: Accepted::default(),
            any: AtomicBool::new(false),
            limits: Mutex::default(),
            ours: Arc::default(),
            bare: OnceLock::new(),
        }
    }

    /// Whether any key has a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// What limits a caller with a key of its own, or with none.
    pub(crate) fn of_caller(self: &Arc<Self>, key: u32) -> Option<Limits> {
        let limit = self.of(key)?;
        Some(Limits {
            of_route: Arc::clone(self),
            of_caller: Some(limit),
        })
    }

    /// What limits a request that gets a key of ours.
    pub(crate) fn of_ours(self: &Arc<Self>) -> Limits {
        Limits {
            of_route: Arc::clone(self),
            of_caller: None,
        }
    }

    /// A call was accepted.
    pub(crate) fn accepts(&self, went: Went) {
        let now = self.clock.since_start(went.heard.at);
        self.accepted.add(now);
        if let Some(limit) = self.of(went.key) {
            limit.accepted.add(now);
            lock(&limit.rate).accepted(self.clock.since_start(went.heard.sent));
        }
    }

    /// A call was not. Returns whether a limit of ours answers that, so that no gate need close. One that has not helped goes,
    /// and what was accepted before it tells no rate any more: the gates know when the source is back, and then all go.
    pub(crate) fn refuses(&self, fault: &Fault, went: Went) -> bool {
        if !is_unnamed_limit(fault) {
            return false;
        }
        let now = self.clock.since_start(went.heard.at);
        let call = Refused {
            sent: self.clock.since_start(went.heard.sent),
            at: now,
            by_leave: went.by_leave,
        };
        let mut limits = lock(&self.limits);
        if let Some(limit) = limits.get(&went.key) {
            let lately = limit.accepted.lately(now);
            let helps = lock(&limit.rate).refused(call, lately);
            if !helps {
                limits.remove(&went.key);
                self.any.store(!limits.is_empty(), Relaxed);
                self.accepted.forget();
            }
            return helps;
        }
        limits.retain(|_, limit| lock(&limit.rate).rate(now).is_some());
        let mut rate = Aimd::default();
        // Of this key alone nothing was counted yet; the first cuts see to that where others go the same way.
        let begins = limits.len() < MAX_KEYS && rate.refused(call, self.accepted.lately(now));
        if begins {
            limits.insert(went.key, Arc::new(Limit::new(rate, self.clock)));
        }
        self.any.store(!limits.is_empty(), Relaxed);
        begins
    }

    /// The pace of a source that has none.
    pub(crate) fn bare(&self) -> Arc<Pace> {
        let begin = || Arc::new(Pace::bare(self.clock));
        Arc::clone(self.bare.get_or_init(begin))
    }

    /// The limit of a key, where it has one still.
    pub(super) fn of(&self, key: u32) -> Option<Arc<Limit>> {
        if !self.is_limited() {
            return None;
        }
        let now = self.clock.since_start(self.clock.now());
        let mut limits = lock(&self.limits);
        let limit = Arc::clone(limits.get(&key)?);
        if lock(&limit.rate).rate(now).is_some() {
            return Some(limit);
        }
        limits.remove(&key);
        self.any.store(!limits.is_empty(), Relaxed);
        None
    }
}

// === impl Limit ===

impl Limit {
    fn new(rate: Aimd, clock: Clock) -> Self {
        Self {
            clock,
            accepted: Accepted::default(),
            rate: Mutex::new(rate),
            line: Arc::default(),
        }
    }

    /// Takes leave for a call. Returns whether it goes by leave.
    ///
    /// # Errors
    /// With how long until there is one.
    pub(super) fn take(&self, errand: Errand, now: Instant) -> Result<bool, Duration> {
        let now = self.clock.since_start(now);
        let mut rate = lock(&self.rate);
        match errand {
            Errand::Regardless => Ok(rate.rate(now).is_none()),
            Errand::Caller | Errand::InTurn => rate.take(false, now).map(|()| true),
            Errand::Extra => rate.take(true, now).map(|()| true),
        }
    }

    pub(super) fn turn(&self, n: u32, now: Duration) -> Duration {
        lock(&self.rate).turn(n, now)
    }
}

// === impl Limits ===

impl Limits {
    pub(super) fn line(&self) -> &Line {
        let own = self.of_caller.as_ref();
        own.map_or(&self.of_route.ours, |limit| &limit.line)
    }

    /// The limit of a call with that key of ours, or with the caller's own.
    pub(super) fn of(&self, ours: Option<u32>) -> Option<Arc<Limit>> {
        match ours {
            Some(key) => self.of_route.of(key),
            None => self.of_caller.clone(),
        }
    }
}

/// Whether a source says that it is asked too often, and not when to come again.
fn is_unnamed_limit(fault: &Fault) -> bool {
    let names_none = fault.wait.is_none_or(|wait| wait.is_zero());
    fault.class == FaultClass::RateLimit
        && fault.domain == Domain::Key
        && names_none
        && !fault.is_held_back()
}
