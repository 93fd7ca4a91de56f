//! What is given in place of what was asked: a month for a day, a fund for a share, one source for another. Only where the
//! floor allows it, and said in the status, the fields, the events and on the dashboard.

use std::{fs, time::Duration};

use healing_lab::{Fault, Hours, Injection, Lab, LabSettings, Limits, SourceName, key};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    caller::Caller,
    deployment::Proxy,
    page::{chromium, photograph},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// One kind of answer that is something else than what was asked.
struct Instead {
    source: SourceName,
    fault: Injection,
    asked: String,
    status: u16,
    fidelity: &'static str,
    strategy: &'static str,
    /// What the label, the events and the page call it.
    label: &'static str,
    /// A part of where it stands by itself, in the fields, the events and on the page.
    place: &'static str,
}

fn all() -> [Instead; 3] {
    let (fred, polygon) = (key(SourceName::FredApi), key(SourceName::PolygonIo));
    [
        Instead {
            source: SourceName::FredApi,
            // Both series are at one path.
            fault: Injection::new(Fault::status(503)).times(1),
            asked: format!(
                "/fred/fred/series/observations?series_id=DGS10&file_type=json&limit=3&sort_order=desc&api_key={fred}"
            ),
            status: 200,
            fidelity: "reduced",
            strategy: "alternate_series",
            label: "monthly average",
            place: "series_id=GS10",
        },
        Instead {
            source: SourceName::PolygonIo,
            fault: Injection::new(Fault::form("rl_429_error")),
            asked: format!("/polygon/v2/aggs/ticker/MSFT/prev?apiKey={polygon}"),
            status: 200,
            fidelity: "equivalent",
            strategy: "polygon_fallback_yahoo",
            label: "yahoo_finance",
            place: "/v8/finance/chart/MSFT",
        },
        Instead {
            source: SourceName::YahooFinance,
            fault: Injection::new(Fault::status(500)).on_path("/v8/finance/chart/AAPL"),
            asked: "/yahoo/v8/finance/chart/AAPL?interval=1m&range=1d".to_owned(),
            status: 203,
            fidelity: "substitute",
            strategy: "etf_proxy",
            label: "sector fund",
            place: "/v8/finance/chart/XLK",
        },
    ]
}

/// The three sources under their mounts, where callers are given what they allow. So few requests would not pay for three
/// extra calls in a second, which is not what is asked here.
fn lines(lab: &Lab) -> String {
    let url = |source| lab.url(source);
    format!(
        "budget: {{ share: 1.0, healing_calls_at_most: 1.0 }}
sources:
  yahoo_finance: {{ upstreams: [\"{}\"], mount: /yahoo }}
  fred_api: {{ upstreams: [\"{}\"], mount: /fred }}
  polygon_io: {{ upstreams: [\"{}\"], mount: /polygon }}
routes:
  - match: /fred/fred/series/observations
    source: fred_api
    params: {{ series_id: {{ query: series_id }} }}
    floor_for_callers: substitute
    heal: [alternate_series]
  - match: \"/yahoo/v8/finance/chart/{{symbol}}\"
    source: yahoo_finance
    floor_for_callers: substitute
    heal: [etf_proxy]
  - match: \"/polygon/v2/aggs/ticker/{{ticker}}/prev\"
    source: polygon_io
    floor_for_callers: substitute
    heal: [polygon_fallback_yahoo]
",
        url(SourceName::YahooFinance),
        url(SourceName::FredApi),
        url(SourceName::PolygonIo),
    )
}

/// Waits until the proxy's events hold that text.
async fn until_told(admin: &Caller, part: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let events = admin.get("/api/v1/events?limit=200").await.body.to_string();
        if events.contains(part) {
            return;
        }
        assert!(Instant::now() < until, "{part} is not in {events}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn break_it(lab: &Lab, instead: &Instead) {
    lab.clear(instead.source);
    lab.inject(instead.source, instead.fault.clone());
    lab.settled().await;
}

#[tokio::test]
async fn what_is_given_instead_is_given_where_the_floor_allows_it_and_says_so_everywhere() {
    let settings = LabSettings {
        hours: Hours::Exchange,
        limits: Limits::Off,
        ..LabSettings::default()
    };
    let lab = Lab::start(settings).await.expect("a lab");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("healing.yaml");
    fs::write(&file, lines(&lab)).expect("a file");
    let proxy = Proxy::start(&["-c", &file.display().to_string()], &[]).await;
    let ask = |floor| Caller::new(proxy.url.clone(), Some(floor));
    let admin = Caller::new(proxy.admin.clone(), None);
    for instead in all() {
        break_it(&lab, &instead).await;
        let exact = ask("exact").get(&instead.asked).await;
        assert!(exact.status >= 400, "{}: {exact:?}", instead.strategy);
        break_it(&lab, &instead).await;
        let given = ask("substitute").get(&instead.asked).await;
        assert_eq!(given.status, instead.status, "{given:?}");
        assert_eq!(given.fidelity(), Some(instead.fidelity), "{given:?}");
        for part in [instead.strategy, instead.label] {
            assert!(given.healing.contains(part), "{part}: {given:?}");
        }
        assert!(given.place.contains(instead.place), "{given:?}");
        for part in [instead.strategy, instead.label, instead.place] {
            until_told(&admin, part).await;
        }
        lab.clear(instead.source);
    }
    let page = format!("{}/health-dashboard", proxy.admin);
    let shown = chromium(&page, "--dump-dom").await;
    let (_, events) = shown.split_once(r#"<table id="events">"#).expect("events");
    for Instead {
        fidelity,
        strategy,
        label,
        place,
        ..
    } in all()
    {
        let row = events.split("<tr>").find(|row| row.contains(strategy));
        let row = row.unwrap_or_else(|| panic!("{strategy} is not on the page: {shown}"));
        for part in [fidelity, label, place] {
            assert!(row.contains(part), "{part}: {row}");
        }
    }
    photograph(&page, "what was given instead").await;
    drop(proxy);
    lab.stop().await;
}
