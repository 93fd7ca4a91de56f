//! The statements that read, and rows as what they stand for.

use jiff::Timestamp;
use sqlx::{
    QueryBuilder, Row, Sqlite, SqlitePool,
    sqlite::SqliteRow,
    types::{Json, uuid::fmt::Hyphenated},
};

use crate::{
    health::{EndpointHealth, HealthStatus},
    store::{EventQuery, pattern::ErrorPattern, stored::StoredEvent},
    vocabulary::{route::Route, source::Source},
};

/// Newest first.
pub(super) async fn events(
    pool: &SqlitePool,
    query: &EventQuery,
) -> Result<Vec<StoredEvent>, sqlx::Error> {
    let mut select = QueryBuilder::<Sqlite>::new("SELECT * FROM error_events WHERE true");
    if let Some(source) = &query.source {
        select
            .push(" AND source = ")
            .push_bind(source.as_str().to_owned());
    }
    if let Some(since) = query.since {
        select
            .push(" AND timestamp >= ")
            .push_bind(since.as_microsecond());
    }
    if let Some(id) = query.id {
        select.push(" AND id = ").push_bind(id.hyphenated());
    }
    select
        .push(" ORDER BY timestamp DESC, id DESC LIMIT ")
        .push_bind(query.limit);
    let rows = select.build().fetch_all(pool).await?;
    rows.iter().map(event).collect()
}

/// By source and endpoint.
pub(super) async fn health(pool: &SqlitePool) -> Result<Vec<EndpointHealth>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM endpoint_health ORDER BY source, endpoint")
        .fetch_all(pool)
        .await?;
    rows.iter().map(endpoint_health).collect()
}

/// The most frequent first.
pub(super) async fn patterns(pool: &SqlitePool) -> Result<Vec<ErrorPattern>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM error_patterns ORDER BY occurrence_count DESC, source, error_type, pattern_signature",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(pattern).collect()
}

fn event(row: &SqliteRow) -> Result<StoredEvent, sqlx::Error> {
    Ok(StoredEvent {
        id: row.try_get::<Hyphenated, _>("id")?.into_uuid(),
        timestamp: moment(row.try_get("timestamp")?)?,
        source: row.try_get("source")?,
        endpoint: row.try_get("endpoint")?,
        error_type: row.try_get("error_type")?,
        detail: row.try_get("detail")?,
        error_message: row.try_get("error_message")?,
        response_time: row.try_get("response_time")?,
        http_status_code: row.try_get("http_status_code")?,
        request_params: row.try_get::<Json<_>, _>("request_params")?.0,
        retry_count: row.try_get("retry_count")?,
        fixed_automatically: row.try_get("fixed_automatically")?,
        fix_method: row.try_get("fix_method")?,
        fidelity: row.try_get("fidelity")?,
        given_instead: row.try_get("given_instead")?,
        age: row.try_get("age")?,
        took: row.try_get("took")?,
    })
}

fn endpoint_health(row: &SqliteRow) -> Result<EndpointHealth, sqlx::Error> {
    let source = Source::new(row.try_get("source")?).map_err(odd)?;
    Ok(EndpointHealth {
        route: Route::new(source, row.try_get("endpoint")?),
        status: status(row.try_get("status")?)?,
        total_requests: count(row.try_get("total_requests")?),
        failed_requests: count(row.try_get("failed_requests")?),
        error_rate: row.try_get("error_rate")?,
        avg_response_time: row.try_get("avg_response_time")?,
        last_success: row
            .try_get::<Option<i64>, _>("last_success")?
            .map(moment)
            .transpose()?,
        last_failure: row
            .try_get::<Option<i64>, _>("last_failure")?
            .map(moment)
            .transpose()?,
        consecutive_failures: row.try_get("consecutive_failures")?,
        consecutive_successes: row.try_get("consecutive_successes")?,
        uptime_percentage: row.try_get("uptime_percentage")?,
        shape_changed: None,
        moved: Vec::new(),
    })
}

fn pattern(row: &SqliteRow) -> Result<ErrorPattern, sqlx::Error> {
    Ok(ErrorPattern {
        source: row.try_get("source")?,
        error_type: row.try_get("error_type")?,
        pattern_signature: row.try_get("pattern_signature")?,
        occurrence_count: count(row.try_get("occurrence_count")?),
        fix_method: row.try_get("fix_method")?,
        fix_success_rate: row.try_get("fix_success_rate")?,
        avg_fix_time: row.try_get("avg_fix_time")?,
        confidence_score: row.try_get("confidence_score")?,
        first_seen: moment(row.try_get("first_seen")?)?,
        last_seen: moment(row.try_get("last_seen")?)?,
    })
}

/// A moment from its column.
pub(super) fn moment(micros: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(micros).map_err(odd)
}

/// A count from its column, where it is signed.
pub(super) fn count(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

fn status(word: &str) -> Result<HealthStatus, sqlx::Error> {
    [
        HealthStatus::Healthy,
        HealthStatus::Degraded,
        HealthStatus::Critical,
        HealthStatus::Failed,
    ]
    .into_iter()
    .find(|status| status.as_str() == word)
    .ok_or_else(|| sqlx::Error::Decode(format!("{word:?} is no health status").into()))
}

fn odd(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
