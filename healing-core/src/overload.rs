//! How many calls a host bears at a time, found out only where it shows that it does not bear all.
//!
//! A well host pays for two counts and a look; one call in eight is looked at longer. A host is off its feet where calls time
//! out or are answered that it is too busy, a tenth of them or more, or where they take twice as long as their own routes
//! usually do, in both cases with several under way. Then there is a [limit](gradient): what is over it and is nobody's first
//! call is not made, a caller with a copy is given the copy, and the others wait in a line for room, and go without it rather
//! than fail. A slow route is measured by itself only, and so is no sign of anything.

mod gradient;
mod usual;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

pub(crate) use crate::overload::usual::Usual;
use crate::{
    clock::Clock,
    line::Line,
    lock::try_lock,
    overload::gradient::{Gradient, LEAST, Sample},
    vocabulary::fault::{Fault, FaultClass},
};

/// Of so many calls to a well host one is looked at.
const ONE_IN: u64 = 8;

/// Calls begun stand in the upper half, those under way in the lower one.
const ONE_MORE: u64 = (1 << 32) + 1;
const BEGUN_BITS: u32 = 32;

/// A host, and the calls to it.
#[derive(Debug)]
pub(crate) struct Host {
    clock: Clock,
    calls: AtomicU64,
    /// The most calls at a time; zero: no limit.
    most: AtomicU32,
    /// Microseconds from one place that comes free to the next, while there is a limit.
    apart: AtomicU32,
    /// Whether anybody found no room since that was looked at.
    pressed: AtomicBool,
    line: Line,
    room: Notify,
    gradient: Mutex<Gradient>,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Boards {
    /// A caller's first.
    First,
    /// One whose turn it is in the line.
    InTurn,
    /// One more: a retry, a second one beside a first, one to find out, one for nobody.
    Extra,
    /// A caller's that has nothing else, and waited.
    Regardless,
}

/// A call under way. Its place is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Aboard {
    host: Arc<Host>,
    /// How many were begun before it.
    nth: u64,
    /// How many were under way with it; `None` where it was made against the limit, and tells nothing of it.
    with: Option<u32>,
}

/// What a call came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) took: Duration,
    /// How long good answers of its route take.
    pub(crate) usual: &'a Usual,
    pub(crate) fault: Option<&'a Fault>,
}

// === impl Host ===

