//! Quotas of our own and the line before them: nothing is sent that the count forbids, nobody is overtaken, nobody waits for
//! nothing.

use std::{sync::Arc, time::Duration};

use healing_core::{
    Clock, Fidelity, Heal, Healer, HealerBuilder, KeyPlace, Keys, Per, Queue, QueueLayer, Quota,
    QuotaScope, RotateKey, Secret, Settings, Source, SourceSettings, StrategyId,
};
use tokio::time::Instant;
use tower::Layer;

use crate::{
    layers_support::{
        Got, SERIES, URL, Upstream, answer, ask, get, healed_by, json, poll_once, seconds,
    },
    layers_upstream::Port,
};

const QUEUED: (u16, Option<Fidelity>, StrategyId) =
    (200, Some(Fidelity::Exact), StrategyId::REQUEST_QUEUING);

fn source(quotas: &[(u32, Per)], keys: &[&str]) -> SourceSettings {
    let mut source = SourceSettings::new(Source::new("fred_api").unwrap());
    let quotas = quotas.iter().cloned();
    source.quotas = quotas
        .map(|(calls, per)| Quota::new(calls, per, QuotaScope::Key).unwrap())
        .collect();
    let ring = keys.iter().map(|key| Secret::new((*key).to_owned()));
    let place = KeyPlace::Query("api_key".to_owned());
    source.keys = Some(Keys::new(place, ring.collect()).unwrap());
    source
}

fn window(calls: u32, ms: u64) -> (u32, Per) {
    (calls, Per::Window(Duration::from_millis(ms)))
}

fn queueing(source: SourceSettings) -> HealerBuilder {
    Healer::builder()
        .without_strategies()
        .strategy(Queue)
        .source(source)
}

/// Asks for that many different things at the same time. The answers are in the order of the asking.
async fn ask_at_once(client: &Heal<Port>, times: usize) -> Vec<Got> {
    let asks = (0..times).map(|n| {
        let url = format!("http://fred.test/fred/series?id={n}");
        async move { ask(client, get(&url)).await }
    });
    futures_util::future::join_all(asks).await
}

