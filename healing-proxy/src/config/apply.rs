//! What a configuration comes to for the healer.

mod computed;
mod lenders;
mod probes;
pub(super) mod remedies;
mod sizes;
pub(super) mod treatment;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use healing_core::{
    BudgetError, BudgetRules, Healer, Param, Pattern, Per, Quota, QuotaError, QuotaScope,
    RouteSettings, Settings, Source, SourceSettings, written::Mistakes,
};
use http::HeaderName;
use jiff::tz::TimeZone;

use crate::{
    config::{
        Meant,
        typed::{self, Calendar, Config, Route, Scope},
    },
    places::{Place, Places, below},
    upstream::Origin,
};

/// Parameters of the query that built-in strategies read, whether a route says where they stand or not.
const READ_BY: [(&str, &str); 3] = [
    ("crumb_renewal", "crumb"),
    ("historical_fallback", "apiKey"),
    ("alphavantage_fallback_yahoo", "symbol"),
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
        settings.otherwise = Arc::new(treatment::otherwise(config));
        settings
    }

    /// What healing may cost. What is not a budget was said when the configuration was read.
    pub(crate) fn budget(&self) -> BudgetRules {
        budget_of(&self.config).unwrap_or_default()
    }

    /// The sources that have addresses of their own, and which requests go there.
    pub(crate) fn places(&self) -> Places {
        places_of(&self.config)
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
        let route = named.next().map(|route| route.at.of("match"));
        let mut sources = self.config.sources.values().rev();
        let source = sources.find(|source| {
            let mut claimed = source.r#match.iter();
            claimed.any(|template| message.contains(&format!("{template:?}")))
        });
        let at = route.or_else(|| source.map(|source| source.at.of("match")));
        mistakes.say(at.unwrap_or_default(), format!("match: {message}"));
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
            let claimed = written.map_or(&[][..], |written| &written.r#match);
            let claims = claimed.iter();
            source.claims = claims
                .filter_map(|template| pattern_of(places, template))
                .collect();
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

/// The sources that have addresses of their own, and which requests go there.
pub(super) fn places_of(config: &Config) -> Places {
    let mut places = Places::default();
    for (slug, source) in &config.sources {
        if source.upstreams.is_empty() {
            continue;
        }
        let routes = config.routes.iter();
        let own =
            routes.filter(|route| source.mount.is_none() && route.source.as_deref() == Some(slug));
        let own = own.map(|route| &*route.r#match);
        let claimed = source.r#match.iter().map(String::as_str);
        let claimed = claimed.filter(|_| source.mount.is_none());
        let own: Vec<&str> = own.chain(claimed).collect();
        places.add(place_of(slug, source), &own);
    }
    asides(config).for_each(|origin| places.add_aside(origin.clone()));
    places
}

/// What healing may cost.
pub(super) fn budget_of(config: &Config) -> Result<BudgetRules, BudgetError> {
    let typed::Budget {
        share,
        floor_per_s,
        healing_calls_at_most,
        ..
    } = config.budget;
    BudgetRules::new(share, floor_per_s, healing_calls_at_most)
}

/// The addresses that strategies ask beside those of the sources.
pub(super) fn asides(config: &Config) -> impl Iterator<Item = &Origin> {
    let allowed = config
        .routes
        .iter()
        .flat_map(|route| route.heal.iter().flatten());
    allowed.filter_map(|heal| heal.options.cookies.as_ref())
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

fn settings_of(config: &Config, places: &Places, route: &Route) -> Option<RouteSettings> {
    let slug = slug_of(route);
    let pattern = route_pattern(places, route)?;
    let treatment = treatment::of((config, places), route, (slug, &pattern));
    Some(RouteSettings::new(
        Source::slug_of(slug),
        pattern,
        treatment,
    ))
}

/// The source whose data a route gives.
fn slug_of(route: &Route) -> &str {
    let told = route.source.as_deref();
    told.unwrap_or_else(|| first_telling(&route.r#match))
}

/// The requests of a route as they leave, with all their parameters.
pub(super) fn route_pattern(places: &Places, route: &Route) -> Option<Pattern> {
    let pattern = with_params(pattern_of(places, &route.r#match)?, &route.params);
    let built_in = |name: &str| {
        let mut allowed = route.heal.iter().flatten();
        allowed.any(|heal| heal.name == name && heal.options.route.is_none())
    };
    let read = READ_BY.iter().filter(|(strategy, _)| built_in(strategy));
    Some(read.fold(pattern, |pattern, (_, name)| {
        if pattern.names().any(|own| own == *name) {
            return pattern;
        }
        pattern.param(name, Param::Query((*name).into()))
    }))
}

/// Requests like these, whose further parameters stand there.
fn with_params(pattern: Pattern, params: &BTreeMap<String, typed::Param>) -> Pattern {
    let placed = params.iter();
    let placed = placed.filter_map(|(name, param)| Some((name, param_of(param)?)));
    placed.fold(pattern, |pattern, (name, place)| pattern.param(name, place))
}

/// Requests of that template as they leave: at the addresses of the place that they go to, without its mount.
fn pattern_of(places: &Places, template: &str) -> Option<Pattern> {
    let path = template.split_once('?').map_or(template, |(path, _)| path);
    let Some(place) = places.find(path) else {
        return Some(Pattern::of(template.parse().ok()?));
    };
    let mount = place.mount.as_deref();
    let rest = mount.and_then(|mount| below(template, mount));
    let rest = rest.as_deref().unwrap_or(template);
    let pattern = Pattern::of(rest.parse().ok()?).at(place.authorities());
    let scheme = place.origins.first().map(|origin| origin.scheme().clone());
    Some(scheme.into_iter().fold(pattern, Pattern::by))
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