impl Host {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            calls: AtomicU64::new(0),
            most: AtomicU32::new(0),
            apart: AtomicU32::new(0),
            pressed: AtomicBool::new(false),
            line: Line::default(),
            room: Notify::new(),
            gradient: Mutex::default(),
        }
    }

    /// The most calls at a time; `None` where there is no limit.
    pub(crate) fn limit(&self) -> Option<u32> {
        Some(self.most.load(Relaxed)).filter(|most| *most > 0)
    }

    /// A place for a call, where there is room.
    pub(crate) fn board(self: &Arc<Self>, whose: Boards) -> Option<Aboard> {
        let before = self.calls.fetch_add(ONE_MORE, Relaxed);
        let under_way = low(before);
        let has_room = self.has_room(whose, under_way);
        if has_room || whose == Boards::Regardless {
            if !has_room {
                self.calls.fetch_sub(1, Relaxed); // or nobody's turn would come
            }
            return Some(Aboard {
                host: Arc::clone(self),
                nth: before >> BEGUN_BITS,
                with: has_room.then_some(under_way.saturating_add(1)),
            });
        }
        self.calls.fetch_sub(1, Relaxed);
        self.pressed.store(true, Relaxed);
        None
    }

    /// Waits for a place until then, behind those who wait already. `None` where none came free, or none would in time.
    pub(crate) async fn in_turn(self: &Arc<Self>, until: Instant) -> Option<Aboard> {
        let spot = self.line.join()?;
        let behind = u32::try_from(spot.behind).unwrap_or(u32::MAX);
        let apart = Duration::from_micros(self.apart.load(Relaxed).into());
        if self.clock.now() + apart.saturating_mul(behind) >= until {
            return None;
        }
        let boards = async {
            let _front = spot.front().await;
            loop {
                let room = self.room.notified();
                if let Some(aboard) = self.board(Boards::InTurn) {
                    return aboard;
                }
                room.await;
            }
        };
        timeout_at(until, boards).await.ok()
    }

    /// No answer came from it, and it is not waited for any longer.
    pub(crate) fn hung(&self, now: Instant) {
        let with = low(self.calls.load(Relaxed));
        let sample = Sample {
            under_way: with,
            took: Duration::ZERO,
            excess: None,
            is_overloaded: true,
            stands_for: 1,
        };
        if self.limit().is_some() || with > LEAST {
            self.takes(sample, now);
        }
    }

    fn has_room(&self, whose: Boards, under_way: u32) -> bool {
        let most = self.most.load(Relaxed);
        if most == 0 {
            return true;
        }
        match whose {
            Boards::First => under_way < most && self.line.waiting() == 0,
            Boards::InTurn | Boards::Regardless => under_way < most,
            // The last quarter is for those who have nothing yet.
            Boards::Extra => under_way < most - most / 4 && self.line.waiting() == 0,
        }
    }

    /// A call came to its end.
    pub(crate) fn ended(&self, aboard: &Aboard, ended: Ended<'_>, now: Instant) {
        let Some(with) = aboard.with else {
            return;
        };
        let is_on = self.limit().is_some();
        let is_overloaded = ended.fault.is_some_and(says_too_much);
        if !is_on && !is_overloaded && !aboard.nth.is_multiple_of(ONE_IN) {
            return;
        }
        let excess = if ended.fault.is_none() {
            let excess = ended.usual.excess(ended.took);
            if aboard.nth.is_multiple_of(ONE_IN) {
                ended.usual.note(ended.took, is_on);
            }
            excess
        } else {
            None
        };
        if !is_on && with <= LEAST {
            return; // so few are not too many
        }
        let sample = Sample {
            under_way: with,
            took: ended.took,
            excess,
            is_overloaded,
            stands_for: if is_on || is_overloaded { 1 } else { ONE_IN },
        };
        self.takes(sample, now);
    }

    fn takes(&self, sample: Sample, now: Instant) {
        let pressed = self.limit().is_some() && self.pressed.swap(false, Relaxed);
        let now = self.clock.since_start(now);
        let (most, apart) = {
            let Some(mut gradient) = try_lock(&self.gradient) else {
                return; // another call is being looked at, and this one waits for nobody
            };
            let most = gradient.ended(sample, pressed, now);
            (most, gradient.apart())
        };
        let apart = u32::try_from(apart.as_micros()).unwrap_or(u32::MAX);
        self.apart.store(apart, Relaxed);
        let before = self.most.swap(most, Relaxed);
        if most == 0 || most > before {
            self.room.notify_one();
        }
    }
}

// === impl Aboard ===

impl Aboard {
    /// It came to its end.
    pub(crate) fn ended(&self, ended: Ended<'_>, now: Instant) {
        self.host.ended(self, ended, now);
    }
}

impl Drop for Aboard {
    fn drop(&mut self) {
        if self.with.is_some() {
            self.host.calls.fetch_sub(1, Relaxed);
        }
        if self.host.line.waiting() > 0 {
            self.host.room.notify_one();
        }
    }
}

/// The lower half: those under way.
fn low(calls: u64) -> u32 {
    u32::try_from(calls & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// Whether a fault may be one of a host that is asked for more than it bears.
fn says_too_much(fault: &Fault) -> bool {
    match fault.class {
        FaultClass::Timeout => !fault.is_cut_off(),
        FaultClass::ServerError => fault
            .status
            .is_some_and(|status| matches!(status.as_u16(), 503 | 529)),
        FaultClass::RateLimit
        | FaultClass::QuotaExceeded
        | FaultClass::AuthError
        | FaultClass::Forbidden
        | FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ConnectionError
        | FaultClass::StaleData
        | FaultClass::EmptyData
        | FaultClass::MalformedBody
        | FaultClass::PremiumRequired
        | FaultClass::Blocked
        | FaultClass::Maintenance => false,
    }
}

#[cfg(test)]
mod tests;
