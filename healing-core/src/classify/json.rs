//! One pass over a JSON text: which paths carry a value, and what its texts say.
//!
//! No tree is built and no string is copied: the healthy path pays for the scan alone. Paths are hashes of the keys on the
//! way; the rows of an array share their paths, and so do the values of keys that are values themselves (dates, ids).

mod blocks;
mod columns;
mod escapes;
mod names;
mod paths;
mod rows;
mod walk;
mod words;

use std::{cell::RefCell, ops::Range};

pub(crate) use names::names;

use crate::{
    body::Chunks,
    classify::{
        is_ndjson,
        json::{
            paths::Paths,
            rows::Pattern,
            walk::{Found, Text, Walk},
        },
        wording,
    },
};

/// Texts that are looked at whether they are sentences: the first few, near the top, where an error's message stands.
const MAX_TEXTS: usize = 8;
const MAX_TEXT_DEPTH: u8 = 4;

/// Bytes of such a text that are read where escapes must be undone first.
const MAX_WORDS: usize = 512;

/// Bytes that a thread keeps for bodies that came in many chunks.
const KEPT_BYTES: usize = 256 * 1024;

/// What one pass found.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// The paths that carry a value.
    pub(crate) paths: Paths,
    /// Values that are neither null nor a container.
    pub(crate) leaves: u32,
    /// Leaves that are numbers.
    pub(crate) numbers: u32,
    /// A number that texts share whose paths first carry values of the same types.
    pub(crate) types: u64,
    /// Where the first texts near the top stand, between their quotes, and whether there are escapes in them.
    texts: [(Range<usize>, bool); MAX_TEXTS],
    /// Whether one of those texts is a sentence.
    pub(crate) prose: bool,
    /// Whether the whole text is an array, even an empty one, or holds one.
    pub(crate) arrays: bool,
    /// The path of a value under a key such as `error`, where there is one.
    pub(crate) error: Option<u64>,
}

/// What a text consists of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Grammar {
    /// One value.
    Value,
    /// A value on each line: rows, as those of an array are.
    Lines,
}

/// Why a text is no JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoJson {
    /// It ends too early.
    Cut,
    /// It breaks the grammar.
    Invalid,
}

/// Scans a JSON text. Its first texts are read for their wording unless what was found is enough: that costs more than
/// all the rest.
pub(crate) fn scan(
    chunks: &Chunks,
    grammar: Grammar,
    is_enough: impl FnOnce(&Scan) -> bool,
) -> Result<Scan, NoJson> {
    in_one(chunks, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
            None => NoJson::Cut,
            Some(_) => NoJson::Invalid,
        })?;
        let mut scan = Scan::new();
        let walk = Walk::over(text, &mut scan, Pattern::new());
        match grammar {
            Grammar::Value => walk.whole()?,
            Grammar::Lines => walk.lines()?,
        }
        if !is_enough(&scan) {
            scan.read_texts(text);
        }
        Ok(scan)
    })
}

