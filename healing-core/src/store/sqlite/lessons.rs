//! What was learned, written and read.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use crate::vocabulary::lesson::Lesson;

/// The most rows that are kept: of more, the oldest go.
const MOST: i64 = 10_000;

/// Writes the rows over those of the same names, and takes out the oldest of too many.
pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    rows: &[Lesson],
) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query(
            "INSERT INTO lessons (name, at, encoding, state) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO UPDATE SET at = excluded.at, encoding = excluded.encoding, state = excluded.state",
        )
        .bind(&row.name)
        .bind(row.at.as_microsecond())
        .bind(row.encoding)
        .bind(&row.state)
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query(
        "DELETE FROM lessons WHERE name IN (SELECT name FROM lessons ORDER BY at DESC LIMIT -1 OFFSET $1)",
    )
    .bind(MOST)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The newest first. Text that is none is read all the same: who takes the rows finds out that they say nothing.
pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<Lesson>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT CAST(name AS BLOB), at, encoding, CAST(state AS BLOB) FROM lessons ORDER BY at DESC LIMIT $1",
    )
    .bind(MOST)
    .fetch_all(pool)
    .await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let lessons = rows.into_iter().map(|(name, at, encoding, state)| Lesson {
        name: text(name),
        at: Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH),
        encoding: u32::try_from(encoding).unwrap_or(u32::MAX),
        state: text(state),
    });
    Ok(lessons.collect())
}
