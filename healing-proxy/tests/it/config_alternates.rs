//! What a configuration lets a source be healed by: its other addresses.

use healing_lab::{Limits, SourceName};

use crate::stand::{Stand, lab};

pub(crate) const CHART: &str = "/yahoo/v8/finance/chart/AAPL?interval=1d&range=5d";

/// Yahoo under a mount, at an address where nobody listens and at its own.
pub(crate) async fn yahoo(heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [GONE, YAHOO], mount: /yahoo }}\nroutes:\n  - {{ match: \"/yahoo/v8/finance/chart/{{symbol}}\", source: yahoo_finance, heal: [{heal}] }}"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

#[tokio::test]
async fn an_address_that_is_down_is_answered_by_the_other_one_exactly() {
    let stand = yahoo("alternate_endpoint").await;
    let answer = stand.proxy.get(CHART).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    assert!(
        told.contains("alternate_endpoint") && told.contains("exact"),
        "{answer:?}"
    );
    assert_eq!(
        stand.asked(SourceName::YahooFinance),
        [CHART.trim_start_matches("/yahoo")]
    );
    stand
        .until_told("/api/v1/events", "alternate_endpoint")
        .await;
    stand.until_told("/api/v1/status", "yahoo_finance").await;
}

#[tokio::test]
async fn the_other_address_is_not_asked_where_that_is_not_allowed() {
    let stand = yahoo("").await;
    assert_eq!(stand.proxy.get(CHART).await.status, 502);
    assert!(stand.asked(SourceName::YahooFinance).is_empty());
}
