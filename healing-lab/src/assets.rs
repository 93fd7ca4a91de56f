//! The instruments the lab knows, and the symbols it does not.

use crate::calendar::Hours;
use crate::prices::{Walk, hash, unit};

/// An instrument with a price.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) symbol: String,
    pub(crate) name: String,
    pub(crate) kind: AssetKind,
    pub(crate) walk: Walk,
}

/// What an instrument is, which decides names, exchanges and hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssetKind {
    Crypto,
    Currency,
    Equity,
    Etf,
    Index,
}

const KNOWN: &[(&str, &str, AssetKind, f64)] = &[
    ("AAPL", "Apple Inc.", AssetKind::Equity, 220.0),
    ("AMZN", "Amazon.com, Inc.", AssetKind::Equity, 190.0),
    ("GOOGL", "Alphabet Inc.", AssetKind::Equity, 165.0),
    (
        "IBM",
        "International Business Machines",
        AssetKind::Equity,
        210.0,
    ),
    ("JPM", "JPMorgan Chase & Co.", AssetKind::Equity, 205.0),
    ("MSFT", "Microsoft Corporation", AssetKind::Equity, 410.0),
    ("NVDA", "NVIDIA Corporation", AssetKind::Equity, 120.0),
    ("TSLA", "Tesla, Inc.", AssetKind::Equity, 240.0),
    ("QQQ", "Invesco QQQ Trust", AssetKind::Etf, 470.0),
    ("SPY", "SPDR S&P 500 ETF Trust", AssetKind::Etf, 550.0),
    ("XLB", "Materials Select Sector SPDR", AssetKind::Etf, 90.0),
    (
        "XLC",
        "Communication Services Select Sector SPDR",
        AssetKind::Etf,
        88.0,
    ),
    ("XLE", "Energy Select Sector SPDR", AssetKind::Etf, 90.0),
    ("XLF", "Financial Select Sector SPDR", AssetKind::Etf, 44.0),
    (
        "XLI",
        "Industrial Select Sector SPDR",
        AssetKind::Etf,
        128.0,
    ),
    (
        "XLK",
        "Technology Select Sector SPDR",
        AssetKind::Etf,
        222.0,
    ),
    (
        "XLP",
        "Consumer Staples Select Sector SPDR",
        AssetKind::Etf,
        80.0,
    ),
    (
        "XLRE",
        "Real Estate Select Sector SPDR",
        AssetKind::Etf,
        42.0,
    ),
    ("XLU", "Utilities Select Sector SPDR", AssetKind::Etf, 75.0),
    (
        "XLV",
        "Health Care Select Sector SPDR",
        AssetKind::Etf,
        150.0,
    ),
    (
        "XLY",
        "Consumer Discretionary Select Sector SPDR",
        AssetKind::Etf,
        190.0,
    ),
    ("^GSPC", "S&P 500", AssetKind::Index, 5_500.0),
    ("^VIX", "CBOE Volatility Index", AssetKind::Index, 16.0),
    ("BTC-USD", "Bitcoin USD", AssetKind::Crypto, 64_000.0),
    ("ETH-USD", "Ethereum USD", AssetKind::Crypto, 3_100.0),
    ("SOL-USD", "Solana USD", AssetKind::Crypto, 150.0),
    ("XRP-USD", "XRP USD", AssetKind::Crypto, 0.55),
    ("ADA-USD", "Cardano USD", AssetKind::Crypto, 0.45),
    ("DOGE-USD", "Dogecoin USD", AssetKind::Crypto, 0.12),
    ("EURUSD=X", "EUR/USD", AssetKind::Currency, 1.08),
    ("GBPUSD=X", "GBP/USD", AssetKind::Currency, 1.27),
    ("USDCAD=X", "USD/CAD", AssetKind::Currency, 1.36),
    ("USDCHF=X", "USD/CHF", AssetKind::Currency, 0.88),
    ("USDJPY=X", "USD/JPY", AssetKind::Currency, 148.0),
];

