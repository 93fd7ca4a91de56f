//! What decisions and layers cost: the time that the thread had of the processor, so that others on the machine count little,
//! and allocations.

use std::{convert::Infallible, future, hint::black_box, time::Duration};

use allocation_counter::measure;
use healing_core::{
    Body, HealLayer, Healer,
    learn::Latencies,
    plan::{Candidate, Costs, Stand},
};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt};

/// An answer of a data API.
const KILOBYTE: &str = include_str!("cost/kilobyte.json");

/// How many candidates are planned.
pub const CANDIDATES: usize = 8;

/// How long plans take, with how long their first step is waited for, reading the clock included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plans {
    /// The median.
    pub median: Duration,
    /// What 99 of 100 are below.
    pub p99: Duration,
    /// What 999 of 1,000 are below.
    pub p999: Duration,
    /// Allocations of all of them together.
    pub allocations: u64,
}

// === impl Plans ===

impl Plans {
    /// Of so many.
    #[must_use]
    pub fn of(count: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let latency = Latencies::default().grid(&Latencies::usual());
        let mut times: Vec<Duration> = Vec::with_capacity(count);
        let mut allocations = 0;
        for _ in 0..count {
            let candidates: [Candidate<'_>; CANDIDATES] = std::array::from_fn(|n| Candidate {
                name: "alternate_endpoint",
                worth: random.random_range(0.3..1.0),
                p: random.random_range(0.1..1.0),
                up: random.random_range(0.1..1.0),
                latency,
                fails_after: 0.1,
                hangs: random.random(),
                delay: 0.0,
                price: 0.0,
                is_primary: n == 0,
            });
            let stand = Stand {
                in_hand: random.random_range(-0.5..0.9),
                floor: 0.2,
                remaining: 3.0,
            };
            let mut took = Duration::ZERO;
            let counted = measure(|| {
                let began = now();
                let plan = Costs::default().plan(black_box(&candidates), stand);
                let wait = Costs::default().patience(&candidates, plan.steps(), stand);
                black_box((plan, wait));
                took = now().saturating_sub(began);
            });
            allocations += counted.count_total;
            times.push(took);
        }
        times.sort_unstable();
        let at = |share: usize| {
            let place = count.saturating_sub(1) * share / 1_000;
            times.get(place).copied().unwrap_or_default()
        };
        Self {
            median: at(500),
            p99: at(990),
            p999: at(999),
            allocations,
        }
    }
}

/// What a healthy request takes without a layer and with the healing layer: the median of so many rounds each.
#[must_use]
pub fn of_healthy_requests(rounds: usize) -> [Duration; 2] {
    let Ok(runtime) = Builder::new_current_thread().enable_time().build() else {
        return [Duration::MAX; 2];
    };
    let bare = tower::service_fn(answered);
    let healed = HealLayer::new(Healer::builder().build()).layer(bare);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        times[0].push(round(&runtime, &bare));
        times[1].push(round(&runtime, &healed));
    }
    times.map(|mut times| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(Duration::MAX)
    })
}

/// The time of a request, over many.
fn round<S>(runtime: &Runtime, service: &S) -> Duration
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    const REQUESTS: u32 = 5_000;
    let began = now();
    runtime.block_on(async {
        for _ in 0..REQUESTS {
            let Ok(response) = service.clone().oneshot(black_box(request())).await;
            black_box(response.into_body().collect().await.is_ok());
        }
    });
    now().saturating_sub(began) / REQUESTS
}

fn request() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() =
        http::Uri::from_static("http://fred.test/fred/series/observations?id=DGS10");
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::ACCEPT, json);
    request
}

/// A kilobyte of JSON that is not to be kept, at once.
fn answered(_: Request<Body>) -> future::Ready<Result<Response<Body>, Infallible>> {
    let mut response = Response::new(Body::wrap(Full::from(KILOBYTE)));
    let fields = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    fields.insert(header::CONTENT_TYPE, json);
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    future::ready(Ok(response))
}

/// What this thread has had of the processor.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
