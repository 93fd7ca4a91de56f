//! A process that is killed while it writes, spills and brings back: what it said was kept is there afterwards, and once.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use healing_core::{Sink, SqliteSettings, SqliteStore, StoreWriter, WriterSettings};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    store_away::until,
    store_support::{event, kept},
};

/// Tells the child, which is this program again, where to work.
const FOLDER: &str = "STORE_KILL_FOLDER";

/// The words before the number of events that are safe.
const SAFE: &str = "safe: ";

fn writing(folder: &Path) -> WriterSettings {
    let mut settings = WriterSettings::spilling_to(folder.join("events.ndjson"));
    (settings.batch, settings.linger) = (32, Duration::from_millis(1));
    (settings.first_pause, settings.longest_pause) =
        (Duration::from_millis(5), Duration::from_millis(20));
    settings
}

async fn opened(folder: &Path) -> Arc<SqliteStore> {
    let settings = SqliteSettings::default().with_busy_timeout(Duration::from_millis(10));
    Arc::new(
        SqliteStore::open_with(folder.join("healing.db"), settings)
            .await
            .unwrap(),
    )
}

/// The process that is killed; done at once when nobody started it for that.
///
/// Its database is locked half of the time, so that it dies while it spills, writes or brings back.
#[tokio::test]
async fn the_child_of_the_next_test_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let store = opened(folder).await;
    let mut other =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(store.path()))
            .await
            .unwrap();
    let (writer, run) = StoreWriter::new(store, writing(folder), CancellationToken::new());
    let mut task = JoinSet::new();
    task.spawn(run);
    let mut told = 0;
    for turn in 0_u32.. {
        let statement = if turn % 2 == 0 {
            "BEGIN EXCLUSIVE"
        } else {
            "COMMIT"
        };
        while sqlx::raw_sql(statement).execute(&mut other).await.is_err() {}
        for _ in 0..20 {
            for _ in 0..10 {
                told += 1;
                writer.event(event(told));
            }
            sleep(Duration::from_millis(1)).await;
            let counts = writer.counts();
            assert_eq!(
                counts.dropped_queue_full + counts.dropped_spill_full,
                0,
                "{counts:?}"
            );
            #[expect(
                clippy::print_stdout,
                reason = "how it talks to the test that kills it"
            )]
            {
                println!(
                    "{SAFE}{}",
                    counts.spilled + counts.written.saturating_sub(counts.replayed)
                );
            }
        }
    }
}

#[tokio::test]
async fn what_was_kept_before_a_kill_is_there_once_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let child = "store_kill::the_child_of_the_next_test_writes_until_it_is_killed";
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let safe = lines
        .filter_map(|line| {
            line.split_once(SAFE)
                .and_then(|(_, number)| number.parse::<u128>().ok())
        })
        .find(|&safe| safe >= 3_000)
        .expect("a child that lives until it is killed");
    process.kill().unwrap(); // SIGKILL on Unix
    process.wait().unwrap();
    assert!(
        folder.path().join("healing.db-wal").exists(),
        "the child closed its database"
    );

    let store = opened(folder.path()).await;
    let stop = CancellationToken::new();
    let (writer, run) = StoreWriter::new(
        Arc::clone(&store) as _,
        writing(folder.path()),
        stop.clone(),
    );
    let mut task = JoinSet::new();
    task.spawn(run);
    let spill = folder.path().join("events.ndjson");
    until(&writer, |_| !spill.exists()).await;
    stop.cancel();
    task.join_all().await;
    let (numbers, counted) = kept(&*store).await;
    let missing: Vec<_> = (1..=safe)
        .filter(|number| numbers.binary_search(number).is_err())
        .collect();
    assert_eq!(missing, [0_u128; 0], "of {safe} safe events");
    assert_eq!(
        counted,
        numbers.len() as u64,
        "a pattern counted an event twice"
    );
}
