//! Which number of a route's answers is watched, and within which bounds it is expected.

use crate::classify::{
    exchange::Exchange,
    rules::{
        condition::Scene,
        look::Look,
        pointer::{Pointer, Tree},
        walk::Plan,
    },
};

/// A number in the answers of a route that is expected within bounds, and to go in steps as it always went. An answer in which
/// it does not is `suspect`; it is given all the same.
///
/// ```
/// use healing_core::Range;
/// let price = Range::of("/quote/price")?.at_least(0.01).at_most(10_000.0);
/// assert!(Range::of("quote.price").unwrap_err().to_string().contains("/quote/price"));
/// # Ok::<(), healing_core::RangeError>(())
/// ```
#[derive(Debug)]
pub struct Range {
    plan: Plan,
    least: f64,
    most: f64,
}

/// Why a [`Range`] cannot be had.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}; write it as in /quote/price")]
pub struct RangeError(String);

// === impl Range ===

impl Range {
    /// The number where that pointer leads (RFC 6901; of several that `*` leads to, the first). Without bounds only its steps
    /// are watched.
    ///
    /// # Errors
    /// When that is no pointer, or one that leads too many ways.
    pub fn of(field: &str) -> Result<Self, RangeError> {
        let pointer = Pointer::parse(field).map_err(|error| RangeError(error.to_string()))?;
        let mut tree = Tree::default();
        tree.look_at(&pointer, 0);
        let automaton = tree
            .into_automaton()
            .ok_or_else(|| RangeError(format!("the pointer {field:?} has too many `*`")))?;
        Ok(Self {
            plan: Plan {
                automaton,
                looks: vec![Look::Amount(0)],
            },
            least: f64::NEG_INFINITY,
            most: f64::INFINITY,
        })
    }

    /// Less than that is odd.
    #[must_use]
    pub const fn at_least(mut self, least: f64) -> Self {
        self.least = least;
        self
    }

    /// More than that is odd.
    #[must_use]
    pub const fn at_most(mut self, most: f64) -> Self {
        self.most = most;
        self
    }

    /// The number in an answer.
    pub(crate) fn amount(&self, exchange: Exchange<'_>) -> Option<f64> {
        Scene::new(exchange, &self.plan).found()?.amount(0)
    }

    /// Whether the number is within the bounds.
    pub(crate) fn holds(&self, amount: f64) -> bool {
        (self.least..=self.most).contains(&amount)
    }
}
