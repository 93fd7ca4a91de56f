//! Opening a `SQLite` store: a new file is its owner's alone; a file that is not ours, or of a later program, is refused with a
//! clear error and left byte for byte as it was.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use healing_core::{EventQuery, SqliteStore, Store, StoreError};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::store_support::{event, kept, stored};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("healing.db");
    (folder, path)
}

/// Every file of the folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(&path).unwrap_or_default()))
        .collect()
}

/// A store with one event, changed by those statements afterwards.
async fn changed(path: &Path, statements: &'static str) {
    let store = SqliteStore::open(path).await.unwrap();
    store.write_events(&stored(&[event(1)])).await.unwrap();
    store.close().await;
    run(path, statements).await;
}

async fn run(path: &Path, statements: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(statements)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Opens, expects a refusal that names the path, and looks whether the folder is as it was.
async fn refusal(path: &Path) -> StoreError {
    let folder = path.parent().unwrap();
    let before = files(folder);
    let error = SqliteStore::open(path).await.expect_err("a refusal");
    assert_eq!(files(folder), before, "something was written");
    assert!(error.to_string().contains("healing.db"), "{error}");
    error
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = place();
    changed(
        &path,
        "INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, true, x'00', 0)",
    )
    .await;
    let error = refusal(&path).await;
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 9999,
                known: 5,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused_and_left_alone() {
    let (_folder, path) = place();
    changed(&path, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let error = refusal(&path).await;
    assert!(
        matches!(error, StoreError::Altered { version: 1, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, path) = place();
    run(&path, "CREATE TABLE songs (title TEXT)").await;
    let error = refusal(&path).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = place();
    for text in [
        "x",
        "the accounts of the year 2025, which somebody will miss",
    ] {
        fs::write(&path, text).unwrap();
        let error = refusal(&path).await;
        assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_alone() {
    let (_folder, path) = place();
    fs::write(
        &path,
        [b"SQLite format 3\0".as_slice(), &[0xa5; 8_000]].concat(),
    )
    .unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_file_is_refused() {
    let (_folder, path) = place();
    fs::create_dir(&path).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn a_file_in_a_folder_that_is_not_there_is_refused() {
    let (folder, _) = place();
    let error = SqliteStore::open(folder.path().join("no/healing.db"))
        .await
        .expect_err("a refusal");
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_and_the_files_beside_it_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    store.write_events(&stored(&[event(1)])).await.unwrap();
    let modes: Vec<_> = files(folder.path())
        .keys()
        .map(|path| path.metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 3]);
}

#[tokio::test]
async fn no_secret_of_a_query_reaches_the_database() {
    let (folder, path) = place();
    let store = SqliteStore::open(&path).await.unwrap();
    store
        .write_events(&stored(&[event(1), event(2)]))
        .await
        .unwrap();
    for (path, bytes) in files(folder.path()) {
        assert!(
            !bytes.windows(6).any(|window| window == b"CANARY"),
            "{}",
            path.display()
        );
    }
    let events = store.events(EventQuery::newest(1)).await.unwrap();
    assert_eq!(events[0].request_params["api_key"], "REDACTED");
}

#[tokio::test]
async fn a_store_that_is_opened_again_has_what_it_had() {
    let (_folder, path) = place();
    for number in 1..=3 {
        let store = SqliteStore::open(&path).await.unwrap();
        store.write_events(&stored(&[event(number)])).await.unwrap();
        store.close().await;
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(kept(&store).await, (vec![1, 2, 3], 3));
}

#[tokio::test]
async fn every_file_of_the_migrations_folder_is_applied() {
    let (_folder, path) = place();
    SqliteStore::open(&path).await.unwrap().close().await;
    let mut connection = SqliteConnection::connect_with(
        &SqliteConnectOptions::new().filename(&path).read_only(true),
    )
    .await
    .unwrap();
    let applied: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, description FROM _sqlx_migrations")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let applied: Vec<_> = applied
        .iter()
        .map(|(version, name)| format!("{version:04}_{name}.sql"))
        .collect();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let mut found: Vec<_> = fs::read_dir(migrations)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, applied);
}
