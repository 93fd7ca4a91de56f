//! What the numbers of the learner mean, in words that the next process understands too.

use std::collections::HashMap;

use crate::vocabulary::{route::Route, source::Source};

/// What a number stands for. Keys have no name: which one it is must not be told to a disk.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Name {
    /// A source, and its callers without credentials.
    Source(Source),
    /// An address.
    Host(Box<str>),
    /// A route at an address.
    Route(Route, Box<str>),
}

/// Names by number.
pub(crate) type Names = HashMap<u32, Name>;
