//! The rules of a source: those of the file, its promise, and after them those of its preset.

use std::{collections::BTreeMap, sync::Arc};

use healing_core::{
    classify::{Calendars, Rules, Sources},
    written::{Key, Mistakes, Node, Place, Value, read},
};

use crate::config::typed::{Config, Route};

/// The lists of a file of rules that are put together.
const LISTS: [&str; 4] = ["hosts", "rules", "freshness", "complete"];

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
        own.list("rules").iter_mut().for_each(count_anywhere);
        for pointer in source.promise.iter().flat_map(|promise| &promise.json) {
            let at = source.at.of("promise");
            let number = own.list("rules").len();
            own.list("rules").push(promise(pointer, number, at));
        }
    }
    let all = parts.into_iter().filter_map(|(slug, mut own)| {
        let source = config.sources.get(slug)?;
        let preset = source.preset.as_deref();
        let is_other = preset.is_some_and(|preset| preset != slug);
        let says_nothing = own.lists.values().all(Vec::is_empty);
        if says_nothing && !is_other && source.upstreams.is_empty() {
            return None; // what is built in under its name holds
        }
        own.add_preset(preset.unwrap_or(slug));
        if own.lists.values().all(Vec::is_empty) {
            return None;
        }
        let rules = Rules::of(slug, &own.into_node(), calendars, mistakes)?;
        let addresses = source.upstreams.iter().map(|upstream| &upstream.url);
        let rules = rules.at_hosts(addresses.map(|url| url.authority().host()));
        Some((slug.to_owned(), Arc::new(rules)))
    });
    all.collect()
}

/// The rules of a route: what it promises, where it does.
pub(super) fn of_route(route: &Route, slug: &str, mistakes: &mut Mistakes) -> Option<Rules> {
    let at = route.at.of("promise");
    let promised = route.promise.iter().flat_map(|promise| &promise.json);
    let mut parts = Parts {
        at,
        ..Parts::default()
    };
    let rules = parts.list("rules");
    for pointer in promised {
        let number = rules.len();
        rules.push(promise(pointer, number, at));
    }
    if rules.is_empty() {
        return None;
    }
    Rules::of(slug, &parts.into_node(), &Calendars::built_in(), mistakes)
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
            (
                key(at, name),
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
            ("anywhere", yes(at)),
        ],
    )
}

/// What an operator says of a source holds wherever it is asked, also behind an API.
fn count_anywhere(rule: &mut Node) {
    let at = rule.at;
    if rule.find("anywhere").is_none()
        && let Value::Map(entries) = &mut rule.value
    {
        entries.push((key(at, "anywhere"), yes(at)));
    }
}

fn map<const N: usize>(at: Place, entries: [(&str, Node); N]) -> Node {
    let entries = entries.into_iter();
    let entries = entries.map(|(name, node)| (key(at, name), node));
    Node {
        at,
        value: Value::Map(entries.collect()),
    }
}

fn key(at: Place, name: &str) -> Key {
    Key {
        at,
        name: name.to_owned(),
    }
}

const fn yes(at: Place) -> Node {
    Node {
        at,
        value: Value::Bool(true),
    }
}

fn text(at: Place, text: &str) -> Node {
    Node {
        at,
        value: Value::Text(text.to_owned()),
    }
}
