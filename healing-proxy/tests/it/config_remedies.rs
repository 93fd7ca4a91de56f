//! What a configuration lets be given in place of what was asked, of the same source: as what it is, and only where the floor
//! and the fault allow it.

use healing_lab::{Fault, Injection, Limits, SourceName, key};

use crate::{
    stage::{Answer, get},
    stand::{Stand, lab},
};

const CHART: &str = "/yahoo/v8/finance/chart/AAPL?interval=1m&range=1d";
const AAPL: &str = "/v8/finance/chart/AAPL";

/// FRED's observations, where the series is a parameter of the query, as is the number of rows.
async fn fred(floors: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  fred_api: {{ upstreams: [FRED] }}\nroutes:\n  - match: /fred/series/observations\n    source: fred_api\n    params: {{ series_id: {{ query: series_id }}, limit: {{ query: limit }} }}\n    {floors}\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// Yahoo's charts under a mount.
async fn yahoo(floors: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/yahoo/v8/finance/chart/{{symbol}}\"\n    source: yahoo_finance\n    params: {{ interval: {{ query: interval }} }}\n    {floors}\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// Polygon's answers to what stands behind `/v2`.
async fn polygon(path: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  polygon_io: {{ upstreams: [POLYGON], mount: /polygon }}\nroutes:\n  - match: \"/polygon/v2{path}\"\n    source: polygon_io\n    floor: reduced\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

fn observations(series: &str, limit: u32) -> String {
    let key = key(SourceName::FredApi);
    format!(
        "/fred/series/observations?series_id={series}&file_type=json&sort_order=desc&limit={limit}&api_key={key}"
    )
}

fn once(status: u16) -> Injection {
    Injection::new(Fault::status(status)).times(1)
}

/// The same request of a caller who takes that.
fn taking(floor: &str, path: &str) -> String {
    get(path).replace("\r\n\r\n", &format!("\r\nHealing-Floor: {floor}\r\n\r\n"))
}

#[track_caller]
fn is_healed(answer: &Answer, status: u16, told: &[&str]) {
    assert_eq!(answer.status, status, "{answer:?}");
    for part in told {
        assert!(answer.get("healing").contains(part), "{part}: {answer:?}");
    }
}

#[tokio::test]
async fn a_daily_yield_that_fails_has_its_monthly_average_under_that_name() {
    let stand = fred("floor: reduced", "alternate_series").await;
    stand.lab.inject(SourceName::FredApi, once(503));
    let answer = stand.proxy.get(&observations("DGS10", 3)).await;
    is_healed(
        &answer,
        200,
        &["reduced", "alternate_series", "monthly average"],
    );
    let place = answer.get("content-location");
    assert!(place.contains("series_id=GS10"), "{place}");
    assert!(!place.contains(key(SourceName::FredApi)), "{place}");
    assert!(answer.text().contains("-01\""), "the first of a month");
}

#[tokio::test]
async fn a_table_and_a_label_of_ones_own_say_what_stands_for_what() {
    let heal =
        "{ alternate_series: { param: series_id, map: { DGS2: DGS1 }, label: of one year } }";
    let stand = fred("floor: reduced", heal).await;
    stand.lab.inject(SourceName::FredApi, once(503));
    let answer = stand.proxy.get(&observations("DGS2", 3)).await;
    is_healed(&answer, 200, &["reduced", "of one year"]);
    stand.lab.inject(SourceName::FredApi, once(503));
    let answer = stand.proxy.get(&observations("DGS10", 3)).await;
    assert_eq!(answer.status, 503, "nothing stands for it: {answer:?}");
}

#[tokio::test]
async fn another_series_is_given_to_nobody_who_does_not_take_it_and_not_for_a_limit() {
    let stand = fred("floor_for_callers: reduced", "alternate_series").await;
    let url = observations("DGS10", 3);
    stand.lab.inject(SourceName::FredApi, once(503));
    assert_eq!(stand.proxy.get(&url).await.status, 503);
    assert_eq!(stand.asked(SourceName::FredApi).len(), 1);
    stand.lab.inject(SourceName::FredApi, once(429));
    let other = taking("reduced", &observations("DGS30", 3));
    let answer = stand.proxy.ask(&other).await;
    assert_eq!(answer.status, 429, "its limit is the key's: {answer:?}");
    assert_eq!(stand.asked(SourceName::FredApi).len(), 2);
}

#[tokio::test]
async fn a_share_that_fails_has_its_sectors_fund_as_itself_where_that_is_taken() {
    let stand = yahoo("floor_for_callers: substitute", "etf_proxy").await;
    let broken = Injection::new(Fault::status(500)).on_path(AAPL);
    stand.lab.inject(SourceName::YahooFinance, broken);
    let answer = stand.proxy.get(CHART).await;
    assert_eq!(answer.status, 500, "nobody asked for a fund: {answer:?}");
    let answer = stand.proxy.ask(&taking("substitute", CHART)).await;
    is_healed(&answer, 203, &["substitute", "etf_proxy", "sector fund"]);
    let place = answer.get("content-location");
    assert_eq!(place, "/yahoo/v8/finance/chart/XLK?interval=1m&range=1d");
    assert!(answer.text().contains("\"symbol\":\"XLK\""), "{answer:?}");
    let there = stand.proxy.get(&place).await;
    assert_eq!(there.status, 200, "it leads somewhere: {there:?}");
}

#[tokio::test]
async fn a_fund_under_another_status_stands_for_no_share_that_is_not_there() {
    let heal = "{ etf_proxy: { table: { AAPL: QQQ }, label: index fund, status: 200 } }";
    let stand = yahoo("floor: substitute", heal).await;
    let broken = Injection::new(Fault::status(500)).on_path(AAPL);
    stand.lab.inject(SourceName::YahooFinance, broken);
    let answer = stand.proxy.get(CHART).await;
    is_healed(&answer, 200, &["substitute", "index fund"]);
    let unknown = stand.proxy.get(&CHART.replace("AAPL", "NOSUCH")).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_asked_for_half_and_not_below_the_least() {
    let stand = fred(
        "floor: reduced",
        "{ reduce_request_size: { at_least: 10 } }",
    )
    .await;
    stand.lab.inject(SourceName::FredApi, once(503));
    let answer = stand.proxy.get(&observations("DGS10", 100)).await;
    is_healed(&answer, 200, &["reduced", "at most 50 rows"]);
    let half = stand.asked(SourceName::FredApi);
    assert!(half[1].contains("limit=50"), "{half:?}");
    stand.lab.inject(SourceName::FredApi, once(503));
    let answer = stand.proxy.get(&observations("DGS10", 15)).await;
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[tokio::test]
async fn minutes_that_fail_are_given_by_the_day() {
    let stand = yahoo("floor: reduced", "daily_instead_of_intraday").await;
    stand.lab.inject(SourceName::YahooFinance, once(500));
    let answer = stand.proxy.get(CHART).await;
    is_healed(
        &answer,
        200,
        &["reduced", "daily_instead_of_intraday", "daily"],
    );
    stand.lab.inject(SourceName::YahooFinance, once(500));
    let other = CHART.replace("AAPL", "MSFT").replace("1m", "1d");
    let daily = stand.proxy.get(&other).await;
    assert_eq!(daily.status, 500, "it is daily already: {daily:?}");
}

#[tokio::test]
async fn polygons_minutes_are_given_by_the_hour_or_the_day_as_it_is_allowed() {
    let path = "/aggs/ticker/{ticker}/range/1/{timespan}/{from}/{to}";
    let minutes = format!(
        "/polygon/v2/aggs/ticker/AAPL/range/1/minute/2026-03-02/2026-03-04?apiKey={}",
        key(SourceName::PolygonIo)
    );
    for (heal, label, span) in [
        ("aggregate_data", "hourly", "/hour/"),
        ("daily_instead_of_intraday", "daily", "/day/"),
    ] {
        let stand = polygon(path, heal).await;
        stand.lab.inject(SourceName::PolygonIo, once(500));
        let answer = stand.proxy.get(&minutes).await;
        is_healed(&answer, 200, &["reduced", heal, label]);
        assert!(answer.get("content-location").contains(span), "{answer:?}");
        stand.lab.inject(SourceName::PolygonIo, once(429));
        assert_eq!(stand.proxy.get(&minutes).await.status, 429);
    }
}

#[tokio::test]
async fn a_plan_without_trades_has_the_close_of_the_last_day() {
    let stand = polygon("/last/trade/{ticker}", "historical_fallback").await;
    let trade = "/polygon/v2/last/trade/AAPL?apiKey=labbasickey1";
    let answer = stand.proxy.get(trade).await;
    let told = ["reduced", "historical_fallback", "close of the last day"];
    is_healed(&answer, 200, &told);
    stand.lab.inject(SourceName::PolygonIo, once(429));
    let limited = stand.proxy.get(trade).await;
    assert_eq!(limited.status, 429, "it is the same key's: {limited:?}");
}
