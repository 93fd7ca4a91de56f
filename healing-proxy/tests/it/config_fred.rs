//! What stands in for FRED's API: its CSV, which needs no key, and what is computed of two series; each only for what it is the
//! same for.

use healing_lab::{Fault, Injection, Limits, SourceName, key, keys};
use serde_json::Value;

use crate::{
    stage::Answer,
    stand::{Stand, lab},
};

const OBSERVATIONS: &str = "/fred/series/observations";
const GRAPH: &str = "/graph/fredgraph.csv";

/// FRED's API with a key of ours, and the CSV, which the lab has at the same address.
async fn fred(heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  fred_api:\n    upstreams: [FRED]\n    keys: {{ in: query, name: api_key, values_file: FOLDER/keys }}\n  fred_graph: {{ upstreams: [FRED] }}\nroutes:\n  - {{ match: {GRAPH}, source: fred_graph }}\n  - match: {OBSERVATIONS}\n    source: fred_api\n    heal:\n      - {heal}"
    );
    let ring = key(SourceName::FredApi);
    Stand::of(lab(Limits::Off).await, &lines, &[("keys", ring)]).await
}

fn ten_years(more: &str) -> String {
    format!("{OBSERVATIONS}?series_id=DGS10&file_type=json&observation_start=2026-01-12{more}")
}

fn refused() -> Injection {
    let key = keys(SourceName::FredApi).first();
    Injection::new(Fault::RevokeKey {
        key: key.map(|key| (*key).to_owned()),
    })
}

fn failing(path: &str, status: u16) -> Injection {
    Injection::new(Fault::status(status)).on_path(path)
}

impl Stand {
    /// What the source was asked for so far, without what the API was asked for.
    fn asked_of_csv(&self) -> Vec<String> {
        let mut asked = self.asked(SourceName::FredApi);
        asked.retain(|target| target.starts_with(GRAPH));
        asked
    }
}

/// Days with their values.
fn rows(answer: &Answer) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = body["observations"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "date"), text(row, "value")))
        .collect()
}

#[track_caller]
fn is_healed(answer: &Answer, told: &[&str]) {
    assert_eq!(answer.status, 200, "{answer:?}");
    for part in told {
        assert!(answer.get("healing").contains(part), "{part}: {answer:?}");
    }
}

#[tokio::test]
async fn observations_come_from_the_csv_where_the_key_is_refused_and_are_the_same() {
    for more in ["&observation_end=2026-02-20", "&sort_order=desc&limit=200"] {
        let stand = fred("fred_fallback_csv").await;
        let own = stand.proxy.get(&ten_years(more)).await;
        assert!(own.status == 200 && !own.head.has("healing"), "{own:?}");
        stand.lab.inject(SourceName::FredApi, refused());
        let lent = stand.proxy.get(&ten_years(more)).await;
        let told = ["equivalent", "fred_fallback_csv", "class=auth_error"];
        is_healed(&lent, &told);
        assert_eq!(rows(&lent), rows(&own));
        let holidays = rows(&lent).into_iter().filter(|(_, value)| value == ".");
        assert!(holidays.count() > 0, "{lent:?}");
        let place = lent.get("content-location");
        assert!(place.contains("/graph/fredgraph.csv?id=DGS10"), "{place}");
        let asked = stand.asked_of_csv();
        let key = key(SourceName::FredApi);
        assert!(asked.len() == 1 && !asked[0].contains(key), "{asked:?}");
    }
}

#[tokio::test]
async fn observations_come_from_the_csv_where_the_api_is_down_or_its_limit_is_reached() {
    for status in [429, 503] {
        let stand = fred("fred_fallback_csv").await;
        stand
            .lab
            .inject(SourceName::FredApi, failing(OBSERVATIONS, status));
        is_healed(&stand.proxy.get(&ten_years("")).await, &["equivalent"]);
    }
}

#[tokio::test]
async fn what_the_csv_cannot_answer_is_not_asked_of_it() {
    let stand = fred("fred_fallback_csv").await;
    let unknown = ten_years("").replace("DGS10", "NOSUCH");
    let answer = stand.proxy.get(&unknown).await;
    assert_eq!(answer.status, 400, "its caller is wrong: {answer:?}");
    stand
        .lab
        .inject(SourceName::FredApi, failing(OBSERVATIONS, 503));
    for more in [
        "&units=pc1",
        "&frequency=m&aggregation_method=eop",
        "&realtime_start=2020-01-01&realtime_end=2020-01-01",
        "&vintage_dates=2020-01-01",
        "&offset=3",
        "&limit=3&limit=4",
    ] {
        let answer = stand.proxy.get(&ten_years(more)).await;
        assert_eq!(answer.status, 503, "{more}: {answer:?}");
    }
    let xml = format!("{OBSERVATIONS}?series_id=DGS10");
    assert_eq!(stand.proxy.get(&xml).await.status, 503);
    assert_eq!(stand.asked_of_csv(), [""; 0]);
}

#[tokio::test]
async fn a_page_where_the_csv_was_is_no_answer() {
    let stand = fred("fred_fallback_csv").await;
    stand
        .lab
        .inject(SourceName::FredApi, failing(OBSERVATIONS, 503));
    let page = Injection::new(Fault::form("se_csv_html")).on_path(GRAPH);
    stand.lab.inject(SourceName::FredApi, page);
    let answer = stand.proxy.get(&ten_years("")).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(stand.asked_of_csv().len(), 1);
}

