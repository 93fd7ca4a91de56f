//! The writer on a `SQLite` store that cannot take events for a while: locked by somebody, or full. Files and a driver's threads
//! are at work here, so the clock is the real one and every wait has a bound.

use std::{sync::Arc, time::Duration};

use healing_core::{
    Sink, SqliteSettings, SqliteStore, Store, StoreError, StoreWriter, WriterCounts, WriterSettings,
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::store_support::{event, kept, second, stored};

const BUSY: Duration = Duration::from_millis(50);

struct Running {
    folder: TempDir,
    store: Arc<SqliteStore>,
    writer: StoreWriter,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Running {
    async fn start(settings: SqliteSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_with(folder.path().join("healing.db"), settings)
            .await
            .unwrap();
        let store = Arc::new(store);
        let mut writing = WriterSettings::spilling_to(folder.path().join("events.ndjson"));
        (writing.linger, writing.first_pause) =
            (Duration::from_millis(5), Duration::from_millis(20));
        writing.longest_pause = Duration::from_millis(100);
        let stop = CancellationToken::new();
        let (writer, run) = StoreWriter::new(Arc::clone(&store) as _, writing, stop.clone());
        let mut task = JoinSet::new();
        task.spawn(run);
        Self {
            folder,
            store,
            writer,
            stop,
            task,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.join_all().await;
    }
}

/// Waits for the counts to say so, on the real clock, within ten seconds.
pub(crate) async fn until(
    writer: &StoreWriter,
    enough: impl Fn(WriterCounts) -> bool,
) -> WriterCounts {
    for _ in 0..1_000 {
        if enough(writer.counts()) {
            return writer.counts();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not in ten seconds: {:?}", writer.counts());
}

#[tokio::test]
async fn a_file_that_somebody_locks_longer_than_we_wait_gets_all_events_afterwards() {
    let running = Running::start(SqliteSettings::default().with_busy_timeout(BUSY)).await;
    let options = SqliteConnectOptions::new().filename(running.store.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let error = running
        .store
        .write_events(&stored(&[event(1)]))
        .await
        .expect_err("a lock");
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");

    for number in 1..=600 {
        running.writer.event(event(number));
    }
    until(&running.writer, |counts| {
        counts.spilled == 600 && counts.failed_batches >= 2
    })
    .await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    until(&running.writer, |counts| counts.written == 600).await;
    assert_eq!(kept(&*running.store).await, ((1..=600).collect(), 600));
    running.stop().await;
}

#[tokio::test]
async fn a_full_database_spills_and_takes_all_events_once_there_is_room() {
    let running = Running::start(SqliteSettings::default().with_max_bytes(400_000)).await;
    let mut filled = 0;
    let error = loop {
        let batch: Vec<_> = (filled + 1..=filled + 50).map(event).collect();
        match running.store.write_events(&stored(&batch)).await {
            Ok(_) => filled += 50,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(std::fs::metadata(running.store.path()).unwrap().len() <= 400_000);

    for number in 10_001..=10_200 {
        running.writer.event(event(number));
    }
    until(&running.writer, |counts| counts.spilled == 200).await;
    assert!(running.writer.is_store_away());
    assert_eq!(
        running.store.prune(second(10_000)).await.unwrap(),
        u64::from(filled)
    );
    until(&running.writer, |counts| counts.written == 200).await;
    assert_eq!(
        kept(&*running.store).await,
        ((10_001..=10_200).collect(), u64::from(filled) + 200)
    );
    running.stop().await;
}

#[tokio::test]
async fn what_did_not_fit_comes_in_when_the_bound_is_raised_at_the_next_start() {
    let running = Running::start(SqliteSettings::default().with_max_bytes(100_000)).await;
    for number in 1..=1_000 {
        running.writer.event(event(number));
    }
    until(&running.writer, |counts| {
        counts.written + counts.spilled == 1_000 && counts.spilled > 0
    })
    .await;
    running.stop.cancel();
    running.task.join_all().await;
    running.store.close().await;

    let store = Arc::new(SqliteStore::open(running.store.path()).await.unwrap());
    let stop = CancellationToken::new();
    let spill = running.folder.path().join("events.ndjson");
    let settings = WriterSettings::spilling_to(&spill);
    let (writer, run) = StoreWriter::new(Arc::clone(&store) as _, settings, stop.clone());
    let mut task = JoinSet::new();
    task.spawn(run);
    until(&writer, |_| !spill.exists()).await;
    assert_eq!(kept(&*store).await, ((1..=1_000).collect(), 1_000));
    stop.cancel();
    task.join_all().await;
}
