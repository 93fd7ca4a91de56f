//! What is wrong with a file of rules, all of it at once.

use std::fmt;

/// Why a file of rules cannot be used: every mistake in it, in the order of its lines.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct RulesError {
    mistakes: Vec<Mistake>,
}

/// One mistake in a file of rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// The line, from 1, where it is known.
    pub line: Option<u64>,
    /// The column, from 1, where it is known.
    pub column: Option<u64>,
    /// The key or value that is wrong, and what would be right.
    pub message: String,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// The mistakes that were found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

// === impl RulesError ===

impl RulesError {
    pub(super) fn of(Mistakes(mut mistakes): Mistakes) -> Self {
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        Self { mistakes }
    }

    /// The mistakes, in the order of their lines.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.mistakes.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

// === impl Mistake ===

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        if let Some(column) = self.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

// === impl Mistakes ===

impl Mistakes {
    pub(super) fn say(&mut self, at: Place, message: impl Into<String>) {
        let known = |n: u64| (n > 0).then_some(n);
        self.0.push(Mistake {
            line: known(at.line),
            column: known(at.column),
            message: message.into(),
        });
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}

/// Says that a word is none of those that are known, and which of them it may have been.
pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let remedy = nearest(word, known).map_or_else(
        || format!("one of {}", known.join(", ")),
        |near| format!("did you mean {near:?}?"),
    );
    format!("unknown {what} {word:?}; {remedy}")
}

/// The known word that a mistyped one is nearest to, where one is near.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known.iter().map(|near| (distance(word, near), *near));
    let (distance, near) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + word.len() / 4).then_some(near)
}

/// How many letters must be put in, left out or changed to make one word of the other (Levenshtein's distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (n, letter) in from.chars().enumerate() {
        let mut corner = n;
        let mut left = n + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, other) in row.iter_mut().skip(1).zip(to.chars()) {
            let changed = corner + usize::from(letter != other);
            corner = *place;
            left = changed.min(left + 1).min(corner + 1);
            *place = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
