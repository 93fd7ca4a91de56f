//! Judges one exchange that was recorded, with nothing promised: what a status line, fields and a body say by themselves.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{
    classify::{
        exchange::Exchange, finding::Finding, general, retry_after, rules::Case, sources::Sources,
    },
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// One request and what came back, as a file of recorded exchanges holds it.
#[derive(Clone, Default)]
pub struct Recorded {
    /// The source's slug or one of its other names, where it is known.
    pub source: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's host, without a port.
    pub host: String,
    /// The request's path, with its query.
    pub target: String,
    /// The answer's status; `None` where no answer came.
    pub status: Option<u16>,
    /// The answer's fields.
    pub headers: HeaderMap,
    /// The answer's body, its content codings undone.
    pub body: Bytes,
    /// What failed below HTTP, in the client's words.
    pub transport_error: Option<String>,
}

/// What is said of one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is wrong; `None` where it is a good answer.
    pub class: Option<FaultClass>,
    /// The rule that decided: `alpha_vantage/daily_quota`, `general/status_429`.
    pub rule: Cow<'static, str>,
    /// The field that the rule looked at and what it found there, never the text of an answer.
    pub evidence: Cow<'static, str>,
    /// How long the source asks us to wait.
    pub wait: Option<Duration>,
    /// Whether the same request may succeed within about an hour.
    pub retryable: bool,
    /// What the fault strikes.
    pub domain: Domain,
    /// What is odd about a good answer: `incomplete`, fewer parts than were asked for.
    pub suspect: Option<Cow<'static, str>>,
}

/// Judges an exchange by the rules of its source, those of the front ends before it, and the general ones.
///
/// The clock is the answer's `Date`; without one, nothing is called stale.
///
/// ```
/// use healing_core::classify::{Recorded, Sources, judge};
/// let throttled = Recorded { status: Some(429), ..Recorded::default() };
/// assert_eq!(judge(&throttled, &Sources::built_in()).class, Some(healing_core::FaultClass::RateLimit));
/// ```
#[must_use]
pub fn judge(recorded: &Recorded, sources: &Sources) -> Verdict {
    let exchange = recorded.exchange();
    let now = retry_after::date(exchange.headers);
    let own = sources.find(&exchange).map(|rules| rules.on(exchange));
    let found = own
        .as_ref()
        .and_then(Case::judge)
        .or_else(|| sources.edge()?.on(exchange).judge())
        .or_else(|| general::judge(&exchange))
        .unwrap_or_else(Finding::good);
    let is_good = found.class.is_none();
    let stale = now.filter(|_| is_good).and_then(|now| match own {
        Some(own) => own.stale(now, sources.calendars()),
        None => general::judge_age(&exchange, now),
    });
    stale.unwrap_or(found).verdict(&exchange, now)
}

// === impl Verdict ===

impl Verdict {
    /// The same of an answer that came with that status.
    pub(crate) fn fault(self, status: StatusCode) -> Option<Fault> {
        let fault = Fault::found(self.class?, self.rule, self.evidence)
            .striking(self.domain)
            .with_status(status)
            .with_wait(self.wait);
        Some(fault.retryable(self.retryable))
    }
}

// === impl Recorded ===

impl Recorded {
    pub(crate) fn exchange(&self) -> Exchange<'_> {
        Exchange {
            source: self.source.as_deref(),
            method: &self.method,
            host: &self.host,
            target: &self.target,
            status: self.status,
            headers: &self.headers,
            body: &self.body,
            transport_error: self.transport_error.as_deref(),
        }
    }
}

/// Shows the status and the size, never a path, a field or content.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("source", &self.source)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
