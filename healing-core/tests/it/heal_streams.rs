//! Answers that are judged by their head: streams, answers without a body, large ones; and what happens when one breaks.

use healing_core::{Body, Fidelity, Healer, StrategyId};
use http::Request;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::layers_support::{
    Act, SERIES, URL, Upstream, answer, ask, get, get_with, healed, healed_by, json, seconds,
};

#[tokio::test(start_paused = true)]
async fn streams_and_answers_without_a_body_pass_unjudged() {
    let events = answer(200, "").with("content-type", "text/event-stream; charset=utf-8");
    let lines = answer(200, "{\"a\":").with("content-type", "application/x-ndjson");
    let part = answer(206, "{\"a\":").with("content-type", "application/json");
    let acts = [
        events,
        lines,
        part,
        answer(204, ""),
        answer(304, ""),
        answer(301, ""),
    ];
    for act in acts {
        let upstream = Upstream::that(json(SERIES));
        let client = healed(&upstream);
        ask(&client, get(URL)).await;
        upstream.becomes(act);
        let got = ask(&client, get(URL)).await;
        assert!(got.truth.is_direct() && got.status != 502, "{got:?}");
        assert_eq!(
            (got.truth.fidelity, upstream.calls()),
            (Some(Fidelity::Exact), 2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_passed_on_before_it_ends_and_its_break_is_an_error() {
    let act = answer(200, "data: 1\n\n").with("content-type", "text/event-stream");
    let upstream = Upstream::that(act.goes_on("data: 2\n\n", seconds(60)));
    let response = healed(&upstream).oneshot(get(URL)).await.unwrap();
    let mut body = response.into_body();
    let asked = Instant::now();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "data: 1\n\n"
    );
    assert_eq!(asked.elapsed(), seconds(0));
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "data: 2\n\n"
    );
    assert_eq!(
        asked.elapsed(),
        seconds(60),
        "an event stream may be silent for long"
    );
    assert!(body.frame().await.unwrap().is_err());
}

fn head() -> Request<Body> {
    Request::head(URL).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn head_passes_with_the_length_of_what_it_is_about() {
    let upstream = Upstream::that(answer(200, "").with("content-length", 5_000));
    let got = ask(&healed(&upstream), head()).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Exact), StrategyId::DIRECT)
    );
    assert_eq!(got.headers["content-length"], "5000");
}

#[tokio::test(start_paused = true)]
async fn an_error_to_head_passes_as_it_came() {
    let upstream = Upstream::that(answer(503, "").with("content-length", 120));
    let got = ask(&healed(&upstream), head()).await;
    assert_eq!(got.story(), (503, None, StrategyId::NONE));
    assert_eq!(got.headers["content-length"], "120");
    assert!(!got.headers.contains_key("content-type"), "no body of ours");
}

/// When the head came to the caller, of a body that goes on for a minute.
async fn head_of(act: Act) -> (http::Response<Body>, std::time::Duration) {
    let upstream = Upstream::that(act);
    let healer = Healer::builder().judge_up_to(1_000).build();
    let asked = Instant::now();
    let client = healed_by(&upstream, healer);
    let response = client.oneshot(get(URL)).await.unwrap();
    (response, asked.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_bound_is_streamed_and_not_read_whole() {
    let big = "x".repeat(2_000);
    let text = answer(200, big.clone()).with("content-type", "text/plain");
    let declared = text.clone().with("content-length", 3_000);
    for act in [declared, text] {
        let (response, waited) = head_of(act.goes_on("rest", seconds(5))).await;
        assert_eq!((response.status().as_u16(), waited), (200, seconds(0)));
        let mut body = response.into_body();
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            big
        );
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "rest"
        );
        assert!(body.frame().await.unwrap().is_err(), "a break is no end");
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_an_error_above_the_bound_is_streamed_too() {
    let act = answer(500, "x".repeat(2_000)).with("content-length", 3_000);
    let (response, waited) = head_of(act.goes_on("rest", seconds(5))).await;
    assert_eq!(response.status().as_u16(), 500);
    assert!(waited < seconds(1), "it was read whole first: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_no_length_is_held_for_the_deadline_and_its_later_break_is_an_error() {
    let (response, waited) = head_of(json("{\"rows\":[").goes_on("1", seconds(5))).await;
    assert_eq!((response.status().as_u16(), waited), (200, seconds(3)));
    let error = response.into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("reset"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_falls_silent_after_the_hold_is_an_error_after_the_timeout() {
    let (response, _) = head_of(json("{\"rows\":[").falls_silent()).await;
    let asked = Instant::now();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(asked.elapsed(), seconds(10));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_no_length_that_ends_within_the_hold_is_judged_and_kept() {
    let upstream = Upstream::that(json(SERIES).stops());
    let client = healed(&upstream);
    assert!(ask(&client, get(URL)).await.is_fresh());
    upstream.becomes(json("{\"units\":").stops());
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_passes_untouched() {
    let upstream = Upstream::that(answer(503, "down"));
    let got = ask(
        &healed(&upstream),
        get_with(URL, &[("upgrade", "websocket")]),
    )
    .await;
    assert_eq!((got.status, upstream.calls()), (503, 1));
}

/// A request's body that breaks off.
struct Torn;

impl http_body::Body for Torn {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(5)
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_breaks_off_is_answered_with_provenance_and_not_sent() {
    let upstream = Upstream::that(json(SERIES));
    let request = Request::get(URL).body(Torn).unwrap();
    let answer = healed(&upstream).oneshot(request).await.unwrap();
    assert_eq!(
        (answer.status().is_client_error(), upstream.calls()),
        (true, 0)
    );
    assert!(
        answer
            .extensions()
            .get::<healing_core::Provenance>()
            .is_some()
    );
}
