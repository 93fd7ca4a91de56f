//! Kept answers, written and read.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use crate::vocabulary::kept_copy::KeptCopy;

/// A row as it is read.
type Row = (Vec<u8>, Vec<u8>, i64, i64, String, Vec<u8>, Vec<u8>);

/// Takes out all variants of those URLs.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    names: &[[u8; 16]],
) -> Result<(), sqlx::Error> {
    for name in names {
        sqlx::query("DELETE FROM copies WHERE name = $1")
            .bind(name.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Writes the rows over those of the same variants. One that comes without its body has it there already.
pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    rows: &[KeptCopy],
) -> Result<(), sqlx::Error> {
    for row in rows {
        let query = if row.body.is_some() {
            "INSERT INTO copies (name, hash_key, variant, kept_at, about, fields, bytes, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name, variant) DO UPDATE SET \
             hash_key = excluded.hash_key, kept_at = excluded.kept_at, about = excluded.about, \
             fields = excluded.fields, bytes = excluded.bytes, body = excluded.body"
        } else {
            "UPDATE copies SET kept_at = $4, about = $5, fields = $6 \
             WHERE name = $1 AND hash_key = $2 AND variant = $3"
        };
        let query = sqlx::query(query)
            .bind(row.name.as_slice())
            .bind(row.key.as_slice())
            .bind(row.variant.cast_signed())
            .bind(row.kept_at.as_microsecond())
            .bind(&row.about)
            .bind(&row.fields);
        let query = match &row.body {
            Some(body) => query
                .bind(i64::try_from(row.bytes()).unwrap_or(i64::MAX))
                .bind(body),
            None => query,
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes out the oldest, until the others are no more than so many bytes.
pub(super) async fn bound(connection: &mut SqliteConnection, most: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM copies WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, \
         sum(bytes) OVER (ORDER BY kept_at DESC, rowid ROWS UNBOUNDED PRECEDING) AS so_far \
         FROM copies) WHERE so_far > $1)",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest first, at most so many bytes of them. A row that cannot be one of ours is left where it is.
pub(super) async fn newest(pool: &SqlitePool, most: u64) -> Result<Vec<KeptCopy>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT name, hash_key, variant, kept_at, about, fields, body FROM (SELECT *, \
         sum(bytes) OVER (ORDER BY kept_at DESC, rowid ROWS UNBOUNDED PRECEDING) AS so_far \
         FROM copies) WHERE so_far <= $1 ORDER BY kept_at DESC",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().filter_map(copy_of).collect())
}

fn copy_of((name, key, variant, kept_at, about, fields, body): Row) -> Option<KeptCopy> {
    Some(KeptCopy {
        name: name.try_into().ok()?,
        key: key.try_into().ok()?,
        variant: variant.cast_unsigned(),
        kept_at: Timestamp::from_microsecond(kept_at).ok()?,
        about,
        fields,
        body: Some(body),
    })
}
