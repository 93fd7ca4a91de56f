//! Probes and JSON.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use healing_core::{AlertChange, Clock, HealthStatus, Resolution, ResolveReason};
use serde_json::json;
use uuid::Uuid;

use super::sample::{alert, ask, at, board, event, snapshot, source};
use crate::agents::Board;

#[tokio::test]
async fn livez_is_ok_whatever_the_sources_do() {
    let board = board(snapshot(0, vec![source("fred_api", HealthStatus::Failed)]));
    let reply = ask(&board, "/livez", &[]).await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (StatusCode::OK, "ok\n")
    );
}

#[tokio::test]
async fn readyz_follows_the_listeners_and_the_drain() {
    let board = board(snapshot(0, vec![source("fred_api", HealthStatus::Failed)]));
    let before = ask(&board, "/readyz", &[]).await;
    assert_eq!(
        (before.status, before.text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "not ok\n")
    );
    board.set_ready();
    let ready = ask(&board, "/readyz?verbose", &[]).await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(
        ready.text,
        "[+] listeners bound: ok\n[+] not draining: ok\nok\n"
    );
    board.drain();
    let draining = ask(&board, "/readyz?verbose", &[]).await;
    assert_eq!(draining.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        draining.text,
        "[+] listeners bound: ok\n[-] not draining: failed\nnot ok\n"
    );
}

#[tokio::test]
async fn status_has_the_endpoints_of_the_feed_and_the_program() {
    let sources = vec![
        source("a", HealthStatus::Healthy),
        source("b", HealthStatus::Critical),
    ];
    let board = board(snapshot(0, sources));
    board.set_ready();
    board.alert(AlertChange::Opened(alert(7)));
    let status = ask(&board, "/api/v1/status", &[]).await.json();
    let picked = [
        "name",
        "version",
        "started_at",
        "ready",
        "status",
        "seq",
        "as_of",
        "counters",
    ]
    .map(|field| status[field].clone());
    assert_eq!(
        json!(picked),
        json!(["heal-test", "0.1.0", "2027-01-15T08:00:00.000Z", true, "critical", 1, "2027-01-15T08:00:00.000Z", { "dropped": 0 }])
    );
    assert_eq!(status["endpoints"][1]["source"], "b");
    assert_eq!(
        status["alerts"][0]["id"],
        "00000000-0000-0000-0000-000000000007"
    );
    assert!(status["uptime_s"].is_number());
}

#[tokio::test]
async fn without_sources_the_status_is_unknown_not_healthy() {
    let status = ask(&board(snapshot(0, vec![])), "/api/v1/status", &[])
        .await
        .json();
    assert_eq!(
        (&status["status"], &status["endpoints"]),
        (&json!(null), &json!([]))
    );
}

#[tokio::test]
async fn events_are_newest_first_bounded_and_of_one_source_if_asked() {
    let board = board(snapshot(0, vec![]));
    for number in 0..600 {
        board.event(&event(if number % 2 == 0 { "even" } else { "odd" }, number));
    }
    let ids = async |path: &str| {
        let reply = ask(&board, path, &[]).await.json();
        assert_eq!(reply["total"], 600);
        let ids = reply["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["id"].as_str().unwrap().parse::<Uuid>());
        ids.map(|id| id.unwrap().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/v1/events?limit=3").await, [599, 598, 597]);
    assert_eq!(ids("/api/v1/events?source=even&limit=2").await, [598, 596]);
    assert_eq!(ids("/api/v1/events?source=none").await, [0; 0]);
    assert_eq!(ids("/api/v1/events").await.len(), 100);
    assert_eq!(
        ids("/api/v1/events?limit=500").await.len(),
        Board::MAX_EVENTS
    );
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_its_value_and_what_is_allowed() {
    let board = board(snapshot(0, vec![]));
    for (path, parameter, value) in [
        ("/api/v1/events?limit=0", "limit", "0"),
        ("/api/v1/events?limit=501", "limit", "501"),
        ("/api/v1/events?limit=-1", "limit", "-1"),
        ("/api/v1/events?limit=ten", "limit", "ten"),
        ("/api/v1/events?limit=", "limit", ""),
        ("/api/v1/events?limit=1&limit=2", "limit", "2"),
        ("/api/v1/events?source=FRED%20API", "source", "FRED%20API"),
        ("/api/v1/events?sauce=fred_api", "sauce", "fred_api"),
        ("/api/v1/status?x", "x", ""),
        ("/api/v1/alerts?x=1", "x", "1"),
        ("/readyz?chatty", "chatty", ""),
    ] {
        let reply = ask(&board, path, &[]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        let problem = reply.json();
        assert_eq!(
            (&problem["parameter"], &problem["value"]),
            (&json!(parameter), &json!(value)),
            "{path}"
        );
        assert!(!problem["allowed"].as_str().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn alerts_are_the_open_ones_and_the_last_that_are_over() {
    let board = board(snapshot(0, vec![]));
    for number in [1, 2] {
        board.alert(AlertChange::Opened(alert(number)));
    }
    board.alert(AlertChange::Resolved(Resolution {
        id: Uuid::from_u128(1),
        reason: ResolveReason::Expired,
        time: at(60),
        duration: Duration::from_secs(90),
    }));
    let alerts = ask(&board, "/api/v1/alerts", &[]).await.json();
    let id = |number| json!(Uuid::from_u128(number).to_string());
    assert_eq!(
        (
            alerts["alerts"].as_array().unwrap().len(),
            &alerts["alerts"][0]["id"]
        ),
        (1, &id(2))
    );
    let over = &alerts["resolved"][0];
    assert_eq!(
        (&over["alert"]["id"], &over["duration_s"], &over["reason"]),
        (&id(1), &json!(90), &json!("expired"))
    );
}

#[tokio::test]
async fn a_handler_that_panics_is_a_problem_and_the_next_request_is_answered() {
    let board = Board::new(
        Clock::anchored_at(at(0)),
        Arc::new(|| panic!("on purpose")),
        snapshot(0, vec![]),
    );
    let reply = ask(&board, "/api/v1/status", &[]).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(reply.json()["type"], "urn:healing-proxy:problem:internal");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(!reply.text.contains("on purpose"));
    assert_eq!(ask(&board, "/livez", &[]).await.status, StatusCode::OK);
}
