//! What an answer really is.

use std::{fmt, time::Duration};

use uuid::Uuid;

use crate::vocabulary::{fault::Fault, fidelity::Fidelity, route::Route};

/// The name of a way to answer, as metrics, events and the field `Healing` show it.
///
/// ```
/// use healing_core::StrategyId;
/// assert_eq!(StrategyId::USE_CACHED_DATA.as_str(), "use_cached_data");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StrategyId(&'static str);

/// What an answer really is. Every answer carries one in its [`http::Extensions`].
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// The id of the request: the event's, `X-Request-Id`'s and what `explain` takes.
    pub id: Uuid,
    /// How close the answer is to what was asked; `None` when it is no answer but an error.
    pub fidelity: Option<Fidelity>,
    /// What made the answer.
    pub strategy: StrategyId,
    /// The route that was asked, where it is known.
    pub route: Option<Route>,
    /// What was wrong first, where something was.
    pub fault: Option<Fault>,
    /// How old the content was when it was given, where it was kept.
    pub age: Option<Duration>,
    /// Upstream calls made for this answer before it was given.
    pub attempts: u32,
    /// From the request's arrival to the answer.
    pub took: Duration,
    /// What the kept copies had to do with it.
    pub cache: CacheUse,
}

/// What the kept copies had to do with an answer (RFC 9211).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CacheUse {
    /// The request cannot be answered from a copy.
    Bypass,
    /// There was no copy of it; `stored` says whether there is one now.
    Missed {
        /// Whether this answer was kept.
        stored: bool,
    },
    /// There was a copy, and the upstream was asked all the same; `stored` says whether the copy is new now.
    Asked {
        /// Whether this answer was kept.
        stored: bool,
    },
    /// The upstream was asked, failed, and the copy was given.
    AfterFault,
    /// The copy was given without asking: the source rests.
    Rested,
    /// The answer is our own error: no cache had a part in it.
    Generated,
}

// === impl StrategyId ===

impl StrategyId {
    /// The primary attempt.
    pub const DIRECT: Self = Self("direct");
    /// Ask again after a pause that doubles.
    pub const EXPONENTIAL_BACKOFF_RETRY: Self = Self("exponential_backoff_retry");
    /// Give the kept copy.
    pub const USE_CACHED_DATA: Self = Self("use_cached_data");
    /// Ask with another key.
    pub const API_KEY_ROTATION: Self = Self("api_key_rotation");
    /// Wait for the next call that is permitted.
    pub const REQUEST_QUEUING: Self = Self("request_queuing");
    /// Nothing worked.
    pub const NONE: Self = Self("none");

    /// A strategy of one's own: lower case and underscores, so that it is a token.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for StrategyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

// === impl Provenance ===

impl Provenance {
    /// Whether the answer is what the upstream gave at the first call.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.strategy == StrategyId::DIRECT && self.fault.is_none()
    }
}
