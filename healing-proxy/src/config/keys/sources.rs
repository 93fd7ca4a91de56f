//! The keys of a source.

use crate::config::{
    forms::{MOUNT, POINTER, TEXT, TOKEN, VARIABLE, ZONE},
    shape::{Key, Kind, Known, Shape},
};

/// One source.
pub(super) static SOURCE: Shape = Shape {
    what: "source",
    keys: &[
        Key::optional(
            "preset",
            Kind::Known(Known::Preset),
            "The built-in source whose rules and limits it has",
        ),
        Key::new(
            "upstreams",
            Kind::List(&Kind::Short("url", &UPSTREAM)),
            "[]",
            "Its own addresses, where it is not behind the API",
        ),
        Key::optional(
            "mount",
            Kind::Text(&MOUNT),
            "The path of this proxy under which its upstreams are; taken off before they are asked",
        ),
        Key::new(
            "match",
            Kind::List(&Kind::Template),
            "[]",
            "Paths of unlisted routes that belong to it",
        ),
        Key::new(
            "quota",
            Kind::List(&Kind::Map(&QUOTA)),
            "[]",
            "How many calls it allows, in place of what its preset says",
        ),
        Key::optional("keys", Kind::Map(&KEYS), "The operator's own API keys"),
        Key::optional(
            "rules",
            Kind::Rules,
            "Which answers of it are faults, as in a file of rules; before those of the preset",
        ),
        Key::optional(
            "promise",
            Kind::Map(&PROMISE),
            "What a good answer always has",
        ),
        Key::optional(
            "freshness",
            Kind::Rules,
            "How old its data may be, as in a file of rules",
        ),
    ],
};

static UPSTREAM: Shape = Shape {
    what: "upstream",
    keys: &[Key::required("url", Kind::Origin, "Where it is")],
};

static QUOTA: Shape = Shape {
    what: "quota",
    keys: &[
        Key::required("calls", Kind::Whole(1, 1_000_000_000), "How many calls"),
        Key::required(
            "per",
            Kind::WordOr("day", &Kind::WordOr("month", &Kind::Span)),
            "In which time: in any stretch so long, such as 1m, or from midnight to midnight (`day`), or from the first of a month (`month`)",
        ),
        Key::new(
            "zone",
            Kind::Text(&ZONE),
            "UTC",
            "Whose midnight it is, such as America/New_York",
        ),
        Key::new(
            "scope",
            Kind::Word(&["key", "address", "source"]),
            "key",
            "Who shares them: all calls with a key, from an address, or all of the source",
        ),
    ],
};

static KEYS: Shape = Shape {
    what: "map of keys",
    keys: &[
        Key::required(
            "in",
            Kind::Word(&["query", "header"]),
            "Where a request has its key",
        ),
        Key::required(
            "name",
            Kind::Text(&TOKEN),
            "The parameter's or field's name",
        ),
        Key::new(
            "values_env",
            Kind::List(&Kind::Text(&VARIABLE)),
            "[]",
            "The environment variables that hold the keys, first the one that is used first",
        ),
        Key::optional(
            "values_file",
            Kind::Text(&TEXT),
            "A file with a key in each line",
        ),
    ],
};

pub(super) static PROMISE: Shape = Shape {
    what: "promise",
    keys: &[Key::new(
        "json",
        Kind::List(&Kind::Text(&POINTER)),
        "[]",
        "Pointers that lead to something in every good answer",
    )],
};
