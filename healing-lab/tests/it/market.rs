//! Prices and times: seeded, moving, and the same at every source.

use std::time::Duration;

use healing_lab::{Fault, Hours, Lab, LabSettings, Limits, SourceName, key};
use jiff::Timestamp;

use crate::client::{get, get_yahoo};

async fn lab_at(start: &str, hours: Hours, seed: u64) -> Lab {
    let settings = LabSettings {
        seed,
        hours,
        limits: Limits::Off,
        start_at: Some(start.parse().unwrap()),
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

fn seconds(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

const QUOTE: &str = "/v7/finance/quote?symbols=AAPL&crumb={crumb}";

#[tokio::test]
async fn on_a_sunday_an_exchange_shows_fridays_close_at_every_source() {
    let lab = lab_at("2024-03-03T15:00:00Z", Hours::Exchange, 7).await;
    let close = seconds("2024-03-01T21:00:00Z");
    let quote = get_yahoo(&lab, QUOTE).await;
    assert_eq!(quote.at("/quoteResponse/result/0/regularMarketTime"), close);
    assert_eq!(quote.at("/quoteResponse/result/0/marketState"), "CLOSED");
    let polygon_key = key(SourceName::PolygonIo);
    let trade = get(
        &lab,
        SourceName::PolygonIo,
        &format!("/v2/last/trade/AAPL?apiKey={polygon_key}"),
    )
    .await;
    assert_eq!(trade.at("/results/t"), close * 1_000_000_000);
    let prev = get(
        &lab,
        SourceName::PolygonIo,
        &format!("/v2/aggs/ticker/AAPL/prev?apiKey={polygon_key}"),
    )
    .await;
    let alpha = get(
        &lab,
        SourceName::AlphaVantage,
        "/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k",
    )
    .await;
    assert_eq!(
        alpha.at("/Global Quote/07. latest trading day"),
        "2024-03-01"
    );
    let prices = [
        quote
            .at("/quoteResponse/result/0/regularMarketPrice")
            .as_f64()
            .unwrap(),
        trade.at("/results/p").as_f64().unwrap(),
        prev.at("/results/0/c").as_f64().unwrap(),
        alpha
            .at("/Global Quote/05. price")
            .as_str()
            .unwrap()
            .parse()
            .unwrap(),
    ];
    assert!(
        prices.iter().all(|price| (price - prices[0]).abs() < 0.01),
        "{prices:?}"
    );
    lab.stop().await;
}

#[tokio::test]
async fn with_hours_always_a_sunday_is_as_good_as_any_day() {
    let lab = lab_at("2024-03-03T15:00:00Z", Hours::Always, 7).await;
    let quote = get_yahoo(&lab, QUOTE).await;
    let time = quote
        .at("/quoteResponse/result/0/regularMarketTime")
        .as_i64()
        .unwrap();
    assert!((0..60).contains(&(time - seconds("2024-03-03T15:00:00Z"))));
    assert_eq!(quote.at("/quoteResponse/result/0/marketState"), "REGULAR");
    lab.stop().await;
}

#[tokio::test]
async fn the_past_depends_on_the_seed_alone() {
    let day = format!(
        "/v2/aggs/ticker/AAPL/range/1/day/2023-06-05/2023-06-09?apiKey={}",
        key(SourceName::PolygonIo)
    );
    let mut results = Vec::new();
    for (start, seed) in [
        ("2024-03-01T15:00:00Z", 7),
        ("2024-05-01T15:00:00Z", 7),
        ("2024-03-01T15:00:00Z", 8),
    ] {
        let lab = lab_at(start, Hours::Exchange, seed).await;
        results.push(get(&lab, SourceName::PolygonIo, &day).await.at("/results"));
        lab.stop().await;
    }
    assert_eq!(results[0].as_array().unwrap().len(), 5);
    assert_eq!(results[0], results[1]);
    assert_ne!(results[0], results[2]);
}

#[tokio::test]
async fn a_chart_has_columns_of_one_length_and_its_period_around_now() {
    let lab = lab_at("2024-03-01T18:00:00Z", Hours::Exchange, 7).await;
    for (target, bars) in [
        ("range=5d&interval=1d", 6),
        ("range=1d&interval=5m", 42),
        ("range=1mo&interval=1wk", 5),
    ] {
        let chart = get(
            &lab,
            SourceName::YahooFinance,
            &format!("/v8/finance/chart/AAPL?{target}"),
        )
        .await;
        let length = |pointer: &str| chart.at(pointer).as_array().unwrap().len();
        assert_eq!(length("/chart/result/0/timestamp"), bars, "{target}");
        for column in ["open", "high", "low", "close", "volume"] {
            assert_eq!(
                length(&format!("/chart/result/0/indicators/quote/0/{column}")),
                bars,
                "{target}"
            );
        }
        let regular = "/chart/result/0/meta/currentTradingPeriod/regular";
        assert_eq!(
            chart.at(&format!("{regular}/start")),
            seconds("2024-03-01T14:30:00Z")
        );
        assert_eq!(
            chart.at(&format!("{regular}/end")),
            seconds("2024-03-01T21:00:00Z")
        );
    }
    lab.stop().await;
}

#[tokio::test]
async fn fred_dates_move_with_the_clock_and_its_csv_agrees_with_its_json() {
    let lab = lab_at("2024-06-27T15:00:00Z", Hours::Exchange, 7).await;
    let json = format!(
        "/fred/series/observations?series_id=DGS10&file_type=json&sort_order=desc&limit=1&api_key={}",
        key(SourceName::FredApi)
    );
    let newest = get(&lab, SourceName::FredApi, &json).await;
    assert_eq!(newest.at("/observations/0/date"), "2024-06-26");
    let csv = get(
        &lab,
        SourceName::FredApi,
        "/graph/fredgraph.csv?id=DGS10&cosd=2024-06-01",
    )
    .await
    .text();
    let value = newest.at("/observations/0/value");
    assert_eq!(
        csv.lines().last().unwrap(),
        format!("2024-06-26,{}", value.as_str().unwrap())
    );
    // Juneteenth is an empty cell.
    assert!(csv.contains("2024-06-19,\n"), "{csv}");
    lab.stop().await;
}

#[tokio::test]
async fn alpha_vantage_writes_the_newest_row_first() {
    let lab = lab_at("2024-03-01T18:00:00Z", Hours::Exchange, 7).await;
    let daily = get(
        &lab,
        SourceName::AlphaVantage,
        "/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k",
    )
    .await;
    assert_eq!(daily.at("/Meta Data/3. Last Refreshed"), "2024-03-01");
    let text = daily.text();
    let place = |date: &str| text.find(&format!("\"{date}\":")).unwrap();
    assert!(place("2024-03-01") < place("2024-02-29") && place("2024-02-29") < place("2024-02-28"));
    lab.stop().await;
}

#[tokio::test]
async fn a_feed_that_stopped_three_days_ago_is_old_by_its_own_dates_while_the_wire_goes_on() {
    let lab = lab_at("2024-03-07T17:00:00Z", Hours::Exchange, 7).await;
    let polygon = format!("/v2/last/trade/AAPL?apiKey={}", key(SourceName::PolygonIo));
    let fred = format!(
        "/fred/series/observations?series_id=DGS10&file_type=json&sort_order=desc&limit=1&api_key={}",
        key(SourceName::FredApi)
    );
    let monday = seconds("2024-03-04T17:00:00Z");
    for (source, target, pointer, expected) in [
        (
            SourceName::YahooFinance,
            "/v8/finance/chart/AAPL?range=1d&interval=1d",
            "/chart/result/0/meta/regularMarketTime",
            None,
        ),
        (SourceName::PolygonIo, &polygon, "/results/t", None),
        (
            SourceName::AlphaVantage,
            "/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k",
            "/Global Quote/07. latest trading day",
            Some("2024-03-04"),
        ),
        (
            SourceName::FredApi,
            &fred,
            "/observations/0/date",
            Some("2024-03-01"),
        ),
    ] {
        lab.inject(source, Fault::Freeze);
        lab.inject(source, Fault::Lag(Duration::from_hours(3 * 24)));
        let reply = get(&lab, source, target).await;
        let old = reply.at(pointer);
        if let Some(expected) = expected {
            assert_eq!(old, expected, "{source}");
        } else {
            let time = old.as_i64().unwrap();
            let time = if time > 1 << 40 {
                time / 1_000_000_000
            } else {
                time
            };
            assert!((0..60).contains(&(time - monday)), "{source} {time}");
        }
        let date = reply.header("date").unwrap();
        assert!(date.starts_with("Thu, 07 Mar 2024"), "{source} {date}");
        assert_eq!(get(&lab, source, target).await.at(pointer), old, "{source}");
    }
    lab.stop().await;
}
