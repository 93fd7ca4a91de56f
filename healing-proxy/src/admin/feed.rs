//! `/ws/health`: one conversation with one reader of the feed.
//!
//! No reader has a queue of its own. The newest snapshot waits in the board and replaces the one before; changes of incidents
//! come through a bounded channel, and a reader that fell behind compares what it was told with what is open, so it never
//! misses one and is never told twice. What a reader sends is ignored.

use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::{
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use healing_core::{AlertChange, Resolution, ResolveReason, Route, ShapeChange};
use jiff::Timestamp;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError, error::TryRecvError},
        watch,
    },
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use uuid::Uuid;

use super::{Admin, AdminSettings, guard, messages, problem::Problem};
use crate::agents::{Board, Seen};

/// The longest message that a reader may send.
const MAX_INBOUND: usize = 4096;
/// Snapshots come at most this often.
const PACE: Duration = Duration::from_secs(1);
/// How often a reader is pinged.
const PING: Duration = Duration::from_secs(20);
/// A reader that has sent nothing for so long, not even a pong, is gone.
const GONE: Duration = Duration::from_secs(65);
/// A reader that takes a single message for longer than this is let go; it will come back to a fresh snapshot.
const SEND: Duration = Duration::from_secs(20);
/// The most events that go with one snapshot.
const MAX_EVENTS: usize = 20;

/// Opens the feed for a reader that may have it, while there is room.
pub(super) async fn upgrade(
    State(admin): State<Admin>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !guard::may_read(&headers, &admin.settings) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "origin",
            "Pages of this origin may not read the feed",
        )
        .detail("add the page's origin to admin.allowed_origins".to_owned())
        .into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(MAX_INBOUND)
            .max_frame_size(MAX_INBOUND),
        Err(rejection) => return no_upgrade(&rejection),
    };
    let Ok(room) = Arc::clone(&admin.clients).try_acquire_owned() else {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "The feed has as many readers as it takes",
        )
        .detail(format!(
            "{} readers are connected; read /api/v1/status instead",
            admin.settings.max_clients
        ));
        return (
            [(header::RETRY_AFTER, HeaderValue::from_static("30"))],
            problem,
        )
            .into_response();
    };
    let conversations = admin.conversations.clone();
    upgrade.on_upgrade(move |socket| {
        conversations.track_future(async move {
            let reader = Reader::new(socket, admin.board, Arc::clone(&admin.settings));
            if reader.converse().await.is_err() {
                tracing::debug!("a reader of the feed went away");
            }
            drop(room);
        })
    })
}

fn no_upgrade(rejection: &WebSocketUpgradeRejection) -> Response {
    let problem = Problem::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade-required",
        "This address speaks WebSocket only",
    )
    .detail(format!(
        "{rejection}; the same is at /api/v1/status as JSON"
    ));
    (
        [(header::UPGRADE, HeaderValue::from_static("websocket"))],
        problem,
    )
        .into_response()
}

/// The reader is not there any more.
struct Gone;

/// A reader of the feed.
struct Reader {
    socket: WebSocket,
    board: Board,
    settings: Arc<AdminSettings>,
    news: broadcast::Receiver<AlertChange>,
    /// Incidents that it was told of and that were not over then.
    told: HashSet<Uuid>,
    /// The number of the newest event that it was told.
    event: u64,
    /// When the newest change of a shape was that it was told.
    shapes: Timestamp,
}

// === impl Reader ===

impl Reader {
    fn new(socket: WebSocket, board: Board, settings: Arc<AdminSettings>) -> Self {
        let news = board.news();
        let event = board.events_so_far();
        let changes = changes_in(&board.seen())
            .map(|(_, change)| change.time)
            .max();
        let shapes = changes.unwrap_or(Timestamp::MIN);
        Self {
            socket,
            board,
            settings,
            news,
            told: HashSet::new(),
            event,
            shapes,
        }
    }

