//! The memory of an outage: after proof of failure callers are not made to wait for it again.
//!
//! A [`Gate`] stands before whatever may fail as one: an address, a source's key, a route, a URL.
//!
//! * passing => resting: two failures in a row, or the source said how long to wait.
//! * resting => trying: a probe came back good.
//! * trying => passing: a second one did. trying => resting: one did not.
//!
//! Resting is not blind. One probe at a time goes out, under a second apart in the first minute so that a short outage ends
//! within two seconds of its end, then ever more rarely. When the source itself said how long to wait, none goes before.

pub(crate) mod mistakes;

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    lock::lock,
    vocabulary::fault::{Fault, FaultClass},
};

/// What a gate protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Guards {
    /// One thing: two failures in a row are proof.
    One,
    /// A kind of things: three in a row are, and only when they struck different ones.
    Many,
}

/// The number of the next gate. Numbers only tell gates apart; nothing depends on what they are.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A number that nothing has yet.
pub(crate) fn next_number() -> u32 {
    NEXT.fetch_add(1, Relaxed)
}

/// Remembers whether something is worth asking.
#[derive(Debug)]
pub(crate) struct Gate {
    guards: Guards,
    /// What it protects is known to the learner by this number.
    number: u32,
    /// Whether there is anything to look up. All that a healthy request reads.
    marked: AtomicBool,
    memory: Mutex<Memory>,
}

/// When a call was sent, and when its end was heard of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) sent: Instant,
    pub(crate) at: Instant,
}

#[derive(Debug)]
struct Memory {
    phase: Phase,
    /// When the latest of the calls was sent that came back good while there was something to look up.
    good_since: Option<Instant>,
    failures: u32,
    object: Option<u64>,
    struck_many: bool,
    class: FaultClass,
    not_before: Option<Instant>,
    resting_since: Instant,
    next_probe: Instant,
    /// Callers that asked since it rests.
    asked: u32,
    in_flight: u8,
    /// Whether one of them is patient.
    patient_out: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Passing,
    Resting,
    Trying,
}

/// What a gate says to one request.
#[derive(Debug)]
pub(crate) enum Passage {
    /// Go.
    Free,
    /// Go, as one of the few that find out whether it is over.
    Try(Ticket),
    /// Better in the background: this one finds out whether it is over.
    Probe(Ticket),
    /// Do not ask now.
    Rest(Rest),
}

/// Why not to ask, and until when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rest {
    /// What was wrong last.
    pub(crate) class: FaultClass,
    /// The soonest that anybody asks again.
    pub(crate) retry_in: Duration,
    /// Whether the source said so, or asking would keep the caller waiting for nothing. Otherwise a caller that has
    /// nothing in hand may as well be given the upstream's own error.
    pub(crate) refuse: bool,
}

/// The right to find out. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    /// What a caller is told that is not kept waiting for it.
    pub(crate) rest: Rest,
    /// How long the gate has rested. Only one of those that find out at the same time is told: it may be patient, while the
    /// other finds out soon.
    pub(crate) rested: Option<Duration>,
}

// === impl Gate ===

impl Gate {
    /// At most that many find out at the same time.
    const IN_FLIGHT: u8 = 2;

    /// A gate that lets everything pass.
    pub(crate) fn new(guards: Guards, now: Instant) -> Self {
        Self::numbered(guards, None, now)
    }

    /// The same, under a number that was kept for it.
    pub(crate) fn numbered(guards: Guards, number: Option<u32>, now: Instant) -> Self {
        let memory = Memory {
            phase: Phase::Passing,
            good_since: None,
            failures: 0,
            object: None,
            struck_many: false,
            class: FaultClass::ServerError,
            not_before: None,
            resting_since: now,
            next_probe: now,
            asked: 0,
            in_flight: 0,
            patient_out: false,
        };
        Self {
            guards,
            number: number.unwrap_or_else(next_number),
            marked: AtomicBool::new(false),
            memory: Mutex::new(memory),
        }
    }

