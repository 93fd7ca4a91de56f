//! The feed as a conversation: its pace, readers that are slow, rude or too many, and the end.

use std::{collections::BTreeMap, time::Duration};

use healing_core::{AlertChange, HealthStatus, Resolution, ResolveReason};
use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::sample::{alert, at, board, event, kinds, served, settings, snapshot, source};
use crate::admin::AdminSettings;

fn end(number: u128) -> AlertChange {
    let id = Uuid::from_u128(number);
    AlertChange::Resolved(Resolution {
        id,
        reason: ResolveReason::Recovered,
        time: at(9),
        duration: Duration::from_secs(9),
    })
}

#[tokio::test]
async fn many_changes_within_a_second_are_one_snapshot_and_it_is_the_newest() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    client.up_to_health().await;
    let first = Instant::now();
    for second in 1..=5 {
        served.board.publish(snapshot(
            second,
            vec![source(&format!("s{second}"), HealthStatus::Healthy)],
        ));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let messages = client.up_to_health().await;
    assert_eq!(kinds(&messages), ["health_update"]);
    assert_eq!(messages[0]["seq"], 6);
    assert!(
        first.elapsed() >= Duration::from_millis(800),
        "{:?} after the one before",
        first.elapsed()
    );
}

#[tokio::test]
async fn a_reader_that_fell_behind_misses_no_incident_and_hears_of_none_twice() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    client.up_to_health().await;
    served.board.alert(AlertChange::Opened(alert(1)));
    served.board.alert(AlertChange::Opened(alert(2)));
    assert_eq!(client.next().await.unwrap()["type"], "alert");
    assert_eq!(client.next().await.unwrap()["type"], "alert");

    // More than the channel holds, without a pause in which the server could read any of it.
    served.board.alert(end(1));
    for number in 100..600 {
        served.board.alert(AlertChange::Opened(alert(number)));
        if number != 350 {
            served.board.alert(end(number));
        }
    }
    for number in 0..700 {
        served.board.event(&event("fred_api", number));
    }
    served
        .board
        .publish(snapshot(1, vec![source("fred_api", HealthStatus::Healthy)]));

    let messages = client.up_to_health().await;
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for message in &messages {
        let id = message["alert"]["id"]
            .as_str()
            .or_else(|| message["alert_id"].as_str());
        if let Some(id) = id {
            told.entry(id.to_owned())
                .or_default()
                .push(message["type"].as_str().unwrap());
        }
    }
    let of = |number: u128| {
        told.get(&Uuid::from_u128(number).to_string())
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(of(1), ["alert_resolved"]);
    assert_eq!(of(350).iter().filter(|kind| **kind == "alert").count(), 1);
    assert!(!of(350).contains(&"alert_resolved"));
    for (id, kinds) in &told {
        let count = |kind| kinds.iter().filter(|told| **told == kind).count();
        assert!(
            count("alert") <= 1 && count("alert_resolved") <= 1,
            "{id}: {kinds:?}"
        );
    }
    let events: Vec<_> = messages
        .iter()
        .filter(|message| message["type"] == "event")
        .collect();
    assert_eq!(
        (events.len(), &events[0]["left_out"], &events[1]["left_out"]),
        (20, &680.into(), &0.into())
    );
    assert_eq!(
        messages.last().unwrap()["endpoints"][0]["source"],
        "fred_api"
    );
}

#[tokio::test]
async fn what_a_reader_sends_is_ignored_up_to_4_kb_and_ends_the_conversation_above() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    client.up_to_health().await;
    client.send(Message::text("{\"type\":\"shutdown\"}")).await;
    client.send(Message::text("x".repeat(4096))).await;
    served
        .board
        .publish(snapshot(1, vec![source("fred_api", HealthStatus::Healthy)]));
    assert_eq!(kinds(&client.up_to_health().await), ["health_update"]);
    client.send(Message::text("x".repeat(4097))).await;
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_reader_too_many_is_refused_with_503_until_another_leaves() {
    let served = served(
        board(snapshot(0, vec![])),
        AdminSettings {
            max_clients: 1,
            ..settings()
        },
    )
    .await;
    let mut first = served.connect().await;
    first.up_to_health().await;
    assert_eq!(served.connect_with(&[]).await.err(), Some(503));
    first.0.close(None).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while served.connect_with(&[]).await.is_err() {
        assert!(Instant::now() < deadline, "the place was never free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn at_the_end_readers_are_told_and_the_server_returns() {
    let mut served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    client.up_to_health().await;
    served.stop.cancel();
    assert_eq!(client.next().await.unwrap()["type"], "bye");
    assert_eq!(client.next().await, None);
    drop(client);
    let ended = tokio::time::timeout(Duration::from_secs(5), served.task.join_next())
        .await
        .unwrap();
    assert!(ended.unwrap().unwrap().is_ok());
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_the_end_up() {
    let mut served = served(board(snapshot(0, vec![])), settings()).await;
    let mut half = tokio::net::TcpStream::connect(("127.0.0.1", served.port))
        .await
        .unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: local")
        .await
        .unwrap();
    served.connect().await.up_to_health().await;
    served.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(8), served.task.join_next())
        .await
        .unwrap();
    assert!(ended.unwrap().unwrap().is_ok());
}
