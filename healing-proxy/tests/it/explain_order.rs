//! What the command `explain --order` says of another order of a route's strategies, and what the log says at a reload.

use healing_lab::{Fault, Injection, Limits, SourceName, key};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    config::{before, file, started, until_said},
    config_alternates::{CHART, yahoo},
    stage::{PATIENCE, Running},
    stand::{Stand, lab},
    upstream::{Act, Upstream},
};

/// What the command said on stdout and on stderr, and how it ended.
async fn explain(args: &[&str]) -> (String, String, Option<i32>) {
    let args: Vec<&str> = ["explain"].iter().chain(args).copied().collect();
    let mut running = Running::start(&args);
    let status = running.end(PATIENCE).await;
    (running.out(), running.err(), status.code())
}

const RETRY_FIRST: &str = "exponential_backoff_retry,alternate_endpoint,use_cached_data";

#[tokio::test]
async fn another_order_is_judged_for_people_and_for_programs() {
    let stand = yahoo("alternate_endpoint, exponential_backoff_retry, use_cached_data").await;
    let admin = stand.proxy.admin.to_string();
    stand.proxy.get(CHART).await;
    let ask = ["--url", CHART, "--order", RETRY_FIRST, "--admin", &admin];
    let (said, err, code) = explain(&ask).await;
    assert_eq!(code, Some(0), "{err}");
    for line in [
        "yahoo_finance /v8/finance/chart/{symbol}\n",
        "now        alternate_endpoint, exponential_backoff_retry\n",
        "changed    exponential_backoff_retry, alternate_endpoint\n",
        "verdict    no support\n",
        "gain       no figure\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let (said, _, _) = explain(&[&ask[..], &["--json"]].concat()).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["verdict"], "no support");
    assert_eq!(told["gain"], Value::Null);
    assert_eq!(told["changed"][0], "exponential_backoff_retry");
    assert!(!said.contains("AAPL"), "{said}");
    let status = stand.page("/api/v1/status").await.to_string();
    assert!(status.contains("\"episodes_on_record\":0"), "{status}");
}

#[tokio::test]
async fn an_order_that_names_what_is_not_there_is_said_with_what_is() {
    let stand = yahoo("alternate_endpoint, exponential_backoff_retry").await;
    let admin = stand.proxy.admin.to_string();
    for (order, says) in [
        (
            "prayer",
            "it has alternate_endpoint, exponential_backoff_retry",
        ),
        ("pray & hope", "\"pray & hope\" is no strategy of"),
        (
            "alternate_endpoint,alternate_endpoint",
            "stands there twice; keep one of them",
        ),
    ] {
        let (out, err, code) =
            explain(&["--url", CHART, "--order", order, "--admin", &admin]).await;
        assert_eq!((code, &*out), (Some(1), ""), "{order}: {err}");
        assert!(err.contains(says), "{order}: {err}");
    }
    let (_, err, code) = explain(&["--order", "a", "--admin", &admin]).await;
    assert_eq!(code, Some(2), "{err}");
    let told = stand.page("/api/v1/order?url=%2Fa").await;
    assert_eq!(told["status"], 400, "{told}");
}

#[tokio::test]
async fn a_reload_that_changes_an_order_says_what_is_known_of_it() {
    let upstream = Upstream::that(Act::json("[1]"));
    let folder = TempDir::new().unwrap();
    let heal = |order: &str| {
        let more = format!(
            "routes: [{{ match: \"/a/{{id}}\", floor: reduced, params: {{ limit: {{ query: limit }} }}, heal: [{order}] }}]\n"
        );
        file(&folder, &before(&upstream, &more))
    };
    let proxy = started(&heal("exponential_backoff_retry, reduce_request_size")).await;
    heal("reduce_request_size, exponential_backoff_retry");
    until_said(&proxy, "strategies stand in another order").await;
    for part in ["no support", "no figure", "/a/{id}"] {
        until_said(&proxy, part).await;
    }
}

/// Polygon, and two ways to have the same from Yahoo.
async fn two_ways() -> Stand {
    let lines = r#"learning: { randomise: true }
sources:
  polygon_io: { upstreams: [POLYGON] }
  yahoo_finance: { upstreams: [YAHOO], mount: /yahoo }
routes:
  - match: "/v2/aggs/ticker/{ticker}/prev"
    source: polygon_io
    heal:
      - polygon_fallback_yahoo
      - fallback:
          route: "/api/yahoo/chart/{symbol}"
          params: { symbol: "{ticker}" }
          map: '{ticker: $asked.ticker, status: "OK", results: [.chart.result[0] | .timestamp as $t | .indicators.quote[0] as $q | range($t|length) | {t: ($t[.]*1000), c: $q.close[.]}]}'
          same: { unit: usd, adjustment: split, calendar: us_equities, granularity: 1d }"#;
    Stand::of(lab(Limits::Off).await, lines, &[]).await
}

#[tokio::test]
async fn healed_requests_tell_of_the_order_that_they_might_have_had() {
    let stand = two_ways().await;
    let previous = format!(
        "/v2/aggs/ticker/AAPL/prev?apiKey={}",
        key(SourceName::PolygonIo)
    );
    for _ in 0..40 {
        for _ in 0..25 {
            assert_eq!(stand.proxy.get(&previous).await.status, 200);
        }
        let once = Injection::new(Fault::status(503)).times(1);
        stand.lab.inject(SourceName::PolygonIo, once);
        let answer = stand.proxy.get(&previous).await;
        assert!(answer.get("healing").contains("equivalent"), "{answer:?}");
    }
    let admin = stand.proxy.admin.to_string();
    let order = "fallback,polygon_fallback_yahoo";
    let ask = ["--url", &previous, "--order", order, "--admin", &admin];
    let (said, err, code) = explain(&ask).await;
    assert_eq!(code, Some(0), "{err}");
    // Whether they tie is a matter of how long each takes here; nothing is known for certain after so few.
    let verdicts = ["verdict    not yet known\n", "verdict    the same\n"];
    assert!(
        verdicts.iter().any(|verdict| said.contains(verdict)),
        "{said}"
    );
    assert!(
        said.contains(" for each healed request, between "),
        "{said}"
    );
    let (said, _, _) = explain(&[&ask[..], &["--json"]].concat()).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    let number = |name: &str| told[name].as_f64().unwrap();
    assert!(number("episodes") + number("unsupported") > 30.0, "{told}");
    assert!(number("gain_from") <= number("gain"), "{told}");
    assert!(number("gain") <= number("gain_to"), "{told}");
    let status = stand.page("/api/v1/status").await.to_string();
    assert!(!status.contains("\"episodes_on_record\":0"), "{status}");
}
