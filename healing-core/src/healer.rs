//! The handle that the layers share: what it remembers, what it may do, what it tells.

pub(crate) mod builder;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    beyond::{Beyond, SecondLevelHealth},
    budget::Budget,
    classify::{Classify, live::Dated},
    clock::Clock,
    flights::Flights,
    health::{HedgeCounts, RailCounts, Snapshot, hedges::Hedges, rails::Rails},
    kept::{
        BodyHash, Kept,
        list::{CopyPattern, CopyRow, Purged},
        memory::Memory,
        shelf::CopyLog,
    },
    layers::observe::Observer,
    learner::{
        Learner, LearnerCounts, decision::Decision, names::Name, orders::Compared,
        recall::LessonLog,
    },
    pace::PaceHealth,
    registry::{Registry, RouteState, SourceState},
    settings::{Settings, SettingsError, Treatment},
    vocabulary::{
        fault::Fault,
        kept_copy::{CopyChanges, KeptCopy},
        lesson::Lesson,
        observation::RouteShape,
        provenance::Provenance,
        route::Route,
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
    /// Calls that were left to those who gain more by them.
    pub(crate) calls_left: AtomicU64,
    /// Second calls beside first ones.
    pub(crate) hedges: Hedges,
    /// What limits that were found out held back.
    pub(crate) rails: Rails,
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

// === impl Healer ===

impl Healer {
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

    /// From when on all decisions are on record: older ones had to go, or were another process's.
    ///
    /// ```
    /// let healer = healing_core::Healer::builder().build();
    /// assert!(healer.decisions_from() <= jiff::Timestamp::now());
    /// ```
    #[must_use]
    pub fn decisions_from(&self) -> Timestamp {
        let clock = &self.house.clock;
        let complete = self.house.learner.decisions.complete_from();
        complete.unwrap_or_else(|| clock.at(Duration::ZERO))
    }

    /// What it would gain at each route if these settings were taken that put the same strategies in another order; to be asked
    /// before [`configure`](Self::configure).
    ///
    /// ```
    /// use healing_core::{Healer, Settings};
    /// assert!(Healer::builder().build().compare(&Settings::default()).is_empty());
    /// ```
    #[must_use]
    pub fn compare(&self, settings: &Settings) -> Vec<Compared> {
        let (learner, held) = (&self.house.learner, self.house.registry.treatments());
        let compared = settings.routes.iter().filter_map(|set| {
            let route = Route::new(set.source.clone(), set.pattern.template().as_str());
            let before = &held.get(&route)?.strategies;
            let of = (&route, &learner.episodes);
            Compared::between(of, before, &set.treatment.strategies)
        });
        compared.collect()
    }

    /// How much is learned and on record.
    #[must_use]
    pub fn learner(&self) -> LearnerCounts {
        self.house.learner.counts()
    }

    /// How often a second call was made beside a first one that took long.
    #[must_use]
    pub fn hedges(&self) -> HedgeCounts {
        self.house.hedges.counts()
    }

    /// What was held back by limits that were found out.
    #[must_use]
    pub fn rails(&self) -> RailCounts {
        self.house.rails.counts()
    }

    /// How often a request was given the copy in hand because the calls that are left of a quota gain others more.
    #[must_use]
    pub fn calls_left_to_others(&self) -> u64 {
        self.house.calls_left.load(Relaxed)
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

    /// Whether at least half of the source's budget and of that of all is there.
    pub(crate) fn has_plenty(&self, source: &SourceState, now: Instant) -> bool {
        let now = self.clock.since_start(now);
        source
            .budget
            .is_half_full(source.requests.load(Relaxed), now)
            && self.budget.is_half_full(self.requests.load(Relaxed), now)
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
