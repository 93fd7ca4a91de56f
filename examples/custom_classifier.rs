//! A rule of one's own: a vendor that answers 200 with a code in a field when it has nothing to give.
//!
//! `cargo run -p examples --bin custom_classifier`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::{Router, response::IntoResponse, routing};
use healing_core::{
    Body, Classify, ErrorEvent, Fault, FaultClass, Heal, HealLayer, Healer, Provenance, Reply, Sink,
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

/// Whether the vendor's own source is away.
static AWAY: AtomicBool = AtomicBool::new(false);

type Healing = Heal<Client<HttpConnector, Body>>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// `X-Vendor-Code: 7` means that the numbers are placeholders.
#[derive(Debug)]
struct VendorCode;

impl Classify for VendorCode {
    fn classify(&self, reply: &Reply<'_>) -> Option<Fault> {
        let code = reply.headers.get("x-vendor-code")?;
        (code == "7")
            .then(|| Fault::new(FaultClass::EmptyData, "vendor_code_7").with_status(reply.status))
    }
}

/// Shows what went wrong, as a dashboard would.
#[derive(Debug)]
struct Shown;

impl Sink for Shown {
    fn event(&self, event: ErrorEvent) {
        println!(
            "event: {} on {}, healed: {}",
            event.message(),
            event.route,
            event.healed()
        );
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/quotes", listener.local_addr()?);
    let vendor = Router::new().route("/v1/quotes", routing::get(quotes));
    tokio::select! {
        ended = axum::serve(listener, vendor) => Ok(ended?),
        shown = show(&url) => shown,
    }
}

async fn quotes() -> impl IntoResponse {
    if AWAY.load(Relaxed) {
        ([("x-vendor-code", "7")], r#"{"quotes":[{"last":0.0}]}"#)
    } else {
        ([("x-vendor-code", "0")], r#"{"quotes":[{"last":4.2}]}"#)
    }
}

async fn show(url: &str) -> Outcome<()> {
    let plain = client(Healer::builder().build());
    let careful = client(
        Healer::builder()
            .rule(VendorCode)
            .sink(Arc::new(Shown))
            .build(),
    );
    for client in [&plain, &careful] {
        assert!(ask(client, url).await?.0.is_direct());
    }

    AWAY.store(true, Relaxed);
    let (truth, body) = ask(&plain, url).await?;
    println!("without the rule: {body} ({})", truth.strategy);
    assert!(body.contains("0.0"), "a placeholder looks like data");

    let (truth, body) = ask(&careful, url).await?;
    println!("with the rule: {body} ({})", truth.strategy);
    assert!(body.contains("4.2"), "the last real quote");
    let fault = truth.fault.ok_or("no fault")?;
    assert_eq!(
        (fault.class, &*fault.detail),
        (FaultClass::EmptyData, "vendor_code_7")
    );
    Ok(())
}

fn client(healer: Healer) -> Healing {
    HealLayer::new(healer).layer(Client::builder(TokioExecutor::new()).build_http())
}

async fn ask(client: &Healing, url: &str) -> Outcome<(Provenance, String)> {
    let request = Request::get(url).body(Body::empty())?;
    let (head, body) = client.clone().oneshot(request).await?.into_parts();
    assert_eq!(head.status, StatusCode::OK);
    let truth = head.extensions.get::<Provenance>().ok_or("no provenance")?;
    let body = body.collect().await?.to_bytes();
    Ok((truth.clone(), String::from_utf8(body.to_vec())?))
}
