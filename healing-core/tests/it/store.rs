//! Every store: events come back whole and newest first, writing twice changes nothing, patterns are counted exactly, health
//! rows replace each other, pruning takes the old ones. One suite, run on every store.

use healing_core::{
    EndpointHealth, ErrorPattern, EventQuery, FaultClass, HealthStatus, Instead, Lesson,
    MemoryStore, Route, RouteShape, Store, StoredEvent, StrategyId,
};
use http::Uri;
use serde_json::json;
use uuid::Uuid;

use crate::store_support::{event, healed, kept, route, second, source, stored};

const CACHE: StrategyId = StrategyId::USE_CACHED_DATA;
const RETRY: StrategyId = StrategyId::EXPONENTIAL_BACKOFF_RETRY;

/// Runs each function of the suite on a store of its own.
macro_rules! suite {
    ($($fact:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $fact() {
                super::$fact(&healing_core::MemoryStore::default()).await;
            })+
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test]
            async fn $fact() {
                let folder = tempfile::tempdir().expect("a folder");
                let store = healing_core::SqliteStore::open(folder.path().join("healing.db")).await.expect("a store");
                super::$fact(&store).await;
                store.close().await;
            })+
        }
    };
}

suite!(
    events_come_back_whole_and_newest_first,
    events_are_found_by_source_time_and_id,
    writing_a_batch_again_changes_nothing,
    an_event_twice_in_one_batch_is_one_event,
    patterns_are_counted_exactly,
    of_two_fixes_with_as_many_heals_the_later_one_is_named,
    a_batch_of_more_rows_than_one_statement_takes_is_kept_whole,
    a_health_row_takes_the_place_of_the_one_before,
    what_a_route_looks_like_takes_the_place_of_what_was_kept_of_it,
    a_lesson_takes_the_place_of_the_one_of_its_name_and_the_newest_come_first,
    pruning_forgets_old_events_and_keeps_patterns,
);

async fn events_come_back_whole_and_newest_first(store: &dyn Store) {
    let mut given = healed(2, CACHE, 1);
    let monthly = Uri::from_static("http://api.test/observations?series_id=GS10&api_key=CANARY");
    given.instead = Some(Instead::at(&monthly).called("monthly average").into());
    let mut events = stored(&[event(1), given]);
    assert_eq!(store.write_events(&events).await.unwrap(), 2);
    events.reverse();
    assert_eq!(store.events(EventQuery::newest(10)).await.unwrap(), events);
    assert_eq!(
        store.events(EventQuery::newest(1)).await.unwrap(),
        events[..1]
    );
    let newest = &events[0];
    assert_eq!(
        (newest.age, newest.took, newest.response_time),
        (Some(61.5), 1.0, 0.25)
    );
    assert_eq!(
        (newest.fidelity.as_deref(), newest.fixed_automatically),
        (Some("stale"), true)
    );
    assert_eq!(newest.error_message, "server_error (status), status 503");
    assert_eq!(
        newest.given_instead.as_deref(),
        Some("monthly average at /observations?series_id=GS10&api_key=REDACTED")
    );
}

async fn events_are_found_by_source_time_and_id(store: &dyn Store) {
    let mut other = event(3);
    other.route = Route::new(source("yahoo_finance"), "/v8/finance/chart/{symbol}");
    let events = stored(&[event(1), event(2), other, event(4)]);
    store.write_events(&events).await.unwrap();
    let numbers = async |query| -> Vec<u128> {
        store
            .events(query)
            .await
            .unwrap()
            .iter()
            .map(|event| event.id.as_u128())
            .collect()
    };
    assert_eq!(
        numbers(EventQuery::newest(10).of(source("fred_api"))).await,
        [4, 2, 1]
    );
    assert_eq!(
        numbers(EventQuery::newest(10).since(second(3))).await,
        [4, 3]
    );
    assert_eq!(
        numbers(
            EventQuery::newest(10)
                .of(source("fred_api"))
                .since(second(2))
        )
        .await,
        [4, 2]
    );
    assert_eq!(numbers(EventQuery::by_id(Uuid::from_u128(3))).await, [3]);
    assert_eq!(
        numbers(EventQuery::by_id(Uuid::from_u128(9))).await,
        [0_u128; 0]
    );
}

