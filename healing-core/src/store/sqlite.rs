//! The embedded store: one `SQLite` file, nothing to install.
//!
//! One connection writes and a few read, in write-ahead mode, so that reading never waits for writing. Every write begins with
//! `BEGIN IMMEDIATE`: a transaction that reads first and then wants to write fails at once when another one wrote between, and
//! the busy timeout does not help it (<https://www.sqlite.org/rescode.html#busy_snapshot>).

mod copies;
mod lessons;
mod place;
mod reads;
mod shapes;
mod writes;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use sqlx::{
    ConnectOptions, SqlSafeStr, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    health::EndpointHealth,
    store::{EventQuery, Store, StoreError, pattern::ErrorPattern, stored::StoredEvent},
    vocabulary::{
        kept_copy::{CopyChanges, KeptCopy},
        lesson::Lesson,
        observation::RouteShape,
    },
};

/// Number, name and text of every migration; the folder holds the same.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "init",
        include_str!("../../../migrations/sqlite/0001_init.sql"),
    ),
    (
        2,
        "route_shapes",
        include_str!("../../../migrations/sqlite/0002_route_shapes.sql"),
    ),
    (
        3,
        "copies",
        include_str!("../../../migrations/sqlite/0003_copies.sql"),
    ),
    (
        4,
        "lessons",
        include_str!("../../../migrations/sqlite/0004_lessons.sql"),
    ),
    (
        5,
        "given_instead",
        include_str!("../../../migrations/sqlite/0005_given_instead.sql"),
    ),
];

/// What `SQLite` uses for a new file.
const PAGE_BYTES: u64 = 4096;

/// Keeps everything in one `SQLite` file, which the process must be alone to write.
///
/// ```
/// use healing_core::{EventQuery, SqliteStore, Store};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(folder.path().join("healing.db")).await?;
/// assert!(store.events(EventQuery::newest(10)).await?.is_empty());
/// store.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

/// How a `SQLite` store is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteSettings {
    /// How long a write waits for somebody else's lock: 5 s.
    pub busy_timeout: Duration,
    /// The greatest size of the database file in bytes, rounded down to whole pages of 4096; unbounded by default. The
    /// write-ahead file beside it, 4 MiB as a rule, is not counted.
    pub max_bytes: Option<u64>,
    /// Connections that read: 2.
    pub readers: u32,
}

// === impl SqliteSettings ===

impl SqliteSettings {
    /// The same, waiting so long for locks.
    #[must_use]
    pub const fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// The same, with a bound on the file.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    fn connect(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(self.busy_timeout)
            .disable_statement_logging()
    }

    fn writer(&self, path: &Path) -> SqliteConnectOptions {
        let options = self
            .connect(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        match self.max_bytes {
            Some(bytes) => {
                options.pragma("max_page_count", (bytes / PAGE_BYTES).max(1).to_string())
            }
            None => options,
        }
    }
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            readers: 2,
        }
    }
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the file, makes it (mode 0600) where there is none, and brings its tables to the schema of this program.
    ///
    /// # Errors
    /// When the file cannot be read, is no `SQLite` database, is another program's or a later one's, or stays locked. Such a
    /// file is not written to.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteSettings::default()).await
    }

    /// The same, with settings.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        path: impl AsRef<Path>,
        settings: SqliteSettings,
    ) -> Result<Self, StoreError> {
        let path = place::settle(path.as_ref()).await?;
        let migrator = migrator();
        let up_to_date = place::inspect(&path, &migrator, settings.connect(&path)).await?;
        let writer = pool(1, &settings)
            .connect_with(settings.writer(&path))
            .await
            .map_err(|error| refused(&path, "opening", error))?;
        if !up_to_date {
            migrator
                .run(&writer)
                .await
                .map_err(|error| refused(&path, "migrating", error.into()))?;
        }
        let readers = pool(settings.readers.max(1), &settings)
            .connect_lazy_with(settings.connect(&path).read_only(true));
        Ok(Self {
            path,
            writer,
            readers,
        })
    }

    /// The file, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes all connections; the write-ahead file is folded into the database. Every later call fails.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    async fn write(&self, events: &[StoredEvent]) -> Result<u64, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let new = writes::insert_events(&mut transaction, events).await?;
        writes::count_patterns(&mut transaction, &new).await?;
        transaction.commit().await?;
        Ok(u64::try_from(new.len()).unwrap_or(u64::MAX))
    }

    async fn save(&self, rows: &[EndpointHealth]) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        writes::upsert_health(&mut transaction, rows).await?;
        transaction.commit().await
    }

    async fn save_all_shapes(&self, rows: &[RouteShape]) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        shapes::upsert(&mut transaction, rows).await?;
        transaction.commit().await
    }

    async fn save_all_lessons(&self, rows: &[Lesson]) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        lessons::upsert(&mut transaction, rows).await?;
        transaction.commit().await
    }

    async fn save_changed_copies(
        &self,
        changes: &CopyChanges,
        most: u64,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        copies::remove(&mut transaction, &changes.gone).await?;
        copies::upsert(&mut transaction, &changes.copies).await?;
        copies::bound(&mut transaction, most).await?;
        transaction.commit().await
    }

    /// In pieces, so that event batches get their turn between.
    async fn forget(&self, before: Timestamp) -> Result<u64, sqlx::Error> {
        let mut all = 0_u64;
        loop {
            let mut transaction = self.begin().await?;
            let gone = writes::delete_some_before(&mut transaction, before).await?;
            transaction.commit().await?;
            all = all.saturating_add(gone);
            if gone == 0 {
                return Ok(all);
            }
        }
    }
}

