//! The keys of a map, checked against those that are known.

use crate::written::{Key, Mistakes, Node, Place, Value, unknown};

/// A map whose keys are all known, or were complained of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'n> {
    at: Place,
    what: &'static str,
    entries: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    pub(super) fn of(
        node: &'n Node,
        what: &'static str,
        known: &[&str],
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("a {what} must be a map, and is {}", node.value);
            mistakes.say(node.at, message);
            return None;
        };
        for (key, _) in entries {
            if !known.contains(&&*key.name) {
                let message = unknown(&format!("key of a {what}"), &key.name, known);
                mistakes.say(key.at, message);
            }
        }
        Some(Self {
            at: node.at,
            what,
            entries,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|(key, _)| key.name == name);
        entry.map(|(_, node)| node)
    }

    pub(super) fn require(&self, name: &str, mistakes: &mut Mistakes) -> Option<&'n Node> {
        let found = self.find(name);
        if found.is_none() {
            mistakes.say(self.at, format!("a {} needs the key {name:?}", self.what));
        }
        found
    }

    /// The items under a key: none where it is not there.
    pub(super) fn each(&self, name: &str) -> &'n [Node] {
        self.find(name).map_or(&[], Node::each)
    }
}
