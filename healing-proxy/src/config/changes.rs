//! What differs between two configurations, in a line for people.

use std::{collections::BTreeSet, fmt};

use serde_json::Value as Json;

use crate::{
    config::{Config, Meant, apply::asides, decode::PLACES},
    upstream::Origin,
};

/// The keys that are read once, at the start.
const AT_START: &[&str] = &[
    "listen",
    "admin",
    "upstream",
    "trusted_proxies",
    "identity",
    "body",
    "cache",
    "budget",
    "store",
    "log",
];

/// Keys whose values are not told.
const UNTOLD: &[&str] = &["database", "alerts"];

/// Lines that are told of one change; the others are counted.
const TOLD: usize = 8;

/// What differs between two configurations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Change {
    lines: Vec<String>,
    /// The keys that hold only after a restart.
    pub(crate) after_restart: Vec<&'static str>,
}

// === impl Change ===

impl Change {
    /// What is new in the second one.
    pub(crate) fn between(old: &Meant, new: &Meant) -> Self {
        let mut change = Self::default();
        change.compare("", &old.plain, &new.plain);
        let differs = |key: &&&str| {
            without_places(old.plain.get(**key)) != without_places(new.plain.get(**key))
        };
        change.after_restart = AT_START.iter().filter(differs).copied().collect();
        let has_other_asides = !asides(&old.config).eq(asides(&new.config));
        if has_other_asides || ways(&old.config) != ways(&new.config) {
            change
                .after_restart
                .push("upstreams and mounts of sources, and routes to them");
        }
        change
    }

    fn compare(&mut self, path: &str, old: &Json, new: &Json) {
        match (old, new) {
            (Json::Object(before), Json::Object(after)) => {
                let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for key in keys.into_iter().filter(|key| *key != PLACES) {
                    let below = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    let value = |map: &serde_json::Map<String, Json>| {
                        map.get(key).cloned().unwrap_or_default()
                    };
                    self.compare(&below, &value(before), &value(after));
                }
            }
            (Json::Array(before), Json::Array(after)) if path == "routes" => {
                self.routes(before, after);
            }
            _ => {
                let (old, new) = (without_places(Some(old)), without_places(Some(new)));
                if old != new {
                    self.lines.push(line(path, &old, &new));
                }
            }
        }
    }

    /// Routes are the same by their paths, wherever they stand.
    fn routes(&mut self, before: &[Json], after: &[Json]) {
        let path = |route: &Json| {
            route
                .get("match")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let find = |routes: &[Json], wanted: &str| {
            routes.iter().find(|route| path(route) == wanted).cloned()
        };
        for route in after {
            match find(before, &path(route)) {
                Some(old) => self.compare(&format!("routes {}", path(route)), &old, route),
                None => self.lines.push(format!("route {} is new", path(route))),
            }
        }
        for route in before
            .iter()
            .filter(|route| find(after, &path(route)).is_none())
        {
            self.lines.push(format!("route {} is gone", path(route)));
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lines.is_empty() {
            return f.write_str("nothing is different");
        }
        let told: Vec<&str> = self.lines.iter().take(TOLD).map(String::as_str).collect();
        f.write_str(&told.join("; "))?;
        match self.lines.len().saturating_sub(TOLD) {
            0 => {}
            more => write!(f, "; and {more} more")?,
        }
        if !self.after_restart.is_empty() {
            write!(f, "; after a restart: {}", self.after_restart.join(", "))?;
        }
        Ok(())
    }
}

/// What decides where requests go, of one source.
#[derive(Eq, PartialEq)]
struct Way<'c> {
    slug: &'c str,
    mount: Option<&'c str>,
    origins: Vec<&'c Origin>,
    routes: Vec<&'c str>,
}

fn ways(config: &Config) -> Vec<Way<'_>> {
    let with = config
        .sources
        .iter()
        .filter(|(_, source)| !source.upstreams.is_empty());
    let ways = with.map(|(slug, source)| {
        let routes = config
            .routes
            .iter()
            .filter(|route| route.source.as_ref() == Some(slug));
        let routes = routes.map(|route| &*route.r#match);
        let claimed = source.r#match.iter().map(String::as_str);
        let routes = routes.chain(claimed).filter(|_| source.mount.is_none());
        Way {
            slug,
            mount: source.mount.as_deref(),
            origins: source
                .upstreams
                .iter()
                .map(|upstream| &upstream.url)
                .collect(),
            routes: routes.collect(),
        }
    });
    ways.collect()
}

/// One difference. Long values and those that may be secret are not told.
fn line(path: &str, old: &Json, new: &Json) -> String {
    let is_untold = UNTOLD.iter().any(|key| path.starts_with(key));
    let is_short = |value: &Json| {
        !value.is_object() && value.to_string().len() <= 40 && !value.to_string().contains('@')
    };
    match (old, new) {
        (Json::Null, _) => format!("{path} is new"),
        (_, Json::Null) => format!("{path} is gone"),
        _ if !is_untold && is_short(old) && is_short(new) => format!("{path} {old} -> {new}"),
        _ => format!("{path} is different"),
    }
}

/// A value without the places in it.
fn without_places(value: Option<&Json>) -> Json {
    match value {
        None => Json::Null,
        Some(Json::Object(map)) => {
            let own = map.iter().filter(|(key, _)| *key != PLACES);
            own.map(|(key, value)| (key.clone(), without_places(Some(value))))
                .collect()
        }
        Some(Json::Array(items)) => items
            .iter()
            .map(|item| without_places(Some(item)))
            .collect(),
        Some(other) => other.clone(),
    }
}
