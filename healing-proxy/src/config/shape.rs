//! What a configuration may say: every key with its kind, its default and a sentence about it.
//!
//! One table is behind the reader, the JSON Schema, `config show` and the page of the book, so that none of them knows a key
//! that the others do not.

/// The keys of a map.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What a person calls such a map: `route`.
    pub(crate) what: &'static str,
    pub(crate) keys: &'static [Key],
}

/// One key of a map.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) absent: Absent,
    /// A sentence about it, without its full stop.
    pub(crate) says: &'static str,
}

/// What holds where a key is absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Absent {
    /// This, as a file would write it.
    Default(&'static str),
    /// Nothing.
    Nothing,
    /// It may not be absent.
    Mistake,
}

/// What stands under a key.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool,
    /// A whole number between two, both allowed.
    Whole(u64, u64),
    /// A part of a whole, as `0.05` or `5 %`.
    Share,
    /// A number that is not negative.
    Amount,
    /// Any number.
    Number,
    /// `90s`, `15m`; kept as milliseconds.
    Span,
    /// The same, or a number of seconds as the specification writes it.
    Seconds,
    /// `2MiB`; kept as bytes.
    Size,
    /// The URL of an API: a scheme and a host.
    Origin,
    /// The template of a route's paths.
    Template,
    /// A text of a certain form.
    Text(&'static Form),
    /// What must not be shown. Numbers are taken as they are written.
    Secret,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// One of the words of a list that is made when the program starts.
    Known(Known),
    /// A text, a number or a bool.
    Scalar,
    Map(&'static Shape),
    /// A map, or one value in its place, which is that of the named key.
    Short(&'static str, &'static Shape),
    /// Names of the operator's own choice.
    Named(&'static Form, &'static Self),
    /// A list, or one item in its place.
    List(&'static Self),
    /// One of these words, or the other kind.
    WordOr(&'static str, &'static Self),
    /// One of the strategies by name, alone or with its options.
    Strategy,
    /// Rules in the form of a file of rules: checked where the rest of the source is known.
    Rules,
}

/// Words that are known at run time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Known {
    Preset,
    Calendar,
}

/// A text of a certain form.
#[derive(Debug)]
pub(crate) struct Form {
    /// What it must be: `an address such as 127.0.0.1:8080`.
    pub(crate) must_be: &'static str,
    pub(crate) fits: fn(&str) -> bool,
    /// Whether what does not fit may be a secret that somebody put there, and is not shown.
    pub(crate) may_be_secret: bool,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

// === impl Key ===

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        says: &'static str,
    ) -> Self {
        let absent = Absent::Default(default);
        Self {
            name,
            kind,
            absent,
            says,
        }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind, says: &'static str) -> Self {
        let absent = Absent::Nothing;
        Self {
            name,
            kind,
            absent,
            says,
        }
    }

    pub(crate) const fn required(name: &'static str, kind: Kind, says: &'static str) -> Self {
        let absent = Absent::Mistake;
        Self {
            name,
            kind,
            absent,
            says,
        }
    }
}
