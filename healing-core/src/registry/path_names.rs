//! What the paths of a route's answers are called, and what changed of them last, for people.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use crate::{
    body::Chunks,
    classify::{
        change::Change,
        encoding::{self, Inflated},
        json,
        shape::Shape,
    },
    health::ShapeChange,
    lock::lock,
};

/// Paths of a route that have a name; those beyond them are only counted.
const MAX_NAMES: usize = 256;

/// Longer bodies are not read for names.
const READ_UP_TO: usize = 256 * 1024;

/// Names that a change is told with, of what is gone and of what came.
const MAX_TOLD: usize = 32;

/// The names of one route's paths.
#[derive(Debug, Default)]
pub(crate) struct PathNames {
    names: Mutex<HashMap<u64, Box<str>>>,
    changed: ArcSwapOption<ShapeChange>,
}

// === impl PathNames ===

impl PathNames {
    /// Learns the names of the paths of a good answer in JSON, where one has none.
    pub(crate) fn learn(&self, shape: &Shape, (headers, chunks): (&HeaderMap, &Chunks)) {
        let is_known = |names: &HashMap<u64, Box<str>>| {
            names.len() >= MAX_NAMES || shape.paths().iter().all(|path| names.contains_key(path))
        };
        let is_long = chunks.iter().map(Bytes::len).sum::<usize>() > READ_UP_TO;
        if is_long || is_known(&lock(&self.names)) {
            return;
        }
        let plain = match encoding::inflate(headers, chunks) {
            Inflated::AsItIs => chunks.clone(),
            Inflated::Plain(bytes) => Chunks::One(bytes),
            Inflated::Unknown | Inflated::Broken => return,
        };
        json::in_one(&plain, |body| {
            let mut names = lock(&self.names);
            json::names(body, |path, name| {
                if names.len() < MAX_NAMES {
                    names.entry(path).or_insert_with(|| name.into());
                }
                names.len() < MAX_NAMES
            });
        });
    }

    /// A change lasts. Returns what is told of it; `None` where the same was told of another URL of the route.
    pub(crate) fn changes(&self, change: &Change, now: Timestamp) -> Option<Arc<ShapeChange>> {
        let told = ShapeChange {
            time: now,
            gone: self.names_of(&change.gone),
            came: self.names_of(&change.came),
            is_retyped: change.is_retyped,
            values: change.values,
        };
        let last = self.changed.load_full();
        if last.is_some_and(|last| told.is_that_of(&last)) {
            return None;
        }
        let told = Arc::new(told);
        self.changed.store(Some(Arc::clone(&told)));
        Some(told)
    }

    /// What changed last.
    pub(crate) fn changed(&self) -> Option<ShapeChange> {
        self.changed.load().as_deref().cloned()
    }

    fn names_of(&self, paths: &[u64]) -> Vec<Box<str>> {
        let names = lock(&self.names);
        let named = paths.iter().filter_map(|path| names.get(path)).cloned();
        let mut all: Vec<Box<str>> = named.take(MAX_TOLD).collect();
        all.sort_unstable();
        all
    }
}
