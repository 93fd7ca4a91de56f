//! A proxy whose sources all have addresses of their own: there is no API behind it, and it needs none.

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    config::{file, run, said, started, status, until_said},
    forms::GOOD,
    stage::{Answer, PATIENCE, Proxy, Running},
    upstream::{Act, Upstream},
};

/// A file in the form of the example `behind.yaml`, for two sources.
fn two(yahoo: (&Upstream, &Upstream), fred: &Upstream, more: &str) -> String {
    let (query1, query2, fred) = (yahoo.0.address, yahoo.1.address, fred.address);
    format!(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nsources:\n  yahoo_finance:\n    preset: yahoo_finance\n    upstreams: [\"http://{query1}\", \"http://{query2}\"]\n    mount: /yahoo\n  plain:\n    upstreams: [\"http://{fred}\"]\n    mount: /plain\nroutes:\n  - match: /yahoo/v8/{{symbol}}\n    source: yahoo_finance\n    heal: [alternate_endpoint, use_cached_data]\n  - {{ match: \"/plain/a/{{id}}\", source: plain, heal: [use_cached_data] }}\n{more}"
    )
}

fn down() -> Act {
    Act::answer("HTTP/1.1 503 Down", "")
}

fn problem(answer: &Answer) -> Value {
    assert_eq!(answer.get("content-type"), "application/problem+json");
    serde_json::from_str(&answer.text()).expect("a problem")
}

#[tokio::test]
async fn sources_with_addresses_of_their_own_are_healed_without_an_api() {
    let (query1, query2) = (
        Upstream::that(Act::json(GOOD)),
        Upstream::that(Act::json(GOOD)),
    );
    let plain = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let proxy = started(&file(&folder, &two((&query1, &query2), &plain, ""))).await;
    assert_eq!(proxy.get("/yahoo/v8/AAPL").await.get("healing"), "");
    assert_eq!(proxy.get("/plain/a/1").await.get("healing"), "");
    assert_eq!(query1.only().path(), "/v8/AAPL");
    query1.always(down());
    plain.always(down());
    let other = proxy.get("/yahoo/v8/AAPL").await;
    assert_eq!(other.status, 200, "{other:?}");
    assert!(other.get("healing").contains("alternate_endpoint"));
    let copy = proxy.get("/plain/a/1").await;
    assert_eq!((copy.status, copy.text()), (200, GOOD.to_owned()));
    assert!(copy.get("healing").starts_with("stale"), "{copy:?}");
}

#[tokio::test]
async fn a_path_of_no_source_is_a_404_that_names_those_that_are_served() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let text = two((&upstream, &Upstream::away()), &Upstream::away(), "").replace(
        "  plain:",
        "  other:\n    upstreams: [\"http://127.0.0.1:9\"]\n  plain:",
    );
    let text = format!("{text}  - {{ match: \"/other/{{id}}\", source: other }}\n");
    let proxy = started(&file(&folder, &text)).await;
    for path in ["/", "/api/quote/AAPL", "/yahoos/v8/AAPL", "/other"] {
        let answer = proxy.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        let told = problem(&answer);
        assert_eq!(told["type"], "urn:healing-proxy:problem:no-source");
        assert_eq!(
            told["served"],
            serde_json::json!(["/other/{id}", "/plain", "/yahoo"])
        );
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("/other/{id}, /plain, /yahoo"), "{detail}");
        assert!(answer.get("via").contains("1.1 heal-"), "{answer:?}");
    }
    let named = "GET http://elsewhere.example/a HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n";
    assert_eq!(proxy.ask(named).await.status, 404);
    assert_eq!(
        proxy
            .ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .await
            .status,
        404
    );
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_banner_and_the_check_say_what_is_served_instead_of_an_api() {
    let (upstream, away) = (Upstream::that(Act::json(GOOD)), Upstream::away());
    let folder = TempDir::new().unwrap();
    let path = file(&folder, &two((&upstream, &Upstream::away()), &away, ""));
    let checked = run(&["check", "--strict", "-c", &path], &[]);
    let shown = said(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{shown}");
    assert!(
        shown.ends_with(
            "fine: 2 routes, 2 sources; no upstream is needed, served are /plain, /yahoo\n"
        ),
        "{shown}"
    );
    let proxy = started(&path).await;
    let out = proxy.out();
    for part in [
        "->  its sources; all else is answered with 404",
        &format!(
            "  source     yahoo_finance  /yahoo  ->  http://{}   (reachable",
            upstream.address
        ),
        &format!(
            "  source     plain  /plain  ->  http://{}   (NOT reachable",
            away.address
        ),
        &format!("next       curl -i http://{}/plain", proxy.address),
    ] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    assert!(proxy.err().contains(&away.address.to_string()));
}

#[tokio::test]
async fn a_route_that_leads_nowhere_is_refused_at_the_start_and_at_a_reload() {
    let upstream = Upstream::that(Act::json(GOOD));
    let folder = TempDir::new().unwrap();
    let good = two((&upstream, &Upstream::away()), &Upstream::away(), "");
    let bad = format!("{good}  - match: /api/x\n");
    let path = file(&folder, &bad);
    let mut running = Running::start(&["run", "-c", &path]);
    let ended = running.end(PATIENCE).await;
    let err = running.err();
    assert_eq!(ended.code(), Some(2), "{err}");
    assert!(
        err.contains("\"/api/x\" is of no source") && err.contains(":16:"),
        "{err}"
    );
    assert_eq!(err.matches("is of no source").count(), 1, "{err}");
    // With an API it leads there.
    let api = Upstream::that(Act::json(GOOD));
    let url = format!("http://{}", api.address);
    let with = Proxy::of(Running::start(&["run", "-c", &path, "--upstream", &url])).await;
    assert_eq!(with.get("/api/x").await.status, 200);
    drop(with);
    let path = file(&folder, &good);
    let proxy = started(&path).await;
    file(&folder, &bad);
    until_said(&proxy, "the one from before holds").await;
    let told = status(&proxy).await;
    let mistake = told["configuration"]["mistakes"][0].as_str().unwrap();
    assert!(
        mistake.contains("line 16") && mistake.contains("/api/x"),
        "{mistake}"
    );
}
