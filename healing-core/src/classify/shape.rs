//! What an answer looks like, and what is lost of what this URL's last good answer looked like.

use http::{header, response::Parts};

use crate::{
    body::Chunks,
    classify::{
        json::{self, Grammar, NoJson, Scan},
        wording::{Mark, Wording},
    },
};

/// What kind of text a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Json,
    Html,
    Xml,
    Text,
    /// Not looked into: images, unknown codings.
    Opaque,
}

/// What a good answer of a URL looks like: its promise to the next one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shape {
    kind: Kind,
    /// Hashes of the paths that carry a value, the first `data` of them data and the rest envelope.
    paths: Box<[u64]>,
    data: usize,
}

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
    kind: Kind,
    scan: Scan,
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
    let json_was_promised = promise.is_some_and(|promise| promise.kind == Kind::Json);
    if says("json") || json_was_promised || matches!(first, b'{' | b'[') {
        let is_promised =
            |scan: &Scan| promise.is_some_and(|promise| promise.is_of(Kind::Json, scan));
        match json::scan(chunks, Grammar::of(content_type), is_promised) {
            Ok(scan) => {
                return Content::Seen(Seen {
                    kind: Kind::Json,
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
        kind: kind_of(content_type, first, chunks),
        scan: Scan::new(),
    })
}

/// What kind of text a body is that is no JSON.
fn kind_of(content_type: &[u8], first: u8, chunks: &Chunks) -> Kind {
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
    match first {
        _ if OPAQUE.into_iter().any(says) => Kind::Opaque,
        _ if says("html") => Kind::Html,
        b'<' if starts_with_html(chunks) => Kind::Html,
        b'<' => Kind::Xml,
        _ => Kind::Text,
    }
}

// === impl Shape ===

impl Shape {
    /// The shape of a body that is not looked into.
    pub(crate) fn opaque() -> Self {
        Self {
            kind: Kind::Opaque,
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
        let kind = self.kind as u64 + 1;
        self.paths
            .iter()
            .take(self.data)
            .fold(kind, |sum, path| sum.wrapping_add(*path))
    }

    /// Whether this is just the shape of that text.
    fn is_of(&self, kind: Kind, scan: &Scan) -> bool {
        let (paths, promised) = (&scan.paths, self.paths.iter().copied());
        self.kind == kind
            && paths.all().len() == self.paths.len()
            && paths.data_count() == self.data
            // Most answers keep their order.
            && (paths.data().chain(paths.envelope()).eq(promised.clone())
                || promised.clone().all(|path| paths.has(path)))
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

    /// Whether it has just that shape.
    pub(crate) fn is(&self, shape: &Shape) -> bool {
        shape.is_of(self.kind, &self.scan)
    }

    /// What is lost of the promise when this came: nothing where nothing was promised, or any data of it is there.
    pub(crate) fn loss(&self, promise: Option<&Shape>) -> Option<Loss> {
        let promise = promise?;
        if promise.kind == Kind::Opaque || self.kind == Kind::Opaque {
            return None;
        }
        if promise.kind != self.kind {
            return Some(match self.kind {
                Kind::Json => Loss::Paths,
                Kind::Html => Loss::Kind("html_instead"),
                Kind::Xml => Loss::Kind("xml_instead"),
                Kind::Text | Kind::Opaque => Loss::Kind("text_instead"),
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

    /// What marks it as an error.
    pub(crate) fn mark(&self) -> Option<Mark> {
        match (self.scan.wording, self.scan.error) {
            (Some(Wording::Throttle), _) => Some(Mark::Throttle),
            (Some(Wording::Quota), _) => Some(Mark::Quota),
            (Some(Wording::Maintenance), _) => Some(Mark::Maintenance),
            (None, Some(_)) => Some(Mark::Error),
            (None, None) => None,
        }
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

fn starts_with_html(chunks: &Chunks) -> bool {
    let start: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.iter())
        .copied()
        .take(256)
        .map(|b| b.to_ascii_lowercase())
        .collect();
    contains_ignoring_case(&start, b"<!doctype html") || contains_ignoring_case(&start, b"<html")
}

fn contains_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}
