//! Everything that is known of sources, addresses and routes while the house stands.

mod cadences;
mod configured;
mod discovered;
mod limited;
mod numbers;
mod path_names;
mod report;
mod usuals;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::quality::RandomState;
use http::Uri;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    budget::{Budget, BudgetRules},
    classify::{Rules, sources},
    clock::Clock,
    discover::{self, Discovery, Found},
    health::{HealthStatus, LastFault, Thresholds, tally::Tally, tuning::Tuning, window::Windows},
    learner::names::Name,
    lock::lock,
    outage::{Gate, Guards, mistakes::Mistakes},
    overload::{Host, Usual},
    pace::{Pace, PaceHealth, learned::Learned},
    registry::{
        cadences::Cadences,
        configured::{Configured, place_of},
        discovered::host_of,
        numbers::Reserved,
        path_names::PathNames,
        usuals::{Remembered, Usuals},
    },
    settings::{RouteSettings, Settings, SettingsError, SourceSettings, Treatment},
    vocabulary::{pattern::Pattern, route::Route, source::Source},
};

/// More addresses or keys than this share one memory.
const MAX_NAMED: usize = 1_000;

/// The addresses of a source at which a route has a gate of its own.
const MAX_ADDRESSES: usize = 16;

/// All sites and sources.
#[derive(Debug)]
pub(crate) struct Registry {
    clock: Clock,
    /// How the budget of each source fills.
    budget: BudgetRules,
    sites: ArcSwap<HashMap<Box<str>, Arc<Site>, RandomState>>,
    sources: Mutex<HashMap<Source, Arc<SourceState>>>,
    configured: ArcSwap<Configured<RouteState>>,
    configuring: Mutex<()>,
    /// The source of all requests that no route is set for; `None`: it is found out.
    only: Option<Source>,
    /// How often something was set.
    generation: AtomicU64,
    remembered: Remembered,
    reserved: Reserved,
}

/// Where a request belongs.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    pub(crate) route: Arc<RouteState>,
    /// The gate of the address that it goes to.
    pub(crate) upstream: Arc<Gate>,
    /// The calls to that address.
    pub(crate) host: Arc<Host>,
    /// How it is treated, as it was set when it came.
    pub(crate) treatment: Arc<Treatment>,
}

/// An address, and the routes found there.
#[derive(Debug)]
struct Site {
    gate: Arc<Gate>,
    host: Arc<Host>,
    routes: Discovery<RouteState>,
}

/// What is known of a route.
#[derive(Debug)]
pub(crate) struct RouteState {
    pub(crate) route: Route,
    pub(crate) source: Arc<SourceState>,
    pub(crate) tally: Tally,
    pub(crate) gate: Arc<Gate>,
    /// How often it was found to accept calls, where it refused some.
    pub(crate) learned: Arc<Learned>,
    /// How long its good answers take, in the long run.
    pub(crate) usual: Usual,
    /// Who was refused as if it were the callers' mistake.
    pub(crate) mistakes: Mistakes,
    /// What its answers look like.
    pub(crate) usuals: Usuals,
    /// How often they move on.
    pub(crate) cadences: Cadences,
    /// What their paths are called.
    pub(crate) path_names: PathNames,
    treatment: ArcSwap<Treatment>,
    /// The address and the path that it was discovered by.
    found_at: Option<(Box<str>, Box<str>)>,
    /// Where its requests carry their parameters; only of a route that is set.
    pub(crate) pattern: ArcSwapOption<Pattern>,
    /// The gate of the address that it usually goes to.
    upstream: Arc<Gate>,
    /// Its gates at the other addresses of its source, by the gates of those.
    others: Mutex<Vec<(Arc<Gate>, Arc<Gate>)>>,
    likeness: AtomicU64,
    /// Whether its answers say how long they hold.
    gives_again: AtomicBool,
    windows: Mutex<Windows>,
    tuning: Mutex<Tuning>,
    /// Where its past put the time that is slow, in milliseconds; 0 where it did not.
    slow_ms: AtomicU64,
}