    /// Tells everything there is, then every change, until one of the two goes.
    async fn converse(mut self) -> Result<(), Gone> {
        let mut seen = self.board.watch();
        let draining = self.board.draining().clone();
        self.send(messages::hello(
            &self.settings.name,
            self.settings.version,
            self.board.now(),
        ))
        .await?;
        self.compare().await?;
        self.send_health(&mut seen).await?;
        let mut told_at = Instant::now();
        let mut heard_at = told_at;
        let mut ping = interval_at(told_at + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting = false;
        loop {
            tokio::select! {
                () = draining.cancelled() => return self.say_goodbye().await,
                received = self.socket.recv() => match received {
                    None | Some(Ok(Message::Close(_)) | Err(_)) => return Err(Gone),
                    Some(Ok(_)) => heard_at = Instant::now(),
                },
                change = self.news.recv() => self.tell(change).await?,
                changed = seen.changed(), if !waiting => match changed {
                    Ok(()) => waiting = true,
                    Err(_) => return self.say_goodbye().await,
                },
                () = sleep_until(told_at + PACE), if waiting => {
                    self.catch_up().await?;
                    self.send_events().await?;
                    self.send_shapes(&seen).await?;
                    self.send_health(&mut seen).await?;
                    told_at = Instant::now();
                    waiting = false;
                }
                _ = ping.tick() => {
                    if heard_at.elapsed() > GONE {
                        return Err(Gone);
                    }
                    self.send_message(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    /// Tells every change that waits, so that a snapshot never shows an incident before its alert.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            match self.news.try_recv() {
                Ok(change) => self.tell(Ok(change)).await?,
                Err(TryRecvError::Lagged(missed)) => {
                    self.tell(Err(RecvError::Lagged(missed))).await?;
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn tell(&mut self, change: Result<AlertChange, RecvError>) -> Result<(), Gone> {
        match change {
            Ok(AlertChange::Opened(alert)) => {
                if self.told.insert(alert.id) {
                    self.send(messages::alert("alert", &alert)).await?;
                }
            }
            Ok(AlertChange::Updated(alert)) => {
                if self.told.contains(&alert.id) {
                    self.send(messages::alert("alert_updated", &alert)).await?;
                }
            }
            Ok(AlertChange::Resolved(end)) => {
                if self.told.remove(&end.id) {
                    self.send(messages::alert_resolved(&end)).await?;
                }
            }
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.compare().await?,
        }
        Ok(())
    }

    /// Tells the difference between what it knows and what is open.
    async fn compare(&mut self) -> Result<(), Gone> {
        let open = self.board.alerts();
        let over: Vec<Uuid> = self
            .told
            .iter()
            .copied()
            .filter(|id| open.iter().all(|alert| alert.id != *id))
            .collect();
        for id in over {
            self.told.remove(&id);
            let end = self.board.resolution(id).unwrap_or_else(|| Resolution {
                id,
                reason: ResolveReason::Recovered,
                time: self.board.now(),
                duration: Duration::ZERO,
            });
            self.send(messages::alert_resolved(&end)).await?;
        }
        for alert in &open {
            let kind = if self.told.insert(alert.id) {
                "alert"
            } else {
                "alert_updated"
            };
            self.send(messages::alert(kind, alert)).await?;
        }
        Ok(())
    }

    async fn send_events(&mut self) -> Result<(), Gone> {
        let (events, newest) = self.board.events_after(self.event, MAX_EVENTS);
        let told = u64::try_from(events.len()).unwrap_or(0);
        let mut left_out = (newest - self.event).saturating_sub(told);
        self.event = newest;
        for event in events {
            self.send(messages::event(&event, std::mem::take(&mut left_out)))
                .await?;
        }
        Ok(())
    }

    /// Tells which routes look otherwise since it was told last.
    async fn send_shapes(&mut self, seen: &watch::Receiver<Arc<Seen>>) -> Result<(), Gone> {
        let newest = Arc::clone(&seen.borrow());
        let since = self.shapes;
        let new = changes_in(&newest).filter(|(_, change)| change.time > since);
        for (route, change) in new.take(MAX_EVENTS) {
            self.shapes = self.shapes.max(change.time);
            self.send(messages::shape_changed(route, change)).await?;
        }
        Ok(())
    }

    async fn send_health(&mut self, seen: &mut watch::Receiver<Arc<Seen>>) -> Result<(), Gone> {
        let newest = Arc::clone(&seen.borrow_and_update());
        self.send(messages::health_update(&newest)).await
    }

    async fn say_goodbye(mut self) -> Result<(), Gone> {
        self.send(messages::bye(self.board.now())).await?;
        // 1001: the server is going down (RFC 6455, section 7.4.1).
        let frame = CloseFrame {
            code: 1001,
            reason: Utf8Bytes::from_static("drain"),
        };
        self.send_message(Message::Close(Some(frame))).await
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        self.send_message(Message::Text(text)).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// The routes that look otherwise than before.
fn changes_in(seen: &Seen) -> impl Iterator<Item = (&Route, &ShapeChange)> {
    let routes = seen
        .snapshot
        .sources
        .iter()
        .flat_map(|source| &source.routes);
    routes.filter_map(|health| Some((&health.route, health.shape_changed.as_ref()?)))
}
