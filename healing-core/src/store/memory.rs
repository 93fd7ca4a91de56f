//! The store without a database: it forgets everything at the end of the process, and the oldest before that.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    health::EndpointHealth,
    lock::lock,
    store::{
        EventQuery, Store, StoreError,
        pattern::{ErrorPattern, PatternKey, Tally},
        stored::StoredEvent,
    },
    vocabulary::{lesson::Lesson, observation::RouteShape, route::Route},
};

/// Keeps the newest events in memory; the default store.
///
/// An event's id is known for as long as the event is kept. Patterns are counted since the start.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    kept: Mutex<Kept>,
}

/// Never held across an await: every method is done when it returns.
#[derive(Debug, Default)]
struct Kept {
    /// In the order of time; the id tells apart what came in one microsecond.
    events: BTreeMap<(Timestamp, Uuid), StoredEvent>,
    ids: HashSet<Uuid>,
    health: BTreeMap<Route, EndpointHealth>,
    patterns: BTreeMap<PatternKey, Tally>,
    shapes: BTreeMap<Route, RouteShape>,
    lessons: BTreeMap<String, Lesson>,
    dropped: u64,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// Some 10 MB of events.
    pub const CAPACITY: usize = 10_000;

    /// A store for so many events, at least one.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            kept: Mutex::default(),
        }
    }

    /// Events that were forgotten to make room for newer ones.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.kept().dropped
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }
}

impl Store for MemoryStore {
    fn write_events<'a>(
        &'a self,
        events: &'a [StoredEvent],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let mut kept = self.kept();
        let new = events
            .iter()
            .filter(|event| kept.take(event, self.capacity))
            .count();
        done(u64::try_from(new).unwrap_or(u64::MAX))
    }

    fn save_health<'a>(
        &'a self,
        rows: &'a [EndpointHealth],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept()
            .health
            .extend(rows.iter().map(|row| (row.route.clone(), row.clone())));
        done(())
    }

    fn save_shapes<'a>(&'a self, rows: &'a [RouteShape]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept()
            .shapes
            .extend(rows.iter().map(|row| (row.route.clone(), row.clone())));
        done(())
    }

    fn shapes(&self) -> BoxFuture<'_, Result<Vec<RouteShape>, StoreError>> {
        done(self.kept().shapes.values().cloned().collect())
    }

    fn save_lessons<'a>(&'a self, rows: &'a [Lesson]) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept()
            .lessons
            .extend(rows.iter().map(|row| (row.name.clone(), row.clone())));
        done(())
    }

    fn lessons(&self) -> BoxFuture<'_, Result<Vec<Lesson>, StoreError>> {
        let mut lessons: Vec<Lesson> = self.kept().lessons.values().cloned().collect();
        lessons.sort_by_key(|lesson| std::cmp::Reverse(lesson.at));
        done(lessons)
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let from = (query.since.unwrap_or(Timestamp::MIN), Uuid::nil());
        let kept = self.kept();
        let found = kept
            .events
            .range(from..)
            .rev()
            .map(|(_, event)| event)
            .filter(|event| matches(event, &query));
        done(found.take(limit).cloned().collect())
    }

    fn health(&self) -> BoxFuture<'_, Result<Vec<EndpointHealth>, StoreError>> {
        done(self.kept().health.values().cloned().collect())
    }

    fn patterns(&self) -> BoxFuture<'_, Result<Vec<ErrorPattern>, StoreError>> {
        let mut patterns: Vec<_> = self
            .kept()
            .patterns
            .iter()
            .map(|(key, tally)| tally.pattern(key.clone()))
            .collect();
        // Stable, so that equals stay in the order of their keys.
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.occurrence_count));
        done(patterns)
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        done(self.kept().forget_before(before))
    }
}

// === impl Kept ===

impl Kept {
    /// Whether it was new.
    fn take(&mut self, event: &StoredEvent, capacity: usize) -> bool {
        if !self.ids.insert(event.id) {
            return false;
        }
        let tally = self
            .patterns
            .entry(PatternKey::of(event))
            .or_insert_with(|| Tally::new(event.timestamp));
        tally.add(event);
        self.events
            .insert((event.timestamp, event.id), event.clone());
        if self.events.len() > capacity
            && let Some(((_, id), _)) = self.events.pop_first()
        {
            self.ids.remove(&id);
            self.dropped = self.dropped.saturating_add(1);
        }
        true
    }

    fn forget_before(&mut self, before: Timestamp) -> u64 {
        let newer = self.events.split_off(&(before, Uuid::nil()));
        let old = std::mem::replace(&mut self.events, newer);
        for (_, id) in old.keys() {
            self.ids.remove(id);
        }
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }
}

fn matches(event: &StoredEvent, query: &EventQuery) -> bool {
    query
        .source
        .as_ref()
        .is_none_or(|source| source.as_str() == event.source)
        && query.id.is_none_or(|id| id == event.id)
}

fn done<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, StoreError>> {
    future::ready(Ok(value)).boxed()
}
