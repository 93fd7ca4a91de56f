//! The handle that the layers share: what it remembers, what it may do, what it tells.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    attempt::Strategy,
    beyond::{Beyond, SecondLevelHealth},
    budget::{Budget, BudgetRules},
    classify::{Classify, live::Dated},
    clock::Clock,
    flights::Flights,
    health::Snapshot,
    kept::{
        BodyHash, Kept,
        list::{CopyPattern, CopyRow, Purged},
        memory::Memory,
        shelf::CopyLog,
    },
    layers::observe::Observer,
    learner::{Learner, LearnerCounts, decision::Decision, names::Name, recall::LessonLog},
    pace::PaceHealth,
    registry::{Registry, RouteState, SourceState},
    second_level::SecondLevel,
    settings::{Caching, Settings, SettingsError, SourceSettings, Treatment},
    strategies::retry::Retry,
    vocabulary::{
        fault::Fault,
        fidelity::Fidelity,
        kept_copy::{CopyChanges, KeptCopy},
        lesson::Lesson,
        observation::{RouteShape, Sink},
        provenance::Provenance,
        source::Source,
    },
};

/// What heals. A cheap handle: clones share what they have learned, so give clones of one to every layer and worker.
///
/// ```
/// use healing_core::Healer;
/// let healer = Healer::builder().build();
/// assert!(healer.snapshot().sources.is_empty());
/// ```
#[derive(Clone)]
pub struct Healer {
    pub(crate) house: Arc<House>,
}

/// What layers look up.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) kept: Kept,
    /// Where copies are shared with other healers.
    pub(crate) beyond: Option<Beyond>,
    /// Calls that others wait for.
    pub(crate) flights: Flights,
    pub(crate) observer: Observer,
    pub(crate) learner: Learner,
    /// The extra calls of all sources together.
    pub(crate) budget: Budget,
    pub(crate) rules: Vec<Arc<dyn Classify>>,
    pub(crate) limits: Limits,
    /// Whether errors of the inner service are answered with problem details.
    pub(crate) answers_errors: bool,
    /// Requests of callers so far, for the budget of all.
    pub(crate) requests: AtomicU64,
    /// Bytes of bodies that are being read whole.
    pub(crate) held: AtomicU64,
}