/// Parts of a symbol that make it unknown to every source.
pub(crate) const UNKNOWN_PARTS: [&str; 5] = ["INVALID", "NONEXIST", "NOSUCH", "NOTREAL", "ZZZZ"];

impl Asset {
    /// The instrument of a symbol in the manner of Yahoo (`BTC-USD`) or Polygon (`X:BTCUSD`). Any short symbol in
    /// capitals has one, unless it holds one of [`UNKNOWN_PARTS`].
    pub(crate) fn find(seed: u64, symbol: &str) -> Option<Self> {
        let symbol = common_symbol(symbol);
        if let Some((known, name, kind, level)) = KNOWN.iter().find(|(known, ..)| *known == symbol)
        {
            return Some(Self::new(seed, known, (*name).to_owned(), (*kind, *level)));
        }
        let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || ".-^=".contains(c);
        let odd = symbol.is_empty() || symbol.len() > 12 || !symbol.chars().all(allowed);
        if odd || UNKNOWN_PARTS.iter().any(|part| symbol.contains(part)) {
            return None;
        }
        let kind = if symbol.ends_with("=X") {
            AssetKind::Currency
        } else if symbol.ends_with("-USD") {
            AssetKind::Crypto
        } else if symbol.starts_with('^') {
            AssetKind::Index
        } else {
            AssetKind::Equity
        };
        let level = 10.0 + 290.0 * unit(hash(11, &symbol));
        Some(Self::new(
            seed,
            &symbol,
            format!("{symbol} Holdings"),
            (kind, level),
        ))
    }

    fn new(seed: u64, symbol: &str, name: String, (kind, level): (AssetKind, f64)) -> Self {
        let swing = match kind {
            AssetKind::Crypto => 0.5,
            AssetKind::Currency => 0.06,
            AssetKind::Equity | AssetKind::Etf | AssetKind::Index => 0.25,
        };
        let walk = Walk {
            seed: hash(seed, symbol),
            level,
            swing,
        };
        Self {
            symbol: symbol.to_owned(),
            name,
            kind,
            walk,
        }
    }

    /// Coins and currencies trade around the clock whatever the exchange does.
    pub(crate) fn hours(&self, exchange: Hours) -> Hours {
        match self.kind {
            AssetKind::Crypto | AssetKind::Currency => Hours::Always,
            AssetKind::Equity | AssetKind::Etf | AssetKind::Index => exchange,
        }
    }
}

/// `X:BTCUSD` and `C:EURUSD` in the manner of Yahoo, so that all sources share one walk.
fn common_symbol(symbol: &str) -> String {
    if let Some(pair) = symbol.strip_prefix("X:") {
        return pair
            .strip_suffix("USD")
            .map_or_else(|| pair.to_owned(), |coin| format!("{coin}-USD"));
    }
    if let Some(pair) = symbol.strip_prefix("C:") {
        return format!("{pair}=X");
    }
    symbol
        .strip_prefix("I:")
        .map_or_else(|| symbol.to_owned(), |index| format!("^{index}"))
}

#[cfg(test)]
mod tests {
    use super::{Asset, AssetKind};

    #[test]
    fn both_spellings_of_a_coin_share_one_walk() {
        let yahoo = Asset::find(7, "BTC-USD").unwrap();
        let polygon = Asset::find(7, "X:BTCUSD").unwrap();
        assert_eq!(yahoo.walk.seed, polygon.walk.seed);
        assert_eq!(polygon.kind, AssetKind::Crypto);
    }

    #[test]
    fn an_unheard_of_ticker_has_a_price_and_an_unknown_one_has_none() {
        assert!(Asset::find(7, "KO").is_some());
        assert!(Asset::find(7, "BRK.B").is_some());
        for symbol in ["NOSUCH", "ZZZZQ", "", "aapl", "AAPL?", "WAYTOOLONGSYMBOL"] {
            assert!(Asset::find(7, symbol).is_none(), "{symbol}");
        }
    }
}
