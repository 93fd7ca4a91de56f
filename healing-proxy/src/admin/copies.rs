//! What is kept: listed, and thrown away.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use healing_core::{CopyPattern, CopyRow};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    Admin,
    api::Query,
    messages::{millis, tenths},
    problem::{Problem, bad_parameter},
};

/// Copies on a page when the caller does not say how many.
const DEFAULT_ROWS: usize = 100;
/// The most copies on a page.
const MAX_ROWS: usize = 1_000;

const PATTERN: &str =
    "a path in which * stands for any text, percent-encoded, such as %2Fapi%2Fquote%2F*";

/// `GET /api/v1/cache?pattern=%2Fapi%2F*&limit=100&offset=0`: what is kept, in the order of the paths.
pub(super) async fn list(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(&query, &["pattern", "limit", "offset"])?;
    let allowed = format!("a whole number from 1 to {MAX_ROWS}");
    let in_range = |limit: &usize| (1..=MAX_ROWS).contains(limit);
    let limit = query.value("limit", &allowed, in_range)?;
    let offset = query.value("offset", "a whole number", |_| true)?;
    let pattern = pattern(&query)?;
    let rows = admin.insight.healer().kept_copies(pattern.as_ref());
    let bytes: usize = rows.iter().map(|row| row.bytes).sum();
    let shown = rows.iter().skip(offset.unwrap_or(0_usize));
    Ok(Json(json!({
        "time": millis(admin.board.now()),
        "total": rows.len(),
        "bytes": bytes,
        "copies": shown.take(limit.unwrap_or(DEFAULT_ROWS)).map(form).collect::<Vec<_>>(),
    })))
}

/// `POST /api/v1/cache/purge?pattern=%2Fapi%2F*`: throws away what is kept of URLs.
pub(super) async fn purge(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(&query, &["pattern"])?;
    let pattern = pattern(&query)?.ok_or_else(|| bad_parameter("pattern", "", PATTERN))?;
    let purged = admin.insight.healer().purge_copies(&pattern);
    tracing::info!(
        urls = purged.urls,
        copies = purged.copies,
        "copies were thrown away"
    );
    Ok(Json(
        json!({ "urls": purged.urls, "copies": purged.copies }),
    ))
}

fn pattern(query: &Query) -> Result<Option<CopyPattern>, Problem> {
    let Some(text) = query.value::<String>("pattern", PATTERN, |_| true)? else {
        return Ok(None);
    };
    let decoded = percent_decode_str(&text).decode_utf8().ok();
    let pattern = decoded.and_then(|text| text.parse().ok());
    pattern
        .map(Some)
        .ok_or_else(|| bad_parameter("pattern", &text, PATTERN))
}

fn form(row: &CopyRow) -> Value {
    json!({
        "source": row.route.as_ref().map(|route| route.source().as_str()),
        "route": row.route.as_ref().map(healing_core::Route::template),
        "path": row.target,
        "for_one_caller": row.is_for_one_caller,
        "status": row.status,
        "age_s": tenths(row.age.as_secs_f64()),
        "ttl_s": row.ttl,
        "heals_for_s": row.heals_for.map(|time| tenths(time.as_secs_f64())),
        "bytes": row.bytes,
    })
}