/// How much of a body is held in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of an answer that is judged whole.
    pub(crate) judge_up_to: u64,
    /// Of a request that is sent again.
    pub(crate) replay_up_to: u64,
    /// Of all answers together that are being read.
    pub(crate) hold_at_most: u64,
}

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

    /// Takes settings of routes in place of those that hold. What is known of a route stays with it; requests under way
    /// keep the settings that they began with.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use healing_core::{Healer, Pattern, RouteSettings, Settings, Source, Treatment};
    ///
    /// let healer = Healer::builder().build();
    /// let mut settings = Settings::default();
    /// let pattern = Pattern::of("/api/fred/series/{series}".parse()?);
    /// settings.routes.push(RouteSettings::new(Source::new("fred_api")?, pattern, Treatment::default()));
    /// healer.configure(&settings)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When they contradict themselves; then those that hold go on to hold.
    pub fn configure(&self, settings: &Settings) -> Result<(), SettingsError> {
        self.house.registry.configure(settings)
    }

    /// How every source is doing. Call it about once a second: windows are made of its readings.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.house.registry.snapshot(self.house.clock.now())
    }

    /// How the keys and quotas of a source are doing; nothing where none are set for it.
    #[must_use]
    pub fn pace_of(&self, source: &Source) -> PaceHealth {
        let registry = &self.house.registry;
        registry.pace_of(source, self.house.clock.now())
    }

    /// Why a request was answered as it was. The last 1,000 are known that were healed or failed.
    #[must_use]
    pub fn decision(&self, id: Uuid) -> Option<Arc<Decision>> {
        self.house.learner.decisions.of(id)
    }

    /// How much is learned and on record.
    #[must_use]
    pub fn learner(&self) -> LearnerCounts {
        self.house.learner.counts()
    }

    /// What the good answers of each route look like, to be kept over restarts.
    #[must_use]
    pub fn shapes(&self) -> Vec<RouteShape> {
        self.house.registry.shapes()
    }

    /// Takes what an earlier process kept. What does not parse is left out, with a message in the log.
    pub fn recall_shapes(&self, shapes: Vec<RouteShape>) {
        self.house.registry.recall(shapes);
    }

    /// What has changed of the copies since that log was begun or last asked with, to be kept over restarts.
    pub fn copy_changes(&self, log: &mut CopyLog) -> CopyChanges {
        self.house.kept.changes(log, &self.house.clock)
    }

    /// Takes the copies that an earlier process kept, the newest first; before the first request, or they are of no use.
    /// Returns the log of what is stored. What cannot be used is left out, with a message in the log of the process.
    pub fn recall_copies(&self, copies: Vec<KeptCopy>) -> CopyLog {
        let (log, useless) = self.house.kept.recall(copies, &self.house.clock);
        if useless > 0 {
            tracing::warn!(useless, "copies of an earlier process are set aside");
        }
        log
    }

    /// What was learned since that log was begun or last asked with, to be kept over restarts.
    pub fn lessons(&self, log: &mut LessonLog) -> Vec<Lesson> {
        let House {
            learner,
            registry,
            clock,
            ..
        } = &*self.house;
        learner.lessons(log, clock, || registry.names())
    }

    /// Takes what an earlier process learned; best before the first request, for what is learned already is newer. What
    /// cannot be read is learned anew, with a message in the log of the process.
    pub fn recall_lessons(&self, lessons: &[Lesson]) {
        let House {
            learner,
            registry,
            clock,
            ..
        } = &*self.house;
        let mut known = registry.numbers();
        let number = |name: &Name| {
            if let Some(number) = known.get(name) {
                return Some(*number);
            }
            let number = registry.reserve(name)?;
            known.insert(name.clone(), number);
            Some(number)
        };
        let recalled = learner.recall(lessons, clock, number);
        registry.suspects(&recalled.suspects);
        if recalled.set_aside > 0 {
            let set_aside = recalled.set_aside;
            tracing::warn!(
                set_aside,
                "lessons of an earlier process cannot be read; what they were about is learned anew"
            );
        }
    }

    /// The copies that are kept of what that pattern means, all without one, in the order of their paths.
    #[must_use]
    pub fn kept_copies(&self, pattern: Option<&CopyPattern>) -> Vec<CopyRow> {
        let house = &self.house;
        house
            .kept
            .rows(pattern, &house.registry.treatments(), &house.clock)
    }

    /// Throws away what is kept of the URLs that a pattern means, for all callers: here, and in a second level what is known
    /// here too, or with `*` everything there. Calls that began before are not kept either.
    ///
    /// ```
    /// let healer = healing_core::Healer::builder().build();
    /// assert_eq!(healer.purge_copies(&"*".parse()?).copies, 0);
    /// # Ok::<(), healing_core::CopyPatternError>(())
    /// ```
    #[must_use]
    pub fn purge_copies(&self, pattern: &CopyPattern) -> Purged {
        let house = &self.house;
        let (purged, far) = house.kept.purge(pattern, house.clock.now());
        if let Some(beyond) = &house.beyond {
            if pattern.is_all() {
                beyond.all_changed(house.clock);
            } else {
                far.into_iter()
                    .for_each(|name| beyond.changed(name, house.clock));
            }
        }
        purged
    }

    /// How the second level of the cache is doing, where there is one.
    #[must_use]
    pub fn second_level(&self) -> Option<SecondLevelHealth> {
        self.house.beyond.as_ref().map(Beyond::health)
    }

    /// The wall time of the healer's clock.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.house.clock.timestamp(self.house.clock.now())
    }
}

impl fmt::Debug for Healer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Healer")
            .field("kept", &self.house.kept)
            .finish_non_exhaustive()
    }
}

// === impl House ===

impl House {
    /// A caller was given what another one's call came to, or what was kept of it.
    pub(crate) fn joined(&self, route: &RouteState, truth: &Provenance) {
        self.requests.fetch_add(1, Relaxed);
        route.source.requests.fetch_add(1, Relaxed);
        self.observer.joined(route, truth);
    }

    /// Takes a token from the source's budget and from that of all, for a call that no caller asked for.
    pub(crate) fn pays_for(&self, source: &SourceState) -> bool {
        let now = self.clock.since_start(self.clock.now());
        if !source.budget.spend(source.requests.load(Relaxed), now) {
            return false;
        }
        let paid = self.budget.spend(self.requests.load(Relaxed), now);
        if !paid {
            source.budget.give_back();
        }
        paid
    }

    /// Gives back what was paid for a call that was not made.
    pub(crate) fn gives_back(&self, source: &SourceState) {
        source.budget.give_back();
        self.budget.give_back();
    }

    /// What is wrong with a body that was good when it came: that what it names is too old by now.
    pub(crate) fn too_old(
        &self,
        (memory, body): (&Memory, BodyHash),
        (route, treatment): (&RouteState, &Treatment),
    ) -> Option<(Fault, Dated)> {
        let date = memory.dates.of(body, self.registry.generation())?;
        let dated = date.dated?;
        let rules = route.source.rules.load();
        let by = (treatment.freshness.as_deref(), rules.as_deref());
        let now = self.clock.timestamp(self.clock.now());
        Some((dated.too_old(by, now)?, dated))
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

    /// Asks also what failed repeatedly each time.
    #[must_use]
    pub const fn never_rest(mut self) -> Self {
        self.treatment.rests = false;
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
