//! What one request may use of its source's pace, over all its calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::{
    line::Line,
    outage::Gate,
    pace::{
        Account, Pace,
        demand::Stock,
        key::{HeldKey, Stance},
        learned::{Limit, Limits},
        pass::{Counted, Granted, Pass},
    },
    quota::{Errand, Meter, Spent},
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// The share of one request.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) pace: Arc<Pace>,
    /// The caller's own count; `None`: a key of ours goes with the request.
    account: Option<Arc<Account>>,
    /// What the refusals of its route have taught, where they have.
    limits: Option<Limits>,
    /// The keys that were turned away at this request, one a bit.
    pub(crate) struck: AtomicU64,
    /// Those of them that may have been the wrong key or not.
    pub(crate) suspect: AtomicU64,
}

/// Why nobody's turn came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoTurn {
    /// Too many wait.
    Full,
    /// It would not come in time.
    TooLate,
}

// === impl Share ===

impl Share {
    /// Of a request that gets a key of ours.
    pub(super) fn with_keys(pace: &Arc<Pace>, limits: Option<Limits>) -> Self {
        Self {
            pace: Arc::clone(pace),
            account: None,
            limits,
            struck: AtomicU64::new(0),
            suspect: AtomicU64::new(0),
        }
    }

    /// Of a request that goes as it came.
    pub(super) fn of_caller(
        pace: &Arc<Pace>,
        account: &Arc<Account>,
        limits: Option<Limits>,
    ) -> Self {
        Self {
            account: Some(Arc::clone(account)),
            ..Self::with_keys(pace, limits)
        }
    }

    /// The gate that a call with our keys stands before: that of a healthy one, where one is left, for then there is a way
    /// through whatever became of the others. None where none of them goes with it.
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

    /// What is left of the quotas that are counted anew only after long; nothing where none such is known.
    pub(crate) fn stock(&self, now: Instant) -> Option<Stock> {
        let now = self.pace.clock.since_start(now);
        let of = |meter: &Arc<Meter>| {
            let (left, lasts) = meter.lasting(now)?;
            Some(Stock { left, lasts })
        };
        let own = match &self.account {
            Some(account) => account.meter.as_ref().and_then(of),
            None => self.of_keys(now, of),
        };
        let address = self.pace.address.as_ref().and_then(of);
        match (own, address) {
            (Some(own), Some(address)) => Some(own.within(address)),
            (own, address) => own.or(address),
        }
    }

    /// What our keys have left together; nothing where one of them has no such quota.
    fn of_keys(&self, now: Duration, of: impl Fn(&Arc<Meter>) -> Option<Stock>) -> Option<Stock> {
        let usable = self
            .left()
            .filter(|(_, key)| key.stance(now) != Stance::Rests);
        let each = usable.map(|(_, key)| key.meter.as_ref().and_then(&of));
        let together = |all: Stock, own: Stock| Stock {
            left: all.left.saturating_add(own.left),
            lasts: all.lasts.max(own.lasts),
        };
        each.collect::<Option<Vec<_>>>()?
            .into_iter()
            .reduce(together)
    }

    /// What a call costs beside any other call, by what is left and by what calls gain those who ask; a request is counted that
    /// gains so much by one.
    pub(crate) fn price(&self, stock: Stock, by: (f64, f64), now: Instant) -> f64 {
        let now = self.pace.clock.since_start(now);
        let account = self.account.as_ref();
        let demand = account.map_or(&*self.pace.demand, |account| &account.demand);
        demand.price(stock, by, now)
    }

