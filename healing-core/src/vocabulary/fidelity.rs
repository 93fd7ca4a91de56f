//! How close an answer is to what was asked.

use std::{fmt, str::FromStr, time::Duration};

/// How close an answer is to what was asked, best first.
///
/// The order is for consent only (a floor allows itself and everything better); which of the allowed answers is the best
/// one is another question.
///
/// ```
/// use healing_core::Fidelity;
/// assert!(Fidelity::Exact.meets(Fidelity::Stale));
/// assert!(!Fidelity::Substitute.meets(Fidelity::Stale));
/// assert_eq!("stale".parse(), Ok(Fidelity::Stale));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fidelity {
    /// What was asked, from where it was asked.
    Exact,
    /// The same quantity from another source, in the asked shape.
    Equivalent,
    /// A kept copy, with its true age.
    Stale,
    /// Fewer rows, or a coarser granularity.
    Reduced,
    /// A computed value with an error bar, under a name of its own.
    Estimate,
    /// Another instrument, as itself.
    Substitute,
}

/// A word that names no fidelity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no fidelity: one of exact, equivalent, stale, reduced, estimate, substitute")]
pub struct FidelityError(String);

/// The lowest fidelity that a caller takes, and how old a stale answer may be for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Floor {
    /// The lowest fidelity.
    pub fidelity: Fidelity,
    /// The greatest age of a stale answer; `None` leaves it to the route.
    pub max_age: Option<Duration>,
}

// === impl Fidelity ===

impl Fidelity {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [
        Self::Exact,
        Self::Equivalent,
        Self::Stale,
        Self::Reduced,
        Self::Estimate,
        Self::Substitute,
    ];

    /// Its token in the field `Healing`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Equivalent => "equivalent",
            Self::Stale => "stale",
            Self::Reduced => "reduced",
            Self::Estimate => "estimate",
            Self::Substitute => "substitute",
        }
    }

    /// Whether an answer of this fidelity may be given under that floor.
    #[must_use]
    pub fn meets(self, floor: Self) -> bool {
        self <= floor
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Fidelity {
    type Err = FidelityError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|fidelity| fidelity.as_str() == word)
            .ok_or_else(|| FidelityError(word.to_owned()))
    }
}

// === impl Floor ===

impl Floor {
    /// A floor without a bound on age.
    #[must_use]
    pub const fn of(fidelity: Fidelity) -> Self {
        Self {
            fidelity,
            max_age: None,
        }
    }
}
