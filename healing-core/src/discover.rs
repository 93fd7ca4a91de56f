//! Routes found in the traffic of an API that nobody described.
//!
//! A path segment is a parameter by its form (a number, a date, an id, a ticker, anything that could be a secret), or when
//! eight siblings at the end of a path gave answers of the same shape. A query parameter such as `function=`, whose value
//! changes what the answer is, belongs to the template. Lookups read a snapshot and take no lock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use foldhash::quality::RandomState;
use http::Uri;

use crate::{
    lock::lock,
    redact::is_plain_word,
    vocabulary::{route::Route, source::Source},
};

/// The most templates; everything else is the route `other`.
const MAX_TEMPLATES: usize = 1_000;

/// So many like siblings are one parameter.
const LIKE_SIBLINGS: usize = 8;

/// Deeper paths end in `{rest}`.
const MAX_DEPTH: usize = 12;

/// Query parameters that name what is asked rather than of what.
const FUNCTIONS: [&str; 3] = ["function", "method", "action"];

/// The most values of such a parameter; one with more is a parameter like any other.
const MAX_FUNCTIONS: usize = 32;

/// What is kept of a route; tells what its answers look like, zero when nobody knows yet.
pub(crate) trait Found: Send + Sync {
    fn likeness(&self) -> u64;
}

/// The routes of one API.
#[derive(Debug)]
pub(crate) struct Discovery<T> {
    root: ArcSwap<Node<T>>,
    growing: Mutex<usize>,
    other: Arc<T>,
}

/// A place in the tree of paths.
#[derive(Debug)]
struct Node<T> {
    words: HashMap<Box<str>, Arc<Self>, RandomState>,
    parameter: Option<Arc<Self>>,
    /// Whether eight like words were seen here, so that an unknown word is a value.
    words_are_values: bool,
    route: Option<Arc<T>>,
    functions: HashMap<Box<str>, Arc<T>, RandomState>,
}

// === impl Discovery ===

impl<T: Found> Discovery<T> {
    pub(crate) fn new(other: Arc<T>) -> Self {
        Self {
            root: ArcSwap::from_pointee(Node::default()),
            growing: Mutex::new(0),
            other,
        }
    }

    /// The route of a request; `make` is called for one that was never seen.
    pub(crate) fn route(&self, uri: &Uri, make: impl FnOnce(&str) -> Arc<T>) -> Arc<T> {
        let function = function_of(uri.query());
        if let Some(route) = self.root.load().find(segments(uri.path()), function) {
            return route;
        }
        self.grow(uri.path(), function, make)
    }

    /// Every route.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let mut all = vec![Arc::clone(&self.other)];
        self.root.load().collect(&mut all);
        all
    }

    /// Puts others in the place of those for which there are some.
    pub(crate) fn replace(&self, by: impl Fn(&Arc<T>) -> Option<Arc<T>>) {
        let _growing = lock(&self.growing);
        let root = self.root.load_full();
        self.root.store(Arc::new(root.replaced(&by)));
    }

    fn grow(
        &self,
        path: &str,
        function: Option<&str>,
        make: impl FnOnce(&str) -> Arc<T>,
    ) -> Arc<T> {
        let mut templates = lock(&self.growing);
        let root = self.root.load_full();
        if let Some(route) = root.find(segments(path), function) {
            return route; // somebody else was faster
        }
        if *templates >= MAX_TEMPLATES {
            return Arc::clone(&self.other);
        }
        *templates += 1;
        let mut growth = Growth {
            function,
            make: Some(make),
            made: None,
        };
        let grown = root.grown(segments(path), &mut String::new(), &mut growth);
        self.root.store(Arc::new(grown));
        growth.made.unwrap_or_else(|| Arc::clone(&self.other))
    }
}

/// A route on its way into the tree.
struct Growth<'a, T, F> {
    function: Option<&'a str>,
    make: Option<F>,
    made: Option<Arc<T>>,
}

impl<T, F: FnOnce(&str) -> Arc<T>> Growth<'_, T, F> {
    fn made_at(&mut self, template: &str) -> Option<Arc<T>> {
        if let Some(make) = self.make.take() {
            self.made = Some(make(if template.is_empty() { "/" } else { template }));
        }
        self.made.clone()
    }
}

// === impl Node ===

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            words: HashMap::default(),
            parameter: None,
            words_are_values: false,
            route: None,
            functions: HashMap::default(),
        }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        Self {
            words: self.words.clone(),
            parameter: self.parameter.clone(),
            words_are_values: self.words_are_values,
            route: self.route.clone(),
            functions: self.functions.clone(),
        }
    }
}

