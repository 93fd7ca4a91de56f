//! What a configuration says of the cache: for how long answers are given again, against whose word, and where never.

use std::{fs, time::Duration};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    forms::{GOOD, LATER},
    stage::{Proxy, Running},
    upstream::{Act, Upstream},
};

const QUOTE: &str = "/api/quote/AAPL";

/// A proxy before that API, with a route of quotes that is set by `keys`, and those lines.
async fn proxy(upstream: &Upstream, keys: &str, lines: &str) -> (Proxy, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("healing.yaml");
    let text = format!(
        "upstream: http://{}\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\n{lines}\nroutes:\n  - {{ match: \"/api/quote/{{symbol}}\"{keys} }}\n",
        upstream.address
    );
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let args = ["run", "-c", &path, "--log-format", "text"];
    (Proxy::of(Running::start(&args)).await, folder)
}

fn saying(cache_control: &str, body: &str) -> Act {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: {cache_control}"
    );
    Act::answer(&head, body)
}

/// What `Cache-Status` says after the proxy's name.
async fn cache_status(proxy: &Proxy, path: &str) -> String {
    let answer = proxy.get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let status = answer.get("cache-status");
    status.split_once(';').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_route_that_is_fresh_for_a_time_is_asked_once_in_that_time() {
    let upstream = Upstream::that(Act::json(GOOD));
    // What may heal has nothing to do with it.
    for keys in [", fresh_for: 2s", ", fresh_for: 2s, heal: []"] {
        let (proxy, _folder) = proxy(&upstream, keys, "").await;
        let before = upstream.calls();
        assert_eq!(cache_status(&proxy, QUOTE).await, "fwd=uri-miss;stored");
        for _ in 0..3 {
            let answer = proxy.get(QUOTE).await;
            assert!(
                answer.get("cache-status").contains(";hit;ttl="),
                "{answer:?}"
            );
            assert!(answer.head.has("age") && !answer.head.has("healing"));
            assert_eq!(answer.text(), GOOD);
        }
        assert_eq!(upstream.calls() - before, 1);
        // Another route is asked each time.
        for _ in 0..2 {
            assert!(!cache_status(&proxy, "/api/other").await.contains("hit"));
        }
        assert_eq!(upstream.calls() - before, 3);
        sleep(Duration::from_millis(2_050)).await;
        assert_eq!(cache_status(&proxy, QUOTE).await, "fwd=stale;stored");
        assert_eq!(upstream.calls() - before, 4);
    }
}

#[tokio::test]
async fn what_the_origin_says_holds_unless_the_operator_overrides_it() {
    let upstream = Upstream::that(saying("no-cache", GOOD));
    let (polite, _folder) = proxy(&upstream, ", fresh_for: 1m", "").await;
    for _ in 0..2 {
        assert!(!cache_status(&polite, QUOTE).await.contains("hit"));
    }
    assert_eq!(upstream.calls(), 2);

    let override_it = "cache: { override: true }";
    for word in ["no-cache", "max-age=0", "s-maxage=0, must-revalidate"] {
        upstream.always(saying(word, GOOD));
        let (proxy, _folder) = proxy(&upstream, ", fresh_for: 1m", override_it).await;
        let before = upstream.calls();
        cache_status(&proxy, QUOTE).await;
        let status = cache_status(&proxy, QUOTE).await;
        assert!(
            status.starts_with("hit;ttl=") && status.ends_with(";detail=override"),
            "{word}: {status}"
        );
        assert_eq!(upstream.calls() - before, 1, "{word}");
    }
    for word in ["no-store", "private"] {
        upstream.always(saying(word, GOOD));
        let (proxy, _folder) = proxy(&upstream, ", fresh_for: 1m", override_it).await;
        for _ in 0..2 {
            let status = cache_status(&proxy, QUOTE).await;
            assert_eq!(status, "fwd=uri-miss", "{word}");
        }
    }
}

#[tokio::test]
async fn a_copy_heals_against_its_origins_word_where_the_operator_says_so() {
    for (lines, healed) in [("", false), ("cache: { override: true }", true)] {
        let mut upstream = Upstream::that(saying("must-revalidate", GOOD));
        let (proxy, _folder) = proxy(&upstream, "", lines).await;
        cache_status(&proxy, QUOTE).await;
        upstream.goes().await;
        let answer = proxy.get(QUOTE).await;
        assert_eq!(answer.status == 200, healed, "{answer:?}");
        let status = answer.get("cache-status");
        assert_eq!(status.ends_with(";detail=override"), healed, "{answer:?}");
    }
}

#[tokio::test]
async fn a_watched_route_is_asked_each_time() {
    let upstream = Upstream::that(saying("max-age=600", GOOD));
    let (proxy, _folder) = proxy(&upstream, ", observe: true, fresh_for: 1m", "").await;
    assert_eq!(proxy.get(QUOTE).await.text(), GOOD);
    upstream.always(saying("max-age=600", LATER));
    let answer = proxy.get(QUOTE).await;
    assert_eq!(answer.text(), LATER, "{answer:?}");
    assert_eq!(upstream.calls(), 2);
}
