//! What a plan of eight candidates costs: the median, the 99th percentile and the slowest of many, each by itself.
//!
//! The goal is 5 µs for 99 of 100. Criterion tells means; a percentile needs every plan's own time. Time is what the thread
//! had of the processor, reading the clock included, so that others on the machine count little.

use std::{hint::black_box, time::Duration};

use healing_core::{
    learn::Latencies,
    plan::{Candidate, Costs, Stand},
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rustix::time::{ClockId, clock_gettime};

const CANDIDATES: usize = 8;
const PLANS: usize = 200_000;

#[expect(
    clippy::print_stdout,
    reason = "the figures are what this program is for"
)]
fn main() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let latency = Latencies::default().grid(&Latencies::usual());
    let mut times: Vec<Duration> = Vec::with_capacity(PLANS);
    for _ in 0..PLANS {
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
        let began = now();
        black_box(Costs::default().plan(black_box(&candidates), stand));
        times.push(now().saturating_sub(began));
    }
    times.sort_unstable();
    let at = |share: usize| {
        let place = (PLANS - 1) * share / 1_000;
        times.get(place).copied().unwrap_or_default()
    };
    println!(
        "plan_of_{CANDIDATES}: median {:?}, 99th percentile {:?}, 99.9th {:?}",
        at(500),
        at(990),
        at(999)
    );
}

/// What this thread has had of the processor.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
