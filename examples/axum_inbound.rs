//! An API of one's own that gives its last good answer when a handler fails, and says so in the answer's fields.
//!
//! `cargo run -p examples --bin axum_inbound`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use axum::{Json, Router, response::IntoResponse, routing};
use healing_core::{Body, BoxError, Expose, HealLayer, Healer, Identity, LabelLayer};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// Whether the database behind the handler is away.
static AWAY: AtomicBool = AtomicBool::new(false);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/quote/AAPL", listener.local_addr()?);
    tokio::select! {
        ended = axum::serve(listener, api()?) => Ok(ended?),
        shown = show(&url) => shown,
    }
}

/// The routes, with healing around all of them and labels outside of it.
fn api() -> Outcome<Router> {
    let identity = Identity::new("quotes-1", Expose::Full)?;
    let healing = ServiceBuilder::new()
        .layer(LabelLayer::new(identity))
        .layer(HealLayer::new(Healer::builder().build()));
    Ok(Router::new()
        .route("/api/quote/{symbol}", routing::get(quote).post(quote))
        .layer(healing))
}

async fn quote() -> impl IntoResponse {
    if AWAY.load(Relaxed) {
        Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "no connection to the database",
        ))
    } else {
        Ok(Json([("AAPL", 229.87)]))
    }
}

async fn show(url: &str) -> Outcome<()> {
    let healthy = ask("GET", url, &[]).await?;
    println!("healthy: {} {}", healthy.status(), healthy.body());
    assert!(!healthy.headers().contains_key("healing"));

    AWAY.store(true, Relaxed);
    let healed = ask("GET", url, &[]).await?;
    let label = healed
        .headers()
        .get("healing")
        .ok_or("no label")?
        .to_str()?;
    println!(
        "database away: {} {}\n  healing: {label}",
        healed.status(),
        healed.body()
    );
    assert_eq!(
        (healed.status(), healed.body()),
        (StatusCode::OK, healthy.body())
    );
    assert!(label.starts_with("stale;strategy=use_cached_data"));

    // A caller that wants only exact answers says so, and gets the error.
    let strict = ask("GET", url, &[("healing-floor", "exact")]).await?;
    println!("only exact: {} {}", strict.status(), strict.body());
    assert_eq!(strict.status(), StatusCode::INTERNAL_SERVER_ERROR);

    // What is not safe to repeat is passed, once.
    let posted = ask("POST", url, &[]).await?;
    println!("a POST: {} {}", posted.status(), posted.body());
    assert_eq!(posted.status(), StatusCode::INTERNAL_SERVER_ERROR);
    Ok(())
}

async fn ask(method: &str, url: &str, fields: &[(&str, &str)]) -> Outcome<Response<String>> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.body(Body::empty())?).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(BoxError::from)?.to_bytes();
    Ok(Response::from_parts(
        head,
        String::from_utf8(body.to_vec())?,
    ))
}
