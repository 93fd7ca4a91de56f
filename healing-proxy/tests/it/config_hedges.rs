//! What a configuration lets a source be asked beside a first call that takes long: its other addresses.

use std::time::Duration;

use healing_lab::{Fault, Injection, Lab, Limits, SourceName};
use tokio::time::Instant;

use crate::{
    config_alternates::CHART,
    stand::{Stand, lab},
};

const LATE: Duration = Duration::from_secs(2);

/// Yahoo at two addresses, the first of which is the other lab's, asked often enough to be known.
async fn known(heal: &str) -> (Stand, Lab) {
    let first = lab(Limits::Off).await;
    let address = first.url(SourceName::YahooFinance);
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [\"{address}\", YAHOO], mount: /yahoo }}\nroutes:\n  - {{ match: \"/yahoo/v8/finance/chart/{{symbol}}\", source: yahoo_finance, heal: [{heal}] }}"
    );
    let stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    for n in 0..12 {
        // Not the same again, which is fresh for a while.
        let other = format!("{CHART}&n={n}");
        assert_eq!(stand.proxy.get(&other).await.status, 200);
    }
    (stand, first)
}

fn late() -> Injection {
    Injection::new(Fault::Delay(LATE))
}

#[tokio::test]
async fn an_address_that_is_slow_is_overtaken_by_the_other_one() {
    let (stand, first) = known("hedged_request").await;
    assert!(stand.asked(SourceName::YahooFinance).is_empty());
    first.inject(SourceName::YahooFinance, late());
    let asked = Instant::now();
    let answer = stand.proxy.get(CHART).await;
    let took = asked.elapsed();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(took < LATE, "{took:?}");
    let told = answer.get("healing");
    assert!(
        told.contains("hedged_request") && told.contains("exact"),
        "{answer:?}"
    );
    assert_eq!(
        stand.asked(SourceName::YahooFinance),
        [CHART.trim_start_matches("/yahoo")]
    );
    stand.until_told("/api/v1/events", "hedged_request").await;
    let status = stand.page("/api/v1/status").await;
    assert_eq!(status["counters"]["hedges_won"], 1, "{status}");
    let url = format!("/api/v1/decisions/{}", answer.get("x-request-id"));
    let why = stand.page(&url).await.to_string();
    assert!(
        why.contains("hedged_request") && why.contains("cut_off"),
        "{why}"
    );
}

#[tokio::test]
async fn the_other_address_is_not_asked_where_that_is_not_set_or_the_first_is_as_quick_as_ever() {
    let (stand, first) = known("alternate_endpoint").await;
    first.inject(SourceName::YahooFinance, late());
    let asked = Instant::now();
    assert_eq!(stand.proxy.get(CHART).await.status, 200);
    assert!(asked.elapsed() >= LATE);
    assert!(stand.asked(SourceName::YahooFinance).is_empty());
    let status = stand.page("/api/v1/status").await;
    assert_eq!(status["counters"]["hedges_made"], 0, "{status}");
}