/// What is known of a source.
#[derive(Debug)]
pub(crate) struct SourceState {
    source: Source,
    settings: ArcSwap<SourceSettings>,
    pace: ArcSwapOption<Pace>,
    /// Its rules, where there are some: those that are set, else those that are built in.
    pub(crate) rules: ArcSwapOption<Rules>,
    built_in: Option<Arc<Rules>>,
    pub(crate) budget: Budget,
    /// Requests of callers, for the budget.
    pub(crate) requests: AtomicU64,
    /// Whether the learner has anything of it to clear.
    pub(crate) suspect: AtomicBool,
    anonymous: Arc<Gate>,
    keys: Mutex<HashMap<[u8; 32], Arc<Gate>>>,
    pub(crate) last_fault: Mutex<Option<LastFault>>,
    status: Mutex<Option<(HealthStatus, Timestamp)>>,
}

// === impl Registry ===

impl Registry {
    pub(crate) fn new(
        clock: Clock,
        budget: BudgetRules,
        otherwise: Arc<Treatment>,
        only: Option<SourceSettings>,
    ) -> Self {
        let registry = Self {
            only: only.as_ref().map(|only| only.source.clone()),
            clock,
            budget,
            sites: ArcSwap::default(),
            sources: Mutex::default(),
            configured: ArcSwap::from_pointee(Configured::none(otherwise)),
            configuring: Mutex::default(),
            generation: AtomicU64::new(0),
            remembered: Remembered::default(),
            reserved: Reserved::default(),
        };
        if let Some(settings) = only {
            registry.configure_source(settings);
        }
        registry
    }

    /// The route of a request, and the address that it goes to.
    pub(crate) fn find(&self, uri: &Uri) -> Whereabouts {
        let authority = uri.authority().map_or("", place_of);
        let known = self.sites.load();
        let site = known
            .get(authority)
            .map_or_else(|| self.begin_site(authority), Arc::clone);
        let set = self.configured.load().find(authority, uri);
        let route = set.unwrap_or_else(|| self.discovered(&site, authority, uri));
        Whereabouts {
            treatment: route.treatment.load_full(),
            route,
            upstream: Arc::clone(&site.gate),
            host: Arc::clone(&site.host),
        }
    }

    /// How often something was set: what was found out by settings of another number may be found otherwise now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }

    /// Takes settings in place of those that hold. What is known of a route stays with it.
    ///
    /// # Errors
    /// When they contradict themselves; then nothing changes.
    pub(crate) fn configure(&self, settings: &Settings) -> Result<(), SettingsError> {
        let _one_at_a_time = lock(&self.configuring);
        let before = self.configured.load_full();
        let mut configured = Configured::none(Arc::clone(&settings.otherwise));
        let mut states = Vec::with_capacity(settings.routes.len());
        for route in &settings.routes {
            let name = Route::new(route.source.clone(), route.pattern.template().as_str());
            let known = before.all().iter().find(|state| state.route == name);
            let state = known.map_or_else(|| self.begin_configured(name, route), Arc::clone);
            configured.add(&route.pattern, &state)?;
            states.push(state);
        }
        for source in &settings.sources {
            for pattern in &source.claims {
                configured.claim(pattern, &source.source)?;
            }
        }
        // Only now, when all of it is known to be in order, is anything told to those that live on.
        for (state, route) in states.iter().zip(&settings.routes) {
            state.treatment.store(Arc::clone(&route.treatment));
            state.pattern.store(Some(Arc::clone(&route.pattern)));
        }
        self.configure_sources(settings);
        self.configured.store(Arc::new(configured));
        self.generation.fetch_add(1, Relaxed);
        for site in self.sites.load().values() {
            self.reclaim(site);
            for state in site.routes.all() {
                state.treatment.store(Arc::clone(&settings.otherwise));
            }
        }
        Ok(())
    }

    /// Sources that nothing is set for any more go back to what is built in.
    fn configure_sources(&self, settings: &Settings) {
        let states: Vec<Arc<SourceState>> = lock(&self.sources).values().cloned().collect();
        for state in states {
            let is_set = settings
                .sources
                .iter()
                .any(|set| set.source == state.source);
            if !is_set && self.only.as_ref() != Some(&state.source) {
                let plain = SourceSettings::new(state.source.clone());
                state.takes(plain, self.clock);
            }
        }
        for source in &settings.sources {
            self.configure_source(source.clone());
        }
    }

