//! Fallback to another route: whose answer it is, in which shape, how close, who pays, and where it keeps out.

use std::sync::{Arc, Mutex};

use healing_core::{
    Clock, Fallback, FallbackLayer, FaultClass, Fidelity, Heal, Healer, Mapping, Only, Param,
    Pattern, Refusal, Retry, RouteSettings, Same, Settings, Source, Strategy, StrategyId,
    Treatment,
};
use http::{HeaderMap, Request};
use tower::Layer;

use crate::layers_support::{
    Act, Got, Port, Upstream, answer, ask, get, get_with, healed_by, json, seconds,
};

const POLYGON: &str = "http://polygon.test/v2/aggs/ticker/AAPL/prev?apiKey=s3cret";
const BARS: &str =
    r#"{"rows":[{"day":"2024-03-04","close":175.1},{"day":"2024-03-05","close":170.12}]}"#;
const MAP: &str = "{ticker: $asked.ticker, results: [.rows[] | {c: .close}]}";

type Asked = Arc<Mutex<Vec<(String, HeaderMap)>>>;

fn source(name: &str) -> Source {
    Source::new(name).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::of(text.parse().unwrap())
}

fn days() -> Same {
    let mut days = Same::default();
    days.unit = Some("usd".into());
    days.adjustment = Some("split".into());
    days.calendar = Some("us_equities".into());
    days.granularity = Some("1d".parse().unwrap());
    days
}

fn bars() -> Pattern {
    pattern("/bars/{symbol}")
        .at(["yahoo.test".parse().unwrap()])
        .param("interval", Param::Query("interval".into()))
}

fn to_yahoo(map: &str) -> Fallback {
    Fallback::to(source("yahoo_finance"), bars())
        .renamed("symbol", "ticker")
        .constant("interval", "1d")
        .map(Mapping::compile(map).unwrap())
        .same(&days(), &days())
}

fn prev() -> Pattern {
    pattern("/v2/aggs/ticker/{ticker}/prev")
}

fn layered(fallback: Fallback, upstream: &Upstream) -> Heal<Port> {
    FallbackLayer::new(source("polygon_io"), prev(), fallback)
        .unwrap()
        .layer(upstream.port())
}

/// Polygon does the one, Yahoo the other.
fn both(polygon: Act, yahoo: Act) -> (Upstream, Asked) {
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let upstream = Upstream::by(move |request: &Request<_>| {
        let url = request.uri().to_string();
        let act = if url.contains("polygon.test") {
            &polygon
        } else {
            &yahoo
        };
        notes.lock().unwrap().push((url, request.headers().clone()));
        act.clone()
    });
    (upstream, asked)
}

async fn asked_of(fallback: Fallback, polygon: Act, yahoo: Act) -> (Got, usize) {
    let (upstream, asked) = both(polygon, yahoo);
    let got = ask(&layered(fallback, &upstream), get(POLYGON)).await;
    let calls = asked.lock().unwrap().len();
    (got, calls)
}

#[tokio::test(start_paused = true)]
async fn another_sources_answer_comes_in_the_asked_shape_and_says_whose_it_is() {
    let yahoo = json(BARS)
        .with("set-cookie", "A3=s3cret")
        .with("etag", "\"y\"");
    let (upstream, asked) = both(answer(429, "slow down"), yahoo);
    let fields = [
        ("authorization", "Bearer s3cret"),
        ("cookie", "a=b"),
        ("accept", "application/json"),
    ];
    let got = ask(
        &layered(to_yahoo(MAP), &upstream),
        get_with(POLYGON, &fields),
    )
    .await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Equivalent), StrategyId::FALLBACK)
    );
    assert_eq!(
        got.text(),
        r#"{"ticker":"AAPL","results":[{"c":175.1},{"c":170.12}]}"#
    );
    assert_eq!(got.headers["content-type"], "application/json");
    assert!(!got.headers.contains_key("set-cookie") && !got.headers.contains_key("etag"));
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.source, Some(source("yahoo_finance")));
    assert_eq!(instead.location.as_deref(), Some("/bars/AAPL?interval=1d"));
    let (url, fields) = asked.lock().unwrap().pop().unwrap();
    assert_eq!(url, "http://yahoo.test/bars/AAPL?interval=1d");
    let sent: Vec<&str> = fields.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(
        sent,
        ["accept"],
        "credentials are no other source's business"
    );
}

