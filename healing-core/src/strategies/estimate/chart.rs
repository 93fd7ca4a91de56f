//! Charts of Yahoo Finance, as far as an estimate reads them.

use std::time::Duration;

use serde::Deserialize;

use crate::strategies::plain::Plain;

/// The fewest returns of a fund that tell how much it moves.
const FEWEST: usize = 5;

/// What a chart says of its symbol.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    pub(super) symbol: String,
    pub(super) currency: Option<String>,
    pub(super) value: f64,
    /// When that was, in seconds since 1970.
    pub(super) at: i64,
    /// From when to when the session goes.
    session: (i64, i64),
    /// Closes, each with the second at which its span begins.
    rows: Vec<(i64, f64)>,
}

/// What a fund did since a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Since {
    /// Its return.
    pub(super) rate: f64,
    /// The sum of the squares of its returns from row to row.
    pub(super) variance: f64,
    /// Until when.
    pub(super) at: i64,
}

#[derive(Deserialize)]
struct Written {
    chart: Results,
}

#[derive(Deserialize)]
struct Results {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    meta: Meta,
    #[serde(default)]
    timestamp: Vec<i64>,
    indicators: Indicators,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    symbol: String,
    currency: Option<String>,
    regular_market_price: f64,
    regular_market_time: i64,
    current_trading_period: Periods,
}

#[derive(Deserialize)]
struct Periods {
    regular: Period,
}

#[derive(Deserialize)]
struct Period {
    start: i64,
    end: i64,
}

#[derive(Deserialize)]
struct Indicators {
    #[serde(default)]
    quote: Vec<Quote>,
}

#[derive(Deserialize)]
struct Quote {
    #[serde(default)]
    close: Vec<Option<f64>>,
}

// === impl Chart ===

impl Chart {
    /// What an answer says, where it is a chart.
    pub(super) fn read(plain: &Plain) -> Option<Self> {
        Self::of(&plain.body)
    }

    fn of(body: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(body).ok()?;
        let series = written.chart.result.into_iter().next()?;
        let Meta {
            symbol,
            currency,
            regular_market_price: value,
            regular_market_time: at,
            current_trading_period: Periods { regular },
        } = series.meta;
        let closes = series.indicators.quote.into_iter().next();
        let closes = closes.map(|quote| quote.close).unwrap_or_default();
        let rows = series.timestamp.into_iter().zip(closes);
        let rows = rows.filter_map(|(at, close)| Some((at, close?)));
        let is_price = |price: f64| price.is_finite() && price > 0.0;
        let chart = Self {
            symbol,
            currency,
            value,
            at,
            session: (regular.start, regular.end),
            rows: rows.filter(|(_, close)| is_price(*close)).collect(),
        };
        (is_price(value) && chart.rows.is_sorted_by_key(|(at, _)| *at)).then_some(chart)
    }

    /// What this fund did since the share's price was last known.
    ///
    /// # Errors
    /// With a word, where that would be of another session, too long ago, or seen too rarely.
    pub(super) fn since(&self, share: &Self, up_to: Duration) -> Result<Since, &'static str> {
        let (opens, closes) = self.session;
        let is_within = |at: i64| (opens..=closes).contains(&at);
        if !is_within(share.at) || !is_within(self.at) || share.session != self.session {
            return Err("another_session");
        }
        let passed = u64::try_from(self.at.saturating_sub(share.at));
        let passed = passed.map_err(|_| "nothing_since")?;
        if Duration::from_secs(passed) > up_to {
            return Err("last_too_old");
        }
        // The last row that begins before is the one that the share's price falls into.
        let before = self.rows.partition_point(|(at, _)| *at <= share.at);
        let from = before.checked_sub(1).ok_or("no_price_then")?;
        let rows = self.rows.get(from..).unwrap_or_default();
        let (_, then) = rows.first().ok_or("no_price_then")?;
        let prices = rows.iter().map(|(_, close)| *close);
        let returns = prices.clone().zip(prices.skip(1));
        let returns: Vec<f64> = returns.map(|(one, next)| next / one - 1.0).collect();
        if returns.len() < FEWEST {
            return Err("too_few_prices");
        }
        Ok(Since {
            rate: self.value / then - 1.0,
            variance: returns.iter().map(|rate| rate * rate).sum(),
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chart(symbol: &str, at: i64, closes: &[f64]) -> Chart {
        let times: Vec<i64> = (0_i64..)
            .map(|n| 1_000 + 60 * n)
            .take(closes.len())
            .collect();
        let body = json!({"chart": {"result": [{
            "meta": {"symbol": symbol, "currency": "USD", "regularMarketPrice": closes.last(), "regularMarketTime": at,
                     "currentTradingPeriod": {"regular": {"start": 1_000, "end": 2_000}}},
            "timestamp": times, "indicators": {"quote": [{"close": closes}]}}]}});
        Chart::of(body.to_string().as_bytes()).unwrap()
    }

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_fund_tells_what_it_did_since_a_price_was_known() {
        let share = chart("AAPL", 1_090, &[100.0]);
        let fund = chart(
            "XLK",
            1_400,
            &[99.0, 100.0, 101.0, 100.0, 101.0, 100.0, 102.0],
        );
        let since = fund.since(&share, HOUR).unwrap();
        assert!((since.rate - 0.02).abs() < 1e-12, "{since:?}");
        let (up, down, last): (f64, f64, f64) = (0.01, 1.0 / 101.0, 0.02);
        let expected = 2.0 * up.powi(2) + 2.0 * down.powi(2) + last.powi(2);
        assert!((since.variance - expected).abs() < 1e-12, "{since:?}");
        assert_eq!(since.at, 1_400);
    }

    #[test]
    fn what_would_be_a_guess_is_refused_with_a_word() {
        let fund = chart(
            "XLK",
            1_400,
            &[99.0, 100.0, 101.0, 100.0, 101.0, 100.0, 102.0],
        );
        let minute = Duration::from_mins(1);
        for (at, up_to, word) in [
            (900, HOUR, "another_session"),
            (2_001, HOUR, "another_session"),
            (1_401, HOUR, "nothing_since"),
            (1_100, minute, "last_too_old"),
            (1_200, HOUR, "too_few_prices"),
        ] {
            let share = chart("AAPL", at, &[100.0]);
            assert_eq!(fund.since(&share, up_to), Err(word), "{at}");
        }
        let mut late = fund.clone();
        late.rows.remove(0);
        let share = chart("AAPL", 1_030, &[100.0]);
        assert_eq!(late.since(&share, HOUR), Err("no_price_then"));
    }

    #[test]
    fn what_is_no_chart_is_not_read() {
        for body in [
            "",
            "{}",
            r#"{"chart":{"result":null}}"#,
            r#"{"chart":{"result":[]}}"#,
        ] {
            assert_eq!(Chart::of(body.as_bytes()), None, "{body}");
        }
    }
}
