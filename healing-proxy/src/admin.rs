//! The admin port: probes, JSON, the live feed and the dashboard.
//!
//! It reads the [`Board`], what is on record of decisions and what is kept, and throws away copies when it is told to; nobody on the
//! request path waits for it. Every request passes the guard first, and every answer carries the headers of a page that shows nothing but itself (`docs/src/dashboard.md`).

mod api;
mod copies;
mod feed;
mod guard;
mod messages;
mod page;
mod problem;
mod token;
mod why;

use std::{any::Any, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::catch_panic::CatchPanicLayer;

use crate::agents::Board;
use problem::Problem;
pub(crate) use why::Insight;

/// How long clients may take to end what they began, and then readers of the feed to be told goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How the admin port presents itself and whom it trusts.
#[derive(Clone, Debug)]
pub(crate) struct AdminSettings {
    /// Where it listens; on a loopback address pages of other local ports may read the feed.
    pub(crate) listen: SocketAddr,
    /// Names beside `localhost` and IP addresses under which it may be asked for.
    pub(crate) allowed_hosts: Vec<String>,
    /// Origins such as `https://status.example.org` whose pages may read the feed.
    pub(crate) allowed_origins: Vec<String>,
    /// Where callers connect.
    pub(crate) proxy: Option<SocketAddr>,
    /// What readers have to know; nothing: whoever reaches the port may read it.
    pub(crate) token: Option<SecretString>,
    /// The most readers of the feed at a time.
    pub(crate) max_clients: usize,
    /// The program's version.
    pub(crate) version: &'static str,
    /// The name of this hop.
    pub(crate) name: String,
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Admin {
    board: Board,
    insight: Insight,
    settings: Arc<AdminSettings>,
    /// One permit for each reader of the feed.
    clients: Arc<Semaphore>,
    /// The conversations with them.
    conversations: TaskTracker,
}

// === impl AdminSettings ===

impl AdminSettings {
    /// The greatest number of readers of the feed by default.
    pub(crate) const MAX_CLIENTS: usize = 1000;

    /// Settings that trust nobody in particular.
    pub(crate) const fn new(listen: SocketAddr, version: &'static str, name: String) -> Self {
        Self {
            listen,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            proxy: None,
            token: None,
            max_clients: Self::MAX_CLIENTS,
            version,
            name,
        }
    }
}

// === impl Admin ===

impl Admin {
    fn new(board: Board, insight: Insight, settings: AdminSettings) -> Self {
        Self {
            clients: Arc::new(Semaphore::new(
                settings.max_clients.min(Semaphore::MAX_PERMITS),
            )),
            conversations: TaskTracker::new(),
            board,
            insight,
            settings: Arc::new(settings),
        }
    }

    fn router(self) -> Router {
        let guard = Arc::clone(&self.settings);
        let readable = Router::new()
            .route("/api/v1/status", get(api::status))
            .route("/api/v1/events", get(api::events))
            .route("/api/v1/alerts", get(api::alerts))
            .route("/api/v1/decisions/{id}", get(why::decision))
            .route("/api/v1/foresight", get(why::foresight))
            .route("/api/v1/order", get(why::order))
            .route("/api/v1/cache", get(copies::list))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&guard),
                guard::share_with_trusted_pages,
            ));
        let changing = Router::new()
            .route("/api/v1/cache/purge", post(copies::purge))
            .layer(middleware::from_fn(guard::refuse_other_pages));
        Router::new()
            .route("/", get(page::to_the_dashboard))
            .route("/livez", get(api::livez))
            .route("/readyz", get(api::readyz))
            .route("/ws/health", get(feed::upgrade))
            .merge(page::routes())
            .merge(readable)
            .merge(changing)
            .fallback(problem::no_such_page)
            .method_not_allowed_fallback(problem::read_only)
            .with_state(self)
            .layer(middleware::from_fn_with_state(
                Arc::clone(&guard),
                token::check,
            ))
            .layer(middleware::from_fn_with_state(guard, guard::check_host))
            .layer(CatchPanicLayer::custom(on_panic))
            .layer(middleware::from_fn(guard::secure))
    }
}

/// Serves the admin port until it is told to stop, then says goodbye to the readers of the feed.
///
/// # Errors
/// When the listener fails for good.
pub(crate) async fn serve(
    listener: TcpListener,
    (board, insight): (Board, Insight),
    settings: AdminSettings,
    stop: CancellationToken,
) -> io::Result<()> {
    let admin = Admin::new(board.clone(), insight, settings);
    let conversations = admin.conversations.clone();
    let stopped = stop.clone();
    let server = axum::serve(listener, admin.router()).with_graceful_shutdown(async move {
        stopped.cancelled().await;
        board.drain();
    });
    let patience = async {
        stop.cancelled().await;
        sleep(GOODBYE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended?,
        () = patience => tracing::debug!("a client of the admin port held its connection at the end"),
    }
    conversations.close();
    if timeout(GOODBYE, conversations.wait()).await.is_err() {
        tracing::debug!(
            clients = conversations.len(),
            "readers of the feed did not take their goodbye"
        );
    }
    Ok(())
}

fn on_panic(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The admin port failed",
    )
    .detail("a handler panicked; the log says where".to_owned())
    .into_response()
}

#[cfg(test)]
mod tests;