    /// Permission for a call now.
    ///
    /// # Errors
    /// With why not, and for how long.
    pub(crate) fn pass(self: &Arc<Self>, errand: Errand, now: Instant) -> Result<Pass, Fault> {
        let stands_behind = match errand {
            Errand::Caller | Errand::Extra => true,
            Errand::InTurn => false,
            Errand::Regardless => self.limits.is_none(),
        };
        if stands_behind && self.line().waiting() > 0 {
            return Err(self.behind_the_line(now));
        }
        let mut granted = match &self.account {
            Some(account) => self.granted(None, account.meter.as_ref(), (errand, now))?,
            None => self.with_a_key(errand, now)?,
        };
        granted.address = self.count(self.pace.address.as_ref(), (errand, now))?;
        Ok(Pass::of(granted))
    }

    /// Waits for a call until then: behind those who wait already, and never before its time.
    ///
    /// # Errors
    /// When that would be too late, or too many wait.
    pub(crate) async fn in_turn(self: Arc<Self>, until: Instant) -> Result<Pass, NoTurn> {
        let clock = self.pace.clock;
        let Some(spot) = self.line().join() else {
            self.pace.queue_full.fetch_add(1, Relaxed);
            return Err(NoTurn::Full);
        };
        if self.turn(spot.behind, clock.now()) >= until {
            return Err(NoTurn::TooLate);
        }
        let _front = spot.front().await;
        loop {
            let now = clock.now();
            let wait = match self.pass(Errand::InTurn, now) {
                Ok(pass) => return Ok(pass),
                // What names no time has none that could be waited for.
                Err(fault) => fault.wait.ok_or(NoTurn::TooLate)?,
            };
            if now + wait >= until {
                return Err(NoTurn::TooLate);
            }
            sleep_until(now + wait).await;
        }
    }

    /// The soonest that a call may be made behind so many others, as far as can be told.
    pub(crate) fn turn(&self, behind: usize, now: Instant) -> Instant {
        let clock = &self.pace.clock;
        let since_start = clock.since_start(now);
        let n = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
        let usable = || {
            let left = self.left();
            left.filter(|(_, key)| key.stance(since_start) != Stance::Rests)
        };
        let each = n.div_ceil(u32::try_from(usable().count()).unwrap_or(1).max(1));
        let at = |meter: Option<&Arc<Meter>>, n| {
            meter.map_or(since_start, |meter| meter.turn(n, since_start))
        };
        let learned = |key: Option<&Arc<HeldKey>>, n| {
            let limit = self.limit_of(key);
            limit.map_or(since_start, |limit| limit.turn(n, since_start))
        };
        let own = match &self.account {
            Some(account) => at(account.meter.as_ref(), n).max(learned(None, n)),
            None => usable()
                .map(|(_, key)| at(key.meter.as_ref(), each).max(learned(Some(key), each)))
                .min()
                .or_else(|| {
                    let (_, key) = self.first_to_come()?;
                    Some(Duration::from_millis(key.rests_until()))
                })
                .unwrap_or(since_start),
        };
        now + own
            .max(at(self.pace.address.as_ref(), n))
            .saturating_sub(since_start)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.line().waiting()
    }

    /// That of the route, where it has limits: a limit of one route keeps nobody of another one waiting.
    fn line(&self) -> &Line {
        if let Some(limits) = &self.limits {
            return limits.line();
        }
        let account = self.account.as_ref();
        account.map_or(&self.pace.line, |account| &account.line)
    }

    /// The learned limit of a call with that key of ours, or with the caller's own.
    fn limit_of(&self, key: Option<&Arc<HeldKey>>) -> Option<Arc<Limit>> {
        let limits = self.limits.as_ref()?;
        limits.of(key.map(|key| key.gate.number()))
    }

    /// For a call that is made whatever our counts say: with the key that rests least, and counted nowhere.
    pub(crate) fn uncounted(self: &Arc<Self>) -> Pass {
        let key = self.first_to_come().map(|(n, _)| (n, false));
        Pass::of(Granted {
            share: Arc::clone(self),
            key,
            own: None,
            address: None,
            by_leave: false,
            sent: false,
        })
    }