    fn configure_source(&self, settings: SourceSettings) {
        let state = self.source_state(&settings.source, "");
        state.takes(settings, self.clock);
    }

    /// The state of a source that answers at that host, where one is known.
    fn source_state(&self, source: &Source, host: &str) -> Arc<SourceState> {
        let number = || self.reserved(&Name::Source(source.clone()));
        let begin = || {
            let named = (source.clone(), number());
            let budget = Budget::new(self.budget);
            SourceState::new(named, host, budget, self.clock.now())
        };
        let mut states = lock(&self.sources);
        let state = states.entry(source.clone());
        Arc::clone(state.or_insert_with(|| Arc::new(begin())))
    }

    fn begin_configured(&self, name: Route, route: &RouteSettings) -> Arc<RouteState> {
        let authority = route.pattern.authorities().first().map_or("", place_of);
        let site = self.sites.load().get(authority).map(Arc::clone);
        let site = site.unwrap_or_else(|| self.begin_site(authority));
        Arc::new(self.begin_route(name, authority, &site.gate))
    }

    /// How the keys and quotas of a source are doing.
    pub(crate) fn pace_of(&self, source: &Source, now: Instant) -> PaceHealth {
        let state = lock(&self.sources).get(source).map(Arc::clone);
        let pace = state.and_then(|state| state.pace.load_full());
        pace.map_or_else(PaceHealth::default, |pace| pace.health(now))
    }

    /// How the requests of each route are treated.
    pub(crate) fn treatments(&self) -> HashMap<Route, Arc<Treatment>> {
        let routes = self.all_routes().into_iter();
        routes
            .map(|state| (state.route.clone(), state.treatment.load_full()))
            .collect()
    }

    fn all_routes(&self) -> Vec<Arc<RouteState>> {
        let sites = self.sites.load();
        let discovered = sites.values().flat_map(|site| site.routes.all());
        let configured = self.configured.load();
        configured.all().iter().cloned().chain(discovered).collect()
    }

    fn begin_site(&self, authority: &str) -> Arc<Site> {
        let name = if self.sites.load().len() >= MAX_NAMED {
            "other"
        } else {
            authority
        };
        let number = self.reserved(&Name::Host(name.into()));
        let gate = Arc::new(Gate::numbered(Guards::One, number, self.clock.now()));
        let other = Arc::new(self.begin_route(discover::other(), "", &gate));
        let fresh = Arc::new(Site {
            gate,
            host: Arc::new(Host::new(self.clock)),
            routes: Discovery::new(other),
        });
        self.sites.rcu(|sites| {
            let mut sites = HashMap::clone(sites);
            sites
                .entry(name.into())
                .or_insert_with(|| Arc::clone(&fresh));
            sites
        });
        self.sites.load().get(name).map_or(fresh, Arc::clone)
    }

    /// A route of that source, whose requests go to that authority.
    fn begin_route(&self, route: Route, authority: &str, upstream: &Arc<Gate>) -> RouteState {
        let now = self.clock.now();
        let source = self.source_state(route.source(), host_of(authority));
        let usuals = Usuals::default();
        let cadences = Cadences::default();
        if let Some((usual, known)) = self.remembered.take(&route) {
            usuals.recall(usual);
            cadences.recall(known);
        }
        RouteState {
            usuals,
            cadences,
            path_names: PathNames::default(),
            gate: self.gate_of_route(&route, authority, now),
            route,
            source,
            tally: Tally::new(),
            learned: Arc::new(Learned::new(self.clock)),
            usual: Usual::default(),
            mistakes: Mistakes::new(),
            treatment: ArcSwap::new(Arc::clone(&self.configured.load().otherwise)),
            pattern: ArcSwapOption::empty(),
            upstream: Arc::clone(upstream),
            others: Mutex::default(),
            likeness: AtomicU64::new(0),
            gives_again: AtomicBool::new(false),
            windows: Mutex::default(),
            tuning: Mutex::default(),
            slow_ms: AtomicU64::new(0),
            found_at: None,
        }
    }
}