#[tokio::test(start_paused = true)]
async fn a_spent_day_is_not_asked_for_more_and_begins_anew_at_the_sources_midnight() {
    let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let upstream = Upstream::that(json(SERIES));
    let noon = "2026-11-24T17:00:00Z".parse().unwrap();
    let healer = queueing(source(&[(25, Per::Day(new_york))], &["only"]));
    let healer = healer.clock(Clock::anchored_at(noon)).build();
    let client = healed_by(&upstream, healer.clone());
    assert!(ask(&client, get(URL)).await.is_fresh());
    for n in 0..24 {
        // With nothing in hand, for a copy would be given so that the day lasts.
        let url = format!("http://fred.test/fred/series?id={n}");
        assert!(ask(&client, get(&url)).await.is_fresh());
    }
    let copied = ask(&client, get(URL)).await;
    assert!(copied.is_copy() && copied.truth.attempts == 0, "{copied:?}");
    assert_eq!(copied.took, Duration::ZERO, "midnight is not waited for");
    let other = ask(&client, get("http://fred.test/fred/series?id=X")).await;
    assert_eq!(
        (other.status, other.headers["retry-after"].as_bytes()),
        (503, &b"43200"[..])
    );
    assert!(other.text().contains("own-quota"), "{}", other.text());
    let fault = other.truth.fault.unwrap();
    assert_eq!(
        (fault.class.as_str(), &*fault.detail),
        ("quota_exceeded", "own_quota")
    );
    assert_eq!(upstream.calls(), 25);
    let pace = healer.pace_of(&Source::new("fred_api").unwrap());
    assert_eq!((pace.held_back >= 2, pace.keys[0].left), (true, Some(0)));
    tokio::time::sleep(seconds(12 * 3600)).await;
    assert!(ask(&client, get(URL)).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn the_next_key_is_used_where_the_first_has_no_call_left() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(
        &upstream,
        queueing(source(&[window(2, 60_000)], &["a", "b"])).build(),
    );
    for n in 0..4 {
        let got = ask(&client, get(URL)).await;
        assert!(got.is_fresh(), "{n}: {got:?}");
    }
    assert!(ask(&client, get(URL)).await.is_copy());
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn those_who_come_at_once_are_served_in_their_order_each_at_its_time() {
    let upstream = Upstream::that(json(SERIES));
    let healer = queueing(source(&[window(2, 1_000)], &["only"])).build();
    let client = healed_by(&upstream, healer.clone());
    let started = Instant::now();
    let got = ask_at_once(&client, 10).await;
    for (n, got) in got.iter().enumerate() {
        let expected = seconds(u64::try_from(n).unwrap() / 2);
        assert_eq!(got.took.as_secs(), expected.as_secs(), "{n}");
        assert_eq!(
            (got.truth.fidelity, got.truth.attempts),
            (Some(Fidelity::Exact), 1)
        );
        assert_eq!(got.is_fresh(), n < 2);
    }
    let times = upstream.call_times();
    for pair in times.windows(3) {
        assert!(pair[2] - pair[0] >= seconds(1), "two in any second");
    }
    assert!(times.last().unwrap().duration_since(started) < Duration::from_millis(4_050));
    assert_eq!(healer.pace_of(&Source::new("fred_api").unwrap()).waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_or_the_timeout_is_not_begun() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(
        &upstream,
        queueing(source(&[window(1, 5_000)], &["only"])).build(),
    );
    ask(&client, get(URL)).await;
    let copied = ask(&client, get(URL)).await;
    assert!(
        copied.is_copy() && copied.took == Duration::ZERO,
        "5 s are past the deadline: {copied:?}"
    );
    let other = || get("http://fred.test/fred/series?id=X");
    let (second, third, fourth) = tokio::join!(
        ask(&client, other()),
        ask(&client, other()),
        ask(&client, other())
    );
    assert_eq!((second.story(), second.took.as_secs()), (QUEUED, 5));
    for late in [third, fourth] {
        assert_eq!(
            (late.status, late.took),
            (503, Duration::ZERO),
            "10 s are past the timeout"
        );
    }
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_line_takes_nobody_more_and_says_how_often() {
    let upstream = Upstream::that(json(SERIES));
    let healer = queueing(source(&[window(1, 10)], &["only"])).build();
    let client = healed_by(&upstream, healer.clone());
    let got = ask_at_once(&client, 300).await;
    let served = got.iter().filter(|got| got.status == 200).count();
    let pace = healer.pace_of(&Source::new("fred_api").unwrap());
    assert_eq!((served, pace.queue_full, upstream.calls()), (257, 43, 257));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_gives_its_place_back() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(
        &upstream,
        queueing(source(&[window(1, 4_000)], &["only"])).build(),
    );
    ask(&client, get(URL)).await;
    let other = || get("http://fred.test/fred/series?id=X");
    let mut first = Box::pin(ask(&client, other()));
    let mut second = Box::pin(ask(&client, other()));
    assert!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
    drop(first);
    let got = second.await;
    assert_eq!((got.story(), got.took.as_secs()), (QUEUED, 4));
}

#[tokio::test(start_paused = true)]
async fn nobody_who_comes_later_overtakes_one_who_waits() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(
        &upstream,
        queueing(source(&[window(1, 1_000)], &["only"])).build(),
    );
    ask(&client, get(URL)).await;
    let waiting = ask(&client, get("http://fred.test/fred/series?id=X"));
    let later = async {
        tokio::time::sleep(seconds(1)).await; // just when a call is free
        ask(&client, get("http://fred.test/fred/series?id=Y")).await
    };
    let (waiting, later) = tokio::join!(waiting, later);
    assert_eq!((waiting.took.as_secs(), later.took.as_secs()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_says_that_none_is_left_is_not_asked_until_it_counts_anew() {
    let act = json(SERIES).with("ratelimit", r#""default";r=0;t=30"#);
    let upstream = Upstream::that(act);
    let client = healed_by(
        &upstream,
        queueing(source(&[window(100, 60_000)], &["only"])).build(),
    );
    assert!(ask(&client, get(URL)).await.is_fresh());
    assert!(ask(&client, get(URL)).await.is_copy());
    tokio::time::sleep(seconds(26)).await;
    assert!(ask(&client, get(URL)).await.is_copy());
    tokio::time::sleep(seconds(2)).await;
    let waited = ask(&client, get(URL)).await;
    assert_eq!((waited.story(), waited.took), (QUEUED, seconds(2)));
}

#[tokio::test(start_paused = true)]
async fn callers_with_keys_of_their_own_are_counted_apart() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(
        &upstream,
        queueing(source(&[window(1, 60_000)], &[])).build(),
    );
    for key in ["a", "b", "c"] {
        let url = format!("{URL}&api_key={key}");
        assert!(ask(&client, get(&url)).await.is_fresh(), "{key}");
        assert!(ask(&client, get(&url)).await.is_copy(), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_that_a_source_named_is_waited_for_also_where_nothing_is_set() {
    let upstream = Upstream::in_turn([answer(429, "").with("retry-after", 2), json(SERIES)]);
    let healer = Healer::builder()
        .without_strategies()
        .strategy(Queue)
        .build();
    let got = ask(&healed_by(&upstream, healer), get(URL)).await;
    assert_eq!((got.story(), got.took), (QUEUED, seconds(2)));
}

#[tokio::test(start_paused = true)]
async fn new_settings_keep_the_counts() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    let settings = || {
        let mut settings = Settings::default();
        settings
            .sources
            .push(source(&[window(2, 60_000)], &["only"]));
        let pattern = healing_core::Pattern::of("/fred/{*rest}".parse().unwrap());
        let mut treatment = healing_core::Treatment::default();
        treatment.strategies = vec![Arc::new(RotateKey), Arc::new(Queue)];
        let name = Source::new("fred_api").unwrap();
        settings
            .routes
            .push(healing_core::RouteSettings::new(name, pattern, treatment));
        settings
    };
    let client = healed_by(&upstream, healer.clone());
    for fresh in [true, true, false] {
        healer.configure(&settings()).unwrap();
        assert_eq!(ask(&client, get(URL)).await.is_fresh(), fresh);
    }
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_costs_nothing_of_the_budget() {
    let upstream = Upstream::that(json(SERIES));
    let layer = QueueLayer::new(source(&[window(1, 100)], &["only"]));
    let client: Heal<_> = layer.layer(upstream.port());
    let got = ask_at_once(&client, 40).await;
    assert!(
        got.iter()
            .all(|got| got.status == 200 && got.truth.attempts == 1)
    );
    assert_eq!(upstream.calls(), 40);
}
