//! What the specification's own client demands of every message: it breaks, or shows something untrue, otherwise.

use healing_core::{AlertChange, AlertLevel, HealthStatus, Resolution, ResolveReason, ShapeChange};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

use super::sample::{Client, alert, at, board, event, kinds, served, settings, snapshot, source};

const STATUSES: [&str; 4] = ["healthy", "degraded", "critical", "failed"];
const LEVELS: [&str; 4] = ["info", "warning", "error", "critical"];

/// Holds a message against the table of the specification's client.
#[track_caller]
fn assert_safe(message: &Value) {
    match message["type"].as_str().expect("a type") {
        "health_update" => {
            let endpoints = message["endpoints"]
                .as_array()
                .expect("endpoints is an array");
            let mut names: Vec<&str> = endpoints.iter().map(assert_endpoint).collect();
            let before = names.len();
            names.dedup();
            assert_eq!(names.len(), before, "one entry a source: {message}");
        }
        "alert" | "alert_updated" => assert_alert(&message["alert"]),
        "alert_resolved" => assert_id(&message["alert_id"]),
        _ => {}
    }
    assert_finite(message);
}

#[track_caller]
fn assert_endpoint(endpoint: &Value) -> &str {
    let name = endpoint["source"].as_str().expect("source is a string");
    assert!(healing_core::Source::new(name).is_ok(), "{name}");
    assert!(
        STATUSES.contains(&endpoint["status"].as_str().unwrap()),
        "{endpoint}"
    );
    for field in ["uptime_percentage", "actual_success_percentage"] {
        let number = endpoint[field].as_f64().expect("a number");
        assert!((0.0..=100.0).contains(&number), "{number}");
        let shown = format!("{number:.1}").parse::<f64>().unwrap();
        assert!(shown <= number + 1e-9, "toFixed(1) rounds {number} up");
    }
    name
}

#[track_caller]
fn assert_alert(alert: &Value) {
    assert_id(&alert["id"]);
    assert!(
        LEVELS.contains(&alert["level"].as_str().unwrap()),
        "{alert}"
    );
    let title = alert["title"].as_str().unwrap();
    assert!(
        !title.is_empty() && !title.contains(['<', '>', '&', '"', '\'', '`']),
        "{title}"
    );
    assert!(alert["healing_attempted"].is_boolean(), "{alert}");
}

#[track_caller]
fn assert_id(id: &Value) {
    let id = id.as_str().expect("an id is a string");
    let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    assert!(
        (32..=64).contains(&id.len()) && id.bytes().all(safe),
        "{id}"
    );
}

