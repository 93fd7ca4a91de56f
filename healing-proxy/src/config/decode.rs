//! Reads a tree by the table of keys: says every mistake, and makes of the rest a plain value with the defaults filled in.
//!
//! A plain value has spans in milliseconds, sizes in bytes, a list where one item stood for it, and beside the keys of a map
//! their places under [`PLACES`], so that what is only wrong as a whole can be told with its place, too.

mod scalar;

use healing_core::{
    classify::Calendars,
    written::{Key as Written, Mistakes, Node, Place, Value, read, unknown},
};
use serde_json::{Map, Value as Json, json};

use crate::config::{
    keys::{OPTIONS_OF, strategy},
    shape::{Absent, Form, Key, Kind, Shape},
    texts::Texts,
};

/// The key of a plain map under which the places of its keys are; the map's own is under the empty key.
pub(super) const PLACES: &str = "@";

/// What is read, and what was wrong with it so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) texts: &'a Texts,
    pub(super) calendars: &'a Calendars,
    pub(super) presets: &'a [&'a str],
    pub(super) mistakes: &'a mut Mistakes,
}

/// A value and the key that it stands under.
#[derive(Clone, Copy, Debug)]
struct At<'n> {
    key: &'static str,
    node: &'n Node,
}

impl Reader<'_> {
    /// Reads a map; `None` where it is none.
    pub(super) fn map(&mut self, node: &Node, shape: &'static Shape) -> Option<Json> {
        let Value::Map(entries) = &node.value else {
            let keys: Vec<_> = shape.keys.iter().map(|key| key.name).collect();
            let message = format!(
                "a {} is {}; must be a map of {}",
                shape.what,
                node.value,
                keys.join(", ")
            );
            self.mistakes.say(node.at, message);
            return None;
        };
        let mut plain = Map::new();
        let mut places = Map::new();
        places.insert(String::new(), place(node.at));
        for (written, value) in entries {
            let Some(key) = self.known(written, shape) else {
                continue;
            };
            places.insert(key.name.to_owned(), place(shown(written, value)));
            if let Some(value) = self.entry(key, value) {
                plain.insert(key.name.to_owned(), value);
            }
        }
        let mut is_whole = true;
        for key in shape.keys {
            is_whole &= self.fill(key, &mut plain, node);
        }
        plain.insert(PLACES.to_owned(), Json::Object(places));
        is_whole.then_some(Json::Object(plain))
    }

    fn known(&mut self, written: &Written, shape: &'static Shape) -> Option<&'static Key> {
        let key = shape.key(&written.name);
        if key.is_none() {
            let known: Vec<_> = shape.keys.iter().map(|key| key.name).collect();
            let what = format!("key of a {}", shape.what);
            let said = if known.is_empty() {
                format!("unknown {what} {:?}; take it out", written.name)
            } else {
                unknown(&what, &written.name, &known)
            };
            self.mistakes.say(written.at, said);
        }
        key
    }

    /// What stands under a key. `null` is as good as nothing where nothing may stand.
    fn entry(&mut self, key: &'static Key, node: &Node) -> Option<Json> {
        match (&node.value, key.absent) {
            (Value::Null, Absent::Nothing) => None,
            _ => self.value(
                &key.kind,
                At {
                    key: key.name,
                    node,
                },
            ),
        }
    }

    /// Puts in what holds where a key is absent or was read in vain. `false` where the map is no use without it.
    fn fill(&mut self, key: &'static Key, plain: &mut Map<String, Json>, map: &Node) -> bool {
        if plain.contains_key(key.name) {
            return true;
        }
        match key.absent {
            Absent::Nothing => true,
            Absent::Default(text) => {
                if let Some(value) = self.default_of(key, text) {
                    plain.insert(key.name.to_owned(), value);
                }
                true
            }
            Absent::Mistake => {
                if map.find(key.name).is_none() {
                    let message = format!(
                        "{:?} is missing here; it is {}",
                        key.name,
                        decapitalized(key.says)
                    );
                    self.mistakes.say(map.at, message);
                }
                false
            }
        }
    }

    fn default_of(&mut self, key: &'static Key, text: &str) -> Option<Json> {
        let mut node = read(text, &mut Mistakes::default())?;
        node.at = Place::default();
        self.value(
            &key.kind,
            At {
                key: key.name,
                node: &node,
            },
        )
    }

    fn value(&mut self, kind: &'static Kind, at: At<'_>) -> Option<Json> {
        match kind {
            Kind::Map(shape) => self.map(at.node, shape),
            Kind::Short(key, shape) => self.short(key, shape, at.node),
            Kind::Named(form, kind) => self.named(form, kind, at),
            Kind::List(kind) => {
                let items = at.node.each().iter();
                let items = items.filter_map(|node| self.value(kind, At { node, ..at }));
                Some(Json::Array(items.collect()))
            }
            Kind::WordOr(word, kind) => match at.node.text() {
                Some(text) if text == *word => Some(json!(word)),
                _ => self.value(kind, at),
            },
            Kind::Strategy => self.strategy(at.node),
            Kind::Rules => Some(Json::Null),
            Kind::Bool
            | Kind::Whole(..)
            | Kind::Share
            | Kind::Amount
            | Kind::Number
            | Kind::Span
            | Kind::Seconds
            | Kind::Size
            | Kind::Origin
            | Kind::Template
            | Kind::Text(_)
            | Kind::Secret
            | Kind::Word(_)
            | Kind::Known(_)
            | Kind::Scalar => self.scalar(kind, at),
        }
    }

    /// A map, or the value of its first key alone.
    fn short(&mut self, key: &'static str, shape: &'static Shape, node: &Node) -> Option<Json> {
        if matches!(node.value, Value::Map(_)) {
            return self.map(node, shape);
        }
        let written = Written {
            at: node.at,
            name: key.to_owned(),
        };
        let map = Node {
            at: node.at,
            value: Value::Map(vec![(written, node.clone())]),
        };
        self.map(&map, shape)
    }

    fn named(&mut self, form: &'static Form, kind: &'static Kind, at: At<'_>) -> Option<Json> {
        let Value::Map(entries) = &at.node.value else {
            let message = format!("{}: must be a map, and is {}", at.key, at.node.value);
            self.mistakes.say(at.node.at, message);
            return None;
        };
        let mut plain = Map::new();
        for (name, node) in entries {
            if !(form.fits)(&name.name) {
                let message = format!(
                    "{}: the name {:?} does not fit; must be {}",
                    at.key, name.name, form.must_be
                );
                self.mistakes.say(name.at, message);
            } else if let Some(value) = self.value(kind, At { node, ..at }) {
                plain.insert(name.name.clone(), value);
            }
        }
        Some(Json::Object(plain))
    }

    /// A strategy's name, or a map of one name with its options.
    fn strategy(&mut self, node: &Node) -> Option<Json> {
        let nothing = Node {
            at: node.at,
            value: Value::Map(Vec::new()),
        };
        let (at, name, options) = match &node.value {
            Value::Text(name) => (node.at, name, &nothing),
            Value::Map(entries) => match entries.as_slice() {
                [(key, options)] if matches!(options.value, Value::Null) => {
                    (key.at, &key.name, &nothing)
                }
                [(key, options)] => (key.at, &key.name, options),
                _ => {
                    let message = "heal: a strategy with options is a map of one name; write each as `- name: { ... }`";
                    self.mistakes.say(node.at, message);
                    return None;
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                let message = format!(
                    "heal: must be names of strategies, and has {}; such as use_cached_data",
                    node.value
                );
                self.mistakes.say(node.at, message);
                return None;
            }
        };
        let Some(named) = strategy(name) else {
            let known: Vec<_> = OPTIONS_OF.iter().map(|named| named.name).collect();
            self.mistakes.say(at, unknown("strategy", name, &known));
            return None;
        };
        let options = self.map(options, named.options)?;
        Some(json!({ "name": named.name, "options": options, PLACES: { "": place(at) } }))
    }
}

/// Where a value is shown: a map or a list by its key, anything else by itself.
fn shown(written: &Written, value: &Node) -> Place {
    match value.value {
        Value::List(_) | Value::Map(_) => written.at,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => value.at,
    }
}

/// A sentence as it stands behind "it is".
fn decapitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn place(at: Place) -> Json {
    json!([at.line, at.column, at.start, at.end])
}
