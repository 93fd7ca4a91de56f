//! Lists in parts, single things in one call, and a request that is too large in halves: what came whole is what was asked.

use std::time::Duration;

use futures_util::future::join_all;
use healing_lab::{Fault, Injection, Limits, RetryAfter, SourceName, key};
use serde_json::Value;

use crate::{
    stage::{Answer, get},
    stand::{Stand, lab},
};

/// Yahoo's quotes under a mount.
async fn quotes(floor: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: /yahoo/v7/finance/quote\n    source: yahoo_finance\n    params: {{ symbols: {{ query: symbols }} }}\n    floor: {floor}\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// FRED's observations, which can be counted off.
async fn observations(floor: &str) -> Stand {
    let lines = format!(
        "sources:\n  fred_api: {{ upstreams: [FRED] }}\nroutes:\n  - match: /fred/series/observations\n    source: fred_api\n    params: {{ limit: {{ query: limit }}, offset: {{ query: offset }} }}\n    floor: {floor}\n    heal: [reduce_request_size]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

impl Stand {
    /// The request of a caller with Yahoo's cookie and crumb, and that field.
    fn quote(&self, symbols: &str, field: &str) -> String {
        let (cookie, crumb) = self.lab.yahoo_pass();
        let path = format!("/yahoo/v7/finance/quote?symbols={symbols}&crumb={crumb}");
        get(&path).replace(
            "\r\n\r\n",
            &format!("\r\nCookie: {cookie}\r\n{field}\r\n\r\n"),
        )
    }
}

fn once(status: u16) -> Injection {
    Injection::new(Fault::status(status)).times(1)
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn symbols(answer: &Answer) -> Vec<String> {
    let body = body(answer);
    let rows = body["quoteResponse"]["result"].as_array().unwrap().iter();
    rows.map(|row| row["symbol"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_that_fails_as_a_whole_comes_in_parts_and_is_exact() {
    let stand = quotes("stale", "batch_requests").await;
    stand.lab.inject(SourceName::YahooFinance, once(503));
    let asked = stand.quote("AAPL,IBM,MSFT", "Accept: */*");
    let answer = stand.proxy.ask(&asked).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    assert!(
        told.starts_with("exact") && told.contains("batch_requests"),
        "{told}"
    );
    assert_eq!(symbols(&answer), ["AAPL", "IBM", "MSFT"]);
    let parts = stand.asked(SourceName::YahooFinance);
    assert!(
        parts[1].contains("symbols=AAPL%2CIBM") && parts[2].contains("symbols=MSFT&"),
        "{parts:?}"
    );
}

#[tokio::test]
async fn a_part_that_does_not_come_leaves_a_reduced_answer_to_those_who_take_one() {
    for (floor, status, told) in [("stale", 503, ""), ("reduced", 200, "1 of 2 objects")] {
        let stand = quotes(floor, "batch_requests").await;
        let twice = Injection::new(Fault::status(503)).times(2);
        stand.lab.inject(SourceName::YahooFinance, twice);
        let asked = stand.quote("AAPL,IBM", "Accept: */*");
        let answer = stand.proxy.ask(&asked).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.get("healing").contains(told), "{answer:?}");
        if status == 200 {
            assert_eq!(symbols(&answer), ["IBM"]);
        }
        assert_eq!(stand.asked(SourceName::YahooFinance).len(), 3);
    }
}

#[tokio::test]
async fn a_single_symbol_that_fails_and_a_list_that_is_wrong_are_not_asked_in_parts() {
    let stand = quotes("reduced", "batch_requests").await;
    stand.lab.inject(SourceName::YahooFinance, once(503));
    let answer = stand.proxy.ask(&stand.quote("AAPL", "Accept: */*")).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let wrong = stand
        .quote("AAPL,IBM", "Accept: */*")
        .replace("Cookie: A3", "Cookie: B3");
    let answer = stand.proxy.ask(&wrong).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    stand.lab.inject(SourceName::YahooFinance, once(429));
    let answer = stand
        .proxy
        .ask(&stand.quote("AAPL,IBM", "Accept: */*"))
        .await;
    assert_eq!(answer.status, 429, "more calls raise a limit: {answer:?}");
    assert_eq!(stand.asked(SourceName::YahooFinance).len(), 3);
}

fn limited() -> Injection {
    Injection::new(Fault::Status {
        code: 429,
        retry_after: Some(RetryAfter::Seconds(1)),
        body: healing_lab::ErrorBody::Json,
    })
}

#[tokio::test]
async fn callers_who_are_turned_away_by_a_limit_are_one_call_and_each_has_its_own_answer() {
    let stand = quotes("stale", "batch_requests").await;
    let names = ["AAPL", "IBM", "MSFT"];
    stand.lab.inject(
        SourceName::YahooFinance,
        limited().lasting(Duration::from_millis(900)),
    );
    let asked = names.map(|name| stand.quote(name, "Accept: */*"));
    let answers = join_all(asked.iter().map(|asked| stand.proxy.ask(asked))).await;
    for (name, answer) in names.iter().zip(&answers) {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(symbols(answer), [*name]);
        let told = answer.get("healing");
        assert!(told.starts_with("exact"), "{told}");
    }
    let calls = stand.asked(SourceName::YahooFinance);
    let good = calls.iter().filter(|call| call.contains("%2C"));
    assert_eq!(good.count(), 1, "{calls:?}");
    assert!(calls.last().unwrap().contains("%2C"), "{calls:?}");
}

#[tokio::test]
async fn callers_with_other_credentials_are_not_asked_for_together() {
    let stand = quotes("stale", "batch_requests").await;
    stand.lab.inject(
        SourceName::YahooFinance,
        limited().lasting(Duration::from_millis(900)),
    );
    let asked = ["AAPL", "IBM"].map(|name| stand.quote(name, &format!("X-Api-Key: of-{name}")));
    join_all(asked.iter().map(|asked| stand.proxy.ask(asked))).await;
    let calls = stand.asked(SourceName::YahooFinance);
    assert!(calls.iter().all(|call| !call.contains("%2C")), "{calls:?}");
}

fn rows(series: &str, limit: u32) -> String {
    let key = key(SourceName::FredApi);
    format!(
        "/fred/series/observations?series_id={series}&file_type=json&sort_order=desc&limit={limit}&api_key={key}"
    )
}

#[tokio::test]
async fn a_request_that_is_too_large_comes_in_two_halves_and_is_just_what_was_asked() {
    let stand = observations("stale").await;
    let own = stand.proxy.get(&rows("DGS10", 101)).await;
    let fresh = observations("stale").await;
    fresh.lab.inject(SourceName::FredApi, once(503));
    let answer = fresh.proxy.get(&rows("DGS10", 101)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    assert!(
        told.starts_with("exact") && told.contains("reduce_request_size"),
        "{told}"
    );
    assert_eq!(body(&answer), body(&own));
    assert_eq!(answer.text(), own.text(), "to the last digit");
    let halves = fresh.asked(SourceName::FredApi);
    assert!(
        halves[1].contains("limit=50&")
            && halves[2].contains("limit=52&")
            && halves[2].contains("&offset=49"),
        "{halves:?}"
    );
}

#[tokio::test]
async fn half_of_a_request_is_given_only_as_that() {
    for (floor, status, told) in [("stale", 503, ""), ("reduced", 200, "at most 50 rows")] {
        let stand = observations(floor).await;
        stand.lab.inject(SourceName::FredApi, once(503));
        let second = Injection::new(Fault::status(503)).every(3).times(1);
        stand.lab.inject(SourceName::FredApi, second);
        let answer = stand.proxy.get(&rows("DGS10", 100)).await;
        let calls = stand.asked(SourceName::FredApi);
        assert_eq!(answer.status, status, "{calls:?} {answer:?}");
        assert!(answer.get("healing").contains(told), "{answer:?}");
    }
}

/// FRED's columns under a mount.
async fn columns() -> Stand {
    let lines = "sources:\n  fred_api: { upstreams: [FRED], mount: /fred }\nroutes:\n  - match: /fred/graph/fredgraph.csv\n    source: fred_api\n    params: { id: { query: id } }\n    heal: [batch_requests]";
    Stand::of(lab(Limits::Off).await, lines, &[]).await
}

#[tokio::test]
async fn columns_that_fail_together_come_one_by_one_and_columns_that_are_limited_come_together() {
    let stand = columns().await;
    let path =
        |id: &str| format!("/fred/graph/fredgraph.csv?id={id}&cosd=2026-01-05&coed=2026-02-06");
    let own = stand.proxy.get(&path("DGS10,DGS2")).await;
    let one = stand.proxy.get(&path("DGS2")).await;
    let stand = columns().await;
    stand.lab.inject(SourceName::FredApi, once(503));
    let joined = stand.proxy.get(&path("DGS10,DGS2")).await;
    assert!(joined.get("healing").starts_with("exact"), "{joined:?}");
    assert_eq!(joined.text(), own.text());
    let stand = columns().await;
    stand.lab.inject(
        SourceName::FredApi,
        limited().lasting(Duration::from_millis(900)),
    );
    let (ten, two) = (path("DGS10"), path("DGS2"));
    let (_, two) = tokio::join!(stand.proxy.get(&ten), stand.proxy.get(&two));
    assert!(two.get("healing").starts_with("equivalent"), "{two:?}");
    assert_eq!(two.text(), one.text());
    let calls = stand.asked(SourceName::FredApi);
    assert!(calls.last().unwrap().contains("%2C"), "{calls:?}");
}
