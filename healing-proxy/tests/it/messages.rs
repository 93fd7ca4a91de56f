//! HTTP/1.0 and 1.1 as they are spoken: framing, old peers, pipelining, and what is refused as ambiguous.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    forms::GOOD,
    stage::{Answer, Proxy, get},
    upstream::{Act, Seen, Upstream},
    wire::End,
};

#[tokio::test]
async fn an_upstream_of_http_1_0_is_passed_on_whole() {
    let bytes = format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{GOOD}");
    let upstream = Upstream::that(Act::send(bytes).closes());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    for _ in 0..3 {
        let answer = caller.get("/a").await;
        assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
        assert!(
            answer.head.first.starts_with("HTTP/1.1 "),
            "{:?}",
            answer.head
        );
        assert_eq!(answer.end, End::Whole);
    }
}

#[tokio::test]
async fn a_caller_of_http_1_0_gets_no_chunks_and_the_end_of_the_connection() {
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for act in [Act::send(chunked), Act::answer("HTTP/1.1 200 OK", "hello")] {
        let upstream = Upstream::that(act);
        let proxy = Proxy::before(&upstream).await;
        let mut caller = proxy.caller().await;
        caller.send("GET /a HTTP/1.0\r\n\r\n").await;
        let answer = caller.answer("GET", Instant::now()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert!(!answer.head.has("transfer-encoding"), "{:?}", answer.head);
        assert!(caller.is_closed(Duration::from_secs(2)).await);
        assert!(upstream.only().head.first.ends_with("HTTP/1.1"));
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let upstream = Upstream::with(|seen| {
        let number: u64 = seen.path().trim_start_matches("/n").parse().unwrap();
        let answer = Act::json(format!("[{number}]"));
        answer.late(Duration::from_millis(40 * (5 - number)))
    });
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    let all: String = (0..5).map(|n| get(&format!("/n{n}"))).collect();
    caller.send(all).await;
    for n in 0..5 {
        let answer = caller.answer("GET", Instant::now()).await;
        assert_eq!((answer.status, answer.text()), (200, format!("[{n}]")));
    }
    assert_eq!(upstream.calls(), 5);
}

/// Sends bytes and returns the first answer, if one comes before the connection ends.
async fn first_answer(proxy: &Proxy, bytes: &str) -> Option<Answer> {
    let mut caller = proxy.caller().await;
    caller.send(bytes).await;
    if caller.is_closed(Duration::from_secs(3)).await {
        return None;
    }
    Some(caller.answer("POST", Instant::now()).await)
}

const SMUGGLED: &str = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends a POST with those fields and that body, and returns the answer and what reached the upstream.
async fn after_post(rest: &str) -> (Option<Answer>, Vec<Seen>) {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    let answer = first_answer(&proxy, &format!("POST /a HTTP/1.1\r\nHost: a\r\n{rest}")).await;
    sleep(Duration::from_millis(100)).await;
    (answer, upstream.seen())
}

#[tokio::test]
async fn a_request_of_two_lengths_or_none_that_is_known_is_refused_and_nothing_reaches_the_upstream()
 {
    for rest in [
        format!("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello{SMUGGLED}"),
        format!("Content-Length: 5, 6\r\n\r\nhello{SMUGGLED}"),
        format!("Content-Length: +5\r\n\r\nhello{SMUGGLED}"),
        format!("Content-Length : 5\r\n\r\nhello{SMUGGLED}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
    ] {
        let (answer, seen) = after_post(&rest).await;
        let status = answer.expect("an answer").status;
        assert_eq!((status, seen.len()), (400, 0), "{rest:?}");
    }
}

/// Both orders of a length and chunks that disagree.
fn lengths_and_chunks() -> [String; 2] {
    let length = 5 + SMUGGLED.len();
    [
        format!(
            "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{SMUGGLED}"
        ),
    ]
}

#[tokio::test]
async fn what_hides_behind_a_length_and_chunks_never_reaches_the_upstream_and_is_not_framed_twice()
{
    for rest in lengths_and_chunks() {
        let (_, seen) = after_post(&rest).await;
        assert!(seen.len() <= 1, "{rest:?}: {seen:?}");
        for seen in seen {
            assert_eq!((seen.method(), seen.path()), ("POST", "/a"), "{rest:?}");
            assert!(seen.body.is_empty() && !seen.head.has("content-length"));
        }
    }
}

#[tokio::test]
async fn a_request_with_a_length_and_chunks_is_answered_by_its_chunks() {
    // RFC 9112, section 6.3: the chunks count, and the length is not passed on.
    for rest in lengths_and_chunks() {
        let (answer, _) = after_post(&rest).await;
        assert_eq!(answer.expect("an answer").status, 200, "{rest:?}");
    }
}

#[tokio::test]
async fn bad_start_lines_and_fields_are_refused() {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    for bytes in [
        "GARBAGE\r\n\r\n",
        "GET /a HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    ] {
        let answer = first_answer(&proxy, bytes).await.expect("an answer");
        assert!(matches!(answer.status, 400 | 505), "{bytes:?}: {answer:?}");
    }
    assert_eq!(upstream.calls(), 0);
    assert_eq!(proxy.get("/a").await.status, 200);
}

#[tokio::test]
async fn a_header_section_without_bound_is_an_error_and_not_the_end() {
    let line = format!("X-Large: {}\r\n", "x".repeat(1_000));
    let large = Act::send("HTTP/1.1 200 OK\r\n")
        .then_times(line.clone(), 1_100)
        .then("\r\n");
    let many = Act::send("HTTP/1.1 200 OK\r\n")
        .then_times("X-Many: 1\r\n", 20_000)
        .then("\r\n");
    for act in [large, many] {
        let upstream = Upstream::that(act.closes());
        let proxy = Proxy::before(&upstream).await;
        let answer = proxy.get("/a").await;
        assert_eq!(answer.status, 502, "{:?}", answer.head.first);
        upstream.always(Act::json(GOOD));
        sleep(Duration::from_millis(1_500)).await;
        proxy.get("/a").await;
        assert_eq!(proxy.get("/a").await.text(), GOOD);
    }
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    // The proxy may have closed before the last of it was sent.
    let request = format!("GET /a HTTP/1.1\r\nHost: a\r\n{}\r\n", line.repeat(1_100));
    let _sent = caller.wire.send(request.as_bytes()).await;
    if let Ok(Some(head)) = caller.wire.head().await {
        assert_eq!(crate::stage::status(&head), 431);
    }
    assert_eq!(upstream.calls(), 0);
    assert_eq!(proxy.get("/a").await.status, 200);
}

#[tokio::test]
async fn answers_without_a_body_have_none_and_the_connection_goes_on() {
    let upstream = Upstream::with(|seen| match seen.path() {
        "/204" => Act::send("HTTP/1.1 204 No Content\r\nX-Own: 1\r\n\r\n"),
        "/304" => Act::send("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n"),
        "/head" => Act::send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12345\r\n\r\n",
        ),
        _ => Act::json(GOOD),
    });
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    let mut ask = async |method: &str, path: &str| {
        caller
            .send(format!(
                "{method} {path} HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v1\"\r\n\r\n"
            ))
            .await;
        caller.answer(method, Instant::now()).await
    };
    let nothing = ask("GET", "/204").await;
    assert_eq!((nothing.status, nothing.get("x-own").as_str()), (204, "1"));
    assert!(
        !nothing.head.has("content-length") && !nothing.head.has("transfer-encoding"),
        "{nothing:?}"
    );
    let same = ask("GET", "/304").await;
    assert_eq!((same.status, same.get("etag").as_str()), (304, "\"v1\""));
    let head = ask("HEAD", "/head").await;
    assert_eq!(
        (head.status, head.get("content-length").as_str()),
        (200, "12345")
    );
    let last = ask("GET", "/last").await;
    assert_eq!((last.status, last.text()), (200, GOOD.to_owned()));
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test]
async fn bytes_after_an_answer_never_become_the_next_ones() {
    let evil =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n[\"evil\"]";
    let good = |n: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{n}",
            n.len()
        )
    };
    let upstream = Upstream::with(move |seen| {
        let own = good(&format!("[\"{}\"]", seen.path()));
        match seen.path() {
            "/at-once" => Act::send(format!("{own}{evil}")),
            "/later" => Act::send(own).pause(Duration::from_millis(50)).then(evil),
            "/head" => Act::send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{evil}",
                evil.len()
            )),
            "/204" => Act::send(format!("HTTP/1.1 204 No\r\n\r\n{evil}")),
            _ => Act::send(own),
        }
    });
    let proxy = Proxy::with(upstream.address, &["--workers", "1"]).await;
    for (method, first) in [
        ("GET", "/at-once"),
        ("GET", "/later"),
        ("HEAD", "/head"),
        ("GET", "/204"),
    ] {
        // Before they come nobody can know of them.
        let soonest = if first == "/later" { 120 } else { 0 };
        for pause in [soonest, 150] {
            proxy
                .ask(&format!("{method} {first} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .await;
            sleep(Duration::from_millis(pause)).await;
            for next in ["/a", "/b"] {
                let answer = proxy.get(next).await;
                assert!(
                    !answer.text().contains("evil"),
                    "{first}, then {next}: {answer:?}"
                );
                assert_eq!(answer.text(), format!("[\"{next}\"]"), "after {first}");
            }
        }
    }
}

#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    caller
        .send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .await;
    let go_on = caller.head().await;
    assert!(go_on.first.starts_with("HTTP/1.1 100"), "{go_on:?}");
    caller.send("hello").await;
    assert_eq!(caller.answer("POST", Instant::now()).await.status, 200);
    assert_eq!(upstream.only().body, b"hello");
}

#[tokio::test]
async fn interim_answers_of_the_upstream_are_not_taken_for_the_answer() {
    let upstream = Upstream::that(Act::send(format!(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{GOOD}",
        GOOD.len()
    )));
    let answer = Proxy::before(&upstream).await.get("/a").await;
    assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
}
