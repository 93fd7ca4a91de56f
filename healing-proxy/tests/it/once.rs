//! What may have an effect is sent once, whole and unchanged, whatever happens to it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    forms::{Fault, each, forms},
    stage::{PATIENCE, Proxy},
    upstream::{Act, Upstream},
    wire::End,
};

fn order(method: &str) -> String {
    let body = r#"{"buy":1}"#;
    let length = body.len();
    format!(
        "{method} /api/orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn no_failure_makes_a_post_put_patch_or_delete_go_out_twice() {
    let quick = |name: &str| !name.starts_with("hang");
    let forms = forms()
        .into_iter()
        .filter(|form| quick(form.name))
        .collect();
    each(forms, |form| async move {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let mut upstream = Upstream::that(Act::json("{}"));
            form.strikes(&mut upstream).await;
            let proxy = Proxy::before(&upstream).await;
            let answer = proxy.ask(&order(method)).await;
            if let Fault::Acts(_) = form.fault {
                assert_eq!(upstream.calls(), 1, "{method}");
                let seen = upstream.only();
                assert_eq!(
                    (seen.method(), seen.body.as_slice()),
                    (method, &br#"{"buy":1}"#[..])
                );
            }
            // Bodies pass as they come; where the head did not come, the caller is told.
            let cut = matches!(answer.end, End::Cut | End::Reset);
            if matches!(form.class, "connection_error" | "malformed_body") && answer.status != 200 {
                assert_eq!(answer.status, 502, "{method}: {answer:?}");
                assert_eq!(answer.get("content-type"), "application/problem+json");
            }
            let lacks = [
                "cut",
                "reset in the body",
                "chunked without end",
                "cut in a chunk",
                "reset in the chunks",
            ];
            assert!(
                !lacks.contains(&form.name) || cut || answer.status == 502,
                "{method}: a clean end: {answer:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_after_a_post_is_told_as_502_after_one_call() {
    for method in ["POST", "PUT", "DELETE"] {
        let upstream = Upstream::that(Act::send("").resets());
        let proxy = Proxy::before(&upstream).await;
        let answer = proxy.ask(&order(method)).await;
        assert_eq!((answer.status, upstream.calls()), (502, 1), "{answer:?}");
        assert!(answer.text().contains("sent once"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_reset_on_a_connection_used_before_does_not_send_a_post_again() {
    let upstream = Upstream::with(|seen| match seen.method() {
        "POST" => Act::send("").resets(),
        _ => Act::json(r#"{"value":1}"#),
    });
    let proxy = Proxy::with(upstream.address, &["--workers", "1"]).await;
    for posts in 1..=5 {
        assert_eq!(proxy.get("/api/orders").await.status, 200);
        assert_eq!(proxy.ask(&order("POST")).await.status, 502);
        let seen = upstream.seen();
        assert_eq!(
            seen.iter().filter(|seen| seen.method() == "POST").count(),
            posts
        );
        let [.., get, post] = seen.as_slice() else {
            unreachable!()
        };
        assert_eq!(
            get.connection, post.connection,
            "the connection was not used again"
        );
    }
}

#[tokio::test]
async fn an_order_in_an_outage_is_never_answered_from_a_copy() {
    let mut upstream = Upstream::that(Act::json(r#"{"orders":[{"id":1}]}"#));
    let proxy = Proxy::before(&upstream).await;
    assert_eq!(proxy.get("/api/orders").await.status, 200);
    upstream.goes().await;
    for method in ["POST", "PUT", "DELETE"] {
        let answer = proxy.ask(&order(method)).await;
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(!answer.text().contains("orders\":["), "{}", answer.text());
    }
    assert!(
        proxy
            .get("/api/orders")
            .await
            .get("healing")
            .starts_with("stale;")
    );
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect()
}

#[tokio::test]
async fn a_large_post_with_a_length_arrives_unchanged_and_as_it_is_sent() {
    let upstream = Upstream::that(Act::json(r#"{"ok":true}"#));
    let proxy = Proxy::before(&upstream).await;
    let body = pattern(3_000_000);
    let (first, rest) = body.split_at(1_000_000);
    let mut caller = proxy.caller().await;
    let begun = Instant::now();
    caller
        .send(format!(
            "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
    caller.send(first).await;
    while upstream.bytes() < 900_000 {
        assert!(
            begun.elapsed() < PATIENCE,
            "the first part waits for the last"
        );
        sleep(Duration::from_millis(5)).await;
    }
    caller.send(rest).await;
    let answer = caller.answer("POST", begun).await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"ok":true}"#.to_owned())
    );
    let seen = upstream.only();
    assert!(seen.body == body && seen.end == End::Whole);
    assert_eq!(seen.head.get("content-length"), body.len().to_string());
}

#[tokio::test]
async fn a_chunked_post_arrives_unchanged() {
    let upstream = Upstream::that(Act::json(r#"{"ok":true}"#));
    let proxy = Proxy::before(&upstream).await;
    let body = pattern(300_000);
    let mut caller = proxy.caller().await;
    let begun = Instant::now();
    caller
        .send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    for part in body.chunks(7_001) {
        caller.send(format!("{:x}\r\n", part.len())).await;
        caller.send(part).await;
        caller.send("\r\n").await;
    }
    caller.send("0\r\n\r\n").await;
    assert_eq!(caller.answer("POST", begun).await.status, 200);
    let seen = upstream.only();
    assert!(seen.body == body && seen.end == End::Whole);
    assert_eq!(seen.head.get("transfer-encoding"), "chunked");
    assert!(!seen.head.has("content-length"));
}

#[tokio::test]
async fn a_caller_that_breaks_off_its_post_does_not_make_it_look_whole() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let upstream = Upstream::that(Act::json("{}"));
        let proxy = Proxy::before(&upstream).await;
        let mut caller = proxy.caller().await;
        caller
            .send(format!(
                "POST /upload HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n5\r\nhello\r\n"
            ))
            .await;
        sleep(Duration::from_millis(100)).await;
        drop(caller);
        sleep(Duration::from_millis(400)).await;
        let whole = upstream
            .seen()
            .iter()
            .filter(|seen| seen.end == End::Whole)
            .count();
        assert_eq!(whole, 0, "{head}");
    }
}
