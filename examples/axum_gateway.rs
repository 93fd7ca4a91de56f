//! A gateway: the handlers of an axum service ask another API, and heal what it says.
//!
//! `cargo run -p examples --bin axum_gateway`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use axum::{Router, extract::State, response::IntoResponse, routing};
use healing_core::{AlternateEndpoint, Body, Heal, HealLayer, Healer, Provenance};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Healing = Heal<Client<HttpConnector, Body>>;

static FIRST_IS_DOWN: AtomicBool = AtomicBool::new(false);

/// Prices, at the first address of the source.
async fn first() -> impl IntoResponse {
    if FIRST_IS_DOWN.load(Relaxed) {
        (StatusCode::BAD_GATEWAY, "bad gateway")
    } else {
        (StatusCode::OK, r#"{"price":229.87}"#)
    }
}

/// What the handlers of the gateway share.
#[derive(Clone)]
struct Prices {
    client: Healing,
    source: String,
}

/// Asks for a price, and says where the answer comes from.
async fn price(State(prices): State<Prices>) -> Result<String, (StatusCode, String)> {
    let failed = |error: &dyn std::fmt::Display| (StatusCode::BAD_GATEWAY, error.to_string());
    let request = Request::get(format!("{}/price/AAPL", prices.source))
        .body(Body::empty())
        .map_err(|error| failed(&error))?;
    let answer = prices
        .client
        .oneshot(request)
        .await
        .map_err(|error| failed(&error))?;
    let by = answer
        .extensions()
        .get::<Provenance>()
        .map(|truth| truth.strategy);
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(|error| failed(&error))?;
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(format!(
        "{text} ({})",
        by.map_or("unknown", healing_core::StrategyId::as_str)
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (one, two) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    let (source, mirror) = (site(&one)?, site(&two)?);
    let healthy = || async { r#"{"price":229.87}"# };
    let source_at_one = Router::new().route("/price/{symbol}", routing::get(first));
    let source_at_two = Router::new().route("/price/{symbol}", routing::get(healthy));
    let healer = Healer::builder()
        .without_strategies()
        .strategy(AlternateEndpoint::at([mirror.parse::<Uri>()?]));
    let client =
        HealLayer::new(healer.build()).layer(Client::builder(TokioExecutor::new()).build_http());
    let gateway = Router::new()
        .route("/", routing::get(price))
        .with_state(Prices { client, source });
    tokio::select! {
        ended = axum::serve(one, source_at_one) => Ok(ended?),
        ended = axum::serve(two, source_at_two) => Ok(ended?),
        shown = show(&gateway) => shown,
    }
}

fn site(listener: &TcpListener) -> Outcome<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

async fn show(gateway: &Router) -> Outcome<()> {
    println!("healthy: {}", ask(gateway).await?);
    FIRST_IS_DOWN.store(true, Relaxed);
    println!("the first address is down: {}", ask(gateway).await?);
    Ok(())
}

async fn ask(gateway: &Router) -> Outcome<String> {
    let request = Request::get("/").body(axum::body::Body::empty())?;
    let answer: Response<axum::body::Body> = gateway.clone().oneshot(request).await?;
    let body = answer.into_body().collect().await?.to_bytes().to_vec();
    Ok(String::from_utf8(body)?)
}
