//! Every form of a bad answer, with and without a copy in hand: what the caller gets, with which label, after how many calls.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use healing_core::{FaultClass, Fidelity, Healer, Sent, StaleLayer, StrategyId, TransportFault};
use tower::Layer;

use crate::layers_support::{
    Act, Got, SERIES, URL, Upstream, answer, ask, get, hang, healed, json, lost, seconds, try_ask,
};

/// A bad answer: its name, what comes, and what is said of it.
type Form = (&'static str, Act, (FaultClass, &'static str));

fn gzipped(text: &str) -> Act {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    json(encoder.finish().expect("memory")).with("content-encoding", "gzip")
}

const NOTE: &str =
    r#"{"Note":"Thank you! Our standard API call frequency is 5 calls per minute."}"#;

fn forms() -> Vec<Form> {
    let mut all = failures();
    all.extend(contents());
    all.extend(breaks());
    all
}

/// No answer, or one whose status is bad.
fn failures() -> Vec<Form> {
    use FaultClass as C;
    let server_error = (C::ServerError, "server_error_5xx");
    let refused = lost(TransportFault::Refused, Sent::Nothing);
    let reset = lost(TransportFault::Reset, Sent::Something);
    vec![
        ("500", answer(500, "oops"), server_error),
        ("503", answer(503, ""), server_error),
        (
            "429",
            answer(429, "slow down"),
            (C::RateLimit, "rate_limit_429"),
        ),
        ("403", answer(403, "no"), (C::Forbidden, "forbidden_403")),
        ("refused", refused, (C::ConnectionError, "connect_refused")),
        ("reset", reset, (C::ConnectionError, "reset_mid_response")),
    ]
}

