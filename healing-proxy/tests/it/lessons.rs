//! What was learned outlives the process; what cannot be read is learned anew.

use std::{path::Path, time::Duration};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    stage::{PATIENCE, Proxy, Running},
    stand::page_of,
    upstream::{Act, Upstream},
};

/// What a retry is expected to come to at a series, as the command `explain` tells it.
async fn foreseen(proxy: &Proxy) -> (f64, f64) {
    let admin = proxy.admin.to_string();
    let url = format!("http://{}/api/series/99", proxy.address);
    let args = ["explain", "--url", &url, "--admin", &admin, "--json"];
    let mut running = Running::start(&args);
    let code = running.end(PATIENCE).await.code();
    assert_eq!(code, Some(0), "{}", running.err());
    let told: Value = serde_json::from_str(&running.out()).unwrap();
    let retry = &told["considered"][0];
    assert_eq!(retry["strategy"], "exponential_backoff_retry", "{told}");
    (retry["p"].as_f64().unwrap(), retry["up"].as_f64().unwrap())
}

async fn started(upstream: &Upstream, folder: &TempDir) -> Proxy {
    let state = folder.path().display().to_string();
    Proxy::with(upstream.address, &["--state", &state]).await
}

async fn stopped(mut proxy: Proxy) {
    proxy.signal("TERM");
    let status = proxy.process().end(Duration::from_secs(15)).await;
    assert!(status.success(), "{}", proxy.err());
}

/// Puts that in place of one number of each row.
fn with_number(text: &str) -> String {
    let at = |kind, path| {
        format!("WHEN name LIKE '[\"{kind}\"%' THEN json_set(state, '{path}', 98765.25)")
    };
    format!(
        "UPDATE lessons SET state = replace(CASE {} {} {} END, '98765.25', '{text}')",
        at("remedy", "$.counts[1]"),
        at("source", "$.culprits[0][0]"),
        at("suspects", "$[0].down")
    )
}

/// Changes the rows of lessons in a state folder, and says how many.
async fn changed(folder: &Path, by: &str) -> u64 {
    let options = SqliteConnectOptions::new().filename(folder.join("healing.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let done = sqlx::query(AssertSqlSafe(by))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    done.rows_affected()
}

/// A proxy that has learned from an outage, and has stopped. Returns what it foresaw before and after it.
async fn taught(upstream: &Upstream, folder: &TempDir) -> [(f64, f64); 2] {
    let proxy = started(upstream, folder).await;
    let untaught = foreseen(&proxy).await;
    for n in 0..3 {
        assert_eq!(proxy.get(&format!("/api/series/{n}")).await.status, 500);
    }
    let taught = foreseen(&proxy).await;
    stopped(proxy).await;
    [untaught, taught]
}

#[tokio::test]
async fn what_was_learned_is_shown_after_a_restart_and_another_one() {
    let folder = TempDir::new().unwrap();
    let upstream = Upstream::that(Act::answer("HTTP/1.1 500 Oops", "down"));
    let [untaught, taught] = taught(&upstream, &folder).await;
    assert!(
        taught.0 < 0.6 * untaught.0 && taught.1 < untaught.1,
        "{taught:?} {untaught:?}"
    );
    for _ in 0..2 {
        let proxy = started(&upstream, &folder).await;
        let (p, up) = foreseen(&proxy).await;
        stopped(proxy).await;
        // It relaxes a little meanwhile.
        assert!((p - taught.0).abs() < 0.25, "{p} {up} {taught:?}");
        assert!(
            up > taught.1 - 0.01 && up < 0.9 * untaught.1,
            "{up} {taught:?}"
        );
    }
}

#[tokio::test]
async fn rows_that_are_broken_or_of_another_version_are_learned_anew_which_is_said_and_counted() {
    let upstream = Upstream::that(Act::answer("HTTP/1.1 500 Oops", "down"));
    for by in [
        "UPDATE lessons SET state = '{\"counts\":[1'".to_owned(),
        "UPDATE lessons SET state = CAST(x'ff00fe' AS TEXT)".to_owned(),
        "UPDATE lessons SET encoding = 2".to_owned(),
        "UPDATE lessons SET name = '[\"tomorrow\",' || name || ']'".to_owned(),
        with_number("-7.0"),
        with_number("1e300"),
        with_number("1e999"),
        with_number("NaN"),
        with_number("null"),
    ] {
        let folder = TempDir::new().unwrap();
        let [untaught, _] = taught(&upstream, &folder).await;
        let rows = changed(folder.path(), &by).await;
        assert!(rows >= 2, "{by}: {rows}");
        let proxy = started(&upstream, &folder).await;
        assert_eq!(foreseen(&proxy).await, untaught, "{by}");
        assert!(
            proxy
                .err()
                .contains("lessons of an earlier process cannot be read"),
            "{by}: {}",
            proxy.err()
        );
        let status = page_of(&proxy, "/api/v1/status").await;
        let aside = status["counters"]["lessons_set_aside"].as_u64().unwrap();
        assert_eq!(aside, rows, "{by}: {status}");
        assert_eq!(proxy.get("/api/series/1").await.status, 500);
        stopped(proxy).await;
    }
}
