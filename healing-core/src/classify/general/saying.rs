//! What a text says that stands where data should be: an ordered list of phrases, each of a class. Only texts of answers that
//! carry no data are read here; a headline about rate limits never is.

mod index;
mod lines;
mod phrases;

use crate::vocabulary::fault::FaultClass;

use index::{Held, Placing, index};

/// Bytes of one text that are read.
const READ_UP_TO: usize = 2 * 1024;

/// Places of one phrase that are looked around: a text that repeats itself says no more for it.
const MAX_PLACES: usize = 16;

/// Words between two phrases that belong together.
const NEAR: usize = 8;

/// What a text says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Said {
    pub(super) class: FaultClass,
    /// The phrases of our list that were found; the second is empty where one was enough.
    pub(super) words: [&'static str; 2],
    /// Whether the words are many things to many sources, so that a status that says something else wins.
    pub(super) weak: bool,
}

/// A text in lower case, its names split (`apiKeyInvalid`, `NOT_FOUND`), its addresses and punctuation gone.
struct Plain(String);

/// Reads a text; in a page some words mean a wall that in an answer for programs mean a permission.
pub(super) fn read(text: &str, is_page: bool) -> Option<Said> {
    let plain = Plain::of(text);
    let held = index().held_by(&plain.0);
    let lines = index().lines.iter();
    let lines = lines.filter(|placing| is_page || !placing.line.only_pages);
    lines
        .filter(|placing| placing.may_hold(&held))
        .find_map(|placing| placing.said(&plain, &held))
}

// === impl Placing ===

impl Placing {
    /// What the line says of a text that holds these.
    fn said(&self, text: &Plain, held: &Held) -> Option<Said> {
        let words = if self.line.near.is_empty() {
            [self.words(held).next()?, ""]
        } else {
            text.together(self.words(held), &self.near(held))?
        };
        Some(Said {
            class: self.line.class,
            words,
            weak: self.line.weak,
        })
    }
}

// === impl Plain ===

impl Plain {
    fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(READ_UP_TO);
        let words = text.get(..end).unwrap_or_default().split_whitespace();
        let mut plain = String::from(" ");
        for word in words.filter(|word| !is_address(word)) {
            let mut was_lower = false;
            for letter in word.chars().filter(|letter| !matches!(letter, '\'' | '’')) {
                if letter.is_uppercase() && was_lower {
                    plain.push(' ');
                }
                was_lower = letter.is_lowercase();
                if letter.is_alphanumeric() {
                    plain.extend(letter.to_lowercase());
                } else if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            if !plain.ends_with(' ') {
                plain.push(' ');
            }
        }
        Self(plain)
    }

    /// Where a phrase begins, each time at the start of a word.
    fn places<'a>(&'a self, phrase: &'static str) -> impl Iterator<Item = usize> + 'a {
        self.0.match_indices(phrase).map(|(at, _)| at).filter(|at| {
            at.checked_sub(1)
                .and_then(|before| self.0.as_bytes().get(before))
                .is_some_and(|byte| *byte == b' ')
        })
    }

    /// The first pair of phrases that stand near each other.
    fn together(
        &self,
        some: impl Iterator<Item = &'static str>,
        others: &(impl Iterator<Item = &'static str> + Clone),
    ) -> Option<[&'static str; 2]> {
        for one in some {
            for here in self.places(one).take(MAX_PLACES) {
                let other = others.clone().find(|other| {
                    self.places(other)
                        .any(|there| self.words_between(here, there) <= NEAR)
                });
                if let Some(other) = other {
                    return Some([one, other]);
                }
            }
        }
        None
    }

    fn words_between(&self, one: usize, other: usize) -> usize {
        let between = self.0.get(one.min(other)..one.max(other));
        between.map_or(usize::MAX, |text| {
            text.bytes().filter(|b| *b == b' ').count()
        })
    }
}

/// Addresses speak of plans and keys whatever the sentence around them says.
fn is_address(word: &str) -> bool {
    word.contains("://") || word.contains("www.")
}
