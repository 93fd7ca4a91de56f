//! The faults in force at one source.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fault::{Fault, Injection};

/// The faults in force at one source, oldest first.
#[derive(Debug)]
pub(crate) struct Injections {
    active: Mutex<Vec<Active>>,
    /// Until when the listener refuses; `None` inside is until cleared.
    down: watch::Sender<Option<DownUntil>>,
}

/// End of a `down`; `None` is until it is cleared.
pub(crate) type DownUntil = Option<Instant>;

#[derive(Debug)]
struct Active {
    injection: Injection,
    ends: Option<Instant>,
    /// The source's time when the injection was made; where `freeze` stops the clock.
    since: Timestamp,
    seen: u32,
    met: u32,
}

/// What meets one request.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    pub(crate) delay: Duration,
    pub(crate) frozen_at: Option<Timestamp>,
    pub(crate) lag: SignedDuration,
    pub(crate) revoked: Keys,
    pub(crate) spent: Keys,
    pub(crate) down: bool,
    /// The newest fault that decides the answer itself.
    pub(crate) answer: Option<Fault>,
    /// Name of the newest fault of any kind, for the log.
    pub(crate) name: Option<&'static str>,
}

/// Keys that a fault is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Keys {
    #[default]
    None,
    Some(Vec<String>),
    All,
}

/// One fault in force, as the control endpoint shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Name of the fault.
    pub fault: &'static str,
    /// The path prefix it is narrowed to.
    pub path: Option<String>,
    /// Requests it has met.
    pub met: u32,
    /// Milliseconds until it ends by time.
    pub ends_in_ms: Option<u64>,
}

impl Keys {
    pub(crate) fn hold(&self, key: &str) -> bool {
        match self {
            Self::None => false,
            Self::Some(keys) => keys.iter().any(|held| held == key),
            Self::All => true,
        }
    }

    fn add(&mut self, key: Option<&String>) {
        match (self, key) {
            (Self::Some(keys), Some(key)) => keys.push(key.clone()),
            (all @ Self::None, Some(key)) => *all = Self::Some(vec![key.clone()]),
            (Self::All, Some(_)) => {}
            (all, None) => *all = Self::All,
        }
    }
}

impl Default for Injections {
    fn default() -> Self {
        Self {
            active: Mutex::default(),
            down: watch::Sender::new(None),
        }
    }
}

impl Injections {
    pub(crate) fn inject(&self, injection: Injection, since: Timestamp) {
        let ends = injection.for_time.map(|time| Instant::now() + time);
        if injection.fault == Fault::Down {
            self.down.send_replace(Some(ends));
        }
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.push(Active {
            injection,
            ends,
            since,
            seen: 0,
            met: 0,
        });
    }

    pub(crate) fn clear(&self) {
        self.active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.down.send_replace(None);
    }

    pub(crate) fn watch_down(&self) -> watch::Receiver<Option<DownUntil>> {
        self.down.subscribe()
    }

    /// Whether a `down` is in force. One whose time is over is not, even where the listener has not come back yet.
    pub(crate) fn is_down(&self, now: Instant) -> bool {
        let down = *self.down.borrow();
        down.is_some_and(|until| until.is_none_or(|end| end > now))
    }

    /// The listener takes connections again, because a `down` came to its end.
    pub(crate) fn up_again(&self, ended: DownUntil) {
        self.down.send_if_modified(|down| {
            let same = *down == Some(ended);
            if same {
                *down = None;
            }
            same
        });
    }

    /// The faults that meet a request for `path`, each counted as met.
    pub(crate) fn pick(&self, path: &str) -> Picked {
        let mut picked = Picked::default();
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.is_empty() {
            return picked;
        }
        let now = Instant::now();
        active.retain(|fault| !fault.is_over(now));
        for fault in active.iter_mut() {
            if fault.meets(path) {
                picked.take(fault);
            }
        }
        picked
    }

    pub(crate) fn in_force(&self) -> Vec<InForce> {
        let now = Instant::now();
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = active.iter().filter(|fault| !fault.is_over(now));
        let shown = alive.map(|fault| InForce {
            fault: fault.injection.fault.name(),
            path: fault.injection.path_prefix.clone(),
            met: fault.met,
            ends_in_ms: fault
                .ends
                .map(|end| u64::try_from((end - now).as_millis()).unwrap_or(u64::MAX)),
        });
        shown.collect()
    }
}

