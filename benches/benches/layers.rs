//! What the layers cost around a service that answers at once: no socket, no real upstream, one thread.
//!
//! Each figure is one request from its making to the last byte of its answer. `bare` is the same without a layer, so the
//! difference to it is what a layer adds.
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::{
    convert::Infallible,
    future,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};

use criterion::Criterion;
use healing_core::{Body, Expose, HealLayer, Healer, Identity, LabelLayer, Provenance, StrategyId};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, retry};

type Reply = future::Ready<Result<Response<Body>, Infallible>>;

/// The status that the upstream answers with.
type Status = Arc<AtomicU16>;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(6))
        .configure_from_args();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    healthy(&mut criterion, &runtime);
    broken(&mut criterion, &runtime);
    criterion.final_summary();
}

/// The upstream answers well each time.
fn healthy(criterion: &mut Criterion, runtime: &Runtime) {
    let ok = Status::new(AtomicU16::new(200));
    let upstream = |cache_control| upstream(&ok, cache_control);
    run(criterion, runtime, "bare", &upstream("max-age=60"));
    let retry = retry::Retry::new(Once, upstream("max-age=60"));
    run(criterion, runtime, "tower_retry", &retry);
    let heal = HealLayer::new(Healer::builder().build());
    run(
        criterion,
        runtime,
        "heal_no_store",
        &heal.layer(upstream("no-store")),
    );
    run(
        criterion,
        runtime,
        "heal_no_store_changing",
        &heal.layer(changing(upstream("no-store"), 1)),
    );
    run(
        criterion,
        runtime,
        "bare_64k",
        &changing(upstream("no-store"), 64),
    );
    run(
        criterion,
        runtime,
        "heal_64k_changing",
        &heal.layer(changing(upstream("no-store"), 64)),
    );
    run(
        criterion,
        runtime,
        "heal_and_keep",
        &heal.layer(upstream("max-age=60")),
    );
    let label = LabelLayer::new(Identity::new("heal-bench", Expose::Full).expect("a token"));
    let labelled = label.layer(heal.layer(upstream("max-age=60")));
    run(criterion, runtime, "heal_keep_and_label", &labelled);
}

/// The upstream has failed for good, and the copy is given without asking it.
fn broken(criterion: &mut Criterion, runtime: &Runtime) {
    let status = Status::new(AtomicU16::new(200));
    let heal = HealLayer::new(Healer::builder().build());
    let client = heal.layer(upstream(&status, "max-age=60"));
    let label = LabelLayer::new(Identity::new("heal-bench", Expose::Full).expect("a token"));
    runtime
        .block_on(client.clone().oneshot(request()))
        .expect("a copy to keep");
    status.store(429, Relaxed);
    let answer = runtime
        .block_on(client.clone().oneshot(request()))
        .expect("the copy");
    let truth = answer.extensions().get::<Provenance>().expect("provenance");
    assert_eq!(truth.strategy, StrategyId::USE_CACHED_DATA);
    run(criterion, runtime, "kept_copy", &client);
    run(
        criterion,
        runtime,
        "kept_copy_and_label",
        &label.layer(client),
    );
}

fn run<S>(criterion: &mut Criterion, runtime: &Runtime, name: &str, service: &S)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let response = service.clone().oneshot(black_box(request())).await;
                let Ok(response) = response;
                response
                    .into_body()
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes)
            })
        });
    });
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() =
        http::Uri::from_static("http://fred.test/fred/series/observations?id=DGS10");
    request
        .headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// Kilobytes of JSON as a data API sends it.
fn kilobytes(count: u32) -> String {
    let row = |n: u32| {
        format!(r#"{{"date":"2026-01-{n:02}","value":4.{n:02},"source":"fred","ok":true}}"#)
    };
    let rows: Vec<String> = (0..16 * count).map(|n| row(n % 28 + 1)).collect();
    format!("[{}]", rows.join(","))
}

/// Answers at once. A 429 asks for a week's rest.
fn upstream(
    status: &Status,
    cache_control: &'static str,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Reply>
+ Clone
+ Send
+ 'static
+ use<> {
    let body = Full::from(kilobytes(1));
    let status = Arc::clone(status);
    tower::service_fn(move |_: Request<Body>| {
        let mut response = Response::new(Body::wrap(body.clone()));
        *response.status_mut() = StatusCode::from_u16(status.load(Relaxed)).expect("a status");
        let fields = response.headers_mut();
        fields.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        fields.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(cache_control),
        );
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            let week = HeaderValue::from_static("604800");
            response.headers_mut().insert(header::RETRY_AFTER, week);
        }
        future::ready(Ok(response))
    })
}

/// The same upstream, whose answers are that many kilobytes and differ from one to the next, so that each has to be looked
/// into.
fn changing<S>(
    upstream: S,
    size: u32,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Reply>
        + Clone
        + Send
        + 'static,
{
    let bodies = ["4.", "5."].map(|value| Full::from(kilobytes(size).replace("4.", value)));
    let turn = Arc::new(AtomicU16::new(0));
    upstream.map_response(move |response: Response<Body>| {
        let [even, odd] = &bodies;
        let odds = turn.fetch_add(1, Relaxed) % 2 == 1;
        response.map(|_| Body::wrap(if odds { odd.clone() } else { even.clone() }))
    })
}

/// The least that tower's own retry needs: once more after an error status.
#[derive(Clone)]
struct Once;

impl retry::Policy<Request<Body>, Response<Body>, Infallible> for Once {
    type Future = future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<Body>, Infallible>,
    ) -> Option<Self::Future> {
        let failed = result
            .as_ref()
            .is_ok_and(|response| response.status().is_server_error());
        failed.then(|| future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut again = Request::new(Body::empty());
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        Some(again)
    }
}