impl<T: Found> Node<T> {
    #[expect(
        single_use_lifetimes,
        reason = "an anonymous lifetime cannot stand in `impl Iterator`"
    )]
    fn find<'p>(
        &self,
        mut path: impl Iterator<Item = &'p str>,
        function: Option<&str>,
    ) -> Option<Arc<T>> {
        let Some(segment) = path.next() else {
            return match function.filter(|_| self.functions.len() < MAX_FUNCTIONS) {
                Some(function) => self.functions.get(function).cloned(),
                None => self.route.clone(),
            };
        };
        // Once siblings are one parameter, a word among them is a value of it.
        let next = self.words.get(segment).or_else(|| {
            self.parameter
                .as_ref()
                .filter(|_| self.words_are_values || !is_word(segment))
        })?;
        next.find(path, function)
    }

    #[expect(
        single_use_lifetimes,
        reason = "an anonymous lifetime cannot stand in `impl Iterator`"
    )]
    fn grown<'p, F>(
        &self,
        mut path: impl Iterator<Item = &'p str>,
        template: &mut String,
        growth: &mut Growth<'_, T, F>,
    ) -> Self
    where
        F: FnOnce(&str) -> Arc<T>,
    {
        let mut node = self.clone();
        let Some(segment) = path.next() else {
            node.end(template, growth);
            return node;
        };
        template.push('/');
        if is_word(segment) && !node.words_are_values && node.has_like_siblings() {
            // The siblings that turned out to be values give way to their parameter.
            node.words_are_values = true;
            node.words.retain(|_, child| !child.is_end());
        }
        if is_word(segment) && !node.words_are_values {
            template.push_str(segment);
            let child = node.words.get(segment).cloned().unwrap_or_default();
            node.words.insert(
                segment.into(),
                Arc::new(child.grown(path, template, growth)),
            );
        } else {
            template.push_str(name_of(segment));
            let child = node.parameter.clone().unwrap_or_default();
            node.parameter = Some(Arc::new(child.grown(path, template, growth)));
        }
        node
    }

    fn end<F: FnOnce(&str) -> Arc<T>>(&mut self, template: &str, growth: &mut Growth<'_, T, F>) {
        match growth
            .function
            .filter(|_| self.functions.len() < MAX_FUNCTIONS)
        {
            Some(function) => {
                if let Some(route) = growth.made_at(&format!("{template}?function={function}")) {
                    self.functions.insert(function.into(), route);
                }
            }
            None => self.route = growth.made_at(template),
        }
    }

    fn replaced(&self, by: &impl Fn(&Arc<T>) -> Option<Arc<T>>) -> Self {
        let other = |route: &Arc<T>| by(route).unwrap_or_else(|| Arc::clone(route));
        let child = |node: &Arc<Self>| Arc::new(node.replaced(by));
        let words = self.words.iter();
        let functions = self.functions.iter();
        Self {
            words: words
                .map(|(word, node)| (word.clone(), child(node)))
                .collect(),
            parameter: self.parameter.as_ref().map(child),
            words_are_values: self.words_are_values,
            route: self.route.as_ref().map(other),
            functions: functions
                .map(|(name, route)| (name.clone(), other(route)))
                .collect(),
        }
    }

    /// Whether eight words at the end of a path gave answers of one shape.
    fn has_like_siblings(&self) -> bool {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        let ends = self.words.values().filter(|child| child.is_end());
        for likeness in ends
            .filter_map(|end| end.route.as_ref())
            .map(|route| route.likeness())
            .filter(|l| *l != 0)
        {
            *counts.entry(likeness).or_default() += 1;
        }
        counts.values().any(|count| *count >= LIKE_SIBLINGS)
    }

    fn is_end(&self) -> bool {
        self.words.is_empty() && self.parameter.is_none()
    }

    fn collect(&self, all: &mut Vec<Arc<T>>) {
        all.extend(self.route.iter().chain(self.functions.values()).cloned());
        for child in self.words.values().chain(&self.parameter) {
            child.collect(all);
        }
    }
}

/// The source of a discovered path: its first segment that is neither `api` nor a version.
pub(crate) fn source_of(path: &str) -> Source {
    let is_version = |segment: &str| {
        segment
            .strip_prefix('v')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let telling =
        segments(path).find(|segment| !segment.eq_ignore_ascii_case("api") && !is_version(segment));
    telling
        .filter(|segment| is_word(segment))
        .map_or_else(|| Source::slug_of(""), Source::slug_of)
}

/// The route of everything beyond the bound.
pub(crate) fn other() -> Route {
    Route::new(Source::slug_of("other"), "other")
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .take(MAX_DEPTH)
}

fn function_of(query: Option<&str>) -> Option<&str> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| FUNCTIONS.contains(name))?;
    let is_plain = value.len() <= 40 && value.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    (is_plain && !value.is_empty()).then_some(value)
}

/// Whether a segment names a kind of thing rather than a thing.
fn is_word(segment: &str) -> bool {
    is_plain_word(segment) && !is_ticker(segment)
}

/// `AAPL`, `BRK.B`, `^GSPC`: upper case, short. `API` and the like only ever stand first.
fn is_ticker(segment: &str) -> bool {
    segment.len() <= 8
        && segment.bytes().any(|b| b.is_ascii_uppercase())
        && segment.bytes().all(|b| {
            b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'^' | b'=')
        })
        && !segment.eq_ignore_ascii_case("api")
}

/// What a parameter is called in a template.
fn name_of(segment: &str) -> &'static str {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    if is_ticker(segment) {
        "{symbol}"
    } else if digits == segment.len() {
        "{number}"
    } else if segment.len() == 10 && digits == 8 {
        "{date}"
    } else if segment.len() == 36 && uuid::Uuid::try_parse(segment).is_ok() {
        "{id}"
    } else {
        "{value}"
    }
}

#[cfg(test)]
mod tests;
