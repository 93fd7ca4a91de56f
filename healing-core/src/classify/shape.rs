//! What an answer looks like, and what is lost of what this URL's last good answer looked like.

use std::borrow::Cow;

use http::{header, response::Parts};

use crate::{
    body::Chunks,
    classify::{
        exchange::Kind,
        json::{self, Grammar, NoJson, Scan},
    },
};

/// What a good answer of a URL looks like: its promise to the next one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shape {
    /// `None`: it is not looked into, as images and unknown codings are not.
    kind: Option<Kind>,
    /// Hashes of the paths that carry a value, the first `data` of them data and the rest envelope.
    paths: Box<[u64]>,
    data: usize,
}

/// Paths of data of several shapes together, and as many of the envelope.
const MOST_JOINED: usize = 64;

/// What is lost of a promise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loss {
    /// It is another kind of text; the word names which.
    Kind(&'static str),
    /// Nothing came in its place: `{}`, `null`.
    Bare,
    /// Only the rows are gone, and nothing came in their place: this may be an answer.
    Rows,
    /// Something else came in its place.
    Paths,
}

/// What a look at a body came to.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the healthy one, and stays on the stack"
)]
#[derive(Debug)]
pub(crate) enum Content {
    /// No byte but white space.
    Empty,
    /// JSON that ends too early.
    Cut,
    /// No JSON where JSON was, or was announced; the word names what came.
    NotJson(&'static str),
    Seen(Seen),
}

/// What was seen of a body. Lives on the stack: a healthy answer of a known shape allocates nothing.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// As that of a [`Shape`].
    kind: Option<Kind>,
    scan: Scan,
}

/// How much a body carries, and of which types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Amount {
    /// Values that are neither null nor a container.
    pub(crate) values: u32,
    /// A number that bodies share whose paths carry values of the same types.
    pub(crate) types: u64,
}

/// Looks at a body, uncoded already.
pub(crate) fn look(head: &Parts, chunks: &Chunks, promise: Option<&Shape>) -> Content {
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .map_or(&[][..], |value| value.as_bytes());
    let Some(first) = first_byte(chunks) else {
        return Content::Empty;
    };
    let says = |word: &str| contains_ignoring_case(content_type, word.as_bytes());
    let json_was_promised = promise.is_some_and(|promise| promise.kind == Some(Kind::Json));
    if says("json") || json_was_promised || matches!(first, b'{' | b'[') {
        let is_promised =
            |scan: &Scan| promise.is_some_and(|promise| promise.is_of(Some(Kind::Json), scan));
        match json::scan(chunks, Grammar::of(content_type), is_promised) {
            Ok(scan) => {
                return Content::Seen(Seen {
                    kind: Some(Kind::Json),
                    scan,
                });
            }
            Err(NoJson::Cut) if (says("json") || json_was_promised) && begins_json(first) => {
                return Content::Cut;
            }
            Err(NoJson::Invalid) if json_was_promised && begins_json(first) => {
                return Content::NotJson("invalid_json");
            }
            // It says that it is JSON, and does not even begin like it.
            Err(_) if says("json") && first == b'<' => return Content::NotJson("html_instead"),
            Err(_) if says("json") && !begins_json(first) => {
                return Content::NotJson("text_instead");
            }
            // Python prints NaN, which is no JSON: whoever did so from the first answer on is read as text.
            Err(NoJson::Cut | NoJson::Invalid) => {}
        }
    }
    Content::Seen(Seen {
        kind: kind_of(content_type, chunks),
        scan: Scan::new(),
    })
}

/// What kind of text a body is that is no JSON; `None` where it is not looked into.
fn kind_of(content_type: &[u8], chunks: &Chunks) -> Option<Kind> {
    const OPAQUE: [&str; 7] = [
        "image/",
        "font/",
        "audio/",
        "video/",
        "javascript",
        "octet-stream",
        "text/css",
    ];
    let says = |word: &str| contains_ignoring_case(content_type, word.as_bytes());
    let is_opaque = OPAQUE.into_iter().any(says);
    (!is_opaque).then(|| Kind::of_words(&start_of(chunks), says))
}

// === impl Content ===

