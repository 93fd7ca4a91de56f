//! A strategy of one's own: a table of yesterday's closing prices, given where the caller allows an estimate.
//!
//! `cargo run -p examples --bin custom_strategy`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{collections::HashMap, error::Error};

use axum::{Router, routing};
use futures_util::future::BoxFuture;
use healing_core::{
    Answer, Ask, Attempts, Body, Fault, Fidelity, Heal, HealLayer, Healer, Miss, Offer, Provenance,
    Refusal, Strategy, StrategyId,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

type Healing = Heal<Client<HttpConnector, Body>>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Yesterday's closing prices.
#[derive(Debug)]
struct ClosingPrices(HashMap<&'static str, f64>);

impl ClosingPrices {
    fn of(&self, ask: &Ask) -> Option<f64> {
        let symbol = ask.uri.path().rsplit('/').next()?;
        self.0.get(symbol).copied()
    }
}

impl Strategy for ClosingPrices {
    fn id(&self) -> StrategyId {
        StrategyId::new("closing_price")
    }

    /// Says what it would give before anything is done, so that a caller's floor can refuse it.
    fn offer(&self, ask: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        self.of(ask)
            .map(|_| Offer::now(Fidelity::Estimate))
            .ok_or(Refusal::NotForThisFault)
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        _: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let price = self
                .of(ask)
                .ok_or(Miss::Refused(Refusal::NotForThisFault))?;
            let body = Body::from(format!("{{\"close_of_yesterday\":{price}}}"));
            Ok(Answer::new(Response::new(body), Fidelity::Estimate))
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = format!("http://{}", listener.local_addr()?);
    let broken = Router::new().fallback(routing::get(|| async { StatusCode::BAD_GATEWAY }));
    tokio::select! {
        ended = axum::serve(listener, broken) => Ok(ended?),
        shown = show(&site) => shown,
    }
}

async fn show(site: &str) -> Outcome<()> {
    let healer = Healer::builder()
        .floor(Fidelity::Estimate)
        .strategy(ClosingPrices(HashMap::from([("AAPL", 229.87)])))
        .build();
    let client = HealLayer::new(healer).layer(Client::builder(TokioExecutor::new()).build_http());

    let known = format!("{site}/quote/AAPL");
    let (status, truth, body) = ask(&client, &known, "estimate").await?;
    let fidelity = truth.fidelity;
    println!(
        "with consent: {status} {body} ({fidelity:?}, {})",
        truth.strategy
    );
    assert_eq!(
        (status, fidelity),
        (StatusCode::OK, Some(Fidelity::Estimate))
    );

    let (status, truth, _) = ask(&client, &known, "stale").await?;
    println!("without: {status}");
    assert_eq!((status, truth.fidelity), (StatusCode::BAD_GATEWAY, None));

    let (status, _, _) = ask(&client, &format!("{site}/quote/XYZ"), "estimate").await?;
    println!("not in the table: {status}");
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    Ok(())
}

type Got = (StatusCode, Provenance, String);

async fn ask(client: &Healing, url: &str, floor: &str) -> Outcome<Got> {
    let request = Request::get(url).header("healing-floor", floor);
    let response = client.clone().oneshot(request.body(Body::empty())?).await?;
    let (head, body) = response.into_parts();
    let truth = head.extensions.get::<Provenance>().ok_or("no provenance")?;
    let body = body.collect().await?.to_bytes().to_vec();
    Ok((head.status, truth.clone(), String::from_utf8(body)?))
}