/// A map of one's own, for a request whose parameters are listed.
const OWN: &str = "fallback:\n          route: /graph/fredgraph.csv\n          params: { id: \"{series_id}\", cosd: \"{observation_start}\" }\n          only: { series_id: any, observation_start: any, file_type: json, units: [\"\", lin] }\n          reads: csv\n          map: '{observations: [.[1:][] | {date: .[0], value: .[1]}]}'\n          same: { unit: percent, adjustment: none, calendar: us_equities, granularity: 1d }";

#[tokio::test]
async fn a_csv_is_read_by_a_map_of_ones_own_where_the_request_holds_nothing_else() {
    let stand = fred(OWN).await;
    let own = stand.proxy.get(&ten_years("")).await;
    stand
        .lab
        .inject(SourceName::FredApi, failing(OBSERVATIONS, 503));
    let lent = stand.proxy.get(&ten_years("&units=lin")).await;
    is_healed(&lent, &["equivalent", "fallback"]);
    assert_eq!(rows(&lent).len(), rows(&own).len());
    assert_eq!(stand.proxy.get(&ten_years("&limit=3")).await.status, 503);
    assert_eq!(stand.asked_of_csv().len(), 1);
}

fn spread(more: &str) -> String {
    ten_years(more).replace("DGS10", "T10Y2Y")
}

fn once(status: u16) -> Injection {
    Injection::new(Fault::status(status)).times(1)
}

#[tokio::test]
async fn a_spread_that_fails_is_computed_of_its_two_yields() {
    for more in ["&observation_end=2026-02-20", "&sort_order=desc&limit=30"] {
        let stand = fred("compute").await;
        let own = stand.proxy.get(&spread(more)).await;
        assert!(own.status == 200 && !own.head.has("healing"), "{own:?}");
        stand.lab.inject(SourceName::FredApi, once(500));
        let made = stand.proxy.get(&spread(more)).await;
        is_healed(&made, &["equivalent", "compute", "DGS10 less DGS2"]);
        assert_eq!(rows(&made), rows(&own));
        assert!(!made.head.has("content-location"), "it is of two: {made:?}");
        let asked = stand.asked(SourceName::FredApi);
        assert!(
            asked.len() == 4 && asked[2].contains("DGS10") && asked[3].contains("DGS2&"),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_difference_of_two_yields_is_not_computed_of_them() {
    let stand = fred("compute").await;
    let series = ten_years("");
    let questions = ["&units=ch1", "&frequency=m", "&offset=3"].map(spread);
    for (at, url) in questions.iter().chain([&series]).enumerate() {
        stand.lab.inject(SourceName::FredApi, once(500));
        let answer = stand.proxy.get(url).await;
        assert_eq!(answer.status, 500, "{url}: {answer:?}");
        assert_eq!(stand.asked(SourceName::FredApi).len(), at + 1, "{url}");
    }
    let stand = fred("compute").await;
    stand.lab.inject(SourceName::FredApi, once(429));
    let limited = stand.proxy.get(&spread("")).await;
    assert_eq!(limited.status, 429, "it is the same key's: {limited:?}");
}

#[tokio::test]
async fn a_yield_that_does_not_come_leaves_the_spread_as_it_was() {
    let stand = fred("compute").await;
    stand.lab.inject(SourceName::FredApi, once(500));
    let second = Injection::new(Fault::status(503)).every(3).times(1);
    stand.lab.inject(SourceName::FredApi, second);
    let answer = stand.proxy.get(&spread("")).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    let asked = stand.asked(SourceName::FredApi);
    assert!(asked.len() == 3 && asked[2].contains("DGS2&"), "{asked:?}");
}

#[tokio::test]
async fn two_other_routes_make_an_answer_by_a_map_of_ones_own() {
    let term = |name: &str| {
        format!(
            "{{ route: \"/yahoo/v8/finance/chart/{{symbol}}\", params: {{ symbol: \"{{{name}}}\", interval: 1d, range: 5d }} }}"
        )
    };
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/api/ratio/{{one}}/{{other}}\"\n    heal:\n      - compute:\n          first: {}\n          second: {}\n          map: '{{ratio: (.first.chart.result[0].meta.regularMarketPrice / .second.chart.result[0].meta.regularMarketPrice)}}'\n          label: of two prices\n          same: {{ unit: ratio, adjustment: split, calendar: us_equities, granularity: tick }}",
        term("one"),
        term("other"),
    );
    let stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    let broken = Injection::new(Fault::status(503));
    stand.lab.inject(SourceName::Api, broken);
    let made = stand.proxy.get("/api/ratio/AAPL/IBM").await;
    is_healed(
        &made,
        &["equivalent", "compute", "yahoo_finance", "of two prices"],
    );
    let body: Value = serde_json::from_slice(&made.body).unwrap();
    assert!(body["ratio"].as_f64().unwrap() > 0.0, "{body}");
    let asked = stand.asked(SourceName::YahooFinance);
    let expected = ["AAPL", "IBM"].map(|of| format!("/v8/finance/chart/{of}?interval=1d&range=5d"));
    assert_eq!(asked, expected);
}
