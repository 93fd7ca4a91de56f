//! The statements that write. Each runs inside the caller's transaction.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::{
    QueryBuilder, Row, Sqlite, SqliteConnection,
    types::{Json, uuid::fmt::Hyphenated},
};

use crate::{
    health::EndpointHealth,
    store::{
        pattern::{Fix, PatternKey, Tally, tallied},
        sqlite::reads::{count, moment},
        stored::StoredEvent,
    },
};

/// Rows in one statement: 16 parameters each, far below `SQLite`'s 32,766.
const ROWS: usize = 500;

/// Rows that one pruning statement takes at most: a batch of events waits for one of these, not for a month's.
const PRUNED: i64 = 5_000;

/// Inserts what is not there yet and answers that.
pub(super) async fn insert_events<'a>(
    connection: &mut SqliteConnection,
    events: &'a [StoredEvent],
) -> Result<Vec<&'a StoredEvent>, sqlx::Error> {
    let mut inserted = HashSet::with_capacity(events.len());
    for rows in events.chunks(ROWS) {
        let ids: Vec<Hyphenated> = insertion(rows)
            .build_query_scalar()
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        inserted.extend(ids.into_iter().map(Hyphenated::into_uuid));
    }
    Ok(events
        .iter()
        .filter(|event| inserted.remove(&event.id))
        .collect())
}

fn insertion(rows: &[StoredEvent]) -> QueryBuilder<Sqlite> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO error_events (id, timestamp, source, endpoint, error_type, detail, error_message, response_time, \
         http_status_code, request_params, retry_count, fixed_automatically, fix_method, fidelity, given_instead, \
         age, took) ",
    );
    insert.push_values(rows, |mut row, event| {
        row.push_bind(event.id.hyphenated())
            .push_bind(event.timestamp.as_microsecond())
            .push_bind(&event.source)
            .push_bind(&event.endpoint)
            .push_bind(&event.error_type)
            .push_bind(&event.detail)
            .push_bind(&event.error_message)
            .push_bind(event.response_time)
            .push_bind(event.http_status_code)
            .push_bind(Json(&event.request_params))
            .push_bind(event.retry_count)
            .push_bind(event.fixed_automatically)
            .push_bind(&event.fix_method)
            .push_bind(&event.fidelity)
            .push_bind(&event.given_instead)
            .push_bind(event.age)
            .push_bind(event.took);
    });
    insert.push(" ON CONFLICT (id) DO NOTHING RETURNING id");
    insert
}

/// Adds events, all of them new, to the patterns.
pub(super) async fn count_patterns(
    connection: &mut SqliteConnection,
    new: &[&StoredEvent],
) -> Result<(), sqlx::Error> {
    for (key, added) in tallied(new) {
        let (id, mut tally) = add_occurrences(connection, &key, &added).await?;
        for (method, fix) in &added.fixes {
            add_fix(connection, id, method, fix).await?;
        }
        tally.fixes = fixes(connection, id).await?.into_iter().collect();
        write_figures(connection, id, (key, tally)).await?;
    }
    Ok(())
}

/// The pattern's row and its counts, without the fixes.
async fn add_occurrences(
    connection: &mut SqliteConnection,
    key: &PatternKey,
    added: &Tally,
) -> Result<(i64, Tally), sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO error_patterns (source, error_type, pattern_signature, occurrence_count, first_seen, last_seen) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (source, error_type, pattern_signature) DO UPDATE SET \
         occurrence_count = occurrence_count + excluded.occurrence_count, \
         first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen) \
         RETURNING id, occurrence_count, first_seen, last_seen",
    )
    .bind(&key.source)
    .bind(&key.error_type)
    .bind(&key.signature)
    .bind(signed(added.occurrences))
    .bind(added.first_seen.as_microsecond())
    .bind(added.last_seen.as_microsecond())
    .fetch_one(connection)
    .await?;
    let mut tally = Tally::new(moment(row.try_get("first_seen")?)?);
    tally.last_seen = moment(row.try_get("last_seen")?)?;
    tally.occurrences = count(row.try_get("occurrence_count")?);
    Ok((row.try_get("id")?, tally))
}

