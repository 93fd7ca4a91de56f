//! Keys of ours: which one goes with a request, what happens to one that is turned away, and when it is tried again.

use std::sync::Arc;

use healing_core::{
    Body, Fidelity, Heal, Healer, KeyPlace, Keys, RotateKey, Secret, Settings, Source,
    SourceSettings, StrategyId,
};
use http::{HeaderName, Request};
use tower::Layer;

use crate::layers_support::{
    Act, NEWER, Port, SERIES, URL, Upstream, answer, ask, get, get_with, healed_by, json, seconds,
};

const ROTATED: (u16, Option<Fidelity>, StrategyId) =
    (200, Some(Fidelity::Exact), StrategyId::API_KEY_ROTATION);

fn keys(texts: &[&str]) -> Keys {
    let ring = texts.iter().map(|text| Secret::new((*text).to_owned()));
    Keys::new(KeyPlace::Query("api_key".to_owned()), ring.collect()).unwrap()
}

fn fred(keys: Keys) -> SourceSettings {
    let mut fred = SourceSettings::new(Source::new("fred_api").unwrap());
    fred.keys = Some(keys);
    fred
}

fn with_keys(texts: &[&str]) -> Healer {
    let healer = Healer::builder().strategy(RotateKey);
    healer.source(fred(keys(texts))).build()
}

/// The key that a request carries.
fn key_of(request: &Request<Body>) -> String {
    let mut pairs = request.uri().query().unwrap_or_default().split('&');
    let key = pairs.find_map(|pair| pair.strip_prefix("api_key="));
    key.unwrap_or("none").to_owned()
}

/// An upstream that turns that key away like that.
fn turning_away(key: &'static str, act: Act) -> Upstream {
    Upstream::by(move |request| {
        if key_of(request) == key {
            act.clone()
        } else {
            json(SERIES)
        }
    })
}

