//! The memory of an outage: who is made to wait for a dead source, what it is asked, and when it is fresh again.

use std::time::Duration;

use healing_core::{Background, Heal, HealLayer, Healer, Sent, TransportFault};
use tokio::time::{Instant, sleep, sleep_until};
use tower::Layer;

use crate::layers_support::{
    Act, Got, NEWER, Port, SERIES, URL, Upstream, answer, ask, get, hang, healed, json, lost,
    seconds, try_ask,
};

const HALF: Duration = Duration::from_millis(500);

fn client(upstream: &Upstream, background: &Background) -> Heal<Port> {
    HealLayer::new(Healer::builder().build())
        .background(background.clone())
        .layer(upstream.port())
}

/// Two requests a second, that many.
async fn traffic(client: &Heal<Port>, requests: u32) -> Vec<Got> {
    let start = Instant::now();
    let mut all = Vec::new();
    for n in 0..requests {
        sleep_until(start + n * HALF).await;
        all.push(ask(client, get(URL)).await);
    }
    all
}

fn deaths() -> [Act; 3] {
    [
        answer(503, "down"),
        lost(TransportFault::Refused, Sent::Nothing),
        answer(429, "slow down"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_dead_source_is_asked_no_more_than_it_would_be_without_healing() {
    for background in [Background::none(), Background::new(8)] {
        for death in deaths() {
            let upstream = Upstream::that(json(SERIES));
            let client = client(&upstream, &background);
            ask(&client, get(URL)).await;
            upstream.becomes(death.clone());
            for got in traffic(&client, 30).await {
                assert!(got.is_copy() && got.text() == SERIES, "{death:?}: {got:?}");
            }
            assert!(
                upstream.calls() - 1 <= 30,
                "{death:?}: {}",
                upstream.calls()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_seconds_after_a_short_outage_answers_are_fresh() {
    for background in [Background::none(), Background::new(8)] {
        for death in deaths() {
            let upstream = Upstream::that(json(SERIES));
            let client = client(&upstream, &background);
            ask(&client, get(URL)).await;
            upstream.becomes(death.clone());
            traffic(&client, 30).await;
            upstream.becomes(json(NEWER));
            traffic(&client, 4).await;
            sleep(Duration::from_millis(1)).await;
            for got in traffic(&client, 10).await {
                assert!(got.is_fresh() && got.text() == NEWER, "{death:?}: {got:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_two_misses_nobody_waits_for_a_hung_source() {
    let background = Background::new(8);
    let upstream = Upstream::that(json(SERIES));
    let client = client(&upstream, &background);
    ask(&client, get(URL)).await;
    upstream.becomes(hang());
    for n in 0..20 {
        let got = ask(&client, get(URL)).await;
        let waits = if n < 2 { seconds(3) } else { Duration::ZERO };
        assert!(got.is_copy(), "{got:?}");
        assert_eq!(got.took, waits, "request {n}");
        sleep(HALF).await;
    }
    upstream.becomes(json(NEWER));
    traffic(&client, 6).await;
    assert!(ask(&client, get(URL)).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn without_a_background_a_prober_waits_a_moment_for_a_hung_source_and_others_do_not() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(hang());
    traffic(&client, 2).await;
    let mut probes = 0;
    for got in traffic(&client, 20).await {
        assert!(got.is_copy() && got.took <= seconds(2), "{got:?}");
        probes += u32::from(got.took > Duration::ZERO);
    }
    assert_eq!(u32::try_from(upstream.calls()).unwrap(), 3 + probes);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_comes_back_slower_than_it_was_is_found_again() {
    for background in [Background::none(), Background::new(8)] {
        let upstream = Upstream::that(json(SERIES).late(Duration::from_millis(20)));
        let client = client(&upstream, &background);
        traffic(&client, 40).await;
        upstream.becomes(answer(503, "down"));
        traffic(&client, 10).await;
        upstream.becomes(json(NEWER).late(Duration::from_millis(1_500)));
        let last = traffic(&client, 60).await.pop().unwrap();
        assert!(
            last.is_fresh(),
            "30 s after the source answers in 1.5 s: {last:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_failed_exchange_counts_as_one_however_late_it_fails() {
    let background = Background::new(8);
    let upstream = Upstream::that(json(SERIES));
    let client = client(&upstream, &background);
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "").late(seconds(5)));
    assert!(ask(&client, get(URL)).await.is_copy());
    sleep(seconds(6)).await;
    upstream.becomes(json(NEWER));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_fresh(), "one failure is no proof: {got:?}");
}

#[tokio::test(start_paused = true)]
async fn one_bad_symbol_does_not_bench_the_others() {
    let upstream = Upstream::by(|request| {
        if request.uri().path().ends_with("BAD") {
            answer(500, "")
        } else {
            json(SERIES)
        }
    });
    let client = healed(&upstream);
    for _ in 0..20 {
        let bad = ask(&client, get("http://quotes.test/v8/chart/BAD")).await;
        assert_eq!(bad.status, 500);
        let good = ask(&client, get("http://quotes.test/v8/chart/AAPL")).await;
        assert!(good.is_fresh(), "{good:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_mistake_passes_as_it_is_and_benches_nothing() {
    for status in [400, 401, 404, 410, 422] {
        let upstream = Upstream::that(json(SERIES));
        let client = healed(&upstream);
        ask(&client, get(URL)).await;
        upstream.becomes(answer(status, "your mistake").with("x-own", "1"));
        for got in traffic(&client, 10).await {
            assert_eq!((got.status, got.text()), (status, "your mistake"));
            assert!(got.headers.contains_key("x-own") && got.truth.fault.is_none());
        }
        upstream.becomes(json(NEWER));
        assert!(ask(&client, get(URL)).await.is_fresh());
        assert_eq!(upstream.calls(), 12, "each was sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn one_callers_spent_limit_is_not_anothers() {
    let upstream = Upstream::by(|request| {
        if request.headers()["authorization"] == "spent" {
            answer(429, "").with("retry-after", 60)
        } else {
            json(SERIES)
        }
    });
    let client = healed(&upstream);
    let asks = |who: &'static str| {
        let mut request = get(URL);
        request
            .headers_mut()
            .insert("authorization", http::HeaderValue::from_static(who));
        try_ask(&client, request)
    };
    for n in 0..10 {
        let spent = asks("spent").await.unwrap();
        assert_eq!(spent.status, if n == 0 { 429 } else { 503 });
        assert!(asks("other").await.unwrap().is_fresh());
    }
    assert_eq!(upstream.calls(), 11, "the spent one was asked once");
}

#[tokio::test(start_paused = true)]
async fn what_one_symbol_is_told_to_wait_for_does_not_bench_the_others() {
    let upstream = Upstream::by(|request| {
        if request.uri().path().ends_with("BAD") {
            answer(503, "").with("retry-after", 60)
        } else {
            json(SERIES)
        }
    });
    let client = healed(&upstream);
    for _ in 0..5 {
        ask(&client, get("http://quotes.test/v8/chart/BAD")).await;
        let good = ask(&client, get("http://quotes.test/v8/chart/AAPL")).await;
        assert!(good.is_fresh(), "{good:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_the_third_time_for_a_url_that_never_answered() {
    let upstream = Upstream::that(hang());
    let client = healed(&upstream);
    for n in 0..4 {
        let got = ask(&client, get(URL)).await;
        assert!(got.status >= 500, "{got:?}");
        let waits = if n < 2 { seconds(10) } else { Duration::ZERO };
        assert_eq!(got.took, waits, "request {n}: {got:?}");
    }
}