async fn writing_a_batch_again_changes_nothing(store: &dyn Store) {
    let events = stored(&[event(1), healed(2, CACHE, 1)]);
    store.write_events(&events).await.unwrap();
    let before = store.patterns().await.unwrap();
    assert_eq!(store.write_events(&events).await.unwrap(), 0);
    assert_eq!(
        store
            .write_events(&stored(&[event(2), event(3)]))
            .await
            .unwrap(),
        1
    );
    assert_eq!(kept(store).await, (vec![1, 2, 3], 3));
    assert_eq!(before[0].occurrence_count, 2);
}

async fn an_event_twice_in_one_batch_is_one_event(store: &dyn Store) {
    assert_eq!(
        store
            .write_events(&stored(&[event(1), event(1)]))
            .await
            .unwrap(),
        1
    );
    assert_eq!(kept(store).await, (vec![1], 1));
}

async fn patterns_are_counted_exactly(store: &dyn Store) {
    let mut refused = event(7);
    refused.class = FaultClass::ConnectionError;
    refused.detail = "connect_refused".into();
    // In two batches, so that the second one is added to what the first one left.
    store
        .write_events(&stored(&[
            event(1),
            healed(2, CACHE, 1),
            healed(3, CACHE, 2),
        ]))
        .await
        .unwrap();
    store
        .write_events(&stored(&[healed(4, RETRY, 6), refused]))
        .await
        .unwrap();
    let patterns = store.patterns().await.unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-4;
    assert!(close(patterns[0].confidence_score, 0.3006), "{patterns:?}"); // Wilson's lower bound of 3 out of 4
    let expected = ErrorPattern {
        source: "fred_api".to_owned(),
        error_type: "server_error".to_owned(),
        pattern_signature: "/api/fred/series/{id} status".to_owned(),
        occurrence_count: 4,
        fix_method: Some("use_cached_data".to_owned()),
        fix_success_rate: 0.75,
        avg_fix_time: 3.0,
        confidence_score: patterns[0].confidence_score,
        first_seen: second(1),
        last_seen: second(4),
    };
    assert_eq!(patterns[0], expected);
    let unhealed = ErrorPattern {
        error_type: "connection_error".to_owned(),
        pattern_signature: "/api/fred/series/{id} connect_refused".to_owned(),
        occurrence_count: 1,
        fix_method: None,
        fix_success_rate: 0.0,
        avg_fix_time: 0.0,
        confidence_score: 0.0,
        first_seen: second(7),
        last_seen: second(7),
        ..expected
    };
    assert_eq!(patterns[1..], [unhealed]);
}

async fn of_two_fixes_with_as_many_heals_the_later_one_is_named(store: &dyn Store) {
    store
        .write_events(&stored(&[healed(1, RETRY, 1), healed(2, CACHE, 1)]))
        .await
        .unwrap();
    assert_eq!(
        store.patterns().await.unwrap()[0].fix_method.as_deref(),
        Some("use_cached_data")
    );
    store
        .write_events(&stored(&[healed(3, RETRY, 1), healed(0, CACHE, 1)]))
        .await
        .unwrap();
    assert_eq!(
        store.patterns().await.unwrap()[0].fix_method.as_deref(),
        Some("exponential_backoff_retry")
    );
}

async fn a_batch_of_more_rows_than_one_statement_takes_is_kept_whole(store: &dyn Store) {
    let events: Vec<_> = (1..=1_201).map(event).collect();
    assert_eq!(store.write_events(&stored(&events)).await.unwrap(), 1_201);
    assert_eq!(kept(store).await, ((1..=1_201).collect(), 1_201));
}

