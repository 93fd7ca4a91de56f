//! The built-in API: it asks over HTTP, and has the manners of a small application.

use healing_lab::{Fault, Injection, Lab, SourceName};

use crate::client::{End, Reply, get, lab};

async fn api(lab: &Lab, target: &str) -> Reply {
    get(lab, SourceName::Api, target).await
}

/// Routes, the source each asks, and a value its answer has.
const ROUTES: [(&str, SourceName, &str); 12] = [
    (
        "/api/yahoo/quote/AAPL",
        SourceName::YahooFinance,
        "/quote/regularMarketTime",
    ),
    (
        "/api/yahoo/quote?symbol=%5EGSPC",
        SourceName::YahooFinance,
        "/price",
    ),
    (
        "/api/yahoo/chart/AAPL?range=5d",
        SourceName::YahooFinance,
        "/chart/result/0/timestamp/0",
    ),
    (
        "/api/fred/series/DGS10",
        SourceName::FredApi,
        "/observations/29/date",
    ),
    ("/api/fred/latest/DGS10", SourceName::FredApi, "/value"),
    (
        "/api/polygon/prev/AAPL",
        SourceName::PolygonIo,
        "/results/0/c",
    ),
    (
        "/api/polygon/aggs/AAPL",
        SourceName::PolygonIo,
        "/results/0/t",
    ),
    (
        "/api/polygon/trade/AAPL",
        SourceName::PolygonIo,
        "/results/t",
    ),
    (
        "/api/polygon/snapshot/AAPL",
        SourceName::PolygonIo,
        "/ticker/updated",
    ),
    (
        "/api/alpha/daily/IBM",
        SourceName::AlphaVantage,
        "/Time Series (Daily)",
    ),
    ("/api/alpha/quote/IBM", SourceName::AlphaVantage, "/price"),
    ("/api/market/overview", SourceName::FredApi, "/dgs10"),
];

#[tokio::test]
async fn every_route_answers_and_asks_its_source() {
    let lab = lab().await;
    for (target, source, pointer) in ROUTES {
        let before = lab.count(source);
        let reply = api(&lab, target).await;
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        assert!(!reply.at(pointer).is_null(), "{target}");
        assert!(lab.count(source) > before, "{target}");
    }
    assert_eq!(api(&lab, "/api/health").await.at("/status"), "ok");
    assert_eq!(api(&lab, "/api/nothing").await.status, 404);
    lab.stop().await;
}

#[tokio::test]
async fn errors_of_a_source_come_out_in_three_ways() {
    let lab = lab().await;
    for source in SourceName::ALL
        .into_iter()
        .filter(|source| *source != SourceName::Api)
    {
        lab.inject(source, Fault::status(503));
    }
    let quote = api(&lab, "/api/yahoo/quote/AAPL").await;
    assert_eq!(quote.status, 200);
    assert!(!quote.at("/error").is_null());
    let series = api(&lab, "/api/fred/series/DGS10").await;
    assert_eq!(
        (series.status, series.at("/upstream_status")),
        (500, 503.into())
    );
    assert_eq!(api(&lab, "/api/polygon/prev/AAPL").await.status, 503);
    assert_eq!(
        api(&lab, "/api/market/overview").await.at("/missing"),
        serde_json::json!(["spy", "dgs10"])
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_note_of_alpha_vantage_passes_as_a_200() {
    let lab = lab().await;
    lab.inject(SourceName::AlphaVantage, Fault::Note);
    assert!(
        !api(&lab, "/api/alpha/daily/IBM")
            .await
            .at("/Information")
            .is_null()
    );
    let quote = api(&lab, "/api/alpha/quote/IBM").await;
    assert_eq!(quote.status, 200);
    assert!(!quote.at("/error").is_null());
    lab.stop().await;
}

#[tokio::test]
async fn a_source_out_of_reach_is_a_502_and_a_cut_body_stays_cut() {
    let lab = lab().await;
    for fault in [Fault::Reset, Fault::Down] {
        lab.inject(SourceName::FredApi, fault);
        lab.settled().await;
        let reply = api(&lab, "/api/fred/series/DGS10").await;
        assert_eq!(reply.status, 502);
        assert!(reply.at("/error").as_str().unwrap().contains("fred_api"));
        lab.clear_all();
        lab.settled().await;
    }
    for fault in [Fault::CutBody, Fault::CutChunked] {
        lab.inject(SourceName::PolygonIo, Injection::new(fault).times(1));
        let reply = api(&lab, "/api/polygon/prev/AAPL").await;
        assert_eq!((reply.status, reply.end), (200, End::Closed));
        assert!(!reply.is_whole() && !reply.body.is_empty());
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_fault_of_the_api_itself_does_not_reach_the_sources() {
    let lab = lab().await;
    lab.inject(
        SourceName::Api,
        Injection::new(Fault::status(500)).on_path("/api/fred"),
    );
    assert_eq!(api(&lab, "/api/fred/series/GDP").await.status, 500);
    assert_eq!(lab.count(SourceName::FredApi), 0);
    assert_eq!(api(&lab, "/api/polygon/prev/AAPL").await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn the_crumb_is_fetched_once_and_again_after_a_refusal() {
    let lab = lab().await;
    for _ in 0..2 {
        assert_eq!(
            api(&lab, "/api/yahoo/quote/AAPL").await.at("/symbol"),
            "AAPL"
        );
    }
    assert_eq!(lab.count(SourceName::YahooFinance), 4);
    lab.inject(
        SourceName::YahooFinance,
        Injection::new(Fault::revoke_keys()).times(1),
    );
    assert!(
        !api(&lab, "/api/yahoo/quote/AAPL")
            .await
            .at("/error")
            .is_null()
    );
    assert!(
        !api(&lab, "/api/yahoo/quote/AAPL")
            .await
            .at("/price")
            .is_null()
    );
    lab.stop().await;
}
