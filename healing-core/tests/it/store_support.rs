//! Events and stores for the tests of the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use healing_core::{
    EndpointHealth, ErrorEvent, ErrorPattern, EventQuery, FaultClass, Fidelity, MemoryStore, Route,
    Source, Store, StoreError, StoredEvent, StrategyId, redacted_params,
};
use jiff::Timestamp;
use uuid::Uuid;

/// A Monday in June; events follow it by their number in seconds.
const START: i64 = 1_780_000_000;

pub(crate) fn source(slug: &str) -> Source {
    Source::new(slug).expect("a slug")
}

pub(crate) fn route() -> Route {
    Route::new(source("fred_api"), "/api/fred/series/{id}")
}

pub(crate) fn second(number: u32) -> Timestamp {
    Timestamp::from_second(START + i64::from(number)).expect("in the calendar")
}

/// An event that was not healed. Its number is its id and its second.
pub(crate) fn event(number: u32) -> ErrorEvent {
    ErrorEvent {
        id: Uuid::from_u128(u128::from(number)),
        time: second(number),
        route: route(),
        class: FaultClass::ServerError,
        detail: "status".into(),
        status: Some(503),
        response_time: Duration::from_millis(250),
        params: redacted_params(Some("series_id=DGS10&api_key=CANARY-SECRET-51&q=CANARY")),
        retries: 1,
        healed_by: None,
        fidelity: None,
        age: None,
        took: Duration::from_millis(500),
        instead: None,
    }
}

/// The same, healed by that after so many seconds.
pub(crate) fn healed(number: u32, strategy: StrategyId, took: u64) -> ErrorEvent {
    ErrorEvent {
        healed_by: Some(strategy),
        fidelity: Some(Fidelity::Stale),
        age: Some(Duration::from_millis(61_500)),
        took: Duration::from_secs(took),
        ..event(number)
    }
}

pub(crate) fn stored(events: &[ErrorEvent]) -> Vec<StoredEvent> {
    events.iter().map(StoredEvent::from).collect()
}

/// The numbers of the kept events, oldest first, and the occurrences that the patterns counted.
pub(crate) async fn kept(store: &dyn Store) -> (Vec<u128>, u64) {
    let events = store
        .events(EventQuery::newest(u32::MAX))
        .await
        .expect("a readable store");
    let patterns = store.patterns().await.expect("a readable store");
    let numbers = events
        .iter()
        .rev()
        .map(|event| event.id.as_u128())
        .collect();
    (
        numbers,
        patterns
            .iter()
            .map(|pattern| pattern.occurrence_count)
            .sum(),
    )
}

/// A memory store that can be away: failing at once, or never answering.
#[derive(Debug, Default)]
pub(crate) struct Moody {
    pub(crate) inner: MemoryStore,
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl Moody {
    pub(crate) fn failing() -> Arc<Self> {
        let store = Arc::new(Self::default());
        store.fail(true);
        store
    }

    pub(crate) fn hanging() -> Arc<Self> {
        let store = Arc::new(Self::default());
        store.hangs.store(true, SeqCst);
        store
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, SeqCst);
    }
}

impl Store for Moody {
    fn write_events<'a>(
        &'a self,
        events: &'a [StoredEvent],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        if self.hangs.load(SeqCst) {
            return std::future::pending().boxed();
        }
        if self.fails.load(SeqCst) {
            return std::future::ready(Err(StoreError::Locked {
                path: "moody".into(),
            }))
            .boxed();
        }
        self.inner.write_events(events)
    }

    fn save_health<'a>(
        &'a self,
        rows: &'a [EndpointHealth],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.save_health(rows)
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        self.inner.events(query)
    }

    fn health(&self) -> BoxFuture<'_, Result<Vec<EndpointHealth>, StoreError>> {
        self.inner.health()
    }

    fn patterns(&self) -> BoxFuture<'_, Result<Vec<ErrorPattern>, StoreError>> {
        self.inner.patterns()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.inner.prune(before)
    }
}
