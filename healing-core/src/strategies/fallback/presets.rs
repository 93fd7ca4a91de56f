//! Fallbacks that are built in, between the sources themselves: their paths, and maps between their shapes.

use http::uri::Authority;

use crate::{
    mapping::{Mapping, MappingError},
    strategies::{fallback::Fallback, only::Only, same::Same},
    vocabulary::{
        pattern::{Param, Pattern},
        provenance::StrategyId,
        source::{Source, SourceError},
        template::TemplateError,
    },
};

const PREVIOUS_DAY: &str = include_str!("polygon_previous_day_from_yahoo.jq");
const DAYS: &str = include_str!("polygon_days_from_yahoo.jq");
const LAST_TRADE: &str = include_str!("polygon_last_trade_from_previous_day.jq");
const GLOBAL_QUOTE: &str = include_str!("alpha_vantage_quote_from_yahoo.jq");
const OBSERVATIONS: &str = include_str!("fred_observations_from_csv.jq");
const QUOTE: &str = include_str!("yahoo_quote_from_chart.jq");

/// A fallback that is built in does not stand. A test holds that this does not happen.
#[derive(Debug, thiserror::Error)]
#[error("a fallback that is built in does not stand")]
#[non_exhaustive]
pub enum FallbackError {
    /// Its path is none.
    Template(#[from] TemplateError),
    /// Its map is none.
    Mapping(#[from] MappingError),
    /// Its source has no name.
    Source(#[from] SourceError),
}

impl Fallback {
    /// `polygon_fallback_yahoo` for the route `/v2/aggs/ticker/{ticker}/prev`: the last day that is over, from Yahoo's chart
    /// of five days at that address. Equivalent: both are prices in dollars, adjusted for splits, of the same session.
    /// Average price and number of trades are missing: Yahoo has none.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn polygon_previous_day_from_yahoo(yahoo: Authority) -> Result<Self, FallbackError> {
        let days = usd_by_day()?;
        Ok(polygon(yahoo_chart(yahoo, "ticker", "5d")?)
            .map(Mapping::compile(PREVIOUS_DAY)?)
            .same(&days, &days))
    }

    /// `polygon_fallback_yahoo` for the route `/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}`, where both ends are days of
    /// the last two years: those days of Yahoo's chart at that address. Equivalent, as above.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn polygon_days_from_yahoo(yahoo: Authority) -> Result<Self, FallbackError> {
        let days = usd_by_day()?;
        Ok(polygon(yahoo_chart(yahoo, "ticker", "2y")?)
            .map(Mapping::compile(DAYS)?)
            .same(&days, &days))
    }

    /// `alphavantage_fallback_yahoo` for the route `/query?function=GLOBAL_QUOTE` with a parameter `symbol`: the last day that is
    /// over, from Yahoo's chart of five days at that address. Equivalent: the quote is that of a day's end, too.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn alpha_vantage_quote_from_yahoo(yahoo: Authority) -> Result<Self, FallbackError> {
        let days = usd_by_day()?;
        Ok(yahoo_chart(yahoo, "symbol", "5d")?
            .named(StrategyId::ALPHAVANTAGE_FALLBACK_YAHOO)
            .map(Mapping::compile(GLOBAL_QUOTE)?)
            .same(&days, &days))
    }

