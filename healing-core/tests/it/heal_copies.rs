//! Who may be given which copy.

use healing_core::Heal;
use http::Request;
use tokio::time::sleep;

use crate::layers_support::{
    Act, NEWER, Port, SERIES, URL, Upstream, answer, ask, get, get_with, healed, json, seconds,
};

const FIELDS: [&str; 8] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "x-rapidapi-key",
    "api-key",
    "apikey",
];

/// Answers with the credentials that it was asked with, and fails once told to.
fn mirror() -> Upstream {
    Upstream::by(|request| json(seen(request)))
}

fn seen(request: &Request<healing_core::Body>) -> String {
    let mut all: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    all.sort();
    serde_json::json!({ "rows": all, "at": 1 }).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pairs_of_callers_never_see_each_others_answers() {
    let upstream = mirror();
    let client = healed(&upstream);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |bound: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % bound
    };
    let callers: Vec<Vec<(&'static str, String)>> = (0..1_000)
        .map(|_| {
            let count = pick(3);
            let field = |pick: &mut dyn FnMut(u64) -> u64| {
                let name = FIELDS[usize::try_from(pick(8)).unwrap()];
                (name, format!("secret-{}", pick(50)))
            };
            (0..count).map(|_| field(&mut pick)).collect()
        })
        .collect();
    let request = |caller: &[(&'static str, String)]| {
        let fields: Vec<_> = caller.iter().map(|(n, v)| (*n, v.as_str())).collect();
        get_with(URL, &fields)
    };
    for caller in &callers {
        assert!(ask(&client, request(caller)).await.is_fresh());
    }
    upstream.becomes(answer(503, ""));
    for caller in callers {
        let got = ask(&client, request(&caller)).await;
        assert!(got.is_copy());
        assert_eq!(got.text(), seen(&request(&caller)));
    }
}

/// What a caller gets after another one was answered, when the source is down.
async fn after(
    act: Act,
    first: &[(&'static str, &str)],
    second: &[(&'static str, &str)],
) -> (Heal<Port>, crate::layers_support::Got) {
    let upstream = Upstream::that(act);
    let client = healed(&upstream);
    ask(&client, get_with(URL, first)).await;
    upstream.becomes(answer(503, "down"));
    let got = ask(&client, get_with(URL, second)).await;
    (client, got)
}

#[tokio::test(start_paused = true)]
async fn keys_under_the_names_that_providers_use_separate_callers() {
    for name in [
        "apca-api-key-id",
        "apca-api-secret-key",
        "ocp-apim-subscription-key",
        "private-token",
        "x-amz-security-token",
    ] {
        let (_, got) = after(json(SERIES), &[(name, "one")], &[(name, "two")]).await;
        assert!(!got.is_copy(), "{name}: another key's answer was given");
    }
}

#[tokio::test(start_paused = true)]
async fn the_origins_and_the_callers_word_about_keeping_hold() {
    for word in [
        "no-store",
        "no-cache",
        "must-revalidate",
        "private",
        "max-age=0, no-store",
        "s-maxage=5",
    ] {
        let (_, got) = after(json(SERIES).with("cache-control", word), &[], &[]).await;
        assert_eq!((got.status, got.text()), (503, "down"), "{word}");
    }
    let (_, got) = after(json(SERIES), &[("cache-control", "no-store")], &[]).await;
    assert_eq!(got.status, 503, "the caller's own no-store");
    let (_, got) = after(json(SERIES).with("cache-control", "max-age=60"), &[], &[]).await;
    assert!(got.is_copy());
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_varies_is_given_only_to_whom_it_fits() {
    let act = json(SERIES).with("vary", "Accept-Language");
    let language = |word: &'static str| [("accept-language", word)];
    let (client, got) = after(act.clone(), &language("de"), &language("fr")).await;
    assert_eq!(got.status, 503);
    assert!(ask(&client, get_with(URL, &language("de"))).await.is_copy());
    let (_, got) = after(json(SERIES).with("vary", "*"), &[], &[]).await;
    assert_eq!(got.status, 503);
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_from_the_copy_of_a_get() {
    let (client, _) = after(json(SERIES).with("etag", "\"1\""), &[], &[]).await;
    let got = ask(
        &client,
        Request::head(URL)
            .body(healing_core::Body::empty())
            .unwrap(),
    )
    .await;
    assert!(got.is_copy() && got.text().is_empty(), "{got:?}");
    assert_eq!(got.headers["content-length"], SERIES.len().to_string());
    assert_eq!(got.headers["etag"], "\"1\"");
}

#[tokio::test(start_paused = true)]
async fn who_has_the_copy_already_is_told_so() {
    let tagged = json(SERIES).with("etag", "\"v1\"");
    let (client, got) = after(tagged, &[], &[("if-none-match", "W/\"v1\"")]).await;
    assert_eq!((got.status, got.text()), (304, ""));
    assert!(got.is_copy() && !got.headers.contains_key("content-type"));
    assert_eq!(got.headers["etag"], "\"v1\"");
    let other = ask(&client, get_with(URL, &[("if-none-match", "\"v2\"")])).await;
    assert_eq!((other.status, other.text()), (200, SERIES));
}

#[tokio::test(start_paused = true)]
async fn a_copy_heals_for_fifteen_minutes() {
    let (client, _) = after(json(SERIES), &[], &[]).await;
    sleep(seconds(15 * 60 - 1)).await;
    assert!(ask(&client, get(URL)).await.is_copy());
    sleep(seconds(2)).await;
    assert_eq!(ask(&client, get(URL)).await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_copy_counts_what_it_came_with() {
    let upstream = Upstream::that(json(SERIES).with("age", 100));
    let client = healed(&upstream);
    ask(&client, get(URL)).await;
    sleep(seconds(7)).await;
    upstream.becomes(answer(429, ""));
    let got = ask(&client, get(URL)).await;
    assert_eq!(got.truth.age, Some(seconds(107)));
}

#[tokio::test(start_paused = true)]
async fn a_copy_does_not_hand_one_callers_new_session_to_another() {
    let act = json(SERIES).with("set-cookie", "session=of-the-first-caller");
    let (_, got) = after(act, &[], &[]).await;
    assert!(!got.headers.contains_key("set-cookie"), "{:?}", got.headers);
}

#[tokio::test(start_paused = true)]
async fn a_copy_does_not_say_how_its_original_was_framed() {
    let act = json(SERIES)
        .with("transfer-encoding", "chunked")
        .with("connection", "x-hop, close")
        .with("x-hop", "1")
        .with("keep-alive", "timeout=5");
    let (client, got) = after(act, &[], &[]).await;
    assert!(got.is_copy());
    let head = Request::head(URL)
        .body(healing_core::Body::empty())
        .unwrap();
    for got in [got, ask(&client, head).await] {
        for name in ["transfer-encoding", "connection", "x-hop", "keep-alive"] {
            assert!(!got.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_the_body_of_its_own_answer_also_after_one_that_was_not_kept() {
    let upstream = Upstream::in_turn([
        json(SERIES),
        json(NEWER).with("cache-control", "no-store"),
        json(NEWER),
        answer(503, ""),
    ]);
    let client = healed(&upstream);
    for _ in 0..3 {
        assert!(ask(&client, get(URL)).await.is_fresh());
    }
    upstream.becomes(answer(503, ""));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == NEWER, "{got:?}");
}
