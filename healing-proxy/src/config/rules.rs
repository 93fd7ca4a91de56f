//! The rules of a source: those of the file, its promise, the freshness of its routes, and after them those of its preset.

use std::{collections::BTreeMap, sync::Arc};

use healing_core::{
    classify::{Calendars, Rules, Sources},
    written::{Key, Mistakes, Node, Place, Value, read},
};

use crate::config::typed::{Config, Freshness, Route};

/// The lists of a file of rules that are put together.
const LISTS: [&str; 3] = ["rules", "freshness", "complete"];

/// What the rules of a source are put together of.
#[derive(Debug, Default)]
struct Parts {
    at: Place,
    lists: BTreeMap<&'static str, Vec<Node>>,
}

/// The rules of every source for which the file says something that its preset does not.
pub(super) fn all(
    tree: &Node,
    config: &Config,
    calendars: &Calendars,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, Arc<Rules>> {
    let mut parts: BTreeMap<&str, Parts> = BTreeMap::new();
    for (slug, source) in &config.sources {
        let written = tree.find("sources").and_then(|sources| sources.find(slug));
        let own = parts.entry(slug).or_default();
        own.at = source.at.own();
        if let Some(node) = written {
            own.add_lists_of(node);
        }
        for pointer in source.promise.iter().flat_map(|promise| &promise.json) {
            let at = source.at.of("promise");
            let number = own.list("rules").len();
            own.list("rules").push(promise(pointer, number, at));
        }
    }
    for route in &config.routes {
        if let (Some(slug), Some(freshness)) = (&route.source, &route.freshness) {
            let own = parts.entry(slug).or_default();
            own.list("freshness").push(age(route, freshness));
        }
    }
    let all = parts.into_iter().filter_map(|(slug, mut own)| {
        let preset = config
            .sources
            .get(slug)
            .and_then(|source| source.preset.as_deref());
        let is_other = preset.is_some_and(|preset| preset != slug);
        if own.lists.values().all(Vec::is_empty) && !is_other {
            return None; // what is built in under its name holds
        }
        own.add_preset(preset.unwrap_or(slug));
        let rules = Rules::of(slug, &own.into_node(), calendars, mistakes)?;
        Some((slug.to_owned(), Arc::new(rules)))
    });
    all.collect()
}

// === impl Parts ===

impl Parts {
    fn list(&mut self, name: &'static str) -> &mut Vec<Node> {
        self.lists.entry(name).or_default()
    }

    fn add_lists_of(&mut self, node: &Node) {
        for name in LISTS {
            let items = node.find(name).map_or(&[][..], Node::each);
            self.list(name).extend(items.iter().cloned());
        }
    }

    /// Adds a preset, without the rules whose names the file has used.
    fn add_preset(&mut self, preset: &str) {
        let file =
            Sources::built_in_file(preset).and_then(|text| read(text, &mut Mistakes::default()));
        let Some(file) = file else {
            return;
        };
        let name = |node: &Node| node.find("name").and_then(Node::text).map(str::to_owned);
        let own: Vec<_> = self.list("rules").iter().filter_map(name).collect();
        self.add_lists_of(&file);
        let mut seen = 0;
        self.list("rules").retain(|node| {
            seen += 1;
            seen <= own.len() || name(node).is_none_or(|name| !own.contains(&name))
        });
    }

    fn into_node(self) -> Node {
        let at = self.at;
        let entries = self.lists.into_iter().map(|(name, items)| {
            let key = Key {
                at,
                name: name.to_owned(),
            };
            (
                key,
                Node {
                    at,
                    value: Value::List(items),
                },
            )
        });
        Node {
            at,
            value: Value::Map(entries.collect()),
        }
    }
}

/// A good answer without what was promised is none.
fn promise(pointer: &str, number: usize, at: Place) -> Node {
    let pointer = map(at, [("json", text(at, pointer))]);
    let when = map(
        at,
        [
            (
                "status",
                Node {
                    at,
                    value: Value::Number(200.0),
                },
            ),
            ("not", pointer),
        ],
    );
    map(
        at,
        [
            ("name", text(at, &format!("promise_{number}"))),
            ("class", text(at, "malformed_body")),
            ("when", when),
        ],
    )
}

/// The freshness of a route, as an item of its source's.
fn age(route: &Route, freshness: &Freshness) -> Node {
    let at = route.at.of("freshness");
    let template = &route.r#match;
    let literal = template.split(['{', '?']).next().unwrap_or(template);
    let age = healing_core::written::span_text(freshness.max_age);
    map(
        at,
        [
            ("when", map(at, [("path", text(at, literal))])),
            ("json", text(at, &freshness.field)),
            ("unit", text(at, &freshness.unit)),
            ("max_age", text(at, &age)),
            ("calendar", text(at, &freshness.calendar)),
        ],
    )
}

fn map<const N: usize>(at: Place, entries: [(&str, Node); N]) -> Node {
    let entries = entries.into_iter().map(|(name, node)| {
        (
            Key {
                at,
                name: name.to_owned(),
            },
            node,
        )
    });
    Node {
        at,
        value: Value::Map(entries.collect()),
    }
}

fn text(at: Place, text: &str) -> Node {
    Node {
        at,
        value: Value::Text(text.to_owned()),
    }
}
