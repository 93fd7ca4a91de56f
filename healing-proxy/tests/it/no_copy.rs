//! With nothing in hand: an honest error, never a cut or empty body as a success, and patience with what is only slow.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    forms::{Form, GOOD, each, forms},
    stage::{Answer, Proxy, get},
    upstream::{Act, Upstream},
    wire::End,
};

const PATH: &str = "/api/quote/AAPL";

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What nobody can tell from a good answer of an API that was never seen.
fn may_be_good(form: &Form) -> bool {
    matches!(form.name, "page" | "empty object")
}

fn is_a_problem(answer: &Answer, form: &Form) {
    assert_eq!(
        answer.get("content-type"),
        "application/problem+json",
        "{answer:?}"
    );
    let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(problem["status"], answer.status);
    assert_eq!(problem["class"], form.class, "{problem}");
    assert_eq!(problem["source"], "quote", "{problem}");
    let id = answer.get("x-request-id");
    assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
    assert!(
        answer.head.has("proxy-status") && !answer.head.has("cache-status"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn every_failure_of_an_url_never_seen_is_an_honest_error_in_time() {
    let hangs = |form: &Form| form.name.starts_with("hang");
    let bad = forms().into_iter().filter(|form| !may_be_good(form));
    // Those that are timed do not wait for others to start.
    let (timed, quick) = bad.partition(hangs);
    for bad in [quick, timed] {
        is_honest_in_time(bad).await;
    }
}

async fn is_honest_in_time(bad: Vec<Form>) {
    each(bad, |form| async move {
        let mut upstream = Upstream::away();
        upstream.comes();
        form.strikes(&mut upstream).await;
        let proxy = Proxy::before(&upstream).await;
        let answer = proxy.get(PATH).await;
        match form.name {
            // It was being passed on when it fell silent; only the connection can say so.
            "hang in the chunks" => {
                assert!(matches!(answer.end, End::Cut | End::Reset), "{answer:?}");
                return;
            }
            "500" | "502 page" | "503 empty" | "429" => {
                let own = form.name.split(' ').next().unwrap_or_default();
                assert_eq!(answer.status.to_string(), own);
                assert_eq!(answer.get("x-own"), "1", "{answer:?}");
                assert_eq!(answer.body.is_empty(), form.name == "503 empty");
            }
            hang if hang.starts_with("hang") => assert_eq!(answer.status, 504, "{answer:?}"),
            _ => assert_eq!(answer.status, 502, "{answer:?}"),
        }
        assert_eq!(answer.end, End::Whole);
        assert!(
            answer.took < Duration::from_millis(10_500),
            "{:?}",
            answer.took
        );
        if !answer.head.has("x-own") {
            is_a_problem(&answer, &form);
        }
    })
    .await;
}

#[tokio::test]
async fn what_may_be_good_passes_as_it_came() {
    let unsure = forms().into_iter().filter(may_be_good).collect();
    each(unsure, |form| async move {
        let mut upstream = Upstream::away();
        upstream.comes();
        form.strikes(&mut upstream).await;
        let proxy = Proxy::before(&upstream).await;
        let answer = proxy.get(PATH).await;
        assert_eq!((answer.status, answer.end), (200, End::Whole));
        assert!(!answer.body.is_empty() && !answer.head.has("healing"));
    })
    .await;
}

/// The answer of an API never seen before, with nothing in hand.
async fn first_answer(act: Act) -> Answer {
    let upstream = Upstream::that(act);
    Proxy::before(&upstream).await.get(PATH).await
}

fn is_broken_off(answer: &Answer) {
    assert_eq!(answer.status, 200);
    assert!(!answer.body.is_empty(), "it did not stream");
    assert!(
        matches!(answer.end, End::Cut | End::Reset),
        "{:?}",
        answer.end
    );
}

#[tokio::test]
async fn chunks_that_end_too_early_after_they_were_passed_on_never_end_cleanly() {
    let begun =
        Act::send(format!("{CHUNKED}9\r\n{{\"rows\":[\r\n")).pause(Duration::from_millis(3_500));
    let more = begun.then("2\r\n1,\r\n");
    let (closed, reset) = tokio::join!(
        first_answer(more.clone().closes()),
        first_answer(more.pause(Duration::from_millis(50)).resets()),
    );
    is_broken_off(&closed);
    is_broken_off(&reset);
}

#[tokio::test]
async fn a_body_without_length_that_is_reset_after_it_was_passed_on_never_ends_cleanly() {
    let begun = Act::send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"rows\":[");
    let act = begun
        .pause(Duration::from_millis(3_500))
        .then("1,")
        .pause(Duration::from_millis(50));
    is_broken_off(&first_answer(act.resets()).await);
}

#[tokio::test]
async fn a_large_body_that_is_cut_never_ends_cleanly() {
    let counted =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99000000\r\n\r\n";
    let line = "1, ".repeat(1000);
    let chunk = format!("{:x}\r\n{line}\r\n", line.len());
    for act in [
        Act::send(counted).then_times(line, 2_000),
        Act::send(CHUNKED).then_times(chunk, 2_000),
    ] {
        let answer = first_answer(act.closes()).await;
        is_broken_off(&answer);
        assert!(answer.body.len() > 3_000_000, "{}", answer.body.len());
    }
}

#[tokio::test]
async fn a_slow_healthy_answer_is_waited_for() {
    let (first, rest) = GOOD.split_at(20);
    let counted = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        GOOD.len()
    );
    let slow = Duration::from_millis(4_500);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let (late, slow_body, slow_chunks) = tokio::join!(
        first_answer(Act::json(GOOD).late(Duration::from_secs(9))),
        first_answer(Act::send(counted).pause(slow).then(rest.to_owned())),
        first_answer(
            Act::send(format!("{CHUNKED}{}", chunk(first)))
                .pause(slow)
                .then(format!("{}0\r\n\r\n", chunk(rest)))
        ),
    );
    for answer in [late, slow_body, slow_chunks] {
        assert_eq!((answer.status, answer.end), (200, End::Whole));
        assert_eq!(answer.text(), GOOD);
        assert!(
            answer.took >= slow && !answer.head.has("healing"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_that_is_over_the_next_moment_is_retried_and_labelled() {
    let upstream = Upstream::with(|_| Act::answer("HTTP/1.1 503 No", ""));
    let proxy = Proxy::before(&upstream).await;
    let times = std::sync::atomic::AtomicUsize::new(0);
    upstream.plays(
        move |_| match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Act::answer("HTTP/1.1 503 No", ""),
            _ => Act::json(GOOD),
        },
    );
    let answer = proxy.get(PATH).await;
    assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
    let healing = answer.get("healing");
    assert!(
        healing.starts_with("exact;strategy=exponential_backoff_retry;"),
        "{healing}"
    );
    assert!(
        healing.contains(";attempts=2;") && !answer.head.has("age"),
        "{:?}",
        answer.head
    );
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test]
async fn the_callers_own_mistakes_pass_as_they_are_with_and_without_a_copy() {
    for with_copy in [false, true] {
        for status in [400, 401, 404, 405, 410, 415, 422] {
            let upstream = Upstream::that(Act::json(GOOD));
            let proxy = Proxy::before(&upstream).await;
            if with_copy {
                assert_eq!(proxy.get(PATH).await.text(), GOOD);
            }
            let body = format!("{{\"error\":\"mistake {status}\"}}");
            let head =
                format!("HTTP/1.1 {status} Mistake\r\nContent-Type: application/json\r\nX-Own: 1");
            upstream.always(Act::answer(&head, &body));
            for _ in 0..3 {
                let before = upstream.calls();
                let answer = proxy.get(PATH).await;
                assert_eq!((answer.status, answer.text()), (status, body.clone()));
                assert_eq!(answer.get("x-own"), "1");
                assert!(!answer.head.has("healing"), "{:?}", answer.head);
                assert_eq!(upstream.calls(), before + 1, "{status} is not asked twice");
            }
        }
    }
}

#[tokio::test]
async fn an_outage_ends_for_a_caller_without_a_copy_as_soon_as_it_is_over() {
    let mut upstream = Upstream::away();
    let proxy = Proxy::before(&upstream).await;
    for _ in 0..5 {
        let answer = proxy.get(PATH).await;
        assert!(matches!(answer.status, 502 | 503), "{answer:?}");
        assert!(answer.took < Duration::from_secs(3), "{:?}", answer.took);
        if answer.status == 503 {
            let wait: u64 = answer.get("retry-after").parse().expect("a wait");
            assert!(wait <= 5, "{wait}");
        }
    }
    upstream.comes();
    upstream.always(Act::json(GOOD));
    let over = Instant::now();
    while proxy.get(PATH).await.status != 200 {
        assert!(
            over.elapsed() < Duration::from_millis(2_500),
            "not over after {:?}",
            over.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_costs_nobody_anything() {
    let upstream = Upstream::that(Act::json(GOOD).late(Duration::from_millis(300)));
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    caller.send(get(PATH)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(caller);
    assert_eq!(proxy.get(PATH).await.text(), GOOD);
    assert_eq!(upstream.calls(), 2);
}
