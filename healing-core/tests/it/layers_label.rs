//! What the fields of an answer say, letter by letter.

use healing_core::{Expose, Healer, Identity, Label, LabelLayer, Sent, TransportFault};
use http::HeaderMap;
use tokio::time::sleep;
use tower::Layer;

use crate::layers_support::{
    Act, Got, Port, SERIES, URL, Upstream, answer, ask, get, get_with, hang, healed_by, json, lost,
    seconds,
};

type Labelled = Label<healing_core::Heal<Port>>;

const OURS: [&str; 6] = [
    "healing",
    "age",
    "cache-status",
    "proxy-status",
    "server-timing",
    "x-request-id",
];

fn labelled(upstream: &Upstream, expose: Expose) -> Labelled {
    let healer = Healer::builder()
        .without_strategies()
        .answer_errors()
        .build();
    let identity = Identity::new("heal-7f3a", expose).unwrap();
    LabelLayer::new(identity).layer(healed_by(upstream, healer))
}

/// Our fields, with the id taken out.
fn ours(got: &Got) -> Vec<String> {
    let id = got.truth.id.to_string();
    let line = |name: &str, headers: &HeaderMap| {
        let values = headers.get_all(name).iter();
        let text: Vec<_> = values
            .map(|value| value.to_str().unwrap().replace(&id, "ID"))
            .collect();
        (!text.is_empty()).then(|| format!("{name}: {}", text.join(", ")))
    };
    OURS.iter()
        .filter_map(|name| line(name, &got.headers))
        .collect()
}

/// What is said a minute after a good answer, when that comes.
async fn said(act: Act, expose: Expose) -> Vec<String> {
    let upstream = Upstream::that(json(SERIES));
    let client = labelled(&upstream, expose);
    ask(&client, get(URL)).await;
    sleep(seconds(60)).await;
    upstream.becomes(act);
    ours(&ask(&client, get(URL)).await)
}

const SOURCE: &str = "source=fred_test";

#[tokio::test(start_paused = true)]
async fn a_healthy_answer_says_only_which_request_it_was_and_what_the_cache_did() {
    let upstream = Upstream::that(json(SERIES));
    let client = labelled(&upstream, Expose::Full);
    let first = ours(&ask(&client, get(URL)).await);
    assert_eq!(
        first,
        [
            "cache-status: heal-7f3a;fwd=uri-miss;stored",
            "x-request-id: ID"
        ]
    );
    let second = ours(&ask(&client, get(URL)).await);
    assert_eq!(
        second,
        [
            "cache-status: heal-7f3a;fwd=stale;stored",
            "x-request-id: ID"
        ]
    );
    let post = http::Request::post(URL)
        .body(healing_core::Body::empty())
        .unwrap();
    assert_eq!(
        ours(&ask(&client, post).await),
        ["cache-status: heal-7f3a;fwd=bypass", "x-request-id: ID"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_after_an_error_status_says_which() {
    assert_eq!(
        said(answer(503, ""), Expose::Full).await,
        [
            &format!(
                "healing: stale;strategy=use_cached_data;{SOURCE};class=server_error;age=60;attempts=1;id=\"ID\""
            ),
            "age: 60",
            "cache-status: heal-7f3a;fwd=stale;fwd-status=503;detail=stale-if-error",
            "proxy-status: heal-7f3a;received-status=503;details=\"server_error_5xx\"",
            "server-timing: heal;dur=0;desc=\"1 attempt\"",
            "x-request-id: ID",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_after_silence_says_what_failed() {
    assert_eq!(
        said(hang(), Expose::Errors).await,
        [
            &format!(
                "healing: stale;strategy=use_cached_data;{SOURCE};class=timeout;age=63;attempts=1;id=\"ID\""
            ),
            "age: 63",
            "cache-status: heal-7f3a;fwd=stale;detail=stale-if-error",
            "proxy-status: heal-7f3a;error=http_response_timeout",
            "server-timing: heal;dur=3000;desc=\"1 attempt\"",
            "x-request-id: ID",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_exposes_nothing_still_says_the_fidelity_and_the_age() {
    assert_eq!(
        said(answer(429, ""), Expose::None).await,
        [
            "healing: stale",
            "age: 60",
            "cache-status: heal-7f3a;fwd=stale;fwd-status=429;detail=stale-if-error",
            "x-request-id: ID",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_while_the_source_rests_is_a_hit_past_its_time() {
    let upstream = Upstream::that(json(SERIES));
    let client = labelled(&upstream, Expose::Full);
    ask(&client, get(URL)).await;
    upstream.becomes(answer(429, "").with("retry-after", 60));
    ask(&client, get(URL)).await;
    sleep(seconds(12)).await;
    assert_eq!(
        ours(&ask(&client, get(URL)).await),
        [
            &format!(
                "healing: stale;strategy=use_cached_data;{SOURCE};class=rate_limit;age=12;attempts=0;id=\"ID\""
            ),
            "age: 12",
            "cache-status: heal-7f3a;hit;ttl=-12;detail=breaker-open",
            "proxy-status: heal-7f3a;error=destination_unavailable;details=\"resting\"",
            "server-timing: heal;dur=0;desc=\"0 attempts\"",
            "x-request-id: ID",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ours_names_the_failure_and_no_cache() {
    let upstream = Upstream::that(lost(TransportFault::Refused, Sent::Nothing));
    let got = ask(&labelled(&upstream, Expose::Full), get(URL)).await;
    assert_eq!(got.status, 502);
    assert_eq!(
        ours(&got),
        [
            "proxy-status: heal-7f3a;error=connection_refused;details=\"connect_refused\"",
            "server-timing: heal;dur=0;desc=\"1 attempt\"",
            "x-request-id: ID",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_floor_is_labelled_too() {
    let upstream = Upstream::that(json(SERIES));
    let got = ask(
        &labelled(&upstream, Expose::Full),
        get_with(URL, &[("healing-floor", "?")]),
    )
    .await;
    assert_eq!(
        (got.status, ours(&got).last().unwrap().as_str()),
        (400, "x-request-id: ID")
    );
}
