//! A series that is down, answered by its relative under its own name: FRED's monthly average for the daily yield.
//!
//! `cargo run -p examples --bin alternate_series`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use axum::{Router, extract::Path, response::IntoResponse, routing};
use healing_core::{
    AlternateSeries, Body, Expose, Fidelity, Heal, Identity, Label, LabelLayer, Pattern,
    Provenance, SeriesLayer, Source, Substitution,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
type Healing = Label<Heal<Client<HttpConnector, Body>>>;

/// The daily series are out of order today; the monthly ones are there.
async fn series(Path(id): Path<String>) -> impl IntoResponse {
    match id.as_str() {
        "GS10" => (
            StatusCode::OK,
            r#"{"id":"GS10","observations":[4.21,4.28]}"#,
        ),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "out of order"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = format!("http://{}", listener.local_addr()?);
    let fred = Router::new().route("/api/fred/series/{id}", routing::get(series));
    tokio::select! {
        ended = axum::serve(listener, fred) => Ok(ended?),
        shown = show(&site) => shown,
    }
}

async fn show(site: &str) -> Outcome<()> {
    // The table that is built in, and a line of one's own.
    let own = Substitution::new("UNRATENSA", Fidelity::Reduced, "not seasonally adjusted")?;
    let table = AlternateSeries::fred_monthly("series").give("UNRATE", own);
    let pattern = Pattern::of("/api/fred/series/{series}".parse()?);
    let client = ServiceBuilder::new()
        .layer(LabelLayer::new(Identity::new("example", Expose::Full)?))
        .layer(SeriesLayer::new(Source::new("fred_api")?, pattern, table)?)
        .service(Client::builder(TokioExecutor::new()).build_http());

    let daily = format!("{site}/api/fred/series/DGS10");
    let (status, fields, truth, body) = ask(&client, &daily, "reduced").await?;
    println!("reduced is fine: {status} {body}");
    for name in ["content-location", "cache-control"] {
        println!("{name}: {}", fields.get(name).ok_or(name)?.to_str()?);
    }
    let label = truth.instead.and_then(|instead| instead.label);
    println!(
        "it is called: {}",
        label.as_deref().unwrap_or("what was asked")
    );
    assert_eq!(truth.fidelity, Some(Fidelity::Reduced));

    let (status, _, _, body) = ask(&client, &daily, "stale").await?;
    println!("only the daily one: {status} {body}");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}

async fn ask(
    client: &Healing,
    url: &str,
    floor: &str,
) -> Outcome<(StatusCode, HeaderMap, Provenance, String)> {
    let request = Request::get(url).header("healing-floor", floor);
    let response = client.clone().oneshot(request.body(Body::empty())?).await?;
    let (head, body) = response.into_parts();
    let truth = head.extensions.get::<Provenance>().ok_or("no provenance")?;
    let body = body.collect().await?.to_bytes().to_vec();
    Ok((
        head.status,
        head.headers.clone(),
        truth.clone(),
        String::from_utf8(body)?,
    ))
}
