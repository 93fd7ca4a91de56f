//! The simulated market: nine sources with two addresses and two keys each, their limits, and what goes wrong with them.

mod arrivals;
mod calls;
mod faults;

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

pub use arrivals::{Request, after, before};
pub use calls::{Outcome, Path, Resources};

/// Sources 0 to 7 are known for 40 minutes when a run begins to count; nobody has asked source 8 before.
pub const SOURCES: usize = 9;

/// The source that nobody has asked before.
pub const NEW: usize = 8;

/// Endpoints of a source. One more, after them, gives daily data.
pub const ENDPOINTS: usize = 8;

/// Things that are asked for, of each source.
pub const SYMBOLS: usize = 40;

/// Faults begin and end at multiples of this, in seconds.
pub const BIN: f64 = 0.25;

/// When a run begins to count, in seconds.
pub const BEFORE: f64 = 2_400.0;

/// When it ends at the latest.
pub const END: f64 = BEFORE + 1_200.0;

/// So long it goes on after what is looked at is felt no more, in seconds.
const AFTERWARDS: f64 = 60.0;

/// What goes wrong, as the list of the design has it.
pub const SCENARIOS: [&str; 10] = [
    "S1 rate-limit bursts",
    "S2 hard outage",
    "S3 key revoked",
    "S4 slow brown-out",
    "S5 flapping",
    "S6 quota exhaustion",
    "S7 regime shift",
    "S8 all networks out",
    "S9 overload",
    "S10 one endpoint broken",
];

/// Under which circumstances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub meaning: &'static str,
    /// Requests a second to each source.
    pub rate: f64,
    /// The source that is looked at.
    pub target: usize,
    /// Whether another source can answer in its place.
    pub lender: bool,
    /// Whether its limit is by address where all others limit by key.
    pub flipped: bool,
}

/// The state of an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Host {
    /// In order.
    Up,
    /// 503 at once.
    Refuses,
    /// No answer.
    Silent,
    /// Twelve times as slow, and a fifth of the answers are errors.
    Slow,
    /// That share of the answers are errors.
    Partly(f64),
}

/// What happens, and when.
#[derive(Clone, Debug)]
pub struct World {
    hosts: Vec<[Vec<Host>; 2]>,
    revoked: Vec<[Vec<bool>; 2]>,
    broken: Vec<Vec<Vec<bool>>>,
    offline: Vec<bool>,
    rush: Vec<Vec<f64>>,
    stalled: Vec<Vec<bool>>,
    /// When what is looked at is felt.
    felt: Vec<bool>,
    /// When it begins, and when it is over.
    pub fault: (f64, f64),
    /// Seconds that half of the answers take.
    pub median: [f64; SOURCES],
    /// Requests a second that a key or an address is allowed.
    pub allowed: [f64; SOURCES],
    /// How many of them may be saved up.
    pub burst: [f64; SOURCES],
    /// Whether the limit is by address rather than by key.
    pub by_host: [bool; SOURCES],
    /// Calls that are left of each key.
    pub quota: [[f64; 2]; SOURCES],
    /// Requests a second that the source can work off.
    pub capacity: [f64; SOURCES],
    /// Who answers in its place.
    pub lender: [usize; SOURCES],
    rates: [[f64; 2]; SOURCES],
}

/// The scatter of latencies, as the deviation of their logarithm.
pub const SCATTER: f64 = 0.4;

/// The share of answers that are errors though all is in order.
pub const NOISE: f64 = 0.01;

/// Of anything that has no end.
pub const PLENTY: f64 = 1e12;

// === impl Setting ===

impl Setting {
    /// The settings of the design.
    pub const ALL: [Self; 6] = [
        Self {
            name: "main",
            meaning: "Four requests a second to each source.",
            rate: 4.0,
            target: 0,
            lender: true,
            flipped: false,
        },
        Self {
            name: "sparse",
            meaning: "0.4 requests a second to each source.",
            rate: 0.4,
            target: 0,
            lender: true,
            flipped: false,
        },
        Self {
            name: "no-alt",
            meaning: "As sparse, and no other source can answer in its place.",
            rate: 0.4,
            target: 0,
            lender: false,
            flipped: false,
        },
        Self {
            name: "cold",
            meaning: "As sparse, at a source that nobody has asked before.",
            rate: 0.4,
            target: 8,
            lender: true,
            flipped: false,
        },
        Self {
            name: "cold no-alt",
            meaning: "As cold, and no other source can answer in its place.",
            rate: 0.4,
            target: 8,
            lender: false,
            flipped: false,
        },
        Self {
            name: "flip",
            meaning: "As cold no-alt, and its limit is by address where all known ones limit by key.",
            rate: 0.4,
            target: 8,
            lender: false,
            flipped: true,
        },
    ];
}

