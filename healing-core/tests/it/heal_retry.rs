//! Asking again: when, how soon, how often, and what it may cost.

use std::time::Duration;

use healing_core::{Body, Fidelity, RetryLayer, StrategyId};
use http::Request;
use tokio::time::{Instant, sleep};
use tower::Layer;

use crate::layers_support::{SERIES, URL, Upstream, answer, ask, get, healed, json, seconds};

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_is_healed_exactly_by_the_second_call() {
    let upstream = Upstream::in_turn([answer(503, ""), json(SERIES)]);
    let client = RetryLayer::default().layer(upstream.port());
    let got = ask(&client, get(URL)).await;
    let exact = (
        200,
        Some(Fidelity::Exact),
        StrategyId::EXPONENTIAL_BACKOFF_RETRY,
    );
    assert_eq!((got.story(), got.text()), (exact, SERIES));
    assert_eq!((got.truth.attempts, upstream.calls()), (2, 2));
    let pause = Duration::from_millis(50)..=Duration::from_millis(151);
    assert!(pause.contains(&got.took), "{:?}", got.took);
    assert!(!got.truth.is_direct() && got.truth.fault.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_layer_of_retries_gives_no_copies() {
    let upstream = Upstream::that(json(SERIES));
    let client = RetryLayer::default().layer(upstream.port());
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "down"));
    let got = ask(&client, get(URL)).await;
    assert_eq!(got.story(), (503, None, StrategyId::NONE));
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_not_answered_with_more_calls() {
    let upstream = Upstream::that(answer(429, "slow down"));
    let got = ask(&healed(&upstream), get(URL)).await;
    assert_eq!(
        (got.status, got.took, upstream.calls()),
        (429, Duration::ZERO, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_longer_than_the_deadline_is_not_waited_for_and_nothing_goes_before_it() {
    let upstream = Upstream::that(answer(503, "later").with("retry-after", 30));
    let client = healed(&upstream);
    let got = ask(&client, get(URL)).await;
    assert_eq!(
        (got.status, got.text(), got.took),
        (503, "later", Duration::ZERO)
    );
    for second in 1..30 {
        sleep(seconds(1)).await;
        let got = ask(&client, get(URL)).await;
        assert_eq!(
            (got.status, got.took, upstream.calls()),
            (503, Duration::ZERO, 1)
        );
        assert_eq!(got.headers["retry-after"], (30 - second).to_string());
        assert_eq!(got.headers["content-type"], "application/problem+json");
    }
    upstream.becomes(json(SERIES));
    sleep(seconds(1)).await;
    assert!(ask(&client, get(URL)).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_within_the_deadline_is_waited_for() {
    let wait = answer(503, "soon").with("retry-after", 1);
    let upstream = Upstream::in_turn([wait, json(SERIES)]);
    let got = ask(&healed(&upstream), get(URL)).await;
    let times = upstream.call_times();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap >= seconds(1)), "{gaps:?}");
    assert!(matches!(got.status, 200 | 503));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_safe_to_repeat_is_sent_once_and_passes() {
    let upstream = Upstream::that(answer(503, "down"));
    let client = healed(&upstream);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::builder().method(method).uri(URL);
        let before = upstream.calls();
        let got = ask(&client, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!((got.status, got.text()), (503, "down"));
        assert_eq!(upstream.calls(), before + 1, "{method}");
    }
}

/// Upstream calls beyond one a request, a request, when all fail.
async fn extra_calls(requests: u32) -> f64 {
    let upstream = Upstream::that(answer(503, ""));
    let client = healed(&upstream);
    let start = Instant::now();
    for n in 0..requests {
        tokio::time::sleep_until(start + n * seconds(1) / 2).await;
        assert_eq!(ask(&client, get(URL)).await.status, 503);
    }
    let calls = u32::try_from(upstream.calls()).unwrap();
    f64::from(calls - requests) / f64::from(requests)
}

#[tokio::test(start_paused = true)]
async fn in_a_total_outage_retries_stay_a_share_of_the_traffic() {
    let short = extra_calls(30).await;
    assert!(short > 0.0 && short <= 0.6, "{short} in 15 s");
    let long = extra_calls(600).await;
    assert!(long > 0.0 && long <= 0.2, "{long} in 300 s");
}
