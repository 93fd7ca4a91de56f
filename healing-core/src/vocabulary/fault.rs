//! What is wrong with an answer.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use http::StatusCode;

/// The closed list of what can be wrong. The only class names in metrics, events and exports; finer words are
/// [`Fault::detail`].
///
/// ```
/// use healing_core::FaultClass;
/// assert_eq!(FaultClass::RateLimit.as_str(), "rate_limit");
/// assert_eq!("server_error_5xx".parse(), Ok(FaultClass::ServerError)); // a word of the first specification
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FaultClass {
    /// Asked too fast; clears within the hour.
    RateLimit,
    /// The day's or month's calls are spent.
    QuotaExceeded,
    /// The credentials are missing, wrong or revoked.
    AuthError,
    /// The credentials are known and not enough.
    Forbidden,
    /// The asked thing does not exist: the caller's mistake.
    NotFound,
    /// The request is wrong: the caller's mistake.
    InvalidRequest,
    /// The source failed.
    ServerError,
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke before an answer came.
    ConnectionError,
    /// An answer whose content is too old.
    StaleData,
    /// A well-formed answer without the data that was promised.
    EmptyData,
    /// An answer that is cut, does not parse, or has lost the shape that was promised.
    MalformedBody,
    /// The plan does not include what was asked.
    PremiumRequired,
    /// A firewall, captcha, consent or geo wall.
    Blocked,
    /// The source says that it is down on purpose.
    Maintenance,
}

/// A word that names no fault class.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is no fault class; one of rate_limit, quota_exceeded, auth_error, forbidden, not_found, invalid_request, server_error, timeout, connection_error, stale_data, empty_data, malformed_body, premium_required, blocked, maintenance"
)]
pub struct FaultClassError(String);

/// Details of faults that the other end of a connection made, without an answer.
const HEARD: [&str; 5] = [
    "connect_refused",
    "reset_mid_response",
    "eof",
    "protocol_error",
    "truncated_body",
];

/// What a fault strikes, so that no more is benched than is broken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Domain {
    /// The asked object: one URL.
    Object,
    /// Everything that is asked of the source with the same credentials.
    Key,
    /// The address: every source behind it.
    Upstream,
    /// One endpoint of the source, whatever is asked of it.
    Endpoint,
    /// The whole source, whoever asks.
    Source,
    /// The way there: no word of the source came.
    Network,
}

/// What is wrong with one exchange, and what that says about trying again.
///
/// The evidence names the rule that decided and the field it looked at, never a text of the upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The class.
    pub class: FaultClass,
    /// The finer word under the class, `connect_refused`, `truncated_body`, `timeout_headers`, or the rule that found it,
    /// `alpha_vantage/daily_quota`.
    pub detail: Cow<'static, str>,
    /// How long the source asked us to wait, from the moment of its answer.
    pub wait: Option<Duration>,
    /// What it strikes.
    pub domain: Domain,
    /// The status that came with it, where one came.
    pub status: Option<StatusCode>,
    /// The field that the rule looked at and what it found there; empty where the detail says all.
    pub evidence: Cow<'static, str>,
    is_change: bool,
    /// Whether the same request may succeed within about an hour, where the rule that found it says so.
    passes: Option<bool>,
}

// === impl FaultClass ===

impl FaultClass {
    /// All fifteen.
    pub const ALL: [Self; 15] = [
        Self::RateLimit,
        Self::QuotaExceeded,
        Self::AuthError,
        Self::Forbidden,
        Self::NotFound,
        Self::InvalidRequest,
        Self::ServerError,
        Self::Timeout,
        Self::ConnectionError,
        Self::StaleData,
        Self::EmptyData,
        Self::MalformedBody,
        Self::PremiumRequired,
        Self::Blocked,
        Self::Maintenance,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::QuotaExceeded => "quota_exceeded",
            Self::AuthError => "auth_error",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::ConnectionError => "connection_error",
            Self::StaleData => "stale_data",
            Self::EmptyData => "empty_data",
            Self::MalformedBody => "malformed_body",
            Self::PremiumRequired => "premium_required",
            Self::Blocked => "blocked",
            Self::Maintenance => "maintenance",
        }
    }

    /// Whether the caller made the mistake. Such an answer passes as it is, counts against nobody and wakes nobody.
    #[must_use]
    pub const fn is_the_callers(self) -> bool {
        match self {
            Self::AuthError | Self::NotFound | Self::InvalidRequest => true,
            Self::RateLimit
            | Self::QuotaExceeded
            | Self::Forbidden
            | Self::ServerError
            | Self::Timeout
            | Self::ConnectionError
            | Self::StaleData
            | Self::EmptyData
            | Self::MalformedBody
            | Self::PremiumRequired
            | Self::Blocked
            | Self::Maintenance => false,
        }
    }

    /// Whether asking the same again at once may help. A limit, a gate or a wall only gets higher by it.
    #[must_use]
    pub const fn may_pass_at_once(self) -> bool {
        match self {
            Self::ServerError
            | Self::Timeout
            | Self::ConnectionError
            | Self::EmptyData
            | Self::MalformedBody => true,
            Self::RateLimit
            | Self::QuotaExceeded
            | Self::AuthError
            | Self::Forbidden
            | Self::NotFound
            | Self::InvalidRequest
            | Self::StaleData
            | Self::PremiumRequired
            | Self::Blocked
            | Self::Maintenance => false,
        }
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FaultClass {
    type Err = FaultClassError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "rate_limit_429" => return Ok(Self::RateLimit),
            "server_error_5xx" => return Ok(Self::ServerError),
            "auth_error_403" => return Ok(Self::AuthError),
            _ => {}
        }
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == word)
            .ok_or_else(|| FaultClassError(word.to_owned()))
    }
}

