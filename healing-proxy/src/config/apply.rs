//! What a configuration comes to for the healer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use healing_core::{
    AlternateEndpoint, Healer, Param, Pattern, Per, Queue, Quota, QuotaError, QuotaScope, Retry,
    RotateKey, RouteSettings, Settings, Source, SourceSettings, Treatment,
    written::{self, Mistakes},
};
use http::{HeaderName, uri::PathAndQuery};
use jiff::tz::TimeZone;

use crate::{
    config::{
        Meant,
        typed::{self, Calendar, Config, Route, Scope},
    },
    places::{Place, Places, below},
    upstream::Origin,
};

/// How old a copy of Alpha Vantage may be that heals: it allows few calls a day (the specification's 24 h).
const HEAL_ALPHA_VANTAGE_FOR: Duration = Duration::from_hours(24);

/// The strategies that this version has. The others are said, and not acted on.
const BUILT: &[&str] = &[
    "exponential_backoff_retry",
    "use_cached_data",
    "request_queuing",
    "api_key_rotation",
    "alternate_endpoint",
    "alphavantage_aggressive_cache",
];

impl Meant {
    /// The settings of all sources and routes, where requests go to these places.
    pub(crate) fn settings(&self, places: &Places) -> Settings {
        let config = &self.config;
        let mut settings = Settings::default();
        settings.sources = self.sources(places);
        settings.routes = config
            .routes
            .iter()
            .filter_map(|route| settings_of(config, places, route))
            .collect();
        settings.otherwise = Arc::new(otherwise(config));
        settings
    }

