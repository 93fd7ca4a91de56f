//! What a configuration lets another route answer: in the asked shape, and only as close as both are known to be.

use healing_lab::{Fault, Injection, Limits, SourceName, key};

use crate::{
    stage::{Answer, get},
    stand::{Stand, lab},
};

/// Prices in dollars of the days of American exchanges.
const DAYS: &str = "{ unit: usd, adjustment: split, calendar: us_equities, granularity: 1d }";

/// Closes of Yahoo's chart in the shape of Polygon's aggregates.
const CLOSES: &str = "{ticker: $asked.ticker, status: \"OK\", results: [.chart.result[0] | .timestamp as $t | .indicators.quote[0] as $q | range($t|length) | {t: ($t[.]*1000), c: $q.close[.]}]}";

/// Polygon and Yahoo, each at its own address, and a route of Polygon with that.
async fn both(route: &str, more: &str) -> Stand {
    let lines = format!(
        "sources:\n  polygon_io: {{ upstreams: [POLYGON] }}\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"{route}\"\n    source: polygon_io\n    {more}"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

fn previous(ticker: &str) -> String {
    let key = key(SourceName::PolygonIo);
    format!("/v2/aggs/ticker/{ticker}/prev?apiKey={key}")
}

fn limited() -> Injection {
    Injection::new(Fault::form("rl_429_error"))
}

fn results(answer: &Answer) -> Vec<serde_json::Value> {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    body["results"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn polygons_last_day_comes_from_yahoo_and_another_instrument_does_not() {
    let heal = "heal: [polygon_fallback_yahoo]";
    let stand = both("/v2/aggs/ticker/{ticker}/prev", heal).await;
    let own = results(&stand.proxy.get(&previous("AAPL")).await);
    stand.lab.inject(SourceName::PolygonIo, limited());
    let answer = stand.proxy.get(&previous("AAPL")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    for part in ["equivalent", "polygon_fallback_yahoo", "yahoo"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let gap = own[0]["c"].as_f64().unwrap() - results(&answer)[0]["c"].as_f64().unwrap();
    assert!(gap.abs() < 0.006, "{answer:?}");
    let yahoo = stand.asked(SourceName::YahooFinance);
    assert!(
        yahoo.iter().all(|target| !target.contains("apiKey")) && yahoo.len() == 1,
        "{yahoo:?}"
    );
    let other = stand.proxy.get(&previous("BRK.B")).await;
    assert!(other.status > 400, "elsewhere it may be another: {other:?}");
    let exact = get(&previous("AAPL")).replace("\r\n\r\n", "\r\nHealing-Floor: exact\r\n\r\n");
    assert!(stand.proxy.ask(&exact).await.status > 400);
    assert_eq!(stand.asked(SourceName::YahooFinance).len(), 1);
}

#[tokio::test]
async fn a_route_of_the_api_falls_back_to_a_source_with_an_address_of_its_own() {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/api/polygon/prev/{{ticker}}\"\n    source: polygon_io\n    heal:\n      - fallback:\n          route: \"/yahoo/v8/finance/chart/{{symbol}}\"\n          params: {{ symbol: \"{{ticker}}\", interval: 1d, range: 5d }}\n          map: '{CLOSES}'\n          same: {DAYS}"
    );
    let stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    stand
        .lab
        .inject(SourceName::Api, Injection::new(Fault::status(503)));
    let asked = get("/api/polygon/prev/AAPL").replace("\r\n\r\n", "\r\nCookie: mine=1\r\n\r\n");
    let answer = stand.proxy.ask(&asked).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.get("healing").contains("equivalent"), "{answer:?}");
    assert!(results(&answer).len() >= 3, "{answer:?}");
    assert!(answer.text().contains("\"ticker\":\"AAPL\""), "{answer:?}");
    assert_eq!(
        stand.asked(SourceName::YahooFinance),
        ["/v8/finance/chart/AAPL?interval=1d&range=5d"]
    );
}

#[tokio::test]
async fn a_route_of_a_source_falls_back_to_the_api() {
    let more = format!(
        "heal:\n      - fallback:\n          route: \"/api/yahoo/chart/{{symbol}}\"\n          params: {{ symbol: \"{{ticker}}\" }}\n          map: '{CLOSES}'\n          same: {DAYS}"
    );
    let stand = both("/v2/aggs/ticker/{ticker}/prev", &more).await;
    stand.lab.inject(SourceName::PolygonIo, limited());
    let answer = stand.proxy.get(&previous("AAPL")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!results(&answer).is_empty(), "{answer:?}");
    assert_eq!(stand.asked(SourceName::Api), ["/api/yahoo/chart/AAPL"]);
}

#[tokio::test]
async fn what_is_not_known_to_be_the_same_is_not_given_as_if_it_were() {
    let fallback = format!(
        "fallback:\n          route: \"/api/yahoo/chart/{{symbol}}\"\n          params: {{ symbol: \"{{ticker}}\" }}\n          map: '{CLOSES}'"
    );
    for (more, status) in [
        (format!("heal:\n      - {fallback}"), 429),
        (
            format!(
                "floor_for_callers: substitute\n    heal:\n      - {fallback}\n          same: {{ unit: usd }}"
            ),
            429,
        ),
        (
            format!(
                "floor: substitute\n    heal:\n      - {fallback}\n          same: {{ unit: usd }}"
            ),
            203,
        ),
    ] {
        let stand = both("/v2/aggs/ticker/{ticker}/prev", &more).await;
        stand.lab.inject(SourceName::PolygonIo, limited());
        let answer = stand.proxy.get(&previous("AAPL")).await;
        assert_eq!(answer.status, status, "{more}: {answer:?}");
    }
}

#[tokio::test]
async fn a_map_that_does_not_fit_gives_nothing() {
    let more = format!(
        "heal:\n      - fallback:\n          route: \"/api/yahoo/chart/{{symbol}}\"\n          params: {{ symbol: \"{{ticker}}\" }}\n          map: '.nothing[0]'\n          same: {DAYS}"
    );
    let stand = both("/v2/aggs/ticker/{ticker}/prev", &more).await;
    stand.lab.inject(SourceName::PolygonIo, limited());
    assert_eq!(stand.proxy.get(&previous("AAPL")).await.status, 429);
    assert_eq!(stand.asked(SourceName::Api).len(), 1);
}

#[tokio::test]
async fn a_quote_of_alpha_vantage_comes_from_yahoo_where_its_day_is_spent() {
    let lines = "sources:\n  alpha_vantage: { upstreams: [ALPHA] }\n  yahoo_finance: { upstreams: [YAHOO], mount: /yahoo }\nroutes:\n  - match: /query?function=GLOBAL_QUOTE\n    source: alpha_vantage\n    heal: [alphavantage_fallback_yahoo]";
    let stand = Stand::of(lab(Limits::Off).await, lines, &[]).await;
    let key = key(SourceName::AlphaVantage);
    let url = |symbol: &str| format!("/query?function=GLOBAL_QUOTE&symbol={symbol}&apikey={key}");
    let quote = |answer: &Answer| -> serde_json::Map<String, serde_json::Value> {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["Global Quote"]
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    let own = stand.proxy.get(&url("AAPL")).await;
    assert!(own.status == 200 && !own.head.has("healing"), "{own:?}");
    let spent = Injection::new(Fault::quota_spent());
    stand.lab.inject(SourceName::AlphaVantage, spent);
    let lent = stand.proxy.get(&url("AAPL")).await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let told = lent.get("healing");
    assert!(
        told.contains("alphavantage_fallback_yahoo") && told.contains("equivalent"),
        "{told}"
    );
    let (own, lent) = (quote(&own), quote(&lent));
    let names = |quote: &serde_json::Map<String, serde_json::Value>| -> Vec<String> {
        quote.keys().cloned().collect()
    };
    assert_eq!(names(&own), names(&lent), "the same fields");
    assert_eq!(own["01. symbol"], lent["01. symbol"]);
    let dotted = stand.proxy.get(&url("BRK.B")).await;
    assert!(!dotted.get("healing").contains("yahoo"), "{dotted:?}");
    let asked = stand.asked(SourceName::YahooFinance);
    assert_eq!(asked, ["/v8/finance/chart/AAPL?interval=1d&range=5d"]);
}
