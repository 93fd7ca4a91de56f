//! Scripts run by their times, and start again.

use std::time::Duration;

use healing_lab::{
    Fault, Injection, Lab, LabError, LabSettings, Limits, Ports, Script, SourceName,
};
use tokio::time::Instant;

use crate::client::get;

const CSV: &str = "/graph/fredgraph.csv?id=GDP";

/// Asks until the status comes, and says whether it did.
async fn comes(lab: &Lab, status: u16) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if get(lab, SourceName::FredApi, CSV).await.status == status {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

#[tokio::test]
async fn a_script_breaks_mends_and_breaks_again() {
    let once = Injection::new(Fault::status(503)).times(1);
    let script = Script::new()
        .at(Duration::from_millis(50), SourceName::FredApi, once)
        .repeat_every(Duration::from_millis(200));
    let settings = LabSettings {
        limits: Limits::Off,
        script: Some(script),
        ..LabSettings::default()
    };
    let lab = Lab::start(settings).await.unwrap();
    for round in 0..2 {
        assert!(comes(&lab, 503).await, "{round}");
        assert!(comes(&lab, 200).await, "{round}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Lab::start(LabSettings::default()).await.unwrap();
    let taken = first.address(SourceName::YahooFinance).port();
    let settings = LabSettings {
        ports: Ports::From(taken),
        ..LabSettings::default()
    };
    let error = Lab::start(settings).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    assert!(matches!(
        error,
        LabError::Bind {
            door: "yahoo_finance",
            ..
        }
    ));
    let settings = LabSettings {
        ports: Ports::From(65_533),
        ..LabSettings::default()
    };
    let error = Lab::start(settings).await.unwrap_err();
    assert!(
        matches!(error, LabError::PortRange(65_533) | LabError::Bind { .. }),
        "{error}"
    );
    first.stop().await;
}