impl Active {
    fn is_over(&self, now: Instant) -> bool {
        let spent = self.injection.times.is_some_and(|times| self.met >= times);
        spent || self.ends.is_some_and(|end| end <= now)
    }

    fn meets(&mut self, path: &str) -> bool {
        let prefix = self.injection.path_prefix.as_deref().unwrap_or_default();
        if !path.starts_with(prefix) {
            return false;
        }
        self.seen = self.seen.wrapping_add(1);
        let meets = self
            .seen
            .is_multiple_of(self.injection.every.unwrap_or(1).max(1));
        self.met += u32::from(meets);
        meets
    }
}

impl Picked {
    fn take(&mut self, active: &Active) {
        let fault = &active.injection.fault;
        match fault {
            Fault::Delay(time) => self.delay += *time,
            Fault::Freeze => self.frozen_at = Some(active.since),
            Fault::Lag(time) => self.lag = SignedDuration::try_from(*time).unwrap_or_default(),
            Fault::RevokeKey { key } => self.revoked.add(key.as_ref()),
            Fault::QuotaSpent { key } => self.spent.add(key.as_ref()),
            // The listener refuses; this is for a request on a connection from before.
            Fault::Down => self.down = true,
            Fault::Status { .. }
            | Fault::Note
            | Fault::ErrorObject
            | Fault::EmptyBody
            | Fault::EmptyObject
            | Fault::HtmlInstead
            | Fault::Form(_)
            | Fault::HangHead
            | Fault::HangBody
            | Fault::CutBody
            | Fault::CutChunked
            | Fault::Reset
            | Fault::ResetBody
            | Fault::CloseAfter
            | Fault::TwoLengths
            | Fault::Surplus
            | Fault::Drip(_)
            | Fault::BrokenGzip
            | Fault::GzipBomb(_)
            | Fault::Flood(_)
            | Fault::WideHead(_)
            | Fault::WrongType
            | Fault::Garble(_) => self.answer = Some(fault.clone()),
        }
        self.name = Some(fault.name());
    }

    /// The source's time for a request at `now`.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        let stopped = self.frozen_at.unwrap_or(now);
        stopped.checked_sub(self.lag).unwrap_or(stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::{Injections, Keys};
    use crate::fault::{Fault, Injection};
    use jiff::{SignedDuration, Timestamp};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn an_injection_ends_after_its_times() {
        let injections = Injections::default();
        injections.inject(Injection::new(Fault::Note).times(2), NOW);
        let met: Vec<bool> = [0; 3]
            .map(|_| injections.pick("/x").answer.is_some())
            .into();
        assert_eq!(met, [true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_injection_ends_after_its_time() {
        let injections = Injections::default();
        injections.inject(
            Injection::new(Fault::Note).lasting(Duration::from_secs(5)),
            NOW,
        );
        assert!(injections.pick("/x").answer.is_some());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(injections.pick("/x").answer.is_none());
        assert!(injections.in_force().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn every_second_request_of_a_path_is_met() {
        let injections = Injections::default();
        injections.inject(Injection::new(Fault::Note).every(2).on_path("/v8"), NOW);
        let met = ["/v8/a", "/v7/a", "/v8/b", "/v8/c", "/v8/d"]
            .map(|path| injections.pick(path).answer.is_some());
        assert_eq!(met, [false, false, true, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_different_kinds_add_up_and_the_newest_answer_wins() {
        let injections = Injections::default();
        for fault in [
            Fault::Delay(Duration::from_secs(1)),
            Fault::Lag(Duration::from_mins(1)),
            Fault::Note,
            Fault::EmptyBody,
            Fault::RevokeKey {
                key: Some("a".to_owned()),
            },
        ] {
            injections.inject(fault.into(), NOW);
        }
        let picked = injections.pick("/");
        assert_eq!(picked.delay, Duration::from_secs(1));
        assert_eq!(picked.answer, Some(Fault::EmptyBody));
        assert_eq!(picked.revoked, Keys::Some(vec!["a".to_owned()]));
        assert_eq!(picked.time(NOW), NOW - SignedDuration::from_mins(1));
    }
}