/// A `null` where the table wants a number cannot be told here, but where a number is there it is finite: JSON has no other.
#[track_caller]
fn assert_finite(value: &Value) {
    match value {
        Value::Array(all) => all.iter().for_each(assert_finite),
        Value::Object(all) => {
            for (name, value) in all {
                let numeric = name.ends_with("_ms")
                    || name.ends_with("_percentage")
                    || name.ends_with("_rate");
                assert!(!numeric || value.is_number(), "{name} is {value}");
                assert_finite(value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn safe_up_to_health(client: &mut Client) -> Vec<Value> {
    let messages = client.up_to_health().await;
    messages.iter().for_each(assert_safe);
    messages
}

#[tokio::test]
async fn a_new_reader_gets_hello_the_open_alerts_and_at_once_a_snapshot() {
    let board = board(snapshot(
        0,
        vec![
            source("fred_api", HealthStatus::Degraded),
            source("yahoo_finance", HealthStatus::Failed),
        ],
    ));
    board.alert(AlertChange::Opened(alert(7)));
    let served = served(board, settings()).await;
    let mut client = served.connect().await;
    let connected = tokio::time::Instant::now();
    let messages = safe_up_to_health(&mut client).await;
    assert!(
        connected.elapsed() < Duration::from_millis(900),
        "no beat was waited for: {:?}",
        connected.elapsed()
    );
    assert_eq!(kinds(&messages), ["hello", "alert", "health_update"]);
    assert_eq!(
        messages[0],
        json!({
            "type": "hello", "version": 1, "server": { "name": "heal-test", "version": "0.1.0" },
            "features": ["alert_updated", "event", "shape_changed", "bye"], "time": messages[0]["time"],
        })
    );
    assert_eq!(
        messages[1]["alert"],
        json!({
            "id": "00000000-0000-0000-0000-000000000007", "level": "error",
            "title": "fred_api: healing failed (server_error)", "healing_attempted": true, "healing_state": "failed",
            "source": "fred_api", "class": "server_error", "detail": "status", "route": "/api/series/{id}",
            "recommendation": "Look.", "started_at": "2027-01-15T07:59:30.000Z", "flapping": false,
            "explain_id": "00000000-0000-0000-0000-000000000009",
        })
    );
}

#[tokio::test]
async fn a_snapshot_has_every_field_of_the_form() {
    let served = served(
        board(snapshot(
            0,
            vec![source("fred_api", HealthStatus::Degraded)],
        )),
        settings(),
    )
    .await;
    let messages = safe_up_to_health(&mut served.connect().await).await;
    assert_eq!(
        messages[1],
        json!({
            "type": "health_update", "version": 1, "seq": 1, "time": "2027-01-15T08:00:00.000Z",
            "endpoints": [{
                "source": "fred_api", "status": "degraded", "uptime_percentage": 99.9, "display_name": "FRED API",
                "actual_success_percentage": 94.0, "error_rate": 0.06, "requests": 100, "p50_ms": 210.0, "p95_ms": 1400.0,
                "breaker": "closed", "healing_active": true, "status_detail": "timeout",
                "since": "2027-01-15T07:59:00.000Z", "last_success": "2027-01-15T07:59:59.000Z",
                "last_failure": "2027-01-15T07:59:55.000Z", "consecutive_failures": 0,
                "last_fault": {
                    "class": "timeout", "detail": "timeout_headers", "healed_by": "use_cached_data",
                    "time": "2027-01-15T07:59:55.000Z",
                },
                "routes": [{
                    "route": "/api/series/{id}", "status": "degraded", "uptime_percentage": 99.9, "error_rate": 0.06,
                    "total_requests": 100, "failed_requests": 6, "avg_ms": 250.0, "consecutive_failures": 0,
                    "last_success": "2027-01-15T07:59:59.000Z", "last_failure": "2027-01-15T07:59:55.000Z",
                }],
                "routes_total": 1,
            }],
        })
    );
}

#[tokio::test]
async fn a_route_that_looks_otherwise_is_told_once_and_shown_with_it() {
    let change = |time| ShapeChange {
        time,
        gone: vec!["/quote/price".into()],
        came: vec!["/quote/last".into()],
        is_retyped: false,
        values: Some((500, 3)),
    };
    let with = |time| {
        let mut source = source("fred_api", HealthStatus::Healthy);
        source.routes[0].shape_changed = Some(change(time));
        source
    };
    let served = served(board(snapshot(0, vec![with(at(-60))])), settings()).await;
    let mut client = served.connect().await;
    let first = safe_up_to_health(&mut client).await;
    let shown = json!({
        "time": "2027-01-15T07:59:00.000Z", "gone": ["/quote/price"], "came": ["/quote/last"],
        "retyped": false, "values": [500, 3],
    });
    assert_eq!(
        first[1]["endpoints"][0]["routes"][0]["shape_changed"],
        shown
    );
    let news = at(60);
    for seq in 1..3 {
        let mut source = with(news);
        source.requests += u64::try_from(seq).unwrap();
        served.board.publish(snapshot(seq, vec![source]));
        let told = safe_up_to_health(&mut client).await;
        let kinds: Vec<&str> = told.iter().filter_map(|one| one["type"].as_str()).collect();
        let expected: &[&str] = if seq == 1 {
            &["shape_changed", "health_update"]
        } else {
            &["health_update"]
        };
        assert_eq!(kinds, expected);
        if seq == 1 {
            assert_eq!(told[0]["route"], "/api/series/{id}");
            assert_eq!(told[0]["change"]["gone"], json!(["/quote/price"]));
        }
    }
}

#[tokio::test]
async fn numbers_that_are_none_two_rows_of_a_name_and_sources_without_requests_do_not_get_out() {
    let mut broken = source("broken", HealthStatus::Critical);
    broken.uptime_percentage = f64::NAN;
    broken.actual_success_percentage = 1e300;
    broken.error_rate = f64::INFINITY;
    broken.latency = None;
    broken.routes[0].avg_response_time = f64::NEG_INFINITY;
    broken.routes[0].uptime_percentage = 99.96;
    let mut silent = source("silent", HealthStatus::Healthy);
    silent.requests = 0;
    let twice = [
        source("twice", HealthStatus::Healthy),
        source("twice", HealthStatus::Failed),
    ];
    let sources = [vec![broken, silent], twice.to_vec()].concat();
    let served = served(board(snapshot(0, sources)), settings()).await;
    let messages = safe_up_to_health(&mut served.connect().await).await;
    let rows: Vec<(&str, &str, f64)> = messages[1]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["source"].as_str().unwrap(),
                row["status"].as_str().unwrap(),
                row["uptime_percentage"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [("broken", "critical", 0.0), ("twice", "failed", 99.9)]
    );
    assert_eq!(
        messages[1]["endpoints"][0]["routes"][0]["uptime_percentage"],
        99.9
    );
}

#[tokio::test]
async fn without_sources_the_endpoints_are_an_empty_array() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let messages = safe_up_to_health(&mut served.connect().await).await;
    assert_eq!(messages[1]["endpoints"], json!([]));
}

#[tokio::test]
async fn an_incident_is_told_once_then_as_updates_and_its_end_once() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    safe_up_to_health(&mut client).await;

    let opened = alert(7);
    let mut worse = opened.clone();
    worse.level = AlertLevel::Critical;
    let end = Resolution {
        id: opened.id,
        reason: ResolveReason::Recovered,
        time: at(212),
        duration: Duration::from_secs(242),
    };
    let stranger = Resolution {
        id: Uuid::from_u128(8),
        ..end.clone()
    };
    served.board.alert(AlertChange::Opened(opened.clone()));
    served.board.alert(AlertChange::Opened(opened));
    served.board.alert(AlertChange::Updated(worse));
    served.board.alert(AlertChange::Resolved(stranger));
    served.board.alert(AlertChange::Resolved(end.clone()));
    served.board.alert(AlertChange::Resolved(end));
    served
        .board
        .publish(snapshot(1, vec![source("fred_api", HealthStatus::Healthy)]));

    let messages = safe_up_to_health(&mut client).await;
    assert_eq!(
        kinds(&messages),
        ["alert", "alert_updated", "alert_resolved", "health_update"]
    );
    assert_eq!(messages[1]["alert"]["level"], "critical");
    assert_eq!(
        messages[2],
        json!({
            "type": "alert_resolved", "alert_id": "00000000-0000-0000-0000-000000000007",
            "resolved_at": "2027-01-15T08:03:32.000Z", "duration_s": 242, "reason": "recovered",
        })
    );
}

#[tokio::test]
async fn all_alerts_come_before_the_snapshot_that_shows_them_and_events_are_told() {
    let served = served(board(snapshot(0, vec![])), settings()).await;
    let mut client = served.connect().await;
    safe_up_to_health(&mut client).await;
    // The next snapshot is due at once: only the order of telling puts the alerts before it.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for number in 0..200 {
        served.board.alert(AlertChange::Opened(alert(number)));
    }
    served.board.event(&event("fred_api", 1));
    served
        .board
        .publish(snapshot(1, vec![source("fred_api", HealthStatus::Failed)]));
    let messages = safe_up_to_health(&mut client).await;
    let told = kinds(&messages);
    assert_eq!(told.iter().filter(|kind| **kind == "alert").count(), 200);
    assert_eq!(told[200..], ["event", "health_update"]);
    assert_eq!(
        messages[200]["event"]["id"],
        "00000000-0000-0000-0000-000000000001"
    );
    assert_eq!(messages[200]["event"]["fix_method"], "use_cached_data");
}