// === impl World ===

impl World {
    /// What happens in a scenario.
    #[must_use]
    pub fn new(scenario: usize, setting: Setting, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let bins = bin_of(END) + 8;
        let rate = setting.rate;
        let mut world = Self {
            hosts: vec![[vec![Host::Up; bins], vec![Host::Up; bins]]; SOURCES],
            revoked: vec![[vec![false; bins], vec![false; bins]]; SOURCES],
            broken: vec![vec![vec![false; bins]; ENDPOINTS + 1]; SOURCES],
            offline: vec![false; bins],
            rush: vec![vec![1.0; bins]; SOURCES],
            stalled: vec![vec![false; bins]; SOURCES],
            felt: vec![false; bins],
            fault: (BEFORE, END),
            median: [0.0; SOURCES],
            allowed: [2.0 * rate; SOURCES],
            burst: [(4.0 * rate).max(4.0); SOURCES],
            by_host: [false; SOURCES],
            quota: [[PLENTY; 2]; SOURCES],
            capacity: [PLENTY; SOURCES],
            lender: [0; SOURCES],
            rates: [[rate; 2]; SOURCES],
        };
        for source in 0..SOURCES {
            world.median[source] = random.random_range(0.05_f64.ln()..0.7_f64.ln()).exp();
            world.by_host[source] = random.random_bool(0.2);
            world.lender[source] = (source + 1) % NEW;
        }
        world.by_host[0] = false;
        world.by_host[NEW] = false;
        world.lender[NEW] = 3;
        world.rates[NEW] = [0.0, 0.0];
        world.rates[setting.target][1] = rate;
        world.remember(&mut random);
        world.begin(setting.target);
        if setting.flipped {
            world.by_host[setting.target] = true;
        }
        world.play(scenario, setting, &mut random);
        world
    }

    /// Whether a moment counts for what is looked at.
    #[must_use]
    pub fn is_felt(&self, now: f64) -> bool {
        now >= BEFORE && self.felt[bin_of(now)]
    }

    /// When the run ends, in seconds: a minute after what is looked at was felt last.
    #[must_use]
    pub fn end(&self) -> f64 {
        let last = self.felt.iter().rposition(|felt| *felt).unwrap_or(0);
        let felt = f64::from(u32::try_from(last + 1).unwrap_or(u32::MAX)) * BIN;
        (felt + AFTERWARDS).min(END - 1.0)
    }

    /// Whether nothing before a run begins to count tells this world from that one of the same seed and setting.
    #[must_use]
    pub fn has_the_past_of(&self, other: &Self) -> bool {
        (self.capacity, self.allowed, self.burst) == (other.capacity, other.allowed, other.burst)
    }

    /// The state of an address.
    #[must_use]
    pub fn host(&self, source: usize, host: usize, now: f64) -> Host {
        self.hosts[source][host][bin_of(now)]
    }

    /// Whether our own network is out.
    #[must_use]
    pub fn is_offline(&self, now: f64) -> bool {
        self.offline[bin_of(now)]
    }

    /// Whether a key is refused.
    #[must_use]
    pub fn is_revoked(&self, source: usize, key: usize, now: f64) -> bool {
        self.revoked[source][key][bin_of(now)]
    }

    /// Whether an endpoint is broken.
    #[must_use]
    pub fn is_broken(&self, source: usize, endpoint: usize, now: f64) -> bool {
        self.broken[source][endpoint][bin_of(now)]
    }

    /// Whether a source does nothing at all.
    #[must_use]
    pub fn is_stalled(&self, source: usize, now: f64) -> bool {
        self.stalled[source][bin_of(now)]
    }
}

/// The bin of a moment.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "moments of a run lie between 0 and an hour"
)]
pub fn bin_of(now: f64) -> usize {
    (now.clamp(0.0, END + BIN) / BIN) as usize
}
