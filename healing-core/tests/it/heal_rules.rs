//! What the rules of a request's source say of its answer, while somebody waits for it.

use std::sync::Arc;

use healing_core::{
    Fault, FaultClass, Fidelity, Healer, Pattern, RouteSettings, Settings, Source, SourceSettings,
    StrategyId, Suspect, Treatment, classify::Rules,
};

use crate::layers_support::{
    Act, Got, SERIES, Upstream, answer, ask, get, healed, healed_by, json, seconds,
};

const FRED: &str = "http://api.stlouisfed.org/fred/series/observations?series_id=DGS10";
const POLYGON: &str = "http://api.polygon.io/v2/aggs/ticker/AAPL/range/1/day/2024-01-02/2024-01-05";
const ALPHA: &str = "http://www.alphavantage.co/query?function=TIME_SERIES_DAILY&symbol=IBM";

const BARS: &str =
    r#"{"ticker":"AAPL","status":"OK","resultsCount":1,"results":[{"c":185.6,"t":1704171600000}]}"#;
const DAILY: &str = r#"{"Meta Data":{"2. Symbol":"IBM"},"Time Series (Daily)":{"2024-01-05":{"4. close":"159.1"}}}"#;
const PER_DAY: &str = r#"{"Information":"We have detected your API key as ABC and our standard API rate limit is 25 requests per day."}"#;
const NO_KEY: &str = r#"{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not registered."}"#;
const NO_PLAN: &str =
    r#"{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data. Upgrade"}"#;

fn fault(got: &Got) -> &Fault {
    got.truth.fault.as_ref().expect("a fault")
}

/// What is said of an answer that comes after a good one of the same URL.
async fn after(good: &'static str, url: &str, bad: Act) -> Got {
    let upstream = Upstream::that(json(good));
    let client = healed(&upstream);
    assert!(ask(&client, get(url)).await.is_fresh(), "{url}");
    upstream.becomes(bad);
    ask(&client, get(url)).await
}

