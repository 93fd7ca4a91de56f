//! A reqwest client that heals. The adapter is short, and yours to change: reqwest has request types of its own.
//!
//! `cargo run -p examples --bin reqwest_client`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    task::{Context, Poll},
};

use axum::{Router, response::IntoResponse, routing};
use futures_util::future::BoxFuture;
use healing_core::{
    Body, Heal, HealLayer, Healer, Provenance, Sent, TransportError, TransportFault,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Asks with reqwest. Build the client without retries of its own: they would multiply.
#[derive(Clone, Debug)]
struct Reqwest(reqwest::Client);

/// What reqwest says when there is no answer, in the layer's words.
#[derive(Debug)]
struct Lost(reqwest::Error);

impl TransportError for Lost {
    fn fault(&self) -> (TransportFault, Sent) {
        if self.0.is_connect() {
            (TransportFault::while_connecting(&self.0), Sent::Nothing)
        } else if self.0.is_timeout() {
            (TransportFault::ConnectTimeout, Sent::Something)
        } else {
            (TransportFault::Closed, Sent::Something)
        }
    }
}

impl Service<Request<Body>> for Reqwest {
    type Response = Response<reqwest::Body>;
    type Error = Lost;
    type Future = BoxFuture<'static, Result<Self::Response, Lost>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // What is healed is in memory already.
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes);
            let request = Request::from_parts(head, body.unwrap_or_default());
            let request = reqwest::Request::try_from(request).map_err(Lost)?;
            client
                .execute(request)
                .await
                .map(Response::from)
                .map_err(Lost)
        })
    }
}

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Answers, fails once, and then fails for good.
async fn prices() -> impl IntoResponse {
    match CALLS.fetch_add(1, Relaxed) {
        0 | 2 => (StatusCode::OK, "[4.1,4.2]"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/prices", listener.local_addr()?);
    let api = Router::new().route("/prices", routing::get(prices));
    tokio::select! {
        ended = axum::serve(listener, api) => Ok(ended?),
        shown = show(&url) => shown,
    }
}

async fn show(url: &str) -> Outcome<()> {
    let client = HealLayer::new(Healer::builder().build()).layer(Reqwest(reqwest::Client::new()));
    for moment in ["healthy", "failed once", "down"] {
        println!("{moment}: {}", ask(&client, url).await?);
    }
    Ok(())
}

async fn ask(client: &Heal<Reqwest>, url: &str) -> Outcome<String> {
    let request = Request::get(url).body(Body::empty())?;
    let answer = client
        .clone()
        .oneshot(request)
        .await
        .map_err(|lost| lost.0)?;
    let truth = answer
        .extensions()
        .get::<Provenance>()
        .ok_or("no provenance")?;
    let strategy = truth.strategy;
    let body = answer.into_body().collect().await?.to_bytes().to_vec();
    Ok(format!("{} ({strategy})", String::from_utf8(body)?))
}
