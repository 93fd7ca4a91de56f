//! One pass over a JSON text: which paths carry a value, and what its texts say.
//!
//! No tree is built and, for a body in one chunk, no string is copied: the healthy path pays for the scan alone. Paths are
//! hashes of the keys on the way; the rows of an array share their paths, and so do the values of keys that are values
//! themselves (dates, ids).

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::{
    body::Chunks,
    classify::{
        encoding,
        wording::{self, Wording},
    },
};

/// The most paths that are remembered of one text. What a text has beyond them is not promised.
const MAX_PATHS: usize = 64;

/// Texts that are read for their wording: the first few, near the top, where an error's message stands.
const MAX_TEXTS: u32 = 8;
const MAX_TEXT_DEPTH: u8 = 4;

/// What one pass found.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    paths: [u64; MAX_PATHS],
    len: usize,
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
    let mut scan = Scan::new();
    let read = match chunks {
        Chunks::None => return Err(NoJson::Cut),
        Chunks::One(text) => run(&mut serde_json::Deserializer::from_slice(text), &mut scan),
        Chunks::Many(_) => run(
            &mut serde_json::Deserializer::from_reader(encoding::reader(chunks)),
            &mut scan,
        ),
    };
    match read {
        Ok(()) => Ok(scan),
        Err(error) if error.is_eof() => Err(NoJson::Cut),
        Err(_) => Err(NoJson::Invalid),
    }
}

fn run<'de, R: serde_json::de::Read<'de>>(
    text: &mut serde_json::Deserializer<R>,
    scan: &mut Scan,
) -> serde_json::Result<()> {
    At {
        scan,
        path: ROOT,
        depth: 0,
        under_error: false,
    }
    .deserialize(&mut *text)?;
    text.end()
}

// === impl Scan ===

impl Scan {
    pub(crate) const fn new() -> Self {
        Self {
            paths: [0; MAX_PATHS],
            len: 0,
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
        if self.paths().contains(&path) {
            return;
        }
        if let Some(place) = self.paths.get_mut(self.len) {
            *place = path;
            self.inner |= u64::from(depth >= 2) << self.len;
            self.len += 1;
        }
    }
}

/// A place in the text.
struct At<'s> {
    scan: &'s mut Scan,
    path: u64,
    depth: u8,
    under_error: bool,
}

impl At<'_> {
    fn leaf(&mut self, tells: bool) {
        if tells && self.under_error && self.scan.error.is_none() {
            self.scan.error = Some(self.path);
        }
        self.scan.note(self.path, self.depth);
    }

    fn number(mut self, is_zero: bool) {
        self.scan.numbers = self.scan.numbers.saturating_add(1);
        self.leaf(!is_zero);
    }

    fn text(mut self, text: &str) {
        if text.is_empty() {
            return; // an empty text carries nothing
        }
        if self.scan.leaves < MAX_TEXTS && self.depth <= MAX_TEXT_DEPTH && wording::is_prose(text) {
            self.scan.prose = true;
            self.scan.wording = self.scan.wording.or_else(|| wording::read(text));
        }
        self.leaf(true);
    }

    fn below<'s>(&'s mut self, key: Key) -> At<'s> {
        At {
            path: (self.path ^ key.hash).wrapping_mul(PRIME).rotate_left(23),
            depth: self.depth.saturating_add(1),
            under_error: self.under_error || (key.names_an_error && self.depth <= 1),
            scan: self.scan,
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.leaf(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value == 0);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.number(false);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.number(value == 0.0);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.text(value);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(()) // null carries nothing
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        self.scan.arrays = true;
        while rows.next_element_seed(self.below(Key::ROW))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            if self.depth == u8::MAX {
                entries.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("nested too deep"));
            }
            entries.next_value_seed(self.below(key))?;
        }
        Ok(())
    }
}

const ROOT: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A key of an object, as far as a path is concerned.
#[derive(Clone, Copy)]
struct Key {
    hash: u64,
    names_an_error: bool,
}

impl Key {
    /// A row of an array, or a key that is a value.
    const ROW: Self = Self {
        hash: 0x9e37_79b9_7f4a_7c15,
        names_an_error: false,
    };

    fn of(name: &str) -> Self {
        let digits = name.bytes().filter(u8::is_ascii_digit).count();
        if digits >= 4 {
            return Self::ROW;
        }
        // FNV-1a: keys are short, and a collision only makes two paths one.
        let hash = name.bytes().fold(ROOT, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        Self {
            hash,
            names_an_error: wording::names_an_error(name),
        }
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(Key::of(name))
    }
}
