//! A share's last price, moved by what its fund did since: how, what it is called, and where it is refused.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use healing_core::{
    Beta, EtfEstimate, EtfEstimateLayer, Fidelity, Heal, HealLayer, Healer, Pattern, RouteSettings,
    Settings, Source, StrategyId, Treatment,
};
use serde_json::{Value, json as value};
use tokio::time::sleep;
use tower::Layer;

use crate::layers_support::{Act, Port, Upstream, answer, ask, get, get_with, json, seconds};

const SHARE: &str = "http://charts.test/v8/finance/chart/AAPL?interval=1d";

/// Prices of a fund, one a minute from the beginning of its session on.
const FUND: [f64; 7] = [200.0, 201.0, 202.0, 201.0, 203.0, 202.0, 204.0];

fn chart(symbol: &str, at: i64, closes: &[f64]) -> Act {
    let times: Vec<i64> = (0_i64..).map(|n| 60 * n).take(closes.len()).collect();
    let chart = value!({"chart": {"error": null, "result": [{
        "meta": {"symbol": symbol, "currency": "USD", "regularMarketPrice": closes.last(), "regularMarketTime": at,
                 "currentTradingPeriod": {"regular": {"start": 0, "end": 23_400}}},
        "timestamp": times, "indicators": {"quote": [{"close": closes}]}}]}});
    json(chart.to_string())
}

fn pattern() -> Pattern {
    Pattern::of("/v8/finance/chart/{symbol}".parse().unwrap())
}

fn source() -> Source {
    Source::new("charts").unwrap()
}

fn estimate() -> EtfEstimate {
    EtfEstimate::of("symbol").share("AAPL", Beta::new("XLK", 1.5, 0.36).unwrap())
}

fn layered(estimate: EtfEstimate, upstream: &Upstream) -> Heal<Port> {
    let layer = EtfEstimateLayer::new(source(), pattern(), estimate);
    layer.unwrap().layer(upstream.port())
}

