//! How it stops: what is under way ends, nothing new begins, and the exit code says that all is well.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    forms::GOOD,
    stage::{Proxy, get, status},
    upstream::{Act, Upstream},
    wire::{End, Length, Wire},
};

/// The time that requests under way may take.
const GRACE: Duration = Duration::from_secs(10);

/// Whether the address refuses connections before that time is over. Every worker closes its own listener, and the kernel
/// lets callers in as long as one of them is left.
async fn refuses_within(address: SocketAddr, limit: Duration) -> bool {
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(limit, refused).await.is_ok()
}

#[tokio::test]
async fn on_sigterm_the_answer_under_way_is_completed_and_nothing_new_begins() {
    for signal in ["TERM", "INT"] {
        let upstream = Upstream::that(Act::json(GOOD).late(Duration::from_secs(2)));
        let mut proxy = Proxy::before(&upstream).await;
        let (mut under_way, mut idle) = (proxy.caller().await, proxy.caller().await);
        upstream.always(Act::json("[1]"));
        assert_eq!(idle.get("/first").await.text(), "[1]");
        upstream.always(Act::json(GOOD).late(Duration::from_secs(2)));
        let begun = Instant::now();
        under_way.send(get("/slow")).await;
        sleep(Duration::from_millis(300)).await;
        proxy.signal(signal);
        assert!(
            idle.is_closed(Duration::from_secs(1)).await,
            "an idle connection stays open"
        );
        assert!(
            refuses_within(proxy.address, Duration::from_secs(1)).await,
            "new connections are accepted"
        );
        let answer = under_way.answer("GET", begun).await;
        assert_eq!(
            (answer.status, answer.end, answer.text()),
            (200, End::Whole, GOOD.to_owned())
        );
        assert!(answer.took >= Duration::from_secs(2));
        let ended = proxy.process().end(Duration::from_secs(3)).await;
        assert_eq!(ended.code(), Some(0), "{}", proxy.err());
    }
}

#[tokio::test]
async fn a_stream_without_end_and_a_tunnel_do_not_keep_it_from_stopping() {
    let upstream = Upstream::with(|seen| match seen.path() {
        "/ws" => Act::send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .echoes(),
        _ => Act::send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            .hangs(),
    });
    let mut proxy = Proxy::before(&upstream).await;
    let (mut stream, mut tunnel) = (proxy.caller().await, proxy.caller().await);
    stream.send(get("/stream")).await;
    assert_eq!(status(&stream.head().await), 200);
    tunnel
        .send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .await;
    assert_eq!(status(&tunnel.head().await), 101);
    proxy.signal("TERM");
    let ended = proxy.process().end(GRACE + Duration::from_secs(3)).await;
    assert_eq!(ended.code(), Some(0), "{}", proxy.err());
}

#[tokio::test]
async fn without_anything_under_way_it_stops_at_once() {
    let upstream = Upstream::that(Act::json(GOOD));
    let mut proxy = Proxy::before(&upstream).await;
    let mut half = proxy.caller().await;
    assert_eq!(half.get("/a").await.status, 200);
    proxy.signal("TERM");
    assert_eq!(
        proxy.process().end(Duration::from_secs(2)).await.code(),
        Some(0)
    );
}

#[tokio::test]
async fn what_happened_up_to_sigterm_is_in_the_database() {
    let folder = tempfile::TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let upstream = Upstream::that(Act::answer("HTTP/1.1 503 No", "down"));
    let proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    for n in 0..20 {
        assert_eq!(proxy.get(&format!("/api/series/{n}")).await.status, 503);
    }
    let mut proxy = proxy;
    proxy.signal("TERM");
    assert_eq!(
        proxy.process().end(Duration::from_secs(5)).await.code(),
        Some(0)
    );
    let kept = crate::state::kept(folder.path()).await;
    assert_eq!(kept.events, 20);
}

/// Asks on connections of their own, so that each is either let in or refused. How many were answered.
async fn ask_until_refused(address: SocketAddr) -> usize {
    let mut answered = 0;
    loop {
        let Ok(stream) = TcpStream::connect(address).await else {
            return answered;
        };
        let mut wire = Wire::new(stream);
        let sent = wire.send(get("/a").as_bytes()).await.is_ok();
        match wire.head().await {
            Ok(Some(head)) if sent => assert_eq!(status(&head), 200),
            // Never accepted: it was in the kernel's queue when the listener was closed.
            _ => return answered,
        }
        let (body, end) = wire.body(Length::Known(GOOD.len())).await;
        assert!(end == End::Whole && body == GOOD.as_bytes());
        answered += 1;
    }
}

#[tokio::test]
async fn a_stop_under_load_answers_everybody_that_was_let_in() {
    let upstream = Upstream::that(Act::json(GOOD).late(Duration::from_millis(30)));
    let proxy = Proxy::before(&upstream).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        asking.spawn(ask_until_refused(proxy.address));
    }
    sleep(Duration::from_millis(500)).await;
    proxy.signal("TERM");
    let answered: usize = asking.join_all().await.into_iter().sum();
    assert!(answered > 20, "{answered}");
}
