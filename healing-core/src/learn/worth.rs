//! What an answer that is not fresh is worth.

/// The probability that a value of that age, in seconds, is still within `tolerance` of the true one, when values move by
/// `variance` a second and are seen with `noise` (both in squares of the value's unit).
///
/// ```
/// use healing_core::learn::worth_of_stale;
/// let by_day: f64 = 0.018 * 0.018 / 23_400.0; // a share that moves 1.8 % a session
/// assert!(worth_of_stale(60.0, by_day, 0.001, 4e-8) > worth_of_stale(900.0, by_day, 0.001, 4e-8));
/// ```
#[must_use]
pub fn worth_of_stale(age: f64, variance: f64, tolerance: f64, noise: f64) -> f64 {
    let moved = variance * age + noise;
    if moved <= 0.0 {
        1.0
    } else {
        libm::erf(tolerance / (2.0 * moved).sqrt())
    }
}

/// The age at which a stale value is as bad as an estimate that was anchored `age` seconds ago and moved since by `beta` times
/// what its fund did: `r2` is the share of the value's movement that the fund explains, `noise` the variance with which the
/// fund's price is seen, `variance` how much the value moves a second.
///
/// ```
/// use healing_core::learn::equivalent_age;
/// let by_second = 0.018 * 0.018 / 23_400.0;
/// assert!(equivalent_age((900.0, 0.35), 1.2, 4.9e-9, by_second) < 900.0);
/// ```
#[must_use]
pub fn equivalent_age((age, r2): (f64, f64), beta: f64, noise: f64, variance: f64) -> f64 {
    (1.0 - r2) * age + 2.0 * beta * beta * noise / variance
}
