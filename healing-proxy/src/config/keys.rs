//! Every key of a configuration.

mod heal;
mod routes;
mod sources;
mod specification;

pub(crate) use self::heal::{OPTIONS_OF, strategy};
use crate::config::{
    forms::{ADDRESS, NETWORK, REDIS, SLUG, STORE, TEXT, TOKEN, VARIABLE},
    keys::{
        routes::ROUTE,
        sources::SOURCE,
        specification::{ALERTS, DATABASE, MONITORING},
    },
    shape::{Key, Kind, Shape},
};

/// The fidelities, best first.
pub(crate) const FIDELITIES: &[&str] = &[
    "exact",
    "equivalent",
    "stale",
    "reduced",
    "estimate",
    "substitute",
];

/// Who may be probed how often.
pub(crate) const PRIORITIES: &[&str] = &["critical", "high", "medium", "low"];

/// The whole file.
pub(crate) static CONFIG: Shape = Shape {
    what: "configuration",
    keys: &[
        Key::new(
            "listen",
            Kind::Text(&ADDRESS),
            "127.0.0.1:8080",
            "Where callers connect; port 0 takes a free one",
        ),
        Key::new(
            "admin",
            Kind::Short("listen", &ADMIN),
            "{}",
            "The dashboard, the feed and the status; an address alone, or `off`, is its `listen`",
        ),
        Key::optional(
            "upstream",
            Kind::Origin,
            "The API behind the proxy, for every route that names no source with `upstreams` of its own; not needed where all do",
        ),
        Key::new(
            "discover",
            Kind::Bool,
            "true",
            "Heal routes that are not listed, too, with exact and stale answers",
        ),
        Key::new(
            "identity",
            Kind::Map(&IDENTITY),
            "{}",
            "What the fields of an answer tell of this hop",
        ),
        Key::new(
            "deadline",
            Kind::Span,
            "3s",
            "How long a caller waits before it is given what is in hand",
        ),
        Key::new(
            "timeout",
            Kind::Span,
            "10s",
            "How long an upstream is waited for with nothing in hand",
        ),
        Key::new("body", Kind::Map(&BODY), "{}", "What is held of bodies"),
        Key::new(
            "trusted_proxies",
            Kind::List(&Kind::Text(&NETWORK)),
            "[]",
            "The proxies before this one whose `X-Forwarded-*` and `Forwarded` fields are believed",
        ),
        Key::new(
            "sources",
            Kind::Named(&SLUG, &Kind::Map(&SOURCE)),
            "{}",
            "The providers of data, each by its slug",
        ),
        Key::new(
            "routes",
            Kind::List(&Kind::Map(&ROUTE)),
            "[]",
            "The kinds of questions, and how each may be healed",
        ),
        Key::new("cache", Kind::Map(&CACHE), "{}", "Kept copies"),
        Key::new(
            "budget",
            Kind::Map(&BUDGET),
            "{}",
            "The extra calls that healing may cost",
        ),
        Key::new(
            "learning",
            Kind::Map(&LEARNING),
            "{}",
            "What is tried so that more is known",
        ),
        Key::new(
            "store",
            Kind::Map(&STORE_KEYS),
            "{}",
            "Where events, health and patterns are kept",
        ),
        Key::new(
            "log",
            Kind::Map(&LOG),
            "{}",
            "What is said on stderr, and how",
        ),
        Key::optional(
            "monitoring",
            Kind::Map(&MONITORING),
            "What the specification's file watches: its endpoints become routes, the common origin of their URLs the upstream",
        ),
        Key::optional(
            "database",
            Kind::Map(&DATABASE),
            "The PostgreSQL database of the specification's file",
        ),
        Key::optional(
            "alerts",
            Kind::Map(&ALERTS),
            "Who is told, as the specification's file says it",
        ),
    ],
};