async fn add_fix(
    connection: &mut SqliteConnection,
    pattern: i64,
    method: &str,
    fix: &Fix,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO error_pattern_fixes (pattern_id, fix_method, healed_count, fix_time_sum, last_healed) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (pattern_id, fix_method) DO UPDATE SET \
         healed_count = healed_count + excluded.healed_count, fix_time_sum = fix_time_sum + excluded.fix_time_sum, \
         last_healed = max(last_healed, excluded.last_healed)",
    )
    .bind(pattern)
    .bind(method)
    .bind(signed(fix.healed))
    .bind(fix.seconds)
    .bind(fix.last.as_microsecond())
    .execute(connection)
    .await
    .map(|_| ())
}

async fn fixes(
    connection: &mut SqliteConnection,
    pattern: i64,
) -> Result<Vec<(String, Fix)>, sqlx::Error> {
    let rows: Vec<(String, i64, f64, i64)> = sqlx::query_as(
        "SELECT fix_method, healed_count, fix_time_sum, last_healed FROM error_pattern_fixes WHERE pattern_id = $1",
    )
    .bind(pattern)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(method, healed, seconds, last)| {
            Ok((
                method,
                Fix {
                    healed: count(healed),
                    seconds,
                    last: moment(last)?,
                },
            ))
        })
        .collect()
}

async fn write_figures(
    connection: &mut SqliteConnection,
    id: i64,
    (key, tally): (PatternKey, Tally),
) -> Result<(), sqlx::Error> {
    let figures = tally.pattern(key);
    sqlx::query(
        "UPDATE error_patterns SET fix_method = $2, fix_success_rate = $3, avg_fix_time = $4, confidence_score = $5 \
         WHERE id = $1",
    )
    .bind(id)
    .bind(figures.fix_method)
    .bind(figures.fix_success_rate)
    .bind(figures.avg_fix_time)
    .bind(figures.confidence_score)
    .execute(connection)
    .await
    .map(|_| ())
}

/// Writes the rows over those of the same endpoints.
pub(super) async fn upsert_health(
    connection: &mut SqliteConnection,
    rows: &[EndpointHealth],
) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query(
            "INSERT INTO endpoint_health (source, endpoint, status, total_requests, failed_requests, error_rate, \
             avg_response_time, last_success, last_failure, consecutive_failures, consecutive_successes, \
             uptime_percentage) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (source, endpoint) DO UPDATE SET status = excluded.status, \
             total_requests = excluded.total_requests, failed_requests = excluded.failed_requests, \
             error_rate = excluded.error_rate, avg_response_time = excluded.avg_response_time, \
             last_success = excluded.last_success, last_failure = excluded.last_failure, \
             consecutive_failures = excluded.consecutive_failures, \
             consecutive_successes = excluded.consecutive_successes, uptime_percentage = excluded.uptime_percentage",
        )
        .bind(row.route.source().as_str())
        .bind(row.route.template())
        .bind(row.status.as_str())
        .bind(signed(row.total_requests))
        .bind(signed(row.failed_requests))
        .bind(row.error_rate)
        .bind(row.avg_response_time)
        .bind(row.last_success.map(Timestamp::as_microsecond))
        .bind(row.last_failure.map(Timestamp::as_microsecond))
        .bind(row.consecutive_failures)
        .bind(row.consecutive_successes)
        .bind(row.uptime_percentage)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// How many it deleted; none when nothing is left from before.
pub(super) async fn delete_some_before(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<u64, sqlx::Error> {
    sqlx::query("DELETE FROM error_events WHERE id IN (SELECT id FROM error_events WHERE timestamp < $1 LIMIT $2)")
        .bind(before.as_microsecond())
        .bind(PRUNED)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
}

/// `SQLite` counts up to `i64::MAX` only.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
