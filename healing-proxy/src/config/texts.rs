//! The texts that a configuration is put together of: a file, variables of the environment, flags.
//!
//! They lie one behind the other, so that a byte's place tells which of them a value is from.

use healing_core::written::{Node, Place, Value};

/// All texts of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    whole: String,
    /// The first byte of each text, and what it is called.
    begins: Vec<(usize, Whence)>,
}

/// Where a value is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Whence {
    /// The file of this name.
    File(String),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

// === impl Texts ===

impl Texts {
    /// A file's text, which comes first.
    pub(crate) fn of_file(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            whole: text.into(),
            begins: vec![(0, Whence::File(name.into()))],
        }
    }

    /// Adds a text, and moves what was read of it to its place here.
    pub(crate) fn add(&mut self, whence: Whence, text: &str, node: &mut Node) {
        let begin = self.whole.len();
        self.begins.push((begin, whence));
        self.whole.push_str(text);
        shift(node, begin);
    }

    /// What stands at a place.
    pub(crate) fn at(&self, place: Place) -> &str {
        self.whole.get(place.start..place.end).unwrap_or_default()
    }

    /// Where what stands at a place is from.
    pub(crate) fn whence(&self, place: Place) -> Option<&Whence> {
        // A place that is not known is said of the file.
        let found = self
            .begins
            .iter()
            .rev()
            .find(|(begin, _)| *begin <= place.start);
        found.map(|(_, whence)| whence)
    }
}

/// Moves a tree behind the texts before it. Lines are those of the file.
fn shift(node: &mut Node, by: usize) {
    moved(&mut node.at, by);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Value::Map(entries) => {
            for (key, value) in entries {
                moved(&mut key.at, by);
                shift(value, by);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

const fn moved(place: &mut Place, by: usize) {
    place.line = 0;
    place.column = 0;
    place.start += by;
    place.end += by;
}
