//! Deadline and timeout, late answers, callers who go away.

use std::time::Duration;

use healing_core::{Background, Heal, HealLayer, Healer, Snapshot};
use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt};

use crate::layers_support::{
    NEWER, Port, SERIES, URL, Upstream, answer, ask, get, hang, healed, healed_by, json, poll_once,
    seconds,
};

fn with_background(upstream: &Upstream, healer: Healer) -> (Heal<Port>, Background) {
    let background = Background::new(8);
    let client = HealLayer::new(healer)
        .background(background.clone())
        .layer(upstream.port());
    (client, background)
}

/// Calls that were noted as good and as bad of the only route.
fn noted(snapshot: &Snapshot) -> Option<(u32, u32)> {
    let [source] = &snapshot.sources[..] else {
        return None;
    };
    let route = source.routes.first()?;
    Some((route.consecutive_successes, route.consecutive_failures))
}

#[tokio::test(start_paused = true)]
async fn with_nothing_in_hand_a_slow_answer_is_waited_for() {
    let upstream = Upstream::that(json(SERIES).late(seconds(5)));
    let got = ask(&healed(&upstream), get(URL)).await;
    assert!(got.is_fresh() && got.took == seconds(5), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn with_nothing_in_hand_a_hung_source_is_given_up_after_the_timeout() {
    let upstream = Upstream::that(hang());
    let got = ask(&healed(&upstream), get(URL)).await;
    assert_eq!((got.status, got.took), (504, seconds(10)));
    assert_eq!(got.headers["content-type"], "application/problem+json");
}

#[tokio::test(start_paused = true)]
async fn with_nothing_in_hand_a_slow_answer_is_waited_for_after_an_outage_too() {
    let upstream = Upstream::that(answer(429, ""));
    let client = healed(&upstream);
    for _ in 0..3 {
        ask(&client, get(URL)).await;
    }
    upstream.becomes(json(SERIES).late(seconds(5)));
    sleep(seconds(2)).await;
    let got = ask(&client, get(URL)).await;
    assert!(got.is_fresh() && got.took == seconds(5), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn with_a_copy_in_hand_the_copy_comes_at_the_deadline_and_the_late_answer_is_the_next_copy() {
    let upstream = Upstream::that(json(SERIES));
    let (client, _background) = with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    upstream.becomes(json(NEWER).late(seconds(5)));
    let got = ask(&client, get(URL)).await;
    assert!(
        got.is_copy() && got.text() == SERIES && got.took == seconds(3),
        "{got:?}"
    );
    sleep(seconds(4)).await;
    upstream.becomes(hang());
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == NEWER, "{got:?}");
    assert_eq!(
        got.truth.age,
        Some(seconds(5 + 2 + 3)),
        "since the late answer was asked for (RFC 9111, section 4.2.3)"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_background_the_late_call_ends_with_the_answer() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(json(NEWER).late(seconds(5)));
    ask(&client, get(URL)).await;
    sleep(seconds(4)).await;
    upstream.becomes(hang());
    assert_eq!(ask(&client, get(URL)).await.text(), SERIES);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_and_the_timeout_may_be_set() {
    let healer = Healer::builder()
        .deadline(seconds(1))
        .timeout(seconds(2))
        .build();
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, healer);
    ask(&client, get(URL)).await;
    upstream.becomes(hang());
    assert_eq!(ask(&client, get(URL)).await.took, seconds(1));
    let got = ask(&client, get("http://fred.test/other")).await;
    assert_eq!((got.status, got.took), (504, seconds(2)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_caller_cancels_the_call_and_teaches_nothing() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    let client = healed_by(&upstream, healer.clone());
    ask(&client, get(URL)).await;
    upstream.becomes(json(NEWER).late(seconds(2)));
    for _ in 0..10 {
        let asked = timeout(seconds(1), client.clone().oneshot(get(URL))).await;
        assert!(asked.is_err(), "the caller went away");
    }
    sleep(seconds(20)).await;
    assert_eq!(
        noted(&healer.snapshot()),
        Some((1, 0)),
        "only the first call is known"
    );
    upstream.becomes(hang());
    assert_eq!(
        ask(&client, get(URL)).await.text(),
        SERIES,
        "nothing was kept"
    );
}

#[tokio::test(start_paused = true)]
async fn with_a_background_the_call_of_a_dropped_caller_goes_on_and_fills_the_copy() {
    let upstream = Upstream::that(json(SERIES).late(seconds(2)));
    let healer = Healer::builder().build();
    let (client, background) = with_background(&upstream, healer.clone());
    let mut asked = Box::pin(client.clone().oneshot(get(URL)));
    assert!(poll_once(&mut asked).await.is_none());
    drop(asked);
    sleep(seconds(3)).await;
    assert_eq!(background.refused(), 0);
    upstream.becomes(hang());
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
    assert_eq!(got.truth.age, Some(seconds(2 + 1 + 3)));
}

#[tokio::test(start_paused = true)]
async fn stopping_the_background_teaches_nothing() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().build();
    let (client, background) = with_background(&upstream, healer.clone());
    ask(&client, get(URL)).await;
    upstream.becomes(hang());
    let mut asked = Box::pin(client.clone().oneshot(get(URL)));
    assert!(poll_once(&mut asked).await.is_none());
    drop(asked);
    sleep(Duration::from_millis(10)).await;
    background.stop().await;
    assert_eq!(noted(&healer.snapshot()), Some((1, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_loses_the_race_against_the_deadline_fills_the_copy_too() {
    let bad = answer(503, "");
    let late = json(NEWER).late(seconds(5));
    let upstream = Upstream::in_turn([json(SERIES), bad, late]);
    let (client, _background) = with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.took == seconds(3), "{got:?}");
    sleep(seconds(4)).await;
    upstream.becomes(answer(429, ""));
    assert_eq!(ask(&client, get(URL)).await.text(), NEWER);
}
