//! Upgraded connections: bytes both ways, from the moment the upstream has switched and not before.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    stage::{Proxy, status},
    upstream::{Act, Upstream},
};

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[tokio::test]
async fn a_websocket_passes_bytes_both_ways_those_right_after_the_handshake_included() {
    let upstream = Upstream::that(Act::send(format!("{SWITCHED}\u{1}early")).echoes());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    caller.send(HANDSHAKE).await;
    let head = caller.head().await;
    assert_eq!(status(&head), 101, "{head:?}");
    assert_eq!(head.get("upgrade"), "websocket");
    assert!(
        head.get("connection").eq_ignore_ascii_case("upgrade"),
        "{head:?}"
    );
    assert_eq!(
        head.get("sec-websocket-accept"),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(caller.exactly(6).await, b"\x01early");
    for n in 0..20_u8 {
        let frame = [vec![0x82, 100], vec![n; 100]].concat();
        caller.send(&frame).await;
        assert_eq!(caller.exactly(102).await, frame);
    }
    let large: Vec<u8> = (0..500_000_u32)
        .map(|n| u8::try_from(n % 253).unwrap())
        .collect();
    caller.send(&large[..100_000]).await;
    assert_eq!(caller.exactly(100_000).await, &large[..100_000]);

    let seen = upstream.only();
    assert_eq!(seen.head.get("upgrade"), "websocket");
    assert!(seen.head.get("connection").eq_ignore_ascii_case("upgrade"));
    assert_eq!(
        seen.head.get("sec-websocket-key"),
        "dGhlIHNhbXBsZSBub25jZQ=="
    );
}

#[tokio::test]
async fn what_a_caller_sends_right_behind_its_handshake_arrives() {
    let upstream = Upstream::that(Act::send(SWITCHED).echoes());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    caller.send(format!("{HANDSHAKE}eager")).await;
    assert_eq!(status(&caller.head().await), 101);
    assert_eq!(caller.exactly(5).await, b"eager");
}

#[tokio::test]
async fn a_tunnel_that_the_upstream_closes_is_closed_for_the_caller() {
    let upstream = Upstream::that(Act::send(SWITCHED).then("bye").closes());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    caller.send(HANDSHAKE).await;
    assert_eq!(status(&caller.head().await), 101);
    assert_eq!(caller.exactly(3).await, b"bye");
    assert!(caller.is_closed(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn an_upgrade_that_the_upstream_declines_is_an_ordinary_answer_and_switches_nothing() {
    let upstream = Upstream::that(Act::answer(
        "HTTP/1.1 426 No\r\nX-Own: 1",
        "no websocket here",
    ));
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    // Were the proxy to switch early, the second request would go through as bare bytes.
    let second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    caller.send(format!("{HANDSHAKE}{second}")).await;
    let answer = caller.answer("GET", Instant::now()).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (426, "no websocket here")
    );
    let calls = upstream.seen();
    assert!(calls.iter().all(|seen| seen.head.has("via")), "{calls:?}");
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_an_error() {
    let upstream = Upstream::that(Act::send(SWITCHED).then("surprise").closes());
    let proxy = Proxy::before(&upstream).await;
    let answer = proxy.get("/plain").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(!answer.text().contains("surprise"));
}

#[tokio::test]
async fn no_upgrade_is_invented() {
    let upstream = Upstream::that(Act::json(r#"{"value":1}"#));
    let proxy = Proxy::before(&upstream).await;
    for fields in [
        "",
        "Upgrade: h2c\r\n",
        "Connection: keep-alive\r\nUpgrade: h2c\r\n",
    ] {
        let answer = proxy
            .ask(&format!("GET /a HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
            .await;
        assert_eq!(answer.status, 200);
        assert!(!answer.head.has("upgrade"), "{:?}", answer.head);
    }
    for seen in upstream.seen() {
        assert!(
            !seen.head.has("upgrade") && !seen.head.has("http2-settings"),
            "{:?}",
            seen.head
        );
        assert!(seen.head.first.ends_with("HTTP/1.1"), "{:?}", seen.head);
    }
}
