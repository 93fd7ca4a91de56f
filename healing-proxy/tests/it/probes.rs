//! Routes that nobody asks are probed, within what their source allows.

use std::time::Duration;

use healing_lab::{Fault, Injection, Limits, SourceName};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    stage::PATIENCE,
    stand::{Stand, lab},
};

/// What is watched, once a second where nobody asks; the API's address is the upstream.
const WATCHED: &str = "monitoring:
  check_interval: 1
  endpoints:
    - { source: fred_api, url: \"API/api/fred/series/DGS10\", priority: high }";

async fn counted(stand: &Stand, name: &str) -> u64 {
    let status = stand.page("/api/v1/status").await;
    status["counters"][name].as_u64().unwrap()
}

async fn until_counted(stand: &Stand, name: &str, at_least: u64) {
    let until = Instant::now() + PATIENCE;
    while counted(stand, name).await < at_least {
        assert!(Instant::now() < until, "{name} is below {at_least}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_route_that_nobody_asks_is_probed_and_no_caller_is_counted() {
    let stand = Stand::of(lab(Limits::Off).await, WATCHED, &[]).await;
    until_counted(&stand, "probes_sent", 2).await;
    let asked = stand.lab.asked_of(SourceName::Api);
    assert!(
        asked
            .iter()
            .all(|asked| asked.target == "/api/fred/series/DGS10")
    );
    assert!(asked.len() <= 4, "one a second: {asked:?}");
    assert_eq!(counted(&stand, "probes_failed").await, 0);
    let status = stand.page("/api/v1/status").await;
    assert_eq!(status["endpoints"], json!([]), "{status}");
}

#[tokio::test]
async fn a_route_that_callers_ask_is_not_probed() {
    // Who asked is counted once a second: a route is quiet only when more seconds than that show nobody.
    let watched = WATCHED.replace("check_interval: 1", "check_interval: 3");
    let stand = Stand::of(lab(Limits::Off).await, &watched, &[]).await;
    for _ in 0..24 {
        assert_eq!(stand.proxy.get("/api/fred/series/DGS10").await.status, 200);
        sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(stand.asked(SourceName::Api).len(), 24);
    assert_eq!(counted(&stand, "probes_sent").await, 0);
}

#[tokio::test]
async fn what_fails_its_probes_rests_before_a_caller_meets_it() {
    let stand = Stand::of(lab(Limits::Off).await, WATCHED, &[]).await;
    assert_eq!(stand.proxy.get("/api/fred/series/DGS10").await.status, 200);
    stand
        .lab
        .inject(SourceName::Api, Injection::new(Fault::status(503)));
    until_counted(&stand, "probes_failed", 2).await;
    let asked = stand.asked(SourceName::Api).len();
    let answer = stand.proxy.get("/api/fred/series/DGS10").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.get("healing").contains("stale"), "{answer:?}");
    assert!(
        answer.took < Duration::from_millis(500),
        "nobody waits for what is known to be down: {answer:?}"
    );
    assert!(stand.asked(SourceName::Api).len() <= asked + 1);
    stand.lab.clear(SourceName::Api);
    let good = counted(&stand, "probes_sent").await - counted(&stand, "probes_failed").await;
    let until = Instant::now() + PATIENCE;
    while counted(&stand, "probes_sent").await - counted(&stand, "probes_failed").await == good {
        assert!(Instant::now() < until, "no probe found out that it is back");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_source_of_few_calls_a_day_is_not_probed() {
    let few = "sources:
  fred_api: { preset: fred_api, quota: [{ calls: 200, per: day }] }";
    let lines = format!(
        "{}\n{few}",
        WATCHED.replace("priority: high", "priority: low")
    );
    let stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(stand.asked(SourceName::Api), [""; 0]);
    assert_eq!(counted(&stand, "probes_sent").await, 0);
}