/// A good status over something else than the data.
fn contents() -> Vec<Form> {
    use FaultClass as C;
    let page = answer(200, "<!doctype html><html><body>Sorry</body></html>");
    let html = page.with("content-type", "text/html");
    let error = json(r#"{"error":"it broke"}"#);
    vec![
        ("empty", json(""), (C::EmptyData, "empty_body")),
        ("bare", json("{}"), (C::EmptyData, "no_data")),
        ("html", html, (C::MalformedBody, "html_instead")),
        ("error", error, (C::ServerError, "general/error_object")),
        ("note", json(NOTE), (C::RateLimit, "general/message")),
        ("zipped", gzipped(NOTE), (C::RateLimit, "general/message")),
    ]
}

/// An answer that does not come to its end.
fn breaks() -> Vec<Form> {
    use FaultClass as C;
    let part = json(r#"{"units":"lin","observations":[{"da"#);
    let part_of = part.clone().with("content-length", SERIES.len());
    let reset = (C::ConnectionError, "reset_mid_response");
    let silent = (C::Timeout, "timeout_body");
    vec![
        (
            "cut",
            part_of.clone().stops(),
            (C::MalformedBody, "truncated_body"),
        ),
        ("broken", part_of.clone().breaks(), reset),
        ("silent head", hang(), (C::Timeout, "timeout_headers")),
        ("silent body", part_of.falls_silent(), silent),
        ("silent, no length", part.falls_silent(), silent),
    ]
}

#[track_caller]
fn is_last_good(name: &str, got: &Got, class: FaultClass, detail: &str) {
    let stale = (200, Some(Fidelity::Stale), StrategyId::USE_CACHED_DATA);
    assert_eq!(got.story(), stale, "{name}");
    assert_eq!(got.text(), SERIES, "{name}");
    assert_eq!(got.truth.age, Some(seconds(60) + got.took), "{name}");
    assert!(
        got.took < seconds(3) + seconds(1) / 2,
        "{name}: {:?}",
        got.took
    );
    let fault = got.truth.fault.as_ref().expect("a fault");
    assert_eq!((fault.class, &*fault.detail), (class, detail), "{name}");
}

#[tokio::test(start_paused = true)]
async fn after_a_good_answer_every_bad_one_becomes_the_copy_with_its_true_age() {
    for (name, act, (class, detail)) in forms() {
        let upstream = Upstream::that(json(SERIES));
        let client = StaleLayer::default().layer(upstream.port());
        assert!(ask(&client, get(URL)).await.is_fresh(), "{name}");
        tokio::time::sleep(seconds(60)).await;
        upstream.becomes(act);
        let got = ask(&client, get(URL)).await;
        is_last_good(name, &got, class, detail);
        assert_eq!((got.truth.attempts, upstream.calls()), (1, 2), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_does_so_after_retrying_in_vain_as_well() {
    for (name, act, (class, detail)) in forms() {
        let upstream = Upstream::that(json(SERIES));
        let client = healed(&upstream);
        ask(&client, get(URL)).await;
        tokio::time::sleep(seconds(60)).await;
        upstream.becomes(act);
        let got = ask(&client, get(URL)).await;
        is_last_good(name, &got, class, detail);
        let calls = if class.may_pass_at_once() && class != FaultClass::Timeout {
            3
        } else {
            1
        };
        assert_eq!(got.truth.attempts, calls, "{name}");
        assert_eq!(upstream.calls(), 1 + calls as usize, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_answer_passes_as_it_came_after_one_call() {
    let upstream = Upstream::that(json(SERIES).with("x-own", "1"));
    let client = healed(&upstream);
    for _ in 0..3 {
        let got = ask(&client, get(URL)).await;
        assert_eq!(
            got.story(),
            (200, Some(Fidelity::Exact), StrategyId::DIRECT)
        );
        assert!(got.truth.is_direct() && got.truth.attempts == 1 && got.truth.age.is_none());
        assert_eq!(
            (got.text(), &got.headers["x-own"]),
            (SERIES, &"1".parse().unwrap())
        );
    }
    assert_eq!(upstream.calls(), 3);
}

/// What comes out: the status or the inner error, how close, how many calls.
type Out = (Option<u16>, Option<Fidelity>, usize);

/// Every class that an exchange can have: what comes, what comes out with a copy, and what without.
fn classes() -> Vec<(FaultClass, Act, Out, Out)> {
    use FaultClass as C;
    let refused = lost(TransportFault::Refused, Sent::Nothing);
    let quota =
        json(r#"{"Information":"You have reached the 25 requests per day quota of your plan"}"#);
    let closed = json(r#"{"message":"We are down for maintenance, please come back"}"#);
    let copy = |calls| (Some(200), Some(Fidelity::Stale), calls);
    let error = |status, calls| (Some(status), None, calls);
    let passed = |status| (Some(status), Some(Fidelity::Exact), 1);
    vec![
        (C::RateLimit, answer(429, ""), copy(1), error(429, 1)),
        (C::QuotaExceeded, quota, copy(1), error(502, 1)),
        (C::AuthError, answer(401, ""), passed(401), passed(401)),
        (C::Forbidden, answer(403, ""), copy(1), error(403, 1)),
        (C::NotFound, answer(404, ""), passed(404), passed(404)),
        (C::InvalidRequest, answer(400, ""), passed(400), passed(400)),
        (C::ServerError, answer(500, ""), copy(3), error(500, 3)),
        (C::Timeout, hang(), copy(1), error(504, 1)),
        (C::ConnectionError, refused, copy(3), (None, None, 3)),
        (C::EmptyData, json(""), copy(3), error(502, 3)),
        (C::MalformedBody, json("{\"a\":"), copy(3), error(502, 3)),
        (C::PremiumRequired, answer(402, ""), copy(1), error(402, 1)),
        (C::Blocked, answer(451, ""), copy(1), error(451, 1)),
        (C::Maintenance, closed, copy(1), error(502, 1)),
    ]
}

async fn outcome(upstream: &Upstream, with_copy: bool, act: Act) -> (Out, Option<FaultClass>) {
    let client = healed(upstream);
    if with_copy {
        ask(&client, get(URL)).await;
    }
    upstream.becomes(act);
    let before = upstream.calls();
    let got = try_ask(&client, get(URL)).await;
    let calls = upstream.calls() - before;
    match got {
        Ok(got) => {
            let class = got.truth.fault.as_ref().map(|fault| fault.class);
            ((Some(got.status), got.truth.fidelity, calls), class)
        }
        Err(_) => ((None, None, calls), None),
    }
}

#[tokio::test(start_paused = true)]
async fn each_class_comes_out_as_the_table_says_with_and_without_a_copy() {
    for (class, act, with_copy, without) in classes() {
        let upstream = Upstream::that(json(SERIES));
        let (out, told) = outcome(&upstream, true, act.clone()).await;
        assert_eq!(out, with_copy, "{class} with a copy");
        assert_eq!(told, (!class.is_the_callers()).then_some(class), "{class}");
        let (out, _) = outcome(&upstream, false, act).await;
        assert_eq!(out, without, "{class} without a copy");
    }
    let untested = FaultClass::ALL.len() - classes().len();
    assert_eq!(untested, 1, "stale_data has no general rule");
}

#[tokio::test(start_paused = true)]
async fn exhausted_healing_returns_the_inner_error_or_a_problem_where_that_is_set() {
    let refused = lost(TransportFault::Refused, Sent::Nothing);
    let upstream = Upstream::that(refused);
    let error = try_ask(&healed(&upstream), get(URL)).await.unwrap_err();
    assert_eq!((error.0, error.1), (TransportFault::Refused, Sent::Nothing));
    let healer = Healer::builder().answer_errors().build();
    let client = crate::layers_support::healed_by(&upstream, healer);
    let got = ask(&client, get(URL)).await;
    assert_eq!(got.story(), (502, None, StrategyId::NONE));
    assert_eq!(got.headers["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(got.text()).unwrap();
    assert_eq!(
        problem["type"],
        "urn:healing-proxy:problem:upstream-unreachable"
    );
    assert_eq!(problem["class"], "connection_error");
    assert_eq!(problem["instance"], format!("urn:uuid:{}", got.truth.id));
}

#[tokio::test(start_paused = true)]
async fn the_last_real_error_answer_is_passed_as_it_came() {
    let first = answer(500, "first").with("x-own", "1");
    let last = answer(503, "last").with("x-own", "2");
    let upstream = Upstream::in_turn([first, last]);
    let got = ask(&healed(&upstream), get(URL)).await;
    assert_eq!(
        (got.story(), got.text()),
        ((503, None, StrategyId::NONE), "last")
    );
    assert_eq!(got.headers["x-own"], "2");
}
