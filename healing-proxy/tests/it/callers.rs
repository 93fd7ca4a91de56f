//! Who may be given which copy.

use crate::{
    forms::GOOD,
    stage::{Answer, Proxy},
    upstream::{Act, Upstream},
};

const PATH: &str = "/api/account/positions";

fn of(body: &str) -> Act {
    Act::json(format!(
        r#"{{"account":"{body}","positions":[{{"symbol":"AAPL","shares":5}}]}}"#
    ))
}

async fn ask(proxy: &Proxy, fields: &str) -> Answer {
    let fields: String = fields
        .split_terminator('\n')
        .map(|field| format!("{field}\r\n"))
        .collect();
    proxy
        .ask(&format!("GET {PATH} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
        .await
}

#[tokio::test]
async fn a_copy_is_given_only_to_the_caller_that_it_was_for() {
    for name in [
        "Authorization: Bearer",
        "Cookie: session=",
        "X-Api-Key:",
        "X-Auth-Token:",
        "X-Session-Id:",
        "Api-Key:",
    ] {
        let mut upstream = Upstream::with(|seen| {
            let all = format!("{:?}", seen.head.fields);
            of(["alice", "bob"]
                .into_iter()
                .find(|who| all.contains(who))
                .unwrap_or("nobody"))
        });
        let proxy = Proxy::before(&upstream).await;
        let (alice, bob) = (format!("{name} alice"), format!("{name} bob"));
        assert!(ask(&proxy, &alice).await.text().contains("alice"));
        upstream.goes().await;
        for stranger in [bob.as_str(), ""] {
            let answer = ask(&proxy, stranger).await;
            assert!(answer.status >= 500, "{name} {stranger}: {answer:?}");
            assert!(
                !answer.text().contains("alice"),
                "{name} {stranger}: {answer:?}"
            );
        }
        upstream.comes();
        let mut bobs = ask(&proxy, &bob).await;
        for _ in 0..20 {
            if bobs.status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            bobs = ask(&proxy, &bob).await;
        }
        assert!(bobs.text().contains("bob"), "{name}: {bobs:?}");
        upstream.goes().await;
        for (fields, who) in [(&alice, "alice"), (&bob, "bob")] {
            let answer = ask(&proxy, fields).await;
            assert!(
                answer.status == 200 && answer.text().contains(who),
                "{name} {who}: {answer:?}"
            );
            assert!(answer.get("healing").starts_with("stale;"));
        }
    }
}

#[tokio::test]
async fn what_may_not_be_kept_is_an_honest_error_in_an_outage() {
    for rule in [
        "Cache-Control: no-store",
        "Cache-Control: max-age=60, No-Store",
        "Cache-Control: must-revalidate",
        "Cache-Control: no-cache",
        "Cache-Control: proxy-revalidate",
        "Cache-Control: s-maxage=0",
        "Cache-Control: private",
        "Vary: *",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{rule}");
        let mut upstream = Upstream::that(Act::answer(&head, GOOD));
        let proxy = Proxy::before(&upstream).await;
        let good = ask(&proxy, "").await;
        assert_eq!((good.status, good.text()), (200, GOOD.to_owned()));
        assert!(
            !good.get("cache-status").contains("stored"),
            "{rule}: {good:?}"
        );
        upstream.goes().await;
        let answer = ask(&proxy, "").await;
        assert_eq!(answer.status, 502, "{rule}: {answer:?}");
        assert_eq!(answer.get("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn what_the_caller_forbids_to_keep_is_not_kept() {
    let mut upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(ask(&proxy, "Cache-Control: no-store").await.status, 200);
    upstream.goes().await;
    assert_eq!(ask(&proxy, "").await.status, 502);
}

#[tokio::test]
async fn an_answer_that_varies_is_given_only_to_callers_that_ask_alike() {
    let mut upstream = Upstream::with(|seen| {
        let language = seen.head.get("accept-language");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nVary: Accept-Language";
        Act::answer(head, format!(r#"{{"language":"{language}","rows":[1]}}"#))
    });
    let proxy = Proxy::before(&upstream).await;
    assert!(
        ask(&proxy, "Accept-Language: de")
            .await
            .text()
            .contains("\"de\"")
    );
    upstream.goes().await;
    let same = ask(&proxy, "Accept-Language: de").await;
    assert!(
        same.status == 200 && same.text().contains("\"de\""),
        "{same:?}"
    );
    let other = ask(&proxy, "Accept-Language: en").await;
    assert!(
        other.status >= 500 && !other.text().contains("\"de\""),
        "{other:?}"
    );
}

#[tokio::test]
async fn another_query_is_another_answer() {
    let mut upstream =
        Upstream::with(|seen| Act::json(format!(r#"{{"rows":["{}"]}}"#, seen.path())));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get("/api/series?id=A").await.status, 200);
    upstream.goes().await;
    assert!(proxy.get("/api/series?id=A").await.text().contains("id=A"));
    for other in [
        "/api/series?id=B",
        "/api/series",
        "/api/series?id=A&id=B",
        "/api/Series?id=A",
    ] {
        assert!(proxy.get(other).await.status >= 500, "{other}");
    }
}

#[tokio::test]
async fn a_caller_may_ask_for_more_than_a_copy_and_is_told_the_grammar_when_it_asks_wrongly() {
    let mut upstream = Upstream::that(Act::json(GOOD));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(ask(&proxy, "").await.text(), GOOD);
    let wrong = ask(&proxy, "Healing-Floor: perfect").await;
    assert!(
        wrong.status == 400 && wrong.text().contains("one of exact"),
        "{wrong:?}"
    );
    upstream.goes().await;
    assert_eq!(ask(&proxy, "Healing-Floor: exact").await.status, 502);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert!(ask(&proxy, "Healing-Floor: stale;max-age=1").await.status >= 500);
    assert_eq!(
        ask(&proxy, "Healing-Floor: stale;max-age=60").await.text(),
        GOOD
    );
}
