//! Many callers at once: nobody is left without an answer, and the upstream is not trampled.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    forms::GOOD,
    stage::{Answer, Proxy},
    upstream::{Act, Upstream},
};

const CALLERS: usize = 500;

async fn all_at_once(proxy: &Arc<Proxy>, path: fn(usize) -> String) -> Vec<Answer> {
    let mut asked = JoinSet::new();
    for n in 0..CALLERS {
        let proxy = Arc::clone(proxy);
        asked.spawn(async move { proxy.get(&path(n)).await });
    }
    asked.join_all().await
}

fn is_honest(answer: &Answer, within: Duration) {
    assert!(matches!(answer.status, 502..=504), "{answer:?}");
    assert_eq!(answer.get("content-type"), "application/problem+json");
    assert!(answer.took < within, "{:?}", answer.took);
}

#[tokio::test]
async fn five_hundred_callers_of_an_upstream_that_is_gone_are_told_so_at_once() {
    for path in [
        (|_| "/api/quote/AAPL".to_owned()) as fn(usize) -> String,
        |n| format!("/api/quote/S{n}"),
    ] {
        let upstream = Upstream::away();
        let proxy = Arc::new(Proxy::with(upstream.address, &["-v"]).await);
        for _ in 0..2 {
            for answer in all_at_once(&proxy, path).await {
                is_honest(&answer, Duration::from_secs(5));
            }
        }
        let calls = proxy.err().matches("upstream failed").count();
        assert!(
            calls * 10 <= 2 * CALLERS * 11,
            "{calls} calls for {} requests",
            2 * CALLERS
        );
        assert!(proxy.peak_memory() < 100, "{} MiB", proxy.peak_memory());
    }
}

#[tokio::test]
async fn five_hundred_callers_of_an_upstream_that_fails_cost_it_at_most_a_tenth_more() {
    let upstream = Upstream::that(Act::answer("HTTP/1.1 503 No", "down"));
    let proxy = Arc::new(Proxy::before(&upstream).await);
    for _ in 0..2 {
        for answer in all_at_once(&proxy, |n| format!("/api/quote/S{}", n % 50)).await {
            assert_eq!(answer.status, 503, "{answer:?}");
        }
    }
    let (calls, requests) = (upstream.calls(), 2 * CALLERS);
    assert!(
        calls * 10 <= requests * 11,
        "{calls} calls for {requests} requests"
    );
    assert!(proxy.peak_memory() < 100, "{} MiB", proxy.peak_memory());
}

#[tokio::test]
async fn five_hundred_callers_of_an_upstream_that_hangs_get_the_copy_or_an_error_in_time() {
    let upstream = Upstream::with(|seen| match seen.path() {
        "/api/quote/known" => Act::json(GOOD),
        _ => Act::send("").hangs(),
    });
    let proxy = Arc::new(Proxy::before(&upstream).await);
    assert_eq!(proxy.get("/api/quote/known").await.text(), GOOD);
    upstream.always(Act::send("").hangs());
    let before = upstream.calls();
    let path = |n: usize| {
        if n.is_multiple_of(2) {
            "/api/quote/known".to_owned()
        } else {
            format!("/api/quote/S{n}")
        }
    };
    for answer in all_at_once(&proxy, path).await {
        if answer.status == 200 {
            assert!(
                answer.text() == GOOD && answer.took < Duration::from_secs(5),
                "{:?}",
                answer.took
            );
        } else {
            is_honest(&answer, Duration::from_secs(13));
        }
    }
    let calls = upstream.calls() - before;
    assert!(
        calls * 10 <= CALLERS * 11,
        "{calls} calls for {CALLERS} requests"
    );
    assert!(proxy.peak_memory() < 100, "{} MiB", proxy.peak_memory());
    // The next one is not made to wait again.
    let begun = Instant::now();
    let answer = proxy.get("/api/quote/known").await;
    assert!(
        answer.text() == GOOD && begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn five_hundred_slow_callers_and_half_requests_do_not_keep_others_out() {
    let upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    let mut idle = Vec::new();
    for _ in 0..CALLERS {
        let mut caller = proxy.caller().await;
        caller.send("GET /a HTTP/1.1\r\nHost:").await;
        idle.push(caller);
    }
    sleep(Duration::from_millis(200)).await;
    let answer = proxy.get("/a").await;
    assert!(
        answer.text() == GOOD && answer.took < Duration::from_secs(1),
        "{:?}",
        answer.took
    );
}