    /// Tells what it protects from all else.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// Asks for passage. `jitter` is a number from 0 to 1.
    pub(crate) fn ask(self: &Arc<Self>, now: Instant, jitter: f64) -> Passage {
        if !self.marked.load(Relaxed) {
            return Passage::Free;
        }
        let mut memory = lock(&self.memory);
        if let Some(rest) = memory.told_to_wait(now) {
            return Passage::Rest(rest);
        }
        let free = memory.in_flight < Self::IN_FLIGHT;
        match memory.phase {
            Phase::Passing => Passage::Free,
            Phase::Trying if free => Passage::Try(memory.ticket(self, now)),
            Phase::Resting if free && memory.next_probe <= now => {
                memory.asked = memory.asked.saturating_add(1);
                memory.schedule(now, jitter);
                Passage::Probe(memory.ticket(self, now))
            }
            Phase::Resting | Phase::Trying => {
                memory.asked = memory.asked.saturating_add(1);
                Passage::Rest(memory.rest(now))
            }
        }
    }

    /// Whether it does not let everything pass.
    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.resting(now).is_some()
    }

    /// After faults of which class it does not let everything pass.
    pub(crate) fn resting(&self, now: Instant) -> Option<FaultClass> {
        if !self.marked.load(Relaxed) {
            return None;
        }
        let memory = lock(&self.memory);
        let rests = memory.phase != Phase::Passing || memory.told_to_wait(now).is_some();
        rests.then_some(memory.class)
    }

    /// Whether the source named a time before which nothing is asked, and how long that still is.
    pub(crate) fn told_to_wait(&self, now: Instant) -> Option<Rest> {
        let marked = self.marked.load(Relaxed);
        marked
            .then(|| lock(&self.memory).told_to_wait(now))
            .flatten()
    }

    /// A caller would have asked, and was given a copy instead: how many there are says how often it is worth finding out.
    pub(crate) fn is_wanted(&self) {
        if self.marked.load(Relaxed) {
            let mut memory = lock(&self.memory);
            memory.asked = memory.asked.saturating_add(1);
        }
    }

    /// Whether something came back good that was sent since then, while there was something to look up.
    pub(crate) fn was_good_since(&self, then: Instant) -> bool {
        lock(&self.memory)
            .good_since
            .is_some_and(|good| good > then)
    }

    /// Takes note of a fault that struck `object`.
    pub(crate) fn failed(&self, heard: impl Into<Heard>, fault: &Fault, object: u64) {
        let Heard { sent, at: now } = heard.into();
        let mut memory = lock(&self.memory);
        if fault.wait.is_none() && memory.good_since.is_some_and(|good| sent < good) {
            return; // a probe that hangs tells of the time when it was sent, and a later one came back good
        }
        self.marked.store(true, Relaxed);
        memory.class = fault.class;
        memory.failures = memory.failures.saturating_add(1);
        memory.struck_many |= memory.object.is_some_and(|last| last != object);
        memory.object = Some(object);
        if let Some(wait) = fault.wait.filter(|wait| !wait.is_zero()) {
            let until = now + wait;
            memory.not_before = Some(memory.not_before.map_or(until, |before| before.max(until)));
        }
        let proven = match self.guards {
            Guards::One => memory.failures >= 2,
            Guards::Many => memory.failures >= 3 && memory.struck_many,
        };
        match memory.phase {
            Phase::Passing if proven => memory.start_resting(now),
            Phase::Trying => memory.phase = Phase::Resting,
            Phase::Passing | Phase::Resting => {}
        }
    }

    /// Takes note of a good answer.
    pub(crate) fn good(&self, heard: impl Into<Heard>) {
        if !self.marked.load(Relaxed) {
            return;
        }
        let Heard { sent, at: now } = heard.into();
        let mut memory = lock(&self.memory);
        if memory.told_to_wait(now).is_some() {
            return; // sent before we were told
        }
        memory.good_since = memory.good_since.max(Some(sent));
        memory.not_before = None;
        memory.phase = match memory.phase {
            Phase::Resting => Phase::Trying,
            Phase::Trying | Phase::Passing => Phase::Passing,
        };
        memory.failures = 0;
        memory.object = None;
        memory.struck_many = false;
        if memory.phase == Phase::Passing && memory.in_flight == 0 {
            self.marked.store(false, Relaxed);
        }
    }
}

