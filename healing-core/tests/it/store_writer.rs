//! The writer: it batches, never makes a teller wait, tries again with growing pauses, spills while the store is away, and loses
//! nothing at the stop. Stores are simulated and the clock is paused.

use std::{path::Path, sync::Arc, time::Duration};

use healing_core::{MemoryStore, Sink, Store, StoreWriter, WriterCounts, WriterSettings};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::store_support::{Moody, event, kept};

/// A running writer.
struct Running {
    writer: StoreWriter,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Running {
    fn start(store: Arc<dyn Store>, settings: WriterSettings) -> Self {
        let stop = CancellationToken::new();
        let (writer, run) = StoreWriter::new(store, settings, stop.clone());
        let mut task = JoinSet::new();
        task.spawn(run);
        Self { writer, stop, task }
    }

    fn tell(&self, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            self.writer.event(event(number));
        }
    }

    async fn stop(self) -> WriterCounts {
        self.stop.cancel();
        self.task.join_all().await;
        self.writer.counts()
    }
}

fn spilling() -> (TempDir, WriterSettings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = WriterSettings::spilling_to(folder.path().join("events.ndjson"));
    (folder, settings)
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[tokio::test(start_paused = true)]
async fn events_are_written_in_one_batch_after_a_quarter_of_a_second() {
    let store = Arc::new(MemoryStore::default());
    let running = Running::start(Arc::clone(&store) as _, WriterSettings::default());
    running.tell(1..=3);
    sleep(Duration::from_millis(249)).await;
    assert_eq!(running.writer.counts().written, 0);
    sleep(Duration::from_millis(2)).await;
    assert_eq!(kept(&*store).await, (vec![1, 2, 3], 3));
    assert_eq!(
        running.stop().await,
        WriterCounts {
            written: 3,
            ..WriterCounts::default()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let store = Arc::new(MemoryStore::default());
    let running = Running::start(Arc::clone(&store) as _, WriterSettings::default());
    running.tell(1..=513);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.writer.counts().written, 512);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_counts_and_nobody_waits() {
    let mut settings = WriterSettings::default();
    (settings.queue, settings.batch) = (100, 10);
    let running = Running::start(Moody::hanging(), settings);
    let before = Instant::now();
    for number in 1..=10 {
        running.writer.event(event(number));
    }
    sleep(Duration::from_millis(1)).await; // the batch of ten is in the hanging write now
    running.tell(11..=150);
    assert_eq!(before.elapsed(), Duration::from_millis(1));
    assert_eq!(running.writer.counts().dropped_queue_full, 40);
    assert!(
        running
            .writer
            .counts()
            .by_name()
            .contains(&("events_dropped_queue_full", 40))
    );
    let counts = running.stop().await;
    assert_eq!((counts.written, counts.dropped_at_stop), (0, 110));
}

#[tokio::test(start_paused = true)]
async fn without_a_spill_file_the_batch_is_kept_and_tried_after_growing_pauses() {
    let store = Moody::failing();
    let running = Running::start(Arc::clone(&store) as _, WriterSettings::default());
    running.tell(1..=2);
    let begun = Instant::now();
    // Tries at 0.25, 0.75, 1.75, 3.75 s.
    for (at, failed) in [
        (300, 1),
        (700, 1),
        (800, 2),
        (1_700, 2),
        (1_800, 3),
        (3_700, 3),
        (3_800, 4),
    ] {
        sleep_until(begun + Duration::from_millis(at)).await;
        assert_eq!(running.writer.counts().failed_batches, failed, "at {at} ms");
    }
    assert!(running.writer.is_store_away());
    running.tell(3..=3);
    store.fail(false);
    sleep(Duration::from_secs(5)).await;
    assert!(!running.writer.is_store_away());
    assert_eq!(kept(&*store).await, (vec![1, 2, 3], 3));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_events_spill_and_come_back() {
    let (folder, settings) = spilling();
    let spill = folder.path().join("events.ndjson");
    let store = Moody::failing();
    let running = Running::start(Arc::clone(&store) as _, settings);
    running.tell(1..=1_500);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(
        (running.writer.counts().spilled, lines(&spill)),
        (1_500, 1_500)
    );
    store.fail(false);
    running.tell(1_501..=1_502);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(kept(&*store).await, ((1..=1_502).collect(), 1_502));
    assert!(!spill.exists());
    let counts = running.stop().await;
    assert_eq!((counts.written, counts.replayed), (1_502, counts.spilled));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_counts_as_away() {
    let (_folder, settings) = spilling();
    let running = Running::start(Moody::hanging(), settings);
    running.tell(1..=2);
    sleep(Duration::from_secs(11)).await;
    let counts = running.writer.counts();
    assert_eq!((counts.failed_batches, counts.spilled), (1, 2));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_spill_file_drops_and_counts() {
    let (folder, mut settings) = spilling();
    settings.spill_max_bytes = 2_000;
    let store = Moody::failing();
    let running = Running::start(Arc::clone(&store) as _, settings);
    running.tell(1..=10);
    sleep(Duration::from_millis(300)).await;
    let counts = running.writer.counts();
    assert_eq!(counts.spilled + counts.dropped_spill_full, 10);
    assert!(
        counts.spilled > 0 && counts.dropped_spill_full > 0,
        "{counts:?}"
    );
    assert!(
        std::fs::metadata(folder.path().join("events.ndjson"))
            .unwrap()
            .len()
            <= 2_000
    );
    store.fail(false);
    sleep(Duration::from_secs(1)).await;
    let first: Vec<_> = (1..=u128::from(counts.spilled)).collect();
    assert_eq!(kept(&*store).await, (first, counts.spilled));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_spill_file_that_cannot_be_written_leaves_the_batch_in_hand() {
    let folder = tempfile::tempdir().unwrap();
    let store = Moody::failing();
    let running = Running::start(
        Arc::clone(&store) as _,
        WriterSettings::spilling_to(folder.path().join("no/such/folder")),
    );
    running.tell(1..=2);
    sleep(Duration::from_millis(400)).await;
    let counts = running.writer.counts();
    assert_eq!((counts.spill_failures, counts.spilled), (1, 0));
    store.fail(false);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(kept(&*store).await, (vec![1, 2], 2));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_torn_last_line_is_skipped_and_counted_and_harms_no_other() {
    let (folder, settings) = spilling();
    let spill = folder.path().join("events.ndjson");
    let first = Running::start(Moody::failing(), settings.clone());
    first.tell(1..=3);
    first.stop().await;
    let text = std::fs::read_to_string(&spill).unwrap();
    std::fs::write(&spill, text.strip_suffix("}\n").unwrap()).unwrap();

    // The next process finds the store away too, so that it appends to the torn file first.
    let store = Moody::failing();
    let second = Running::start(Arc::clone(&store) as _, settings);
    second.tell(4..=5);
    sleep(Duration::from_millis(300)).await;
    store.fail(false);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(kept(&*store).await, (vec![1, 2, 4, 5], 4));
    let counts = second.stop().await;
    assert_eq!((counts.spill_lines_skipped, counts.replayed), (1, 4));
    assert!(!spill.exists());
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_is_brought_in_without_a_new_event() {
    let (_folder, settings) = spilling();
    let first = Running::start(Moody::failing(), settings.clone());
    first.tell(1..=3);
    assert_eq!(first.stop().await.spilled, 3);
    let store = Arc::new(MemoryStore::default());
    let second = Running::start(Arc::clone(&store) as _, settings);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(kept(&*store).await, (vec![1, 2, 3], 3));
    assert_eq!(second.stop().await.replayed, 3);
}

#[tokio::test(start_paused = true)]
async fn the_stop_writes_what_is_queued() {
    let store = Arc::new(MemoryStore::default());
    let running = Running::start(Arc::clone(&store) as _, WriterSettings::default());
    running.tell(1..=2_000);
    assert_eq!(running.stop().await.written, 2_000);
    assert_eq!(kept(&*store).await, ((1..=2_000).collect(), 2_000));
}

#[tokio::test(start_paused = true)]
async fn the_stop_is_over_in_time_even_when_the_store_hangs_and_spills_the_rest() {
    let (folder, settings) = spilling();
    let running = Running::start(Moody::hanging(), settings);
    running.tell(1..=2_000);
    sleep(Duration::from_secs(1)).await;
    let before = Instant::now();
    let counts = running.stop().await;
    assert!(
        before.elapsed() <= Duration::from_millis(5_100),
        "{:?}",
        before.elapsed()
    );
    assert_eq!((counts.written, counts.spilled), (0, 2_000));
    assert_eq!(lines(&folder.path().join("events.ndjson")), 2_000);
}

#[tokio::test(start_paused = true)]
async fn without_a_teller_the_writer_ends_by_itself_and_counts_nothing_as_lost() {
    let store = Arc::new(MemoryStore::default());
    let Running {
        writer,
        task,
        stop: _stop,
    } = Running::start(Arc::clone(&store) as _, WriterSettings::default());
    writer.event(event(1));
    drop(writer);
    task.join_all().await;
    assert_eq!(kept(&*store).await, (vec![1], 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_after_the_end_is_counted() {
    let running = Running::start(Arc::new(MemoryStore::default()), WriterSettings::default());
    let writer = running.writer.clone();
    running.stop().await;
    writer.event(event(1));
    assert_eq!(writer.counts().dropped_at_stop, 1);
}

#[tokio::test(start_paused = true)]
async fn no_secret_of_a_query_reaches_the_spill_file_which_is_its_owners_alone() {
    let (folder, settings) = spilling();
    let running = Running::start(Moody::failing(), settings);
    running.tell(1..=3);
    running.stop().await;
    let spill = folder.path().join("events.ndjson");
    let text = std::fs::read_to_string(&spill).unwrap();
    assert!(
        text.contains("DGS10") && text.contains("REDACTED"),
        "{text}"
    );
    assert!(!text.contains("CANARY"), "{text}");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&spill.metadata().unwrap().permissions()) & 0o777,
        0o600
    );
}
