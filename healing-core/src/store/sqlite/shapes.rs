//! What the answers of routes look like, written and read.

use sqlx::{SqliteConnection, SqlitePool};

use crate::vocabulary::{observation::RouteShape, route::Route, source::Source};

/// Writes the rows over those of the same routes.
pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    rows: &[RouteShape],
) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query(
            "INSERT INTO route_shapes (source, endpoint, fingerprint) VALUES ($1, $2, $3) \
             ON CONFLICT (source, endpoint) DO UPDATE SET fingerprint = excluded.fingerprint",
        )
        .bind(row.route.source().as_str())
        .bind(row.route.template())
        .bind(&row.fingerprint)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// By source and endpoint. A row whose source is no source is left where it is, with a message.
pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<RouteShape>, sqlx::Error> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT source, endpoint, fingerprint FROM route_shapes ORDER BY source, endpoint",
    )
    .fetch_all(pool)
    .await?;
    let shapes =
        rows.into_iter().filter_map(
            |(source, endpoint, fingerprint)| match Source::new(&source) {
                Ok(source) => Some(RouteShape {
                    route: Route::new(source, endpoint.as_str()),
                    fingerprint,
                }),
                Err(error) => {
                    tracing::warn!(%endpoint, %error, "a row of route_shapes is set aside");
                    None
                }
            },
        );
    Ok(shapes.collect())
}