#[tokio::test(start_paused = true)]
async fn a_map_that_fails_is_a_failed_attempt_and_never_a_half_mapped_body() {
    for (map, yahoo) in [
        (".rows.close", json(BARS)),
        ("{results: [.rows[] | {c: .close}]}, {}", json(BARS)),
        ("last(repeat(.))", json(BARS)),
        ("empty", json(BARS)),
        (MAP, answer(200, "not JSON at all")),
        (MAP, answer(503, "")),
        (MAP, answer(404, "")),
    ] {
        let (got, calls) = asked_of(to_yahoo(map), answer(429, "slow down"), yahoo).await;
        assert_eq!(
            (got.status, got.text(), calls),
            (429, "slow down", 2),
            "{map}"
        );
        let fault = got.truth.fault.unwrap();
        assert_eq!(
            fault.class,
            FaultClass::RateLimit,
            "what is wrong is what was wrong first"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_both_routes_decides_how_close_the_answer_is() {
    let mut coarser = days();
    coarser.granularity = Some("1wk".parse().unwrap());
    let mut unadjusted = days();
    unadjusted.adjustment = None;
    let mut euros = days();
    euros.unit = Some("eur".into());
    for (lent, status, fidelity, label) in [
        (days(), 200, Some(Fidelity::Equivalent), None),
        (coarser, 200, Some(Fidelity::Reduced), Some("values of 1wk")),
        (unadjusted, 203, Some(Fidelity::Substitute), None),
        (euros, 503, None, None),
        (Same::default(), 503, None, None),
    ] {
        let fallback = to_yahoo(MAP).same(&days(), &lent);
        let (got, _) = asked_of(fallback, answer(503, ""), json(BARS)).await;
        assert_eq!(
            (got.status, got.truth.fidelity),
            (status, fidelity),
            "{lent:?}"
        );
        let own = got.truth.instead.and_then(|instead| instead.label);
        assert_eq!(own.as_deref(), label);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_set_down_or_set_down_too_long_ago_is_never_lent() {
    let silent = Fallback::to(source("yahoo_finance"), bars()).renamed("symbol", "ticker");
    assert_eq!(silent.fidelity(), Err(Refusal::AnotherQuantity));
    let (got, calls) = asked_of(silent, answer(503, ""), json(BARS)).await;
    assert_eq!((got.status, calls), (503, 1));
    let clock = Clock::anchored_at("2026-06-01T00:00:00Z".parse().unwrap());
    for (day, status) in [("2026-03-10", 200), ("2026-03-01", 503)] {
        let fallback = to_yahoo(MAP).checked_on(day.parse().unwrap(), clock);
        let (got, _) = asked_of(fallback, answer(503, ""), json(BARS)).await;
        assert_eq!(got.status, status, "{day}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_mistake_a_missing_parameter_and_a_head_request_are_not_lent() {
    let (got, calls) = asked_of(to_yahoo(MAP), answer(404, ""), json(BARS)).await;
    assert_eq!((got.status, calls), (404, 1));
    let without = Fallback::to(source("yahoo_finance"), bars()).same(&days(), &days());
    let (got, calls) = asked_of(without, answer(503, ""), json(BARS)).await;
    assert_eq!((got.status, calls), (503, 1), "no value for symbol");
    let dotted = to_yahoo(MAP).only_for_tickers("ticker");
    let (upstream, asked) = both(answer(503, ""), json(BARS));
    let client = layered(dotted, &upstream);
    let url = "http://polygon.test/v2/aggs/ticker/BRK.B/prev";
    assert_eq!(ask(&client, get(url)).await.status, 503);
    let head = Request::head(POLYGON)
        .body(healing_core::Body::empty())
        .unwrap();
    assert_eq!(ask(&client, head).await.status, 503);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

/// Two routes, each the other's fallback.
fn each_others(healer: &Healer) {
    let mut settings = Settings::default();
    for (name, own, fallback) in [
        ("polygon_io", prev(), to_yahoo(MAP)),
        (
            "yahoo_finance",
            bars(),
            Fallback::to(
                source("polygon_io"),
                prev().at(["polygon.test".parse().unwrap()]),
            )
            .renamed("ticker", "symbol")
            .same(&days(), &days()),
        ),
    ] {
        let mut treatment = Treatment::default();
        treatment.strategies = vec![Arc::new(fallback)];
        settings
            .routes
            .push(RouteSettings::new(source(name), own, treatment));
    }
    healer.configure(&settings).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fallback_is_one_hop_and_is_not_kept_as_a_copy() {
    let healer = Healer::builder().build();
    each_others(&healer);
    let (upstream, asked) = both(answer(503, ""), answer(503, ""));
    let client = healed_by(&upstream, healer.clone());
    assert_eq!(ask(&client, get(POLYGON)).await.status, 503);
    assert_eq!(
        asked.lock().unwrap().len(),
        2,
        "Polygon, Yahoo, and not Polygon again"
    );
    let healer = Healer::builder().build();
    each_others(&healer);
    let (upstream, _) = both(answer(503, ""), json(BARS));
    let client = healed_by(&upstream, healer.clone());
    assert_eq!(
        ask(&client, get(POLYGON)).await.truth.fidelity,
        Some(Fidelity::Equivalent)
    );
    let strict = ask(&client, get_with(POLYGON, &[("healing-floor", "exact")])).await;
    assert_eq!(strict.status, 503);
    upstream.becomes(answer(503, ""));
    assert_eq!(
        ask(&client, get(POLYGON)).await.status,
        503,
        "no copy of it"
    );
    let health = healer.snapshot();
    let lender = health
        .sources
        .iter()
        .find(|source| source.source.as_str() == "yahoo_finance");
    assert!(
        lender.is_none_or(|lender| lender.requests == 0),
        "its callers asked nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lender_that_has_spent_its_own_budget_does_not_lend() {
    let healer = Healer::builder().build();
    let mut settings = Settings::default();
    for (name, own, strategy) in [
        (
            "yahoo_finance",
            bars(),
            Arc::new(Retry::default()) as Arc<dyn Strategy>,
        ),
        ("polygon_io", prev(), Arc::new(to_yahoo(MAP))),
    ] {
        let mut treatment = Treatment::default();
        treatment.strategies = vec![strategy];
        settings
            .routes
            .push(RouteSettings::new(source(name), own, treatment));
    }
    healer.configure(&settings).unwrap();
    let upstream = Upstream::that(answer(503, ""));
    let client = healed_by(&upstream, healer);
    // Yahoo fails for its own callers, whose retries spend what it has.
    for symbol in ["A", "B", "C", "D"] {
        ask(
            &client,
            get(&format!("http://yahoo.test/bars/{symbol}?interval=1d")),
        )
        .await;
    }
    upstream.by_from_now(|request| {
        let polygon = request.uri().to_string().contains("polygon.test");
        if polygon { answer(503, "") } else { json(BARS) }
    });
    let got = ask(&client, get(POLYGON)).await;
    assert_eq!((got.status, got.truth.fidelity), (503, None), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_mapped_answer_is_read_by_the_rules_of_what_was_asked() {
    let healer = Healer::builder().build();
    each_others(&healer);
    let good = r#"{"ticker":"AAPL","results":[{"c":1.5}],"status":"OK"}"#;
    let upstream = Upstream::that(json(good));
    let client = healed_by(&upstream, healer);
    ask(&client, get(POLYGON)).await;
    tokio::time::sleep(seconds(20 * 60)).await;
    // The promise of the URL is that there are rows with a close; a map that finds none makes no answer to it.
    let acts = |request: &Request<healing_core::Body>| {
        if request.uri().to_string().contains("polygon.test") {
            answer(503, "")
        } else {
            json(r#"{"rows":[]}"#)
        }
    };
    upstream.by_from_now(acts);
    let got = ask(&client, get(POLYGON)).await;
    assert_eq!((got.status, got.truth.fidelity), (503, None), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn in_a_long_outage_all_calls_together_stay_within_what_callers_asked() {
    let healer = Healer::builder().build();
    each_others(&healer);
    let (upstream, asked) = both(answer(503, ""), json(BARS));
    let client = healed_by(&upstream, healer);
    let mut lent = 0;
    for _ in 0..300 {
        let got = ask(&client, get(POLYGON)).await;
        lent += u32::from(got.truth.fidelity == Some(Fidelity::Equivalent));
        tokio::time::sleep(seconds(1) / 4).await;
    }
    let calls = asked.lock().unwrap().len();
    assert!(lent >= 290, "{lent} of 300 were answered");
    // A tenth of the requests, and the budget's floor for 75 seconds.
    assert!(calls <= 300 + 30 + 10, "{calls} calls for 300 requests");
}

const TABLE: &str = "day,GDP\n2026-01-01,31098.0\n2026-04-01,\n";

/// A fallback to a table, for requests that ask for days alone.
fn to_table() -> Fallback {
    Fallback::to(
        source("tables"),
        pattern("/table").at(["tables.test".parse().unwrap()]),
    )
    .only(Only::default().any("from").one_of("units", &["", "lin"]))
    .reads_csv()
    .map(Mapping::compile("{from: $asked.from, rows: [.[1:][] | .[1]]}").unwrap())
    .same(&days(), &days())
}

fn of_table(table: Act) -> Upstream {
    Upstream::by(move |request: &Request<_>| {
        if request.uri().host() == Some("tables.test") {
            table.clone()
        } else {
            answer(503, "")
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_table_is_read_by_a_map_and_what_is_listed_is_asked() {
    let client = layered(to_table(), &of_table(answer(200, TABLE)));
    let asked = "http://polygon.test/v2/aggs/ticker/AAPL/prev?from=2026-01-01&units=lin";
    let got = ask(&client, get(asked)).await;
    assert_eq!(
        (got.status, got.text()),
        (200, r#"{"from":"2026-01-01","rows":["31098.0",""]}"#)
    );
    for table in ["day,GDP\n2026-01-01\n", "{}", "<html>"] {
        let client = layered(to_table(), &of_table(answer(200, table)));
        assert_eq!(ask(&client, get(asked)).await.status, 503, "{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_with_more_than_what_is_listed_is_not_asked_elsewhere() {
    for query in ["units=pc1", "from=a&from=b", "frequency=m"] {
        let upstream = of_table(answer(200, TABLE));
        let url = format!("http://polygon.test/v2/aggs/ticker/AAPL/prev?{query}");
        let got = ask(&layered(to_table(), &upstream), get(&url)).await;
        assert_eq!((got.status, upstream.calls()), (503, 1), "{query}");
    }
}
