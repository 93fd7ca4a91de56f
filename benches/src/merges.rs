//! Whether replicas that tell each other what they counted agree with one that counted everything: in any order, with merges
//! that are lost and sent again, or come twice.

use healing_core::learn::Cells;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

const REPLICAS: usize = 4;
const KEYS: u8 = 6;

/// The greatest difference from the single stream that any of so many histories ends with, as a share of the sum.
#[must_use]
pub fn worst(histories: u32, seed: u64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let each = (0..histories).map(|_| difference(&mut random));
    each.fold(0.0, |worst, own| {
        if own > worst || own.is_nan() {
            own
        } else {
            worst
        }
    })
}

fn difference(random: &mut ChaCha8Rng) -> f64 {
    let begun = |replica| Cells::<u8, 2>::new(replica, 3_600.0, 0.0);
    let mut replicas: Vec<_> = (1..=4).map(begun).collect();
    let (mut single, mut now) = (begun(9), 0.0);
    // What is under way between replicas: it may arrive late, more than once, or never.
    let mut underway: Vec<(usize, Cells<u8, 2>)> = Vec::new();
    for _ in 0..random.random_range(1..120) {
        now += random.random_range(0.0..600.0);
        let (replica, key) = (
            random.random_range(0..REPLICAS),
            random.random_range(0..KEYS),
        );
        let values = [random.random_range(0.0..5.0), random.random()];
        replicas[replica].add(key, values, now);
        single.add(key, values, now);
        if random.random_bool(0.5) {
            let from = random.random_range(0..REPLICAS);
            underway.push((random.random_range(0..REPLICAS), replicas[from].clone()));
        }
        while !underway.is_empty() && random.random_bool(0.4) {
            let n = random.random_range(0..underway.len());
            let (to, cells) = underway[n].clone();
            replicas[to].merge(&cells);
            if random.random_bool(0.6) {
                underway.swap_remove(n);
            }
        }
    }
    // What was lost is sent again.
    let sent = replicas.clone();
    for own in &mut replicas {
        sent.iter().rev().for_each(|other| own.merge(other));
    }
    let mut worst: f64 = 0.0;
    for own in &replicas {
        for key in 0..KEYS {
            let [own, one] = [own, &single].map(|cells| cells.read(&key, now).unwrap_or_default());
            for (own, one) in own.into_iter().zip(one) {
                worst = worst.max((own - one).abs() / one.max(1.0));
            }
        }
    }
    worst
}
