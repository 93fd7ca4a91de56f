//! What holds whatever is learned: budgets, limits, probes.

use healing_core::learn::Cause;

/// The tokens from which calls beyond the first of a request are paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    tokens: f64,
    since: f64,
    most: f64,
    floor: f64,
}

/// How fast one route may be asked, once it has refused for haste.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    /// Requests a second; infinite while nothing was refused.
    limit: f64,
    limit_since: f64,
    tokens: f64,
    tokens_since: f64,
    accepted: f64,
    accepted_since: f64,
    refused: f64,
}

/// When a source that rests is asked by way of trial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probes {
    next: f64,
    interval: f64,
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(rate: f64) -> Self {
        let most = (2.0 + 10.0 * rate).min(10.0);
        Self {
            tokens: most,
            since: 0.0,
            most,
            floor: (0.4 * rate).min(0.2),
        }
    }

    /// A caller's request came.
    pub(super) fn earn(&mut self, now: f64) {
        self.tokens = (self.tokens + 0.1 + self.floor * (now - self.since)).min(self.most);
        self.since = now;
    }

    pub(super) const fn has_one(&self) -> bool {
        self.tokens >= 1.0
    }

    pub(super) fn spend(&mut self) {
        self.tokens -= 1.0;
    }
}

// === impl Limiter ===

impl Limiter {
    pub(super) const fn new() -> Self {
        Self {
            limit: f64::INFINITY,
            limit_since: 0.0,
            tokens: 3.0,
            tokens_since: 0.0,
            accepted: 0.0,
            accepted_since: 0.0,
            refused: f64::NEG_INFINITY,
        }
    }

    /// Whether a call may be made now.
    pub(super) fn allows(&mut self, now: f64) -> bool {
        if self.limit.is_infinite() {
            return true;
        }
        let most = (2.0 * self.limit).max(4.0);
        self.tokens = (self.tokens + (now - self.tokens_since) * self.limit).min(most);
        self.tokens_since = now;
        self.tokens >= 1.0
    }

    pub(super) fn spend(&mut self) {
        self.tokens -= 1.0;
    }

    /// A call ended, for a caller rate of `arrivals` a second.
    pub(super) fn ended(&mut self, failed: Option<Cause>, arrivals: f64, now: f64) {
        self.accepted *= (-(now - self.accepted_since) / 10.0).exp();
        self.accepted_since = now;
        if failed.is_none() {
            self.accepted += 0.1;
        }
        if self.limit.is_finite() {
            self.limit *= (0.05 * (now - self.limit_since)).exp();
            self.limit_since = now;
            if now - self.refused > 60.0 {
                self.limit = f64::INFINITY;
            }
        }
        if failed == Some(Cause::RateLimited) {
            if now - self.refused > 1.0 {
                let slower = 0.9 * self.limit.min(self.accepted);
                self.limit = slower.max(0.5 * arrivals).max(0.05);
                (self.tokens, self.tokens_since, self.limit_since) = (0.0, now, now);
            }
            self.refused = now;
        }
    }
}

// === impl Probes ===

impl Probes {
    pub(super) const fn new() -> Self {
        Self {
            next: 0.0,
            interval: 1.0,
        }
    }

    pub(super) fn are_due(&self, now: f64) -> bool {
        now >= self.next
    }

    pub(super) fn sent(&mut self, now: f64) {
        self.next = now + self.interval;
    }

    /// A probe ended: with which cause where it failed, and how long such an outage lasts.
    pub(super) fn ended(&mut self, failed: Option<(Cause, f64)>, arrivals: f64, now: f64) {
        let quickest = (4.0 / arrivals).max(1.0);
        let Some((cause, lasts)) = failed else {
            self.interval = quickest;
            self.next = now + 0.1;
            return;
        };
        let slowest = match cause {
            Cause::Auth | Cause::Quota => 30.0,
            Cause::Timeout
            | Cause::ServerError
            | Cause::RateLimited
            | Cause::Connect
            | Cause::BadContent => (20.0 / arrivals).max(5.0),
        };
        let at_most = quickest.max(f64::min(slowest, 0.5 * lasts));
        self.interval = (2.0 * self.interval.max(quickest)).min(at_most);
    }
}
