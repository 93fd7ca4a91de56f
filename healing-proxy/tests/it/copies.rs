//! With a last good answer in hand: every form of failure is healed, quickly, truly labelled, and without a storm.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use crate::{
    forms::{Fault, Form, GOOD, LATER, each, forms},
    stage::{Answer, Proxy},
    upstream::{Act, Upstream},
    wire::End,
};

const PATH: &str = "/api/quote/AAPL?range=1mo";

const SOON: Duration = Duration::from_millis(3_500);

fn is_fresh(answer: &Answer, body: &str) {
    let head = &answer.head;
    assert_eq!(
        (answer.status, answer.text()),
        (200, body.to_owned()),
        "{head:?}"
    );
    assert!(
        !answer.head.has("healing") && !answer.head.has("age"),
        "{head:?}"
    );
}

fn is_the_copy(answer: &Answer) {
    let head = &answer.head;
    assert_eq!(
        (answer.status, answer.end),
        (200, End::Whole),
        "{head:?} {}",
        answer.text()
    );
    assert_eq!(answer.text(), GOOD, "{head:?}");
    assert!(answer.took < SOON, "{:?}", answer.took);
    let healing = answer.get("healing");
    assert!(
        healing.starts_with("stale;strategy=use_cached_data;source=quote;class="),
        "{head:?}"
    );
    let id = answer.get("x-request-id");
    assert!(
        id.len() == 36 && healing.contains(&format!("id=\"{id}\"")),
        "{healing} {id}"
    );
    assert!(
        head.get("content-type") == "application/json" && head.has("proxy-status"),
        "{head:?}"
    );
}

/// Whether the age is that of an answer that came then, in the field and in the label.
fn is_as_old_as(answer: &Answer, came: Instant) {
    let age: u64 = answer.get("age").parse().expect("an age");
    let truth = came.elapsed().as_secs();
    assert!(age.abs_diff(truth) <= 1, "{age} s is not {truth} s");
    let healing = answer.get("healing");
    assert!(healing.contains(&format!(";age={age};")), "{healing}");
}

#[tokio::test]
async fn every_failure_after_a_good_answer_becomes_that_answer_with_its_true_age_and_label() {
    each(forms(), |form| async move {
        let mut upstream = Upstream::that(Act::json(GOOD));
        let proxy = Proxy::before(&upstream).await;
        is_fresh(&proxy.get(PATH).await, GOOD);
        let came = Instant::now();
        sleep(Duration::from_millis(2_200)).await;
        form.strikes(&mut upstream).await;
        let answer = proxy.get(PATH).await;
        is_the_copy(&answer);
        is_as_old_as(&answer, came);
        let healing = answer.get("healing");
        assert!(
            healing.contains(&format!(";class={};", form.class)),
            "{healing}"
        );
        let status = answer.get("cache-status");
        assert!(
            status.contains(";fwd=stale") && status.contains("detail=stale-if-error"),
            "{status}"
        );
    })
    .await;
}

/// Asks twice a second, so often, without waiting for answers; each is checked as it comes.
async fn ask_twice_a_second(proxy: &Arc<Proxy>, times: usize) -> Vec<Answer> {
    let mut due = interval(Duration::from_millis(500));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asked = JoinSet::new();
    for _ in 0..times {
        due.tick().await;
        let proxy = Arc::clone(proxy);
        asked.spawn(async move { proxy.get(PATH).await });
    }
    asked.join_all().await
}

/// Upstream calls so far: those that the API saw and, where it saw none, those that the log speaks of.
fn calls(form: &Form, upstream: &Upstream, proxy: &Proxy) -> usize {
    match form.fault {
        Fault::Acts(_) => upstream.calls(),
        Fault::Refuses => upstream.calls() + proxy.err().matches("upstream failed").count(),
    }
}

#[tokio::test]
async fn thirty_requests_of_an_outage_cost_few_calls_and_two_seconds_after_it_answers_are_fresh() {
    each(forms(), |form| async move {
        let mut upstream = Upstream::that(Act::json(GOOD));
        let proxy = Arc::new(Proxy::with(upstream.address, &["-v"]).await);
        is_fresh(&proxy.get(PATH).await, GOOD);
        let before = upstream.calls();
        form.strikes(&mut upstream).await;
        for answer in ask_twice_a_second(&proxy, 30).await {
            is_the_copy(&answer);
        }
        let made = calls(&form, &upstream, &proxy) - before;
        assert!(made >= 1, "nobody asked whether it is over");
        assert!(made <= 30 + 18, "{made} calls for 30 requests");

        form.is_over(&mut upstream, Act::json(LATER));
        let over = Instant::now();
        for answer in ask_twice_a_second(&proxy, 4).await {
            assert!(answer.status == 200 && answer.took < SOON, "{answer:?}");
        }
        sleep_until(over + Duration::from_secs(2)).await;
        for answer in ask_twice_a_second(&proxy, 3).await {
            is_fresh(&answer, LATER);
        }
    })
    .await;
}

#[tokio::test]
async fn the_age_that_an_answer_came_with_counts() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nAge: 100";
    let upstream = Upstream::that(Act::answer(head, GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get(PATH).await.text(), GOOD);
    sleep(Duration::from_secs(1)).await;
    upstream.always(Act::answer("HTTP/1.1 500 Oops", ""));
    let answer = proxy.get(PATH).await;
    is_the_copy(&answer);
    let age: u64 = answer.get("age").parse().unwrap();
    assert!((100..=102).contains(&age), "{age}");
}

#[tokio::test]
async fn one_outage_after_the_other_is_healed_and_left_behind() {
    let mut upstream = Upstream::that(Act::json(GOOD));
    let proxy = Arc::new(Proxy::before(&upstream).await);
    is_fresh(&proxy.get(PATH).await, GOOD);
    for _ in 0..3 {
        upstream.goes().await;
        for answer in ask_twice_a_second(&proxy, 2).await {
            is_the_copy(&answer);
        }
        upstream.comes();
        ask_twice_a_second(&proxy, 5).await;
        is_fresh(&proxy.get(PATH).await, GOOD);
    }
}

#[tokio::test]
async fn a_head_request_is_healed_by_the_copy_of_a_get_without_its_body() {
    let mut upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    let get = format!("GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n");
    is_fresh(&proxy.ask(&get).await, GOOD);
    upstream.goes().await;
    let answer = proxy
        .ask(&format!("HEAD {PATH} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .await;
    assert_eq!(
        (answer.status, answer.get("content-length")),
        (200, GOOD.len().to_string())
    );
    assert!(
        answer.get("healing").starts_with("stale;"),
        "{:?}",
        answer.head
    );
}

#[tokio::test]
async fn a_caller_that_has_the_copy_is_told_so_in_an_outage() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"v1\"";
    let mut upstream = Upstream::that(Act::answer(head, GOOD));
    let proxy = Proxy::before(&upstream).await;
    let get = format!("GET {PATH} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(proxy.ask(&get).await.text(), GOOD);
    upstream.goes().await;
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v1\"\r\n\r\n");
    let answer = proxy.ask(&request).await;
    assert_eq!(
        (answer.status, answer.get("etag")),
        (304, "\"v1\"".to_owned()),
        "{answer:?}"
    );
}
