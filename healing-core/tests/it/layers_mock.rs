//! The layers around tower's own mock: readiness, one request answered at a time, virtual time.

use std::{
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use healing_core::{
    AlternateEndpoint, AlternateLayer, AlternateSeries, Body, BoxError, EtfProxy, Fidelity,
    HealLayer, Healer, HedgeLayer, HedgedRequest, KeyPlace, Keys, Pattern, Per, Provenance,
    QueueLayer, Quota, QuotaScope, RetryLayer, RotateKeyLayer, Secret, Sent, SeriesLayer, Source,
    SourceSettings, StaleLayer, StrategyId, SubstituteLayer, TransportError, TransportFault,
};
use http::{Request, Response};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_test::mock::{self, Handle, Mock};

use crate::layers_support::{NEWER, SERIES, URL, get, seconds};

/// The mock with an error that can say what it is.
struct Upstream(Mock<Request<Body>, Response<Body>>);

#[derive(Debug)]
struct Cut(BoxError);

impl TransportError for Cut {
    fn fault(&self) -> (TransportFault, Sent) {
        (TransportFault::Closed, Sent::Something)
    }
}

impl Clone for Upstream {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Cut;
    type Future = BoxFuture<'static, Result<Response<Body>, Cut>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        self.0.poll_ready(cx).map_err(Cut)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async { answer.await.map_err(Cut) })
    }
}

type Upstreams = Handle<Request<Body>, Response<Body>>;

fn pair() -> (Upstream, Upstreams) {
    let (mock, handle) = mock::pair();
    (Upstream(mock), handle)
}

async fn next(handle: &mut Upstreams) -> mock::SendResponse<Response<Body>> {
    let (request, send) = handle.next_request().await.expect("a request");
    assert_eq!(
        (request.method().as_str(), request.uri()),
        ("GET", &URL.parse().unwrap())
    );
    send
}

/// Fails what is asked first, and answers what is asked then; returns where that was.
async fn fails_then_answers(handle: &mut Upstreams) -> String {
    let (_, send) = handle.next_request().await.expect("a request");
    send.send_response(reply(503, ""));
    let (request, send) = handle.next_request().await.expect("another one");
    send.send_response(reply(200, SERIES));
    request.uri().to_string()
}

fn reply(status: u16, body: &'static str) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap()
}

fn truth(response: &Response<Body>) -> &Provenance {
    response.extensions().get().expect("provenance")
}

