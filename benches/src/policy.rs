//! Who decides: what a policy is told, and what it may say.

mod draws;
mod fixed;
mod oracle;
mod ours;
mod rails;
mod table;

use arrayvec::ArrayVec;
use healing_core::learn::Cause;

pub use fixed::Fixed;
pub use oracle::{Hindsight, Oracle};
pub use ours::Ours;
pub use table::{Kind, Table};

use crate::market::{Outcome, Path, Request, Resources, Setting, World};

/// The ways to answer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Strategy {
    /// What was asked.
    Primary,
    /// The same once more.
    Retry,
    /// The source's other address.
    OtherHost,
    /// The other key.
    OtherKey,
    /// Another source.
    OtherSource,
    /// The copy in hand.
    Copy,
    /// Daily data.
    Daily,
    /// Another instrument under the asked name: only the specification's order does that.
    Proxy,
}

/// A request on its way to an answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is asked.
    pub request: Request,
    /// What the copy in hand is worth; nothing where there is none.
    pub copy: f64,
    /// How old it is, in seconds.
    pub copy_age: f64,
    /// What was tried in vain.
    pub failures: ArrayVec<Failure, 12>,
    /// How many calls were made.
    pub calls: u32,
    /// How many of them to the source that is asked.
    pub asked: u32,
    /// What a policy has still in mind for it, for those that decide once.
    pub order: Option<ArrayVec<Strategy, 12>>,
}

/// A call that was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failure {
    /// On whose behalf.
    pub strategy: Strategy,
    /// Where it went.
    pub path: Path,
    /// Why it failed.
    pub cause: Cause,
}

/// A call that ended.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// On whose behalf.
    pub strategy: Strategy,
    /// Where it went.
    pub path: Path,
    /// How long it was waited for, in seconds.
    pub limit: f64,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether nobody waited for it.
    pub is_probe: bool,
}

/// What a policy may look at. Honest ones look at the clock, at what is left of a quota, and at the tokens of who lends, which
/// sources advertise.
#[derive(Debug)]
pub struct View<'a> {
    /// What happens, which nobody can know.
    pub world: &'a World,
    /// What calls have used up.
    pub resources: &'a mut Resources,
    /// The circumstances.
    pub setting: Setting,
    /// The time, in seconds.
    pub now: f64,
    /// How much of it is left for the caller, in seconds.
    pub remaining: f64,
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Something to find out that nobody waits for.
    pub probe: Option<Strategy>,
    /// What becomes of the request.
    pub then: Move,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    /// A call.
    Try {
        /// Which.
        strategy: Strategy,
        /// How long it is waited for, in seconds.
        limit: f64,
        /// How long before it is made, in seconds.
        delay: f64,
    },
    /// The copy is given.
    Copy,
    /// It is refused, honestly.
    Refuse,
}

/// Decides.
pub trait Policy {
    /// Whether it learns. One that does not needs little of the past, and nothing of the sources that are not looked at.
    const LEARNS: bool;

    /// What to do for a request that came, or one of whose calls failed.
    fn decide(&mut self, case: &mut Case, view: View<'_>) -> Decision;

    /// A call ended, also one that nobody waited for. The failures of the case are those before it.
    fn ended(&mut self, case: &Case, attempt: &Attempt, now: f64);
}

// === impl Strategy ===

impl Strategy {
    /// All that make calls and may be labelled with what they are.
    pub const CALLS: [Self; 6] = [
        Self::Primary,
        Self::Retry,
        Self::OtherHost,
        Self::OtherKey,
        Self::OtherSource,
        Self::Daily,
    ];

    /// What its answer is worth.
    #[must_use]
    pub const fn worth(self) -> f64 {
        match self {
            Self::Primary | Self::Retry | Self::OtherHost | Self::OtherKey => 1.0,
            Self::OtherSource => 0.95,
            Self::Daily => 0.5,
            Self::Proxy => 0.25,
            Self::Copy => 0.0,
        }
    }

    /// Whether its answer is the one that was asked for, from the source that was asked.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(
            self,
            Self::Primary | Self::Retry | Self::OtherHost | Self::OtherKey
        )
    }

    /// A number for tables.
    #[must_use]
    pub const fn number(self) -> usize {
        match self {
            Self::Primary => 0,
            Self::Retry => 1,
            Self::OtherHost => 2,
            Self::OtherKey => 3,
            Self::OtherSource => 4,
            Self::Copy => 5,
            Self::Daily => 6,
            Self::Proxy => 7,
        }
    }
}

// === impl Case ===

impl Case {
    /// A request that has just come.
    #[must_use]
    pub const fn new(request: Request) -> Self {
        Self {
            request,
            copy: 0.0,
            copy_age: f64::INFINITY,
            failures: ArrayVec::new_const(),
            calls: 0,
            asked: 0,
            order: None,
        }
    }

    /// A call of it failed.
    pub fn failed(&mut self, failure: Failure) {
        // Nothing tries twelve times; what does is not remembered further.
        let _full = self.failures.try_push(failure);
    }

    /// How often a strategy was tried in vain.
    #[must_use]
    pub fn tried(&self, strategy: Strategy) -> usize {
        self.failures
            .iter()
            .filter(|failure| failure.strategy == strategy)
            .count()
    }

    /// Whether nothing was tried yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.failures.is_empty()
    }

    /// Whether a strategy may be tried now: each once, and what was asked twice more.
    #[must_use]
    pub fn may_try(&self, strategy: Strategy) -> bool {
        match strategy {
            Strategy::Retry => self.tried(Strategy::Primary) > 0 && self.tried(Strategy::Retry) < 2,
            Strategy::Primary
            | Strategy::OtherHost
            | Strategy::OtherKey
            | Strategy::OtherSource
            | Strategy::Copy
            | Strategy::Daily
            | Strategy::Proxy => self.tried(strategy) == 0,
        }
    }
}

// === impl Decision ===

impl Decision {
    /// That, and nothing to find out.
    #[must_use]
    pub const fn only(then: Move) -> Self {
        Self { probe: None, then }
    }
}
