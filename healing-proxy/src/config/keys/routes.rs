//! The keys of a route.

use crate::config::{
    forms::{POINTER, REQUEST, SLUG, TEXT, TOKEN, WORD},
    keys::{FIDELITIES, PRIORITIES, sources::PROMISE},
    shape::{Key, Kind, Known, Shape},
};

/// One route.
pub(super) static ROUTE: Shape = Shape {
    what: "route",
    keys: &[
        Key::required(
            "match",
            Kind::Template,
            "The path, whose segments `{name}` are parameters and whose last one `{*rest}` is all that follows",
        ),
        Key::optional(
            "source",
            Kind::Text(&SLUG),
            "Whose data it is; by default the first telling segment of its path",
        ),
        Key::new(
            "params",
            Kind::Named(&WORD, &Kind::Map(&PARAM)),
            "{}",
            "Where the parameters of a question stand, by name; those of the path have theirs already",
        ),
        Key::new(
            "fresh_for",
            Kind::Span,
            "0s",
            "How long an answer is given again without asking, where its origin does not say",
        ),
        Key::optional(
            "heal_for",
            Kind::Span,
            "How old a copy may be that heals; 15m by default, 24h for Alpha Vantage",
        ),
        Key::optional(
            "freshness",
            Kind::Map(&FRESHNESS),
            "Which field says how old the data is, and how old it may be; in place of what its source says",
        ),
        Key::optional(
            "promise",
            Kind::Map(&PROMISE),
            "What a good answer of it always has, beside what its source promises",
        ),
        Key::optional(
            "range",
            Kind::Map(&RANGE),
            "Which number of its answers is watched; one that is odd is suspect, and given",
        ),
        Key::new(
            "floor",
            Kind::Word(FIDELITIES),
            "stale",
            "The lowest fidelity that is given",
        ),
        Key::optional(
            "floor_for_callers",
            Kind::Word(FIDELITIES),
            "The lowest fidelity that a caller may ask for; by default that of `floor`",
        ),
        Key::new(
            "priority",
            Kind::Word(PRIORITIES),
            "medium",
            "Where it stands here, the route is probed while nobody asks it: critical and high every 30 s, medium 120 s, low 600 s",
        ),
        Key::optional(
            "probe",
            Kind::Text(&REQUEST),
            "What is asked to probe it, such as /api/quote/AAPL; by default its own path, where that has no parameters",
        ),
        Key::optional(
            "heal",
            Kind::List(&Kind::Strategy),
            "What is allowed; the order only breaks ties. By default asking again and kept copies",
        ),
        Key::new(
            "observe",
            Kind::Bool,
            "false",
            "Compute everything, change nothing",
        ),
        Key::optional("deadline", Kind::Span, "As above, for this route"),
        Key::optional("timeout", Kind::Seconds, "As above, for this route"),
        Key::new(
            "windows",
            Kind::Map(&WINDOWS),
            "{}",
            "From when on it is said to be sick",
        ),
    ],
};

static PARAM: Shape = Shape {
    what: "parameter",
    keys: &[
        Key::optional("path", Kind::Text(&WORD), "The segment of the path"),
        Key::optional("query", Kind::Text(&TEXT), "The parameter of the query"),
        Key::optional("header", Kind::Text(&TOKEN), "The field of the request"),
    ],
};

static FRESHNESS: Shape = Shape {
    what: "freshness",
    keys: &[
        Key::required(
            "field",
            Kind::Text(&POINTER),
            "Where its time stands in the answer",
        ),
        Key::required(
            "unit",
            Kind::Word(&["s", "ms", "us", "ns", "date", "datetime"]),
            "How that time is written",
        ),
        Key::required(
            "max_age",
            Kind::Span,
            "How old it may be, by the calendar's hours",
        ),
        Key::new(
            "calendar",
            Kind::Known(Known::Calendar),
            "always",
            "When there can be news",
        ),
    ],
};

static RANGE: Shape = Shape {
    what: "map of range",
    keys: &[
        Key::required(
            "field",
            Kind::Text(&POINTER),
            "Where the number stands in the answer",
        ),
        Key::optional("at_least", Kind::Number, "Less than that is odd"),
        Key::optional("at_most", Kind::Number, "More than that is odd"),
    ],
};

static WINDOWS: Shape = Shape {
    what: "map of windows",
    keys: &[
        Key::new(
            "degraded",
            Kind::Share,
            "5 %",
            "The share of bad answers that makes it degraded",
        ),
        Key::new(
            "critical",
            Kind::Share,
            "20 %",
            "The share of bad answers that makes it critical",
        ),
        Key::new(
            "slow",
            Kind::Span,
            "10s",
            "An answer that takes longer counts as bad",
        ),
        Key::new(
            "tune",
            Kind::Bool,
            "true",
            "Whether those at their defaults move with the route's own past",
        ),
    ],
};