impl Content {
    /// How much it carries, where it is JSON.
    pub(crate) fn amount(&self) -> Option<Amount> {
        match self {
            Self::Seen(seen) => seen.amount(),
            Self::Empty | Self::Cut | Self::NotJson(_) => None,
        }
    }
}

// === impl Shape ===

impl Shape {
    /// The shape of a body that is not looked into.
    pub(crate) fn opaque() -> Self {
        Self {
            kind: None,
            paths: Box::default(),
            data: 0,
        }
    }

    /// Whether its answers have a value there.
    pub(crate) fn has(&self, path: u64) -> bool {
        self.paths.contains(&path)
    }

    /// A number that like shapes share.
    pub(crate) fn likeness(&self) -> u64 {
        let kind = self.kind.map_or(0, |kind| kind as u64 + 1);
        self.paths
            .iter()
            .take(self.data)
            .fold(kind, |sum, path| sum.wrapping_add(*path))
    }

    /// Whether this is just the shape of that text.
    fn is_of(&self, kind: Option<Kind>, scan: &Scan) -> bool {
        let (paths, promised) = (&scan.paths, self.paths.iter().copied());
        self.kind == kind
            && paths.all().len() == self.paths.len()
            && paths.data_count() == self.data
            // Most answers keep their order.
            && (paths.data().chain(paths.envelope()).eq(promised.clone())
                || promised.clone().all(|path| paths.has(path)))
    }

    /// Whether any data of another is here, or it is a text of the same kind.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let shares = || self.data().iter().any(|path| other.data().contains(path));
        self.kind == other.kind && (self.kind != Some(Kind::Json) || shares())
    }

    /// Whether it is the same kind of text.
    pub(crate) fn is_of_kind_of(&self, other: &Self) -> bool {
        self.kind == other.kind
    }

    /// Whether nothing is here that another has not, and no data of it: what is left of it without its rows.
    pub(crate) fn is_left_of(&self, other: &Self) -> bool {
        self.kind == other.kind
            && !self.is_like(other)
            && self.paths.iter().all(|path| other.has(*path))
    }

    /// The paths of both, within bounds.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut paths = self.data().to_vec();
        let more = |paths: &mut Vec<u64>, others: &[u64], most| {
            for path in others {
                if paths.len() < most && !paths.contains(path) {
                    paths.push(*path);
                }
            }
        };
        more(&mut paths, other.data(), MOST_JOINED);
        let data = paths.len();
        more(&mut paths, &self.paths, 2 * MOST_JOINED);
        more(&mut paths, &other.paths, 2 * MOST_JOINED);
        Self {
            kind: self.kind,
            paths: paths.into(),
            data,
        }
    }

    /// Its parts, to be written down: the word of its kind, the paths, how many of them are data.
    pub(crate) fn parts(&self) -> (&'static str, &[u64], usize) {
        (
            self.kind.map_or("opaque", Kind::word),
            &self.paths,
            self.data,
        )
    }

    /// A shape of such parts; `None` where they are none.
    pub(crate) fn of_parts(kind: &str, paths: Vec<u64>, data: usize) -> Option<Self> {
        let known = Kind::ALL.into_iter().find(|own| own.word() == kind);
        if known.is_none() && kind != "opaque"
            || data > paths.len().min(MOST_JOINED)
            || paths.len() > 2 * MOST_JOINED
        {
            return None;
        }
        Some(Self {
            kind: known,
            paths: paths.into(),
            data,
        })
    }

    /// All paths that carry a value.
    pub(crate) fn paths(&self) -> &[u64] {
        &self.paths
    }

    fn data(&self) -> &[u64] {
        self.paths.get(..self.data).unwrap_or_default()
    }
}

// === impl Seen ===

impl Seen {
    /// Its shape.
    pub(crate) fn shape(&self) -> Shape {
        let mut paths: Vec<u64> = self.scan.paths.data().collect();
        let data = paths.len();
        paths.extend(self.scan.paths.envelope());
        Shape {
            kind: self.kind,
            paths: paths.into(),
            data,
        }
    }

    /// How much of what it carries, where it is JSON.
    pub(crate) fn amount(&self) -> Option<Amount> {
        let amount = Amount {
            values: self.scan.leaves,
            types: self.scan.types,
        };
        (self.kind == Some(Kind::Json)).then_some(amount)
    }

