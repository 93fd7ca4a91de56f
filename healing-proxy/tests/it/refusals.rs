//! The proxy before a simulated FRED, which refuses in the manner of the real one: what its rules say of it.

use healing_lab::{Fault, Injection, Lab, LabSettings, SourceName, key};

use crate::stage::Proxy;

/// A series, asked with that key.
fn series(key: &str) -> String {
    format!("/fred/series/observations?series_id=DGS10&file_type=json&api_key={key}")
}

async fn stage() -> (Lab, Proxy, String) {
    let lab = Lab::start(LabSettings::default()).await.unwrap();
    let proxy = Proxy::with(lab.address(SourceName::FredApi), &[]).await;
    let good = series(key(SourceName::FredApi));
    let answer = proxy.get(&good).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (lab, proxy, good)
}

#[tokio::test]
async fn a_key_that_is_refused_with_400_passes_as_its_callers_mistake() {
    let (lab, proxy, _) = stage().await;
    let answer = proxy.get(&series("unregistered00000000000000000000")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text().contains("api_key"), "{answer:?}");
    assert!(!answer.head.has("healing") && !answer.head.has("proxy-status"));
    lab.stop().await;
}

// FRED forbids copies, so what is bad has nothing in its place.

#[tokio::test]
async fn a_limit_is_named_by_the_sources_own_rule() {
    let (lab, proxy, good) = stage().await;
    lab.inject(SourceName::FredApi, Injection::new(Fault::status(429)));
    let answer = proxy.get(&good).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(
        answer.get("proxy-status").contains("fred_api/error_429"),
        "{answer:?}"
    );
    lab.stop().await;
}

#[tokio::test]
async fn an_error_envelope_in_a_good_status_is_no_answer() {
    let (lab, proxy, good) = stage().await;
    lab.inject(SourceName::FredApi, Injection::new(Fault::ErrorObject));
    let answer = proxy.get(&good).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(
        answer.get("proxy-status").contains("fred_api/error_5xx"),
        "{answer:?}"
    );
    lab.stop().await;
}