static ADMIN: Shape = Shape {
    what: "map of admin",
    keys: &[
        Key::new(
            "listen",
            Kind::WordOr("off", &Kind::Text(&ADDRESS)),
            "127.0.0.1:8888",
            "Where dashboard and feed are, or `off`",
        ),
        Key::optional(
            "token_env",
            Kind::Text(&VARIABLE),
            "The environment variable that holds the token of the admin port",
        ),
        Key::new(
            "allowed_hosts",
            Kind::List(&Kind::Text(&TEXT)),
            "[]",
            "Names by which the admin port may be asked, beside its address",
        ),
        Key::new(
            "allowed_origins",
            Kind::List(&Kind::Origin),
            "[]",
            "Pages of other origins that may read the feed",
        ),
    ],
};

static IDENTITY: Shape = Shape {
    what: "map of identity",
    keys: &[
        Key::optional(
            "name",
            Kind::Text(&TOKEN),
            "The name of this hop in Via, Cache-Status and Proxy-Status; made from the address by default",
        ),
        Key::optional(
            "expose",
            Kind::Word(&["full", "errors", "none"]),
            "How much the fields tell; `full` by default on loopback, `errors` elsewhere",
        ),
    ],
};

static BODY: Shape = Shape {
    what: "map of body",
    keys: &[
        Key::new(
            "judge_up_to",
            Kind::Size,
            "2MiB",
            "Longer bodies are judged by their head and streamed",
        ),
        Key::new(
            "memory",
            Kind::Size,
            "256MiB",
            "All bodies that are held at a time, together",
        ),
        Key::new(
            "replay_up_to",
            Kind::Size,
            "64KiB",
            "Longer bodies of requests are not sent again",
        ),
    ],
};

static CACHE: Shape = Shape {
    what: "map of cache",
    keys: &[
        Key::new(
            "memory",
            Kind::Size,
            "128MiB",
            "Room for kept copies and what else is remembered of URLs",
        ),
        Key::new(
            "override",
            Kind::Bool,
            "false",
            "Whether `fresh_for` and `heal_for` hold also where an answer forbids it; never against `no-store` or `private`",
        ),
        Key::optional(
            "redis",
            Kind::Text(&REDIS),
            "The Redis or Valkey in which several proxies share copies, such as redis://127.0.0.1:6379",
        ),
        Key::optional(
            "redis_password_env",
            Kind::Text(&VARIABLE),
            "The environment variable that holds its password",
        ),
        Key::optional(
            "warm",
            Kind::Text(&TEXT),
            "A file of URLs, one a line, that are asked for once at the start",
        ),
    ],
};

static BUDGET: Shape = Shape {
    what: "map of budget",
    keys: &[
        Key::new(
            "share",
            Kind::Share,
            "0.1",
            "The extra calls that a caller's call pays for",
        ),
        Key::new(
            "floor_per_s",
            Kind::Amount,
            "0.1",
            "The extra calls a second that may be made at a source with few callers, at most 10",
        ),
        Key::new(
            "healing_calls_at_most",
            Kind::Share,
            "0.2",
            "The share of all calls within ten seconds that may be extra; two always may",
        ),
    ],
};

static LEARNING: Shape = Shape {
    what: "map of learning",
    keys: &[Key::new(
        "randomise",
        Kind::Bool,
        "false",
        "Let chance decide in one of fifty healed requests which of two strategies is tried first that are nearly as good as each other",
    )],
};

static STORE_KEYS: Shape = Shape {
    what: "map of store",
    keys: &[
        Key::new(
            "url",
            Kind::Text(&STORE),
            "memory",
            "`memory`, `sqlite:FILE`, or `postgres://...` for several proxies",
        ),
        Key::new("retention", Kind::Span, "30d", "How long events are kept"),
    ],
};

static LOG: Shape = Shape {
    what: "map of log",
    keys: &[
        Key::new(
            "format",
            Kind::Word(&["auto", "text", "json"]),
            "auto",
            "The form of the log; auto is text on a terminal and JSON elsewhere",
        ),
        Key::new(
            "level",
            Kind::Word(&["error", "warn", "info", "debug", "trace"]),
            "info",
            "How much is said",
        ),
        Key::optional(
            "directory",
            Kind::Text(&TEXT),
            "Write the log to files in this folder, too: one a day, as lines of JSON, the last 14 of them",
        ),
    ],
};
