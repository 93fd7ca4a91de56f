//! The contract with a database, and the stores that come with the house.
//!
//! What is stored is for people and for reports: error events, the health of endpoints, and patterns counted from the events.
//! No request ever waits for it: events go in through [`StoreWriter`], in batches, and wait in a local file while the
//! database is away. Tables, limits and counters are in `docs/src/store.md`.

pub(crate) mod memory;
pub(crate) mod pattern;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod stored;
pub(crate) mod writer;

use std::{fmt, io, path::PathBuf};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    health::EndpointHealth,
    store::{pattern::ErrorPattern, stored::StoredEvent},
    vocabulary::{
        kept_copy::{CopyChanges, KeptCopy},
        lesson::Lesson,
        observation::RouteShape,
        source::Source,
    },
};

/// A place that keeps error events, the health of endpoints and error patterns.
///
/// Object safe: the house holds a `dyn Store`. Every method may be called at any time from any task; none may block a thread.
/// A store counts the patterns itself, from the events that are new to it.
///
/// ```
/// use std::sync::Arc;
/// use healing_core::{EventQuery, MemoryStore, Store};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), healing_core::StoreError> {
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
/// assert_eq!(store.write_events(&[]).await?, 0);
/// assert!(store.events(EventQuery::newest(10)).await?.is_empty());
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + fmt::Debug {
    /// Keeps events, all or none, and answers how many were new. An id that is there already changes nothing, in no table:
    /// writing a batch again after an unclear end is harmless.
    ///
    /// # Errors
    /// When the store cannot take them now. Nothing of the batch was kept then.
    fn write_events<'a>(
        &'a self,
        events: &'a [StoredEvent],
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Puts these rows in the place of the rows with the same source and endpoint.
    ///
    /// # Errors
    /// When the store cannot take them now.
    fn save_health<'a>(
        &'a self,
        rows: &'a [EndpointHealth],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The events that match, newest first.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>>;

    /// The health that was saved last, by source and endpoint.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn health(&self) -> BoxFuture<'_, Result<Vec<EndpointHealth>, StoreError>>;

    /// The patterns, the most frequent first.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn patterns(&self) -> BoxFuture<'_, Result<Vec<ErrorPattern>, StoreError>>;

    /// Puts what the answers of these routes look like in the place of what is kept of the same routes. A store that does not keep
    /// it takes it all the same, and the routes are learned anew after a restart.
    ///
    /// # Errors
    /// When the store cannot take them now.
    fn save_shapes<'a>(&'a self, rows: &'a [RouteShape]) -> BoxFuture<'a, Result<(), StoreError>> {
        let _unkept = rows;
        Box::pin(std::future::ready(Ok(())))
    }

    /// What was saved of the answers of routes, by source and endpoint.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn shapes(&self) -> BoxFuture<'_, Result<Vec<RouteShape>, StoreError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Stores what has changed of the copies, of which it keeps the newest, at most so many bytes of them. A store that does
    /// not keep them takes them all the same, and there are none after a restart.
    ///
    /// # Errors
    /// When the store cannot take them now. Nothing of the changes was kept then.
    fn save_copies<'a>(
        &'a self,
        changes: &'a CopyChanges,
        most: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let _unkept = (changes, most);
        Box::pin(std::future::ready(Ok(())))
    }

    /// The copies that were stored, the newest first, at most so many bytes of them.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn copies(&self, most: u64) -> BoxFuture<'_, Result<Vec<KeptCopy>, StoreError>> {
        let _unkept = most;
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Puts these lessons in the place of those with the same names. A store that does not keep them takes them all the same,
    /// and everything is learned anew after a restart.
    ///
    /// # Errors
    /// When the store cannot take them now.
    fn save_lessons<'a>(&'a self, rows: &'a [Lesson]) -> BoxFuture<'a, Result<(), StoreError>> {
        let _unkept = rows;
        Box::pin(std::future::ready(Ok(())))
    }

    /// The lessons that were saved, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read now.
    fn lessons(&self) -> BoxFuture<'_, Result<Vec<Lesson>, StoreError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Forgets the events from before that moment and answers how many there were. Patterns keep what they counted.
    ///
    /// # Errors
    /// When the store cannot be written now.
    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Which events are asked for.
///
/// ```
/// use healing_core::{EventQuery, Source};
/// let query = EventQuery::newest(20).of(Source::new("fred_api")?);
/// assert_eq!(query.limit, 20);
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventQuery {
    /// At most so many.
    pub limit: u32,
    /// Of this source alone.
    pub source: Option<Source>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// With this id alone.
    pub id: Option<Uuid>,
}

/// What a store cannot do. Each names the place, what is wrong there and the way out; a file that is refused is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A migration of the database is not the one that this program knows under its number.
    #[error(
        "{path}: schema version {version} is not this program's; it belongs to another program or was changed by hand: name another file"
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// The version.
        version: i64,
    },
    /// Something failed that has no variant of its own.
    #[error("{place}: {doing} failed")]
    Failed {
        /// The file or the address, without credentials.
        place: String,
        /// What was being done: "writing events".
        doing: &'static str,
        /// What the driver says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A `SQLite` database with tables, none of which tells of our migrations.
    #[error("{path} is a SQLite database of another program: name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the database's own bound is reached.
    #[error(
        "{path} cannot grow: the disk is full or its bound is reached; make room, prune, or raise the bound"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes to it for longer than we wait.
    #[error(
        "{path} is locked by another program for longer than the busy timeout; end that program or name another file"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A database of a later program.
    #[error(
        "{path} has schema version {found}, this program knows up to {known}: use the program that wrote it, or name another file"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The greatest version in it.
        found: i64,
        /// The greatest version that we know.
        known: i64,
    },
    /// A file with something else in it, or a damaged database.
    #[error("{path} is no SQLite database, or a damaged one: move it away or name another file")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or made at all.
    #[error(
        "{path} cannot be opened as a file for the store; correct its folder, owner and mode, or name another file"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

// === impl EventQuery ===

impl EventQuery {
    /// The newest so many.
    #[must_use]
    pub const fn newest(limit: u32) -> Self {
        Self {
            limit,
            source: None,
            since: None,
            id: None,
        }
    }

    /// The one event with this id, which is also the request's.
    #[must_use]
    pub const fn by_id(id: Uuid) -> Self {
        Self {
            limit: 1,
            source: None,
            since: None,
            id: Some(id),
        }
    }

    /// The same, of one source.
    #[must_use]
    pub fn of(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The same, from that moment on.
    #[must_use]
    pub const fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }
}
