//! What sources have in common: a share of successes, and how much it tells about a source that nobody knows yet.

/// What a share of successes is over many sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// The mean share.
    pub mean: f64,
    /// How much it counts for one source, in attempts.
    pub strength: f64,
}

/// Pooled counts tell at least so much.
const WEAKEST: f64 = 2.0;

/// And at most so much: more shrinks a source's own evidence away.
const STRONGEST: f64 = 12.0;

/// With fewer attempts than this in all, nothing is said about how sources differ.
const ENOUGH: f64 = 10.0;

/// Pools the successes and attempts of sources by the moments of a beta-binomial law (Kleinman 1973).
///
/// ```
/// use healing_core::learn::pool;
/// let pooled = pool(&[(9.0, 10.0), (18.0, 20.0), (28.0, 30.0)]);
/// assert!(pooled.mean > 0.85 && pooled.strength == 12.0);
/// assert!(pooled.after(0.0, 0.0) == pooled.mean); // untried is not hopeless
/// ```
#[must_use]
pub fn pool(sources: &[(f64, f64)]) -> Pooled {
    let tried: f64 = sources.iter().map(|(_, tried)| tried).sum();
    let succeeded: f64 = sources.iter().map(|(succeeded, _)| succeeded).sum();
    let mean = (succeeded + 1.0) / (tried + 2.0);
    if sources.len() < 2 || tried < ENOUGH {
        return Pooled {
            mean,
            strength: WEAKEST,
        };
    }
    let known = sources.iter().filter(|(_, tried)| *tried > 0.0);
    let (mut spread, mut by_chance, mut weight) = (0.0, 0.0, 0.0);
    for (succeeded, own) in known {
        let share = own / tried;
        spread += share * (succeeded / own - mean).powi(2);
        by_chance += share * (1.0 - share) / own;
        weight += share * (1.0 - share);
    }
    let between = weight - by_chance;
    if between <= 0.0 || mean <= 0.0 || mean >= 1.0 {
        return Pooled {
            mean,
            strength: STRONGEST,
        };
    }
    let variance = mean * (1.0 - mean);
    let rho = (spread - variance * by_chance) / (variance * between);
    let rho = rho.clamp(1.0 / (STRONGEST + 1.0), 1.0 / (WEAKEST + 1.0));
    Pooled {
        mean,
        strength: 1.0 / rho - 1.0,
    }
}

// === impl Pooled ===

impl Pooled {
    /// The share of successes of a source, given its own successes and attempts.
    #[must_use]
    pub fn after(&self, succeeded: f64, tried: f64) -> f64 {
        (self.mean * self.strength + succeeded) / (self.strength + tried)
    }
}
