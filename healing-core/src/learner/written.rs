//! What outlives the process, as text: numbers about remedies and sources, and what is suspect now.
//!
//! Each is a row of its own under a name, so that one that cannot be read takes nothing else with it. Numbers of parts mean
//! nothing to another process; names do. Keys have none: which of them was turned away is not told to a disk.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    learn::{Cause, Culprit, Latencies, Outages, Part, Standing},
    learner::{
        Needs, Remedy,
        known::{CAUSES, Known},
        names::{Name, Names},
        remedies::Own,
    },
    vocabulary::{lesson::Lesson, route::Route, source::Source},
};

/// How what is written here is written.
pub(super) const ENCODING: u32 = 1;

/// No state is longer than this, in bytes.
const LONGEST: usize = 256 * 1024;

/// No count, and no number of seconds, is greater than this.
const GREATEST: f64 = 1e9;

/// What a lesson says.
#[derive(Debug)]
pub(super) enum Said {
    Remedy(RemedyName, RemedyText),
    Source(Source, SourceText),
    Suspects(Vec<SuspectText>),
}

/// A remedy by names.
#[derive(Debug)]
pub(super) struct RemedyName {
    pub(super) route: Route,
    pub(super) host: Box<str>,
    pub(super) strategy: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemedyText {
    counts: [f64; 2],
    latency: [f64; Latencies::BINS],
    seen: f64,
    fails_after: f64,
    last: Option<PlaceText>,
}

/// What a place needs that was asked.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceText {
    source: String,
    host: String,
    template: String,
    route_host: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceText {
    culprits: [[f64; 6]; CAUSES],
    outages: [[f64; 2]; CAUSES],
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspectText {
    part: PartText,
    /// Whose it is; none for our own network.
    of: Option<String>,
    down: f64,
    rate: f64,
    /// Its place among the causes.
    cause: Option<usize>,
    suspect_for: f64,
    succeeded: f64,
    tried: f64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum PartText {
    Network,
    Source(String),
    Host(String),
    /// What callers of that source use who come without a key.
    NoKey(String),
    Endpoint {
        source: String,
        template: String,
        host: String,
    },
}

// === impl Said ===

impl Said {
    /// Reads a lesson. `None` where it is of another program, or broken.
    pub(super) fn read(lesson: &Lesson) -> Option<Self> {
        if lesson.encoding != ENCODING || lesson.state.len() > LONGEST {
            return None;
        }
        let name: Vec<String> = serde_json::from_str(&lesson.name).ok()?;
        let name: Vec<&str> = name.iter().map(String::as_str).collect();
        match name.as_slice() {
            ["remedy", source, template, host, strategy] => {
                let state: RemedyText = serde_json::from_str(&lesson.state).ok()?;
                let name = RemedyName {
                    route: Route::new(Source::new(source).ok()?, template),
                    host: (*host).into(),
                    strategy: (*strategy).to_owned(),
                };
                state.is_sound().then_some(Self::Remedy(name, state))
            }
            ["source", source] => {
                let state: SourceText = serde_json::from_str(&lesson.state).ok()?;
                let source = Source::new(source).ok()?;
                state.is_sound().then_some(Self::Source(source, state))
            }
            ["suspects"] => {
                let all: Vec<SuspectText> = serde_json::from_str(&lesson.state).ok()?;
                let sound = all.iter().all(SuspectText::is_sound);
                sound.then_some(Self::Suspects(all))
            }
            _ => None,
        }
    }
}

/// The name and the state of a remedy; `None` where it has no name.
pub(super) fn remedy(remedy: &Remedy, own: &Own, names: &Names) -> Option<(String, String)> {
    let Name::Route(route, host) = names.get(&remedy.route)? else {
        return None;
    };
    let (latency, seen) = own.latency.counts();
    let text = RemedyText {
        counts: own.counts(own.used),
        latency,
        seen,
        fails_after: own.fails_after,
        last: own.last.and_then(|last| PlaceText::of(&last, names)),
    };
    let name = [
        "remedy",
        route.source().as_str(),
        route.template(),
        host,
        &remedy.name,
    ];
    Some((json(&name)?, json(&text)?))
}

/// The name and the state of a source; `None` where it has no name.
pub(super) fn source(number: u32, known: &Known, names: &Names) -> Option<(String, String)> {
    let Name::Source(source) = names.get(&number)? else {
        return None;
    };
    let text = SourceText {
        culprits: known.culprits,
        outages: known.outages.map(|own| [own.count, own.seconds]),
    };
    Some((json(&["source", source.as_str()])?, json(&text)?))
}

/// The name and the state of all that is suspect.
pub(super) fn suspects(all: &[SuspectText]) -> Option<(String, String)> {
    Some((json(&["suspects"])?, json(all)?))
}

fn json<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// Whether it can be a count or a number of seconds.
fn is_count(value: f64) -> bool {
    (0.0..=GREATEST).contains(&value)
}

// === impl RemedyText ===

impl RemedyText {
    fn is_sound(&self) -> bool {
        let numbers = self.counts.iter().chain(&self.latency);
        numbers
            .chain([&self.seen, &self.fails_after])
            .all(|value| is_count(*value))
    }

    /// What is known of a remedy at a route of that source, as of that moment.
    pub(super) fn own(&self, source: u32, last: Option<Needs>, at: f64) -> Own {
        let latency = Latencies::of_counts(self.latency, self.seen);
        Own::recalled((source, last), self.counts, (latency, self.fails_after), at)
    }

    /// What the place needed that it asked last.
    pub(super) fn last(&self, number: &mut dyn FnMut(&Name) -> Option<u32>) -> Option<Needs> {
        self.last.as_ref()?.needs(number)
    }
}

// === impl PlaceText ===

impl PlaceText {
    fn of(needs: &Needs, names: &Names) -> Option<Self> {
        let source = names.get(&needs.source)?;
        let host = names.get(&needs.upstream)?;
        let endpoint = names.get(&needs.endpoint)?;
        let (Name::Source(source), Name::Host(host), Name::Route(route, route_host)) =
            (source, host, endpoint)
        else {
            return None;
        };
        Some(Self {
            source: source.as_str().to_owned(),
            host: host.to_string(),
            template: route.template().to_owned(),
            route_host: route_host.to_string(),
        })
    }

    fn needs(&self, number: &mut dyn FnMut(&Name) -> Option<u32>) -> Option<Needs> {
        let source = Source::new(&self.source).ok()?;
        let route = Route::new(source.clone(), &self.template);
        let source = number(&Name::Source(source))?;
        Some(Needs {
            source,
            upstream: number(&Name::Host(self.host.as_str().into()))?,
            key: source,
            endpoint: number(&Name::Route(route, self.route_host.as_str().into()))?,
        })
    }
}

// === impl SourceText ===

impl SourceText {
    fn is_sound(&self) -> bool {
        let numbers = self.culprits.iter().flatten();
        numbers
            .chain(self.outages.iter().flatten())
            .all(|value| is_count(*value))
    }

    /// What is known of a source, as of that moment.
    pub(super) fn known(&self, at: f64) -> Known {
        Known {
            culprits: self.culprits,
            outages: self
                .outages
                .map(|[count, seconds]| Outages { count, seconds }),
            changed: at,
        }
    }
}

// === impl SuspectText ===

impl SuspectText {
    /// A part of a source, or our network, and what is believed of it; `None` where it has no name.
    pub(super) fn of(
        (part, source): (Part, Option<u32>),
        standing: &Standing,
        names: &Names,
    ) -> Option<Self> {
        let of = match source {
            Some(source) => match names.get(&source)? {
                Name::Source(source) => Some(source.as_str().to_owned()),
                Name::Host(_) | Name::Route(..) => return None,
            },
            None => None,
        };
        Some(Self {
            part: PartText::of(part, names)?,
            of,
            down: standing.down,
            rate: standing.rate,
            cause: standing
                .cause
                .and_then(|cause| Cause::ALL.iter().position(|own| *own == cause)),
            suspect_for: standing.suspect_for,
            succeeded: standing.succeeded,
            tried: standing.tried,
        })
    }

    fn is_sound(&self) -> bool {
        let numbers = [self.rate, self.suspect_for, self.succeeded, self.tried];
        numbers.into_iter().all(is_count) && (0.0..1.0).contains(&self.down)
    }

    /// The part, and the number of its source.
    pub(super) fn part(
        &self,
        number: &mut dyn FnMut(&Name) -> Option<u32>,
    ) -> Option<(Part, Option<u32>)> {
        let of = match &self.of {
            Some(source) => Some(number(&Name::Source(Source::new(source).ok()?))?),
            None => None,
        };
        Some((self.part.part(number)?, of))
    }

    pub(super) fn standing(&self) -> Standing {
        Standing {
            down: self.down,
            rate: self.rate,
            cause: self.cause.and_then(|n| Cause::ALL.get(n).copied()),
            suspect_for: self.suspect_for,
            succeeded: self.succeeded,
            tried: self.tried,
        }
    }
}

// === impl PartText ===

impl PartText {
    fn of(part: Part, names: &Names) -> Option<Self> {
        if part.kind == Culprit::Network {
            return Some(Self::Network);
        }
        Some(match (part.kind, names.get(&part.number)?) {
            (Culprit::Source, Name::Source(source)) => Self::Source(source.as_str().to_owned()),
            (Culprit::Key, Name::Source(source)) => Self::NoKey(source.as_str().to_owned()),
            (Culprit::Host, Name::Host(host)) => Self::Host(host.to_string()),
            (Culprit::Endpoint, Name::Route(route, host)) => Self::Endpoint {
                source: route.source().as_str().to_owned(),
                template: route.template().to_owned(),
                host: host.to_string(),
            },
            _ => return None,
        })
    }

    fn part(&self, number: &mut dyn FnMut(&Name) -> Option<u32>) -> Option<Part> {
        let source = |slug: &str| Source::new(slug).ok();
        let (kind, name) = match self {
            Self::Network => {
                return Some(Part {
                    kind: Culprit::Network,
                    number: 0,
                });
            }
            Self::Source(slug) => (Culprit::Source, Name::Source(source(slug)?)),
            Self::NoKey(slug) => (Culprit::Key, Name::Source(source(slug)?)),
            Self::Host(host) => (Culprit::Host, Name::Host(host.as_str().into())),
            Self::Endpoint {
                source: slug,
                template,
                host,
            } => {
                let route = Route::new(source(slug)?, template);
                let name = Name::Route(route, host.as_str().into());
                (Culprit::Endpoint, name)
            }
        };
        let number = number(&name)?;
        Some(Part { kind, number })
    }
}

// === impl RemedyName ===

impl RemedyName {
    /// The remedy, and the number of its source.
    pub(super) fn remedy(
        self,
        number: &mut dyn FnMut(&Name) -> Option<u32>,
    ) -> Option<(Remedy, u32)> {
        let source = number(&Name::Source(self.route.source().clone()))?;
        let remedy = Remedy {
            route: number(&Name::Route(self.route, self.host))?,
            name: Cow::Owned(self.strategy),
        };
        Some((remedy, source))
    }
}
