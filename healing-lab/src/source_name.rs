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
    /// CoinGecko, slug `coingecko`.
    Coingecko,
    /// Binance, the public market endpoints, slug `binance`.
    Binance,
    /// Coinbase Exchange, slug `coinbase`.
    Coinbase,
    /// Kraken, the public endpoints, slug `kraken`.
    Kraken,
    /// US Treasury Fiscal Data, slug `treasury`.
    Treasury,
    /// the US Bureau of Labor Statistics, slug `bls`.
    Bls,
    /// the US Energy Information Administration, slug `eia`.
    Eia,
    /// World Bank indicators, slug `world_bank`.
    WorldBank,
    /// NewsAPI, slug `newsapi`.
    NewsApi,
    /// Open-Meteo, slug `open_meteo`.
    OpenMeteo,
    /// OpenWeather, slug `openweather`.
    OpenWeather,
    /// Frankfurter, the rates of the European Central Bank, slug `frankfurter`.
    Frankfurter,
    /// SEC EDGAR, slug `sec_edgar`.
    SecEdgar,
    /// Stooq, in CSV, slug `stooq`.
    Stooq,
    /// Finnhub, slug `finnhub`.
    Finnhub,
    /// The built-in API that asks the first four, slug `api`.
    Api,
}

impl SourceName {
    /// Every name, in the order of the ports.
    pub const ALL: [Self; COUNT] = [
        Self::YahooFinance,
        Self::FredApi,
        Self::PolygonIo,
        Self::AlphaVantage,
        Self::Coingecko,
        Self::Binance,
        Self::Coinbase,
        Self::Kraken,
        Self::Treasury,
        Self::Bls,
        Self::Eia,
        Self::WorldBank,
        Self::NewsApi,
        Self::OpenMeteo,
        Self::OpenWeather,
        Self::Frankfurter,
        Self::SecEdgar,
        Self::Stooq,
        Self::Finnhub,
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
            Self::Coingecko => "coingecko",
            Self::Binance => "binance",
            Self::Coinbase => "coinbase",
            Self::Kraken => "kraken",
            Self::Treasury => "treasury",
            Self::Bls => "bls",
            Self::Eia => "eia",
            Self::WorldBank => "world_bank",
            Self::NewsApi => "newsapi",
            Self::OpenMeteo => "open_meteo",
            Self::OpenWeather => "openweather",
            Self::Frankfurter => "frankfurter",
            Self::SecEdgar => "sec_edgar",
            Self::Stooq => "stooq",
            Self::Finnhub => "finnhub",
            Self::Api => "api",
        }
    }
}

/// How many names there are.
const COUNT: usize = 20;

/// One value for each [`SourceName`], in the order of [`SourceName::ALL`].
#[derive(Debug)]
pub(crate) struct PerSource<T> {
    first: T,
    others: [T; COUNT - 1],
}

impl<T> PerSource<T> {
    pub(crate) fn from_fn(make: impl Fn(SourceName) -> T) -> Self {
        let [first, others @ ..] = SourceName::ALL;
        Self {
            first: make(first),
            others: others.map(make),
        }
    }

    pub(crate) fn of(&self, source: SourceName) -> &T {
        // The discriminants are the places in the list, and the test below holds that they stay so.
        let place = (source as usize).checked_sub(1);
        let other = place.and_then(|place| self.others.get(place));
        other.unwrap_or(&self.first)
    }
}

impl<T: Default> Default for PerSource<T> {
    fn default() -> Self {
        Self::from_fn(|_| T::default())
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
#[error("`{0}` is not a source; one of {known} is meant", known = SourceName::ALL.map(SourceName::slug).join(", "))]
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