#[tokio::test(start_paused = true)]
async fn a_bad_status_is_named_by_what_its_source_says_beside_it() {
    let got = after(BARS, POLYGON, answer(403, NO_PLAN)).await;
    assert!(got.is_copy(), "{got:?}");
    let fault = fault(&got);
    assert_eq!(fault.class, FaultClass::PremiumRequired);
    assert_eq!(fault.detail, "polygon_io/plan_gate");
    assert!(
        fault.evidence.contains("/status") && !fault.evidence.contains("entitled to"),
        "{}",
        fault.evidence
    );
    assert_eq!((got.truth.attempts, fault.is_retryable()), (1, Some(false)));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_source_refuses_with_400_is_the_callers() {
    let got = after(SERIES, FRED, answer(400, NO_KEY)).await;
    let exact = (400, Some(Fidelity::Exact), StrategyId::DIRECT);
    assert_eq!((got.story(), got.text()), (exact, NO_KEY));
}

#[tokio::test(start_paused = true)]
async fn a_note_with_a_good_status_is_a_spent_quota_with_its_wait() {
    let note = json(PER_DAY).with("retry-after", "600");
    let upstream = Upstream::that(json(DAILY));
    let client = healed(&upstream);
    ask(&client, get(ALPHA)).await;
    upstream.becomes(note);
    let got = ask(&client, get(ALPHA)).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(fault(&got).detail, "alpha_vantage/daily_quota");
    assert_eq!(fault(&got).class, FaultClass::QuotaExceeded);
    assert_eq!(fault(&got).wait, Some(seconds(600)));
    tokio::time::sleep(seconds(590)).await;
    assert!(ask(&client, get(ALPHA)).await.is_copy());
    assert_eq!(upstream.calls(), 2, "not asked before its time");
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_ever_is_judged_by_its_source_too() {
    let upstream = Upstream::that(json(PER_DAY));
    let got = ask(&healed(&upstream), get(ALPHA)).await;
    assert_eq!(got.story(), (502, None, StrategyId::NONE));
    assert_eq!(fault(&got).detail, "alpha_vantage/daily_quota");
}

#[tokio::test(start_paused = true)]
async fn a_value_alone_can_be_what_is_wrong() {
    let zero =
        r#"{"quoteResponse":{"result":[{"symbol":"A","regularMarketPrice":0}],"error":null}}"#;
    let good =
        r#"{"quoteResponse":{"result":[{"symbol":"A","regularMarketPrice":9}],"error":null}}"#;
    let url = "http://query1.finance.yahoo.com/v7/finance/quote?symbols=A";
    let got = after(good, url, json(zero)).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(fault(&got).detail, "yahoo_finance/price_of_nothing");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_says_good_exempts_and_promises_nothing() {
    let url = "http://www.alphavantage.co/query?function=NEWS_SENTIMENT&tickers=IBM";
    let upstream = Upstream::that(json(r#"{"items":"1","feed":[{"title":"Calm","score":1}]}"#));
    let client = healed(&upstream);
    ask(&client, get(url)).await;
    upstream.becomes(json(r#"{"items":"0","feed":[]}"#));
    let got = ask(&client, get(url)).await;
    assert!(got.is_fresh(), "a search that found nothing: {got:?}");
    upstream.becomes(json("{}"));
    assert!(ask(&client, get(url)).await.is_copy(), "the promise stands");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_stays_empty_is_an_answer_after_all() {
    let empty = r#"{"units":"lin","observations":[]}"#;
    let upstream = Upstream::that(json(empty));
    let client = healed(&upstream);
    for _ in 0..2 {
        let got = ask(&client, get(FRED)).await;
        assert_eq!(
            (got.status, fault(&got).class),
            (502, FaultClass::EmptyData)
        );
    }
    for _ in 0..2 {
        assert!(ask(&client, get(FRED)).await.is_fresh());
    }
}

fn in_front(source: &str, path: &str) -> Healer {
    let healer = Healer::builder().build();
    let pattern = Pattern::of(path.parse().unwrap());
    let source = Source::new(source).unwrap();
    let route = RouteSettings::new(source, pattern, Treatment::default());
    let mut settings = Settings::default();
    settings.routes.push(route);
    healer.configure(&settings).unwrap();
    healer
}

#[tokio::test(start_paused = true)]
async fn in_front_of_an_app_an_envelope_that_it_passes_on_is_known() {
    let upstream = Upstream::that(json(DAILY));
    let client = healed_by(&upstream, in_front("alpha_vantage", "/api/daily/{symbol}"));
    let url = "http://app.test/api/daily/IBM";
    ask(&client, get(url)).await;
    upstream.becomes(json(PER_DAY));
    let got = ask(&client, get(url)).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(fault(&got).detail, "alpha_vantage/daily_quota");
}

#[tokio::test(start_paused = true)]
async fn in_front_of_an_app_its_own_envelope_is_not_taken_for_the_sources() {
    // At Alpaca's own hosts, a path of bars without `bars` is a lost envelope.
    let own = json(r#"{"rows":[{"close":185.6,"day":"2024-01-05"}],"status":"fine"}"#);
    let upstream = Upstream::that(own);
    let client = healed_by(&upstream, in_front("alpaca", "/api/bars/{symbol}"));
    let url = "http://app.test/api/bars/AAPL";
    assert!(ask(&client, get(url)).await.is_fresh());
    let news = json(
        r#"{"rows":[{"close":1.5,"day":"2024-01-08"}],"status":"fine","message":"upgrade your plan"}"#,
    );
    upstream.becomes(news);
    assert!(ask(&client, get(url)).await.is_fresh(), "the data is there");
    upstream.becomes(answer(401, "log in first"));
    assert_eq!(ask(&client, get(url)).await.status, 401);
    let upstream = Upstream::that(json(r#"{"rows":[{"close":185.6}]}"#));
    let got = ask(
        &healed(&upstream),
        get("http://data.alpaca.markets/v2/stocks/AAPL/bars"),
    )
    .await;
    assert_eq!(fault(&got).detail, "alpaca/bars_lost");
}

#[tokio::test(start_paused = true)]
async fn rules_that_are_set_hold_in_place_of_those_that_are_built_in() {
    let rules: Rules = "source: acme\nrules:\n  - { name: tired, class: maintenance, doc: test, when: { json: /mood, equals: tired } }"
        .parse()
        .unwrap();
    let healer = in_front("acme", "/v1/{thing}");
    let mut settings = Settings::default();
    let mut acme = SourceSettings::new(Source::new("acme").unwrap());
    acme.rules = Some(Arc::new(rules));
    settings.sources.push(acme);
    let pattern = Pattern::of("/v1/{thing}".parse().unwrap());
    let acme = Source::new("acme").unwrap();
    settings
        .routes
        .push(RouteSettings::new(acme, pattern, Treatment::default()));
    let upstream = Upstream::that(json(r#"{"mood":"tired","price":1}"#));
    let client = healed_by(&upstream, healer.clone());
    let url = "http://acme.test/v1/x";
    assert!(ask(&client, get(url)).await.is_fresh(), "before it was set");
    healer.configure(&settings).unwrap();
    upstream.becomes(json(r#"{"mood":"tired","price":2}"#));
    let got = ask(&client, get(url)).await;
    assert_eq!(fault(&got).detail, "acme/tired");
}

#[tokio::test(start_paused = true)]
async fn a_wall_before_any_source_is_a_wall() {
    let page = "<!doctype html><html><head><title>Just a moment...</title></head><body>_cf_chl_opt</body></html>";
    let wall = answer(200, page).with("content-type", "text/html");
    let got = after(SERIES, "http://unknown.test/series/1", wall).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(fault(&got).class, FaultClass::Blocked);
    assert_eq!(fault(&got).detail, "edge/cloudflare_page");
}

#[tokio::test(start_paused = true)]
async fn words_beside_a_bad_status_and_waits_in_fields_are_read_of_any_source() {
    let words = answer(400, r#"{"detail":"Daily quota exceeded, upgrade or wait"}"#);
    let got = after(SERIES, "http://unknown.test/series/1", words).await;
    assert_eq!(fault(&got).class, FaultClass::QuotaExceeded);
    let limited = answer(429, "").with("x-ratelimit-reset", "42");
    let got = after(SERIES, "http://unknown.test/series/1", limited).await;
    assert_eq!(fault(&got).detail, "rate_limit_429");
    assert_eq!(fault(&got).wait, Some(seconds(42)));
}

#[tokio::test(start_paused = true)]
async fn fewer_parts_than_were_asked_for_are_a_remark_and_no_fault() {
    let url = "http://query1.finance.yahoo.com/v7/finance/quote?symbols=A,B";
    let part =
        r#"{"quoteResponse":{"result":[{"symbol":"A","regularMarketPrice":9}],"error":null}}"#;
    let upstream = Upstream::that(json(part));
    let healer = Healer::builder().build();
    let client = healed_by(&upstream, healer.clone());
    for _ in 0..2 {
        let got = ask(&client, get(url)).await;
        assert!(got.is_fresh(), "{got:?}");
        assert_eq!(got.truth.suspect, Some(Suspect::Incomplete));
    }
    assert_eq!(healer.snapshot().sources[0].routes[0].failed_requests, 0);
    let whole = r#"{"quoteResponse":{"result":[{"symbol":"A","regularMarketPrice":9},{"symbol":"B","regularMarketPrice":3}],"error":null}}"#;
    upstream.becomes(json(whole));
    assert_eq!(ask(&client, get(url)).await.truth.suspect, None);
}

#[tokio::test(start_paused = true)]
async fn away_from_its_hosts_a_rule_is_asked_of_a_good_looking_answer_where_it_counts_anywhere() {
    let rules = |anywhere: bool| -> Rules {
        let text = format!(
            "source: acme\nhosts: [api.acme.example]\nrules:\n  - {{ name: tired, class: maintenance, doc: test, anywhere: {anywhere}, when: {{ json: /mood, equals: tired }} }}"
        );
        text.parse().unwrap()
    };
    for (rules, is_fault) in [
        (rules(true), true),
        (rules(false), false),
        (rules(false).at_hosts(["app.test"]), true),
    ] {
        let source = || Source::new("acme").unwrap();
        let mut acme = SourceSettings::new(source());
        acme.rules = Some(Arc::new(rules));
        let pattern = Pattern::of("/v1/{thing}".parse().unwrap());
        let mut settings = Settings::default();
        settings.sources.push(acme);
        let route = RouteSettings::new(source(), pattern, Treatment::default());
        settings.routes.push(route);
        let healer = Healer::builder().build();
        healer.configure(&settings).unwrap();
        let upstream = Upstream::that(json(r#"{"mood":"awake","price":1}"#));
        let client = healed_by(&upstream, healer);
        let url = "http://app.test/v1/x";
        assert!(ask(&client, get(url)).await.is_fresh());
        upstream.becomes(json(r#"{"mood":"tired","price":2}"#));
        let got = ask(&client, get(url)).await;
        assert_eq!(got.is_copy(), is_fault, "{got:?}");
    }
}
