//! A YAML text as a tree that knows where each of its nodes stands.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned, options::DuplicateKeyPolicy};

use crate::written::mistake::{Mistakes, Place};

/// The deepest nesting of a file.
const MAX_DEPTH: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands; for what an alias names, the alias.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it stands.
    pub at: Place,
    /// What it is called.
    pub name: String,
}

/// A value of YAML.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number. How it was written is in the text, at the node's place.
    Number(f64),
    /// A text, in quotes or not.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text, with each key once.
    Map(Vec<(Key, Node)>),
}

/// Reads a text, or says what is wrong with it. Of keys that stand twice the first is kept, and the others are mistakes.
///
/// ```
/// use healing_core::written::{Mistakes, read};
/// let mut mistakes = Mistakes::default();
/// let file = read("listen: 127.0.0.1:8080\n", &mut mistakes).unwrap();
/// assert_eq!(file.find("listen").unwrap().text(), Some("127.0.0.1:8080"));
/// assert_eq!(file.find("listen").unwrap().at.column, 9);
/// ```
pub fn read(text: &str, mistakes: &mut Mistakes) -> Option<Node> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options) {
        Ok(whole) => {
            let mut whole = Node::from(whole);
            whole.keep_first_keys(mistakes);
            Some(whole)
        }
        Err(error) => {
            let mut at = error.location().map(Place::from).unwrap_or_default();
            at.start = byte_of(text, at.line, at.column);
            at.end = at.start;
            let message = error.without_snippet().to_string();
            // The place is said once.
            let what = message
                .rsplit_once(" at line ")
                .map_or(&*message, |(what, _)| what);
            mistakes.say(
                at,
                format!("no YAML: {what}; look at quotes, brackets and indentation"),
            );
            None
        }
    }
}

/// The byte of a line and a column.
fn byte_of(text: &str, line: u64, column: u64) -> usize {
    let before = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut lines = text.split_inclusive('\n');
    let start: usize = lines.by_ref().take(before(line)).map(str::len).sum();
    let letters = lines
        .next()
        .unwrap_or_default()
        .chars()
        .take(before(column));
    start + letters.map(char::len_utf8).sum::<usize>()
}

// === impl Node ===

impl Node {
    /// What stands under a key of a map.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|(key, _)| key.name == name);
        entry.map(|(_, node)| node)
    }

    /// The entries of a map; none where it is no map.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                &[]
            }
        }
    }

    /// The items of a list, or the one value that stands in its place.
    #[must_use]
    pub fn each(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                std::slice::from_ref(self)
            }
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                None
            }
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The bool, where it is one.
    #[must_use]
    pub const fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(bool) => Some(bool),
            Value::Null | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                None
            }
        }
    }

    /// Takes out the keys that stand twice in a map.
    fn keep_first_keys(&mut self, mistakes: &mut Mistakes) {
        match &mut self.value {
            Value::List(items) => {
                for item in items {
                    item.keep_first_keys(mistakes);
                }
            }
            Value::Map(entries) => {
                let mut lines: BTreeMap<String, u64> = BTreeMap::new();
                entries.retain_mut(|(key, node)| {
                    if let Some(line) = lines.get(&key.name) {
                        let message = format!(
                            "the key {:?} stands in line {line} already; keep one of them",
                            key.name
                        );
                        mistakes.say(key.at, message);
                        return false;
                    }
                    lines.insert(key.name.clone(), key.at.line);
                    node.keep_first_keys(mistakes);
                    true
                });
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self {
            at: spanned.referenced.into(),
            value: spanned.value,
        }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        let span = location.span();
        let start = span.byte_offset().unwrap_or_default();
        let end = start.saturating_add(span.byte_len().unwrap_or_default());
        let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        Self {
            line: location.line(),
            column: location.column(),
            start: byte(start),
            end: byte(end),
        }
    }
}

// === impl Value ===

/// Shows it as a file would say it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => bool.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a map"),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let key = Key {
                at: key.referenced.into(),
                name: key.value,
            };
            map.push((key, entries.next_value::<Spanned<Value>>()?.into()));
        }
        Ok(Value::Map(map))
    }
}
