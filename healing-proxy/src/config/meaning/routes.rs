//! Routes as a whole: whose they are, what they allow, and whether two are one.

use std::collections::BTreeMap;

use healing_core::{Fidelity, Template, written::unknown};

use super::{Whole, late};
use crate::config::{
    apply::{self, remedies::Remedies, treatment},
    keys::strategy,
    rules,
    typed::{Heal, Param, Route},
};

impl Whole<'_> {
    pub(super) fn route(&mut self, route: &Route) {
        self.source_of(route);
        self.params(route);
        self.floors(route);
        self.remedies(route);
        self.watched(route);
        self.probe(route);
        let deadline = route.deadline.unwrap_or(self.config.deadline);
        let timeout = route.timeout.unwrap_or(self.config.timeout);
        let own = route.deadline.or(route.timeout).is_some();
        if own && deadline > timeout {
            let key = if route.deadline.is_some() {
                "deadline"
            } else {
                "timeout"
            };
            self.mistakes.say(route.at.of(key), late(deadline, timeout));
        }
        if route.windows.degraded > route.windows.critical {
            let message =
                "windows: degraded begins after critical; make degraded the smaller share";
            self.mistakes.say(route.at.of("windows"), message);
        }
    }

    /// What is looked at in its answers must be able to be looked at.
    fn watched(&mut self, route: &Route) {
        let fresh = treatment::freshness(route).err();
        let range = treatment::range(route).err();
        for wrong in fresh.into_iter().chain(range) {
            self.mistakes.say(wrong.at, wrong.message);
        }
        let slug = route.source.as_deref().unwrap_or("route");
        let _looked_at = rules::of_route(route, slug, self.mistakes);
    }

    /// What is asked to probe a route must be a request of it.
    fn probe(&mut self, route: &Route) {
        let (Some(probe), Ok(template)) = (&route.probe, route.r#match.parse::<Template>()) else {
            return;
        };
        let (path, query) = probe
            .split_once('?')
            .map_or((&**probe, None), |(path, query)| (path, Some(query)));
        let mut paths = matchit::Router::new();
        let is_own = paths.insert(template.path(), ()).is_ok() && paths.at(path).is_ok();
        if !is_own || !template.takes_query(query) {
            let message = format!(
                "probe: {probe:?} is no request of the route {:?}; name one that is",
                route.r#match
            );
            self.mistakes.say(route.at.of("probe"), message);
        }
    }

    fn source_of(&mut self, route: &Route) {
        let Some(slug) = &route.source else {
            return;
        };
        let own = self.config.sources.keys().map(String::as_str);
        let known: Vec<&str> = own.chain(self.presets.iter().copied()).collect();
        if !known.contains(&slug.as_str()) {
            let near = healing_core::written::nearest(slug, &known);
            let said = match near {
                Some(_) => unknown("source", slug, &known),
                None => format!("unknown source {slug:?}; add it under sources"),
            };
            self.mistakes.say(route.at.of("source"), said);
        }
    }

    fn params(&mut self, route: &Route) {
        for (name, param) in &route.params {
            self.param(name, param, &route.r#match);
        }
    }

    fn param(&mut self, name: &str, param: &Param, template: &str) {
        let Param {
            path,
            query,
            header,
            at,
        } = param;
        let places = [path, query, header].into_iter().flatten().count();
        if places != 1 {
            let message = format!(
                "params: {name:?} stands in {places} places; give it one of path, query and header"
            );
            self.mistakes.say(at.own(), message);
        }
        if let Some(segment) = path {
            let there = template.contains(&format!("{{{segment}}}"));
            if segment != name || !there {
                let message = format!(
                    "path: {segment:?} is no segment of that name; write {{{name}}} in match, or name another place"
                );
                self.mistakes.say(at.of("path"), message);
            }
        }
    }

    fn floors(&mut self, route: &Route) {
        if let Some(callers) = route.floor_for_callers
            && callers < route.floor
        {
            let message = format!(
                "floor_for_callers: {callers} is above floor, which is {}; callers may ask for less than that, not be kept from it: make it {} or lower",
                route.floor, route.floor
            );
            self.mistakes.say(route.at.of("floor_for_callers"), message);
        }
    }

    /// What is allowed must be able to be given.
    fn remedies(&mut self, route: &Route) {
        let lowest = lowest(route);
        let mut seen = Vec::new();
        for heal in route.heal.iter().flatten() {
            let (at, before) = (heal.at.own(), self.mistakes.len());
            if seen.contains(&heal.name.as_str()) {
                self.mistakes.say(
                    at,
                    format!("heal: {} stands there twice; keep one of them", heal.name),
                );
            }
            seen.push(&heal.name);
            let gives = strategy(&heal.name).and_then(|named| named.gives.parse::<Fidelity>().ok());
            if let Some(gives) = gives.filter(|gives| !gives.meets(lowest)) {
                let message = gives_too_little(&heal.name, (gives, lowest));
                self.mistakes.say(at, message);
            }
            if heal.name == "etf_proxy"
                && heal
                    .options
                    .status
                    .is_some_and(|status| status != 200 && status != 203)
            {
                self.mistakes
                    .say(heal.options.at.of("status"), "status: must be 203 or 200");
            }
            if heal.name == "api_key_rotation" {
                self.rotation(route, at);
            }
            if heal.options.first.is_some() && heal.options.same.is_none() {
                let message = "compute: without `same` nothing says that it computes what the route gives, and it is not used";
                self.notes.say(at, message);
            }
            // A fallback is made when it is known that it leads somewhere else.
            if self.mistakes.len() == before && heal.options.route.is_none() {
                self.made(route, heal);
            }
        }
    }

    /// A remedy must be able to be made, and to be given.
    pub(super) fn made(&mut self, route: &Route, heal: &Heal) {
        let Some(pattern) = apply::route_pattern(self.places, route) else {
            return; // its path is none, which was said
        };
        let lowest = lowest(route);
        let remedies = Remedies::of((self.config, self.places), route, &pattern);
        let gives = match remedies.make(heal) {
            Ok(remedy) => remedy.and_then(|remedy| remedy.gives),
            Err(wrong) => return self.mistakes.say(wrong.at, wrong.message),
        };
        if let Some((gives, at)) = gives.filter(|(gives, _)| !gives.meets(lowest)) {
            let name = &heal.name;
            let message = if heal.options.same.is_some() {
                format!(
                    "same: by what both routes agree in, the answers of {name} are {gives}, and nobody may be given less than {lowest}; set floor or floor_for_callers to {gives}, or say in what else they agree"
                )
            } else {
                gives_too_little(name, (gives, lowest))
            };
            self.mistakes.say(at, message);
        }
    }

    fn rotation(&mut self, route: &Route, at: healing_core::written::Place) {
        let source = route
            .source
            .as_ref()
            .and_then(|slug| self.config.sources.get(slug));
        if source.is_none_or(|source| source.keys.is_none()) {
            let message = "heal: api_key_rotation has no keys to change to; give the route a source with keys";
            self.mistakes.say(at, message);
        }
    }

    /// Two routes of one shape cannot be told apart.
    pub(super) fn overlaps(&mut self) {
        let mut lines: BTreeMap<String, u64> = BTreeMap::new();
        for route in &self.config.routes {
            let at = route.at.of("match");
            match lines.get(&shape(&route.r#match)) {
                Some(line) => {
                    let message = format!(
                        "match: {:?} matches the same paths as the route of line {line}; keep one of them",
                        route.r#match
                    );
                    self.mistakes.say(at, message);
                }
                None => drop(lines.insert(shape(&route.r#match), at.line)),
            }
        }
    }
}

fn gives_too_little(name: &str, (gives, lowest): (Fidelity, Fidelity)) -> String {
    format!(
        "heal: {name} gives {gives} answers, and nobody may be given less than {lowest}; set floor or floor_for_callers to {gives}, or take it out"
    )
}

/// The lowest fidelity that anybody may be given.
fn lowest(route: &Route) -> Fidelity {
    let callers = route.floor_for_callers.unwrap_or(route.floor);
    callers.max(route.floor)
}

/// A template without the names of its parameters, and with the pairs of its query in order.
pub(in crate::config) fn shape(template: &str) -> String {
    let (path, query) = template.split_once('?').unwrap_or((template, ""));
    let segments = path.split('/').map(|segment| match segment {
        rest if rest.starts_with("{*") => "{*}",
        one if one.starts_with('{') => "{}",
        literal => literal,
    });
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let path = segments.collect::<Vec<_>>().join("/");
    format!("{path}?{}", pairs.join("&"))
}
