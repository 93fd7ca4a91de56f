//! What the environment and the flags say over a file.

use std::collections::BTreeMap;

use healing_core::written::{Key, Mistakes, Node, Place, Value, read};

use crate::config::texts::{Texts, Whence};

/// Variables that begin so are a configuration's.
pub(crate) const PREFIX: &str = "HEALING_PROXY__";

/// Variables of that prefix that are none of a configuration.
const OTHERS: &[&str] = &["HEALING_PROXY__STATE", "HEALING_PROXY__CONFIG"];

/// The variables of the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

/// A value that was given on the command line, and the keys it is for.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) path: &'static [&'static str],
    pub(crate) value: String,
}

// === impl Variables ===

impl Variables {
    /// Those of this process. What is no Unicode is passed over.
    pub(crate) fn of_this_process() -> Self {
        let all = std::env::vars_os();
        Self(
            all.filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            })
            .collect(),
        )
    }

    /// What a variable holds.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.value(name)
            .is_some_and(|value| !value.trim().is_empty())
    }

    /// Those that speak of the configuration.
    fn ours(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let ours = self
            .0
            .iter()
            .filter(|(name, _)| !OTHERS.contains(&name.as_str()));
        ours.filter_map(|(name, value)| {
            Some((name.as_str(), name.strip_prefix(PREFIX)?, value.as_str()))
        })
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Puts variables over a file, and flags over both.
pub(super) fn put_over(
    file: &mut Node,
    texts: &mut Texts,
    (variables, flags): (&Variables, &[Flag]),
    mistakes: &mut Mistakes,
) {
    for (name, path, value) in variables.ours() {
        let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        let node = texts_with(texts, Whence::Variable(name.to_owned()), value);
        if let Err(at) = put(file, &path, node) {
            let message = format!(
                "{name}: there is no item {at} in the list that it names; lists are counted from 0"
            );
            mistakes.say(Place::default(), message);
        }
    }
    for flag in flags {
        let path: Vec<String> = flag.path.iter().map(|key| (*key).to_owned()).collect();
        let mut node = text(&flag.value);
        texts.add(Whence::Flag(flag.name), &flag.value, &mut node);
        // A flag's path leads through no list.
        let _always = put(file, &path, node);
    }
}

/// Reads a value as YAML, or as the text that it is, and adds it to the texts.
fn texts_with(texts: &mut Texts, whence: Whence, value: &str) -> Node {
    let mut nothing = Mistakes::default();
    let read = read(value, &mut nothing).filter(|node| !matches!(node.value, Value::Null));
    let mut node = read.unwrap_or_else(|| text(value));
    texts.add(whence, value, &mut node);
    node
}

fn text(value: &str) -> Node {
    let at = Place {
        end: value.len(),
        ..Place::default()
    };
    let value = Value::Text(value.to_owned());
    Node { at, value }
}

/// Puts a node where a path leads, making maps on the way. The error is the part that leads nowhere.
fn put(into: &mut Node, path: &[String], node: Node) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *into = node;
        return Ok(());
    };
    if let Value::List(items) = &mut into.value {
        let item = first.parse::<usize>().ok().and_then(|n| items.get_mut(n));
        return put(item.ok_or_else(|| first.clone())?, rest, node);
    }
    if !matches!(into.value, Value::Map(_)) {
        into.value = Value::Map(Vec::new());
        into.at = node.at;
    }
    let Value::Map(entries) = &mut into.value else {
        return Ok(());
    };
    if let Some((key, below)) = entries.iter_mut().find(|(key, _)| key.name == *first) {
        if rest.is_empty() {
            key.at = node.at;
        }
        return put(below, rest, node);
    }
    let mut below = Node {
        at: node.at,
        value: Value::Map(Vec::new()),
    };
    let key = Key {
        at: node.at,
        name: first.clone(),
    };
    put(&mut below, rest, node)?;
    entries.push((key, below));
    Ok(())
}
