//! What one source lends another, against the shapes that the sources really have: a lab of four of them.

use std::sync::Arc;

use healing_core::{
    AlternateSeries, Body, Clock, Fallback, Fidelity, Heal, HealLayer, Healer, Param, Pattern,
    Provenance, RouteSettings, SeriesLayer, Settings, Source, StrategyId, Treatment,
};
use healing_lab::{Fault, Hours, Injection, Lab, LabSettings, Limits, SourceName, key};
use http::Request;
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tower::{Layer, ServiceExt};

type Hyper = Client<HttpConnector, Body>;

/// A Thursday, two hours after the exchange has closed.
const AFTER_HOURS: &str = "2026-03-05T23:00:00Z";

async fn after_hours() -> Lab {
    let settings = LabSettings {
        hours: Hours::Exchange,
        limits: Limits::Off,
        start_at: Some(AFTER_HOURS.parse().unwrap()),
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

fn client() -> Hyper {
    Client::builder(TokioExecutor::new()).build_http()
}

struct Got {
    status: u16,
    truth: Provenance,
    body: Value,
}

async fn ask(client: &Heal<Hyper>, url: &str) -> Got {
    let request = Request::get(url).body(Body::empty()).unwrap();
    let (head, body) = client.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Got {
        status: head.status.as_u16(),
        truth: head.extensions.get::<Provenance>().unwrap().clone(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// A client that has that remedy only, at the lab's time.
fn layered(path: &str, fallback: Fallback, source: &str) -> Heal<Hyper> {
    let own = Pattern::of(path.parse().unwrap()).param("apiKey", Param::Query("apiKey".into()));
    let own = own.param("symbols", Param::Query("symbols".into()));
    let mut treatment = Treatment::default();
    treatment.gives_copies = false;
    treatment.floor = fallback.fidelity().unwrap_or(Fidelity::Equivalent);
    treatment.strategies = vec![Arc::new(fallback)];
    let source = Source::new(source).unwrap();
    let mut settings = Settings::default();
    settings
        .routes
        .push(RouteSettings::new(source, own, treatment));
    let clock = Clock::anchored_at(AFTER_HOURS.parse().unwrap());
    let healer = Healer::builder().clock(clock).build();
    healer.configure(&settings).unwrap();
    HealLayer::new(healer).layer(client())
}

/// Whether two answers have the same numbers, to half a cent: one source writes four places, the other two.
#[track_caller]
fn assert_alike(own: &Value, lent: &Value, fields: &[&str]) {
    for field in fields {
        let (own, lent) = (own[field].as_f64(), lent[field].as_f64());
        let gap = own.unwrap() - lent.unwrap_or(f64::NAN);
        assert!(gap.abs() < 0.006, "{field}: {own:?} and {lent:?}");
    }
}

fn polygon_key() -> &'static str {
    key(SourceName::PolygonIo)
}

#[tokio::test]
async fn polygons_previous_day_comes_from_yahoo_with_the_same_numbers() {
    let lab = after_hours().await;
    let yahoo = lab.address(SourceName::YahooFinance).to_string();
    let fallback = Fallback::polygon_previous_day_from_yahoo(yahoo.parse().unwrap()).unwrap();
    let client = layered("/v2/aggs/ticker/{ticker}/prev", fallback, "polygon_io");
    let base = lab.url(SourceName::PolygonIo);
    let url = format!(
        "{base}/v2/aggs/ticker/AAPL/prev?adjusted=true&apiKey={}",
        polygon_key()
    );
    let own = ask(&client, &url).await;
    assert!(own.truth.is_direct());
    lab.inject(
        SourceName::PolygonIo,
        Injection::new(Fault::form("rl_429_error")),
    );
    let lent = ask(&client, &url).await;
    assert_eq!(
        (lent.status, lent.truth.fidelity, lent.truth.strategy),
        (
            200,
            Some(Fidelity::Equivalent),
            StrategyId::POLYGON_FALLBACK_YAHOO
        )
    );
    let (own, lent) = (&own.body["results"][0], &lent.body["results"][0]);
    assert_alike(own, lent, &["o", "h", "l", "c", "v", "t"]);
    assert_eq!(own["T"], lent["T"]);
    let dotted = format!("{base}/v2/aggs/ticker/BRK.B/prev?apiKey={}", polygon_key());
    assert_eq!(
        ask(&client, &dotted).await.status,
        429,
        "another instrument elsewhere"
    );
    lab.stop().await;
}

#[tokio::test]
async fn polygons_days_come_from_yahoo_and_a_range_that_begins_too_early_does_not() {
    let lab = after_hours().await;
    let yahoo = lab.address(SourceName::YahooFinance).to_string();
    let fallback = Fallback::polygon_days_from_yahoo(yahoo.parse().unwrap()).unwrap();
    let path = "/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}";
    let client = layered(path, fallback, "polygon_io");
    let url = |from: &str| {
        let base = lab.url(SourceName::PolygonIo);
        format!(
            "{base}/v2/aggs/ticker/AAPL/range/1/day/{from}/2026-03-04?apiKey={}",
            polygon_key()
        )
    };
    let own = ask(&client, &url("2026-02-02")).await;
    lab.inject(SourceName::PolygonIo, Injection::new(Fault::status(503)));
    let lent = ask(&client, &url("2026-02-02")).await;
    assert_eq!(
        (lent.status, lent.truth.fidelity),
        (200, Some(Fidelity::Equivalent))
    );
    let (own, lent) = (&own.body["results"], &lent.body["results"]);
    assert_eq!(
        own.as_array().unwrap().len(),
        lent.as_array().unwrap().len()
    );
    for (own, lent) in own.as_array().unwrap().iter().zip(lent.as_array().unwrap()) {
        assert_alike(own, lent, &["o", "h", "l", "c", "v", "t"]);
    }
    assert_eq!(
        ask(&client, &url("2020-01-01")).await.status,
        503,
        "it would be cut"
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_plan_without_trades_has_the_close_of_the_last_day_and_its_true_moment() {
    let lab = after_hours().await;
    let fallback = Fallback::polygon_last_trade_from_previous_day().unwrap();
    let client = layered("/v2/last/trade/{ticker}", fallback, "polygon_io");
    let base = lab.url(SourceName::PolygonIo);
    let previous = format!("{base}/v2/aggs/ticker/AAPL/prev?apiKey=labbasickey1");
    let day = ask(&client, &previous).await.body["results"][0].clone();
    let trade = format!("{base}/v2/last/trade/AAPL?apiKey=labbasickey1");
    let got = ask(&client, &trade).await;
    assert_eq!(
        (got.status, got.truth.fidelity, got.truth.strategy),
        (
            200,
            Some(Fidelity::Reduced),
            StrategyId::HISTORICAL_FALLBACK
        )
    );
    let label = got.truth.instead.unwrap().label;
    assert_eq!(label.as_deref(), Some("close of the last day"));
    assert_eq!(got.body["results"]["p"], day["c"]);
    let nanoseconds = day["t"].as_i64().unwrap() * 1_000_000;
    assert_eq!(got.body["results"]["t"].as_i64(), Some(nanoseconds));
    lab.stop().await;
}

#[tokio::test]
async fn a_quote_comes_from_the_chart_with_the_same_price() {
    let lab = after_hours().await;
    let fallback = Fallback::yahoo_quote_from_chart().unwrap();
    let client = layered("/v7/finance/quote", fallback, "yahoo_finance");
    let base = lab.url(SourceName::YahooFinance);
    let (_, crumb) = lab.yahoo_pass();
    let quote = Injection::new(Fault::status(503)).on_path("/v7/finance/quote");
    lab.inject(SourceName::YahooFinance, quote);
    let url = format!("{base}/v7/finance/quote?symbols=AAPL&crumb={crumb}");
    let got = ask(&client, &url).await;
    assert_eq!(
        (got.status, got.truth.fidelity, got.truth.strategy),
        (
            200,
            Some(Fidelity::Equivalent),
            StrategyId::ALTERNATE_ENDPOINT
        )
    );
    let row = &got.body["quoteResponse"]["result"][0];
    assert_eq!(
        (row["symbol"].as_str(), row["currency"].as_str()),
        (Some("AAPL"), Some("USD"))
    );
    assert!(row["regularMarketPrice"].as_f64().unwrap() > 0.0);
    let two = format!("{base}/v7/finance/quote?symbols=AAPL,MSFT&crumb={crumb}");
    assert_eq!(
        ask(&client, &two).await.status,
        503,
        "a chart is of one symbol"
    );
    lab.stop().await;
}

#[tokio::test]
async fn the_ten_year_yield_is_answered_by_its_monthly_average_under_that_name() {
    let lab = after_hours().await;
    let observations = Pattern::of("/fred/series/observations".parse().unwrap())
        .param("series", Param::Query("series_id".into()));
    let monthly = AlternateSeries::fred_monthly("series");
    let client = SeriesLayer::new(Source::new("fred_api").unwrap(), observations, monthly)
        .unwrap()
        .layer(client());
    let url = format!(
        "{}/fred/series/observations?series_id=DGS10&file_type=json&api_key={}",
        lab.url(SourceName::FredApi),
        key(SourceName::FredApi)
    );
    lab.inject(
        SourceName::FredApi,
        Injection::new(Fault::status(503)).times(1),
    );
    let got = ask(&client, &url).await;
    assert_eq!(
        (got.status, got.truth.fidelity, got.truth.strategy),
        (200, Some(Fidelity::Reduced), StrategyId::ALTERNATE_SERIES)
    );
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("monthly average"));
    let location = instead.location.unwrap();
    assert!(location.contains("series_id=GS10") && !location.contains(key(SourceName::FredApi)));
    let dates = got.body["observations"].as_array().unwrap();
    assert!(
        dates
            .iter()
            .all(|row| row["date"].as_str().unwrap().ends_with("-01"))
    );
    lab.stop().await;
}
