//! What is wrong with a text, all of it at once.

use std::fmt;

/// A place in a text. The default is one that is not known.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column in characters, from 1; 0 where it is not known.
    pub column: u64,
    /// The byte that it begins at.
    pub start: usize,
    /// The byte after its last one; `start` where only its beginning is known.
    pub end: usize,
}

/// One mistake in a text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// The key or value that is wrong, and after a semicolon what would be right.
    pub message: String,
}

/// The mistakes that were found so far.
///
/// ```
/// use healing_core::written::{Mistakes, Place};
/// let mut mistakes = Mistakes::default();
/// mistakes.say(Place::default(), "a source needs the key \"upstreams\"");
/// assert_eq!(mistakes.len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

// === impl Mistake ===

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        if line > 0 {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

// === impl Mistakes ===

impl Mistakes {
    /// Notes a mistake.
    pub fn say(&mut self, place: Place, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Mistake { place, message });
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of their places.
    #[must_use]
    pub fn in_order(self) -> Vec<Mistake> {
        let Self(mut mistakes) = self;
        mistakes.sort();
        // An alias shows the same node more than once.
        mistakes.dedup();
        mistakes
    }
}

/// Says that a word is none of those that are known, and which of them it may have been.
///
/// ```
/// # use healing_core::written::unknown;
/// let said = unknown("key of a rule", "clas", &["class", "when"]);
/// assert_eq!(said, r#"unknown key of a rule "clas"; did you mean "class"?"#);
/// ```
#[must_use]
pub fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let remedy = nearest(word, known).map_or_else(
        || format!("one of {}", known.join(", ")),
        |near| format!("did you mean {near:?}?"),
    );
    format!("unknown {what} {word:?}; {remedy}")
}

/// The known word that a mistyped one is nearest to, where one is near.
///
/// ```
/// # use healing_core::written::nearest;
/// assert_eq!(nearest("lisen", &["listen", "admin"]), Some("listen"));
/// assert_eq!(nearest("colour", &["listen", "admin"]), None);
/// ```
#[must_use]
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known
        .iter()
        .map(|near| (strsim::levenshtein(word, near), *near));
    let (distance, near) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + word.len() / 4).then_some(near)
}
