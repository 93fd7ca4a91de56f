//! A caller's consent: what `Healing-Floor` refuses, and what it says when it cannot be read.

use healing_core::{Fidelity, Healer, Sent, StrategyId, TransportFault};
use tokio::time::sleep;

use crate::layers_support::{
    NEWER, SERIES, URL, Upstream, answer, ask, get, get_with, healed, healed_by, json, lost,
    seconds, try_ask,
};

fn floor(value: &str) -> http::Request<healing_core::Body> {
    get_with(URL, &[("healing-floor", value)])
}

#[tokio::test(start_paused = true)]
async fn who_takes_only_exact_answers_gets_the_upstreams_own_error() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "down").with("x-own", "1"));
    let got = ask(&client, floor("exact")).await;
    assert_eq!(
        (got.story(), got.text()),
        ((503, None, StrategyId::NONE), "down")
    );
    assert_eq!(got.headers["x-own"], "1");
    assert!(ask(&client, floor("stale")).await.is_copy());
}

#[tokio::test(start_paused = true)]
async fn who_takes_only_exact_answers_gets_a_problem_for_a_bad_200() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(json("{}"));
    let got = ask(&client, floor("exact")).await;
    assert_eq!(got.story(), (502, None, StrategyId::NONE));
    let problem: serde_json::Value = serde_json::from_str(got.text()).unwrap();
    assert_eq!(
        problem["type"],
        "urn:healing-proxy:problem:bad-upstream-data"
    );
    assert_eq!(
        (&problem["class"], &problem["fault"]),
        (&"empty_data".into(), &"no_data".into())
    );
}

#[tokio::test(start_paused = true)]
async fn who_takes_only_exact_answers_gets_the_inner_error() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(lost(TransportFault::Reset, Sent::Something));
    let error = try_ask(&client, floor("exact")).await.unwrap_err();
    assert_eq!(error.0, TransportFault::Reset);
}

#[tokio::test(start_paused = true)]
async fn an_exact_answer_is_given_under_every_floor() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    for fidelity in Fidelity::ALL {
        assert!(ask(&client, floor(fidelity.as_str())).await.is_fresh());
    }
    upstream.becomes(answer(503, ""));
    let retried = Upstream::in_turn([answer(503, ""), json(NEWER)]);
    let got = ask(&healed(&retried), floor("exact")).await;
    assert_eq!(got.truth.fidelity, Some(Fidelity::Exact));
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_age_refuses_an_older_copy() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "down"));
    sleep(seconds(5)).await;
    assert!(ask(&client, floor("stale;max-age=5")).await.is_copy());
    sleep(seconds(1)).await;
    let got = ask(&client, floor("stale;max-age=5")).await;
    assert_eq!((got.status, got.truth.fidelity), (503, None));
    assert!(ask(&client, floor("stale;max-age=60")).await.is_copy());
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_not_waited_with_until_it_is_older_than_its_caller_takes() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(json(NEWER).late(seconds(60)));
    sleep(seconds(4)).await;
    let got = ask(&client, floor("stale;max-age=5")).await;
    assert!(got.is_copy(), "{:?}", got.story());
    assert_eq!(got.truth.age.unwrap().as_secs(), 5);
    sleep(seconds(10)).await;
    let got = ask(&client, get(URL)).await;
    assert_eq!(
        got.truth.took.as_secs(),
        3,
        "others wait for all of the deadline"
    );
}

#[tokio::test(start_paused = true)]
async fn the_deployments_own_floor_refuses_too_and_callers_cannot_lower_it() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder()
        .floor(Fidelity::Exact)
        .floor_for_callers(Fidelity::Exact)
        .build();
    let client = healed_by(&upstream, healer);
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "down"));
    for request in [get(URL), floor("stale"), floor("substitute")] {
        assert_eq!(ask(&client, request).await.status, 503);
    }
}

#[tokio::test(start_paused = true)]
async fn a_floor_that_cannot_be_read_is_refused_with_the_grammar_and_nothing_is_sent() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    for bad in [
        "",
        "\"exact\"",
        "fresh",
        "exact, stale",
        "stale;max-age",
        "stale;max-age=-1",
        "stale;age=5",
        "exact;",
    ] {
        let got = ask(&client, floor(bad)).await;
        assert_eq!(got.story(), (400, None, StrategyId::NONE), "{bad:?}");
        assert_eq!(got.headers["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(got.text()).unwrap();
        assert_eq!(problem["type"], "urn:healing-proxy:problem:bad-floor");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("exact, equivalent, stale") && detail.contains(";max-age=SECONDS"));
    }
    let twice = get_with(
        URL,
        &[("healing-floor", "exact"), ("healing-floor", "stale")],
    );
    assert_eq!(ask(&client, twice).await.status, 400);
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_floor_that_cannot_be_read_is_refused_on_every_method() {
    let upstream = Upstream::that(json(SERIES));
    let mut post = floor("fresh");
    *post.method_mut() = http::Method::POST;
    let got = ask(&healed(&upstream), post).await;
    assert_eq!((got.status, upstream.calls()), (400, 0));
}
