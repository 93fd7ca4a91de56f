//! What an answer really is.

use std::{fmt, sync::Arc, time::Duration};

use http::{Uri, uri::Authority};
use uuid::Uuid;

use crate::{
    redact::redacted_location,
    vocabulary::{fault::Fault, fidelity::Fidelity, route::Route, source::Source},
};

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
    /// What is odd about it, where it is good all the same.
    pub suspect: Option<Suspect>,
    /// Upstream calls made for this answer before it was given.
    pub attempts: u32,
    /// From the request's arrival to the answer.
    pub took: Duration,
    /// What the kept copies had to do with it.
    pub cache: CacheUse,
    /// Whether another caller's request was answered, and this one with it.
    pub collapsed: bool,
    /// Whether a copy was given against its origin's word, because the operator says so.
    pub overridden: bool,
    /// What was given, where that is something else than what was asked.
    pub instead: Option<Box<Instead>>,
    /// Whether healing only watched.
    pub observed: Observed,
}

/// Whether healing only watched, and what it would have done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Observed {
    /// It did what it says.
    #[default]
    No,
    /// It watched, and would have done nothing.
    Nothing,
    /// It watched, and would have done that: `cached copy (age 40s)`.
    Would(Box<str>),
}

/// What was given in place of what was asked.
///
/// ```
/// use healing_core::Instead;
/// let fund = Instead::at(&"http://yahoo.test/v8/finance/chart/XLK?token=s3cret".parse()?).called("sector fund");
/// assert_eq!(fund.to_string(), "sector fund at /v8/finance/chart/XLK?token=REDACTED");
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Instead {
    /// Path and query of what was really given, without secrets: the field `Content-Location` (RFC 9110, section 8.7).
    pub location: Option<Box<str>>,
    /// The address that was asked for it, where it has one; for a proxy that shows it under a path of its own. It is not told.
    pub authority: Option<Authority>,
    /// Whose data it is, where it is not the asked route's source.
    pub source: Option<Source>,
    /// What it has to be called: `monthly average`.
    pub label: Option<Arc<str>>,
}

/// What is odd about a good answer. It is a remark: it counts against nobody, and nothing is healed because of it.
///
/// ```
/// use healing_core::Suspect;
/// assert_eq!(Suspect::Incomplete.as_str(), "incomplete");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Suspect {
    /// Fewer parts came than were asked for.
    Incomplete,
    /// The number that is watched went further at once than it ever did.
    Jump,
    /// It lies outside of the bounds that are set for it.
    OutOfRange,
    /// The newest that it names has not moved for far longer than it ever did.
    Stalled,
    /// A field is gone that was always there, or is of another type.
    Changed,
    /// It carries less than a tenth of the values that it always had.
    Shrunk,
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
    /// The caller did not take the copy, and the upstream was asked; `stored` says whether the copy is new now.
    Refused {
        /// Whether this answer was kept.
        stored: bool,
    },
    /// The copy was given without asking: it is fresh.
    Fresh {
        /// For how many more seconds.
        ttl: i64,
    },
    /// The copy was given while it is asked for again: its origin lets us (RFC 5861).
    WhileRevalidating {
        /// For how many more seconds it is fresh: a negative number.
        ttl: i64,
    },
    /// The copy was given after the upstream said that it is still what it was.
    Revalidated {
        /// Whether it could be kept.
        stored: bool,
    },
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
    /// Ask for a list in parts, or for single things in one call.
    pub const BATCH_REQUESTS: Self = Self("batch_requests");
    /// Ask with a new cookie and crumb.
    pub const CRUMB_RENEWAL: Self = Self("crumb_renewal");
    /// Ask another address of the source.
    pub const ALTERNATE_ENDPOINT: Self = Self("alternate_endpoint");
    /// Ask another address beside a first call that takes long.
    pub const HEDGED_REQUEST: Self = Self("hedged_request");
    /// Ask for another series of the source.
    pub const ALTERNATE_SERIES: Self = Self("alternate_series");
    /// Ask another route, and give its answer in the asked shape.
    pub const FALLBACK: Self = Self("fallback");
    /// Ask Yahoo Finance for what Polygon.io was asked for.
    pub const POLYGON_FALLBACK_YAHOO: Self = Self("polygon_fallback_yahoo");
    /// Ask Yahoo Finance in place of Alpha Vantage.
    pub const ALPHAVANTAGE_FALLBACK_YAHOO: Self = Self("alphavantage_fallback_yahoo");
    /// Compute an answer from two others.
    pub const COMPUTE: Self = Self("compute");
    /// Ask for FRED's CSV, which needs no key, in place of its API.
    pub const FRED_FALLBACK_CSV: Self = Self("fred_fallback_csv");
    /// Give the last day in place of the last trade.
    pub const HISTORICAL_FALLBACK: Self = Self("historical_fallback");
    /// Give days in place of minutes.
    pub const DAILY_INSTEAD_OF_INTRADAY: Self = Self("daily_instead_of_intraday");
    /// Give sums over longer spans in place of the spans that were asked for.
    pub const AGGREGATE_DATA: Self = Self("aggregate_data");
    /// Give the fund of a share's sector in place of the share.
    pub const ETF_PROXY: Self = Self("etf_proxy");
    /// Move the last known price of a share by what its fund did since.
    pub const ETF_ESTIMATE: Self = Self("etf_estimate");
    /// Ask for the trading day before.
    pub const PREVIOUS_TRADING_DAY: Self = Self("previous_trading_day");
    /// Ask for a later part of the span.
    pub const SHORTER_RANGE: Self = Self("shorter_range");
    /// Ask for fewer rows.
    pub const REDUCE_REQUEST_SIZE: Self = Self("reduce_request_size");
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

// === impl Suspect ===

impl Suspect {
    /// Its word in the field `Healing`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Jump => "jump",
            Self::OutOfRange => "out_of_range",
            Self::Stalled => "stalled",
            Self::Changed => "changed",
            Self::Shrunk => "shrunk",
        }
    }
}

// === impl Observed ===

impl Observed {
    /// What would have been done, where that is something.
    #[must_use]
    pub fn would(&self) -> Option<&str> {
        match self {
            Self::Would(would) => Some(would),
            Self::No | Self::Nothing => None,
        }
    }
}

// === impl Instead ===

impl Instead {
    /// The answer to that, rather than to what was asked.
    #[must_use]
    pub fn at(uri: &Uri) -> Self {
        Self {
            location: Some(redacted_location(uri).into()),
            authority: uri.authority().cloned(),
            ..Self::default()
        }
    }

    /// The same, with data of that source.
    #[must_use]
    pub fn of(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The same, under that name.
    #[must_use]
    pub fn called(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Whether a text may be such a name: printable ASCII, at most 64 characters.
    pub(crate) fn may_be_called(label: &str) -> bool {
        label.len() <= 64 && label.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }
}

/// One line for people.
impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label.as_deref().unwrap_or("data"))?;
        if let Some(source) = &self.source {
            write!(f, " of {source}")?;
        }
        if let Some(location) = &self.location {
            write!(f, " at {location}")?;
        }
        Ok(())
    }
}

// === impl Provenance ===

impl Provenance {
    /// Whether there is nothing to say about it: exact, and nothing went wrong.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.fidelity == Some(Fidelity::Exact) && self.fault.is_none()
    }

    /// Whether the answer is what the upstream gave at the first call.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.strategy == StrategyId::DIRECT && self.fault.is_none()
    }
}
