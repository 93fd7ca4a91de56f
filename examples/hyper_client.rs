//! A client of a data API that keeps its data while the API is broken, and knows what it got.
//!
//! `cargo run -p examples --bin hyper_client`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use axum::{Router, routing};
use healing_core::{Background, Body, Heal, HealLayer, Healer, Provenance, StrategyId};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

/// How many of the next calls fail.
static FAILS: AtomicU8 = AtomicU8::new(0);

type Healing = Heal<Client<HttpConnector, Body>>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/fred/series/DGS10", listener.local_addr()?);
    let upstream = axum::serve(listener, upstream());
    tokio::select! {
        ended = upstream => Ok(ended?),
        shown = show(&url) => shown,
    }
}

async fn show(url: &str) -> Outcome<()> {
    // One healer for the whole program; clones of the client share what it has learned.
    let healer = Healer::builder().build();
    let background = Background::new(16);
    let client = ServiceBuilder::new()
        .layer(HealLayer::new(healer.clone()).background(background.clone()))
        .service(Client::builder(TokioExecutor::new()).build_http());

    let (healthy, body) = ask(&client, url).await?;
    println!("healthy: {body} ({})", healthy.strategy);
    assert!(healthy.is_direct());

    FAILS.store(1, Relaxed);
    let (retried, same) = ask(&client, url).await?;
    println!(
        "failed once: {same} ({}, {} calls)",
        retried.strategy, retried.attempts
    );
    assert_eq!(retried.strategy, StrategyId::EXPONENTIAL_BACKOFF_RETRY);

    FAILS.store(u8::MAX, Relaxed);
    let (stale, copy) = ask(&client, url).await?;
    println!(
        "down: {copy} ({}, {:?} old)",
        stale.strategy,
        stale.age.unwrap_or_default()
    );
    assert_eq!(
        (stale.strategy, &copy),
        (StrategyId::USE_CACHED_DATA, &body)
    );

    let snapshot = healer.snapshot();
    for route in snapshot.sources.iter().flat_map(|source| &source.routes) {
        println!(
            "{}: {} requests, {} of them failed at the first call",
            route.route, route.total_requests, route.failed_requests
        );
    }
    background.stop().await;
    Ok(())
}

async fn ask(client: &Healing, url: &str) -> Outcome<(Provenance, String)> {
    let request = Request::get(url).body(Body::empty())?;
    let (head, body) = client.clone().oneshot(request).await?.into_parts();
    assert_eq!(
        head.status,
        StatusCode::OK,
        "the caller never sees the outage"
    );
    let truth = head.extensions.get::<Provenance>().ok_or("no provenance")?;
    let body = body.collect().await?.to_bytes();
    Ok((truth.clone(), String::from_utf8(body.to_vec())?))
}

/// The API: as many failures as were ordered.
fn upstream() -> Router {
    Router::new().route("/fred/series/{id}", routing::get(series))
}

async fn series() -> (StatusCode, &'static str) {
    match FAILS.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        Err(_) => (StatusCode::OK, "[4.1,4.2]"),
    }
}
