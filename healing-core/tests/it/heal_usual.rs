//! What a route's answers have in common is expected of a URL that was never asked.

use healing_core::{FaultClass, Healer, MemoryStore, Store};

use crate::layers_support::{Got, Upstream, answer, ask, get, get_with, healed, healed_by, json};

const ROWS: &str = r#"{"count":2,"rows":[{"v":1.5},{"v":2.5}]}"#;
const NONE: &str = r#"{"count":0,"rows":[]}"#;
const OTHER: &str = r#"{"data":{"ticker":"A","last":1.5,"open":1.25,"high":2}}"#;

fn url(symbol: &str) -> String {
    format!("http://api.test/api/quote/{symbol}")
}

/// Three URLs of a route that were good.
async fn known(upstream: &Upstream) -> (healing_core::Heal<crate::layers_support::Port>, Healer) {
    let healer = Healer::builder().build();
    let client = healed_by(upstream, healer.clone());
    for symbol in ["A", "B", "C"] {
        assert!(ask(&client, get(&url(symbol))).await.is_fresh());
    }
    (client, healer)
}

#[track_caller]
fn is_bad(got: &Got, class: FaultClass, detail: &str) {
    assert_eq!(got.status, 502, "{got:?}");
    let fault = got.truth.fault.as_ref().unwrap();
    assert_eq!((fault.class, &*fault.detail), (class, detail));
}

#[tokio::test(start_paused = true)]
async fn all_of_it_gone_is_a_fault_of_a_url_that_was_never_asked() {
    for (body, class, detail) in [
        ("{}", FaultClass::EmptyData, "no_data"),
        (NONE, FaultClass::EmptyData, "no_rows"),
        (OTHER, FaultClass::MalformedBody, "shape_changed"),
        (
            r#"{"count":0,"detail":"Please come back in a while"}"#,
            FaultClass::ServerError,
            "error_object",
        ),
    ] {
        let upstream = Upstream::that(json(ROWS));
        let (client, _) = known(&upstream).await;
        upstream.becomes(json(body));
        is_bad(&ask(&client, get(&url("D"))).await, class, detail);
        let fresh = Upstream::that(json(body));
        let got = ask(&healed(&fresh), get(&url("D"))).await;
        assert!(got.is_fresh(), "nothing was known: {got:?}");
    }
    let upstream = Upstream::that(json(ROWS));
    let (client, _) = known(&upstream).await;
    let page = "<!doctype html><html><body>Welcome</body></html>";
    upstream.becomes(answer(200, page).with("content-type", "text/html"));
    is_bad(
        &ask(&client, get(&url("D"))).await,
        FaultClass::MalformedBody,
        "html_instead",
    );
    upstream.becomes(json(ROWS));
    assert!(
        ask(&client, get(&url("D"))).await.is_fresh(),
        "and good again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_search_may_find_nothing_and_a_route_that_did_may_do_so_again() {
    let upstream = Upstream::that(json(ROWS));
    let (client, _) = known(&upstream).await;
    upstream.becomes(json(NONE));
    let search = format!("{}?q=nothing", url("D"));
    assert!(
        ask(&client, get(&search)).await.is_fresh(),
        "asked as a search"
    );
    assert!(
        ask(&client, get(&url("E"))).await.is_fresh(),
        "it was an answer"
    );
}

#[tokio::test(start_paused = true)]
async fn no_rows_that_stay_are_an_answer_and_then_so_for_the_route() {
    let upstream = Upstream::that(json(ROWS));
    let (client, _) = known(&upstream).await;
    upstream.becomes(json(NONE));
    for _ in 0..2 {
        is_bad(
            &ask(&client, get(&url("D"))).await,
            FaultClass::EmptyData,
            "no_rows",
        );
    }
    assert!(ask(&client, get(&url("D"))).await.is_fresh());
    assert!(ask(&client, get(&url("E"))).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_lasts_is_what_the_route_looks_like() {
    let upstream = Upstream::that(json(ROWS));
    let (client, _) = known(&upstream).await;
    upstream.becomes(json(OTHER));
    for _ in 0..2 {
        ask(&client, get(&url("D"))).await;
    }
    assert!(
        ask(&client, get(&url("D"))).await.is_fresh(),
        "the third time"
    );
    for symbol in ["E", "F", "G"] {
        assert!(ask(&client, get(&url(symbol))).await.is_fresh());
    }
    upstream.becomes(json("{}"));
    is_bad(
        &ask(&client, get(&url("H"))).await,
        FaultClass::EmptyData,
        "no_data",
    );
}

#[tokio::test(start_paused = true)]
async fn bad_answers_teach_nothing() {
    let upstream = Upstream::that(json(ROWS));
    let (client, healer) = known(&upstream).await;
    let before = healer.shapes();
    for bad in [
        json("{}"),
        json(r#"{"error":"boom"}"#),
        answer(500, "{}"),
        json(OTHER),
    ] {
        upstream.becomes(bad);
        for symbol in ["D", "E", "F", "G"] {
            ask(&client, get(&url(symbol))).await;
        }
    }
    assert_eq!(healer.shapes(), before);
}

#[tokio::test(start_paused = true)]
async fn answers_keyed_by_what_was_asked_and_other_forms_are_no_faults() {
    let upstream = Upstream::by(|request| {
        let symbol = request.uri().path().rsplit('/').next().unwrap_or_default();
        json(format!(r#"{{"{}":{{"usd":1.5}}}}"#, symbol.to_lowercase()))
    });
    let client = healed(&upstream);
    for symbol in ["BTC", "ETH", "SOL", "ADA", "XRP"] {
        assert!(ask(&client, get(&url(symbol))).await.is_fresh(), "{symbol}");
    }
    let upstream = Upstream::that(json(ROWS));
    let (client, _) = known(&upstream).await;
    let table = answer(200, "date,value\n2026-01-02,4.1\n");
    upstream.becomes(table.clone().with("content-type", "text/csv"));
    let csv = format!("{}?datatype=csv", url("D"));
    assert!(ask(&client, get(&csv)).await.is_fresh());
    upstream.becomes(answer(200, "two words").with("vary", "Accept"));
    let as_text = get_with(&url("E"), &[("accept", "text/plain")]);
    assert!(ask(&client, as_text).await.is_fresh());
    upstream.becomes(json("{}"));
    assert_eq!(
        ask(&client, get(&url("F"))).await.status,
        502,
        "it is still known"
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_over_restarts_and_what_does_not_parse_is_left_out() {
    let upstream = Upstream::that(json(ROWS));
    let (_, healer) = known(&upstream).await;
    let store = MemoryStore::default();
    store.save_shapes(&healer.shapes()).await.unwrap();
    let mut kept = store.shapes().await.unwrap();
    assert_eq!(kept.len(), 1);
    upstream.becomes(json("{}"));
    let later = Healer::builder().build();
    later.recall_shapes(kept.clone());
    let client = healed_by(&upstream, later.clone());
    is_bad(
        &ask(&client, get(&url("Z"))).await,
        FaultClass::EmptyData,
        "no_data",
    );
    assert_eq!(later.shapes(), kept);
    kept[0].fingerprint.truncate(20);
    let broken = Healer::builder().build();
    broken.recall_shapes(kept);
    let client = healed_by(&upstream, broken);
    assert!(ask(&client, get(&url("Z"))).await.is_fresh());
}
