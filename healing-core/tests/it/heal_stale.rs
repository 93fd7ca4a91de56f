//! Data that stands still: by the field that its route or its source names, and by the market's calendar.

use std::sync::Arc;

use healing_core::{
    Clock, FaultClass, Fidelity, Freshness, Heal, Healer, Pattern, Per, Queue, Quota, QuotaScope,
    RouteSettings, Settings, Source, SourceSettings, StrategyId, Treatment,
};
use jiff::{Timestamp, ToSpan};

use crate::{
    cache_support::cached_by,
    layers_support::{
        Act, Got, Port, Upstream, answer, ask, get, get_with, healed_by, json, seconds,
    },
};

const URL: &str = "http://api.test/api/quote/AAPL";

/// A Wednesday, an hour and a half after the opening.
const OPEN: &str = "2024-03-13T15:00:00Z";

/// A quote of that moment.
fn quote(at: &str) -> Act {
    let at: Timestamp = at.parse().unwrap();
    json(format!(
        r#"{{"quote":{{"price":171.1,"time":{}}}}}"#,
        at.as_second()
    ))
}

/// Quotes may be 15 minutes old while the market is open.
fn settings() -> Settings {
    let fresh = Freshness::of("/quote/time", "s").unwrap();
    let fresh = fresh.max_age(seconds(900)).calendar("us_equities").unwrap();
    let mut treatment = Treatment::default();
    treatment.freshness = Some(Arc::new(fresh));
    let mut settings = Settings::default();
    settings.otherwise = Arc::new(treatment);
    settings
}

fn healer(now: &str) -> Healer {
    let clock = Clock::anchored_at(now.parse().unwrap());
    Healer::builder().clock(clock).build()
}

fn set(upstream: &Upstream, now: &str) -> Heal<Port> {
    let healer = healer(now);
    healer.configure(&settings()).unwrap();
    healed_by(upstream, healer)
}

