//! What an answer of each fidelity is worth, where nothing was measured: the design's own figures, in the order of consent.

use std::time::Duration;

use crate::vocabulary::fidelity::Fidelity;

/// The worth of a fresh copy. Less than an exact answer that is likely to come; more than one that hardly will.
const COPY: f64 = 0.8;

/// What an offer is worth if it comes. A stale one is as old as the offerer knows, which is not told beforehand.
pub(crate) const fn of_offer(fidelity: Fidelity) -> f64 {
    match fidelity {
        Fidelity::Exact => 1.0,
        Fidelity::Equivalent => 0.95,
        Fidelity::Stale => 0.7,
        Fidelity::Reduced => 0.5,
        Fidelity::Estimate => 0.4,
        Fidelity::Substitute => 0.2,
    }
}

/// What a copy of that age is worth, where copies heal for so long.
pub(crate) fn of_copy(age: Duration, heal_for: Duration) -> f64 {
    let span = heal_for.as_secs_f64().max(1.0);
    COPY * (-age.as_secs_f64() / (3.0 * span)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_falls_as_consent_widens() {
        let worths = Fidelity::ALL.map(of_offer);
        assert!(worths.is_sorted_by(|a, b| a > b), "{worths:?}");
    }

    #[test]
    fn a_copy_is_worth_less_the_older_it_is_and_never_as_little_as_a_reduced_answer() {
        let span = Duration::from_mins(15);
        let (young, old) = (of_copy(Duration::ZERO, span), of_copy(span, span));
        assert!(of_offer(Fidelity::Equivalent) > young && young > old);
        assert!(old > of_offer(Fidelity::Reduced));
    }
}
