//! The arithmetic of a rate that a source's refusals teach: less by a tenth at each, a twentieth more each second.
//!
//! It is the additive-increase rule's proportional brother: a rate of one a second and one of a thousand find a limit in the
//! same time. Calls are let through by the generic cell rate algorithm, written out here because `governor`'s limiter has the
//! rate that it was built with, and one that is built anew gives a burst away each time.

use std::time::Duration;

/// What is left of a rate at a refusal.
const CUT: f64 = 0.9;

/// What a rate is multiplied by in a second without a refusal.
const GROWTH: f64 = 1.05;

/// No rate is less: one call in five seconds, as often as the gates ask a source that rests.
pub(crate) const LEAST: f64 = 0.2;

/// So long without a refusal, and there is no limit any more.
const CLEAN: Duration = Duration::from_mins(1);

/// Refusals of calls that were sent within so long after a cut are of the same moment, and cut nothing more: a source that
/// counts by the second refuses all that comes before its next one.
const SAME: Duration = Duration::from_secs(1);

/// Of fewer calls that were accepted lately no rate can be told; such refusals are left to the gates.
const ENOUGH: u32 = 5;

/// Calls that come together may go together, so far as they would have gone within this.
const TOGETHER: f64 = 0.1;

/// A learned limit: none until a refusal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aimd(Option<Rate>);

/// What was accepted lately.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lately {
    pub(crate) calls: u32,
    pub(crate) per_second: f64,
}

/// A call that was refused without a word about when to come again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) sent: Duration,
    pub(crate) at: Duration,
    /// Whether it was sent by this limit's leave. What was sent against it tells nothing of its rate.
    pub(crate) by_leave: bool,
}

#[derive(Clone, Debug)]
struct Rate {
    /// Calls a second, then.
    per_second: f64,
    since: Duration,
    cut_at: Duration,
    refused_at: Duration,
    /// Whether a call was accepted that was sent after the cut.
    accepted: bool,
    /// When the next call is due, were all of them even.
    due: Duration,
    /// The soonest that it may go.
    soonest: Duration,
}

// === impl Aimd ===

impl Aimd {
    /// Calls a second; `None` where there is no limit.
    pub(crate) fn rate(&self, now: Duration) -> Option<f64> {
        self.held(now).map(|rate| rate.at(now))
    }

    /// A call was accepted that was sent then.
    pub(crate) fn accepted(&mut self, sent: Duration) {
        if let Some(rate) = &mut self.0 {
            rate.accepted |= sent >= rate.cut_at;
        }
    }

    /// A call was refused. Returns whether this limit is what answers that: not where too little was accepted lately to tell
    /// a rate, nor where a cut has not helped, for then it is no matter of a rate.
    pub(crate) fn refused(&mut self, call: Refused, lately: Lately) -> bool {
        let now = call.at;
        if self.held(now).is_none() {
            self.0 = None;
        }
        let Some(rate) = &mut self.0 else {
            let tells = lately.calls >= ENOUGH;
            if tells {
                self.0 = Some(Rate::cut(lately.per_second, now));
            }
            return tells;
        };
        let grown = rate.at(now);
        rate.refused_at = rate.refused_at.max(now);
        if !call.by_leave || call.sent < rate.cut_at + SAME {
            return true;
        }
        let helped = rate.accepted;
        if helped {
            *rate = Rate::cut(grown.min(lately.per_second), now);
        }
        helped
    }

    /// Takes leave for a call; one that is not for a caller only where nobody has gone before its time.
    ///
    /// # Errors
    /// With how long until there is one.
    pub(crate) fn take(&mut self, is_extra: bool, now: Duration) -> Result<(), Duration> {
        if self.held(now).is_none() {
            self.0 = None;
        }
        let Some(rate) = &mut self.0 else {
            return Ok(());
        };
        let soonest = if is_extra { rate.due } else { rate.soonest };
        if soonest > now {
            return Err(soonest - now);
        }
        rate.follows(rate.due.max(now), now);
        Ok(())
    }

    /// The soonest that the `n`th call from now may go.
    pub(crate) fn turn(&self, n: u32, now: Duration) -> Duration {
        self.held(now).map_or(now, |rate| {
            rate.soonest.max(now) + rate.apart(now) * n.saturating_sub(1)
        })
    }

    fn held(&self, now: Duration) -> Option<&Rate> {
        let held = self.0.as_ref();
        held.filter(|rate| now.saturating_sub(rate.refused_at) < CLEAN)
    }
}

// === impl Rate ===

impl Rate {
    fn cut(from: f64, now: Duration) -> Self {
        let mut rate = Self {
            per_second: (from * CUT).max(LEAST),
            since: now,
            cut_at: now,
            refused_at: now,
            accepted: false,
            due: now,
            soonest: now,
        };
        let together = rate.together(now);
        rate.follows(now + together, now);
        rate
    }

    /// The next call comes after one that was due then.
    fn follows(&mut self, due: Duration, now: Duration) {
        self.due = due + self.apart(now);
        self.soonest = self.due.saturating_sub(self.together(now));
    }

    fn at(&self, now: Duration) -> f64 {
        let seconds = now.saturating_sub(self.since).min(CLEAN).as_secs_f64();
        self.per_second * GROWTH.powf(seconds)
    }

    /// The time from one call to the next.
    fn apart(&self, now: Duration) -> Duration {
        Duration::from_secs_f64(1.0 / self.at(now).max(LEAST))
    }

    /// How long before it is due a call may go.
    fn together(&self, now: Duration) -> Duration {
        self.apart(now).max(Duration::from_secs_f64(TOGETHER))
    }
}

#[cfg(test)]
mod tests;