fn refusals() -> [Act; 6] {
    [
        answer(401, "no such key"),
        answer(403, "not for you"),
        answer(429, "slow down"),
        answer(429, "").with("retry-after", 30),
        json(r#"{"Note":"our standard call frequency is 5 calls per minute"}"#),
        json(r#"{"Information":"daily limit","error":"you have spent your daily limit of 25"}"#),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_turned_away_is_replaced_by_the_next_and_not_used_again_soon() {
    for act in refusals() {
        let upstream = turning_away("first", act.clone());
        let client = healed_by(&upstream, with_keys(&["first", "second"]));
        let got = ask(&client, get(URL)).await;
        assert_eq!((got.story(), got.text()), (ROTATED, SERIES), "{act:?}");
        assert_eq!((got.truth.attempts, upstream.calls()), (2, 2), "{act:?}");
        for n in 3..6 {
            assert!(ask(&client, get(URL)).await.is_fresh(), "{act:?}");
            assert_eq!(
                upstream.calls(),
                n,
                "the second key is asked at once: {act:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_key_is_tried_at_most_once_for_a_request_and_each_is_paid_for() {
    let upstream = Upstream::that(answer(401, "no such key"));
    let client = healed_by(&upstream, with_keys(&["a", "b", "c", "d", "e"]));
    let got = ask(&client, get(URL)).await;
    assert_eq!((got.status, got.truth.fidelity), (401, None));
    assert_eq!(
        upstream.calls(),
        3,
        "one, and the two that the budget begins with"
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_key_that_is_refused_is_a_fault_and_rotation_does_not_act() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, with_keys(&["only"]));
    ask(&client, get(URL)).await;
    upstream.becomes(answer(401, "no such key"));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.truth.attempts == 1, "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_key_goes_as_it_came_and_its_refusal_is_the_callers() {
    let upstream = Upstream::by(|request| match key_of(request).as_str() {
        "theirs" => answer(401, "no such key"),
        _ => json(SERIES),
    });
    let client = healed_by(&upstream, with_keys(&["ours", "spare"]));
    let url = format!("{URL}&api_key=theirs");
    let got = ask(&client, get(&url)).await;
    assert_eq!(
        (got.status, got.text(), upstream.calls()),
        (401, "no such key", 1)
    );
    assert!(got.truth.is_direct());
}

#[tokio::test(start_paused = true)]
async fn a_key_may_stand_in_a_field() {
    let upstream = Upstream::by(|request| {
        let field = request.headers().get("x-api-key");
        match field.map(|value| value.to_str().unwrap()) {
            Some("second" | "theirs") => json(SERIES),
            _ => answer(401, ""),
        }
    });
    let place = KeyPlace::Header(HeaderName::from_static("x-api-key"));
    let ring = ["first", "second"].map(|text| Secret::new(text.to_owned()));
    let source = fred(Keys::new(place, ring.into()).unwrap());
    let healer = Healer::builder().strategy(RotateKey).source(source).build();
    let client = healed_by(&upstream, healer);
    assert_eq!(ask(&client, get(URL)).await.story(), ROTATED);
    let own = get_with(URL, &[("x-api-key", "theirs")]);
    assert!(ask(&client, own).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn changing_keys_does_not_empty_the_cache() {
    let upstream = turning_away("first", answer(401, ""));
    let client = healed_by(&upstream, with_keys(&["first", "second"]));
    ask(&client, get(URL)).await;
    upstream.becomes(answer(503, "down"));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_tried_again_when_its_time_has_come_by_one_request_of_many() {
    let upstream = turning_away("first", answer(429, "").with("retry-after", 30));
    let healer = with_keys(&["first", "second"]);
    let client = healed_by(&upstream, healer.clone());
    ask(&client, get(URL)).await;
    tokio::time::sleep(seconds(29)).await;
    assert!(ask(&client, get(URL)).await.is_fresh());
    tokio::time::sleep(seconds(2)).await;
    let before = upstream.calls();
    let many: Vec<_> = (0..20).map(|_| ask(&client, get(URL))).collect();
    let got = futures_util::future::join_all(many).await;
    assert!(
        got.iter()
            .all(|got| got.truth.fidelity == Some(Fidelity::Exact))
    );
    assert_eq!(
        upstream.calls(),
        before + 21,
        "one tried the first key, and went on to the second"
    );
    upstream.becomes(json(NEWER));
    tokio::time::sleep(seconds(31)).await;
    ask(&client, get(URL)).await;
    let [first, second] = healer.pace_of(&Source::new("fred_api").unwrap()).keys[..] else {
        panic!("two keys");
    };
    assert_eq!((first.rests_for, second.rests_for), (None, None));
    assert_eq!((first.calls, first.turned_away), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn with_every_key_told_to_wait_nobody_asks() {
    let upstream = Upstream::that(answer(429, "").with("retry-after", 30));
    let client = healed_by(&upstream, with_keys(&["first", "second"]));
    ask(&client, get(URL)).await;
    let before = upstream.calls();
    for _ in 0..5 {
        let got = ask(&client, get(URL)).await;
        assert_eq!((got.status, got.truth.attempts), (503, 0), "{got:?}");
        assert!(got.headers.contains_key("retry-after"));
    }
    assert_eq!(upstream.calls(), before);
    upstream.becomes(json(SERIES));
    tokio::time::sleep(seconds(31)).await;
    assert!(ask(&client, get(URL)).await.is_fresh());
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_to_every_key_makes_none_of_them_rest() {
    let upstream = Upstream::by(|request| match request.uri().path() {
        "/fred/gold" => answer(403, "your plan"),
        _ => json(SERIES),
    });
    let healer = with_keys(&["first", "second"]);
    let client = healed_by(&upstream, healer.clone());
    assert_eq!(
        ask(&client, get("http://fred.test/fred/gold")).await.status,
        403
    );
    assert!(ask(&client, get(URL)).await.is_fresh());
    let health = healer.pace_of(&Source::new("fred_api").unwrap()).keys;
    assert!(
        health.iter().all(|key| key.rests_for.is_none()),
        "{health:?}"
    );
}

fn settings(texts: &[&str]) -> Settings {
    let mut settings = Settings::default();
    settings.sources.push(fred(keys(texts)));
    let mut treatment = healing_core::Treatment::default();
    treatment.strategies = vec![Arc::new(RotateKey)];
    let pattern = healing_core::Pattern::of("/fred/{*rest}".parse().unwrap());
    let source = Source::new("fred_api").unwrap();
    let route = healing_core::RouteSettings::new(source, pattern, treatment);
    settings.routes.push(route);
    settings
}

#[tokio::test(start_paused = true)]
async fn new_settings_give_a_refused_key_another_chance_and_keep_a_spent_one_at_rest() {
    for (act, first_calls) in [
        (answer(401, ""), 1),
        (answer(429, "").with("retry-after", 600), 0),
    ] {
        let upstream = turning_away("first", act);
        let healer = Healer::builder().build();
        healer.configure(&settings(&["first", "second"])).unwrap();
        let client = healed_by(&upstream, healer.clone());
        assert_eq!(ask(&client, get(URL)).await.story(), ROTATED);
        let source = Source::new("fred_api").unwrap();
        let before = healer.pace_of(&source).keys[0].calls;
        healer.configure(&settings(&["first", "third"])).unwrap();
        assert_eq!(
            ask(&client, get(URL)).await.truth.fidelity,
            Some(Fidelity::Exact)
        );
        assert_eq!(healer.pace_of(&source).keys[0].calls, before + first_calls);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_for_one_address_do_not_go_to_another() {
    let upstream = Upstream::by(|request| {
        let ours = key_of(request) == "ours";
        assert_eq!(ours, request.uri().host() == Some("fred.test"));
        json(SERIES)
    });
    let source = fred(keys(&["ours"]).only_to(["fred.test".parse().unwrap()]));
    let healer = Healer::builder().source(source).build();
    let client = healed_by(&upstream, healer);
    ask(&client, get(URL)).await;
    ask(&client, get("http://other.test/fred/series")).await;
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_layer_of_its_own_rotates_and_keeps_no_copies() {
    let upstream = turning_away("first", answer(401, ""));
    let layer = healing_core::RotateKeyLayer::new(fred(keys(&["first", "second"])));
    let client: Heal<Port> = layer.layer(upstream.port());
    assert_eq!(ask(&client, get(URL)).await.story(), ROTATED);
    upstream.becomes(answer(503, "down"));
    assert_eq!(ask(&client, get(URL)).await.status, 503);
}

const LONG: &str = "0123456789abcdef";

#[tokio::test(start_paused = true)]
async fn a_key_that_its_source_repeats_does_not_reach_the_caller() {
    let quoting = format!("the key {LONG} is not registered");
    let (start, end) = quoting.split_at(12);
    let end: &'static str = String::leak(end.to_owned());
    for act in [
        answer(401, quoting.clone()).with("content-length", quoting.len()),
        answer(503, start.to_owned()).goes_on(end, seconds(1)),
        answer(301, "").with("location", format!("/x?api_key={LONG}").as_str()),
        json(format!(r#"{{"asked":"{URL}&api_key={LONG}","rows":[1]}}"#)),
    ] {
        let upstream = Upstream::that(act.clone());
        let got = ask(&healed_by(&upstream, with_keys(&[LONG])), get(URL)).await;
        let body = got.body.as_ref().map_or_else(ToString::to_string, |body| {
            String::from_utf8_lossy(body).into_owned()
        });
        let all = format!("{:?} {body}", got.headers);
        assert!(!all.contains(LONG), "{act:?}: {all}");
    }
}
