//! One pass over a JSON text: which paths carry a value, and what its texts say.
//!
//! No tree is built and no string is copied: the healthy path pays for the scan alone. Paths are hashes of the keys on the
//! way; the rows of an array share their paths, and so do the values of keys that are values themselves (dates, ids).

mod walk;

use std::cell::RefCell;

use crate::{
    body::Chunks,
    classify::{
        json::walk::{Text, Walk},
        wording::{self, Wording},
    },
};

/// The most paths that are remembered of one text. What a text has beyond them is not promised.
const MAX_PATHS: usize = 64;

/// Texts that are read for their wording: the first few, near the top, where an error's message stands.
const MAX_TEXTS: u32 = 8;
const MAX_TEXT_DEPTH: u8 = 4;

/// Bytes of such a text that are read where escapes must be undone first.
const MAX_WORDS: usize = 512;

/// Bytes that a thread keeps for bodies that came in many chunks.
const KEPT_BYTES: usize = 256 * 1024;

/// What one pass found.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    paths: [u64; MAX_PATHS],
    len: usize,
    /// Which path came after path n the last time: rows repeat their order.
    follows: [u8; MAX_PATHS],
    /// The path that came last.
    last: u8,
    /// Bit n: whether path n lies inside something (depth two or more), where data is, rather than in the envelope.
    inner: u64,
    /// Values that are neither null nor a container.
    pub(crate) leaves: u32,
    /// Leaves that are numbers.
    pub(crate) numbers: u32,
    /// Whether a leaf is a sentence.
    pub(crate) prose: bool,
    /// Whether the whole text is an array, even an empty one, or holds one.
    pub(crate) arrays: bool,
    /// The path of a value under a key such as `error`, where there is one.
    pub(crate) error: Option<u64>,
    /// What a sentence near the top says.
    pub(crate) wording: Option<Wording>,
}

/// Why a text is no JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoJson {
    /// It ends too early.
    Cut,
    /// It breaks the grammar.
    Invalid,
}

/// Scans a JSON text.
pub(crate) fn scan(chunks: &Chunks) -> Result<Scan, NoJson> {
    in_one(chunks, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
            None => NoJson::Cut,
            Some(_) => NoJson::Invalid,
        })?;
        let mut scan = Scan::new();
        Walk::over(text, &mut scan)?;
        Ok(scan)
    })
}

thread_local! {
    /// Where chunks are copied together.
    static TOGETHER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives the chunks as one text. Where there are many they are copied together into memory that the thread keeps: a verdict
/// must not depend on where a body was cut into pieces, and tokens are.
fn in_one<T>(chunks: &Chunks, read: impl FnOnce(&[u8]) -> T) -> T {
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

// === impl Scan ===

impl Scan {
    pub(crate) const fn new() -> Self {
        Self {
            paths: [0; MAX_PATHS],
            len: 0,
            follows: [0; MAX_PATHS],
            last: 0,
            inner: 0,
            leaves: 0,
            numbers: 0,
            prose: false,
            arrays: false,
            error: None,
            wording: None,
        }
    }

    /// The paths that carry a value.
    pub(crate) fn paths(&self) -> &[u64] {
        self.paths.get(..self.len).unwrap_or_default()
    }

    /// The paths that carry data: those inside something, or all where everything lies at the top.
    pub(crate) fn data(&self) -> impl Iterator<Item = u64> {
        let all = self.inner == 0;
        self.paths()
            .iter()
            .enumerate()
            .filter(move |(n, _)| all || self.inner >> n & 1 == 1)
            .map(|(_, path)| *path)
    }

    fn note(&mut self, path: u64, depth: u8) {
        self.leaves = self.leaves.saturating_add(1);
        let follows = self.follows.get_mut(usize::from(self.last));
        let guess = follows.as_ref().map_or(0, |next| **next);
        let known = self.paths.get(..self.len).unwrap_or_default();
        if known.get(usize::from(guess)) == Some(&path) {
            self.last = guess;
            return;
        }
        let place = known.iter().position(|known| *known == path);
        let place = match place {
            Some(place) => place,
            None => match self.paths.get_mut(self.len) {
                Some(free) => {
                    *free = path;
                    self.inner |= u64::from(depth >= 2) << self.len;
                    self.len += 1;
                    self.len - 1
                }
                None => return,
            },
        };
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        if let Some(next) = follows {
            *next = place;
        }
        self.last = place;
    }

    fn leaf(&mut self, at: At, tells: bool) {
        if tells && at.under_error && self.error.is_none() {
            self.error = Some(at.path);
        }
        self.note(at.path, at.depth);
    }

    fn number(&mut self, at: At, is_zero: bool) {
        self.numbers = self.numbers.saturating_add(1);
        self.leaf(at, !is_zero);
    }

    fn text(&mut self, at: At, text: Text<'_>) {
        if matches!(text, Text::Plain("")) {
            return; // an empty text carries nothing
        }
        if self.leaves < MAX_TEXTS && at.depth <= MAX_TEXT_DEPTH {
            match text {
                Text::Plain(text) => self.sentence(text),
                Text::Escaped(raw) => self.sentence(walk::unescaped(raw, &mut [0; MAX_WORDS])),
            }
        }
        self.leaf(at, true);
    }

    fn sentence(&mut self, text: &str) {
        if wording::is_prose(text) {
            self.prose = true;
            self.wording = self.wording.or_else(|| wording::read(text));
        }
    }
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
        self.below(if key.digits >= 4 { ROW } else { key.hash }, names_an_error)
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
        self.digits += walk::digits(word).count_ones();
    }
}

#[cfg(test)]
mod tests;