#[track_caller]
fn is_frozen(got: &Got, age: u64) {
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Stale), StrategyId::DIRECT),
        "{got:?}"
    );
    let fault = got.truth.fault.as_ref().unwrap();
    assert_eq!(
        (fault.class, &*fault.detail),
        (FaultClass::StaleData, "route/freshness")
    );
    assert_eq!(got.truth.age.map(|age| age.as_secs()), Some(age));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_is_given_as_old_as_it_says_it_is() {
    let upstream = Upstream::that(quote(OPEN));
    let client = set(&upstream, OPEN);
    for _ in 0..15 {
        assert!(ask(&client, get(URL)).await.is_fresh());
        tokio::time::advance(seconds(60)).await;
    }
    tokio::time::advance(seconds(1)).await;
    for _ in 0..4 {
        is_frozen(&ask(&client, get(URL)).await, 901);
    }
    assert_eq!(upstream.calls(), 19, "it is asked each time, and once");
    upstream.becomes(quote("2024-03-13T15:14:00Z"));
    assert!(ask(&client, get(URL)).await.is_fresh(), "it moves again");
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_may_be_frozen_too() {
    let upstream = Upstream::that(quote("2024-03-13T14:00:00Z"));
    is_frozen(&ask(&set(&upstream, OPEN), get(URL)).await, 3600);
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_it_exact_or_younger_is_told_that_there_is_nothing() {
    let upstream = Upstream::that(quote("2024-03-13T14:00:00Z"));
    let client = set(&upstream, OPEN);
    for floor in ["exact", "stale;max-age=600"] {
        let got = ask(&client, get_with(URL, &[("healing-floor", floor)])).await;
        assert_eq!(got.story(), (502, None, StrategyId::NONE), "{floor}");
        assert_eq!(got.truth.fault.unwrap().class, FaultClass::StaleData);
    }
    let floor = [("healing-floor", "stale;max-age=3600")];
    is_frozen(&ask(&client, get_with(URL, &floor)).await, 3600);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_names_something_newer_is_better() {
    let upstream = Upstream::that(quote(OPEN));
    let client = set(&upstream, OPEN);
    assert!(ask(&client, get(URL)).await.is_fresh());
    upstream.becomes(quote("2024-03-13T14:00:00Z"));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(got.truth.fault.unwrap().class, FaultClass::StaleData);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_copy_of_what_is_too_old_by_now_is_asked_for_and_a_304_makes_it_no_younger() {
    let fresh = quote(OPEN).with("cache-control", "max-age=3600");
    let not_modified = answer(304, "").with("etag", "\"1\"");
    for (first, then) in [
        (fresh.clone(), fresh.clone()),
        (fresh.with("etag", "\"1\""), not_modified),
    ] {
        let upstream = Upstream::that(first);
        let healer = healer(OPEN);
        healer.configure(&settings()).unwrap();
        let client = cached_by(&upstream, healer);
        assert!(ask(&client, get(URL)).await.is_fresh());
        upstream.becomes(then);
        tokio::time::advance(seconds(890)).await;
        assert!(ask(&client, get(URL)).await.is_hit());
        assert_eq!(upstream.calls(), 1);
        tokio::time::advance(seconds(11)).await;
        is_frozen(&ask(&client, get(URL)).await, 901);
        assert_eq!(upstream.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nights_weekends_and_holidays_make_nothing_old() {
    for now in [
        "2024-03-16T18:00:00Z", // Saturday, after Friday's close
        "2024-03-18T13:29:00Z", // Monday, before the opening
    ] {
        let upstream = Upstream::that(quote("2024-03-15T20:00:00Z"));
        assert!(
            ask(&set(&upstream, now), get(URL)).await.is_fresh(),
            "{now}"
        );
    }
    let good_friday = Upstream::that(quote("2024-03-28T20:00:00Z"));
    let client = set(&good_friday, "2024-03-29T18:00:00Z");
    assert!(ask(&client, get(URL)).await.is_fresh());
    let monday = Upstream::that(quote("2024-03-15T20:00:00Z"));
    let client = set(&monday, "2024-03-18T13:46:00Z");
    assert_eq!(
        ask(&client, get(URL)).await.truth.fidelity,
        Some(Fidelity::Stale),
        "sixteen minutes after the opening"
    );
}

#[tokio::test(start_paused = true)]
async fn an_age_that_is_set_later_holds_for_what_is_known_already() {
    let upstream = Upstream::that(quote("2024-03-13T14:00:00Z"));
    let healer = healer(OPEN);
    let client = healed_by(&upstream, healer.clone());
    for _ in 0..2 {
        assert!(ask(&client, get(URL)).await.is_fresh());
    }
    healer.configure(&settings()).unwrap();
    is_frozen(&ask(&client, get(URL)).await, 3600);
}

#[tokio::test(start_paused = true)]
async fn a_sources_file_says_how_old_its_answers_may_be() {
    let url = "http://query1.finance.yahoo.com/v7/finance/quote?symbols=BTC-USD";
    let now: Timestamp = OPEN.parse().unwrap();
    let of = |age: i64| {
        let at = now.checked_sub(age.minutes()).unwrap().as_second();
        json(format!(
            r#"{{"quoteResponse":{{"result":[{{"symbol":"BTC-USD","quoteType":"CRYPTOCURRENCY","regularMarketPrice":71000.5,"regularMarketTime":{at}}}],"error":null}}}}"#
        ))
    };
    let upstream = Upstream::that(of(119));
    let client = healed_by(&upstream, healer(OPEN));
    assert!(ask(&client, get(url)).await.is_fresh());
    tokio::time::advance(seconds(120)).await;
    let got = ask(&client, get(url)).await;
    let fault = got.truth.fault.as_ref().unwrap();
    assert_eq!(fault.detail, "yahoo_finance/freshness");
    assert_eq!(got.truth.age.map(|age| age.as_secs()), Some(121 * 60));
}

#[test]
fn a_freshness_that_cannot_be_says_why() {
    let of = |field, unit| {
        Freshness::of(field, unit)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    assert!(of("quote/time", "s").contains("/quotes/*/time"));
    assert!(of("/quote/time", "sec").contains("unit \"sec\""));
    let fresh = || Freshness::of("/quote/time", "datetime").unwrap();
    let calendar = fresh().calendar("us_equites").unwrap_err().to_string();
    assert!(
        calendar.contains("did you mean \"us_equities\"?"),
        "{calendar}"
    );
    let zone = fresh().zone("Mars/Olympus").unwrap_err().to_string();
    assert!(zone.contains("Mars/Olympus"), "{zone}");
}

#[tokio::test(start_paused = true)]
async fn one_whose_turn_it_had_to_wait_for_is_given_too() {
    let upstream = Upstream::that(quote("2024-03-13T14:00:00Z"));
    let healer = healer(OPEN);
    let mut source = SourceSettings::new(Source::new("fred_api").unwrap());
    source.quotas = vec![Quota::new(1, Per::Window(seconds(1)), QuotaScope::Address).unwrap()];
    let mut treatment = Treatment::clone(&settings().otherwise);
    treatment.strategies = vec![Arc::new(Queue)];
    treatment.gives_copies = false;
    let mut settings = Settings::default();
    settings.sources.push(source.clone());
    let pattern = Pattern::of("/api/{*rest}".parse().unwrap());
    settings
        .routes
        .push(RouteSettings::new(source.source, pattern, treatment));
    healer.configure(&settings).unwrap();
    let client = healed_by(&upstream, healer);
    is_frozen(&ask(&client, get(URL)).await, 3_600);
    is_frozen(&ask(&client, get(URL)).await, 3_601);
    assert_eq!(upstream.calls(), 2);
}
