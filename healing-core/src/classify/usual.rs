//! What the good answers of a route have in common, so that a URL that was never asked is judged too.
//!
//! Three different URLs must have been good and alike, and none unlike, before anything is expected of the next one: a route
//! whose answers are keyed by what was asked (`{"bitcoin": {..}}`) expects nothing. A change that lasts is believed, as it is
//! of one URL.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{
    body::Chunks,
    classify::{
        cadence::Cadence,
        json::{self, Grammar},
        shape::Shape,
    },
};

/// So many different URLs make a route's answers alike.
const ENOUGH: u32 = 3;

/// What the good answers of a route look like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Usual {
    /// All that any of them has.
    shape: Shape,
    /// Different URLs that were good and alike.
    urls: u32,
    /// Whether some were good and not.
    is_mixed: bool,
    /// Whether some were good and had no row.
    is_empty_at_times: bool,
}

/// What a good answer changes of what is usual.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Learned {
    /// It fits, or says for the first time what does.
    More(Usual),
    /// The answers look otherwise from now on.
    Changed(Usual),
    Nothing,
}

/// As it is written down.
#[derive(Deserialize, Serialize)]
struct Written {
    /// How paths are numbered. Numbers of another program mean nothing here.
    scheme: u64,
    kind: String,
    paths: Vec<u64>,
    data: usize,
    urls: u32,
    mixed: bool,
    empty: bool,
    /// How often the answers of its URLs move on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cadences: Vec<(u64, Cadence)>,
}

/// Why what was written down is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum UsualError {
    #[error("it does not parse")]
    Broken,
    #[error("a program that numbers paths otherwise wrote it")]
    OtherScheme,
}

// === impl Usual ===

impl Usual {
    /// All that the answers have.
    pub(crate) const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether an answer without rows is one of them.
    pub(crate) const fn is_empty_at_times(&self) -> bool {
        self.is_empty_at_times
    }

    /// Whether the answers are known to be alike.
    pub(crate) const fn is_known(&self) -> bool {
        self.urls >= ENOUGH && !self.is_mixed
    }

    fn first(shape: Shape) -> Self {
        Self {
            shape,
            urls: 1,
            is_mixed: false,
            is_empty_at_times: false,
        }
    }

    /// What a good answer of a URL that was not good before teaches.
    pub(crate) fn learn(known: Option<&Self>, shape: &Shape) -> Learned {
        let Some(known) = known else {
            return Learned::More(Self::first(shape.clone()));
        };
        if known.is_mixed || !shape.is_of_kind_of(&known.shape) {
            return Learned::Nothing;
        }
        let more = |shape: Shape, empty: bool| {
            Learned::More(Self {
                shape,
                urls: known.urls.saturating_add(1),
                is_empty_at_times: known.is_empty_at_times || empty,
                ..known.clone()
            })
        };
        if shape.is_like(&known.shape) {
            let joined = known.shape.joined(shape);
            if known.is_known() && joined == known.shape {
                return Learned::Nothing;
            }
            more(joined, false)
        } else if shape.is_left_of(&known.shape) {
            more(known.shape.clone(), true)
        } else if known.shape.is_left_of(shape) {
            more(shape.clone(), true)
        } else if known.is_known() {
            Learned::Changed(Self::first(shape.clone()))
        } else {
            Learned::More(Self {
                is_mixed: true,
                ..known.clone()
            })
        }
    }

    /// What of it outlives the process, as text.
    pub(crate) fn written(&self, cadences: &[(u64, Cadence)]) -> String {
        let (kind, paths, data) = self.shape.parts();
        let written = Written {
            scheme: scheme(),
            kind: kind.to_owned(),
            paths: paths.to_vec(),
            data,
            urls: self.urls,
            mixed: self.is_mixed,
            empty: self.is_empty_at_times,
            cadences: cadences.to_vec(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads that text.
    ///
    /// # Errors
    /// When it is none of ours.
    pub(crate) fn read(text: &str) -> Result<(Self, Vec<(u64, Cadence)>), UsualError> {
        let written: Written = serde_json::from_str(text).map_err(|_| UsualError::Broken)?;
        if written.scheme != scheme() {
            return Err(UsualError::OtherScheme);
        }
        let shape = Shape::of_parts(&written.kind, written.paths, written.data);
        let usual = Self {
            shape: shape.ok_or(UsualError::Broken)?,
            urls: written.urls,
            is_mixed: written.mixed,
            is_empty_at_times: written.empty,
        };
        Ok((usual, written.cadences))
    }
}

/// A number that programs share which number paths alike: what ours makes of a known text.
fn scheme() -> u64 {
    const SAMPLE: &str =
        r#"{"a":{"b":[{"2024-01-01":1,"long_name":"c","\u0064":true}]},"error":"e","abcdefghi":1}"#;
    static SCHEME: OnceLock<u64> = OnceLock::new();
    *SCHEME.get_or_init(|| {
        let scan = json::scan(&Chunks::One(SAMPLE.into()), Grammar::Value, |_| false);
        scan.map_or(0, |scan| {
            scan.paths
                .all()
                .iter()
                .fold(1, |sum: u64, path| sum.rotate_left(5) ^ path)
        })
    })
}

#[cfg(test)]
mod tests;
