//! Why a request was answered as it was: what was considered, with which prospects, and what became of each.
//!
//! A decision names the route's template, strategies, classes and the names of rules; never a path, a query or a text of an
//! upstream, so that it may be shown.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    attempt::Refusal,
    plan::Why,
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::StrategyId,
        route::Route,
    },
};

/// What was decided for one request that was healed or failed.
///
/// ```
/// use healing_core::Healer;
/// let healer = Healer::builder().build();
/// assert!(healer.decision(uuid::Uuid::nil()).is_none()); // nothing was healed yet
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// The request's id.
    pub id: Uuid,
    /// When it was answered.
    pub time: Timestamp,
    /// What was asked.
    pub route: Route,
    /// What was wrong first.
    pub class: FaultClass,
    /// The finer word under the class; `resting` where the upstream was not asked.
    pub detail: Cow<'static, str>,
    /// What answered; [`StrategyId::NONE`] where nothing did.
    pub answered_by: StrategyId,
    /// What the caller was given.
    pub given: Given,
    /// The fidelity that was given; `None` when nothing was.
    pub fidelity: Option<Fidelity>,
    /// The lowest fidelity that this caller takes.
    pub floor: Fidelity,
    /// The age of the copy in hand, where there was one.
    pub in_hand: Option<Duration>,
    /// Why there was none, where there was none.
    pub no_copy: Option<NoCopy>,
    /// Upstream calls.
    pub attempts: u32,
    /// From the request's arrival to its answer.
    pub took: Duration,
    /// When what is in hand would have been given.
    pub deadline: Duration,
    /// What was considered: what was tried first, in its order, then what was not.
    pub considered: Vec<Considered>,
    /// The probability with which what was tried first was put first: 1 where chance decided nothing.
    pub propensity: f64,
}

/// What would be tried for a URL if it failed now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Foresight {
    /// The route that it belongs to.
    pub route: Route,
    /// With what it would fail.
    pub class: FaultClass,
    /// After which class of faults its upstream rests, where it does: then it is not asked first.
    pub resting: Option<FaultClass>,
    /// The lowest fidelity that a caller takes who says nothing of it.
    pub floor: Fidelity,
    /// The age of the copy in hand, where there is one.
    pub in_hand: Option<Duration>,
    /// Why there is none, where there is none.
    pub no_copy: Option<NoCopy>,
    /// What would be tried, in that order, then what would not.
    pub considered: Vec<Considered>,
    /// The latest decision at the route.
    pub latest: Option<Arc<Decision>>,
}

/// What the caller of a request that was healed or failed was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Given {
    /// Data, as close to what was asked as its fidelity says.
    Data(StatusCode),
    /// The upstream's own bad answer as it came: nothing else might be given.
    AsItCame(StatusCode),
    /// An error of ours: nothing came that might be given.
    Problem(StatusCode),
    /// The client's own error, where the client's errors are left as they are.
    ClientError,
}

/// Why no copy is in hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoCopy {
    /// The route does not give copies.
    NotAllowed,
    /// The caller takes nothing stale.
    BelowTheFloor,
    /// Nothing is kept of the URL.
    NoneKept,
    /// The word of its origin forbids it.
    Forbidden,
    /// What is kept is too old.
    TooOld,
    /// What is kept is younger than the route allows, and older than the caller does, or it is another variant or another
    /// caller's.
    NotForThis,
}

/// One strategy, its prospects when it was last looked at, and what became of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Considered {
    /// Which.
    pub strategy: StrategyId,
    /// What it offered, where it did.
    pub fidelity: Option<Fidelity>,
    /// What was to be expected of it, where it was planned.
    pub figures: Option<Figures>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What was to be expected of a strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Figures {
    /// The probability that it succeeds.
    pub p: f64,
    /// The probability that all it needs is up.
    pub up: f64,
    /// Its reservation value: the higher, the sooner it is tried. `None` where it could not succeed in time.
    pub index: Option<f64>,
    /// How long each of its calls is waited for while there is something else to try.
    pub limit: Option<Duration>,
}

/// What became of a strategy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It gave the answer.
    Answered,
    /// It asked, and what came was bad.
    Failed(FaultClass, Cow<'static, str>),
    /// It ran, and did not ask, or not once more.
    Refused(Refusal),
    /// It was not waited for any longer.
    TooLate,
    /// It was not tried.
    Left(Left),
}

/// Why a strategy was not tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// It did not offer anything, or nothing that is allowed.
    Refused(Refusal),
    /// The plan had no place for it.
    Planned(Why),
    /// The request was answered before its turn came.
    NotReached,
}

// === impl Given ===

impl Given {
    /// Its word.
    ///
    /// ```
    /// use healing_core::Given;
    /// assert_eq!(Given::AsItCame(http::StatusCode::BAD_GATEWAY).as_str(), "as_it_came");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data(_) => "data",
            Self::AsItCame(_) => "as_it_came",
            Self::Problem(_) => "problem",
            Self::ClientError => "client_error",
        }
    }

    /// The status that was given, where one was.
    #[must_use]
    pub const fn status(self) -> Option<StatusCode> {
        match self {
            Self::Data(status) | Self::AsItCame(status) | Self::Problem(status) => Some(status),
            Self::ClientError => None,
        }
    }
}

// === impl NoCopy ===

impl NoCopy {
    /// Its word.
    ///
    /// ```
    /// use healing_core::NoCopy;
    /// assert_eq!(NoCopy::NoneKept.as_str(), "none_kept");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::BelowTheFloor => "below_the_floor",
            Self::NoneKept => "none_kept",
            Self::Forbidden => "forbidden",
            Self::TooOld => "too_old",
            Self::NotForThis => "not_for_this",
        }
    }
}

// === impl Left ===

impl Left {
    /// Its word.
    ///
    /// ```
    /// use healing_core::Left;
    /// assert_eq!(Left::NotReached.as_str(), "not_reached");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.as_str(),
            Self::Planned(Why::BelowTheFloor) => "below_the_floor",
            Self::Planned(Why::Gated) => "probably_down",
            Self::Planned(Why::NoTime) => "no_time",
            Self::Planned(Why::InHand) => "copy_is_better",
            Self::Planned(Why::TooMany) => "too_many",
            Self::NotReached => "not_reached",
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// The outcome of a strategy that came to that fault.
    pub(crate) fn of(fault: &Fault) -> Self {
        Self::Failed(fault.class, fault.detail.clone())
    }
}
