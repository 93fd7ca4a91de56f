//! When a copy is given without asking, and as what.

use healing_core::{CacheUse, Caching, Fidelity, Healer};
use http::Request;
use tokio::time::sleep;

use crate::{
    cache_support::{cached, cached_by},
    layers_support::{NEWER, SERIES, URL, Upstream, answer, ask, get, get_with, json, seconds},
};

fn send(method: &'static str) -> Request<healing_core::Body> {
    Request::builder()
        .method(method)
        .uri(URL)
        .body(healing_core::Body::empty())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_again_for_as_long_as_its_origin_says() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "max-age=60"));
    let client = cached(&upstream);
    assert!(ask(&client, get(URL)).await.truth.is_direct());
    sleep(seconds(59)).await;
    let got = ask(&client, get(URL)).await;
    assert!(got.is_hit() && got.text() == SERIES, "{got:?}");
    assert_eq!(got.truth.fidelity, Some(Fidelity::Exact));
    assert_eq!((got.truth.age, got.truth.attempts), (Some(seconds(59)), 0));
    assert_eq!(upstream.calls(), 1);
    sleep(seconds(1)).await;
    assert!(ask(&client, get(URL)).await.truth.is_direct());
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_nothing_is_asked_for_each_time() {
    let upstream = Upstream::that(json(SERIES).with("etag", "\"1\""));
    let client = cached(&upstream);
    for n in 1..4 {
        assert!(ask(&client, get(URL)).await.truth.is_direct());
        assert_eq!(upstream.calls(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn the_operator_says_how_long_where_the_origin_says_nothing() {
    let upstream = Upstream::that(json(SERIES));
    let healer = Healer::builder().fresh_for(seconds(30)).build();
    let client = cached_by(&upstream, healer);
    ask(&client, get(URL)).await;
    let got = ask(&client, get(URL)).await;
    assert_eq!(got.truth.cache, CacheUse::Fresh { ttl: 30 });
    assert!(!got.truth.overridden);
    upstream.becomes(json(SERIES).with("cache-control", "no-store"));
    sleep(seconds(31)).await;
    for _ in 0..2 {
        assert!(ask(&client, get(URL)).await.truth.is_direct());
    }
}

#[tokio::test(start_paused = true)]
async fn an_override_holds_against_the_origin_and_is_said() {
    for (said, holds) in [
        ("no-cache", true),
        ("max-age=0, must-revalidate", true),
        ("no-store", false),
        ("private", false),
    ] {
        let upstream = Upstream::that(json(SERIES).with("cache-control", said));
        let mut caching = Caching::default();
        caching.overrides = true;
        let healer = Healer::builder().fresh_for(seconds(30)).caching(caching);
        let client = cached_by(&upstream, healer.build());
        ask(&client, get(URL)).await;
        let got = ask(&client, get(URL)).await;
        assert_eq!(got.is_hit(), holds, "{said}: {got:?}");
        assert_eq!(got.truth.overridden, holds, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_is_asked_about_and_the_answer_updates_it() {
    let first = json(SERIES)
        .with("cache-control", "max-age=10")
        .with("etag", "\"1\"");
    let upstream = Upstream::that(first);
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(
        answer(304, "")
            .with("cache-control", "max-age=100")
            .with("x-new", "yes"),
    );
    let got = ask(&client, get(URL)).await;
    assert_eq!((got.status, got.text()), (200, SERIES));
    assert_eq!(got.truth.cache, CacheUse::Revalidated { stored: true });
    assert_eq!(upstream.last_fields()["if-none-match"], "\"1\"");
    sleep(seconds(99)).await;
    let got = ask(&client, get(URL)).await;
    assert!(got.is_hit() && got.headers["x-new"] == "yes", "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_given_what_it_asked_for_of_a_copy_that_was_renewed() {
    let first = json(SERIES)
        .with("cache-control", "max-age=10")
        .with("etag", "\"1\"");
    let upstream = Upstream::that(first);
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(answer(304, ""));
    let got = ask(&client, get_with(URL, &[("range", "bytes=0-3")])).await;
    assert_eq!((got.status, got.text()), (206, r#"{"un"#));
    assert!(!upstream.last_fields().contains_key("range"));
    sleep(seconds(11)).await;
    let got = ask(&client, get_with(URL, &[("if-none-match", "\"1\"")])).await;
    assert_eq!((got.status, got.text()), (304, ""));
}

#[tokio::test(start_paused = true)]
async fn a_change_makes_what_was_kept_void_for_everybody() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "public, max-age=600"));
    let client = cached(&upstream);
    let own = [("x-api-key", "one")];
    ask(&client, get(URL)).await;
    ask(&client, get_with(URL, &own)).await;
    upstream.becomes(answer(500, ""));
    ask(&client, send("POST")).await;
    assert!(ask(&client, get(URL)).await.is_hit(), "it did not succeed");
    upstream.becomes(answer(204, ""));
    ask(&client, send("DELETE")).await;
    upstream.becomes(json(NEWER));
    for request in [get(URL), get_with(URL, &own)] {
        let got = ask(&client, request).await;
        assert_eq!(got.text(), NEWER);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_says_about_copies_holds() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "max-age=60"));
    let client = cached(&upstream);
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(ask(&client, get_with(URL, &only)).await.status, 504);
    assert_eq!(upstream.calls(), 0);
    ask(&client, get(URL)).await;
    sleep(seconds(10)).await;
    assert!(ask(&client, get_with(URL, &only)).await.is_hit());
    for fits in ["max-age=10", "min-fresh=49", "no-transform"] {
        let got = ask(&client, get_with(URL, &[("cache-control", fits)])).await;
        assert!(got.is_hit(), "{fits}");
    }
    for refused in ["max-age=9", "min-fresh=50", "no-cache", "max-age=0"] {
        let count = upstream.calls();
        let got = ask(&client, get_with(URL, &[("cache-control", refused)])).await;
        assert_eq!(
            got.truth.cache,
            CacheUse::Refused { stored: true },
            "{refused}"
        );
        assert_eq!(upstream.calls(), count + 1);
        sleep(seconds(10)).await;
    }
    let floor = [("healing-floor", "exact;max-age=9")];
    assert!(!ask(&client, get_with(URL, &floor)).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn variants_stand_side_by_side() {
    let upstream = Upstream::by(|request| {
        let language = request.headers()["accept-language"]
            .to_str()
            .unwrap()
            .to_owned();
        json(format!("{{\"language\":\"{language}\"}}"))
            .with("cache-control", "max-age=60")
            .with("vary", "accept-language")
    });
    let client = cached(&upstream);
    let asked = |language| get_with(URL, &[("accept-language", language)]);
    for language in ["de", "fr", "en"] {
        ask(&client, asked(language)).await;
    }
    for language in ["de", "fr", "en"] {
        let got = ask(&client, asked(language)).await;
        assert!(got.is_hit() && got.text().contains(language), "{got:?}");
    }
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_what_says_public_is_given_across_credentials() {
    for (said, shared) in [("max-age=60", false), ("max-age=60, public", true)] {
        let upstream = Upstream::that(json(SERIES).with("cache-control", said));
        let client = cached(&upstream);
        ask(&client, get_with(URL, &[("authorization", "one")])).await;
        for second in [&[][..], &[("authorization", "two")], &[("cookie", "a=b")]] {
            assert_eq!(
                ask(&client, get_with(URL, second)).await.is_hit(),
                shared,
                "{said}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_thing_is_missing_for_as_long_as_its_origin_says() {
    let upstream = Upstream::that(answer(404, "none").with("cache-control", "max-age=60"));
    let client = cached(&upstream);
    ask(&client, get(URL)).await;
    let got = ask(&client, get(URL)).await;
    assert!(got.status == 404 && got.is_hit(), "{got:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_is_never_kept_whatever_it_says() {
    let bad = json(r#"{"error":"down"}"#).with("cache-control", "max-age=60");
    for act in [answer(503, "down").with("cache-control", "max-age=60"), bad] {
        let upstream = Upstream::that(json(SERIES));
        let client = cached_by(&upstream, Healer::builder().without_strategies().build());
        ask(&client, get(URL)).await;
        upstream.becomes(act);
        assert!(ask(&client, get(URL)).await.is_copy());
        let count = upstream.calls();
        assert!(ask(&client, get(URL)).await.is_copy());
        assert_eq!(upstream.calls(), count + 1);
    }
}