    /// The sources that have addresses of their own, and which requests go there.
    pub(crate) fn places(&self) -> Places {
        let mut places = Places::default();
        for (slug, source) in &self.config.sources {
            if source.upstreams.is_empty() {
                continue;
            }
            let routes = self.config.routes.iter();
            let own = routes
                .filter(|route| source.mount.is_none() && route.source.as_deref() == Some(slug));
            let own: Vec<&str> = own.map(|route| &*route.r#match).collect();
            places.add(place_of(slug, source), &own);
        }
        places
    }

    /// Says where the settings contradict themselves in a way that only their user knows of.
    pub(super) fn try_settings(&self, mistakes: &mut Mistakes) {
        let tried = Healer::builder()
            .copies(0)
            .build()
            .configure(&self.settings(&self.places()));
        let Err(error) = tried else {
            return;
        };
        let routes = self.config.routes.iter().rev();
        let message = error.to_string();
        let mut named = routes.filter(|route| message.contains(&format!("{:?}", route.r#match)));
        let at = named
            .next()
            .map_or_else(written::Place::default, |route| route.at.of("match"));
        mistakes.say(at, format!("match: {message}"));
    }

    /// What is set for sources, by entries of their own or by the rules of their routes.
    fn sources(&self, places: &Places) -> Vec<SourceSettings> {
        let slugs = self.config.sources.keys().chain(self.rules.keys());
        let slugs: BTreeSet<&String> = slugs.collect();
        let known = slugs.into_iter().filter_map(|slug| {
            let name = Source::new(slug).ok()?;
            let written = self.config.sources.get(slug);
            let mut source = written.map_or_else(
                || SourceSettings::new(name.clone()),
                |written| self.source(&name, written),
            );
            let at = places.of(slug);
            source.keys = source.keys.map(|keys| match at {
                Some(place) => keys.only_to(place.authorities()),
                None => keys,
            });
            source.rules = self.rules.get(slug).map(Arc::clone);
            Some(source)
        });
        known.collect()
    }

    /// What is written for a source, after its preset.
    fn source(&self, name: &Source, written: &typed::Source) -> SourceSettings {
        let preset = written.preset.as_deref();
        let preset = preset.and_then(|preset| SourceSettings::preset(preset).ok());
        let mut source = preset.unwrap_or_else(|| SourceSettings::new(name.clone()));
        source.source = name.clone();
        if let Some(keys) = &written.keys {
            source.keys = self.vault.keys_of(name, keys);
        }
        if written.at.has("quota") {
            let quotas = written.quota.iter();
            source.quotas = quotas.filter_map(|quota| quota_of(quota).ok()).collect();
        }
        source
    }
}

/// A quota as it is counted. All of a source is all from here: this proxy counts for itself alone.
pub(super) fn quota_of(quota: &typed::Quota) -> Result<Quota, QuotaError> {
    let zone = TimeZone::get(&quota.zone).unwrap_or(TimeZone::UTC);
    let per = match quota.per {
        typed::Per::Calendar(Calendar::Day) => Per::Day(zone),
        typed::Per::Calendar(Calendar::Month) => Per::Month(zone),
        typed::Per::Millis(millis) => Per::Window(Duration::from_millis(millis)),
    };
    let scope = match quota.scope {
        Scope::Key => QuotaScope::Key,
        Scope::Address | Scope::Source => QuotaScope::Address,
    };
    Quota::new(quota.calls, per, scope)
}

/// Notes the strategies that are allowed and not there yet.
pub(super) fn note_strategies(route: &Route, notes: &mut Mistakes) {
    for heal in route.heal.iter().flatten() {
        if !BUILT.contains(&heal.name.as_str()) {
            let map = if heal.name == "fallback" {
                ", and its map was not tried"
            } else {
                ""
            };
            let message = format!("heal: {} is not acted on yet{map}", heal.name);
            notes.say(heal.at.own(), message);
        }
    }
}

/// Requests of routes that are not listed.
fn otherwise(config: &Config) -> Treatment {
    let mut treatment = Treatment::default();
    treatment.deadline = config.deadline;
    treatment.timeout = config.timeout;
    treatment.gives_copies = config.discover;
    if config.discover {
        treatment.strategies.push(Arc::new(Retry::default()));
    }
    treatment
}

fn settings_of(config: &Config, places: &Places, route: &Route) -> Option<RouteSettings> {
    let slug = route
        .source
        .clone()
        .unwrap_or_else(|| first_telling(&route.r#match).to_owned());
    let mut pattern = pattern_of(places, &route.r#match)?;
    for (name, param) in &route.params {
        pattern = match param_of(param) {
            Some(place) => pattern.param(name, place),
            None => pattern,
        };
    }
    Some(RouteSettings::new(
        Source::slug_of(&slug),
        pattern,
        treatment((config, places), route, &slug),
    ))
}

/// The requests of a route as they leave: at the addresses of the place that they go to, without its mount.
fn pattern_of(places: &Places, template: &str) -> Option<Pattern> {
    let path = template.split_once('?').map_or(template, |(path, _)| path);
    let Some(place) = places.find(path) else {
        return Some(Pattern::of(template.parse().ok()?));
    };
    let mount = place.mount.as_deref();
    let rest = mount.and_then(|mount| below(template, mount));
    let rest = rest.as_deref().unwrap_or(template);
    Some(Pattern::of(rest.parse().ok()?).at(place.authorities()))
}

fn place_of(slug: &str, source: &typed::Source) -> Place {
    let origins: Vec<Origin> = source
        .upstreams
        .iter()
        .map(|upstream| upstream.url.clone())
        .collect();
    Place {
        source: slug.to_owned(),
        mount: source.mount.clone(),
        is_near: origins.iter().all(Origin::is_near),
        origins,
    }
}

fn param_of(param: &typed::Param) -> Option<Param> {
    match (&param.query, &param.header) {
        (Some(query), _) => Some(Param::Query(query.as_str().into())),
        (None, Some(field)) => HeaderName::try_from(field.as_str()).ok().map(Param::Header),
        (None, None) => None,
    }
}

/// The first segment of a path that tells whose it is: not `api`, a version or a parameter.
fn first_telling(template: &str) -> &str {
    let is_version = |segment: &str| {
        let digits = segment.strip_prefix('v').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let mut segments = template.split('/').filter(|segment| !segment.is_empty());
    let telling = segments
        .find(|segment| *segment != "api" && !segment.starts_with('{') && !is_version(segment));
    telling.unwrap_or("root")
}

fn treatment((config, places): (&Config, &Places), route: &Route, slug: &str) -> Treatment {
    let mut treatment = Treatment::default();
    treatment.deadline = route.deadline.unwrap_or(config.deadline);
    treatment.timeout = route.timeout.unwrap_or(config.timeout);
    // A deadline of all routes gives way to the timeout of one.
    treatment.deadline = treatment.deadline.min(treatment.timeout);
    treatment.floor = route.floor;
    treatment.floor_for_callers = route.floor_for_callers.unwrap_or(route.floor);
    let source = config.sources.get(slug);
    let preset = source.and_then(|source| source.preset.as_deref());
    let by_source = if preset.unwrap_or(slug) == "alpha_vantage" {
        HEAL_ALPHA_VANTAGE_FOR
    } else {
        treatment.heal_for
    };
    treatment.heal_for = route.heal_for.unwrap_or(by_source);
    treatment.fresh_for = Some(route.fresh_for).filter(|time| !time.is_zero());
    treatment.caching.overrides = config.cache.r#override;
    treatment.observe = route.observe;
    let Some(allowed) = &route.heal else {
        treatment.strategies.push(Arc::new(Retry::default()));
        return treatment;
    };
    treatment.gives_copies = false;
    for heal in allowed {
        match heal.name.as_str() {
            "exponential_backoff_retry" => treatment.strategies.push(Arc::new(Retry::default())),
            "request_queuing" => treatment.strategies.push(Arc::new(Queue)),
            "api_key_rotation" => treatment.strategies.push(Arc::new(RotateKey)),
            "alternate_endpoint" => {
                // Without a second address it finds nothing to ask.
                let place = places.find(&route.r#match);
                let origins = place.iter().flat_map(|place| &place.origins);
                let root = || PathAndQuery::from_static("/");
                let addresses = origins.filter_map(|origin| origin.at(root()));
                treatment
                    .strategies
                    .push(Arc::new(AlternateEndpoint::at(addresses)));
            }
            "use_cached_data" => {
                treatment.gives_copies = true;
                treatment.heal_for = heal.options.up_to.unwrap_or(treatment.heal_for);
            }
            "alphavantage_aggressive_cache" => {
                treatment.gives_copies = true;
                treatment.heal_for = route.heal_for.unwrap_or(HEAL_ALPHA_VANTAGE_FOR);
            }
            _ => {} // said by `note_strategies`
        }
    }
    treatment
}

/// Where a route and its keys that are not acted on yet stand.
pub(super) fn pending_of(route: &Route) -> impl Iterator<Item = (written::Place, &'static str)> {
    let pending = [
        (route.at.has("priority"), "priority"),
        (route.at.has("windows"), "windows"),
        (route.freshness.is_some(), "freshness"),
    ];
    let asked = pending.into_iter().filter(|(is_set, _)| *is_set);
    asked.map(|(_, key)| (route.at.of(key), key))
}
