//! Who asks for what, when, and how good the answer must be.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::market::{BEFORE, SYMBOLS, World, bin_of, faults::exponential};

/// A caller's question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When it comes, in seconds.
    pub at: f64,
    /// Whom it is for.
    pub source: usize,
    /// Of what.
    pub symbol: usize,
    /// The least worth that the caller takes.
    pub floor: f64,
}

/// No rush is greater.
const GREATEST_RUSH: f64 = 4.0;

/// The requests before a run begins to count, in their order. They depend on the past of the world alone.
#[must_use]
pub fn before(world: &World, seed: u64) -> Vec<Request> {
    arrivals(world, seed, (0.0, BEFORE))
}

/// The requests from then on until the run ends.
#[must_use]
pub fn after(world: &World, seed: u64) -> Vec<Request> {
    arrivals(world, seed, (BEFORE, world.end()))
}

fn arrivals(world: &World, seed: u64, span: (f64, f64)) -> Vec<Request> {
    let popularity = popularity();
    let mut requests = Vec::new();
    let half = usize::from(span.0 >= BEFORE);
    for (source, rates) in world.rates.iter().enumerate() {
        // A stream for each source and each half, so that a rush at one moves nobody else's requests.
        let mut random = ChaCha8Rng::seed_from_u64(seed.wrapping_add(10_007));
        random.set_stream(u64::try_from(source * 2 + half).unwrap_or(u64::MAX));
        for at in moments(world, (source, rates[half]), span, &mut random) {
            requests.push(Request {
                at,
                source,
                symbol: pick(&popularity, random.random()),
                floor: [0.9, 0.5, 0.2][pick(&[0.25, 0.5, 0.25], random.random())],
            });
        }
    }
    requests.sort_by(|a, b| a.at.total_cmp(&b.at));
    requests
}

/// When somebody asks a source: at random, at so many a second, and more of them in a rush.
fn moments(
    world: &World,
    (source, rate): (usize, f64),
    (from, until): (f64, f64),
    random: &mut ChaCha8Rng,
) -> Vec<f64> {
    let mut moments = Vec::new();
    if rate <= 0.0 {
        return moments;
    }
    let mut now = from;
    loop {
        now += exponential(random, 1.0 / (rate * GREATEST_RUSH));
        if now >= until {
            return moments;
        }
        if random.random::<f64>() < world.rush[source][bin_of(now)] / GREATEST_RUSH {
            moments.push(now);
        }
    }
}

/// Zipf's law with exponent 0.8.
fn popularity() -> Vec<f64> {
    let weights = (1..=SYMBOLS)
        .map(|rank| 1.0 / f64::from(u32::try_from(rank).unwrap_or(u32::MAX)).powf(0.8));
    let weights: Vec<f64> = weights.collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

fn pick(shares: &[f64], chance: f64) -> usize {
    let mut below = 0.0;
    let found = shares.iter().position(|share| {
        below += share;
        chance < below
    });
    found.unwrap_or(shares.len() - 1)
}