    /// Whether it has just that shape.
    pub(crate) fn is(&self, shape: &Shape) -> bool {
        shape.is_of(self.kind, &self.scan)
    }

    /// What is lost of the promise when this came: nothing where nothing was promised, or any data of it is there.
    pub(crate) fn loss(&self, promise: Option<&Shape>) -> Option<Loss> {
        let promise = promise?;
        let (Some(promised), Some(kind)) = (promise.kind, self.kind) else {
            return None;
        };
        // A first line of words and commas is as often a text's as a table's.
        let is_table = promised == Kind::Text && kind == Kind::Csv;
        if promised != kind && !is_table {
            return Some(match kind {
                Kind::Json | Kind::Ndjson => Loss::Paths,
                Kind::Html => Loss::Kind("html_instead"),
                Kind::Xml => Loss::Kind("xml_instead"),
                Kind::Empty | Kind::Csv | Kind::Text => Loss::Kind("text_instead"),
            });
        }
        let here = &self.scan.paths;
        if promise.data().is_empty() || promise.data().iter().any(|path| here.has(*path)) {
            None
        } else if self.scan.leaves == 0 && !self.scan.arrays {
            Some(Loss::Bare)
        } else if here.all().iter().all(|path| promise.has(*path)) {
            Some(Loss::Rows)
        } else {
            Some(Loss::Paths)
        }
    }

    /// Whether a value of the promise is missing here.
    pub(crate) fn lacks_some_of(&self, promise: Option<&Shape>) -> bool {
        let here = &self.scan.paths;
        promise.is_some_and(|promise| promise.paths.iter().any(|path| !here.has(*path)))
    }

    /// Whether a value came under a key such as `error`.
    pub(crate) const fn names_an_error(&self) -> bool {
        self.scan.error.is_some()
    }

    /// Whether it is a text or a page.
    pub(crate) const fn is_words(&self) -> bool {
        matches!(
            self.kind,
            Some(Kind::Html | Kind::Xml | Kind::Csv | Kind::Text)
        )
    }

    /// Whether it is a form that data is asked in.
    pub(crate) const fn is_data(&self) -> bool {
        matches!(self.kind, Some(Kind::Json | Kind::Xml | Kind::Csv))
    }

    /// Whether it is the same kind of text.
    pub(crate) fn is_of_kind_of(&self, shape: &Shape) -> bool {
        self.kind == shape.kind
    }

    /// Whether it has room for rows and none in it.
    pub(crate) fn is_without_rows(&self) -> bool {
        self.scan.arrays && self.scan.paths.is_flat()
    }

    /// Whether a value under a key such as `error` came that this URL's good answers do not have.
    pub(crate) fn has_new_error(&self, promise: Option<&Shape>) -> bool {
        self.scan
            .error
            .is_some_and(|path| promise.is_some_and(|promise| !promise.has(path)))
    }

    /// Whether it is a message and carries no data: few values, at least one a sentence or under an error key, and hardly
    /// a number.
    pub(crate) const fn is_only_a_message(&self) -> bool {
        let scan = &self.scan;
        scan.leaves > 0
            && scan.leaves <= 6
            && scan.numbers <= 2
            && (scan.prose || scan.error.is_some())
    }
}

/// Whether a JSON text of any use begins so. A bare number or word does not tell.
const fn begins_json(first: u8) -> bool {
    matches!(first, b'{' | b'[' | b'"')
}

fn first_byte(chunks: &Chunks) -> Option<u8> {
    chunks
        .iter()
        .flat_map(|chunk| chunk.iter())
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

/// The beginning of a text.
fn start_of(chunks: &Chunks) -> Cow<'_, [u8]> {
    const BYTES: usize = 512;
    match chunks {
        Chunks::None => Cow::Borrowed(&[]),
        Chunks::One(chunk) => Cow::Borrowed(chunk.trim_ascii_start()),
        Chunks::Many(chunks) => chunks
            .iter()
            .flatten()
            .copied()
            .skip_while(u8::is_ascii_whitespace)
            .take(BYTES)
            .collect(),
    }
}

fn contains_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}
