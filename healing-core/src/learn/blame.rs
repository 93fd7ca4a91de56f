//! Who is probably to blame for a fault, by its cause.

use crate::vocabulary::fault::FaultClass;

/// Why an attempt failed, as coarse as blame needs it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Cause {
    /// No answer in time.
    Timeout,
    /// The source failed, or is down on purpose.
    ServerError,
    /// Asked too fast.
    RateLimited,
    /// The key, the plan or a wall refuses.
    Auth,
    /// No connection.
    Connect,
    /// The day's or month's calls are spent.
    Quota,
    /// An answer whose content is not what was promised.
    BadContent,
}

/// What may be to blame.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Culprit {
    /// Our own network.
    Network,
    /// The whole source.
    Source,
    /// One of its addresses.
    Host,
    /// One of our keys.
    Key,
    /// One endpoint.
    Endpoint,
    /// Nothing that lasts.
    Nothing,
}

/// How the blame for a cause is shared among the six culprits, the shares of which sum to 1, and how long what it does lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blame {
    cause: Cause,
    shares: [f64; 6],
    lasts: f64,
}

/// How long outages of one cause have lasted, the latest counting most.
///
/// ```
/// use healing_core::learn::Outages;
/// let mut outages = Outages::default();
/// assert_eq!(outages.mean(40.0), 40.0);
/// outages.ended(400.0);
/// assert_eq!(outages.mean(40.0), 130.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outages {
    /// How many, those long ago counting less.
    pub count: f64,
    /// How many seconds they lasted together.
    pub seconds: f64,
}

/// What an outage that ended leaves of those before it.
const OUTAGE_DECAY: f64 = 0.9;

/// How much the usual length of an outage counts, in outages.
const OF_USUAL: f64 = 3.0;

/// How much the design's own shares count, in observations.
const OF_DESIGN: f64 = 5.0;

/// How much those of all sources count at most.
const OF_ALL_AT_MOST: f64 = 15.0;

// === impl Cause ===

impl Cause {
    /// All seven.
    pub const ALL: [Self; 7] = [
        Self::Timeout,
        Self::ServerError,
        Self::RateLimited,
        Self::Auth,
        Self::Connect,
        Self::Quota,
        Self::BadContent,
    ];

    /// The cause of a fault; `None` for a mistake of the caller, of which nothing is learned.
    ///
    /// ```
    /// use healing_core::{FaultClass, learn::Cause};
    /// assert_eq!(Cause::of(FaultClass::PremiumRequired), Some(Cause::Auth));
    /// assert_eq!(Cause::of(FaultClass::NotFound), None);
    /// ```
    #[must_use]
    pub const fn of(class: FaultClass) -> Option<Self> {
        Some(match class {
            FaultClass::ServerError | FaultClass::Maintenance => Self::ServerError,
            FaultClass::RateLimit => Self::RateLimited,
            FaultClass::QuotaExceeded => Self::Quota,
            FaultClass::AuthError
            | FaultClass::Forbidden
            | FaultClass::PremiumRequired
            | FaultClass::Blocked => Self::Auth,
            FaultClass::ConnectionError => Self::Connect,
            FaultClass::Timeout => Self::Timeout,
            FaultClass::MalformedBody | FaultClass::EmptyData | FaultClass::StaleData => {
                Self::BadContent
            }
            FaultClass::NotFound | FaultClass::InvalidRequest => return None,
        })
    }

    /// How long such an outage lasts where nothing is known yet, in seconds.
    #[must_use]
    pub const fn usual_outage(self) -> f64 {
        match self {
            Self::Timeout | Self::Connect => 40.0,
            Self::ServerError | Self::BadContent => 25.0,
            Self::RateLimited => 4.0,
            Self::Auth | Self::Quota => 1800.0,
        }
    }

    /// How blame is shared where nothing was seen yet.
    #[must_use]
    pub fn blame(self) -> Blame {
        Blame::learned(self, &[0.0; 6], &[0.0; 6])
    }

    /// The design's own weights.
    const fn weights(self) -> [f64; 6] {
        match self {
            Self::Timeout => [0.03, 0.30, 0.35, 0.02, 0.15, 0.15],
            Self::ServerError => [0.003, 0.22, 0.25, 0.01, 0.17, 0.35],
            Self::RateLimited => [0.003, 0.05, 0.15, 0.70, 0.05, 0.05],
            Self::Auth => [0.003, 0.02, 0.02, 0.90, 0.03, 0.03],
            Self::Connect => [0.45, 0.10, 0.35, 0.003, 0.003, 0.10],
            Self::Quota => [0.003, 0.03, 0.02, 0.93, 0.01, 0.01],
            Self::BadContent => [0.0, 0.30, 0.0, 0.0, 0.60, 0.10],
        }
    }
}

// === impl Culprit ===

impl Culprit {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::Network,
        Self::Source,
        Self::Host,
        Self::Key,
        Self::Endpoint,
        Self::Nothing,
    ];
}

// === impl Blame ===

impl Blame {
    /// How blame is shared for a cause at one source: the design's, then those seen over all sources, then those seen at this one.
    /// Each list of counts is in the order of [`Culprit::ALL`].
    ///
    /// ```
    /// use healing_core::learn::{Blame, Cause, Culprit};
    /// let here = [0.0, 0.0, 20.0, 0.0, 0.0, 0.0]; // a source that limits by address
    /// let blame = Blame::learned(Cause::RateLimited, &[0.0; 6], &here);
    /// assert!(blame.of(Culprit::Host) > blame.of(Culprit::Key));
    /// ```
    #[must_use]
    pub fn learned(cause: Cause, everywhere: &[f64; 6], here: &[f64; 6]) -> Self {
        let seen: f64 = everywhere.iter().sum();
        let weight = if seen > 0.0 {
            seen.min(OF_ALL_AT_MOST) / seen
        } else {
            0.0
        };
        let mut shares = cause.weights().map(|share| OF_DESIGN * share);
        for ((share, all), own) in shares.iter_mut().zip(everywhere).zip(here) {
            *share += weight * all + own;
        }
        let total: f64 = shares.iter().sum();
        Self {
            cause,
            shares: shares.map(|share| share / total),
            lasts: cause.usual_outage(),
        }
    }

    /// The same, where such an outage lasts that many seconds.
    #[must_use]
    pub const fn lasting(mut self, seconds: f64) -> Self {
        self.lasts = seconds;
        self
    }

    /// How long such an outage lasts, in seconds.
    #[must_use]
    pub const fn lasts(&self) -> f64 {
        self.lasts
    }

    /// For what.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// The share of one culprit.
    #[must_use]
    pub const fn of(&self, culprit: Culprit) -> f64 {
        let [network, source, host, key, endpoint, nothing] = self.shares;
        match culprit {
            Culprit::Network => network,
            Culprit::Source => source,
            Culprit::Host => host,
            Culprit::Key => key,
            Culprit::Endpoint => endpoint,
            Culprit::Nothing => nothing,
        }
    }
}

// === impl Outages ===

impl Outages {
    /// One that lasted so many seconds is over.
    pub fn ended(&mut self, seconds: f64) {
        self.count = self.count * OUTAGE_DECAY + 1.0;
        self.seconds = self.seconds * OUTAGE_DECAY + seconds;
    }

    /// How long the next one is expected to last, in seconds, where `usual` is what is known from elsewhere.
    #[must_use]
    pub fn mean(&self, usual: f64) -> f64 {
        (OF_USUAL * usual + self.seconds) / (OF_USUAL + self.count)
    }
}
