//! The watcher: what it puts on the board, in which order, and what it leaves behind when it stops.

use healing_core::{
    AlertChange, EndpointHealth, FaultClass, HealthStatus, MemoryStore, Route, Source, SourceHealth,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

fn route() -> Route {
    Route::new(Source::new("fred_api").unwrap(), "/series/{id}")
}

fn snapshot(second: i64, requests: u64) -> Snapshot {
    let endpoint = EndpointHealth {
        route: route(),
        status: HealthStatus::Healthy,
        total_requests: requests,
        failed_requests: 0,
        error_rate: 0.0,
        avg_response_time: 0.1,
        last_success: None,
        last_failure: None,
        consecutive_failures: 0,
        consecutive_successes: 0,
        uptime_percentage: 100.0,
        shape_changed: None,
        moved: Vec::new(),
    };
    let source = SourceHealth {
        source: endpoint.route.source().clone(),
        status: HealthStatus::Healthy,
        requests,
        uptime_percentage: 100.0,
        actual_success_percentage: 100.0,
        error_rate: 0.0,
        latency: None,
        resting: false,
        healing_active: false,
        since: at(0),
        last_fault: None,
        routes: vec![endpoint],
    };
    Snapshot {
        time: at(second),
        sources: vec![source],
    }
}

fn event(number: u128) -> ErrorEvent {
    ErrorEvent {
        id: Uuid::from_u128(number),
        time: at(1),
        route: route(),
        class: FaultClass::Timeout,
        detail: "timeout_headers".into(),
        status: None,
        response_time: Duration::ZERO,
        params: json!({}),
        retries: 0,
        healed_by: None,
        fidelity: None,
        age: None,
        took: Duration::ZERO,
        instead: None,
    }
}

fn board() -> Board {
    Board::new(
        Clock::anchored_at(at(0)),
        Arc::new(|| json!({})),
        snapshot(0, 1),
    )
}

#[test]
fn a_snapshot_that_tells_nothing_new_waits_for_the_heartbeat() {
    let board = board();
    for (second, requests, seq) in [(1, 1, 1), (13, 1, 1), (14, 1, 2), (15, 2, 3), (16, 2, 3)] {
        board.publish(snapshot(second, requests));
        assert_eq!(board.seen().seq, seq, "second {second}");
    }
    board.event(&event(1));
    board.publish(snapshot(17, 2));
    assert_eq!(board.seen().seq, 4);
}

#[test]
fn the_board_keeps_the_last_events_and_tells_what_is_new() {
    let board = board();
    for number in 0..600 {
        board.event(&event(number));
    }
    let ids = |events: Vec<Arc<healing_core::StoredEvent>>| {
        events
            .iter()
            .map(|event| event.id.as_u128())
            .collect::<Vec<_>>()
    };
    assert_eq!(board.events(1000, None).len(), Board::MAX_EVENTS);
    let (events, newest) = board.events_after(598, 20);
    assert_eq!((ids(events), newest), (vec![598, 599], 600));
    let (events, _) = board.events_after(0, 2);
    assert_eq!(ids(events), [598, 599]);
    assert_eq!(ids(board.events_after(600, 20).0), [0; 0]);
}

#[tokio::test]
async fn three_unhealed_events_are_on_the_board_as_an_alert_and_the_health_is_saved_at_the_end() {
    let (events, received) = mpsc::channel(16);
    let store = Arc::new(MemoryStore::default());
    let (watcher, board) = Watcher::new(WatcherParts {
        clock: Clock::anchored_at(at(0)),
        snapshots: Arc::new(|| snapshot(2, 5)),
        counters: Arc::new(|| json!({})),
        events: received,
        store: Some(Arc::<MemoryStore>::clone(&store)),
    });
    let stop = CancellationToken::new();
    let mut news = board.news();
    let mut tasks = JoinSet::new();
    tasks.spawn(watcher.run(stop.clone()));
    for number in 0..3 {
        events.send(event(number)).await.unwrap();
    }
    let change = timeout(Duration::from_secs(5), news.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(
        matches!(&change, AlertChange::Opened(alert) if alert.title == "fred_api: healing failed (timeout)"),
        "{change:?}"
    );
    assert_eq!(board.alerts().len(), 1);

    drop(events);
    stop.cancel();
    timeout(Duration::from_secs(5), tasks.join_next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(store.health().await.unwrap().len(), 1);
    assert_eq!(board.events(10, None).len(), 3);
}

#[tokio::test]
async fn events_that_wait_when_it_stops_are_still_taken() {
    let (events, received) = mpsc::channel(16);
    let (watcher, board) = Watcher::new(WatcherParts {
        clock: Clock::anchored_at(at(0)),
        snapshots: Arc::new(|| snapshot(2, 5)),
        counters: Arc::new(|| json!({})),
        events: received,
        store: None,
    });
    for number in 0..5 {
        events.send(event(number)).await.unwrap();
    }
    let stop = CancellationToken::new();
    stop.cancel();
    watcher.run(stop).await;
    assert_eq!(board.events(10, None).len(), 5);
}