thread_local! {
    /// Where chunks are copied together.
    static TOGETHER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives the chunks as one text. Where there are many they are copied together into memory that the thread keeps: a verdict
/// must not depend on where a body was cut into pieces, and tokens are.
pub(crate) fn in_one<T>(chunks: &Chunks, read: impl FnOnce(&[u8]) -> T) -> T {
    match chunks {
        Chunks::None => read(&[]),
        Chunks::One(chunk) => read(chunk),
        Chunks::Many(chunks) => TOGETHER.with_borrow_mut(|together| {
            chunks
                .iter()
                .for_each(|chunk| together.extend_from_slice(chunk));
            let found = read(together);
            together.clear();
            together.shrink_to(KEPT_BYTES);
            found
        }),
    }
}

// === impl Grammar ===

impl Grammar {
    /// The grammar of bodies with that media type.
    pub(crate) fn of(media_type: &[u8]) -> Self {
        if is_ndjson(media_type) {
            Self::Lines
        } else {
            Self::Value
        }
    }
}

// === impl Scan ===

impl Scan {
    pub(crate) const fn new() -> Self {
        Self {
            paths: Paths::new(),
            leaves: 0,
            numbers: 0,
            types: 0,
            texts: [const { (0..0, false) }; MAX_TEXTS],
            prose: false,
            arrays: false,
            error: None,
        }
    }

    fn leaf(&mut self, at: At, tells: bool, kind: Type) {
        if tells && at.under_error && self.error.is_none() {
            self.error = Some(at.path);
        }
        self.leaves = self.leaves.saturating_add(1);
        if self.paths.note(at.path, at.depth) {
            let of_type = (at.path ^ kind as u64).wrapping_mul(PRIME);
            self.types = self.types.wrapping_add(of_type);
        }
    }

    fn number(&mut self, at: At, raw: &[u8]) {
        self.numbers = self.numbers.saturating_add(1);
        self.leaf(at, !at.under_error || !is_zero(raw), Type::Number);
    }

    /// Adds what rows hold that repeat one before.
    fn add(&mut self, found: Found) {
        self.leaves = self.leaves.saturating_add(found.leaves);
        self.numbers = self.numbers.saturating_add(found.numbers);
    }

    /// Whether a value at that path adds nothing to what is known.
    fn is_known(&self, path: u64) -> bool {
        self.paths.is_full() || self.paths.has(path)
    }

    /// Whether the next text may still be read.
    const fn reads_texts(&self) -> bool {
        (self.leaves as usize) < MAX_TEXTS
    }

    fn text(&mut self, at: At, text: &Text<'_>, from: usize) {
        let (raw, is_escaped) = match text {
            Text::Plain("") => return, // an empty text carries nothing
            Text::Plain(raw) => (raw, false),
            Text::Escaped(raw) => (raw, true),
        };
        if at.depth <= MAX_TEXT_DEPTH
            && let Some(free) = self.texts.get_mut(self.leaves as usize)
        {
            *free = (from..from + raw.len(), is_escaped);
        }
        self.leaf(at, true, Type::Text);
    }

    fn read_texts(&mut self, text: &str) {
        for (range, is_escaped) in self.texts.clone() {
            let raw = text.get(range).unwrap_or_default();
            if is_escaped {
                self.sentence(escapes::unescaped(raw, &mut [0; MAX_WORDS]));
            } else {
                self.sentence(raw);
            }
        }
    }

    fn sentence(&mut self, text: &str) {
        self.prose |= wording::is_prose(text);
    }
}

/// What a value is.
#[derive(Clone, Copy)]
enum Type {
    Text = 1,
    Number = 2,
    Bool = 3,
}

/// A place in the text.
#[derive(Clone, Copy)]
struct At {
    path: u64,
    depth: u8,
    under_error: bool,
}

// === impl At ===

impl At {
    const ROOT: Self = Self {
        path: ROOT,
        depth: 0,
        under_error: false,
    };

    /// A row of the array here.
    const fn row(self) -> Self {
        self.below(ROW, false)
    }

    /// The value of a key of the object here.
    fn key(self, name: &str, key: Key) -> Self {
        let names_an_error = self.depth <= 1 && wording::names_an_error(name);
        let hash = if key.is_value() { ROW } else { key.hash };
        self.below(hash, names_an_error)
    }

    const fn below(self, hash: u64, names_an_error: bool) -> Self {
        Self {
            path: (self.path ^ hash).wrapping_mul(PRIME).rotate_left(23),
            depth: self.depth.saturating_add(1),
            under_error: self.under_error || names_an_error,
        }
    }
}

const ROOT: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;

/// What stands for a row of an array, and for a key that is a value.
const ROW: u64 = 0x5851_f42d_4c95_7f2d;

/// A key, as far as a path is concerned: a number for it, and how many digits it has. A collision only makes two paths one.
#[derive(Clone, Copy)]
struct Key {
    hash: u64,
    digits: u32,
}

// === impl Key ===

impl Key {
    const fn new() -> Self {
        Self {
            hash: ROOT,
            digits: 0,
        }
    }

    /// The next eight bytes of it, filled up with zeros after its end.
    const fn add(&mut self, word: u64) {
        let hash = (self.hash ^ word).wrapping_mul(PRIME);
        self.hash = hash ^ hash >> 29;
        self.digits += words::digits(word).count_ones();
    }

    /// Whether it is a date, a time or an id.
    const fn is_value(self) -> bool {
        self.digits >= 4
    }
}

/// Whether a number is zero, however it is written.
fn is_zero(raw: &[u8]) -> bool {
    raw.iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .all(|byte| matches!(byte, b'-' | b'.' | b'0'))
}

#[cfg(test)]
mod tests;
