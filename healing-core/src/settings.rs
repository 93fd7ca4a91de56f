//! What is set for routes: how their requests are treated, and which requests are theirs.

mod preset;

use std::{sync::Arc, time::Duration};

pub use crate::settings::preset::PresetError;

use crate::{
    attempt::Strategy,
    classify::{Freshness, Range, Rules},
    health::Thresholds,
    keys::Keys,
    quota::Quota,
    vocabulary::{fidelity::Fidelity, pattern::Pattern, source::Source},
};

/// How long after it was stored a copy may heal, where nothing else is set (the specification's 15 minutes).
const HEAL_FOR: Duration = Duration::from_mins(15);

/// How the requests of a route are treated.
///
/// ```
/// use healing_core::{Fidelity, Treatment};
/// let mut treatment = Treatment::default();
/// treatment.floor = Fidelity::Reduced;
/// assert_eq!(treatment.deadline.as_secs(), 3);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Treatment {
    /// How long a caller waits before it is given what is in hand.
    pub deadline: Duration,
    /// How long an upstream is waited for when nothing is in hand.
    pub timeout: Duration,
    /// The lowest fidelity that is given, unless a caller asks for another.
    pub floor: Fidelity,
    /// The lowest fidelity that a caller may ask for.
    pub floor_for_callers: Fidelity,
    /// Whether kept copies are given.
    pub gives_copies: bool,
    /// How long after it was stored, or ceased to be fresh, a copy may heal.
    pub heal_for: Duration,
    /// How long a good answer is given again without asking, where its origin says nothing about that.
    pub fresh_for: Option<Duration>,
    /// What else the cache does with answers.
    pub caching: Caching,
    /// Whether what failed repeatedly is left in peace, and asked only now and then, and what was found out of how often a route
    /// and how many at a time a host may be asked is kept to.
    pub rests: bool,
    /// Whether healing only watches: everything is judged, counted and kept, the caller gets just what the upstream says,
    /// and is told what healing would have done.
    pub observe: bool,
    /// Rules for its answers alone, wherever they come from; they decide before those of its source.
    pub rules: Option<Arc<Rules>>,
    /// Whether in one of fifty requests chance decides which of two strategies is tried first that are as good as each other to
    /// the planner, so that another order can be judged before it is set.
    pub randomises: bool,
    /// How old its answers may be; `None`: as the rules of its source say, where they do.
    pub freshness: Option<Arc<Freshness>>,
    /// The number of its answers that is watched, where one is.
    pub range: Option<Arc<Range>>,
    /// From where on the route is called degraded, critical and slow.
    pub thresholds: Thresholds,
    /// What may be tried when the first call failed. What was learned says what is tried first; the order breaks ties.
    pub strategies: Vec<Arc<dyn Strategy>>,
}

/// What the cache does beyond what origins say.
///
/// ```
/// use healing_core::{Caching, Sharing};
/// assert_eq!(Caching::default().sharing, Sharing::WhenPublic);
/// assert!(Caching::as_http_has_it().heuristic);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Caching {
    /// Whether `fresh_for` and `heal_for` hold also against the origin's word; never against `no-store` or `private`.
    pub overrides: bool,
    /// Whether answers that say when they were changed last, and nothing else, are fresh for a tenth of the time since
    /// (RFC 9111, section 4.2.2).
    pub heuristic: bool,
    /// Whether errors that say how long they hold are given again for that time. They never heal.
    pub errors: bool,
    /// Which answers callers with different credentials share.
    pub sharing: Sharing,
}

/// Which answers callers with different credentials share.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sharing {
    /// Those that say `public`.
    #[default]
    WhenPublic,
    /// All that RFC 9111 lets a shared cache share: `Authorization` separates callers unless the answer says otherwise
    /// (section 3.5), nothing else does unless `Vary` names it.
    AsHttpHasIt,
}

/// What is set for a source, in front of it or behind.
///
/// ```
/// use healing_core::{Source, SourceSettings};
/// let fred = SourceSettings::new(Source::new("fred_api")?);
/// assert!(fred.rules.is_none()); // those that are built in for it
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceSettings {
    /// Which source.
    pub source: Source,
    /// Its rules, by which its answers are judged as they come; `None`: those that are built in under its slug or another of
    /// its names, where there are some.
    pub rules: Option<Arc<Rules>>,
    /// Keys of ours, for requests whose caller sent none; `None`: requests go out as they come.
    pub keys: Option<Keys>,
    /// How often it may be asked. All of them are kept.
    pub quotas: Vec<Quota>,
    /// Requests of routes that nobody set, and that give its data all the same.
    pub claims: Vec<Pattern>,
}

/// A route that is set rather than discovered.
///
/// ```
/// use healing_core::{Pattern, RouteSettings, Source, Treatment};
/// let series = Pattern::of("/api/fred/series/{series}".parse()?);
/// let route = RouteSettings::new(Source::new("fred_api")?, series, Treatment::default());
/// assert_eq!(route.source.as_str(), "fred_api");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteSettings {
    /// Whose data it gives.
    pub source: Source,
    /// Which requests are its own.
    pub pattern: Arc<Pattern>,
    /// How they are treated.
    pub treatment: Arc<Treatment>,
}

/// All that is set, swapped as one: see [`Healer::configure`](crate::Healer::configure).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// The sources that something is set for.
    pub sources: Vec<SourceSettings>,
    /// The routes that are set.
    pub routes: Vec<RouteSettings>,
    /// How all other requests are treated.
    pub otherwise: Arc<Treatment>,
}

/// Why settings cannot be taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Two routes claim the same requests.
    #[error(
        "the routes {first:?} and {second:?} are for the same requests; take one out or tell them apart by a word of the path"
    )]
    Overlap {
        /// The route that was there.
        first: String,
        /// The one that came after it.
        second: String,
    },
}

// === impl Treatment ===

impl Default for Treatment {
    /// Deadline 3 s, timeout 10 s, floor stale, copies for 15 minutes, no strategies.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            floor: Fidelity::Stale,
            floor_for_callers: Fidelity::Stale,
            gives_copies: true,
            heal_for: HEAL_FOR,
            fresh_for: None,
            caching: Caching::default(),
            rests: true,
            observe: false,
            rules: None,
            randomises: false,
            freshness: None,
            range: None,
            thresholds: Thresholds::default(),
            strategies: Vec::new(),
        }
    }
}

// === impl Caching ===

impl Caching {
    /// All that RFC 9111 lets a shared cache do: for a cache in front of anything, rather than of data.
    #[must_use]
    pub const fn as_http_has_it() -> Self {
        Self {
            overrides: false,
            heuristic: true,
            errors: true,
            sharing: Sharing::AsHttpHasIt,
        }
    }
}

// === impl SourceSettings ===

impl SourceSettings {
    /// A source for which nothing is set yet.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self {
            source,
            rules: None,
            keys: None,
            quotas: Vec::new(),
            claims: Vec::new(),
        }
    }
}

// === impl RouteSettings ===

impl RouteSettings {
    /// A route of that source.
    #[must_use]
    pub fn new(source: Source, pattern: Pattern, treatment: Treatment) -> Self {
        Self {
            source,
            pattern: Arc::new(pattern),
            treatment: Arc::new(treatment),
        }
    }
}