    /// The first of our keys that does not rest and has a call left.
    fn with_a_key(self: &Arc<Self>, errand: Errand, now: Instant) -> Result<Granted, Fault> {
        let since_start = self.pace.clock.since_start(now);
        let mut spent: Option<Fault> = None;
        for (n, key) in self.left() {
            let trying = match key.stance(since_start) {
                Stance::Healthy => false,
                Stance::Due if key.claim(since_start) => true,
                Stance::Due | Stance::Rests => continue,
            };
            match self.granted(Some((n, trying)), key.meter.as_ref(), (errand, now)) {
                Ok(granted) => return Ok(granted),
                Err(fault) => spent = sooner(spent, fault),
            }
        }
        if let Some(fault) = spent {
            return Err(fault);
        }
        // All rest. Their gates know whether one may be asked all the same, and what is a command.
        let Some((n, key)) = self.first_to_come() else {
            return Err(Fault::resting(FaultClass::AuthError).striking(Domain::Key));
        };
        match key.gate.told_to_wait(now) {
            Some(rest) => Err(Fault::resting(rest.class)
                .with_wait(Some(rest.retry_in))
                .striking(Domain::Key)),
            None => self.granted(Some((n, true)), key.meter.as_ref(), (errand, now)),
        }
    }

    fn granted(
        self: &Arc<Self>,
        key: Option<(usize, bool)>,
        meter: Option<&Arc<Meter>>,
        at: (Errand, Instant),
    ) -> Result<Granted, Fault> {
        let held = key.and_then(|(n, _)| self.pace.held.get(n));
        let mut granted = Granted {
            own: self.count(meter, at)?,
            share: Arc::clone(self),
            key,
            address: None,
            by_leave: false,
            sent: false,
        };
        if let Some(limit) = self.limit_of(held) {
            let (errand, now) = at;
            let own_rate = |wait| Fault::own_rate().with_wait(Some(wait));
            granted.by_leave = limit.take(errand, now).map_err(own_rate)?;
        }
        Ok(granted)
    }

    fn count(
        &self,
        meter: Option<&Arc<Meter>>,
        (errand, now): (Errand, Instant),
    ) -> Result<Option<Counted>, Fault> {
        let Some(meter) = meter else {
            return Ok(None);
        };
        match meter.take(errand, self.pace.clock.since_start(now)) {
            Ok(taken) => Ok(Some((Arc::clone(meter), taken))),
            Err(spent) => Err(self.own_quota(spent)),
        }
    }

    fn behind_the_line(&self, now: Instant) -> Fault {
        let wait = self.turn(self.waiting(), now) - now;
        if self.limits.is_some() {
            return Fault::own_rate().with_wait(Some(wait));
        }
        self.own_quota(Spent {
            wait,
            for_long: false,
        })
    }

    fn own_quota(&self, spent: Spent) -> Fault {
        self.pace.held_back.fetch_add(1, Relaxed);
        let class = if spent.for_long {
            FaultClass::QuotaExceeded
        } else {
            FaultClass::RateLimit
        };
        Fault::own_quota(class).with_wait(Some(spent.wait))
    }

    /// Our keys that this request has not been turned away with.
    fn left(&self) -> impl Iterator<Item = (usize, &Arc<HeldKey>)> {
        let struck = self.struck.load(Relaxed);
        let ours = self.account.is_none();
        let all = self.pace.held.iter().enumerate();
        all.filter(move |(n, _)| ours && struck & bit(*n) == 0)
    }

    fn first_to_come(&self) -> Option<(usize, &Arc<HeldKey>)> {
        self.left().min_by_key(|(_, key)| key.rests_until())
    }
}

fn sooner(before: Option<Fault>, fault: Fault) -> Option<Fault> {
    match before {
        Some(before) if before.wait <= fault.wait => Some(before),
        Some(_) | None => Some(fault),
    }
}

/// There are at most as many keys as bits.
pub(super) fn bit(n: usize) -> u64 {
    let n = u32::try_from(n).ok();
    n.and_then(|n| 1_u64.checked_shl(n)).unwrap_or(0)
}