// === impl RouteState ===

impl RouteState {
    /// One of its answers said how long it holds.
    pub(crate) fn says_how_long(&self) {
        if !self.gives_again.load(Relaxed) {
            self.gives_again.store(true, Relaxed);
        }
    }

    /// Whether its answers are likely to be given again without asking, so that it is worth waiting for one.
    pub(crate) fn gives_again(&self) -> bool {
        self.gives_again.load(Relaxed)
    }

    /// The time that is slow, where that is set.
    pub(crate) fn slow(&self, set: Thresholds) -> Duration {
        match self.slow_ms.load(Relaxed) {
            millis @ 1.. if set.moves_slow() => Duration::from_millis(millis),
            _ => set.slow,
        }
    }

    /// Its answers look like that.
    pub(crate) fn looks_like(&self, likeness: u64) {
        self.likeness.store(likeness, Relaxed);
    }

    /// Its gate at another address. There are as many as a source has addresses; beyond a bound they share its own.
    pub(crate) fn gate_at(&self, upstream: &Arc<Gate>, now: Instant) -> Arc<Gate> {
        let mut others = lock(&self.others);
        let known = others
            .iter()
            .find(|(address, _)| Arc::ptr_eq(address, upstream));
        if let Some((_, gate)) = known {
            return Arc::clone(gate);
        }
        if others.len() >= MAX_ADDRESSES {
            return Arc::clone(&self.gate);
        }
        let gate = Arc::new(Gate::new(Guards::Many, now));
        others.push((Arc::clone(upstream), Arc::clone(&gate)));
        gate
    }
}

impl Found for RouteState {
    fn likeness(&self) -> u64 {
        self.likeness.load(Relaxed)
    }
}

// === impl SourceState ===

impl SourceState {
    /// A source that answers at that host, where one is known; under the number that is kept for it, where one is.
    fn new(
        (source, number): (Source, Option<u32>),
        host: &str,
        budget: Budget,
        now: Instant,
    ) -> Self {
        let built_in = sources::rules_of(source.as_str(), host);
        Self {
            settings: ArcSwap::from_pointee(SourceSettings::new(source.clone())),
            pace: ArcSwapOption::empty(),
            rules: ArcSwapOption::new(built_in.clone()),
            built_in,
            source,
            budget,
            requests: AtomicU64::new(0),
            // Of one that was known before something may be to clear.
            suspect: AtomicBool::new(number.is_some()),
            anonymous: Arc::new(Gate::numbered(Guards::One, number, now)),
            keys: Mutex::default(),
            last_fault: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// Tells it from all other sources.
    pub(crate) fn number(&self) -> u32 {
        self.anonymous.number()
    }

    fn takes(&self, settings: SourceSettings, clock: Clock) {
        let before = self.pace.load();
        let keys = settings.keys.as_ref();
        let pace = Pace::new(keys, &settings.quotas, before.as_deref(), clock);
        self.pace.store(pace.map(Arc::new));
        let rules = settings.rules.as_ref().or(self.built_in.as_ref());
        self.rules.store(rules.map(Arc::clone));
        self.settings.store(Arc::new(settings));
    }

    /// The gate before this source for a caller with those credentials: one caller's spent quota is not another's.
    pub(crate) fn gate_of(&self, caller: Option<&[u8; 32]>, now: Instant) -> Arc<Gate> {
        let Some(caller) = caller else {
            return Arc::clone(&self.anonymous);
        };
        let mut keys = lock(&self.keys);
        if keys.len() >= MAX_NAMED && !keys.contains_key(caller) {
            keys.retain(|_, gate| gate.is_resting(now));
            if keys.len() >= MAX_NAMED {
                return Arc::clone(&self.anonymous);
            }
        }
        Arc::clone(
            keys.entry(*caller)
                .or_insert_with(|| Arc::new(Gate::new(Guards::One, now))),
        )
    }
}
