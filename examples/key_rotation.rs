//! Two keys and a quota: a revoked key is replaced at once, and what comes too early waits for its turn.
//!
//! `cargo run -p examples --bin key_rotation`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use axum::{Router, extract::RawQuery, routing};
use healing_core::{
    Body, Heal, HealLayer, Healer, KeyPlace, KeyVault, Keys, Per, Provenance, Queue, Quota,
    QuotaScope, RotateKey, Secret, Source, SourceSettings,
};
use http::{Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

/// Whether the source has revoked the first key.
static REVOKED: AtomicBool = AtomicBool::new(false);

type Healing = Heal<Client<HttpConnector, Body>>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where keys come from. This one has them in its hand; another reads an environment, files, or a real vault.
#[derive(Debug)]
struct Hand([&'static str; 2]);

impl KeyVault for Hand {
    fn keys(&self, _: &Source) -> Vec<Secret> {
        self.0.map(|key| Secret::new(key.to_owned())).into()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/series", listener.local_addr()?);
    let source = axum::serve(listener, Router::new().fallback(routing::get(series)));
    tokio::select! {
        ended = source => Ok(ended?),
        shown = show(&url) => shown,
    }
}

/// The source: it wants a key, and takes the first one only until it is revoked.
async fn series(RawQuery(query): RawQuery) -> (StatusCode, &'static str) {
    match query.as_deref() {
        Some("api_key=first-key") if !REVOKED.load(Relaxed) => (StatusCode::OK, "[4.1,4.2]"),
        Some("api_key=second-key") => (StatusCode::OK, "[4.1,4.2]"),
        _ => (StatusCode::UNAUTHORIZED, "the key is not valid"),
    }
}

async fn show(url: &str) -> Outcome<()> {
    let mut source = SourceSettings::new(Source::new("my_vendor")?);
    let place = KeyPlace::Query("api_key".to_owned());
    let vault = Hand(["first-key", "second-key"]);
    source.keys = Some(Keys::of(&vault, &source.source, place)?);
    let second = Per::Window(Duration::from_secs(1));
    source.quotas = vec![Quota::new(2, second, QuotaScope::Address)?];
    let healer = Healer::builder()
        .without_strategies()
        .strategy(RotateKey)
        .strategy(Queue)
        .source(source.clone())
        .build();
    let client =
        HealLayer::new(healer.clone()).layer(Client::builder(TokioExecutor::new()).build_http());

    println!("both keys valid: {}", ask(&client, url).await?.0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    REVOKED.store(true, Relaxed);
    println!("first key revoked: {}", ask(&client, url).await?.0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("from then on: {}", ask(&client, url).await?.0);
    tokio::time::sleep(Duration::from_secs(1)).await;

    let (a, b, c) = tokio::try_join!(ask(&client, url), ask(&client, url), ask(&client, url))?;
    println!("three at once, two a second: {}, {}, {}", a.1, b.1, c.1);

    for (n, key) in (1..).zip(healer.pace_of(&source.source).keys) {
        let (calls, times) = (key.calls, key.turned_away);
        let plural = if times == 1 { "" } else { "s" };
        let rests = key.rests_for.is_some();
        println!("key {n}: {calls} calls, turned away {times} time{plural}, rests: {rests}");
    }
    Ok(())
}

/// What came, and what made it.
async fn ask(client: &Healing, url: &str) -> Outcome<(String, &'static str)> {
    let request = Request::get(url).body(Body::empty())?;
    let response = client.clone().oneshot(request).await?;
    let truth: &Provenance = response.extensions().get().ok_or("no provenance")?;
    let (by, calls) = (truth.strategy.as_str(), truth.attempts);
    let plural = if calls == 1 { "" } else { "s" };
    let line = format!("{} ({by}, {calls} call{plural})", response.status());
    Ok((line, by))
}
