//! The sources that are known, each with its rules.

use std::sync::{Arc, OnceLock};

use crate::classify::{calendar::Calendars, exchange::Exchange, rules::Rules};

/// The slug of the rules of front ends, which stand before every source.
const EDGE: &str = "edge";

/// The files that come with this crate, each with its name.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("sources/", $name, ".yaml")))),*]
    };
}

/// The built-in files.
const FILES: &[(&str, &str)] = files![
    "alpaca",
    "alpha_vantage",
    "awesomeapi",
    "bea",
    "binance",
    "bitbank",
    "bitmex",
    "bls",
    "census",
    "coinbase",
    "coingecko",
    "coinmarketcap",
    "cryptocompare",
    "edge",
    "eia",
    "eodhd",
    "etherscan",
    "exchangerate_host",
    "finmind",
    "finnhub",
    "fmp",
    "fred_api",
    "iex",
    "imf",
    "kraken",
    "marketstack",
    "markit",
    "nasdaq_data_link",
    "newsapi",
    "oecd",
    "open_meteo",
    "openweather",
    "polygon_io",
    "sec_edgar",
    "stooq",
    "tiingo",
    "treasury",
    "twelve_data",
    "world_bank",
    "yahoo_finance",
];

/// The sources whose answers are judged by rules of their own.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    all: Vec<Arc<Rules>>,
    /// `None`: those that are built in.
    calendars: Option<Arc<Calendars>>,
}

impl Sources {
    /// The sources that come with this crate.
    ///
    /// ```
    /// use healing_core::classify::Sources;
    /// let sources = Sources::built_in();
    /// assert!(sources.names().any(|name| name == "coingecko"));
    /// ```
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            all: shelf().iter().filter_map(BuiltIn::rules).cloned().collect(),
            calendars: None,
        }
    }

    /// The slugs of the sources that come with this crate, without reading their rules.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        FILES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| *name != EDGE)
    }

    /// The file of rules of a source that comes with this crate, to be put together with one's own.
    ///
    /// ```
    /// use healing_core::classify::Sources;
    /// assert!(Sources::built_in_file("fred_api").unwrap().contains("source: fred_api"));
    /// ```
    #[must_use]
    pub fn built_in_file(name: &str) -> Option<&'static str> {
        let found = FILES.iter().find(|(own, _)| *own == name);
        found.map(|(_, text)| *text)
    }

    /// No sources.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same, with the rules of one source more. They replace those of a source of the same slug.
    #[must_use]
    pub fn with(mut self, rules: Rules) -> Self {
        let rules = Arc::new(rules);
        match self
            .all
            .iter_mut()
            .find(|own| own.source() == rules.source())
        {
            Some(own) => *own = rules,
            None => self.all.push(rules),
        }
        self
    }

    /// The same, telling age by these calendars.
    #[must_use]
    pub fn with_calendars(mut self, calendars: Calendars) -> Self {
        self.calendars = Some(Arc::new(calendars));
        self
    }

    /// The slugs of the sources.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|rules| rules.source())
    }

    /// The rules of the source that an exchange is with: by its slug or another name, then by the host.
    pub(crate) fn find(&self, exchange: &Exchange<'_>) -> Option<&Rules> {
        self.named(exchange.source, exchange.host)
            .map(|rules| &**rules)
    }

    fn named(&self, name: Option<&str>, host: &str) -> Option<&Arc<Rules>> {
        let named = name.and_then(|name| {
            let slug = self.all.iter().find(|rules| rules.source() == name);
            slug.or_else(|| self.all.iter().find(|rules| rules.is_named(name)))
        });
        named.or_else(|| self.all.iter().find(|rules| rules.answers_at(host)))
    }

    /// The rules of front ends, which hold for every source.
    pub(crate) fn edge(&self) -> Option<&Rules> {
        let edge = self.all.iter().find(|rules| rules.source() == EDGE);
        edge.map(|rules| &**rules)
    }

    /// The calendars that the sources' files name.
    pub(crate) fn calendars(&self) -> &Calendars {
        self.calendars.as_deref().unwrap_or_else(|| calendars())
    }
}

/// A built-in source. Its rules are read when they are asked for: most are never needed.
#[derive(Debug)]
struct BuiltIn {
    /// Its names and hosts, without a rule.
    head: Rules,
    text: &'static str,
    whole: OnceLock<Option<Arc<Rules>>>,
}

impl BuiltIn {
    fn rules(&self) -> Option<&Arc<Rules>> {
        let read = || Rules::parse(self.text).ok().map(Arc::new);
        self.whole.get_or_init(read).as_ref()
    }
}

/// The sources that come with this crate.
fn shelf() -> &'static [BuiltIn] {
    static SHELF: OnceLock<Vec<BuiltIn>> = OnceLock::new();
    SHELF.get_or_init(|| {
        let heads = FILES.iter().filter_map(|(_, text)| {
            let head = text.split("\nrules:").next().unwrap_or_default();
            let head = Rules::parse(&format!("{head}\n")).ok()?;
            Some(BuiltIn {
                head,
                text,
                whole: OnceLock::new(),
            })
        });
        heads.collect()
    })
}

/// The built-in rules of front ends.
pub(crate) fn edge() -> Option<&'static Rules> {
    let edge = shelf().iter().find(|own| own.head.source() == EDGE)?;
    edge.rules().map(|rules| &**rules)
}

/// The built-in rules of a source: by its slug or another of its names, then by the host that it answers at.
pub(crate) fn rules_of(source: &str, host: &str) -> Option<Arc<Rules>> {
    let heads = || shelf().iter();
    let named = heads()
        .find(|own| own.head.source() == source)
        .or_else(|| heads().find(|own| own.head.is_named(source)))
        .or_else(|| heads().find(|own| own.head.answers_at(host)));
    named?.rules().map(Arc::clone)
}

/// The built-in calendars, read once.
pub(crate) fn calendars() -> &'static Calendars {
    static READ: OnceLock<Calendars> = OnceLock::new();
    READ.get_or_init(Calendars::built_in)
}

#[cfg(test)]
mod tests;
