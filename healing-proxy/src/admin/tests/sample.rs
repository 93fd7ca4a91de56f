//! A board made by hand, a server for it, and a client of the feed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use futures_util::{SinkExt, StreamExt};
use healing_core::{
    Alert, AlertLevel, Clock, EndpointHealth, ErrorEvent, FaultClass, Healer, HealingState,
    HealthStatus, LastFault, Route, Snapshot, Source, SourceHealth, StrategyId,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    admin::{Admin, AdminSettings, Insight, serve},
    agents::Board,
};

/// Into a healer that has healed nothing yet.
fn insight() -> Insight {
    Insight::new(Healer::builder().build(), Arc::default())
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + second)
}

pub(super) fn slug(name: &str) -> Source {
    Source::new(name).unwrap()
}

/// A source with one route, with a recent fault that a kept copy healed.
pub(super) fn source(name: &str, status: HealthStatus) -> SourceHealth {
    let route = EndpointHealth {
        route: Route::new(slug(name), "/api/series/{id}"),
        status,
        total_requests: 100,
        failed_requests: 6,
        error_rate: 0.06,
        avg_response_time: 0.25,
        last_success: Some(at(-1)),
        last_failure: Some(at(-5)),
        consecutive_failures: 0,
        consecutive_successes: 3,
        uptime_percentage: 99.9,
        shape_changed: None,
        moved: Vec::new(),
    };
    SourceHealth {
        source: slug(name),
        status,
        requests: 100,
        uptime_percentage: 99.9,
        actual_success_percentage: 94.0,
        error_rate: 0.06,
        latency: Some((Duration::from_millis(210), Duration::from_millis(1400))),
        resting: status == HealthStatus::Failed,
        healing_active: status == HealthStatus::Degraded,
        since: at(-60),
        last_fault: Some(LastFault {
            class: FaultClass::Timeout,
            detail: "timeout_headers".into(),
            healed_by: Some(StrategyId::USE_CACHED_DATA),
            time: at(-5),
        }),
        routes: vec![route],
    }
}

pub(super) fn snapshot(second: i64, sources: Vec<SourceHealth>) -> Snapshot {
    Snapshot {
        time: at(second),
        sources,
    }
}

pub(super) fn event(name: &str, number: u128) -> ErrorEvent {
    ErrorEvent {
        id: Uuid::from_u128(number),
        time: at(0),
        route: Route::new(slug(name), "/api/series/{id}"),
        class: FaultClass::ServerError,
        detail: "status".into(),
        status: Some(503),
        response_time: Duration::from_millis(12),
        params: json!({ "series_id": "DGS10" }),
        retries: 1,
        healed_by: Some(StrategyId::USE_CACHED_DATA),
        fidelity: Some(healing_core::Fidelity::Stale),
        age: Some(Duration::from_secs(41)),
        took: Duration::from_millis(1410),
        instead: None,
    }
}

pub(super) fn alert(number: u128) -> Alert {
    Alert {
        id: Uuid::from_u128(number),
        level: AlertLevel::Error,
        healing: HealingState::Failed,
        title: "fred_api: healing failed (server_error)".to_owned(),
        source: Some(slug("fred_api")),
        class: Some(FaultClass::ServerError),
        detail: Some("status".into()),
        route: Some(Route::new(slug("fred_api"), "/api/series/{id}")),
        recommendation: "Look.",
        started_at: at(-30),
        flapping: false,
        explain_id: Some(Uuid::from_u128(9)),
        events: 3,
    }
}

pub(super) fn board(first: Snapshot) -> Board {
    Board::new(
        Clock::anchored_at(at(0)),
        Arc::new(|| json!({ "dropped": 0 })),
        first,
    )
}

pub(super) fn settings() -> AdminSettings {
    AdminSettings::new(
        SocketAddr::from(([127, 0, 0, 1], 8888)),
        "0.1.0",
        "heal-test".to_owned(),
    )
}

/// An answer of the router.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Asks the router for a path, with these fields beside `Host: localhost:8888` (or in its place).
pub(super) async fn ask(board: &Board, path: &str, fields: &[(&str, &str)]) -> Reply {
    ask_under(board, settings(), Request::get(path), fields).await
}

pub(super) async fn ask_under(
    board: &Board,
    settings: AdminSettings,
    mut request: Builder,
    fields: &[(&str, &str)],
) -> Reply {
    if fields.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", "localhost:8888");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = Admin::new(board.clone(), insight(), settings)
        .router()
        .oneshot(request)
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let text = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Reply {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(text.to_vec()).unwrap(),
    }
}

/// A server on a free loopback port.
pub(super) struct Served {
    pub(super) board: Board,
    pub(super) port: u16,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinSet<std::io::Result<()>>,
}

pub(super) async fn served(board: Board, settings: AdminSettings) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let mut task = JoinSet::new();
    task.spawn(serve(
        listener,
        (board.clone(), insight()),
        settings,
        stop.clone(),
    ));
    Served {
        board,
        port,
        stop,
        task,
    }
}

/// A client of the feed.
pub(super) struct Client(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Served {
    pub(super) async fn connect(&self) -> Client {
        self.connect_with(&[]).await.unwrap()
    }

    /// The status with which the upgrade was refused, or the client.
    pub(super) async fn connect_with(
        &self,
        fields: &[(&'static str, &str)],
    ) -> Result<Client, u16> {
        let mut request = format!("ws://127.0.0.1:{}/ws/health", self.port)
            .into_client_request()
            .unwrap();
        for (name, value) in fields {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match Box::pin(connect_async(request)).await {
            Ok((stream, _)) => Ok(Client(stream)),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Client {
    /// The next message, which has to be an object in a text frame; `None` when the server closed.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(10), self.0.next())
                .await
                .expect("silence for 10 s");
            match frame? {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    assert!(message.is_object(), "{message}");
                    return Some(message);
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => panic!("neither text nor control: {other:?}"),
            }
        }
    }

    /// The next messages up to the first `health_update`, that one included.
    pub(super) async fn up_to_health(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await.expect("the server closed");
            let last = message["type"] == "health_update";
            messages.push(message);
            if last {
                return messages;
            }
        }
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }
}

/// The types of messages, in order.
pub(super) fn kinds(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["type"].as_str().unwrap())
        .collect()
}