    /// `historical_fallback` for the route `/v2/last/trade/{ticker}`: the close of the last day that is over, from the same
    /// source's `/v2/aggs/ticker/{ticker}/prev`, for plans that have no trades. Reduced: a day's close in place of a trade.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn polygon_last_trade_from_previous_day() -> Result<Self, FallbackError> {
        let (days, mut trades) = (usd_by_day()?, usd_by_day()?);
        trades.granularity = "tick".parse().ok();
        let previous = Pattern::of("/v2/aggs/ticker/{ticker}/prev".parse()?)
            .param("apiKey", Param::Query("apiKey".into()));
        Ok(Self::to(Source::new("polygon_io")?, previous)
            .named(StrategyId::HISTORICAL_FALLBACK)
            .map(Mapping::compile(LAST_TRADE)?)
            .same(&trades, &days)
            .called("close of the last day")
            .with_callers_fields())
    }

    /// `fred_fallback_csv` for the route `/fred/series/observations`: the CSV behind FRED's graphs, at that address
    /// (`fred.stlouisfed.org`), which needs no key. Equivalent: the same series with its own unit, adjustment and days. The
    /// days of its vintage (`realtime_start`, `realtime_end`) are missing: the CSV does not say them.
    ///
    /// Only for the plain question: one series as JSON, from and to a day, in one order, down from the first row. What is
    /// asked in other units or spans, or as of another day, the CSV cannot answer.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn fred_observations_from_csv(fred: Authority) -> Result<Self, FallbackError> {
        let query = |name: &str| Param::Query(name.into());
        let graph = Pattern::of("/graph/fredgraph.csv".parse()?)
            .at([fred])
            .param("id", query("id"))
            .param("cosd", query("cosd"))
            .param("coed", query("coed"));
        // Both are the series of that id, as it is published.
        let as_published = || Some("as_published".into());
        let series = Same {
            unit: as_published(),
            currency: None,
            adjustment: as_published(),
            calendar: as_published(),
            granularity: "tick".parse().ok(),
        };
        Ok(Self::to(Source::new("fred_graph")?, graph)
            .named(StrategyId::FRED_FALLBACK_CSV)
            .renamed("id", "series_id")
            .renamed("cosd", "observation_start")
            .renamed("coed", "observation_end")
            .only(Only::fred_observations().any("series_id"))
            .reads_csv()
            .map(Mapping::compile(OBSERVATIONS)?)
            .same(&series, &series))
    }

    /// `alternate_endpoint` for the route `/v7/finance/quote` with one symbol in `symbols`: the price of Yahoo's chart of the
    /// day, which needs no crumb. Equivalent: it is the same price at the same moment; what only a quote says is missing.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn yahoo_quote_from_chart() -> Result<Self, FallbackError> {
        let mut prices = usd_by_day()?;
        prices.granularity = "tick".parse().ok();
        let chart = Pattern::of("/v8/finance/chart/{symbol}".parse()?)
            .param("interval", Param::Query("interval".into()))
            .param("range", Param::Query("range".into()));
        Ok(Self::to(Source::new("yahoo_finance")?, chart)
            .named(StrategyId::ALTERNATE_ENDPOINT)
            .renamed("symbol", "symbols")
            .constant("interval", "1d")
            .constant("range", "1d")
            .map(Mapping::compile(QUOTE)?)
            .same(&prices, &prices)
            .called("price of the chart"))
    }
}

fn polygon(fallback: Fallback) -> Fallback {
    fallback.named(StrategyId::POLYGON_FALLBACK_YAHOO)
}

/// Yahoo's chart of days for the ticker in that parameter of the asked route.
fn yahoo_chart(yahoo: Authority, ticker: &str, range: &str) -> Result<Fallback, FallbackError> {
    let chart = Pattern::of("/v8/finance/chart/{symbol}".parse()?)
        .at([yahoo])
        .param("interval", Param::Query("interval".into()))
        .param("range", Param::Query("range".into()));
    Ok(Fallback::to(Source::new("yahoo_finance")?, chart)
        .renamed("symbol", ticker)
        .only_for_tickers(ticker)
        .constant("interval", "1d")
        .constant("range", range))
}

