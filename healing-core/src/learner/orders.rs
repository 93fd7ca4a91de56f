//! What another order of a route's strategies would gain, for whoever thinks of setting it.

use std::sync::Arc;

use crate::{
    attempt::Strategy,
    compare::Estimate,
    learner::episodes::Episodes,
    vocabulary::{provenance::StrategyId, route::Route},
};

/// What another order of a route's strategies would gain.
///
/// ```
/// use healing_core::{compare::Verdict, HealLayer, Healer};
/// let layer = HealLayer::new(Healer::builder().build());
/// let request = http::Request::get("http://api.test/prices").body(())?;
/// let compared = layer.compare(&request, &["exponential_backoff_retry"])?;
/// assert_eq!(compared.estimate.verdict, Verdict::NoSupport); // nothing was healed yet
/// assert!(layer.compare(&request, &["prayer"]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Compared {
    /// Where.
    pub route: Route,
    /// The order that holds.
    pub held: Vec<StrategyId>,
    /// The other one.
    pub changed: Vec<StrategyId>,
    /// What it would gain for each healed request in which there was something to choose.
    pub estimate: Estimate,
}

/// Why an order cannot be compared.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It names what the route does not have.
    #[error("{given:?} is no strategy of {route}; {known}")]
    Unknown {
        /// What was named.
        given: String,
        /// The route.
        route: String,
        /// Those that it has, in a sentence.
        known: String,
    },
    /// It names one twice.
    #[error("{0:?} stands there twice; keep one of them")]
    Twice(String),
}

impl Compared {
    /// Another order of what a route has: those that are named come first, the others after them as they stand. A kept copy
    /// has no place in an order, so naming it changes nothing.
    ///
    /// # Errors
    /// When it names what the route does not have, or one twice.
    pub(crate) fn of(
        (route, episodes): (&Route, &Episodes),
        strategies: &[Arc<dyn Strategy>],
        named: &[&str],
    ) -> Result<Self, OrderError> {
        let held = order_of(strategies);
        let mut changed = Vec::with_capacity(held.len());
        for name in named {
            if *name == StrategyId::USE_CACHED_DATA.as_str() {
                continue;
            }
            let known = held.iter().find(|id| id.as_str() == *name);
            let known = known.ok_or_else(|| unknown(name, route, &held))?;
            if changed.contains(known) {
                return Err(OrderError::Twice((*name).to_owned()));
            }
            changed.push(*known);
        }
        let others = held.iter().filter(|id| !changed.contains(id));
        let others: Vec<StrategyId> = others.copied().collect();
        changed.extend(others);
        Ok(Self {
            estimate: episodes.compare(route, &held, &changed),
            route: route.clone(),
            held,
            changed,
        })
    }

    /// What it comes to that strategies stand otherwise; `None` where they do not, or are not the same ones.
    pub(crate) fn between(
        (route, episodes): (&Route, &Episodes),
        before: &[Arc<dyn Strategy>],
        after: &[Arc<dyn Strategy>],
    ) -> Option<Self> {
        let (held, named) = (order_of(before), order_of(after));
        let is_reordered = held != named && held.len() == named.len();
        let named: Vec<&str> = named.iter().map(|id| id.as_str()).collect();
        let compared = is_reordered.then(|| Self::of((route, episodes), before, &named));
        compared?.ok()
    }
}

/// Strategies in their order, each name once.
fn order_of(strategies: &[Arc<dyn Strategy>]) -> Vec<StrategyId> {
    let mut order = Vec::with_capacity(strategies.len());
    for id in strategies.iter().map(|strategy| strategy.id()) {
        if !order.contains(&id) {
            order.push(id);
        }
    }
    order
}

fn unknown(given: &str, route: &Route, held: &[StrategyId]) -> OrderError {
    let names: Vec<&str> = held.iter().map(|id| id.as_str()).collect();
    OrderError::Unknown {
        given: given.to_owned(),
        route: format!("{} {route}", route.source()),
        known: if names.is_empty() {
            "it has none to put in order".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        },
    }
}
