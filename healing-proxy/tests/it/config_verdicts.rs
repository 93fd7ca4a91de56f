//! What a configuration says of answers: how old they may be, which of them are faults, which are odd, and what is ill.

use std::time::Duration;

use healing_lab::{Fault, Limits, SourceName};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    config::{before, file, started, status, until_said},
    stage::{PATIENCE, Proxy, Running, get},
    stand::{Stand, lab},
    upstream::{Act, Upstream},
};

const BITCOIN: &str = "/yahoo/v8/finance/chart/BTC-USD?interval=1d&range=5d";

/// An API that answers with that, and a proxy with these lines before it.
struct Scene {
    api: Upstream,
    proxy: Proxy,
    _folder: TempDir,
}

impl Scene {
    async fn of(first: &str, lines: &str) -> Self {
        let api = Upstream::that(Act::json(first));
        let folder = TempDir::new().unwrap();
        let proxy = started(&file(&folder, &before(&api, lines))).await;
        Self {
            api,
            proxy,
            _folder: folder,
        }
    }
}

/// Yahoo's charts under a mount, of which one trades at all hours.
async fn bitcoin(more: &str) -> Stand {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/yahoo/v8/finance/chart/{{symbol}}\"\n    source: yahoo_finance\n    {more}"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// A request that no copy is an answer to while the source can be asked.
fn anew(path: &str) -> String {
    get(path).replace("\r\n\r\n", "\r\nCache-Control: no-cache\r\n\r\n")
}

const TEN_MINUTES: &str =
    "freshness: { field: /chart/result/*/meta/regularMarketTime, unit: s, max_age: 10m }";

#[tokio::test]
async fn a_frozen_answer_is_called_stale_by_the_freshness_of_its_route() {
    let stand = bitcoin(&format!("{TEN_MINUTES}\n    heal: []")).await;
    let fresh = stand.proxy.get(BITCOIN).await;
    assert!(
        fresh.status == 200 && !fresh.head.has("healing"),
        "{fresh:?}"
    );
    let late = Fault::Lag(Duration::from_mins(30));
    stand.lab.inject(SourceName::YahooFinance, late);
    let frozen = stand.proxy.ask(&anew(BITCOIN)).await;
    assert_eq!(frozen.status, 200, "{frozen:?}");
    let told = frozen.get("healing");
    assert!(
        told.contains("stale") && told.contains("class=stale_data"),
        "{told}"
    );
    let age: u64 = frozen.get("age").parse().unwrap();
    assert!((1_799..1_900).contains(&age), "{age}");
    let exact = anew(BITCOIN).replace("\r\n\r\n", "\r\nHealing-Floor: exact\r\n\r\n");
    assert_eq!(stand.proxy.ask(&exact).await.status, 502);
    stand.until_told("/api/v1/events", "stale_data").await;
}

#[tokio::test]
async fn a_copy_that_is_newer_heals_a_frozen_answer() {
    let stand = bitcoin(&format!("{TEN_MINUTES}\n    heal: [use_cached_data]")).await;
    assert_eq!(stand.proxy.get(BITCOIN).await.status, 200);
    let late = Fault::Lag(Duration::from_mins(30));
    stand.lab.inject(SourceName::YahooFinance, late);
    let healed = stand.proxy.ask(&anew(BITCOIN)).await;
    assert_eq!(healed.status, 200, "{healed:?}");
    assert!(
        healed.get("healing").contains("use_cached_data"),
        "{healed:?}"
    );
    let age: u64 = healed.get("age").parse().unwrap();
    assert!(age < 600, "{healed:?}");
}

#[tokio::test]
async fn without_a_limit_that_age_is_nothing() {
    let stand = bitcoin("heal: []").await;
    let late = Fault::Lag(Duration::from_mins(30));
    stand.lab.inject(SourceName::YahooFinance, late);
    let answer = stand.proxy.get(BITCOIN).await;
    assert!(
        answer.status == 200 && !answer.head.has("healing"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_freshness_of_a_source_holds_for_all_its_routes() {
    let day = r#"{"at": "2024-01-02T00:00:00Z", "v": 1}"#;
    let of = |source: &str| {
        format!(
            "sources:\n  vendor:\n    freshness: [{{ json: /at, unit: datetime, max_age: 1d }}]\n  other: {{}}\nroutes:\n  - {{ match: /a, source: {source}, heal: [] }}\n"
        )
    };
    let scene = Scene::of(day, &of("vendor")).await;
    let told = scene.proxy.get("/a").await.get("healing");
    assert!(told.contains("class=stale_data"), "{told}");
    let scene = Scene::of(day, &of("other")).await;
    assert!(!scene.proxy.get("/a").await.head.has("healing"));
}

#[tokio::test]
async fn a_rule_in_ten_lines_finds_an_error_inside_a_200() {
    let good = r#"{"items": [{"value": 1}], "ok": true}"#;
    let spent =
        r#"{"items": [{"value": 1}], "ok": true, "fault": {"code": "E429", "seconds": 30}}"#;
    // One whose rules nobody else knows, and one whose preset is for other hosts.
    for slug in ["vendor", "fred_api"] {
        let lines = format!(
            "sources:
  {slug}:
    rules:
      - name: throttle
        class: rate_limit
        when: {{ json: /fault/code, equals: E429 }}
        wait: {{ json: /fault/seconds }}
routes:
  - match: /items
    source: {slug}
"
        );
        let scene = Scene::of(good, &lines).await;
        assert!(!scene.proxy.get("/items").await.head.has("healing"));
        scene.api.always(Act::json(spent));
        let healed = scene.proxy.get("/items").await;
        assert_eq!(healed.text(), good, "{healed:?}");
        let told = healed.get("healing");
        assert!(told.contains("class=rate_limit"), "{told}");
        // It named the time that it wants to be left alone.
        let asked = scene.api.seen().len();
        scene.proxy.get("/items").await;
        assert_eq!(scene.api.seen().len(), asked);
    }
    let scene = Scene::of(good, "routes: [{ match: /items, source: yahoo_finance }]\n").await;
    scene.proxy.get("/items").await;
    scene.api.always(Act::json(spent));
    let passed = scene.proxy.get("/items").await;
    assert_eq!(passed.text(), spent, "nobody said that this is a fault");
}

#[tokio::test]
async fn what_a_source_promises_must_be_in_every_good_answer() {
    let lines = |promise: &str| {
        format!(
            "sources:\n  vendor: {{ {promise} }}\nroutes:\n  - {{ match: /items, source: vendor, heal: [] }}\n"
        )
    };
    let hollow = r#"{"items": [{"name": "a"}], "ok": true}"#;
    let scene = Scene::of(hollow, &lines("promise: { json: [/items/0/value] }")).await;
    let broken = scene.proxy.get("/items").await;
    assert_eq!(broken.status, 502, "{broken:?}");
    assert!(
        broken.get("proxy-status").contains("vendor/promise_0"),
        "{broken:?}"
    );
    scene.api.always(Act::json(r#"{"items": [{"value": 1}]}"#));
    assert_eq!(scene.proxy.get("/items").await.status, 200);
    let scene = Scene::of(hollow, &lines("")).await;
    assert_eq!(scene.proxy.get("/items").await.status, 200);
}

#[tokio::test]
async fn what_a_route_promises_must_be_in_every_good_answer_of_it_and_of_no_other() {
    let hollow = r#"{"items": [{"name": "a"}], "ok": true}"#;
    let lines = "sources: { vendor: {} }\nroutes:\n  - { match: /items, source: vendor, promise: { json: [/items/0/value] }, heal: [] }\n  - { match: /other, source: vendor, heal: [] }\n";
    let scene = Scene::of(hollow, lines).await;
    let broken = scene.proxy.get("/items").await;
    assert_eq!(broken.status, 502, "{broken:?}");
    assert!(
        broken.get("proxy-status").contains("vendor/promise_0"),
        "{broken:?}"
    );
    assert_eq!(scene.proxy.get("/other").await.text(), hollow);
    scene.api.always(Act::json(r#"{"items": [{"value": 1}]}"#));
    assert_eq!(scene.proxy.get("/items").await.status, 200);
}

#[tokio::test]
async fn a_promise_that_is_added_while_it_runs_holds_for_what_was_good_before() {
    let api = Upstream::that(Act::json(r#"{"items": [{"name": "a"}]}"#));
    let folder = TempDir::new().unwrap();
    let lines = |promise: &str| {
        before(
            &api,
            &format!("routes:\n  - {{ match: /items, {promise}heal: [] }}\n"),
        )
    };
    let proxy = started(&file(&folder, &lines(""))).await;
    assert_eq!(proxy.get("/items").await.status, 200);
    file(&folder, &lines("promise: { json: [/items/0/value] }, "));
    until_said(&proxy, "routes /items.promise is new").await;
    let broken = proxy.get("/items").await;
    assert_eq!(broken.status, 502, "{broken:?}");
}

#[tokio::test]
async fn a_number_that_jumps_or_leaves_its_range_is_suspect_and_given() {
    let price = |price: f64| format!("{{\"quote\": {{\"price\": {price:?}}}}}");
    let lines = "routes:\n  - { match: /quote, range: { field: /quote/price, at_least: -1, at_most: 100000 } }\n";
    for (lines, odd) in [(lines, true), ("routes: [{ match: /quote }]\n", false)] {
        let scene = Scene::of(&price(100.0), lines).await;
        for now in [100.0, 101.0, 100.5, 101.5, 100.5, 101.0] {
            scene.api.always(Act::json(price(now)));
            assert!(!scene.proxy.get("/quote").await.head.has("healing"));
        }
        for (now, word) in [(1_012.0, "jump"), (101.0, ""), (-5.0, "out_of_range")] {
            scene.api.always(Act::json(price(now)));
            let answer = scene.proxy.get("/quote").await;
            assert_eq!(answer.text(), price(now), "it is given all the same");
            let told = answer.get("healing");
            assert_eq!(
                told.contains("suspect"),
                odd && !word.is_empty(),
                "{now}: {told}"
            );
            assert!(!odd || told.contains(word), "{now}: {told}");
        }
    }
}

#[tokio::test]
async fn from_when_on_a_route_is_ill_is_set_for_it() {
    for (windows, word) in [
        ("{ slow: 50ms }", "critical"),
        ("{ slow: 50ms, critical: 60 % }", "degraded"),
        ("{ slow: 50ms, degraded: 60 %, critical: 60 % }", "healthy"),
        ("{ slow: 5s }", "healthy"),
    ] {
        let lines = format!("routes: [{{ match: /a, windows: {windows} }}]\n");
        let scene = Scene::of(r#"{"v": 1}"#, &lines).await;
        assert_eq!(scene.proxy.get("/a").await.status, 200);
        let late = Act::json(r#"{"v": 1}"#).late(Duration::from_millis(200));
        scene.api.always(late);
        assert_eq!(scene.proxy.get("/a").await.status, 200);
        let until = Instant::now() + PATIENCE;
        loop {
            let route = status(&scene.proxy).await["endpoints"][0]["routes"][0].clone();
            if route["total_requests"] == 2 {
                assert_eq!(route["status"], word, "{windows}: {route}");
                break;
            }
            assert!(Instant::now() < until, "{route}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn paths_that_a_source_claims_are_judged_by_its_rules_without_being_listed() {
    let broken = r#"{"items": [], "fault": {"code": "E500"}}"#;
    let lines = |paths: &str| {
        format!(
            "sources:\n  vendor:\n    match: [{paths}]\n    rules: [{{ name: broken, class: server_error, when: {{ json: /fault/code, equals: E500 }} }}]\n"
        )
    };
    let scene = Scene::of(broken, &lines("\"/data/{*rest}\"")).await;
    let told = scene.proxy.get("/data/items/7").await;
    assert_eq!(told.status, 502, "{told:?}");
    assert!(
        told.get("proxy-status").contains("vendor/broken"),
        "{told:?}"
    );
    let told = scene.proxy.get("/other/items/7").await;
    assert!(!told.get("proxy-status").contains("vendor"), "{told:?}");
    let elsewhere = Upstream::that(Act::json(r#"{"from": "elsewhere"}"#));
    let more = format!("    upstreams: [\"http://{}\"]\n", elsewhere.address);
    let scene = Scene::of(broken, &(lines("/data") + &more)).await;
    assert!(scene.proxy.get("/data").await.text().contains("elsewhere"));
    assert_eq!(elsewhere.calls(), 1);
}

#[tokio::test]
async fn paths_that_a_source_claims_while_it_runs_are_its_own_from_then_on() {
    let broken = r#"{"items": [], "fault": {"code": "E500"}}"#;
    let api = Upstream::that(Act::json(broken));
    let folder = TempDir::new().unwrap();
    let lines = |paths: &str| {
        let source = format!(
            "sources:\n  vendor:\n    match: [{paths}]\n    rules: [{{ name: broken, class: server_error, when: {{ json: /fault/code, equals: E500 }} }}]\n"
        );
        before(&api, &source)
    };
    let proxy = started(&file(&folder, &lines(""))).await;
    let told = proxy.get("/data/items/7").await;
    assert!(!told.get("proxy-status").contains("vendor"), "{told:?}");
    file(&folder, &lines("\"/data/{*rest}\""));
    until_said(&proxy, "the configuration was reloaded").await;
    until_said(&proxy, "sources.vendor.match").await;
    let told = proxy.get("/data/items/7").await;
    assert!(
        told.get("proxy-status").contains("vendor/broken"),
        "{told:?}"
    );
}

/// Runs the example `own_source.yaml` before that API.
async fn own_source(api: &Upstream) -> Proxy {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/own_source.yaml");
    let lines = std::fs::read_to_string(file).unwrap();
    let own = lines.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(own.count(), 10);
    let (url, any) = (format!("http://{}", api.address), "127.0.0.1:0");
    let args = [
        "run",
        "-c",
        file,
        "--upstream",
        &url,
        "--listen",
        any,
        "--admin",
        any,
    ];
    Proxy::of(Running::start(&args)).await
}

#[tokio::test]
async fn the_example_of_a_source_of_ones_own_says_what_is_wrong_with_its_answers() {
    let item = |at: i64| format!(r#"{{"items": [{{"value": 1, "at": {at}}}]}}"#);
    let now = jiff::Timestamp::now().as_second();
    for (bad, class) in [
        (
            r#"{"fault": {"code": "E429", "seconds": 1}}"#.to_owned(),
            "rate_limit",
        ),
        (r#"{"items": []}"#.to_owned(), "empty_data"),
        (r#"{"items": [{"name": "a"}]}"#.to_owned(), "malformed_body"),
        (item(now - 7_200), "stale_data"),
    ] {
        let api = Upstream::that(Act::json(item(now)));
        let proxy = own_source(&api).await;
        assert!(!proxy.get("/vendor/a").await.head.has("healing"));
        api.always(Act::json(&bad));
        let healed = proxy.get("/vendor/a").await;
        assert_eq!(healed.text(), item(now), "{class}: {healed:?}");
        let told = healed.get("healing");
        assert!(told.contains(&format!("class={class}")), "{class}: {told}");
    }
}