impl Memory {
    /// Probes this close find the end of a short outage within two seconds when callers come once a second.
    const FIRST_INTERVAL: Duration = Duration::from_millis(600);
    const SHORT_OUTAGE: Duration = Duration::from_mins(1);
    const LONGEST_INTERVAL: Duration = Duration::from_secs(5);
    /// A spent quota or a wall does not come back in seconds.
    const SLOW_INTERVAL: Duration = Duration::from_secs(30);
    /// Waiting is rounded up to this when nothing else is known.
    const SOON: Duration = Duration::from_secs(1);

    fn told_to_wait(&self, now: Instant) -> Option<Rest> {
        let until = self.not_before.filter(|until| *until > now)?;
        Some(Rest {
            class: self.class,
            retry_in: until - now,
            refuse: true,
        })
    }

    fn rest(&self, now: Instant) -> Rest {
        let retry_in = self
            .next_probe
            .saturating_duration_since(now)
            .max(Self::SOON);
        Rest {
            class: self.class,
            retry_in,
            refuse: keeps_waiting(self.class),
        }
    }

    fn ticket(&mut self, gate: &Arc<Gate>, now: Instant) -> Ticket {
        self.in_flight += 1;
        let patient = !mem::replace(&mut self.patient_out, true);
        let rested = patient.then(|| now.saturating_duration_since(self.resting_since));
        Ticket {
            gate: Arc::clone(gate),
            rest: self.rest(now),
            rested,
        }
    }

    fn start_resting(&mut self, now: Instant) {
        self.phase = Phase::Resting;
        self.resting_since = now;
        self.asked = 0;
        self.next_probe = now + Self::FIRST_INTERVAL;
    }

    /// When the next probe may go. Never more probes than callers: where less than one comes a second, they get rarer still.
    fn schedule(&mut self, now: Instant, jitter: f64) {
        let rested = now.saturating_duration_since(self.resting_since);
        let mut interval = if matches!(
            self.class,
            FaultClass::QuotaExceeded | FaultClass::PremiumRequired | FaultClass::Blocked
        ) {
            Self::SLOW_INTERVAL
        } else if rested < Self::SHORT_OUTAGE {
            Self::FIRST_INTERVAL
        } else {
            // Doubles with every doubling of the outage.
            rested
                .div_f64(60.0)
                .mul_f64(1.2)
                .min(Self::LONGEST_INTERVAL)
        };
        let gap = rested.div_f64(f64::from(self.asked.max(1)));
        if rested > Duration::from_secs(10) && gap > Duration::from_secs(1) {
            interval = interval.max(gap.mul_f64(4.0).min(Duration::from_secs(20)));
        }
        self.next_probe = now + interval.mul_f64(0.9 + 0.2 * jitter);
    }
}

// === impl Heard ===

impl From<Instant> for Heard {
    /// Of a call that ended as soon as it was sent.
    fn from(at: Instant) -> Self {
        Self { sent: at, at }
    }
}

// === impl Ticket ===

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut memory = lock(&self.gate.memory);
        memory.in_flight = memory.in_flight.saturating_sub(1);
        memory.patient_out &= self.rested.is_none();
        if memory.in_flight == 0
            && memory.phase == Phase::Passing
            && memory.failures == 0
            && memory.not_before.is_none()
        {
            self.gate.marked.store(false, Relaxed);
        }
    }
}

/// Whether asking again would keep a caller waiting, or the source from recovering.
const fn keeps_waiting(class: FaultClass) -> bool {
    match class {
        FaultClass::Timeout
        | FaultClass::ConnectionError
        | FaultClass::RateLimit
        | FaultClass::QuotaExceeded => true,
        FaultClass::AuthError
        | FaultClass::Forbidden
        | FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ServerError
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
