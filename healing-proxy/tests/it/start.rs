//! How it starts, and what it says when it cannot.

use std::{fs, path::Path, time::Duration};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, time::sleep};

use crate::{
    forms::GOOD,
    stage::{Proxy, Running, files},
    upstream::{Act, Upstream},
};

const QUICKLY: Duration = Duration::from_secs(10);

/// Runs it to its end: the exit code and what it said on stderr.
async fn refused(args: &[&str]) -> (Option<i32>, String) {
    let mut running = Running::start(args);
    let status = running.end(QUICKLY).await;
    (status.code(), running.err())
}

#[tokio::test]
async fn an_upstream_that_is_down_at_the_start_is_a_warning_and_works_when_it_comes() {
    let mut upstream = Upstream::away();
    let proxy = Proxy::before(&upstream).await;
    assert!(proxy.out().contains("NOT reachable"), "{}", proxy.out());
    let err = proxy.err();
    assert!(
        err.contains("WARN") && err.contains(&upstream.address.to_string()),
        "{err}"
    );
    assert_eq!(proxy.get("/a").await.status, 502);
    upstream.always(Act::json(GOOD));
    upstream.comes();
    for _ in 0..10 {
        sleep(Duration::from_millis(250)).await;
        if proxy.get("/a").await.status == 200 {
            return;
        }
    }
    panic!("it does not come back: {:?}", proxy.get("/a").await);
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_way_out() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = held.local_addr().unwrap().to_string();
    for flag in ["--listen", "--admin"] {
        let other = if flag == "--listen" {
            "--admin"
        } else {
            "--listen"
        };
        let args = [
            "--upstream",
            "http://127.0.0.1:1",
            flag,
            &taken,
            other,
            "127.0.0.1:0",
        ];
        let (code, err) = refused(&args).await;
        assert_eq!(code, Some(1), "{err}");
        assert!(
            err.contains(&format!("{flag} {taken}"))
                && err.contains(&format!("{flag} 127.0.0.1:0")),
            "{err}"
        );
    }
}

#[tokio::test]
async fn a_second_proxy_at_the_same_address_is_refused() {
    let upstream = Upstream::that(Act::json(GOOD));
    let first = Proxy::before(&upstream).await;
    let taken = first.address.to_string();
    let args = [
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        &taken,
        "--admin",
        "127.0.0.1:0",
    ];
    let (code, err) = refused(&args).await;
    assert!(code == Some(1) && err.contains(&taken), "{err}");
    assert_eq!(first.get("/a").await.text(), GOOD);
}

#[tokio::test]
async fn an_admin_port_for_everybody_is_refused() {
    let args = [
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "0.0.0.0:0",
    ];
    let (code, err) = refused(&args).await;
    assert!(code == Some(2) && err.contains("loopback"), "{err}");
}

#[tokio::test]
async fn bad_flags_and_bad_upstreams_are_named() {
    for (args, named) in [
        (&["--upstrem", "http://127.0.0.1:1"][..], "--upstream"),
        (&[], "--upstream <URL>"),
        (
            &["--upstream", "http://127.0.0.1:1", "--listen", "nowhere"],
            "nowhere",
        ),
        (
            &["--upstream", "http://127.0.0.1:1", "--workers", "0"],
            "--workers",
        ),
        (&["--upstream", "127.0.0.1:5002"], "127.0.0.1:5002"),
        (&["--upstream", "ftp://a"], "neither http nor https"),
        (&["--upstream", "http://a/b"], "has a path"),
    ] {
        let (code, err) = refused(args).await;
        assert_eq!(code, Some(2), "{args:?}: {err}");
        assert!(err.contains(named), "{args:?}: {err}");
    }
}

#[tokio::test]
async fn credentials_in_the_upstreams_url_are_refused_without_being_shown() {
    let (code, err) = refused(&["--upstream", "http://user:hunter2secret@a"]).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(
        err.contains("credentials") && !err.contains("hunter2secret"),
        "{err}"
    );
}

#[tokio::test]
async fn a_name_that_is_no_token_is_refused() {
    let args = [
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        "--name",
        "two words",
    ];
    let (code, err) = refused(&args).await;
    assert!(code == Some(2) && err.contains("two words"), "{err}");
}

/// Starts with that state folder, which it must refuse, and leave as it was.
async fn refuses_state(folder: &Path, said: &[&str]) {
    let before = files(folder);
    let state = folder.display().to_string();
    let args = [
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        "--state",
        &state,
    ];
    let (code, err) = refused(&args).await;
    assert_eq!(code, Some(1), "{err}");
    for word in said {
        assert!(err.contains(word), "{word:?} is not in: {err}");
    }
    assert!(before == files(folder), "the folder was changed");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("healing.db"), "dear diary").unwrap();
    refuses_state(folder.path(), &["healing.db", "database"]).await;
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("healing.db");
    change(&file, "CREATE TABLE recipes (name TEXT)").await;
    refuses_state(folder.path(), &["healing.db"]).await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().display().to_string();
    let upstream = Upstream::away();
    let mut proxy = Proxy::with(upstream.address, &["--state", &state]).await;
    proxy.signal("TERM");
    assert!(proxy.process().end(QUICKLY).await.success());
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'future', 1, X'00', 1)";
    change(&folder.path().join("healing.db"), newer).await;
    refuses_state(folder.path(), &["healing.db", "9999"]).await;
}

async fn change(file: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
