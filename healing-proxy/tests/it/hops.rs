//! What belongs to one connection stays there; who asks is said truly; no request goes round in circles.

use crate::{
    config::{before, file, started},
    stage::Proxy,
    upstream::{Act, Upstream},
    wire::Head,
};

const OF_THE_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "te",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "x-mine",
    "trailer",
];

fn lacks(head: &Head, names: &[&str]) {
    for name in names {
        assert!(!head.has(name), "{name} in {head:?}");
    }
}

#[tokio::test]
async fn fields_of_the_callers_connection_do_not_reach_the_upstream() {
    let upstream = Upstream::that(Act::json(r#"{"value":1}"#));
    let proxy = Proxy::before(&upstream).await;
    let fields = "Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nProxy-Connection: keep-alive\r\nX-Other: 2\r\nAccept: a/b";
    let answer = proxy
        .ask(&format!(
            "GET /a HTTP/1.1\r\nHost: api.test\r\n{fields}\r\n\r\n"
        ))
        .await;
    assert_eq!(answer.status, 200);
    let head = upstream.only().head;
    lacks(&head, &OF_THE_HOP[..7]);
    assert_eq!(
        (head.get("x-other").as_str(), head.get("accept").as_str()),
        ("2", "a/b")
    );
    assert_eq!(head.get("host"), upstream.address.to_string());
}

#[tokio::test]
async fn fields_of_the_upstreams_connection_do_not_reach_the_caller() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-Other: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2";
    let upstream = Upstream::that(Act::answer(head, r#"{"value":1}"#).closes());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    for _ in 0..2 {
        // The second comes on the same connection: "close" was the upstream's word to us.
        let answer = caller.get("/a").await;
        assert_eq!(answer.status, 200);
        lacks(&answer.head, &OF_THE_HOP[..7]);
        assert_eq!(answer.get("x-other"), "2");
        assert_eq!(answer.get("set-cookie"), "a=1, b=2");
    }
}

#[tokio::test]
async fn a_chunked_answer_is_not_labelled_twice() {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n";
    let upstream = Upstream::that(Act::send(bytes));
    let answer = Proxy::before(&upstream).await.get("/a").await;
    assert_eq!(answer.text(), "[1]");
    let framed = answer
        .head
        .fields
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "transfer-encoding" | "content-length"));
    assert_eq!(framed.count(), 1, "{:?}", answer.head);
}

#[tokio::test]
async fn via_is_appended_both_ways() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nVia: 1.1 origin";
    let upstream = Upstream::that(Act::answer(head, "[1]"));
    let proxy = Proxy::with(upstream.address, &["--name", "here"]).await;
    let answer = proxy
        .ask("GET /a HTTP/1.1\r\nHost: a\r\nVia: 1.0 before\r\n\r\n")
        .await;
    assert_eq!(answer.get("via"), "1.1 origin, 1.1 here");
    assert_eq!(upstream.only().head.get("via"), "1.0 before, 1.1 here");
}

#[tokio::test]
async fn the_caller_is_named_truly_and_forged_names_are_dropped() {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    let forged = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-For: 10.9.8.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nForwarded: for=10.9.8.7;proto=https";
    for method in ["GET", "POST"] {
        let request = format!(
            "{method} /a HTTP/1.1\r\nHost: api.test:8080\r\n{forged}\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(proxy.ask(&request).await.status, 200);
    }
    for seen in upstream.seen() {
        let head = seen.head;
        assert_eq!(head.get("x-forwarded-for"), "127.0.0.1");
        assert_eq!(head.get("x-forwarded-proto"), "http");
        assert_eq!(head.get("x-forwarded-host"), "api.test:8080");
        lacks(&head, &["forwarded"]);
    }
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_its_callers_is_passed_on() {
    for (trusted, is_believed) in [("127.0.0.0/8", true), ("[10.0.0.0/8, 192.0.2.1]", false)] {
        let upstream = Upstream::that(Act::json("[1]"));
        let folder = tempfile::TempDir::new().unwrap();
        let lines = before(&upstream, &format!("trusted_proxies: {trusted}\n"));
        let proxy = started(&file(&folder, &lines)).await;
        let said = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: api.example\r\nForwarded: for=10.9.8.7;proto=https";
        let request = format!("GET /a HTTP/1.1\r\nHost: api.test:8080\r\n{said}\r\n\r\n");
        assert_eq!(proxy.ask(&request).await.status, 200);
        let head = upstream.only().head;
        let told = format!("{head:?}");
        assert_eq!(told.contains("10.9.8.7"), is_believed, "{told}");
        assert!(told.contains("127.0.0.1"), "{told}");
        let (proto, host) = if is_believed {
            ("https", "api.example")
        } else {
            ("http", "api.test:8080")
        };
        assert_eq!(head.get("x-forwarded-proto"), proto);
        assert_eq!(head.get("x-forwarded-host"), host);
    }
}

#[tokio::test]
async fn a_proxy_in_front_of_itself_says_so_and_asks_nobody_twice() {
    // The address must be known before the proxy is: take a free one.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let listen = address.to_string();
    let url = format!("http://{address}");
    let args = [
        "--upstream",
        &url,
        "--listen",
        &listen,
        "--admin",
        "127.0.0.1:0",
        "--name",
        "me",
        "-v",
    ];
    let proxy = Proxy::of(crate::stage::Running::start(&args)).await;
    let answer = proxy.get("/api/quote/AAPL").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(
        answer.get("proxy-status").contains("proxy_loop_detected"),
        "{answer:?}"
    );
    assert!(answer.text().contains("itself"), "{}", answer.text());
    let calls = proxy.err().matches("upstream failed").count();
    assert!(calls <= 3, "{calls} calls for one request");
}

#[tokio::test]
async fn trace_and_connect_are_refused_with_what_is_allowed() {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    for request in [
        "TRACE /a HTTP/1.1\r\nHost: a\r\nCookie: secret=1\r\n\r\n",
        "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n",
    ] {
        let answer = proxy.ask(request).await;
        assert_eq!(answer.status, 405, "{answer:?}");
        assert!(answer.get("allow").contains("GET"), "{answer:?}");
        assert!(!answer.text().contains("secret"));
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn path_and_query_pass_as_they_were_written() {
    let upstream = Upstream::that(Act::json("[1]"));
    let proxy = Proxy::before(&upstream).await;
    for path in [
        "/",
        "/a//b/../c/%2e%2E/%41?x=1&x=2&&y=%20+;z",
        "/?a=b?c",
        "/%F0%9F%98%80",
    ] {
        proxy.get(path).await;
        assert_eq!(
            upstream.seen().last().map(|seen| seen.path().to_owned()),
            Some(path.to_owned())
        );
    }
    proxy
        .ask("GET http://elsewhere.test/a?b HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n")
        .await;
    let last = upstream.seen().pop().unwrap();
    assert_eq!(
        (last.path(), last.head.get("host")),
        ("/a?b", upstream.address.to_string())
    );
}
