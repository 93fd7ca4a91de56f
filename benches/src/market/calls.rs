//! What a call comes to: limits, quotas and queues, which a policy may only guess at.

use healing_core::learn::Cause;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::market::{BIN, Host, NOISE, PLENTY, SCATTER, SOURCES, World, bin_of};

/// Where a call goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Path {
    /// The source.
    pub source: usize,
    /// Which of its addresses.
    pub host: usize,
    /// With which key.
    pub key: usize,
    /// Which endpoint.
    pub endpoint: usize,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Why it failed; `None`: it did not.
    pub failed: Option<Cause>,
    /// How long that took, in seconds.
    pub took: f64,
}

/// What calls use up.
#[derive(Clone, Debug)]
pub struct Resources {
    tokens: [[(f64, f64); 2]; SOURCES],
    quota: [[f64; 2]; SOURCES],
    backlog: [(f64, f64); SOURCES],
    calls: [u64; SOURCES],
    seed: u64,
}

/// A source with more work than this before it, in seconds, refuses.
const LONGEST_QUEUE: f64 = 12.0;

// === impl Resources ===

impl Resources {
    /// Everything full, nothing waiting.
    #[must_use]
    pub fn new(world: &World, seed: u64) -> Self {
        Self {
            tokens: world.burst.map(|burst| [(burst, 0.0); 2]),
            quota: [[PLENTY; 2]; SOURCES],
            backlog: [(0.0, 0.0); SOURCES],
            calls: [0; SOURCES],
            seed,
        }
    }

    /// The quotas of the scenario begin to hold.
    pub fn ration(&mut self, world: &World) {
        self.quota = world.quota;
    }

    /// Calls that are left of a key.
    #[must_use]
    pub const fn quota(&self, source: usize, key: usize) -> f64 {
        self.quota[source][key]
    }

    /// Calls that the limit allows at once now.
    pub fn tokens(&mut self, world: &World, path: Path, now: f64) -> f64 {
        let scope = if world.by_host[path.source] {
            path.host
        } else {
            path.key
        };
        let (tokens, since) = &mut self.tokens[path.source][scope];
        let allowed = world.allowed[path.source];
        *tokens = ((now - *since) * allowed + *tokens).min(world.burst[path.source]);
        *since = now;
        *tokens
    }

    /// Seconds of work before a source.
    pub fn backlog(&mut self, world: &World, source: usize, now: f64) -> f64 {
        let (waiting, since) = &mut self.backlog[source];
        let (first, last) = (bin_of(*since), bin_of(now));
        let stalled = (first..=last)
            .filter(|bin| world.stalled[source][*bin])
            .count();
        let elapsed = now - *since;
        let idle = (f64::from(u32::try_from(stalled).unwrap_or(u32::MAX)) * BIN).min(elapsed);
        *waiting = (*waiting - (elapsed - idle)).max(0.0);
        *since = now;
        *waiting
    }

    /// Calls.
    pub fn call(&mut self, world: &World, path: Path, (now, limit): (f64, f64)) -> Outcome {
        let failed = |cause, after: f64| Outcome {
            failed: Some(cause),
            took: after.min(limit),
        };
        if world.is_offline(now) {
            return failed(Cause::Connect, 0.03);
        }
        match world.host(path.source, path.host, now) {
            Host::Silent => return failed(Cause::Timeout, limit),
            Host::Refuses => return failed(Cause::ServerError, 0.08),
            Host::Up | Host::Slow | Host::Partly(_) => {}
        }
        if world.is_revoked(path.source, path.key, now) {
            return failed(Cause::Auth, 0.06);
        }
        if self.quota[path.source][path.key] < 1.0 {
            return failed(Cause::Quota, 0.06);
        }
        if self.tokens(world, path, now) < 1.0 {
            return failed(Cause::RateLimited, 0.05);
        }
        self.spend(world, path);
        if world.is_broken(path.source, path.endpoint, now) {
            return failed(Cause::ServerError, 0.08);
        }
        self.work(world, path, (now, limit))
    }

    fn spend(&mut self, world: &World, path: Path) {
        let scope = if world.by_host[path.source] {
            path.host
        } else {
            path.key
        };
        self.tokens[path.source][scope].0 -= 1.0;
        self.quota[path.source][path.key] -= 1.0;
    }

    fn work(&mut self, world: &World, path: Path, (now, limit): (f64, f64)) -> Outcome {
        let source = path.source;
        let host = world.host(source, path.host, now);
        let failed = |cause, after: f64| Outcome {
            failed: Some(cause),
            took: after.min(limit),
        };
        let mut random = self.chance(source);
        match host {
            Host::Partly(share) if random.random_bool(share) => {
                return failed(Cause::ServerError, 0.12);
            }
            Host::Slow if random.random_bool(0.2) => return failed(Cause::ServerError, 0.3),
            Host::Up | Host::Refuses | Host::Silent | Host::Slow | Host::Partly(_) => {}
        }
        let slower = if host == Host::Slow { 12.0 } else { 1.0 };
        let mut takes = world.median[source] * (SCATTER * normal(&mut random)).exp() * slower;
        if world.capacity[source] < PLENTY {
            let waits = self.backlog(world, source, now);
            if waits > LONGEST_QUEUE {
                return failed(Cause::ServerError, 0.08);
            }
            self.backlog[source].0 += 1.0 / world.capacity[source];
            takes += waits
                + if world.is_stalled(source, now) {
                    6.0
                } else {
                    0.0
                };
        }
        if takes > limit {
            return failed(Cause::Timeout, limit);
        }
        Outcome {
            failed: random.random_bool(NOISE).then_some(Cause::ServerError),
            took: takes,
        }
    }

    /// The chance of the n-th call to a source, the same whoever makes it.
    fn chance(&mut self, source: usize) -> ChaCha8Rng {
        self.calls[source] += 1;
        let number = u64::try_from(source).unwrap_or(u64::MAX) << 48 | self.calls[source];
        ChaCha8Rng::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number)
    }
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut impl rand::Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