impl Store for SqliteStore {
    fn write_events<'a>(
        &'a self,
        events: &'a [StoredEvent],
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        async move {
            self.write(events)
                .await
                .map_err(|error| refused(&self.path, "writing events", error))
        }
        .boxed()
    }

    fn save_health<'a>(
        &'a self,
        rows: &'a [EndpointHealth],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.save(rows)
                .await
                .map_err(|error| refused(&self.path, "writing health", error))
        }
        .boxed()
    }

    fn events(&self, query: EventQuery) -> BoxFuture<'_, Result<Vec<StoredEvent>, StoreError>> {
        async move {
            let found = reads::events(&self.readers, &query).await;
            found.map_err(|error| refused(&self.path, "reading events", error))
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Result<Vec<EndpointHealth>, StoreError>> {
        async move {
            reads::health(&self.readers)
                .await
                .map_err(|error| refused(&self.path, "reading health", error))
        }
        .boxed()
    }

    fn patterns(&self) -> BoxFuture<'_, Result<Vec<ErrorPattern>, StoreError>> {
        async move {
            reads::patterns(&self.readers)
                .await
                .map_err(|error| refused(&self.path, "reading patterns", error))
        }
        .boxed()
    }

    fn save_shapes<'a>(&'a self, rows: &'a [RouteShape]) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.save_all_shapes(rows)
                .await
                .map_err(|error| refused(&self.path, "writing shapes of routes", error))
        }
        .boxed()
    }

    fn shapes(&self) -> BoxFuture<'_, Result<Vec<RouteShape>, StoreError>> {
        async move {
            shapes::all(&self.readers)
                .await
                .map_err(|error| refused(&self.path, "reading shapes of routes", error))
        }
        .boxed()
    }

    fn save_copies<'a>(
        &'a self,
        changes: &'a CopyChanges,
        most: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.save_changed_copies(changes, most)
                .await
                .map_err(|error| refused(&self.path, "writing copies", error))
        }
        .boxed()
    }

    fn copies(&self, most: u64) -> BoxFuture<'_, Result<Vec<KeptCopy>, StoreError>> {
        async move {
            copies::newest(&self.readers, most)
                .await
                .map_err(|error| refused(&self.path, "reading copies", error))
        }
        .boxed()
    }

    fn save_lessons<'a>(&'a self, rows: &'a [Lesson]) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.save_all_lessons(rows)
                .await
                .map_err(|error| refused(&self.path, "writing lessons", error))
        }
        .boxed()
    }

    fn lessons(&self) -> BoxFuture<'_, Result<Vec<Lesson>, StoreError>> {
        async move {
            lessons::all(&self.readers)
                .await
                .map_err(|error| refused(&self.path, "reading lessons", error))
        }
        .boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            self.forget(before)
                .await
                .map_err(|error| refused(&self.path, "pruning", error))
        }
        .boxed()
    }
}

fn migrator() -> Migrator {
    let known = MIGRATIONS.iter().map(|&(version, name, sql)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(known.collect())
}

/// Connections live as long as the pool: there is no server to drop them. A writer that waits for its turn waits at least as
/// long as the one before it may wait for a lock.
fn pool(connections: u32, settings: &SqliteSettings) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(
            settings
                .busy_timeout
                .saturating_mul(2)
                .max(Duration::from_secs(1)),
        )
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The driver's error in our words, by `SQLite`'s primary result codes (<https://www.sqlite.org/rescode.html>).
fn refused(path: &Path, doing: &'static str, error: sqlx::Error) -> StoreError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let primary = code
        .and_then(|code| code.parse::<u32>().ok())
        .map(|code| code & 0xff);
    let path = path.to_path_buf();
    match primary {
        Some(5 | 6) => StoreError::Locked { path },
        Some(13) => StoreError::Full { path },
        Some(11 | 26) => StoreError::NotADatabase { path },
        _ => StoreError::Failed {
            place: path.display().to_string(),
            doing,
            source: Box::new(error),
        },
    }
}
