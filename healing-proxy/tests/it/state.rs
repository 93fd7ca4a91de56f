//! What is kept on disk survives even a kill.

use std::{net::SocketAddr, path::Path, time::Duration};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    forms::GOOD,
    stage::{Caller, Proxy, get},
    upstream::{Act, Upstream},
    wire::Length,
};

/// What a database holds.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) events: i64,
    sound: String,
}

/// Reads the database in a state folder.
pub(crate) async fn kept(folder: &Path) -> Kept {
    let options = SqliteConnectOptions::new().filename(folder.join("healing.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let events = sqlx::query_scalar("SELECT count(*) FROM error_events")
        .fetch_one(&mut connection)
        .await;
    let sound = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await;
    let kept = Kept {
        events: events.unwrap(),
        sound: sound.unwrap(),
    };
    connection.close().await.unwrap();
    kept
}

/// Asks for that path until nobody answers.
async fn ask_for_ever(address: SocketAddr, path: String) {
    let mut wire = Caller::of(address).await.wire;
    while wire.send(get(&path).as_bytes()).await.is_ok() {
        let Ok(Some(head)) = wire.head().await else {
            return;
        };
        wire.body(head.length(Length::Known(0))).await;
    }
}

#[tokio::test]
async fn a_kill_under_load_loses_no_event_older_than_a_second_and_breaks_nothing() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let upstream = Upstream::that(Act::answer("HTTP/1.1 503 No", "down"));
    let mut safe = 0;
    for _ in 0..3 {
        let mut proxy = Proxy::with(upstream.address, &["--state", &state]).await;
        for n in 0..50 {
            assert_eq!(proxy.get(&format!("/api/series/{n}")).await.status, 503);
        }
        safe += 50;
        sleep(Duration::from_millis(1_500)).await;
        let mut load = JoinSet::new();
        for n in 0..10 {
            let address = proxy.address;
            load.spawn(ask_for_ever(address, format!("/api/other/{n}")));
        }
        sleep(Duration::from_millis(300)).await;
        proxy.signal("KILL");
        assert_eq!(
            proxy.process().end(Duration::from_secs(5)).await.code(),
            None
        );
        load.shutdown().await;
    }
    // It starts again on what is left.
    let proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    assert_eq!(proxy.get("/api/series/1").await.status, 503);
    let kept = kept(folder.path()).await;
    assert!(
        kept.events >= safe && kept.sound == "ok",
        "{kept:?}, {safe} were safe"
    );
}

#[tokio::test]
async fn the_state_folder_is_made_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let folder = home.path().join("a/b");
    let upstream = Upstream::that(Act::answer("HTTP/1.1 503 No", "down"));
    let proxy = Proxy::with(
        upstream.address,
        &["--state", &folder.display().to_string()],
    )
    .await;
    proxy.get("/api/series/1").await;
    sleep(Duration::from_millis(800)).await;
    for (file, _) in crate::stage::files(&folder) {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", file.display());
    }
    assert_eq!(kept(&folder).await.events, 1);
}

#[tokio::test]
async fn a_restart_in_an_outage_heals_with_the_copy_of_the_process_before_and_its_true_age() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let mut upstream = Upstream::that(Act::json(GOOD));
    for signal in ["TERM", "KILL"] {
        let path = format!("/api/series/{signal}");
        upstream.comes();
        let mut proxy = Proxy::with(upstream.address, &["--state", &state]).await;
        let came = Instant::now();
        assert_eq!(proxy.get(&path).await.text(), GOOD);
        let own = get("/api/series/own").replace("Accept", "Authorization: Bearer x\r\nAccept");
        assert_eq!(proxy.ask(&own).await.text(), GOOD);
        // What a kill may lose is no older than this.
        sleep(Duration::from_millis(if signal == "KILL" {
            3_000
        } else {
            10
        }))
        .await;
        proxy.signal(signal);
        proxy.process().end(Duration::from_secs(15)).await;
        upstream.goes().await;
        sleep(Duration::from_millis(1_100)).await;
        let proxy = Proxy::with(upstream.address, &["--state", &state]).await;
        let answer = proxy.get(&path).await;
        let age = came.elapsed().as_secs();
        assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
        let told = answer.get("healing");
        assert!(told.starts_with("stale;strategy=use_cached_data"), "{told}");
        let own_age: u64 = answer.get("age").parse().unwrap();
        assert!(
            (age.saturating_sub(1)..=age).contains(&own_age),
            "{answer:?}"
        );
        // Nothing that was for one caller is on the disk.
        assert!(proxy.ask(&own).await.status >= 500);
    }
}

#[tokio::test]
async fn what_was_changed_does_not_come_back_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let mut upstream = Upstream::that(Act::json(GOOD));
    let mut proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    assert_eq!(proxy.get("/api/series/1").await.text(), GOOD);
    sleep(Duration::from_millis(2_500)).await;
    let change = "DELETE /api/series/1 HTTP/1.1\r\nHost: api.test\r\n\r\n";
    assert_eq!(proxy.ask(change).await.status, 200);
    proxy.signal("TERM");
    proxy.process().end(Duration::from_secs(15)).await;
    upstream.goes().await;
    let proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    assert_eq!(proxy.get("/api/series/1").await.status, 502);
}
