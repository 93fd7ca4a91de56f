//! What a question says by name, and the values of another one that is made of it.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{attempt::Ask, strategies::only::Only};

/// What a question says: the parameters of its route, and those of its query that are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) only: Option<&'a Only>,
}

/// Where the parameters of another question have their values from, if not from those of their own names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<(Box<str>, Value)>);

#[derive(Clone, Debug)]
enum Value {
    Constant(Box<str>),
    Of(Box<str>),
}

// === impl Said ===

impl<'a> Said<'a> {
    /// Whether it holds nothing but what is listed, where something is.
    pub(crate) fn fits(self) -> bool {
        self.only.is_none_or(|only| only.fits(&self.ask.uri))
    }

    /// The value of a parameter.
    pub(crate) fn value(self, name: &str) -> Option<Cow<'a, str>> {
        let listed = || self.only?.value(&self.ask.uri, name);
        self.ask.value(name).or_else(listed)
    }

    /// All that it says, by name.
    pub(crate) fn all(self) -> Vec<(String, String)> {
        let own = self.ask.pattern.iter().flat_map(|pattern| pattern.names());
        let listed = self.only.into_iter().flat_map(Only::names);
        let names: BTreeSet<&str> = own.chain(listed).collect();
        let said = names.into_iter();
        said.filter_map(|name| Some((name.to_owned(), self.value(name)?.into_owned())))
            .collect()
    }
}

// === impl Values ===

impl Values {
    /// That value for a parameter.
    pub(crate) fn constant(&mut self, parameter: &str, value: &str) {
        self.0
            .push((parameter.into(), Value::Constant(value.into())));
    }

    /// The value of the question's `from` for a parameter.
    pub(crate) fn renamed(&mut self, parameter: &str, from: &str) {
        self.0.push((parameter.into(), Value::Of(from.into())));
    }

    /// The value of a parameter of the other question.
    pub(crate) fn of<'a>(&'a self, said: Said<'a>, name: &str) -> Option<Cow<'a, str>> {
        let mut set = self.0.iter();
        match set.find(|(own, _)| **own == *name) {
            Some((_, Value::Constant(value))) => Some(Cow::Borrowed(&**value)),
            Some((_, Value::Of(from))) => said.value(from),
            None => said.value(name),
        }
    }

    /// The parameters that have values of their own.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}
