//! A source that says how long to wait is not asked before.

use std::time::Duration;

use tokio::time::{interval, sleep};

use crate::{
    forms::{GOOD, LATER},
    stage::Proxy,
    stand::page_of,
    upstream::{Act, Upstream},
};

const PATH: &str = "/api/quote/AAPL";

fn throttled(wait: &str) -> Act {
    Act::answer(
        &format!("HTTP/1.1 429 Slow\r\nRetry-After: {wait}"),
        "slow down",
    )
}

#[tokio::test]
async fn under_a_wait_of_an_hour_nobody_asks_again() {
    for act in [
        throttled("3600"),
        throttled("Tue, 31 Dec 2126 23:59:59 GMT"),
        Act::answer("HTTP/1.1 503 No\r\nRetry-After: 3600", ""),
    ] {
        let upstream = Upstream::that(Act::json(GOOD));
        let proxy = Proxy::before(&upstream).await;
        assert_eq!(proxy.get(PATH).await.text(), GOOD);
        upstream.always(act);
        let told = proxy.get(PATH).await;
        assert!(told.get("healing").starts_with("stale;"), "{told:?}");
        let before = upstream.calls();
        assert_eq!(before, 2);
        let mut due = interval(Duration::from_millis(150));
        for _ in 0..20 {
            due.tick().await;
            let answer = proxy.get(PATH).await;
            assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
        }
        assert_eq!(upstream.calls(), before, "{:?}", upstream.seen());
    }
}

#[tokio::test]
async fn twenty_requests_in_ten_seconds_under_a_wait_reach_nobody() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get(PATH).await.text(), GOOD);
    upstream.always(throttled("3600"));
    proxy.get(PATH).await;
    let before = upstream.calls();
    let mut due = interval(Duration::from_millis(500));
    for _ in 0..20 {
        due.tick().await;
        let answer = proxy.get(PATH).await;
        assert_eq!(answer.text(), GOOD);
        assert!(
            answer.get("healing").contains(";class=rate_limit;"),
            "{answer:?}"
        );
    }
    assert_eq!(upstream.calls(), before);
}

#[tokio::test]
async fn a_caller_without_a_copy_is_told_how_long_to_wait() {
    let upstream = Upstream::that(throttled("3600"));
    let proxy = Proxy::before(&upstream).await;
    let first = proxy.get(PATH).await;
    assert_eq!(
        (first.status, first.get("retry-after").as_str()),
        (429, "3600")
    );
    let second = proxy.get(PATH).await;
    assert!(matches!(second.status, 429 | 503), "{second:?}");
    let wait: u64 = second.get("retry-after").parse().expect("a wait");
    assert!((3_590..=3_600).contains(&wait), "{wait}");
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test]
async fn a_short_wait_ends_when_it_is_over() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get(PATH).await.text(), GOOD);
    upstream.always(throttled("2"));
    proxy.get(PATH).await;
    upstream.always(Act::json(LATER));
    let before = upstream.calls();
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(proxy.get(PATH).await.text(), GOOD);
    assert_eq!(upstream.calls(), before, "asked too early");
    sleep(Duration::from_millis(700)).await;
    proxy.get(PATH).await;
    sleep(Duration::from_millis(200)).await;
    let answer = proxy.get(PATH).await;
    assert_eq!(answer.text(), LATER, "{answer:?}");
}

#[tokio::test]
async fn a_date_in_the_past_and_nonsense_are_no_wait() {
    for wait in ["Sun, 06 Nov 1994 08:49:37 GMT", "0", "soon", "-5"] {
        let upstream = Upstream::that(Act::json(GOOD));
        let proxy = Proxy::before(&upstream).await;
        assert_eq!(proxy.get(PATH).await.text(), GOOD);
        upstream.always(throttled(wait));
        assert!(proxy.get(PATH).await.get("healing").starts_with("stale;"));
        upstream.always(Act::json(LATER));
        let answer = proxy.get(PATH).await;
        assert_eq!(answer.text(), LATER, "after {wait:?}: {answer:?}");
    }
}

#[tokio::test]
async fn where_no_wait_is_named_what_was_accepted_is_kept_to_and_said() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    for _ in 0..8 {
        assert_eq!(proxy.get(PATH).await.text(), GOOD);
    }
    upstream.always(Act::answer("HTTP/1.1 429 Slow", "slow down"));
    assert!(proxy.get(PATH).await.get("healing").starts_with("stale;"));
    upstream.always(Act::json(GOOD));
    // Eight were accepted within a second at most, so of as many at once some are too many.
    let mut held_back = None;
    for _ in 0..8 {
        let answer = proxy.get(PATH).await;
        assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
        if !answer.get("healing").is_empty() {
            held_back = Some(answer);
        }
    }
    let id = held_back.expect("too many").get("x-request-id");
    let why = page_of(&proxy, &format!("/api/v1/decisions/{id}")).await;
    assert_eq!(why["detail"], "own_rate", "{why}");
    let meaning = why["detail_meaning"].as_str().expect("a meaning");
    assert!(meaning.contains("found to accept no more"), "{why}");
    let counters = page_of(&proxy, "/api/v1/status").await["counters"].clone();
    assert!(
        counters["calls_held_back_by_rate"].as_u64() > Some(0),
        "{counters}"
    );
    assert_eq!(counters["calls_sent_over_rate"], 0, "{counters}");
}
