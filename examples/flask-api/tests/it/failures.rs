//! What callers see of a source that fails: as such applications pass it, each endpoint in its own way.

use std::collections::BTreeMap;

use healing_lab::{Fault, Injection, SourceName, key};

use crate::client::{Reply, Stage};

/// How a failure comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// A 500 with a page that has the traceback in it.
    Traceback,
    /// A 200 with an `error`.
    ErrorInside,
    /// A 200 that says what is missing.
    Partial,
    /// A 200 without a word of it.
    Hollow,
    /// An error status with JSON of the application's own.
    OwnStatus(u16),
    /// The source's status and body.
    PassedOn,
}

fn way(reply: &Reply) -> Way {
    let html = reply.content_type.starts_with("text/html");
    if reply.status == 500 && html && reply.text.contains("Traceback") {
        return Way::Traceback;
    }
    if reply.status == 503 {
        return Way::PassedOn;
    }
    let body = reply.json();
    let mut named = ["failed", "missing"]
        .iter()
        .filter_map(|name| body.get(name));
    let named = named.any(|value| {
        let listed = value.as_array().is_some_and(|list| !list.is_empty());
        listed || value.as_object().is_some_and(|fields| !fields.is_empty())
    });
    match reply.status {
        200 if body.get("error").is_some() => Way::ErrorInside,
        200 if named => Way::Partial,
        200 => Way::Hollow,
        status => Way::OwnStatus(status),
    }
}

/// Four endpoints or more of each of the first four sources, with how a 503 of the source comes through.
const EXPECTED: [(SourceName, &[(&str, Way)]); 4] = [
    (
        SourceName::YahooFinance,
        &[
            ("/api/yahoo/quote/AAPL", Way::ErrorInside),
            ("/api/yahoo/quotes", Way::Traceback),
            ("/api/yahoo/chart/AAPL", Way::PassedOn),
            ("/api/yahoo/history/AAPL", Way::Traceback),
            ("/api/yahoo/sparkline/AAPL", Way::Hollow),
            ("/api/market/overview", Way::Partial),
        ],
    ),
    (
        SourceName::FredApi,
        &[
            ("/api/fred/series/DGS10", Way::OwnStatus(500)),
            ("/api/fred/series/DGS10/about", Way::Traceback),
            ("/api/fred/latest/DGS10", Way::ErrorInside),
            ("/api/fred/observations/DGS10", Way::PassedOn),
            ("/api/fred/yield-curve", Way::OwnStatus(502)),
            ("/api/fred/indicators", Way::Partial),
        ],
    ),
    (
        SourceName::PolygonIo,
        &[
            ("/api/polygon/prev/AAPL", Way::PassedOn),
            ("/api/polygon/candles/AAPL", Way::Traceback),
            ("/api/polygon/movers", Way::ErrorInside),
            ("/api/polygon/market", Way::Traceback),
            ("/api/polygon/trade/AAPL", Way::PassedOn),
        ],
    ),
    (
        SourceName::AlphaVantage,
        &[
            ("/api/alpha/quote/IBM", Way::ErrorInside),
            ("/api/alpha/daily/IBM", Way::PassedOn),
            ("/api/alpha/intraday/IBM", Way::Traceback),
            ("/api/alpha/weekly/IBM", Way::Hollow),
            ("/api/alpha/treasury-yield/10year", Way::OwnStatus(502)),
        ],
    ),
];

#[tokio::test]
async fn a_source_that_fails_comes_through_in_the_ways_of_its_endpoints() {
    let stage = Stage::new().await;
    let mut ways: BTreeMap<Way, usize> = BTreeMap::new();
    for (source, expected) in EXPECTED {
        // A crumb is fetched while all is well, as in an application that runs for a while.
        stage.get("/api/yahoo/quote/AAPL").await;
        stage.lab.inject(source, Fault::status(503));
        for (path, expected) in expected {
            let found = way(&stage.get(path).await);
            assert_eq!(found, *expected, "{path}");
            *ways.entry(found).or_default() += 1;
        }
        stage.lab.clear(source);
        let (path, _) = expected[0];
        assert!(
            stage.get(path).await.json().get("error").is_none(),
            "{path} after the fault"
        );
    }
    for several in [
        Way::Traceback,
        Way::ErrorInside,
        Way::PassedOn,
        Way::Partial,
    ] {
        assert!(ways[&several] >= 2, "{several:?} {ways:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_throttle_note_in_a_200_comes_through_as_an_error_as_itself_and_as_a_page() {
    let stage = Stage::new().await;
    stage.lab.inject(SourceName::AlphaVantage, Fault::Note);
    let quote = stage.get("/api/alpha/quote/IBM").await;
    assert_eq!(way(&quote), Way::ErrorInside);
    let daily = stage.get("/api/alpha/daily/IBM").await;
    assert_eq!(
        (daily.status, daily.json()["Information"].is_string()),
        (200, true)
    );
    assert_eq!(way(&stage.get("/api/alpha/sectors").await), Way::Traceback);
    stage.stop().await;
}

#[tokio::test]
async fn what_is_cut_reset_or_refused_is_a_page_and_never_a_half_answer() {
    let stage = Stage::new().await;
    for fault in [
        Fault::CutBody,
        Fault::CutChunked,
        Fault::Reset,
        Fault::ResetBody,
    ] {
        stage
            .lab
            .inject(SourceName::PolygonIo, Injection::new(fault).times(1));
        let reply = stage.get("/api/polygon/prev/AAPL").await;
        assert_eq!(way(&reply), Way::Traceback);
    }
    stage.lab.inject(SourceName::PolygonIo, Fault::Down);
    stage.lab.settled().await;
    assert_eq!(
        way(&stage.get("/api/polygon/prev/AAPL").await),
        Way::Traceback
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_page_with_a_traceback_holds_no_key() {
    let stage = Stage::new().await;
    let own = key(SourceName::FredApi);
    for fault in [Fault::status(503), Fault::Reset, Fault::Down] {
        stage.lab.inject(SourceName::FredApi, fault);
        stage.lab.settled().await;
        let page = stage.get("/api/fred/spread").await;
        assert_eq!(way(&page), Way::Traceback);
        assert!(page.text.contains("api_key=***") || !page.text.contains("api_key="));
        assert!(!page.text.contains(own));
        stage.lab.clear(SourceName::FredApi);
        stage.lab.settled().await;
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_slow_source_holds_up_its_own_callers_only() {
    let stage = Stage::new().await;
    let slow = Fault::Delay(std::time::Duration::from_secs(3));
    stage.lab.inject(SourceName::FredApi, slow);
    let mut slow = Box::pin(stage.get("/api/fred/latest/DGS10"));
    let quick = async {
        while stage.lab.count(SourceName::FredApi) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        stage.get("/api/finnhub/quote/AAPL").await
    };
    tokio::select! {
        reply = quick => assert_eq!(reply.status, 200),
        _ = &mut slow => panic!("the slow source was waited for"),
    }
    assert_eq!(slow.await.status, 200);
    stage.stop().await;
}
