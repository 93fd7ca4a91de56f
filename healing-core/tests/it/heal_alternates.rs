//! Strategies that ask something else: the fault that each is for, what its answer says of itself, and where it keeps out.

use std::sync::{Arc, Mutex};

use healing_core::{
    AlternateEndpoint, AlternateLayer, AlternateSeries, Background, BudgetRules, ErrorEvent,
    EtfProxy, Fidelity, HealLayer, Healer, Param, Pattern, ReduceLayer, ReduceRequest,
    RouteSettings, Sent, SeriesLayer, Settings, Sink, Source, StoredEvent, StrategyId,
    SubstituteLayer, Substitution, TransportFault, Treatment,
};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, sleep};
use tower::Layer;

use crate::layers_support::{
    Act, SERIES, Upstream, answer, ask, get, get_with, healed_by, json, lost, seconds,
};

const CHART: &str = "http://query1.test/v8/finance/chart/AAPL?interval=1d";
const DAILY: &str = "http://api.test/api/fred/series/DGS10";

/// What each request was: its whole URL, and its fields.
type Asked = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// Does as told for the first word that a URL holds, and writes down what it was asked.
fn by_word(acts: &[(&'static str, Act)]) -> (Upstream, Asked) {
    let (asked, acts) = (Asked::default(), acts.to_vec());
    let notes = Arc::clone(&asked);
    let upstream = Upstream::by(move |request| {
        let url = request.uri().to_string();
        let known = acts.iter().find(|(word, _)| url.contains(word));
        let act = known.map_or_else(|| answer(404, "no such thing"), |(_, act)| act.clone());
        notes.lock().unwrap().push((url, request.headers().clone()));
        act
    });
    (upstream, asked)
}

fn urls(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().unwrap();
    asked.iter().map(|(url, _)| url.clone()).collect()
}

fn source(name: &str) -> Source {
    Source::new(name).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::of(text.parse().unwrap())
}

fn query2() -> AlternateEndpoint {
    let addresses = ["http://query1.test", "http://query2.test"];
    AlternateEndpoint::at(addresses.map(|address| address.parse().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn another_address_of_the_source_gives_just_what_was_asked() {
    for death in [
        answer(503, "down"),
        lost(TransportFault::Refused, Sent::Nothing),
        json("{\"chart\":"),
    ] {
        let (upstream, asked) = by_word(&[("query1", death), ("query2", json(SERIES))]);
        let client = AlternateLayer::new(query2()).layer(upstream.port());
        let request = get_with(
            CHART,
            &[("host", "query1.test"), ("authorization", "Bearer k")],
        );
        let got = ask(&client, request).await;
        assert_eq!(
            got.story(),
            (200, Some(Fidelity::Exact), StrategyId::ALTERNATE_ENDPOINT)
        );
        assert_eq!(got.truth.instead, None);
        assert_eq!(
            urls(&asked),
            [
                CHART,
                "http://query2.test/v8/finance/chart/AAPL?interval=1d"
            ]
        );
        let (_, fields) = asked.lock().unwrap().pop().unwrap();
        assert!(
            !fields.contains_key("host"),
            "the name of the other address"
        );
        assert_eq!(fields["authorization"], "Bearer k", "the same source");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_or_a_wall_is_not_carried_to_another_address() {
    for refusal in [
        answer(429, "slow down"),
        answer(403, "no"),
        answer(404, "no"),
    ] {
        let (upstream, asked) = by_word(&[("query1", refusal), ("query2", json(SERIES))]);
        let client = AlternateLayer::new(query2()).layer(upstream.port());
        let got = ask(&client, get(CHART)).await;
        assert!(got.status >= 400);
        assert_eq!(urls(&asked), [CHART]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_address_gave_is_kept_as_the_copy_of_what_was_asked() {
    let (upstream, _) = by_word(&[("query1", answer(503, "")), ("query2", json(SERIES))]);
    let healer = Healer::builder().without_strategies().strategy(query2());
    let client = healed_by(&upstream, healer.build());
    assert_eq!(
        ask(&client, get(CHART)).await.truth.fidelity,
        Some(Fidelity::Exact)
    );
    upstream.becomes(answer(503, ""));
    let got = ask(&client, get(CHART)).await;
    assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn in_a_long_outage_every_caller_has_the_other_address_and_nobody_is_asked_more_than_without()
{
    let (upstream, asked) = by_word(&[("query1", answer(503, "")), ("query2", json(SERIES))]);
    let healer = Healer::builder().without_strategies().strategy(query2());
    let client = healed_by(&upstream, healer.build());
    let mut exact = 0;
    for _ in 0..300 {
        let got = ask(&client, get(CHART)).await;
        assert_eq!(got.status, 200, "{got:?}");
        exact += u32::from(got.truth.fidelity == Some(Fidelity::Exact));
        sleep(seconds(1) / 4).await;
    }
    assert!(exact >= 290, "{exact} of 300 were exact");
    let calls = urls(&asked).len();
    // A tenth of the requests, and the budget's floor for 75 seconds.
    assert!(calls <= 300 + 30 + 10, "{calls} calls for 300 requests");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_down_as_well_is_not_asked_for_ever() {
    let refused = lost(TransportFault::Refused, Sent::Nothing);
    let (upstream, asked) = by_word(&[("query", refused)]);
    let client = AlternateLayer::new(query2()).layer(upstream.port());
    for _ in 0..60 {
        let _lost = crate::layers_support::try_ask(&client, get(CHART)).await;
        sleep(seconds(1) / 2).await;
    }
    let second = urls(&asked)
        .iter()
        .filter(|url| url.contains("query2"))
        .count();
    assert!((2..=60).contains(&second), "{second}");
    assert!(urls(&asked).len() <= 66, "{}", urls(&asked).len());
}

fn monthly() -> SeriesLayer {
    let series = pattern("/api/fred/series/{series}");
    SeriesLayer::new(
        source("fred_api"),
        series,
        AlternateSeries::fred_monthly("series"),
    )
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_series_that_fails_is_answered_by_its_relative_under_its_own_name() {
    let gs10 = json(SERIES)
        .with("etag", "\"gs10\"")
        .with("last-modified", "Tue, 05 Mar 2024 00:00:00 GMT")
        .with("cache-control", "public, max-age=600");
    let (upstream, asked) = by_word(&[("DGS10", answer(503, "")), ("/GS10", gs10)]);
    let client = monthly().layer(upstream.port());
    let request = get_with(
        DAILY,
        &[("if-none-match", "\"dgs10\""), ("range", "bytes=0-9")],
    );
    let got = ask(&client, request).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Reduced), StrategyId::ALTERNATE_SERIES)
    );
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("monthly average"));
    assert_eq!(instead.location.as_deref(), Some("/api/fred/series/GS10"));
    assert_eq!(
        got.headers["cache-control"], "no-store",
        "it is not to be kept as DGS10"
    );
    assert!(!got.headers.contains_key("etag") && !got.headers.contains_key("last-modified"));
    let (url, fields) = asked.lock().unwrap().pop().unwrap();
    assert_eq!(url, "http://api.test/api/fred/series/GS10");
    assert!(!fields.contains_key("if-none-match") && !fields.contains_key("range"));
}

#[tokio::test(start_paused = true)]
async fn a_series_without_a_relative_a_limit_and_a_strict_caller_have_the_upstreams_own_answer() {
    let cases = [
        (
            "http://api.test/api/fred/series/UNRATE",
            answer(503, ""),
            "reduced",
        ),
        (DAILY, answer(429, ""), "reduced"),
        (DAILY, answer(404, ""), "reduced"),
        (DAILY, answer(503, ""), "stale"),
        ("http://api.test/other/DGS10", answer(503, ""), "reduced"),
    ];
    for (url, act, floor) in cases {
        let (upstream, asked) = by_word(&[("/GS10", json(SERIES)), ("", act.clone())]);
        let client = monthly().layer(upstream.port());
        let got = ask(&client, get_with(url, &[("healing-floor", floor)])).await;
        assert!(got.status >= 400, "{url} {act:?} {floor}");
        assert_eq!(urls(&asked), [url], "{act:?} {floor}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_relative_that_is_not_there_leaves_the_caller_what_the_asked_one_said() {
    let (upstream, _) = by_word(&[("DGS10", answer(503, "the daily one is down"))]);
    let client = monthly().layer(upstream.port());
    let got = ask(&client, get(DAILY)).await;
    assert_eq!((got.status, got.text()), (503, "the daily one is down"));
}

fn sectors(proxy: EtfProxy) -> SubstituteLayer {
    let chart = pattern("/v8/finance/chart/{symbol}");
    SubstituteLayer::new(source("yahoo_finance"), chart, proxy).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_share_that_fails_is_answered_by_the_fund_of_its_sector_and_says_so() {
    let (upstream, _) = by_word(&[("XLK", json(SERIES)), ("AAPL", answer(500, ""))]);
    let client = sectors(EtfProxy::of("symbol").sectors()).layer(upstream.port());
    let got = ask(&client, get(CHART)).await;
    assert_eq!(
        got.story(),
        (203, Some(Fidelity::Substitute), StrategyId::ETF_PROXY)
    );
    let instead = got.truth.instead.unwrap();
    assert_eq!(
        instead.location.as_deref(),
        Some("/v8/finance/chart/XLK?interval=1d")
    );
    assert_eq!(instead.label.as_deref(), Some("sector fund"));
    let plain = sectors(EtfProxy::of("symbol").sectors().status(StatusCode::OK));
    let got = ask(&plain.layer(upstream.port()), get(CHART)).await;
    assert_eq!(
        (got.status, got.truth.fidelity),
        (200, Some(Fidelity::Substitute))
    );
}

#[tokio::test(start_paused = true)]
async fn no_fund_is_given_to_a_caller_that_did_not_allow_it_nor_for_what_is_no_share_of_a_sector() {
    let key = answer(429, "");
    for (url, act, floor) in [
        (CHART, answer(500, ""), "estimate"),
        (CHART, key, "substitute"),
        (
            "http://query1.test/v8/finance/chart/ZZZZ",
            answer(500, ""),
            "substitute",
        ),
    ] {
        let (upstream, asked) = by_word(&[("XLK", json(SERIES)), ("", act)]);
        let client = sectors(EtfProxy::of("symbol").sectors()).layer(upstream.port());
        let got = ask(&client, get_with(url, &[("healing-floor", floor)])).await;
        assert!(
            got.status >= 400 && got.truth.fidelity.is_none(),
            "{url} {floor}"
        );
        assert_eq!(urls(&asked).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fund_of_ones_own_is_a_substitute_whatever_it_is_called() {
    let gold = Substitution::new("GLD", Fidelity::Equivalent, "gold fund").unwrap();
    let (upstream, _) = by_word(&[("GLD", json(SERIES)), ("XAU", answer(500, ""))]);
    let client = sectors(EtfProxy::of("symbol").give("XAU", gold)).layer(upstream.port());
    let got = ask(&client, get("http://query1.test/v8/finance/chart/XAU")).await;
    assert_eq!(
        (got.status, got.truth.fidelity),
        (203, Some(Fidelity::Substitute))
    );
}

fn trades() -> ReduceLayer {
    let trades = pattern("/v3/trades/{ticker}").param("limit", Param::Query("limit".into()));
    ReduceLayer::new(
        source("polygon_io"),
        trades,
        ReduceRequest::of("limit").at_least(10),
    )
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_answered_by_half_of_it() {
    let (upstream, _) = by_word(&[("limit=500", json(SERIES)), ("limit=1000", answer(500, ""))]);
    let client = trades().layer(upstream.port());
    let got = ask(&client, get("http://api.test/v3/trades/AAPL?limit=1000")).await;
    assert_eq!(
        got.story(),
        (
            200,
            Some(Fidelity::Reduced),
            StrategyId::REDUCE_REQUEST_SIZE
        )
    );
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("at most 500 rows"));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_size_a_small_one_and_a_limit_are_not_halved() {
    for (query, status) in [
        ("", 500),
        ("?limit=12", 500),
        ("?limit=all", 500),
        ("?limit=1000", 429),
    ] {
        let (upstream, asked) = by_word(&[("", answer(status, ""))]);
        let client = trades().layer(upstream.port());
        let url = format!("http://api.test/v3/trades/AAPL{query}");
        assert_eq!(ask(&client, get(&url)).await.status, status);
        assert_eq!(urls(&asked).len(), 1, "{query}");
    }
}

/// Keeps the events.
#[derive(Debug, Default)]
struct Events(Mutex<Vec<ErrorEvent>>);

impl Sink for Events {
    fn event(&self, event: ErrorEvent) {
        self.0.lock().unwrap().push(event);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_given_instead_is_in_the_event_and_never_kept_as_what_was_asked() {
    let (upstream, _) = by_word(&[("DGS10", answer(503, "")), ("/GS10", json(SERIES))]);
    let mut treatment = Treatment::default();
    treatment.floor = Fidelity::Reduced;
    treatment.strategies = vec![Arc::new(AlternateSeries::fred_monthly("series"))];
    let mut settings = Settings::default();
    let series = pattern("/api/fred/series/{series}");
    settings
        .routes
        .push(RouteSettings::new(source("fred_api"), series, treatment));
    let events = Arc::new(Events::default());
    let healer = Healer::builder()
        .sink(Arc::clone(&events) as Arc<dyn Sink>)
        .build();
    healer.configure(&settings).unwrap();
    let client = healed_by(&upstream, healer);
    ask(&client, get(DAILY)).await;
    let event = events.0.lock().unwrap().pop().unwrap();
    assert_eq!(event.fidelity, Some(Fidelity::Reduced));
    assert_eq!(
        event.message(),
        "server_error (server_error_5xx), status 503"
    );
    assert_eq!(
        StoredEvent::from(&event).given_instead.as_deref(),
        Some("monthly average at /api/fred/series/GS10")
    );
    let strict = ask(&client, get_with(DAILY, &[("healing-floor", "stale")])).await;
    assert_eq!(
        (strict.status, strict.truth.fidelity),
        (503, None),
        "no copy of it"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_further_in_gave_stale_is_not_called_reduced_or_exact_by_an_alternate() {
    let upstream = Upstream::that(json(SERIES));
    let inner = healed_by(&upstream, Healer::builder().without_strategies().build());
    ask(&inner, get("http://api.test/api/fred/series/GS10")).await;
    ask(
        &inner,
        get("http://query2.test/v8/finance/chart/AAPL?interval=1d"),
    )
    .await;
    upstream.becomes(answer(503, ""));
    sleep(seconds(60)).await;
    let got = ask(&monthly().layer(inner.clone()), get(DAILY)).await;
    assert_eq!(
        got.truth.fidelity,
        Some(Fidelity::Reduced),
        "the worse of both"
    );
    assert_eq!(got.truth.age, Some(seconds(60)), "and as old as it is");
    let exact = ask(&AlternateLayer::new(query2()).layer(inner), get(CHART)).await;
    assert_eq!(
        (exact.truth.fidelity, exact.truth.strategy),
        (Some(Fidelity::Stale), StrategyId::ALTERNATE_ENDPOINT)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_call_brings_is_as_old_as_that_call_whatever_was_tried_before_it() {
    let down = answer(503, "down");
    let (upstream, _) = by_word(&[("query1", down.clone()), ("query2", json(SERIES))]);
    let plenty = BudgetRules::new(1.0, 10.0, 1.0).unwrap();
    let healer = Healer::builder().without_strategies().budget(plenty);
    let healer = healer.strategy(query2()).build();
    let client = healed_by(&upstream, healer.clone());
    for n in 0..20 {
        ask(&client, get(&CHART.replace("AAPL", &format!("S{n}")))).await;
    }
    // While it rests the other address comes first, and takes its time to say that it is down.
    let slow = down.clone().late(seconds(2));
    let (upstream, asked) = by_word(&[("query2", slow), ("query1", json(SERIES))]);
    let client = healed_by(&upstream, healer);
    let other = CHART.replace("AAPL", "MSFT");
    ask(&client, get(&other)).await;
    assert_eq!(urls(&asked).len(), 2, "{:?}", urls(&asked));
    let came = Instant::now();
    upstream.becomes(down);
    sleep(seconds(10)).await;
    let got = ask(&client, get(&other)).await;
    let (age, most) = (got.truth.age.unwrap(), came.elapsed() + seconds(1));
    assert!(got.is_copy() && age <= most, "{age:?}, {most:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_all_of_whose_addresses_were_down_is_fresh_again_within_two_seconds() {
    for death in [answer(503, "down"), json("{\"chart\":")] {
        for requests in 10..30 {
            let (upstream, _) = by_word(&[("query", json(SERIES))]);
            let background = Background::new(8);
            let healer = Healer::builder().without_strategies().strategy(query2());
            let layer = HealLayer::new(healer.build()).background(background.clone());
            let client = layer.layer(upstream.port());
            ask(&client, get(CHART)).await;
            upstream.becomes(death.clone());
            for _ in 0..requests {
                assert!(ask(&client, get(CHART)).await.is_copy());
                sleep(seconds(1)).await;
            }
            let calls = upstream.calls();
            assert!(
                calls <= 1 + requests * 12 / 10 + 4,
                "{calls} calls, {requests}"
            );
            upstream.becomes(json(SERIES));
            let back = Instant::now();
            while !ask(&client, get(CHART)).await.is_fresh() {
                sleep(seconds(1)).await;
            }
            let after = back.elapsed();
            assert!(after <= seconds(2), "{death:?}: {after:?}, {requests}");
            background.stop().await;
        }
    }
}