/// A share that was known once, at that second of the session, and then does that; and its fund.
#[derive(Clone)]
struct Market {
    then: Act,
    fund: Act,
    is_down: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Market {
    fn of(then: Act, fund: Act) -> Self {
        Self {
            then,
            fund,
            is_down: Arc::default(),
            asked: Arc::default(),
        }
    }

    fn upstream(&self, at: i64) -> Upstream {
        let own = self.clone();
        Upstream::by(move |request: &http::Request<_>| {
            let target = request.uri().to_string();
            own.asked.lock().unwrap().push(target.clone());
            if target.contains("XLK") {
                own.fund.clone()
            } else if own.is_down.load(Relaxed) {
                own.then.clone()
            } else {
                chart("AAPL", at, &[100.0])
            }
        })
    }

    fn falls(&self) {
        self.is_down.store(true, Relaxed);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn fund() -> Act {
    chart("XLK", 400, &FUND)
}

#[tokio::test(start_paused = true)]
async fn a_share_that_fails_is_estimated_by_its_fund_under_a_name_of_its_own() {
    let market = Market::of(answer(500, "broken"), fund());
    let client = layered(estimate(), &market.upstream(30));
    assert_eq!(ask(&client, get(SHARE)).await.status, 200);
    market.falls();
    sleep(seconds(400)).await;
    let got = ask(&client, get(SHARE)).await;
    assert_eq!(
        got.story(),
        (203, Some(Fidelity::Estimate), StrategyId::ETF_ESTIMATE)
    );
    let body: Value = serde_json::from_str(got.text()).unwrap();
    let returns = FUND.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
    let variance: f64 = returns.map(|rate| rate * rate).sum();
    let near = |name: &str, expected: f64| {
        let told = body[name].as_f64().unwrap();
        assert!((told - expected).abs() < 1e-9, "{name}: {body}");
    };
    near("estimate", 100.0 * (1.0 + 1.5 * 0.02));
    near("error", 100.0 * 1.5 * (0.64 / 0.36 * variance).sqrt());
    assert_eq!(
        (&body["symbol"], &body["at"]),
        (&"AAPL".into(), &400.into())
    );
    assert_eq!(body["last"], value!({"value": 100.0, "at": 30}));
    assert!(!got.text().to_lowercase().contains("price"), "{body}");
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("estimate by XLK"));
    assert_eq!(instead.location, None);
    let asked = market.asked();
    let expected = "http://charts.test/v8/finance/chart/XLK?interval=1m&range=1d";
    assert_eq!(asked[2], expected, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_would_be_a_guess_is_not_given() {
    let broken = || answer(500, "broken");
    let level = [200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0];
    let still = chart("XLK", 400, &level);
    for (what, at, then, fund, calls) in [
        ("another session", -60, broken(), fund(), 3),
        ("too few prices", 350, broken(), fund(), 3),
        ("no chart", 30, broken(), json("{}"), 3),
        ("another fund", 30, broken(), chart("XLE", 400, &FUND), 3),
        ("no fund", 30, broken(), answer(503, ""), 3),
        ("a limit", 30, answer(429, ""), fund(), 2),
        ("an empty one", 30, answer(200, ""), fund(), 2),
    ] {
        let market = Market::of(then, fund);
        let client = layered(estimate(), &market.upstream(at));
        assert_eq!(ask(&client, get(SHARE)).await.status, 200);
        market.falls();
        let got = ask(&client, get(SHARE)).await;
        assert_ne!(got.status, 203, "{what}: {}", got.text());
        assert_eq!(market.asked().len(), calls, "{what}: {:?}", market.asked());
    }
    // A fund that did not move moves nothing, and that is no mistake.
    let market = Market::of(broken(), still);
    let client = layered(estimate(), &market.upstream(30));
    ask(&client, get(SHARE)).await;
    market.falls();
    assert_eq!(ask(&client, get(SHARE)).await.status, 203);
}

#[tokio::test(start_paused = true)]
async fn a_fund_that_moved_further_than_it_ever_does_is_not_believed() {
    // Closes of no movement, and a price that is far away.
    let steady = [200.0, 200.01, 200.0, 200.01, 200.0, 200.01, 200.0];
    let times: Vec<i64> = (0..7).map(|n| 60 * n).collect();
    let body = value!({"chart": {"result": [{
        "meta": {"symbol": "XLK", "regularMarketPrice": 210.0, "regularMarketTime": 400,
                 "currentTradingPeriod": {"regular": {"start": 0, "end": 23_400}}},
        "timestamp": times, "indicators": {"quote": [{"close": steady}]}}]}});
    let market = Market::of(answer(500, "broken"), json(body.to_string()));
    let client = layered(estimate(), &market.upstream(30));
    ask(&client, get(SHARE)).await;
    market.falls();
    assert_eq!(ask(&client, get(SHARE)).await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn without_a_last_price_of_this_caller_nothing_is_asked() {
    let market = Market::of(answer(500, "broken"), fund());
    let client = layered(estimate(), &market.upstream(30));
    let mine = [("authorization", "Bearer mine")];
    ask(&client, get_with(SHARE, &mine)).await;
    market.falls();
    assert_eq!(
        ask(&client, get(SHARE)).await.status,
        500,
        "it is another's"
    );
    let unknown = SHARE.replace("AAPL", "IBM");
    assert_eq!(ask(&client, get(&unknown)).await.status, 500, "no beta");
    sleep(seconds(3_700)).await;
    let late = ask(&client, get_with(SHARE, &mine)).await;
    assert_eq!(late.status, 500, "it is too long ago");
    assert!(market.asked().iter().all(|target| !target.contains("XLK")));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_may_still_be_given_comes_before_an_estimate_and_consent_before_both() {
    for (floor, until, expected) in [
        (Fidelity::Estimate, 60, (200, Some(Fidelity::Stale))),
        (Fidelity::Estimate, 600, (203, Some(Fidelity::Estimate))),
        (Fidelity::Reduced, 600, (500, None)),
    ] {
        let mut treatment = Treatment::default();
        treatment.heal_for = seconds(300);
        treatment.floor = floor;
        treatment.floor_for_callers = floor;
        treatment.strategies = vec![Arc::new(estimate())];
        let mut settings = Settings::default();
        let route = RouteSettings::new(source(), pattern(), treatment);
        settings.routes.push(route);
        let healer = Healer::builder().without_strategies().build();
        healer.configure(&settings).unwrap();
        let market = Market::of(answer(500, "broken"), fund());
        let client = HealLayer::new(healer).layer(market.upstream(30).port());
        ask(&client, get(SHARE)).await;
        market.falls();
        sleep(seconds(until)).await;
        let got = ask(&client, get(SHARE)).await;
        assert_eq!(
            (got.status, got.truth.fidelity),
            expected,
            "{floor} {until}"
        );
    }
}

#[test]
fn what_is_no_regression_on_a_fund_is_refused_with_its_reason() {
    for fund in ["", "X LK", "\u{b5}", "A_SYMBOL_THAT_IS_NONE"] {
        let error = Beta::new(fund, 1.0, 0.5).unwrap_err().to_string();
        assert!(error.contains("the fund is"), "{error}");
    }
    for (beta, r_squared, says) in [
        (0.0, 0.5, "beta is 0"),
        (f64::NAN, 0.5, "beta is NaN"),
        (1.0, 0.0, "r2 is 0"),
        (1.0, 1.5, "r2 is 1.5"),
        (1.0, f64::NAN, "r2 is NaN"),
    ] {
        let error = Beta::new("XLK", beta, r_squared).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
