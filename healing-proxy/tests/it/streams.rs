//! Bodies without bound: passed on as they come, in bounded memory.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    stage::{PATIENCE, Proxy, get, status},
    upstream::{Act, Upstream},
    wire::{End, Length},
};

const MIB: usize = 1024 * 1024;

/// More than this and a body was kept in memory, in MiB.
const BOUND: usize = 60;

fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_of_200_mib_passes_whole_in_bounded_memory() {
    let chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let part = vec![b' '; MIB];
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &part, b"\r\n"].concat();
    for act in [
        Act::send(head(200 * MIB)).then_times(part, 200),
        Act::send(chunked).then_times(chunk, 200).then("0\r\n\r\n"),
    ] {
        let upstream = Upstream::that(act);
        let proxy = Proxy::before(&upstream).await;
        let mut caller = proxy.caller().await;
        caller.send(get("/dump")).await;
        let head = caller.head().await;
        assert_eq!(status(&head), 200);
        let mut left = 200 * MIB;
        match head.length(Length::UntilClosed) {
            Length::Known(length) => {
                assert_eq!(length, left);
                while left > 0 {
                    left -= caller.exactly(left.min(MIB)).await.len();
                }
            }
            Length::Chunked => {
                let (body, end) = caller.wire.body(Length::Chunked).await;
                assert_eq!((body.len(), end), (200 * MIB, End::Whole));
            }
            Length::UntilClosed => panic!("the length is lost: {head:?}"),
        }
        let peak = proxy.peak_memory();
        assert!(peak < BOUND, "{peak} MiB");
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_does_not_fill_the_memory() {
    let part = vec![b' '; MIB];
    let upstream = Upstream::that(Act::send(head(200 * MIB)).then_times(part, 200));
    let proxy = Proxy::before(&upstream).await;
    let mut callers = Vec::new();
    for _ in 0..4 {
        let mut caller = proxy.caller().await;
        caller.send(get("/dump")).await;
        assert_eq!(status(&caller.head().await), 200);
        callers.push(caller);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let peak = proxy.peak_memory();
    assert!(peak < BOUND, "{peak} MiB");
}

#[tokio::test]
async fn the_first_byte_of_a_large_body_does_not_wait_for_the_last() {
    let part = vec![b' '; 10 * MIB];
    let slow = Act::send(head(20 * MIB)).then(part.clone());
    let upstream = Upstream::that(slow.pause(Duration::from_secs(4)).then(part));
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    let begun = Instant::now();
    caller.send(get("/dump")).await;
    assert_eq!(status(&caller.head().await), 200);
    caller.exactly(MIB).await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    caller.exactly(19 * MIB).await;
    assert!(begun.elapsed() > Duration::from_secs(4));
}

#[tokio::test]
async fn a_body_of_unknown_length_is_held_at_most_three_seconds_and_then_passed_on_for_ever() {
    let chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut act = Act::send(chunked);
    for _ in 0..60 {
        act = act.then("3\r\n1, \r\n").pause(Duration::from_millis(200));
    }
    let upstream = Upstream::that(act.hangs());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    let begun = Instant::now();
    caller.send(get("/endless")).await;
    assert_eq!(status(&caller.head().await), 200);
    assert!(
        begun.elapsed() < Duration::from_millis(3_500),
        "{:?}",
        begun.elapsed()
    );
    // Some of it comes every second, long after any deadline.
    for _ in 0..7 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        caller.wire.unread.clear();
        let more = timeout(Duration::from_secs(1), caller.wire.more()).await;
        assert!(more.expect("it goes on").expect("it is open") > 0);
    }
}

#[tokio::test]
async fn server_sent_events_arrive_as_they_are_sent() {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n";
    let pause = Duration::from_millis(400);
    let mut act = Act::send(head);
    for n in 0..5 {
        act = act.then(format!("data: {n}\n\n")).pause(pause);
    }
    let upstream = Upstream::that(act.hangs());
    let proxy = Proxy::before(&upstream).await;
    let mut caller = proxy.caller().await;
    let begun = Instant::now();
    caller
        .send("GET /stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        .await;
    let head = caller.head().await;
    assert_eq!(head.get("content-type"), "text/event-stream");
    let mut text = String::from_utf8_lossy(&caller.wire.unread).into_owned();
    for n in 0..5_u32 {
        let event = format!("data: {n}\n\n");
        while !text.contains(&event) {
            assert!(begun.elapsed() < PATIENCE, "{text:?}");
            assert!(
                caller.wire.more().await.expect("it is open") > 0,
                "{text:?}"
            );
            text = String::from_utf8_lossy(&caller.wire.unread).into_owned();
        }
        let late = begun.elapsed().saturating_sub(pause * n);
        assert!(
            late < Duration::from_millis(300),
            "event {n} is late by {late:?}"
        );
        assert!(!text.contains(&format!("data: {}", n + 1)), "{text:?}");
    }
}

#[tokio::test]
async fn an_event_stream_may_be_silent_for_longer_than_any_deadline() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let act = Act::send(head)
        .then("data: 1\n\n")
        .pause(Duration::from_secs(12))
        .then("data: 2\n\n");
    let upstream = Upstream::that(act.closes());
    let proxy = Proxy::before(&upstream).await;
    let answer = proxy.get("/stream").await;
    assert_eq!(
        (answer.text().as_str(), answer.end),
        ("data: 1\n\ndata: 2\n\n", End::Whole)
    );
}
