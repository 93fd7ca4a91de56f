//! What is looked at where a pointer leads: one bit, or one slot, for each question.

use crate::classify::{
    freshness::Moment,
    rules::{
        age::Reading,
        words::{self, Words},
    },
};

/// The most looks of one file.
pub(super) const MAX_LOOKS: usize = 512;
/// The most fields of one file whose newest value, amount or count is kept.
pub(super) const MAX_SLOTS: usize = 16;

/// A question about a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// Is it there, even as null?
    There,
    /// Is it there and not null?
    Present,
    /// Is it null, `""`, `[]` or `{}`?
    Empty,
    /// Is its key the only one of its object?
    Only,
    /// Is it one of these?
    Equals(Vec<Scalar>),
    /// Is it none of these?
    Differs(Vec<Scalar>),
    /// Is it a text like that, or for a limit a number?
    Words(Words),
    /// Is it of this type?
    Is(Type),
    /// The newest moment, kept in a slot.
    Newest(usize, Reading),
    /// The first number, kept in a slot.
    Amount(usize),
    /// How many there are, kept in a slot.
    Count(usize),
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Bool(bool),
    Number(f64),
    Text(Box<str>),
}

/// A type of JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Type {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

/// A value as a walk meets it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<'a> {
    Object,
    Array,
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
}

/// What a walk found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    bits: [u64; MAX_LOOKS / 64],
    /// The places of the values that were found, for looks that compare with several.
    which: [u8; MAX_LOOKS],
    newest: [Option<Moment>; MAX_SLOTS],
    amounts: [Option<f64>; MAX_SLOTS],
    counts: [u32; MAX_SLOTS],
}

// === impl Type ===

impl Type {
    /// All six, by the names that a file uses.
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("object", Self::Object),
        ("array", Self::Array),
        ("string", Self::Text),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("null", Self::Null),
    ];

    const fn of(seen: Seen<'_>) -> Self {
        match seen {
            Seen::Object => Self::Object,
            Seen::Array => Self::Array,
            Seen::Null => Self::Null,
            Seen::Bool(_) => Self::Bool,
            Seen::Number(_) => Self::Number,
            Seen::Text(_) => Self::Text,
        }
    }
}

// === impl Scalar ===

impl Scalar {
    fn is(&self, seen: Seen<'_>) -> bool {
        match (self, seen) {
            (Self::Bool(bool), Seen::Bool(seen)) => *bool == seen,
            // Numbers that a file names are small and whole, or texts.
            (Self::Number(number), Seen::Number(seen)) => (number - seen).abs() < f64::EPSILON,
            (Self::Text(text), Seen::Text(seen)) => **text == *seen,
            _ => false,
        }
    }
}

// === impl Found ===

impl Found {
    pub(super) const fn nothing() -> Self {
        Self {
            bits: [0; MAX_LOOKS / 64],
            which: [0; MAX_LOOKS],
            newest: [None; MAX_SLOTS],
            amounts: [None; MAX_SLOTS],
            counts: [0; MAX_SLOTS],
        }
    }

    pub(super) fn bit(&self, look: usize) -> bool {
        self.bits
            .get(look / 64)
            .is_some_and(|word| word >> (look % 64) & 1 == 1)
    }

    /// The place of the value that was found first, of those that a look compares with.
    pub(super) fn which(&self, look: usize) -> usize {
        self.which.get(look).copied().map_or(0, usize::from)
    }

    pub(super) fn newest(&self, slot: usize) -> Option<Moment> {
        self.newest.get(slot).copied().flatten()
    }

    pub(super) fn amount(&self, slot: usize) -> Option<f64> {
        self.amounts.get(slot).copied().flatten()
    }

    pub(super) fn count(&self, slot: usize) -> u32 {
        self.counts.get(slot).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, look: usize) {
        if let Some(word) = self.bits.get_mut(look / 64) {
            *word |= 1 << (look % 64);
        }
    }

    /// Takes one look at a value. What is only known when the value ends comes later: [`Look::Empty`] of a container and
    /// [`Look::Only`].
    pub(super) fn look(&mut self, n: usize, look: &Look, seen: Seen<'_>) {
        let which = match look {
            Look::There => Some(0),
            Look::Present => (!matches!(seen, Seen::Null)).then_some(0),
            Look::Empty => matches!(seen, Seen::Null | Seen::Text("")).then_some(0),
            Look::Equals(values) => values.iter().position(|value| value.is(seen)),
            Look::Differs(values) => {
                let differs = !values.iter().any(|value| value.is(seen));
                differs.then_some(usize::MAX) // from all of them
            }
            Look::Words(words) => which(words, seen),
            Look::Is(wanted) => (Type::of(seen) == *wanted).then_some(0),
            Look::Only => None,
            Look::Newest(..) | Look::Amount(_) | Look::Count(_) => return self.keep(look, seen),
        };
        let Some(which) = which.filter(|_| !self.bit(n)) else {
            return;
        };
        self.set(n);
        if let Some(place) = self.which.get_mut(n) {
            *place = u8::try_from(which).unwrap_or(u8::MAX);
        }
    }

    /// Keeps what a slot is for.
    fn keep(&mut self, look: &Look, seen: Seen<'_>) {
        if let Look::Newest(slot, reading) = look
            && let Some(slot) = self.newest.get_mut(*slot)
            && let Some(moment) = reading.read(seen)
        {
            *slot = Some(slot.map_or(moment, |slot| slot.later(moment)));
        }
        if let Look::Amount(slot) = look
            && let Some(slot) = self.amounts.get_mut(*slot)
        {
            *slot = slot.or_else(|| amount(seen));
        }
        if let Look::Count(slot) = look
            && let Some(slot) = self.counts.get_mut(*slot)
            && !matches!(seen, Seen::Null)
        {
            *slot = slot.saturating_add(1);
        }
    }
}

fn which(words: &Words, seen: Seen<'_>) -> Option<usize> {
    match (words, seen) {
        (Words::Above(limit), Seen::Number(number)) => (number > *limit).then_some(0),
        (Words::Below(limit), Seen::Number(number)) => (number < *limit).then_some(0),
        (_, Seen::Text(text)) => words.which(text.as_bytes()),
        (_, Seen::Object | Seen::Array | Seen::Null | Seen::Bool(_) | Seen::Number(_)) => None,
    }
}

fn amount(seen: Seen<'_>) -> Option<f64> {
    match seen {
        Seen::Number(number) => Some(number),
        Seen::Text(text) => words::number(text.as_bytes()),
        Seen::Object | Seen::Array | Seen::Null | Seen::Bool(_) => None,
    }
}
