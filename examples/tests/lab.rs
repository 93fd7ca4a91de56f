//! Keys and quotas against simulated sources with their real limits: what callers see, and what the sources saw.
#![cfg(test)]

use healing_core::{
    Body, Fidelity, Heal, HealLayer, Healer, Provenance, Queue, RotateKey, Secret, SourceSettings,
    StrategyId,
};
use healing_lab::{Asked, Fault, Lab, LabSettings, SourceName, keys};
use http::Request;
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::{Layer, ServiceExt};

type Healing = Heal<Client<HttpConnector, Body>>;

/// The first keys of a source, with the preset's limits where they are kept.
fn settings(source: SourceName, count: usize) -> SourceSettings {
    let mut settings = SourceSettings::preset(source.slug()).expect("a known source");
    let ring = keys(source).iter().take(count);
    let ring = ring.map(|key| Secret::new((*key).to_owned())).collect();
    let place = settings.keys.take().expect("a place for keys");
    settings.keys = Some(place.with(ring).expect("keys of the lab"));
    settings
}

fn client(source: SourceSettings) -> Healing {
    let healer = Healer::builder()
        .without_strategies()
        .strategy(RotateKey)
        .strategy(Queue)
        .source(source);
    HealLayer::new(healer.build()).layer(Client::builder(TokioExecutor::new()).build_http())
}

async fn lab() -> Lab {
    Lab::start(LabSettings::default())
        .await
        .expect("free ports")
}

async fn ask(client: &Healing, url: &str) -> (Provenance, String) {
    let request = Request::get(url).body(Body::empty()).expect("a URL");
    let (head, body) = client
        .clone()
        .oneshot(request)
        .await
        .expect("an answer")
        .into_parts();
    let truth: &Provenance = head.extensions.get().expect("provenance");
    let body = body.collect().await.expect("a body").to_bytes();
    (truth.clone(), String::from_utf8_lossy(&body).into_owned())
}

fn refused(asked: &[Asked]) -> usize {
    let refused = asked.iter().filter(|asked| asked.status != Some(200));
    refused.count()
}

#[tokio::test]
async fn a_revoked_key_of_polygon_is_replaced_and_costs_one_call() {
    let lab = lab().await;
    let client = client(settings(SourceName::PolygonIo, 2));
    let url = format!(
        "{}/v2/aggs/ticker/AAPL/prev",
        lab.url(SourceName::PolygonIo)
    );
    assert!(ask(&client, &url).await.0.is_direct());
    let first = keys(SourceName::PolygonIo)
        .first()
        .map(|key| (*key).to_owned());
    lab.inject(SourceName::PolygonIo, Fault::RevokeKey { key: first });
    for (strategy, n) in [(StrategyId::API_KEY_ROTATION, 2), (StrategyId::DIRECT, 1)] {
        let (truth, body) = ask(&client, &url).await;
        assert_eq!((truth.strategy, truth.attempts), (strategy, n));
        assert_eq!(truth.fidelity, Some(Fidelity::Exact));
        assert!(body.contains("results"), "{body}");
    }
    assert_eq!(refused(&lab.asked_of(SourceName::PolygonIo)), 1);
    lab.stop().await;
}

#[tokio::test]
async fn polygons_five_a_minute_are_never_overdrawn_with_one_key_or_two() {
    let lab = lab().await;
    let client = client(settings(SourceName::PolygonIo, 2));
    let url = format!(
        "{}/v2/aggs/ticker/AAPL/prev",
        lab.url(SourceName::PolygonIo)
    );
    for n in 0..15 {
        let (truth, _) = ask(&client, &url).await;
        let expected = if n < 10 {
            Fidelity::Exact
        } else {
            Fidelity::Stale
        };
        assert_eq!(truth.fidelity, Some(expected), "{n}: {truth:?}");
    }
    let asked = lab.asked_of(SourceName::PolygonIo);
    assert_eq!((asked.len(), refused(&asked)), (10, 0));
    lab.stop().await;
}

#[tokio::test]
async fn alpha_vantages_one_a_second_is_waited_for_and_never_refused() {
    let lab = lab().await;
    let client = client(settings(SourceName::AlphaVantage, 1));
    let url = |symbol| {
        let site = lab.url(SourceName::AlphaVantage);
        format!("{site}/query?function=GLOBAL_QUOTE&symbol={symbol}")
    };
    let urls = ["IBM", "AAPL", "MSFT"].map(url);
    let asks = urls.iter().map(|url| ask(&client, url));
    for (truth, body) in futures_util::future::join_all(asks).await {
        assert_eq!(truth.fidelity, Some(Fidelity::Exact), "{truth:?}");
        assert!(
            body.contains("Global Quote") && !body.contains("Information"),
            "{body}"
        );
    }
    assert_eq!(lab.count(SourceName::AlphaVantage), 3);
    lab.stop().await;
}

#[tokio::test]
async fn a_spent_key_of_fred_is_replaced() {
    let lab = lab().await;
    let client = client(settings(SourceName::FredApi, 2));
    let first = keys(SourceName::FredApi)
        .first()
        .map(|key| (*key).to_owned());
    lab.inject(SourceName::FredApi, Fault::QuotaSpent { key: first });
    let site = lab.url(SourceName::FredApi);
    let url = format!("{site}/fred/series/observations?series_id=DGS10&file_type=json");
    let (truth, body) = ask(&client, &url).await;
    assert_eq!(
        (truth.strategy, truth.attempts),
        (StrategyId::API_KEY_ROTATION, 2)
    );
    assert!(body.contains("observations"), "{body}");
    lab.stop().await;
}
