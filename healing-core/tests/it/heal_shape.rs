//! What a URL's good answers looked like is its promise: when it is broken, and when it has changed.

use crate::layers_support::{Got, SERIES, URL, Upstream, answer, ask, get, get_with, healed, json};

const COLUMNS: &str = r#"{"columns":{"dates":["2026-01-03"],"values":[4.2,4.3]}}"#;

fn is_last_good(got: &Got) -> bool {
    got.is_copy() && got.text() == SERIES
}

#[tokio::test(start_paused = true)]
async fn a_new_shape_is_good_from_the_third_time_in_a_row_on() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    upstream.becomes(json(COLUMNS));
    for _ in 0..2 {
        let got = ask(&client, get(URL)).await;
        assert!(is_last_good(&got), "{got:?}");
    }
    for _ in 0..2 {
        let got = ask(&client, get(URL)).await;
        assert!(got.is_fresh() && got.text() == COLUMNS, "{got:?}");
    }
    upstream.becomes(answer(503, ""));
    assert_eq!(
        ask(&client, get(URL)).await.text(),
        COLUMNS,
        "it is the copy now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_shape_now_and_then_is_not_in_a_row() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed(&upstream);
    for n in 0..6 {
        upstream.becomes(json(SERIES));
        assert!(ask(&client, get(URL)).await.is_fresh());
        upstream.becomes(json(COLUMNS));
        let got = ask(&client, get(URL)).await;
        assert!(is_last_good(&got), "time {n}: {got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_object_is_never_the_new_shape() {
    let note = json(r#"{"Note":"Thank you! Please consider 5 calls per minute."}"#);
    let error = json(r#"{"error":{"code":17,"message":"No such thing today"}}"#);
    for bad in [note, error, json("{}"), json("")] {
        let upstream = Upstream::that(json(SERIES));
        let client = healed(&upstream);
        ask(&client, get(URL)).await;
        upstream.becomes(bad);
        for n in 0..10 {
            let got = ask(&client, get(URL)).await;
            assert!(is_last_good(&got), "time {n}: {got:?}");
            tokio::time::sleep(crate::layers_support::seconds(40)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_url_may_answer_in_the_form_that_each_caller_accepts() {
    let upstream = Upstream::by(|request| {
        let csv = request
            .headers()
            .get("accept")
            .is_some_and(|kind| kind == "text/csv");
        let act = if csv {
            answer(200, "date,value\n2026-01-02,4.1\n").with("content-type", "text/csv")
        } else {
            json(SERIES)
        };
        act.with("vary", "Accept")
    });
    let client = healed(&upstream);
    for _ in 0..3 {
        assert!(ask(&client, get(URL)).await.is_fresh());
        let got = ask(&client, get_with(URL, &[("accept", "text/csv")])).await;
        assert!(got.is_fresh(), "{got:?}");
    }
}
