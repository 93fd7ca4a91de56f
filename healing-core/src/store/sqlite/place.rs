//! Where the database is, and whether it is ours to write. Everything here only reads, but for making a new, empty file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions,
};

use crate::store::{StoreError, sqlite::refused};

/// The first bytes of every `SQLite` database (<https://www.sqlite.org/fileformat.html#magic_header_string>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The absolute path of the file, which exists afterwards: empty, or with the head of a `SQLite` database.
pub(super) async fn settle(path: &Path) -> Result<PathBuf, StoreError> {
    let asked = path.to_path_buf();
    let looked = tokio::task::spawn_blocking(move || look(&asked));
    let unreadable = |source| StoreError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    match looked
        .await
        .map_err(io::Error::other)
        .and_then(|looked| looked)
    {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(StoreError::NotADatabase {
            path: path.to_path_buf(),
        }),
        Err(error) => Err(unreadable(error)),
    }
}

/// Whether the schema is this program's latest; an error where it is anything but an earlier one of ours.
///
/// Opens the database for reading only. Without files beside it, it is opened as unchanging, so that not even a lock file
/// appears; a write-ahead file, as a killed process leaves it, has to be read along with it.
pub(super) async fn inspect(
    path: &Path,
    migrator: &Migrator,
    options: SqliteConnectOptions,
) -> Result<bool, StoreError> {
    let alone = !beside(path, "-wal") && !beside(path, "-journal");
    let failed = |error| refused(path, "inspecting", error);
    let mut connection = options
        .read_only(true)
        .immutable(alone)
        .connect()
        .await
        .map_err(failed)?;
    let verdict = compare(path, migrator, &mut connection).await;
    connection.close().await.map_err(failed)?;
    verdict
}

async fn compare(
    path: &Path,
    migrator: &Migrator,
    connection: &mut SqliteConnection,
) -> Result<bool, StoreError> {
    let failed = |error| refused(path, "inspecting", error);
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
    if tables.is_empty() {
        return Ok(false);
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(StoreError::Foreign {
            path: path.to_path_buf(),
        });
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
    let latest = migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0);
    if let Some(&(found, _)) = applied.last()
        && found > latest
    {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found,
            known: latest,
        });
    }
    for (version, checksum) in &applied {
        let known = migrator
            .iter()
            .find(|migration| migration.version == *version);
        if known.is_none_or(|known| known.checksum != checksum.as_slice()) {
            return Err(StoreError::Altered {
                path: path.to_path_buf(),
                version: *version,
            });
        }
    }
    Ok(applied.len() == migrator.iter().count())
}

/// `None` for a file with something else in it.
fn look(path: &Path) -> io::Result<Option<PathBuf>> {
    match new_file().open(path) {
        Ok(_) => return path.canonicalize().map(Some),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let found = path.canonicalize()?;
    if !fs::metadata(&found)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut head = Vec::with_capacity(MAGIC.len());
    File::open(&found)?
        .take(MAGIC.len() as u64)
        .read_to_end(&mut head)?;
    Ok((head.is_empty() || head == MAGIC).then_some(found))
}

/// Events tell which customers ask for what: nobody else's business, even redacted.
fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    Path::new(&name).exists()
}