#[tokio::test(start_paused = true)]
async fn retry_asks_a_second_time_after_its_pause_and_gives_that_answer() {
    let (upstream, mut handle) = pair();
    let client = RetryLayer::default().layer(upstream);
    let script = async {
        next(&mut handle).await.send_response(reply(503, ""));
        let failed = Instant::now();
        next(&mut handle).await.send_response(reply(200, SERIES));
        failed.elapsed()
    };
    let (answer, pause) = tokio::join!(client.oneshot(get(URL)), script);
    let answer = answer.unwrap();
    assert_eq!(
        truth(&answer).strategy,
        StrategyId::EXPONENTIAL_BACKOFF_RETRY
    );
    assert_eq!(truth(&answer).attempts, 2);
    let bounds = Duration::from_millis(50)..=Duration::from_millis(151);
    assert!(bounds.contains(&pause), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_gives_the_inner_error_when_all_calls_fail() {
    let (upstream, mut handle) = pair();
    let client = RetryLayer::default().layer(upstream);
    let script = async {
        for n in 1..=3 {
            next(&mut handle).await.send_error(format!("broken {n}"));
        }
    };
    let (answer, ()) = tokio::join!(client.oneshot(get(URL)), script);
    assert_eq!(
        answer.unwrap_err().0.to_string(),
        "broken 3",
        "the last real outcome"
    );
}

#[tokio::test(start_paused = true)]
async fn stale_gives_the_copy_at_the_deadline_while_the_upstream_thinks() {
    let (upstream, mut handle) = pair();
    let client = StaleLayer::of(Healer::builder().deadline(seconds(2))).layer(upstream);
    let script = async {
        next(&mut handle).await.send_response(reply(200, SERIES));
        let thinking = next(&mut handle).await;
        tokio::time::sleep(seconds(4)).await;
        thinking.send_response(reply(200, NEWER));
    };
    let asks = async {
        client.clone().oneshot(get(URL)).await.unwrap();
        let asked = Instant::now();
        let answer = client.oneshot(get(URL)).await.unwrap();
        (truth(&answer).strategy, truth(&answer).age, asked.elapsed())
    };
    let (answer, ()) = tokio::join!(asks, script);
    assert_eq!(
        answer,
        (StrategyId::USE_CACHED_DATA, Some(seconds(2)), seconds(2))
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_before_the_inner_service_is_ready() {
    let (upstream, mut handle) = pair();
    handle.allow(0);
    let client = HealLayer::new(Healer::builder().build()).layer(upstream);
    let mut asked = pin!(client.oneshot(get(URL)));
    let early = tokio::time::timeout(seconds(60), &mut asked).await;
    assert!(early.is_err(), "not ready, so not called");
    handle.allow(1);
    let script = async {
        next(&mut handle).await.send_response(reply(200, SERIES));
    };
    let (answer, ()) = tokio::join!(asked, script);
    assert!(truth(&answer.unwrap()).is_direct());
}

#[tokio::test(start_paused = true)]
async fn one_layer_in_another_heals_with_both() {
    let (upstream, mut handle) = pair();
    let client = StaleLayer::default().layer(RetryLayer::default().layer(upstream));
    let script = async {
        next(&mut handle).await.send_response(reply(200, SERIES));
        for _ in 0..3 {
            next(&mut handle).await.send_response(reply(503, ""));
        }
    };
    let asks = async {
        client.clone().oneshot(get(URL)).await.unwrap();
        client.oneshot(get(URL)).await.unwrap()
    };
    let (answer, ()) = tokio::join!(asks, script);
    assert_eq!(
        (answer.status().as_u16(), truth(&answer).strategy),
        (200, StrategyId::USE_CACHED_DATA)
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_an_inner_layer_gave_is_not_called_exact_by_an_outer_one() {
    let (upstream, mut handle) = pair();
    let client = RetryLayer::default().layer(StaleLayer::default().layer(upstream));
    let script = async {
        next(&mut handle).await.send_response(reply(200, SERIES));
        next(&mut handle).await.send_response(reply(503, ""));
    };
    let asks = async {
        client.clone().oneshot(get(URL)).await.unwrap();
        tokio::time::sleep(seconds(60)).await;
        client.oneshot(get(URL)).await.unwrap()
    };
    let (answer, ()) = tokio::join!(asks, script);
    assert_eq!(
        truth(&answer).fidelity,
        Some(Fidelity::Stale),
        "fidelity never rises on the way out"
    );
    assert_eq!(truth(&answer).age, Some(seconds(60)));
}

fn fred() -> SourceSettings {
    SourceSettings::new(Source::new("fred_api").unwrap())
}

#[tokio::test(start_paused = true)]
async fn rotation_sends_the_same_request_with_the_next_key_at_once() {
    let (upstream, mut handle) = pair();
    let mut source = fred();
    let ring = ["first", "second"].map(|key| Secret::new(key.to_owned()));
    let place = KeyPlace::Query("api_key".to_owned());
    source.keys = Some(Keys::new(place, ring.into()).unwrap());
    let client = RotateKeyLayer::new(source).layer(upstream);
    let script = async {
        for (key, status) in [("first", 401), ("second", 200)] {
            let (request, send) = handle.next_request().await.expect("a request");
            assert_eq!(request.uri().to_string(), format!("{URL}&api_key={key}"));
            send.send_response(reply(status, SERIES));
        }
    };
    let started = Instant::now();
    let (answer, ()) = tokio::join!(client.oneshot(get(URL)), script);
    let answer = answer.unwrap();
    assert_eq!(truth(&answer).strategy, StrategyId::API_KEY_ROTATION);
    assert_eq!(
        (truth(&answer).attempts, started.elapsed()),
        (2, Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn the_queue_sends_the_next_request_when_its_time_has_come_and_not_before() {
    let (upstream, mut handle) = pair();
    let mut source = fred();
    let window = Per::Window(seconds(2));
    source.quotas = vec![Quota::new(1, window, QuotaScope::Address).unwrap()];
    let client = QueueLayer::new(source).layer(upstream);
    let script = async {
        next(&mut handle).await.send_response(reply(200, SERIES));
        let first = Instant::now();
        next(&mut handle).await.send_response(reply(200, NEWER));
        first.elapsed()
    };
    let asks = async {
        client.clone().oneshot(get(URL)).await.unwrap();
        client.oneshot(get(URL)).await.unwrap()
    };
    let (answer, between) = tokio::join!(asks, script);
    assert_eq!(truth(&answer).strategy, StrategyId::REQUEST_QUEUING);
    assert_eq!((truth(&answer).attempts, between), (1, seconds(2)));
}

#[tokio::test(start_paused = true)]
async fn hedge_asks_elsewhere_while_the_first_call_goes_on_and_gives_what_comes_first() {
    let (upstream, mut handle) = pair();
    let other = HedgedRequest::at(["http://other.test".parse().unwrap()]);
    let client = HedgeLayer::new(other).layer(upstream);
    let script = async {
        let _silent = next(&mut handle).await;
        let (request, send) = handle.next_request().await.expect("a second request");
        send.send_response(reply(200, SERIES));
        request.uri().to_string()
    };
    let (answer, asked) = tokio::join!(client.oneshot(get(URL)), script);
    let answer = answer.unwrap();
    assert_eq!(asked, URL.replace("fred.test", "other.test"));
    assert_eq!(truth(&answer).strategy, StrategyId::HEDGED_REQUEST);
    assert_eq!(truth(&answer).fidelity, Some(Fidelity::Exact));
}

fn pattern(text: &str) -> Pattern {
    Pattern::of(text.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_strategy_asks_its_alternate_through_its_own_layer() {
    let query2 = AlternateEndpoint::at(["http://query2.test".parse().unwrap()]);
    let source = || Source::new("a_source").unwrap();
    let series = AlternateSeries::fred_monthly("series");
    let series = SeriesLayer::new(source(), pattern("/series/{series}"), series).unwrap();
    let funds = EtfProxy::of("symbol").sectors();
    let funds = SubstituteLayer::new(source(), pattern("/chart/{symbol}"), funds).unwrap();
    let (upstream, mut handle) = pair();
    for (client, url, alternate, fidelity) in [
        (
            AlternateLayer::new(query2).layer(upstream.clone()),
            "http://query1.test/chart/AAPL",
            "http://query2.test/chart/AAPL",
            Fidelity::Exact,
        ),
        (
            series.layer(upstream.clone()),
            "http://fred.test/series/DGS10",
            "http://fred.test/series/GS10",
            Fidelity::Reduced,
        ),
        (
            funds.layer(upstream),
            "http://query1.test/chart/AAPL",
            "http://query1.test/chart/XLK",
            Fidelity::Substitute,
        ),
    ] {
        let script = fails_then_answers(&mut handle);
        let (answer, asked) = tokio::join!(client.oneshot(get(url)), script);
        assert_eq!(truth(&answer.unwrap()).fidelity, Some(fidelity), "{url}");
        assert_eq!(asked, alternate);
    }
}
