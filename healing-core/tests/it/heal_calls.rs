//! However sources answer, and whoever asks when: extra calls keep to the budget.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{AlternateEndpoint, Body, HealLayer, Healer, Retry, Sent, TransportFault};
use http::{Request, Response};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};
use tower::Layer;

use crate::layers_support::{Lost, SERIES, get, try_ask};

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
enum End {
    Good,
    Status(u16),
    Lost(TransportFault, Sent),
    Html,
    Late,
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    let end = prop_oneof![
        1 => Just(End::Good),
        3 => prop::sample::select(&[500_u16, 502, 503, 504][..]).prop_map(End::Status),
        2 => Just(End::Lost(TransportFault::Refused, Sent::Nothing)),
        1 => Just(End::Lost(TransportFault::Reset, Sent::Something)),
        1 => Just(End::Html),
        1 => Just(End::Late),
    ];
    prop::collection::vec(end, 1..12)
}

async fn ended(end: End) -> Result<Response<Body>, Lost> {
    let (status, body) = match end {
        End::Good => (200, SERIES),
        End::Status(status) => (status, "no"),
        End::Html => (200, "<html>Sign in</html>"),
        End::Late => {
            sleep(Duration::from_secs(30)).await;
            (200, SERIES)
        }
        End::Lost(fault, sent) => return Err(Lost(fault, sent)),
    };
    Ok(Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap())
}

/// Upstream calls for requests that come so many milliseconds after each other, and how many seconds it all took.
async fn calls(ends: Vec<End>, pauses: &[u64], rests: bool) -> (f64, f64) {
    let made = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&made);
    let upstream = tower::service_fn(move |_: Request<Body>| {
        let n = count.fetch_add(1, Relaxed);
        let place = usize::try_from(n).unwrap() % ends.len();
        ended(ends[place])
    });
    let addresses = ["http://a.test", "http://b.test"].map(|address| address.parse().unwrap());
    let healer = Healer::builder()
        .without_strategies()
        .strategy(Retry::default())
        .strategy(AlternateEndpoint::at(addresses));
    let healer = if rests { healer } else { healer.never_rest() };
    let client = HealLayer::new(healer.build()).layer(upstream);
    let began = Instant::now();
    let mut at = Duration::ZERO;
    let asks = pauses.iter().enumerate().map(|(n, pause)| {
        at += Duration::from_millis(*pause);
        let (client, at) = (client.clone(), at);
        async move {
            sleep(at).await;
            let url = format!("http://a.test/series?id={}", n % 5);
            let _whatever = try_ask(&client, get(&url)).await;
        }
    });
    futures_util::future::join_all(asks).await;
    let made = u32::try_from(made.load(Relaxed)).unwrap();
    (f64::from(made), began.elapsed().as_secs_f64())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_answers_makes_more_calls_than_requests_and_budget_allow(
        ends in ends(), pauses in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..4_000], 1..60), rests: bool,
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let (made, seconds) = runtime.block_on(calls(ends, &pauses, rests));
        let requests = f64::from(u32::try_from(pauses.len()).unwrap());
        // What a budget begins with, a tenth of the requests, and a tenth of a call a second.
        let most = requests + 2.0 + 0.1 * requests + 0.1 * seconds;
        prop_assert!(made <= most, "{made} calls for {requests} requests in {seconds} s");
    }
}