// === impl Fault ===

impl Fault {
    /// A fault of one object, with nothing said about waiting.
    #[must_use]
    pub const fn new(class: FaultClass, detail: &'static str) -> Self {
        Self {
            class,
            detail: Cow::Borrowed(detail),
            wait: None,
            domain: Domain::Object,
            status: None,
            evidence: Cow::Borrowed(""),
            is_change: false,
            passes: None,
        }
    }

    /// A fault of one object that a rule found, by what it looked at.
    #[must_use]
    pub fn found(
        class: FaultClass,
        rule: impl Into<Cow<'static, str>>,
        evidence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            detail: rule.into(),
            evidence: evidence.into(),
            ..Self::new(class, "")
        }
    }

    /// A fault that is only a change of shape: if it lasts, it is the new shape, and nothing is wrong.
    #[must_use]
    pub const fn shape_changed(class: FaultClass, detail: &'static str) -> Self {
        let mut fault = Self::new(class, detail);
        fault.is_change = true;
        fault
    }

    /// The fault of a source that is not asked because it rests after faults of that class.
    #[must_use]
    pub const fn resting(class: FaultClass) -> Self {
        Self::new(class, "resting")
    }

    /// Whether the source was not asked, or asked only to find out, because it rests.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.detail == "resting"
    }

    /// The fault of a source that is not asked because our own count says that no call is left.
    #[must_use]
    pub const fn own_quota(class: FaultClass) -> Self {
        Self::new(class, "own_quota").striking(Domain::Key)
    }

    /// Whether the source was not asked because our own count says that no call is left.
    #[must_use]
    pub fn is_own_quota(&self) -> bool {
        self.detail == "own_quota"
    }

    /// The fault of a route that is not asked because it was found to accept no more calls just now.
    #[must_use]
    pub const fn own_rate() -> Self {
        Self::new(FaultClass::RateLimit, "own_rate").striking(Domain::Key)
    }

    /// Whether the route was not asked because it was found to accept no more calls just now: a guess, while a quota is known.
    #[must_use]
    pub fn is_own_rate(&self) -> bool {
        self.detail == "own_rate"
    }

    /// The fault of a host that is not asked because as many calls to it are under way as it was found to bear.
    #[must_use]
    pub const fn own_load() -> Self {
        Self::new(FaultClass::ServerError, "own_load")
            .striking(Domain::Upstream)
            .retryable(false)
    }

    /// Whether the host was not asked because as many calls to it are under way as it was found to bear: a guess.
    #[must_use]
    pub fn is_own_load(&self) -> bool {
        self.detail == "own_load"
    }

    /// Whether it was not asked because our own count says so: of a quota, of what the route was found to accept, or of what
    /// the host was found to bear.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.is_own_quota() || self.is_own_rate() || self.is_own_load()
    }

    /// The fault of a source that is not asked because the calls that are left of its quota gain others more.
    #[must_use]
    pub const fn too_dear() -> Self {
        Self::new(FaultClass::QuotaExceeded, "too_dear").striking(Domain::Key)
    }

    /// The fault of a call that was not waited for as long as it may have taken, because something else could be tried.
    #[must_use]
    pub const fn cut_off() -> Self {
        Self::new(FaultClass::Timeout, "cut_off")
    }

    /// Whether the call was not waited for as long as it may have taken.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.detail == "cut_off"
    }

    /// Whether it is only a change of shape.
    #[must_use]
    pub const fn is_change_of_shape(&self) -> bool {
        self.is_change
    }

    /// Whether asking the same again at once may help.
    #[must_use]
    pub const fn may_pass_at_once(&self) -> bool {
        !self.is_change && self.class.may_pass_at_once() && !matches!(self.passes, Some(false))
    }

    /// Whether the same request may succeed within about an hour, where the rule that found the fault says so.
    #[must_use]
    pub const fn is_retryable(&self) -> Option<bool> {
        self.passes
    }

    /// The same, being only a change of shape.
    #[must_use]
    pub const fn changing(mut self) -> Self {
        self.is_change = true;
        self
    }

    /// The same, knowing whether the same request may succeed within about an hour.
    #[must_use]
    pub const fn retryable(mut self, passes: bool) -> Self {
        self.passes = Some(passes);
        self
    }

    /// The same, striking that.
    #[must_use]
    pub const fn striking(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// Whether the other side said something, if only that it refuses: then the network up to it works.
    pub(crate) fn was_heard(&self) -> bool {
        self.status.is_some() || HEARD.contains(&&*self.detail)
    }

    /// The same, with the status that came.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// The same, with the wait that the source asked for.
    #[must_use]
    pub const fn with_wait(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.class, self.detail)
    }
}
