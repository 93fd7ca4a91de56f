//! The names of the simulated sources.

use std::fmt;
use std::str::FromStr;

/// One door of the lab: a simulated source, or the small API in front of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceName {
    /// Yahoo Finance, slug `yahoo_finance`.
    YahooFinance,
    /// FRED of the St. Louis Fed, slug `fred_api`.
    FredApi,
    /// Polygon.io, slug `polygon_io`.
    PolygonIo,
    /// Alpha Vantage, slug `alpha_vantage`.
    AlphaVantage,
    /// The built-in API that asks the four, slug `api`.
    Api,
}

impl SourceName {
    /// Every name, in the order of the ports.
    pub const ALL: [Self; 5] = [
        Self::YahooFinance,
        Self::FredApi,
        Self::PolygonIo,
        Self::AlphaVantage,
        Self::Api,
    ];

    /// The name as it is written in scripts, logs and queries.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::YahooFinance => "yahoo_finance",
            Self::FredApi => "fred_api",
            Self::PolygonIo => "polygon_io",
            Self::AlphaVantage => "alpha_vantage",
            Self::Api => "api",
        }
    }
}

/// One value for each [`SourceName`].
#[derive(Debug, Default)]
pub(crate) struct PerSource<T>([T; 5]);

impl<T> PerSource<T> {
    pub(crate) fn from_fn(make: impl Fn(SourceName) -> T) -> Self {
        Self(SourceName::ALL.map(make))
    }

    pub(crate) fn of(&self, source: SourceName) -> &T {
        let [yahoo, fred, polygon, alpha, api] = &self.0;
        match source {
            SourceName::YahooFinance => yahoo,
            SourceName::FredApi => fred,
            SourceName::PolygonIo => polygon,
            SourceName::AlphaVantage => alpha,
            SourceName::Api => api,
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for SourceName {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|name| name.slug() == text)
            .ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

/// A text that is no [`SourceName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a source; one of yahoo_finance, fred_api, polygon_io, alpha_vantage, api is meant"
)]
pub struct UnknownSource(pub String);

#[cfg(test)]
mod tests {
    use super::{PerSource, SourceName};

    #[test]
    fn every_slug_reads_back() {
        for name in SourceName::ALL {
            assert_eq!(name.slug().parse(), Ok(name));
        }
    }

    #[test]
    fn a_value_a_source_is_found_under_its_own_name() {
        let slugs = PerSource::from_fn(SourceName::slug);
        for name in SourceName::ALL {
            assert_eq!(*slugs.of(name), name.slug());
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "yahoo".parse::<SourceName>().unwrap_err().to_string();
        assert!(
            error.contains("`yahoo`") && error.contains("yahoo_finance"),
            "{error}"
        );
    }
}
