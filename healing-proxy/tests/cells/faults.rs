//! The four sources with the endpoints that are asked, and the four ways in which each is broken.

use std::time::Duration;

use healing_lab::{ErrorBody, Fault, SourceName, key};

/// An endpoint of the application, and where the time of its data stands, which is also a part that no error has.
pub(crate) type Endpoint = (&'static str, &'static str);

/// So many of each that a source is asked dozens of times although it says how long its answers hold: of a few calls more or
/// fewer no share can be told.
pub(crate) const SOURCES: [(SourceName, &[Endpoint]); 4] = [
    (
        SourceName::YahooFinance,
        &[
            ("/api/yahoo/quote/AAPL", "/time"),
            ("/api/yahoo/quote/MSFT", "/time"),
            ("/api/yahoo/quote/NVDA", "/time"),
            ("/api/yahoo/quote/SPY", "/time"),
            (
                "/api/yahoo/chart/AAPL",
                "/chart/result/0/meta/regularMarketTime",
            ),
            (
                "/api/yahoo/chart/MSFT?range=1d&interval=5m",
                "/chart/result/0/meta/regularMarketTime",
            ),
        ],
    ),
    (
        SourceName::FredApi,
        &[
            ("/api/fred/latest/DGS10", "/date"),
            ("/api/fred/series/DGS10", "/observations/0/date"),
            ("/api/fred/observations/DGS2", "/observations/0/date"),
            ("/api/fred/spread", "/date"),
        ],
    ),
    (
        SourceName::PolygonIo,
        &[
            ("/api/polygon/trade/AAPL", "/time_ns"),
            ("/api/polygon/snapshot/AAPL", "/ticker/updated"),
            ("/api/polygon/prev/AAPL", "/results/0/t"),
        ],
    ),
    (
        SourceName::AlphaVantage,
        &[
            ("/api/alpha/quote/IBM", "/day"),
            ("/api/alpha/daily/IBM", "/Meta Data/3. Last Refreshed"),
            ("/api/alpha/fx/EUR/USD", "/refreshed"),
        ],
    ),
];

/// How far back a frozen source stands.
pub(crate) const BACK: Duration = Duration::from_hours(5 * 24);

/// A way to break a source, or none for comparison.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Healthy,
    Throttle,
    Outage,
    ErrorInA200,
    FrozenData,
    /// The first of two addresses is down; not one of the ways of all.
    HostDown,
    /// Where somebody has a second key; not one of the ways of all.
    KeyRevoked,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [
        Self::Healthy,
        Self::Throttle,
        Self::Outage,
        Self::ErrorInA200,
        Self::FrozenData,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Throttle => "throttle",
            Self::Outage => "outage",
            Self::ErrorInA200 => "error in a 200",
            Self::FrozenData => "frozen data",
            Self::HostDown => "query1 down",
            Self::KeyRevoked => "key revoked",
        }
    }

    /// Whether calls reach the source while it is broken.
    pub(crate) fn is_countable(self, source: SourceName) -> bool {
        self == Self::HostDown || !self.faults(source).contains(&Fault::Down)
    }

    /// The faults that make it, in the source's own manner: Alpha Vantage refuses inside a 200.
    /// An outage is a 503 at two of them and refused connections, which no source can count, at the others.
    pub(crate) fn faults(self, source: SourceName) -> Vec<Fault> {
        match (self, source) {
            (Self::Healthy, _) => vec![],
            (Self::Throttle, SourceName::AlphaVantage) => vec![Fault::Note],
            (Self::Throttle, SourceName::YahooFinance) => vec![Fault::Status {
                code: 429,
                retry_after: None,
                body: ErrorBody::Text,
            }],
            (Self::Throttle, _) => vec![Fault::status(429)],
            (Self::Outage, SourceName::FredApi | SourceName::PolygonIo) => {
                vec![Fault::status(503)]
            }
            (Self::Outage | Self::HostDown, _) => vec![Fault::Down],
            (Self::ErrorInA200, _) => vec![Fault::ErrorObject],
            (Self::FrozenData, _) => vec![Fault::Freeze, Fault::Lag(BACK)],
            (Self::KeyRevoked, _) => vec![Fault::RevokeKey {
                key: Some(key(source).to_owned()),
            }],
        }
    }
}
