//! What a rule says of an exchange, a source's own or a general one, and the verdict that comes of it.

use std::{borrow::Cow, fmt::Display, time::Duration};

use jiff::Timestamp;

use crate::{
    classify::{exchange::Exchange, recorded::Verdict, retry_after::MAX_WAIT, wait},
    vocabulary::fault::{Domain, FaultClass},
};

/// A wait beyond this is no wait for the same request, whatever its class.
const WORTH_WAITING: Duration = Duration::from_mins(90);

/// What a rule says of an exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Finding {
    /// What is wrong; `None` where it is a good answer.
    pub(crate) class: Option<FaultClass>,
    /// The rule that decided, with its source.
    pub(crate) rule: Cow<'static, str>,
    /// What it looked at.
    pub(crate) evidence: Cow<'static, str>,
    /// How long to wait, where the rule says so.
    pub(crate) wait: Option<Wait>,
    /// Whether the same may succeed within about an hour, where the rule says so.
    pub(crate) retryable: Option<bool>,
    /// What it strikes, where the rule says so.
    pub(crate) domain: Option<Domain>,
    /// What is odd about a good answer.
    pub(crate) suspect: Option<Cow<'static, str>>,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    For(Duration),
    Until(Timestamp),
}

// === impl Finding ===

impl Finding {
    /// What a general rule finds wrong.
    pub(crate) fn of(
        class: FaultClass,
        rule: impl Display,
        evidence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            class: Some(class),
            rule: format!("general/{rule}").into(),
            evidence: evidence.into(),
            ..Self::default()
        }
    }

    /// That no rule found anything wrong.
    pub(crate) fn good() -> Self {
        Self {
            rule: Cow::Borrowed("general/good"),
            ..Self::default()
        }
    }

    /// The same, knowing whether it passes within the hour.
    pub(crate) const fn passing(mut self, retryable: bool) -> Self {
        self.retryable = Some(retryable);
        self
    }

    /// The verdict: what the rule leaves open is said by its class.
    pub(crate) fn verdict(self, exchange: &Exchange<'_>, now: Option<Timestamp>) -> Verdict {
        let told = match self.wait {
            Some(Wait::For(wait)) => Some(wait),
            Some(Wait::Until(moment)) => now.map(|now| span_until(moment, now)),
            None => None,
        };
        let wait = told.map(|wait| wait.min(MAX_WAIT));
        let wait = wait.or_else(|| wait::of(exchange, self.class?, now));
        let by_class = || {
            let passes = self.class.is_some_and(retryable_by);
            passes && wait.is_none_or(|wait| wait <= WORTH_WAITING)
        };
        Verdict {
            class: self.class,
            rule: self.rule,
            evidence: self.evidence,
            wait,
            retryable: self.retryable.unwrap_or_else(by_class),
            domain: self
                .domain
                .unwrap_or_else(|| self.class.map_or(Domain::Object, domain_of)),
            suspect: self.suspect,
        }
    }
}

/// What `class` strikes where nothing is known of the source.
const fn domain_of(class: FaultClass) -> Domain {
    match class {
        FaultClass::RateLimit | FaultClass::QuotaExceeded | FaultClass::AuthError => Domain::Key,
        FaultClass::Forbidden | FaultClass::PremiumRequired => Domain::Endpoint,
        FaultClass::Blocked | FaultClass::Maintenance => Domain::Source,
        FaultClass::ConnectionError => Domain::Network,
        FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ServerError
        | FaultClass::Timeout
        | FaultClass::StaleData
        | FaultClass::EmptyData
        | FaultClass::MalformedBody => Domain::Object,
    }
}

/// Whether the same request may succeed within about an hour, by its class alone.
const fn retryable_by(class: FaultClass) -> bool {
    match class {
        FaultClass::RateLimit
        | FaultClass::ServerError
        | FaultClass::Timeout
        | FaultClass::ConnectionError
        | FaultClass::StaleData
        | FaultClass::MalformedBody
        | FaultClass::Maintenance => true,
        FaultClass::QuotaExceeded
        | FaultClass::AuthError
        | FaultClass::Forbidden
        | FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::EmptyData
        | FaultClass::PremiumRequired
        | FaultClass::Blocked => false,
    }
}

/// How long it is until a moment; no time where it has passed.
fn span_until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or_default()
}
