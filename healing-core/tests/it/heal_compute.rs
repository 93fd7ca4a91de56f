//! An answer that is computed of two: of which, with what, how close, and what it comes to where one of them does not come.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use healing_core::{
    Compute, ComputeLayer, Fidelity, Heal, Mapping, Only, Param, Pattern, Same, Source, StaleLayer,
    StrategyId, Term,
};
use tower::Layer;

use crate::layers_support::{Act, Got, Port, Upstream, answer, ask, get, get_with, json};

const SPREAD: &str = "http://rates.test/value?of=spread";

type Asked = Arc<Mutex<Vec<String>>>;

fn source(name: &str) -> Source {
    Source::new(name).unwrap()
}

fn percent() -> Same {
    let mut same = Same::default();
    same.unit = Some("percent".into());
    same.adjustment = Some("none".into());
    same.calendar = Some("utc".into());
    same.granularity = Some("1d".parse().unwrap());
    same
}

fn values() -> Pattern {
    Pattern::of("/value".parse().unwrap()).param("of", Param::Query("of".into()))
}

fn compute(map: &str) -> Compute {
    let [ten, two] = ["ten", "two"].map(|of| Term::here().constant("of", of));
    Compute::of(ten, two, Mapping::compile(map).unwrap())
        .only(Only::default().one_of("of", &["spread"]).any("as"))
        .same(&percent(), &percent())
        .called("ten less two")
}

fn layered(compute: Compute, upstream: &Upstream) -> Heal<Port> {
    let layer = ComputeLayer::new(source("rates"), values(), compute);
    layer.unwrap().layer(upstream.port())
}

/// What comes of a spread that fails, where the two do that.
async fn spread(compute: Compute, url: &str, (ten, two): (Act, Act)) -> (Got, Vec<String>) {
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let upstream = Upstream::by(move |request: &http::Request<_>| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let act = match &query {
            of if of.contains("of=ten") => ten.clone(),
            of if of.contains("of=two") => two.clone(),
            _ => answer(500, "broken"),
        };
        notes.lock().unwrap().push(query);
        act
    });
    let got = ask(&layered(compute, &upstream), get(url)).await;
    let asked = asked.lock().unwrap().clone();
    (got, asked)
}

const LESS: &str = "{as: $asked.as, value: (.first.value - .second.value)}";

fn both() -> (Act, Act) {
    (json(r#"{"value":4.5}"#), json(r#"{"value":4.0}"#))
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_computed_of_two_others_and_says_so() {
    let url = format!("{SPREAD}&as=json");
    let (got, asked) = spread(compute(LESS), &url, both()).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Equivalent), StrategyId::COMPUTE)
    );
    assert_eq!(got.text(), r#"{"as":"json","value":0.5}"#);
    assert_eq!(
        asked,
        ["of=spread&as=json", "of=ten&as=json", "of=two&as=json"]
    );
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("ten less two"));
    assert_eq!((instead.location, instead.source), (None, None));
    assert_eq!(got.headers["cache-control"], "no-store");
}

#[tokio::test(start_paused = true)]
async fn where_one_of_the_two_does_not_come_or_the_map_does_not_fit_nothing_is_made() {
    let good = || json(r#"{"value":4.5}"#);
    for (map, acts, calls) in [
        (LESS, (answer(503, ""), good()), 2),
        (LESS, (good(), answer(503, "")), 3),
        (LESS, (answer(404, ""), good()), 2),
        (LESS, (good(), json(r#"{"value":"#)), 3),
        (LESS, (good(), answer(200, "text")), 3),
        (LESS, (good(), json(r#"{"value":"4.0"}"#)), 3),
        (".first, .second", both(), 3),
        ("last(repeat(.))", both(), 3),
    ] {
        let (got, asked) = spread(compute(map), SPREAD, acts).await;
        assert_eq!(
            (got.status, got.text()),
            (500, "broken"),
            "{map}: {asked:?}"
        );
        assert_eq!(asked.len(), calls, "{map}: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_listed_and_what_is_not_known_to_be_the_same_is_not_computed() {
    for url in [
        "http://rates.test/value?of=other",
        "http://rates.test/value?of=spread&units=pc1",
    ] {
        let (got, asked) = spread(compute(LESS), url, both()).await;
        assert_eq!((got.status, asked.len()), (500, 1), "{url}");
    }
    let [ten, two] = ["ten", "two"].map(|of| Term::here().constant("of", of));
    let unknown = Compute::of(ten, two, Mapping::compile(LESS).unwrap());
    let (got, asked) = spread(unknown, SPREAD, both()).await;
    assert_eq!((got.status, asked.len()), (500, 1));
}

#[tokio::test(start_paused = true)]
async fn a_term_may_be_of_another_route_and_has_nothing_of_the_callers() {
    let elsewhere =
        Pattern::of("/yield/{term}".parse().unwrap()).at(["bonds.test".parse().unwrap()]);
    let term = |term: &str| {
        let own = Term::of(source("bonds"), elsewhere.clone());
        own.constant("term", term)
    };
    let compute = Compute::of(term("10y"), term("2y"), Mapping::compile(LESS).unwrap())
        .same(&percent(), &percent());
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let upstream = Upstream::by(move |request: &http::Request<_>| {
        let uri = request.uri().to_string();
        let is_own = request.headers().contains_key("authorization");
        notes.lock().unwrap().push(format!("{uri} {is_own}"));
        if uri.contains("bonds") {
            json(r#"{"value":4.5}"#)
        } else {
            answer(429, "slow down")
        }
    });
    let fields = [("authorization", "Bearer s3cret")];
    let request = get_with(SPREAD, &fields);
    let got = ask(&layered(compute, &upstream), request).await;
    assert_eq!(got.text(), r#"{"as":null,"value":0.0}"#);
    assert_eq!(got.truth.instead.unwrap().source, Some(source("bonds")));
    assert_eq!(
        asked.lock().unwrap()[1..],
        [
            "http://bonds.test/yield/10y false",
            "http://bonds.test/yield/2y false"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_made_of_something_old_is_no_better_than_that() {
    for old in ["of=ten", "of=two"] {
        let down = Arc::new(AtomicBool::new(false));
        let is_down = Arc::clone(&down);
        let upstream = Upstream::by(move |request: &http::Request<_>| {
            let query = request.uri().query().unwrap_or_default();
            let fails = query == "of=spread" || (query == old && is_down.load(Relaxed));
            if fails {
                answer(500, "broken")
            } else {
                json(r#"{"value":4.5}"#)
            }
        });
        let layer = ComputeLayer::new(source("rates"), values(), compute(LESS)).unwrap();
        let client = layer.layer(StaleLayer::default().layer(upstream.port()));
        assert_eq!(ask(&client, get(SPREAD)).await.status, 200);
        down.store(true, Relaxed);
        let got = ask(&client, get(SPREAD)).await;
        assert_eq!(
            got.status, 500,
            "{old}: the floor of this layer is equivalent"
        );
    }
}
