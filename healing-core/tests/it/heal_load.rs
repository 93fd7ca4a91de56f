//! A host that bears only so much at a time: what is sent to it settles there, and a well host is never held back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{Body, Fault, Fidelity, HealLayer, Healer, HealerBuilder};
use http::{Request, Response};
use tokio::time::{Instant, sleep, sleep_until};
use tower::Layer;

use crate::layers_support::{Got, Lost, SERIES, get, seconds, try_ask};

/// What the host bears at a time.
const BEARS: u32 = 10;

/// What became of the calls to a host.
#[derive(Debug, Default)]
struct Seen {
    under_way: AtomicU32,
    /// How many were under way, and whether it was too many, by the time of each call.
    calls: Mutex<Vec<(Duration, u32, bool)>>,
}

struct Leaves(Arc<Seen>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

impl Seen {
    /// Mean of what was under way, calls that were good and that were not, in that stretch of seconds.
    fn between(&self, from: u64, to: u64) -> (f64, f64, f64) {
        let calls = self.calls.lock().unwrap();
        let within = |(at, ..): &&(Duration, u32, bool)| *at >= seconds(from) && *at < seconds(to);
        let (mut sum, mut good, mut bad) = (0.0, 0.0, 0.0);
        for (_, under_way, is_bad) in calls.iter().filter(within) {
            sum += f64::from(*under_way);
            *if *is_bad { &mut bad } else { &mut good } += 1.0;
        }
        (sum / f64::max(good + bad, 1.0), good, bad)
    }
}

/// A host that answers in 50 ms while no more than ten calls are under way, later the more there are, and with 503 beyond thirty.
async fn crowded(seen: Arc<Seen>, began: Instant) -> Result<Response<Body>, Lost> {
    let under_way = seen.under_way.fetch_add(1, Relaxed) + 1;
    let _leaves = Leaves(Arc::clone(&seen));
    let is_bad = under_way > 3 * BEARS;
    seen.calls
        .lock()
        .unwrap()
        .push((began.elapsed(), under_way, is_bad));
    let status = if is_bad {
        503
    } else {
        let times = f64::from(under_way) / f64::from(BEARS);
        sleep(Duration::from_millis(50).mul_f64(times.max(1.0))).await;
        200
    };
    let body = Body::from(if is_bad { "too many" } else { SERIES });
    Ok(Response::builder().status(status).body(body).unwrap())
}

/// What callers got, and what the host saw: so many requests a second of 200 things, for each of those stretches of seconds.
async fn plays(healer: &Healer, stretches: &[(u32, u32)]) -> (Vec<Got>, Arc<Seen>) {
    let (began, seen) = (Instant::now(), Arc::new(Seen::default()));
    let host = Arc::clone(&seen);
    let upstream = tower::service_fn(move |_: Request<Body>| crowded(Arc::clone(&host), began));
    let client = HealLayer::new(healer.clone()).layer(upstream);
    let (mut at, mut asks, mut id) = (Duration::ZERO, Vec::new(), 0);
    for (per_second, over) in stretches {
        for _ in 0..per_second * over {
            at += seconds(1) / *per_second;
            id += 1;
            let (client, at) = (client.clone(), at);
            asks.push(async move {
                sleep_until(began + at).await;
                let url = format!("http://fred.test/fred/series?id={}", id % 200);
                try_ask(&client, get(&url)).await.unwrap()
            });
        }
    }
    (futures_util::future::join_all(asks).await, seen)
}

fn plain() -> HealerBuilder {
    Healer::builder().without_strategies()
}

fn count(all: &[Got], is: impl Fn(&Got) -> bool) -> usize {
    all.iter().filter(|got| is(got)).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_settles_near_what_the_host_bears_and_others_get_their_copies() {
    let healer = plain().build();
    let (all, seen) = plays(&healer, &[(100, 10), (400, 30), (100, 20)]).await;
    // Without the limit 30 are under way, and 3,282 of them fail.
    let (mean, good, bad) = seen.between(15, 40);
    assert!((8.0..=25.0).contains(&mean), "{mean}");
    assert!(bad / (good + bad) < 0.02, "{bad} beside {good}");
    assert!(good >= 0.95 * 200.0 * 25.0, "{good}");
    assert_eq!(count(&all, |got| got.status != 200), 0);
    let held_back = |got: &Got| got.truth.fault.as_ref().is_some_and(Fault::is_own_load);
    assert!(all.iter().filter(|got| held_back(got)).all(Got::is_copy));
    assert!(count(&all, held_back) > 2_000 && healer.rails().sent_over_load == 0);
    let late = &all[all.len() - 1_900..];
    assert_eq!(count(late, Got::is_fresh), 1_900, "exact again at once");
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_else_waits_through_a_short_crowd() {
    // Without the limit 385 and 792 fail.
    for (over, most) in [(2, 260), (4, 600)] {
        let healer = plain().floor(Fidelity::Exact).build();
        let (all, _) = plays(&healer, &[(100, 10), (400, over), (100, 20)]).await;
        let failed = count(&all, |got| got.status != 200);
        assert!(failed <= most, "{failed} in {over} s: {:?}", healer.rails());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_refused_by_a_guess_however_long_the_crowd_lasts() {
    let healer = plain().floor(Fidelity::Exact).build();
    let (all, seen) = plays(&healer, &[(100, 10), (400, 10)]).await;
    assert_eq!(seen.calls.lock().unwrap().len(), all.len(), "each was sent");
    for got in &all {
        let fault = got.truth.fault.as_ref();
        assert!(fault.is_none_or(|fault| !fault.is_own_load()), "{got:?}");
        assert!(got.took < seconds(4), "{:?}", got.took);
    }
    assert!(healer.rails().sent_over_load > 0);
}

#[tokio::test(start_paused = true)]
async fn a_well_host_with_uneven_routes_is_never_held_back() {
    let chance = Arc::new(AtomicU32::new(7));
    let upstream = tower::service_fn(move |request: Request<Body>| {
        let next = chance
            .load(Relaxed)
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        chance.store(next, Relaxed);
        let drawn = f64::from(next >> 8) / f64::from(1 << 24);
        let ms = match request.uri().path() {
            "/quick" => 5.0 + 10.0 * drawn,
            "/slow" => 400.0 + 1_200.0 * drawn,
            // One in a hundred takes fifty times as long.
            "/tail" => {
                if drawn < 0.01 {
                    2_000.0
                } else {
                    40.0
                }
            }
            // A thousandfold between the quickest and the slowest.
            _ => 2.0 * 1_000.0_f64.powf(drawn),
        };
        async move {
            sleep(Duration::from_secs_f64(ms / 1_000.0)).await;
            Ok::<_, Lost>(Response::new(Body::from(SERIES)))
        }
    });
    let healer = plain().build();
    let client = HealLayer::new(healer.clone()).layer(upstream);
    let began = Instant::now();
    let asks = (0_u32..24_000).map(|n| {
        let client = client.clone();
        async move {
            sleep_until(began + seconds(1) / 400 * n).await;
            let route = ["quick", "slow", "tail", "wide"][usize::try_from(n % 4).unwrap()];
            try_ask(
                &client,
                get(&format!("http://a.test/{route}?n={}", n % 1_000)),
            )
            .await
            .unwrap()
        }
    });
    let all = futures_util::future::join_all(asks).await;
    assert!(all.iter().all(Got::is_fresh));
    assert_eq!(healer.rails().held_back_by_load, 0);
}
