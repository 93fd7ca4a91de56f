//! When to call something an incident, over, or stale: sequential tests that are fed one observation at a time.

/// CUSUM (Page 1954): whether failures come as often as in an incident rather than as usual.
///
/// ```
/// use healing_core::detect::Cusum;
/// let mut cusum = Cusum::new(0.01, 0.3);
/// assert!(!cusum.failed());
/// assert!(!cusum.failed());
/// assert!(cusum.failed()); // three in a row are an incident
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cusum {
    on_failure: f64,
    on_success: f64,
    sum: f64,
}

/// The sum at which an incident begins: about one false alarm in e^7.5 requests at the very least, in 28,000 as measured.
const INCIDENT: f64 = 7.5;

/// SPRT (Wald 1945): whether something that was down is up again.
///
/// ```
/// use healing_core::detect::{Recovery, State};
/// let mut recovery = Recovery::default();
/// assert_eq!(recovery.tried(true), State::Unknown);
/// assert_eq!(recovery.tried(true), State::Up);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recovery {
    ratio: f64,
}

/// What a [`Recovery`] has found out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Not enough was seen.
    Unknown,
    /// It is up.
    Up,
    /// It is down.
    Down,
}

/// How often attempts succeed on what is up.
const WHEN_UP: f64 = 0.98;

/// How often they succeed on what is down.
const WHEN_DOWN: f64 = 0.05;

/// How often it may be called up though it is down.
const FALSELY_UP: f64 = 0.01;

/// How often it may be called down though it is up.
const FALSELY_DOWN: f64 = 0.05;

// === impl Cusum ===

impl Cusum {
    /// A test for failures that come with probability `incident` rather than `usual`, both between 0 and 1.
    #[must_use]
    pub fn new(usual: f64, incident: f64) -> Self {
        Self {
            on_failure: (incident / usual).ln(),
            on_success: ((1.0 - incident) / (1.0 - usual)).ln(),
            sum: 0.0,
        }
    }

    /// A failure. Returns whether this is an incident.
    pub fn failed(&mut self) -> bool {
        self.add(self.on_failure)
    }

    /// A success. Returns whether this is an incident.
    pub fn succeeded(&mut self) -> bool {
        self.add(self.on_success)
    }

    /// The evidence so far, in nats; zero is none.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    fn add(&mut self, evidence: f64) -> bool {
        self.sum = (self.sum + evidence).max(0.0);
        self.sum >= INCIDENT
    }
}

// === impl Recovery ===

impl Recovery {
    /// An attempt ended. Returns what is known by now.
    pub fn tried(&mut self, succeeded: bool) -> State {
        self.ratio += if succeeded {
            (WHEN_UP / WHEN_DOWN).ln()
        } else {
            ((1.0 - WHEN_UP) / (1.0 - WHEN_DOWN)).ln()
        };
        if self.ratio >= ((1.0 - FALSELY_DOWN) / FALSELY_UP).ln() {
            State::Up
        } else if self.ratio <= (FALSELY_DOWN / (1.0 - FALSELY_UP)).ln() {
            State::Down
        } else {
            State::Unknown
        }
    }
}

/// How surprising it is that a value did not change for `age` seconds, when the logarithms of the gaps between its changes have
/// that mean and deviation: minus the decimal logarithm of the probability of such a gap (the phi of Hayashibara et al. 2004).
/// From 3 on it is suspect, from 5 on stale. Count only seconds in which the market is open.
///
/// ```
/// use healing_core::detect::phi;
/// let (mean, deviation) = (60.0_f64.ln(), 0.5); // changes about once a minute
/// assert!(phi(60.0, mean, deviation) < 1.0 && phi(600.0, mean, deviation) > 5.0);
/// ```
#[must_use]
pub fn phi(age: f64, mean: f64, deviation: f64) -> f64 {
    let beyond = 0.5 * libm::erfc((age.ln() - mean) / deviation / std::f64::consts::SQRT_2);
    -beyond.max(1e-300).log10()
}
