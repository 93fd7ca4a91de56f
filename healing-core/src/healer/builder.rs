//! How a healer is set up.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use crate::{
    attempt::Strategy,
    beyond::Beyond,
    budget::{Budget, BudgetRules},
    classify::Classify,
    clock::Clock,
    flights::Flights,
    healer::{Healer, House, Limits},
    health::{hedges::Hedges, rails::Rails},
    kept::Kept,
    layers::observe::Observer,
    learner::Learner,
    registry::Registry,
    second_level::SecondLevel,
    settings::{Caching, SourceSettings, Treatment},
    strategies::retry::Retry,
    vocabulary::{fidelity::Fidelity, observation::Sink},
};

/// Sets up a [`Healer`].
#[derive(Debug)]
pub struct HealerBuilder {
    treatment: Treatment,
    limits: Limits,
    answers_errors: bool,
    copies: u64,
    second_level: Option<Arc<dyn SecondLevel>>,
    clock: Clock,
    sink: Option<Arc<dyn Sink>>,
    rules: Vec<Arc<dyn Classify>>,
    only: Option<SourceSettings>,
    budget: BudgetRules,
}

// === impl Healer ===

impl Healer {
    /// A builder with the defaults: retry and copies, floor stale, deadline 3 s, timeout 10 s.
    #[must_use]
    pub fn builder() -> HealerBuilder {
        let mut treatment = Treatment::default();
        treatment.strategies.push(Arc::new(Retry::default()));
        HealerBuilder {
            treatment,
            limits: Limits {
                judge_up_to: 2 * 1024 * 1024,
                replay_up_to: 64 * 1024,
                hold_at_most: 256 * 1024 * 1024,
            },
            answers_errors: false,
            copies: 128 * 1024 * 1024,
            second_level: None,
            clock: Clock::started_now(),
            sink: None,
            rules: Vec::new(),
            only: None,
            budget: BudgetRules::default(),
        }
    }
}

// === impl HealerBuilder ===

impl HealerBuilder {
    /// How long a caller waits before it is given what is in hand.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.treatment.deadline = deadline;
        self
    }

    /// How long an upstream is waited for when nothing is in hand.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.treatment.timeout = timeout;
        self
    }

    /// The lowest fidelity that is given, unless a caller asks for more.
    #[must_use]
    pub fn floor(mut self, floor: Fidelity) -> Self {
        self.treatment.floor = floor;
        self.treatment.floor_for_callers = self.treatment.floor_for_callers.max(floor);
        self
    }

    /// The lowest fidelity that a caller may ask for.
    #[must_use]
    pub const fn floor_for_callers(mut self, floor: Fidelity) -> Self {
        self.treatment.floor_for_callers = floor;
        self
    }

    /// How long a good answer is given again without asking, where its origin says nothing about that.
    #[must_use]
    pub const fn fresh_for(mut self, time: Duration) -> Self {
        self.treatment.fresh_for = Some(time);
        self
    }

    /// What the cache does beyond what origins say.
    #[must_use]
    pub const fn caching(mut self, caching: Caching) -> Self {
        self.treatment.caching = caching;
        self
    }

    /// Asks also what failed repeatedly each time, and keeps to no limit that was found out.
    #[must_use]
    pub const fn never_rest(mut self) -> Self {
        self.treatment.rests = false;
        self
    }

    /// Lets chance decide between equals in one of fifty: see [`Treatment::randomises`].
    #[must_use]
    pub const fn randomise(mut self) -> Self {
        self.treatment.randomises = true;
        self
    }

    /// Only watches: see [`Treatment::observe`].
    #[must_use]
    pub const fn observe(mut self) -> Self {
        self.treatment.observe = true;
        self
    }

    /// Room for kept copies and what else is remembered of URLs, in bytes.
    #[must_use]
    pub const fn copies(mut self, bytes: u64) -> Self {
        self.copies = bytes;
        self
    }

    /// Shares copies with other healers there.
    #[must_use]
    pub fn second_level(mut self, level: Arc<dyn SecondLevel>) -> Self {
        self.second_level = Some(level);
        self
    }

    /// Bodies above that many bytes are judged by their head and streamed.
    #[must_use]
    pub const fn judge_up_to(mut self, bytes: u64) -> Self {
        self.limits.judge_up_to = bytes;
        self
    }

    /// Bodies of requests above that many bytes are not sent again.
    #[must_use]
    pub const fn replay_up_to(mut self, bytes: u64) -> Self {
        self.limits.replay_up_to = bytes;
        self
    }

    /// All bodies together that are being read whole hold at most that many bytes.
    #[must_use]
    pub const fn hold_at_most(mut self, bytes: u64) -> Self {
        self.limits.hold_at_most = bytes;
        self
    }

    /// Whether kept copies are given.
    #[must_use]
    pub(crate) const fn gives_copies(mut self, gives: bool) -> Self {
        self.treatment.gives_copies = gives;
        self
    }

    /// Answers errors of the inner service with problem details (RFC 9457) instead of passing them on: for servers.
    #[must_use]
    pub const fn answer_errors(mut self) -> Self {
        self.answers_errors = true;
        self
    }

    /// Tells somebody of every request that was not answered well at the first call.
    #[must_use]
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Adds a strategy. Of those that are as good as each other the one that was added first is tried first.
    #[must_use]
    pub fn strategy(mut self, strategy: impl Strategy + 'static) -> Self {
        self.treatment.strategies.push(Arc::new(strategy));
        self
    }

    /// Takes the default strategies out, to begin with none.
    #[must_use]
    pub fn without_strategies(mut self) -> Self {
        self.treatment.strategies.clear();
        self
    }

    /// Adds a rule of one's own about what is wrong with an answer.
    #[must_use]
    pub fn rule(mut self, rule: impl Classify + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Every request that no route is set for is one to that source: for a client of one API.
    ///
    /// ```
    /// use healing_core::{Healer, KeyPlace, Keys, Secret, Source, SourceSettings};
    /// let mut fred = SourceSettings::new(Source::new("fred_api")?);
    /// let place = KeyPlace::Query("api_key".to_owned());
    /// fred.keys = Some(Keys::new(place, vec![Secret::new("abcdef".to_owned())])?);
    /// let healer = Healer::builder().source(fred).build();
    /// assert_eq!(healer.pace_of(&Source::new("fred_api")?).keys.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn source(mut self, settings: SourceSettings) -> Self {
        self.only = Some(settings);
        self
    }

    /// Lets healing cost that.
    #[must_use]
    pub const fn budget(mut self, rules: BudgetRules) -> Self {
        self.budget = rules;
        self
    }

    /// Reads the time there.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The healer.
    #[must_use]
    pub fn build(self) -> Healer {
        let house = House {
            clock: self.clock,
            registry: Registry::new(
                self.clock,
                self.budget.of_one(),
                Arc::new(self.treatment),
                self.only,
            ),
            kept: Kept::new(self.copies),
            beyond: self.second_level.map(Beyond::new),
            flights: Flights::default(),
            observer: Observer::new(self.clock, self.sink),
            learner: Learner::new(),
            budget: Budget::new(self.budget.of_all()),
            calls_left: AtomicU64::new(0),
            hedges: Hedges::default(),
            rails: Rails::default(),
            rules: self.rules,
            limits: self.limits,
            answers_errors: self.answers_errors,
            requests: AtomicU64::new(0),
            held: AtomicU64::new(0),
        };
        Healer {
            house: Arc::new(house),
        }
    }
}