/// Prices in dollars, adjusted for splits, of the days of American exchanges.
fn usd_by_day() -> Result<Same, FallbackError> {
    Ok(Same {
        unit: Some("usd".into()),
        currency: None,
        adjustment: Some("split".into()),
        calendar: Some("us_equities".into()),
        granularity: "1d".parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_of_alpha_vantage_has_its_numbers_as_text_of_four_places() {
        let chart = br#"{"chart": {"result": [{
            "meta": {"currency": "USD", "symbol": "X", "regularMarketTime": 9,
                     "currentTradingPeriod": {"regular": {"start": 300000, "end": 400000}}},
            "timestamp": [100000, 200000, 300000],
            "indicators": {"quote": [{"open": [1, 0.5, 9], "high": [1.25, 1, 9], "low": [1, 0.03, 9],
                                      "close": [1.23456, 0.0301, 9], "volume": [7, 1200, 9]}]}}]}}"#;
        let mapping = Mapping::compile(GLOBAL_QUOTE).unwrap();
        let made = mapping.apply_here(chart, &[("symbol", "X")]).unwrap();
        let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(
            made,
            serde_json::json!({"Global Quote": {
                "01. symbol": "X", "02. open": "0.5000", "03. high": "1.0000", "04. low": "0.0300", "05. price": "0.0301",
                "06. volume": "1200", "07. latest trading day": "1970-01-03", "08. previous close": "1.2346",
                "09. change": "-1.2045", "10. change percent": "-97.5619%"
            }})
        );
        let other = mapping.apply_here(chart, &[("symbol", "Y")]);
        assert!(other.is_err(), "it is of another share");
    }

    fn observations(csv: &[&[&str]], asked: &[(&str, &str)]) -> Option<serde_json::Value> {
        let csv = serde_json::to_vec(csv).unwrap();
        let asked = [&[("series_id", "DGS10")], asked].concat();
        let made = Mapping::compile(OBSERVATIONS)
            .unwrap()
            .apply_here(&csv, &asked);
        made.ok().map(|made| serde_json::from_slice(&made).unwrap())
    }

    const YIELDS: &[&[&str]] = &[
        &["observation_date", "DGS10"],
        &["2026-02-13", "4.05"],
        &["2026-02-16", ""],
        &["2026-02-17", "4.00"],
    ];

    #[test]
    fn rows_of_the_csv_are_observations_with_a_point_for_a_missing_value() {
        let made = observations(YIELDS, &[("observation_start", "2026-02-13")]);
        assert_eq!(
            made,
            Some(serde_json::json!({
                "observation_start": "2026-02-13", "observation_end": "9999-12-31", "units": "lin", "output_type": 1,
                "file_type": "json", "order_by": "observation_date", "sort_order": "asc", "count": 3, "offset": 0,
                "limit": 100_000, "observations": [
                    {"date": "2026-02-13", "value": "4.05"}, {"date": "2026-02-16", "value": "."},
                    {"date": "2026-02-17", "value": "4.00"}]
            }))
        );
        let newest = observations(YIELDS, &[("sort_order", "desc"), ("limit", "2")]).unwrap();
        let newest = (&newest["count"], &newest["limit"], &newest["observations"]);
        let expected = serde_json::json!([
            {"date": "2026-02-17", "value": "4.00"}, {"date": "2026-02-16", "value": "."}]);
        assert_eq!(newest, (&3.into(), &2.into(), &expected));
    }

    #[test]
    fn another_series_several_and_rows_of_another_span_are_not_mapped() {
        let other: &[&[&str]] = &[&["observation_date", "DGS2"], &["2026-02-13", "3.41"]];
        assert_eq!(observations(other, &[]), None);
        let two: &[&[&str]] = &[
            &["observation_date", "DGS10", "DGS2"],
            &["2026-02-13", "4", "3"],
        ];
        assert_eq!(observations(two, &[]), None);
        assert_eq!(
            observations(YIELDS, &[("observation_start", "2026-02-14")]),
            None
        );
        assert_eq!(
            observations(YIELDS, &[("observation_end", "2026-02-16")]),
            None
        );
        assert_eq!(observations(YIELDS, &[("limit", "many")]), None);
    }

    #[test]
    fn sixty_years_of_days_are_within_the_bounds_of_a_map() {
        let day = |n: i32| jiff::civil::date(1962, 1, 2) + jiff::Span::new().days(n);
        let days: Vec<String> = (0..16_500).map(|n| day(n).to_string()).collect();
        let rows = days.iter().map(|day| vec![day.as_str(), "4.05"]);
        let rows: Vec<_> = std::iter::once(vec!["observation_date", "DGS10"])
            .chain(rows)
            .collect();
        let csv: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let made = observations(&csv, &[]).unwrap();
        assert_eq!(made["observations"].as_array().unwrap().len(), 16_500);
    }

    #[test]
    fn what_is_built_in_stands() {
        let yahoo = || Authority::from_static("query1.finance.yahoo.com");
        for fallback in [
            Fallback::polygon_previous_day_from_yahoo(yahoo()),
            Fallback::polygon_days_from_yahoo(yahoo()),
            Fallback::alpha_vantage_quote_from_yahoo(yahoo()),
            Fallback::polygon_last_trade_from_previous_day(),
            Fallback::yahoo_quote_from_chart(),
            Fallback::fred_observations_from_csv(Authority::from_static("fred.stlouisfed.org")),
        ] {
            let fallback = fallback.unwrap();
            assert!(fallback.offered().is_ok(), "{fallback:?}");
        }
    }
}
