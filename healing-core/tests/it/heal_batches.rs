//! Lists in parts and single things together: what is asked, what is joined, and where it keeps out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{
    BatchLayer, BatchRequests, Fidelity, Param, Parts, Pattern, ReduceLayer, ReduceRequest, Source,
    StrategyId,
};
use tower::Layer;

use crate::layers_support::{Act, Upstream, answer, ask, get, json};

fn quotes(batch: BatchRequests) -> BatchLayer {
    let pattern = Pattern::of("/quote".parse().unwrap());
    let pattern = pattern.param("symbols", Param::Query("symbols".into()));
    BatchLayer::new(Source::new("vendor").unwrap(), pattern, batch).unwrap()
}

fn rows() -> BatchRequests {
    BatchRequests::of("symbols", Parts::rows("/rows", "s"))
}

/// The rows of the symbols that a URL asks for; broken where it asks for `BAD`.
fn market(url: &str) -> Act {
    let asked = url.split("symbols=").nth(1).unwrap_or_default();
    let asked = asked.replace("%2C", ",");
    if asked.contains("BAD") {
        return answer(500, "");
    }
    let rows: Vec<String> = asked
        .split(',')
        .map(|symbol| format!("{{\"s\":\"{symbol}\",\"p\":1.50}}"))
        .collect();
    let body = format!("{{\"rows\":[{}]}}", rows.join(","));
    json(body)
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_is_left_out_and_the_rest_says_how_much_it_is() {
    let upstream = Upstream::by(|request| market(&request.uri().to_string()));
    let client = quotes(rows()).layer(upstream.port());
    let got = ask(&client, get("http://a.test/quote?symbols=A,B,BAD")).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Reduced), StrategyId::BATCH_REQUESTS)
    );
    assert_eq!(
        got.text(),
        r#"{"rows":[{"s":"A","p":1.50},{"s":"B","p":1.50}]}"#
    );
    let label = got.truth.instead.unwrap().label;
    assert_eq!(label.as_deref(), Some("2 of 3 objects"));
}

#[tokio::test(start_paused = true)]
async fn where_no_part_comes_the_source_has_the_last_word() {
    let upstream = Upstream::by(|_| answer(500, "down"));
    let client = quotes(rows()).layer(upstream.port());
    let got = ask(&client, get("http://a.test/quote?symbols=A,B")).await;
    assert_eq!((got.status, got.text()), (500, "down"));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_one_and_parts_of_another_form_are_not_split() {
    for (url, bodies) in [
        ("http://a.test/quote?symbols=A", r#"{"rows":[]}"#),
        ("http://a.test/quote?symbols=A,A", r#"{"rows":[]}"#),
        ("http://a.test/quote?symbols=A,B", r#"{"other":[]}"#),
        ("http://a.test/quote", r#"{"rows":[]}"#),
    ] {
        let mut calls = 0;
        let upstream = Upstream::by(move |_| {
            calls += 1;
            if calls == 1 {
                answer(500, "")
            } else {
                json(bodies)
            }
        });
        let client = quotes(rows()).layer(upstream.port());
        assert_eq!(ask(&client, get(url)).await.status, 500, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn single_things_wait_for_each_other_and_one_who_leaves_does_not_keep_the_rest() {
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let upstream = Upstream::by(move |request| {
        if count.fetch_add(1, Relaxed) == 0 {
            return answer(429, "").with("retry-after", "1");
        }
        market(&request.uri().to_string())
    });
    let client = quotes(rows()).layer(upstream.port());
    let url = |symbol: &str| format!("http://a.test/quote?symbols={symbol}");
    let first = tokio::time::timeout(Duration::from_millis(1_020), ask(&client, get(&url("A"))));
    let (b, c) = (url("B"), url("C"));
    let (first, b, c) = tokio::join!(first, ask(&client, get(&b)), ask(&client, get(&c)));
    assert!(first.is_err(), "its caller goes away while it leads");
    for (got, symbol) in [(b, "B"), (c, "C")] {
        let body = format!("{{\"rows\":[{{\"s\":\"{symbol}\",\"p\":1.50}}]}}");
        assert_eq!(got.text(), body);
        assert_eq!(got.truth.fidelity, Some(Fidelity::Exact));
    }
    assert_eq!(
        calls.load(Relaxed),
        2,
        "one was turned away, one is for all"
    );
}

fn halves() -> ReduceLayer {
    let pattern = Pattern::of("/rows".parse().unwrap())
        .param("limit", Param::Query("limit".into()))
        .param("offset", Param::Query("offset".into()));
    let reduce = ReduceRequest::of("limit").joined("offset", "/rows");
    ReduceLayer::new(Source::new("vendor").unwrap(), pattern, reduce).unwrap()
}

/// Does as told for the first part that a URL holds.
fn by_part(acts: &'static [(&'static str, &'static str)]) -> Upstream {
    Upstream::by(move |request| {
        let url = request.uri().to_string();
        let known = acts.iter().find(|(part, _)| url.contains(part));
        known.map_or_else(|| answer(500, ""), |(_, body)| json(*body))
    })
}

const URL: &str = "http://a.test/rows?limit=4&offset=0";

#[tokio::test(start_paused = true)]
async fn two_halves_are_one_whole_where_nothing_moved() {
    let upstream = by_part(&[
        ("limit=2", r#"{"limit":2,"offset":0,"n":9,"rows":[1.10,2]}"#),
        (
            "limit=3&offset=1",
            r#"{"limit":3,"offset":1,"n":9,"rows":[2,3,4]}"#,
        ),
    ]);
    let got = ask(&halves().layer(upstream.port()), get(URL)).await;
    assert_eq!(got.truth.fidelity, Some(Fidelity::Exact));
    assert_eq!(
        got.text(),
        r#"{"limit":4,"offset":0,"n":9,"rows":[1.10,2,3,4]}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_half_that_is_not_full_is_all_there_is() {
    let upstream = by_part(&[("limit=2", r#"{"limit":2,"offset":0,"rows":[1]}"#)]);
    let got = ask(&halves().layer(upstream.port()), get(URL)).await;
    assert_eq!(got.truth.fidelity, Some(Fidelity::Exact));
    assert_eq!(got.text(), r#"{"limit":4,"offset":0,"rows":[1]}"#);
}

#[tokio::test(start_paused = true)]
async fn halves_that_moved_or_say_otherwise_are_not_passed_off_as_one_whole() {
    const FIRST: (&str, &str) = ("limit=2", r#"{"n":9,"rows":[1,2]}"#);
    const MOVED: [&[(&str, &str)]; 4] = [
        &[FIRST, ("limit=3", r#"{"n":9,"rows":[1,2,3]}"#)],
        &[FIRST, ("limit=3", r#"{"n":10,"rows":[2,3,4]}"#)],
        &[FIRST, ("limit=3", r#"{"n":9,"rows":[]}"#)],
        &[FIRST, ("limit=9", "")],
    ];
    for acts in MOVED {
        let got = ask(&halves().layer(by_part(acts).port()), get(URL)).await;
        assert_eq!(got.truth.fidelity, Some(Fidelity::Reduced), "{acts:?}");
        assert_eq!(got.text(), FIRST.1);
        let label = got.truth.instead.unwrap().label;
        assert_eq!(label.as_deref(), Some("at most 2 rows"));
    }
}