async fn a_health_row_takes_the_place_of_the_one_before(store: &dyn Store) {
    let fred = EndpointHealth {
        route: route(),
        status: HealthStatus::Critical,
        total_requests: 1_000,
        failed_requests: 250,
        error_rate: 0.25,
        avg_response_time: 0.125,
        last_success: Some(second(1)),
        last_failure: None,
        consecutive_failures: 3,
        consecutive_successes: 0,
        uptime_percentage: 99.9,
        shape_changed: None,
        moved: Vec::new(),
    };
    let yahoo = EndpointHealth {
        route: Route::new(source("yahoo_finance"), "/v8"),
        ..fred.clone()
    };
    store
        .save_health(&[yahoo.clone(), fred.clone()])
        .await
        .unwrap();
    assert_eq!(store.health().await.unwrap(), [fred.clone(), yahoo.clone()]);
    let better = EndpointHealth {
        status: HealthStatus::Healthy,
        total_requests: 1_100,
        failed_requests: 251,
        error_rate: 0.0,
        avg_response_time: 0.25,
        last_success: None,
        last_failure: Some(second(2)),
        consecutive_failures: 0,
        consecutive_successes: 9,
        uptime_percentage: 98.0,
        shape_changed: None,
        moved: Vec::new(),
        ..fred
    };
    store
        .save_health(std::slice::from_ref(&better))
        .await
        .unwrap();
    assert_eq!(store.health().await.unwrap(), [better, yahoo]);
}

async fn what_a_route_looks_like_takes_the_place_of_what_was_kept_of_it(store: &dyn Store) {
    let row = |source_of: &str, fingerprint: &str| RouteShape {
        route: Route::new(source(source_of), "/v8/{symbol}"),
        fingerprint: fingerprint.to_owned(),
    };
    let (fred, yahoo) = (row("fred_api", "one"), row("yahoo_finance", "two"));
    assert!(store.shapes().await.unwrap().is_empty());
    store.save_shapes(&[yahoo.clone(), fred]).await.unwrap();
    let newer = row("fred_api", "three");
    store
        .save_shapes(std::slice::from_ref(&newer))
        .await
        .unwrap();
    assert_eq!(store.shapes().await.unwrap(), [newer, yahoo]);
}

async fn pruning_forgets_old_events_and_keeps_patterns(store: &dyn Store) {
    store
        .write_events(&stored(&[event(1), event(2), event(3)]))
        .await
        .unwrap();
    assert_eq!(store.prune(second(3)).await.unwrap(), 2);
    assert_eq!(store.prune(second(3)).await.unwrap(), 0);
    assert_eq!(kept(store).await, (vec![3], 3));
}

#[tokio::test]
async fn a_full_memory_store_drops_the_oldest_and_counts_it() {
    let store = MemoryStore::with_capacity(2);
    store
        .write_events(&stored(&[event(2), event(3), event(1), event(4)]))
        .await
        .unwrap();
    assert_eq!(kept(&store).await, (vec![3, 4], 4));
    assert_eq!(store.dropped(), 2);
}

#[test]
fn a_stored_event_is_the_same_after_json() {
    let stored = StoredEvent::from(&healed(1, CACHE, 2));
    let json = serde_json::to_value(&stored).unwrap();
    assert_eq!(json["timestamp"], json!(second(1).to_string()));
    assert_eq!(json["request_params"]["series_id"], json!("DGS10"));
    assert_eq!(serde_json::from_value::<StoredEvent>(json).unwrap(), stored);
}

async fn a_lesson_takes_the_place_of_the_one_of_its_name_and_the_newest_come_first(
    store: &dyn Store,
) {
    let lesson = |name: &str, at, state: &str| Lesson {
        name: name.to_owned(),
        at: second(at),
        encoding: 1,
        state: state.to_owned(),
    };
    assert!(store.lessons().await.unwrap().is_empty());
    let (first, other) = (lesson("a", 1, "{}"), lesson("b", 2, "{}"));
    store.save_lessons(&[first, other.clone()]).await.unwrap();
    let later = lesson("a", 3, "[1]");
    store
        .save_lessons(std::slice::from_ref(&later))
        .await
        .unwrap();
    assert_eq!(store.lessons().await.unwrap(), [later, other]);
}
