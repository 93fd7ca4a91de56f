//! Which phrases of the list a text holds, all found in one pass.
//!
//! A phrase begins where a word does, so at each word only the phrases are compared that begin with its first two letters.
//! Searching the text for each phrase by itself took most of the time that a verdict on a small error takes.

use std::{ops::Range, sync::LazyLock};

use super::lines::{LINES, Line};

/// Sixty-four phrases each. A test holds that they are enough.
const PARTS: usize = 8;

/// Kinds of first letters: those from a to z, and anything else.
const LETTERS: usize = 27;

/// A set of phrases.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held([u64; PARTS]);

/// A phrase and its place in the sets.
type Placed = (&'static str, usize);

/// A line of the list, its phrases by their places too.
#[derive(Debug)]
pub(super) struct Placing {
    pub(super) line: &'static Line,
    words: Vec<Placed>,
    near: Vec<Placed>,
    any_word: Held,
    any_near: Held,
}

/// The list, made ready for a pass.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) lines: Vec<Placing>,
    /// Each phrase once, in order; its place is its number.
    phrases: Vec<&'static str>,
    /// Where in them those begin and end that have the same two first letters, by these.
    starts: Vec<Range<usize>>,
}

/// The index of the list.
pub(super) fn index() -> &'static Index {
    static INDEX: LazyLock<Index> = LazyLock::new(|| Index::of(LINES));
    &INDEX
}

// === impl Held ===

impl Held {
    fn insert(&mut self, place: usize) {
        if let Some(part) = self.0.get_mut(place / 64) {
            *part |= 1 << (place % 64);
        }
    }

    fn has(&self, place: usize) -> bool {
        let part = self.0.get(place / 64).copied().unwrap_or_default();
        part >> (place % 64) & 1 == 1
    }

    fn meets(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.into_iter().any(|(one, other)| one & other != 0)
    }

    fn of(phrases: &[Placed]) -> Self {
        let mut held = Self::default();
        for (_, place) in phrases {
            held.insert(*place);
        }
        held
    }
}

// === impl Placing ===

impl Placing {
    /// Whether a text that holds these can hold what the line is about.
    pub(super) fn may_hold(&self, held: &Held) -> bool {
        self.any_word.meets(held) && (self.near.is_empty() || self.any_near.meets(held))
    }

    /// The line's own phrases that are held, in its order.
    pub(super) fn words<'a>(&'a self, held: &'a Held) -> impl Iterator<Item = &'static str> + 'a {
        of_those(&self.words, held)
    }

    /// Those that must stand nearby.
    pub(super) fn near<'a>(
        &'a self,
        held: &'a Held,
    ) -> impl Iterator<Item = &'static str> + Clone + 'a {
        of_those(&self.near, held)
    }
}

fn of_those<'a>(
    phrases: &'a [Placed],
    held: &'a Held,
) -> impl Iterator<Item = &'static str> + Clone + 'a {
    let held = phrases.iter().filter(|(_, place)| held.has(*place));
    held.map(|(phrase, _)| *phrase)
}

// === impl Index ===

impl Index {
    fn of(lines: &'static [Line]) -> Self {
        let all = lines
            .iter()
            .flat_map(|line| line.words.iter().chain(line.near));
        let mut phrases: Vec<&'static str> = all.copied().collect();
        phrases.sort_unstable_by_key(|phrase| (slot(phrase.as_bytes()), *phrase));
        phrases.dedup();
        let placed = |some: &'static [&'static str]| -> Vec<Placed> {
            let place = |phrase: &'static str| phrases.iter().position(|one| *one == phrase);
            some.iter()
                .filter_map(|phrase| Some((*phrase, place(phrase)?)))
                .collect()
        };
        let lines = lines.iter().map(|line| {
            let (words, near) = (placed(line.words), placed(line.near));
            Placing {
                line,
                any_word: Held::of(&words),
                any_near: Held::of(&near),
                words,
                near,
            }
        });
        let lines = lines.collect();
        let starts = (0..LETTERS * LETTERS).map(|here| {
            let before = |bound| phrases.partition_point(|phrase| slot(phrase.as_bytes()) < bound);
            before(here)..before(here + 1)
        });
        let starts = starts.collect();
        Self {
            lines,
            phrases,
            starts,
        }
    }

    /// The phrases that a text holds, whose words each have a space before them.
    pub(super) fn held_by(&self, text: &str) -> Held {
        let mut held = Held::default();
        for space in memchr::memchr_iter(b' ', text.as_bytes()) {
            let word = text.as_bytes().get(space + 1..).unwrap_or_default();
            let Some(same_start) = self.starts.get(slot(word)) else {
                continue;
            };
            let phrases = self.phrases.get(same_start.clone()).unwrap_or_default();
            for (place, phrase) in same_start.clone().zip(phrases) {
                if word.starts_with(phrase.as_bytes()) {
                    held.insert(place);
                }
            }
        }
        held
    }
}

/// Where in the table of starts a text belongs.
fn slot(text: &[u8]) -> usize {
    let letter = |at: usize| match text.get(at) {
        Some(letter @ b'a'..=b'z') => usize::from(letter - b'a') + 1,
        Some(_) | None => 0,
    };
    letter(0) * LETTERS + letter(1)
}

#[cfg(test)]
mod tests;
