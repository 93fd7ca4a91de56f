//! Refusals that blame the caller: its own mistake, unless every object is refused at once.

use healing_core::{FaultClass, Fidelity, StrategyId};

use crate::layers_support::{Upstream, answer, ask, get, get_with, healed, healed_by, json};

const BODY: &str = r#"{"quote":{"price":1.5,"open":1.4}}"#;

fn url(symbol: usize) -> String {
    format!("http://api.test/api/quote/S{symbol}")
}

#[tokio::test(start_paused = true)]
async fn three_urls_that_were_good_and_are_all_refused_are_the_endpoints_fault() {
    for refusal in [404, 410, 400, 401] {
        let upstream = Upstream::that(json(BODY));
        let healer = healing_core::Healer::builder().build();
        let client = healed_by(&upstream, healer.clone());
        for symbol in 0..6 {
            assert!(ask(&client, get(&url(symbol))).await.is_fresh());
        }
        upstream.becomes(answer(refusal, ""));
        for symbol in 0..2 {
            let got = ask(&client, get(&url(symbol))).await;
            let passed = (refusal, Some(Fidelity::Exact), StrategyId::DIRECT);
            assert_eq!(got.story(), passed, "{refusal}, {symbol} may be wrong");
        }
        for symbol in [2, 5, 0] {
            let got = ask(&client, get(&url(symbol))).await;
            assert!(got.is_copy(), "{refusal}: all of them are not: {got:?}");
            assert!(got.truth.fault.unwrap().class.is_the_callers());
        }
        let route = healer.snapshot().sources.remove(0).routes.remove(0);
        assert_eq!(route.failed_requests, 3, "{refusal}");
        let never_good = ask(&client, get(&url(99))).await;
        assert_eq!(never_good.status, refusal);
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_among_them_makes_each_its_callers_mistake_again() {
    let upstream = Upstream::by(|request| {
        if request.uri().path().ends_with("S0") || request.uri().query().is_none() {
            json(BODY)
        } else {
            answer(404, "")
        }
    });
    let client = healed(&upstream);
    for symbol in 0..9 {
        ask(&client, get(&url(symbol))).await;
    }
    for symbol in 1..9 {
        let got = ask(&client, get(&format!("{}?gone", url(symbol)))).await;
        assert_eq!((got.status, got.truth.fault), (404, None), "never good");
        assert!(ask(&client, get(&url(0))).await.is_fresh());
    }
}

#[tokio::test(start_paused = true)]
async fn some_of_many_are_mistakes_however_often_they_are_made() {
    let upstream = Upstream::that(json(BODY));
    let client = healed(&upstream);
    for symbol in 0..9 {
        ask(&client, get(&url(symbol))).await;
    }
    upstream.becomes(answer(404, ""));
    for _ in 0..9 {
        for symbol in 0..2 {
            let got = ask(&client, get(&url(symbol))).await;
            assert_eq!((got.status, got.truth.fault), (404, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_a_caller_sent_stay_its_own_mistake() {
    let upstream = Upstream::that(json(BODY));
    let client = healed(&upstream);
    let own = [("authorization", "Bearer expired")];
    for symbol in 0..7 {
        ask(&client, get_with(&url(symbol), &own)).await;
    }
    for refusal in [401, 403] {
        upstream.becomes(answer(refusal, ""));
        for symbol in 0..7 {
            let got = ask(&client, get_with(&url(symbol), &own)).await;
            assert_eq!((got.status, got.truth.fault), (refusal, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_a_good_status_is_the_same() {
    let good = |symbol: usize| {
        format!(
            r#"{{"quoteResponse":{{"result":[{{"symbol":"S{symbol}","regularMarketPrice":9}}],"error":null}}}}"#
        )
    };
    let none = r#"{"quoteResponse":{"result":[],"error":null}}"#;
    let url = |symbol: usize| {
        format!("http://query1.finance.yahoo.com/v7/finance/quote?symbols=S{symbol}")
    };
    let upstream = Upstream::that(json(none));
    let client = healed(&upstream);
    for symbol in 0..5 {
        upstream.becomes(json(good(symbol)));
        assert!(ask(&client, get(&url(symbol))).await.is_fresh());
    }
    upstream.becomes(json(none));
    for symbol in 0..2 {
        let got = ask(&client, get(&url(symbol))).await;
        assert_eq!((got.text(), &got.truth.fault), (none, &None));
    }
    let got = ask(&client, get(&url(4))).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(got.truth.fault.unwrap().class, FaultClass::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_valid_is_valid_still() {
    let url = "http://www.alphavantage.co/query?function=TIME_SERIES_DAILY&symbol=IBM";
    let good = r#"{"Meta Data":{"2. Symbol":"IBM"},"Time Series (Daily)":{"2026-11-23":{"4. close":"1.5"}}}"#;
    let refusal =
        r#"{"Error Message":"Invalid API call. Please retry or visit the documentation."}"#;
    let upstream = Upstream::that(json(refusal));
    let client = healed(&upstream);
    let got = ask(&client, get(url)).await;
    assert_eq!(
        (got.text(), &got.truth.fault),
        (refusal, &None),
        "never good"
    );
    upstream.becomes(json(good));
    assert!(ask(&client, get(url)).await.is_fresh());
    upstream.becomes(json(refusal));
    let got = ask(&client, get(url)).await;
    assert!(got.is_copy(), "{got:?}");
    assert_eq!(got.truth.fault.unwrap().class, FaultClass::InvalidRequest);
    let exact = [("healing-floor", "exact")];
    let got = ask(&client, get_with(url, &exact)).await;
    assert!(got.status >= 400, "no success without data: {got:?}");
}
