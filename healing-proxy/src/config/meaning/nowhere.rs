//! What has nowhere to go: requests for an API where none is named.
//!
//! Every source may have addresses of its own, and then nothing is asked of an API. Whether one is named is known at a start
//! only, where flags and the environment are read too: a check notes what is here, a start is refused for it.

use healing_core::written::{Mistake, Place};

use crate::{
    config::{
        Meant, Reading,
        apply::places_of,
        typed::{Config, Route},
    },
    places::Places,
};

// === impl Config ===

impl Config {
    /// Whether nothing can be asked at all.
    pub(crate) fn asks_nobody(&self) -> bool {
        let mut sources = self.sources.values();
        self.upstream.is_none() && sources.all(|source| source.upstreams.is_empty())
    }
}

// === impl Reading ===

impl Reading {
    /// Makes a mistake of what has nowhere to go: all that could name an API was read.
    pub(crate) fn must_lead_somewhere(&mut self) {
        let nowhere = self.meant.as_ref().map(Meant::leads_nowhere);
        let nowhere = nowhere.unwrap_or_default();
        self.notes.retain(|note| !nowhere.contains(note));
        self.mistakes.extend(nowhere);
        self.mistakes.sort_by_key(|mistake| mistake.place.start);
    }
}

// === impl Meant ===

impl Meant {
    /// What has nowhere to go, where no API is named.
    pub(crate) fn leads_nowhere(&self) -> Vec<Mistake> {
        nowhere(&self.config, &places_of(&self.config))
    }

    /// The paths that are served where no API is needed: the mounts, and those of routes without one.
    pub(crate) fn served(&self) -> Vec<String> {
        let places = places_of(&self.config);
        places.served().into_iter().map(str::to_owned).collect()
    }
}

/// What has nowhere to go, where requests go to these places.
pub(super) fn nowhere(config: &Config, places: &Places) -> Vec<Mistake> {
    if config.at.has("upstream") {
        return Vec::new();
    }
    if places.served().is_empty() {
        let message = "there is no upstream; name it here, or give --upstream to `run`";
        return vec![said(Place::default(), message)];
    }
    let without = config
        .sources
        .iter()
        .filter(|(_, source)| source.upstreams.is_empty());
    let sources = without.map(|(slug, source)| {
        let message = format!(
            "{slug}: has no upstreams of its own, and there is no upstream; give it some, or name the API under upstream"
        );
        said(source.at.own(), &message)
    });
    let routes = config
        .routes
        .iter()
        .flat_map(|route| of_route((config, places), route));
    sources.chain(routes).collect()
}

/// What a route asks of an API: its own path, and those that it is lent.
fn of_route((config, places): (&Config, &Places), route: &Route) -> Vec<Mistake> {
    let is_somewhere = |template: &str| places.find(path_of(template)).is_some();
    let mut said_of = Vec::new();
    let source = route
        .source
        .as_deref()
        .and_then(|slug| config.sources.get_key_value(slug));
    let is_said = source.is_some_and(|(_, source)| source.upstreams.is_empty());
    if !is_somewhere(&route.r#match) && !is_said {
        let (what, mounted) = (
            &route.r#match,
            source.and_then(|(_, own)| own.mount.as_ref()),
        );
        let message = mounted.map_or_else(
            || {
                format!(
                    "match: {what:?} is of no source with upstreams of its own, and there is no upstream; give it one under source, or name the API under upstream"
                )
            },
            |mount| {
                format!(
                    "match: {what:?} is not under the mount {mount:?} of its source, and there is no upstream; write {mount}{what}, or name the API under upstream"
                )
            },
        );
        said_of.push(said(route.at.of("match"), &message));
    }
    for heal in route.heal.iter().flatten() {
        if let Some(to) = heal.options.route.as_deref().filter(|to| !is_somewhere(to)) {
            let message = format!(
                "route: {to:?} is of no source with upstreams of its own, and there is no upstream; write a path of one, or name the API under upstream"
            );
            said_of.push(said(heal.options.at.of("route"), &message));
        }
    }
    said_of
}

fn path_of(template: &str) -> &str {
    template.split_once('?').map_or(template, |(path, _)| path)
}

fn said(place: Place, message: &str) -> Mistake {
    let message = message.to_owned();
    Mistake { place, message }
}
