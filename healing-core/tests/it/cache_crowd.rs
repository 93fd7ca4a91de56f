//! Many callers of one thing: one call, each its own copy, and nobody gets what is not for all.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use healing_core::{
    Answer, Ask, Attempts, Body, CacheUse, Fault, Fidelity, Healer, Miss, Offer, Refusal, Strategy,
    StrategyId,
};
use http::Response;
use tokio::time::sleep;
use tower::ServiceExt;

use crate::{
    cache_support::{cached, cached_by, cached_with_background},
    layers_support::{
        NEWER, SERIES, URL, Upstream, answer, ask, get, get_with, hang, json, poll_once, seconds,
    },
};

fn fresh(body: &'static str) -> crate::layers_support::Act {
    json(body).with("cache-control", "max-age=10")
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_of_what_has_expired_make_one_call() {
    let upstream = Upstream::that(fresh(SERIES));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(fresh(NEWER).late(seconds(1)));
    let all = join_all((0..10_000).map(|_| ask(&client, get(URL)))).await;
    assert_eq!(upstream.calls(), 2);
    assert!(
        all.iter()
            .all(|got| got.text() == NEWER && got.truth.is_direct())
    );
    assert_eq!(all.iter().filter(|got| !got.truth.collapsed).count(), 1);
    let mut ids: Vec<_> = all.iter().map(|got| got.truth.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn who_meets_a_new_url_of_a_route_that_says_how_long_waits_too() {
    let upstream = Upstream::that(fresh(SERIES).late(seconds(1)));
    let client = cached(&upstream);
    ask(&client, get("http://fred.test/series?id=1")).await;
    let all = join_all((0..100).map(|_| ask(&client, get("http://fred.test/series?id=2")))).await;
    assert_eq!(upstream.calls(), 2);
    assert!(all.iter().all(|got| got.text() == SERIES));
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_all_at_once() {
    let upstream = Upstream::that(fresh(SERIES).with("etag", "\"1\""));
    let healer = Healer::builder().without_strategies().answer_errors();
    let client = cached_by(&upstream, healer.build());
    ask(&client, get(URL)).await;
    sleep(seconds(3600)).await;
    upstream.becomes(answer(503, "down").late(seconds(1)));
    let all = join_all((0..1_000).map(|_| ask(&client, get(URL)))).await;
    assert_eq!(upstream.calls(), 2);
    for got in &all {
        assert_eq!(
            (got.status, got.text(), got.took),
            (503, "down", seconds(1))
        );
        assert_eq!(got.truth.fidelity, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_end_reaches_all_at_once_too() {
    let upstream = Upstream::that(fresh(SERIES));
    let healer = Healer::builder().answer_errors().build();
    let client = cached_by(&upstream, healer);
    ask(&client, get(URL)).await;
    sleep(seconds(3600)).await;
    upstream.becomes(hang());
    let all = join_all((0..1_000).map(|_| ask(&client, get(URL)))).await;
    assert!(all.iter().all(|got| got.status == 504), "{:?}", all.first());
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_copy_that_stands_in_reaches_all_with_its_age() {
    let upstream = Upstream::that(fresh(SERIES));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(60)).await;
    upstream.becomes(hang());
    let all = join_all((0..100).map(|_| ask(&client, get(URL)))).await;
    for got in &all {
        assert!(got.is_copy(), "{got:?}");
        assert_eq!((got.truth.age, got.took), (Some(seconds(63)), seconds(3)));
    }
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_caller_goes_and_the_call_goes_on() {
    let upstream = Upstream::that(fresh(SERIES));
    let (client, background) = cached_with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(fresh(NEWER).late(seconds(2)));
    let mut first = Box::pin(client.clone().oneshot(get(URL)));
    assert!(poll_once(&mut first).await.is_none());
    let others = join_all((0..100).map(|_| ask(&client, get(URL))));
    let leave = async {
        sleep(seconds(1)).await;
        drop(first);
    };
    let (others, ()) = tokio::join!(others, leave);
    assert!(others.iter().all(|got| got.text() == NEWER));
    assert_eq!(upstream.calls(), 2);
    background.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_background_the_next_caller_takes_over() {
    let upstream = Upstream::that(fresh(SERIES));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(fresh(NEWER).late(seconds(2)));
    let mut first = Box::pin(client.clone().oneshot(get(URL)));
    assert!(poll_once(&mut first).await.is_none());
    let others = join_all((0..100).map(|_| ask(&client, get(URL))));
    let leave = async { drop(first) };
    let (others, ()) = tokio::join!(others, leave);
    assert!(others.iter().all(|got| got.text() == NEWER));
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn different_floors_stay_apart() {
    let upstream = Upstream::that(fresh(SERIES));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(60)).await;
    upstream.becomes(answer(503, "down").late(seconds(1)));
    let exact = [("healing-floor", "exact")];
    let (stale, exact) = tokio::join!(
        join_all((0..10).map(|_| ask(&client, get(URL)))),
        join_all((0..10).map(|_| ask(&client, get_with(URL, &exact)))),
    );
    assert!(stale.iter().all(crate::layers_support::Got::is_copy));
    assert!(exact.iter().all(|got| got.status == 503));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_others_is_asked_for_by_each() {
    let upstream = Upstream::that(fresh(SERIES));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(
        json(NEWER)
            .with("cache-control", "no-store")
            .late(seconds(1)),
    );
    let all = join_all((0..10).map(|_| ask(&client, get(URL)))).await;
    assert_eq!(upstream.calls(), 11);
    assert!(
        all.iter()
            .all(|got| !got.truth.collapsed && got.took <= seconds(2))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_is_given_while_one_call_renews_it() {
    let said = "max-age=10, stale-while-revalidate=20";
    let upstream = Upstream::that(json(SERIES).with("cache-control", said));
    let (client, background) = cached_with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    sleep(seconds(15)).await;
    upstream.becomes(json(NEWER).with("cache-control", said).late(seconds(1)));
    for _ in 0..100 {
        let got = ask(&client, get_with(URL, &[("x-of-the-caller", "1")])).await;
        assert_eq!(got.truth.cache, CacheUse::WhileRevalidating { ttl: -5 });
        assert!(got.is_copy() && got.text() == SERIES && got.took.is_zero());
    }
    sleep(seconds(2)).await;
    assert_eq!(upstream.calls(), 2);
    assert_eq!(upstream.last_fields()["x-of-the-caller"], "1");
    let got = ask(&client, get(URL)).await;
    assert!(got.is_hit() && got.text() == NEWER);
    sleep(seconds(29)).await;
    let got = ask(&client, get_with(URL, &[("healing-floor", "exact")])).await;
    assert!(got.truth.is_direct(), "{got:?}");
    background.stop().await;
}

/// Answers with a table of its own, where nothing in hand is better.
#[derive(Debug)]
struct Table;

impl Strategy for Table {
    fn id(&self) -> StrategyId {
        StrategyId::new("table")
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(Fidelity::Equivalent))
    }

    fn run<'a>(
        &'a self,
        _: &'a Ask,
        _: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        let table = Response::new(Body::from("table"));
        Box::pin(async { Ok(Answer::new(table, Fidelity::Equivalent)) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_for_an_answer_that_failed_reaches_all_at_once() {
    let upstream = Upstream::that(fresh(SERIES));
    let healer = Healer::builder().without_strategies().strategy(Table);
    let client = cached_by(&upstream, healer.build());
    ask(&client, get(URL)).await;
    sleep(seconds(3600)).await;
    upstream.becomes(answer(503, "down").late(seconds(1)));
    let all = join_all((0..1_000).map(|_| ask(&client, get(URL)))).await;
    assert_eq!(upstream.calls(), 2);
    assert!(
        all.iter()
            .all(|got| got.text() == "table" && got.truth.fidelity == Some(Fidelity::Equivalent))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_often_is_renewed_before_it_expires() {
    let upstream = Upstream::that(fresh(SERIES).late(seconds(1)));
    let (client, background) = cached_with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    // Often enough that chance plays no part: that no request of 50 a second comes to renew it has odds of 1 to 10^9.
    for _ in 0..2_000 {
        sleep(Duration::from_millis(20)).await;
        let got = ask(&client, get(URL)).await;
        assert!(got.is_hit() && got.took.is_zero(), "{got:?}");
    }
    assert!((5..12).contains(&upstream.calls()), "{}", upstream.calls());
    background.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pairs_of_callers_never_see_each_others_answers() {
    let upstream = Upstream::by(|request| {
        let who = ["authorization", "cookie", "x-api-key"]
            .iter()
            .map(|name| format!("{:?}", request.headers().get(*name)))
            .collect::<Vec<_>>();
        let body = serde_json::json!({ "rows": who }).to_string();
        json(body)
            .with("cache-control", "max-age=600")
            .late(seconds(1))
    });
    let client = cached(&upstream);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |bound: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % bound
    };
    let mut pairs = Vec::new();
    for _ in 0..1_000 {
        let name = ["authorization", "cookie", "x-api-key"][usize::try_from(pick(3)).unwrap()];
        let url: Arc<str> = format!("http://a.test/prices?n={}", pick(20)).into();
        pairs.push((name, url, pick(40).to_string(), pick(40).to_string()));
    }
    let asked = |name: &'static str, url: Arc<str>, value: String| {
        let client = &client;
        async move {
            let got = ask(client, get_with(&url, &[(name, &*value)])).await;
            assert!(
                got.text().contains(&format!("Some(\\\"{value}\\\")")),
                "{got:?}"
            );
        }
    };
    join_all(pairs.into_iter().map(|(name, url, one, other)| {
        let both = (asked(name, Arc::clone(&url), one), asked(name, url, other));
        async { tokio::join!(both.0, both.1) }
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_came_to_nothing_is_tried_again_when_its_answer_would_have_been_renewed() {
    let said = "max-age=10, stale-while-revalidate=60";
    for bad in [answer(503, "down"), answer(429, "slow down"), json("{}")] {
        let upstream = Upstream::that(json(SERIES).with("cache-control", said));
        let (client, background) = cached_with_background(&upstream, Healer::builder().build());
        ask(&client, get(URL)).await;
        sleep(seconds(15)).await;
        upstream.becomes(bad);
        let calls_after = async |times: u32| {
            for _ in 0..times {
                let got = ask(&client, get(URL)).await;
                assert!(got.is_copy() && got.took.is_zero(), "{got:?}");
                sleep(Duration::from_millis(100)).await;
            }
            upstream.calls()
        };
        // It was asked again, as far as the budget for that goes.
        let before = calls_after(40).await;
        assert!((2..=4).contains(&before), "{before} calls");
        assert_eq!(calls_after(55).await, before);
        upstream.becomes(json(NEWER).with("cache-control", said));
        sleep(Duration::from_millis(500)).await;
        assert_eq!(calls_after(1).await, before + 1);
        assert_eq!(ask(&client, get(URL)).await.text(), NEWER);
        background.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_back_is_asked_for_what_it_did_not_renew() {
    const SISTER: &str = "http://fred.test/fred/series/observations?series_id=DGS2";
    let said = "max-age=10, stale-while-revalidate=60";
    let upstream = Upstream::that(json(SERIES).with("cache-control", said));
    let (client, background) = cached_with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    sleep(seconds(15)).await;
    upstream.becomes(answer(503, "down"));
    for url in [URL, URL, SISTER, SISTER] {
        ask(&client, get(url)).await;
        sleep(seconds(1)).await;
    }
    upstream.becomes(json(NEWER).with("cache-control", said));
    while !ask(&client, get(SISTER)).await.truth.is_direct() {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ask(&client, get(URL)).await.text(), SERIES);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&client, get(URL)).await.text(), NEWER);
    background.stop().await;
}

#[tokio::test(start_paused = true)]
async fn callers_who_are_given_copies_meanwhile_count_when_the_source_is_tried_again() {
    let said = "max-age=1, stale-while-revalidate=10";
    let upstream = Upstream::that(json(SERIES).with("cache-control", said));
    let (client, background) = cached_with_background(&upstream, Healer::builder().build());
    ask(&client, get(URL)).await;
    upstream.becomes(json("{}"));
    // Past the time in which its origin lets it be given.
    for _ in 0..40 {
        assert_eq!(ask(&client, get(URL)).await.text(), SERIES);
        sleep(Duration::from_millis(300)).await;
    }
    upstream.becomes(json(NEWER).with("cache-control", said));
    for _ in 0..6 {
        ask(&client, get(URL)).await;
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(ask(&client, get(URL)).await.text(), NEWER);
    background.stop().await;
}
