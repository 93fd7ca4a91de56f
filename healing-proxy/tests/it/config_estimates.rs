//! A share that fails is estimated by its fund, where the configuration says how it moves and that estimates are taken.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    stage::{Answer, Proxy, Running},
    upstream::{Act, Seen, Upstream},
};

const CHART: &str = "/v8/finance/chart/AAPL?interval=1m&range=1d";

/// A proxy before charts of Yahoo's, and whether the share's is broken.
struct Charts {
    proxy: Proxy,
    upstream: Upstream,
    is_broken: Arc<AtomicBool>,
    _folder: TempDir,
}

/// A chart with a price a second for the last twenty, in a session that began an hour ago.
fn chart(symbol: &str, (opens, ago): (i64, i64)) -> String {
    let now = jiff::Timestamp::now().as_second();
    let times: Vec<i64> = (now - 20..=now).collect();
    let closes = times
        .iter()
        .map(|at| if at % 2 == 0 { 200.0 } else { 201.0 });
    let closes: Vec<f64> = closes.collect();
    json!({"chart": {"error": null, "result": [{
        "meta": {"symbol": symbol, "currency": "USD", "regularMarketPrice": closes[20], "regularMarketTime": now - ago,
                 "currentTradingPeriod": {"regular": {"start": opens, "end": opens + 7_200}}},
        "timestamp": times, "indicators": {"quote": [{"close": closes}]}}]}})
    .to_string()
}

impl Charts {
    async fn of(floor: &str, heal: &str) -> Self {
        let is_broken = Arc::new(AtomicBool::new(false));
        let broken = Arc::clone(&is_broken);
        let opens = jiff::Timestamp::now().as_second() - 3_600;
        let upstream = Upstream::with(move |seen| {
            if seen.path().contains("/XLK") {
                return Act::json(chart("XLK", (opens, 0)));
            }
            if broken.load(SeqCst) {
                return Act::answer("HTTP/1.1 500 Internal Server Error", "broken");
            }
            Act::json(chart("AAPL", (opens, 10)))
        });
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("healing.yaml");
        let address = upstream.address;
        let text = format!(
            "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nupstream: http://127.0.0.1:1\nsources:\n  yahoo_finance: {{ upstreams: [\"http://{address}\"] }}\nroutes:\n  - match: \"/v8/finance/chart/{{symbol}}\"\n    source: yahoo_finance\n    {floor}\n    heal: [{heal}]\n"
        );
        fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let running = Running::start_with(&["run", "-c", &file, "--log-format", "text"], &[]);
        Self {
            proxy: Proxy::of(running).await,
            upstream,
            is_broken,
            _folder: folder,
        }
    }

    /// What comes of the share once it was good, and then is broken.
    async fn after(&self) -> Answer {
        let good = self.proxy.get(CHART).await;
        assert_eq!(good.status, 200, "{good:?}");
        self.is_broken.store(true, SeqCst);
        // Older than the millisecond that one of the copies may be.
        sleep(Duration::from_millis(20)).await;
        self.proxy.get(CHART).await
    }
}

const MEASURED: &str = "{ etf_estimate: { shares: { AAPL: { etf: XLK, beta: 1.2, r2: 0.55 } } } }";

#[tokio::test]
async fn a_share_that_fails_is_estimated_by_its_fund_and_the_estimate_is_called_so() {
    let charts = Charts::of("floor: estimate", MEASURED).await;
    let answer = charts.after().await;
    assert_eq!(answer.status, 203, "{answer:?}");
    let told = answer.get("healing");
    for part in ["estimate", "etf_estimate", "estimate by XLK"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(answer.get("cache-control"), "no-store");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(
        body["estimate"].as_f64().unwrap() > 0.0 && body["error"].as_f64().unwrap() > 0.0,
        "{body}"
    );
    assert!(!answer.text().to_lowercase().contains("price"), "{body}");
    let asked = charts.upstream.seen();
    let asked: Vec<&str> = asked.iter().map(Seen::path).collect();
    assert_eq!(
        asked[2], "/v8/finance/chart/XLK?interval=1m&range=1d",
        "{asked:?}"
    );
}

#[tokio::test]
async fn nobody_is_given_an_estimate_who_does_not_take_one_nor_of_a_share_without_a_beta() {
    let other = MEASURED.replace("AAPL", "MSFT");
    for (floor, heal) in [
        ("floor_for_callers: estimate", MEASURED),
        ("floor: estimate", &*other),
    ] {
        let charts = Charts::of(floor, heal).await;
        let answer = charts.after().await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(charts.upstream.calls(), 2);
    }
}

#[tokio::test]
async fn a_copy_that_may_be_given_comes_before_an_estimate() {
    let both = format!("use_cached_data, {MEASURED}");
    let answer = Charts::of("floor: estimate", &both).await.after().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.get("healing").starts_with("stale"), "{answer:?}");
    let old = format!("{{ use_cached_data: {{ up_to: 1ms }} }}, {MEASURED}");
    let answer = Charts::of("floor: estimate", &old).await.after().await;
    assert_eq!(answer.status, 203, "{answer:?}");
}
