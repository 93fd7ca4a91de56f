//! The strategies that a route may allow, with their options.

use crate::config::{
    forms::{POINTER, SEPARATOR, TEXT, WORD},
    shape::{Key, Kind, Known, Shape},
};

/// A strategy as a file names it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) options: &'static Shape,
    /// The lowest fidelity of what it gives.
    pub(crate) gives: &'static str,
    pub(crate) says: &'static str,
}

/// Every strategy: first the general ones, then those of sources.
pub(crate) static OPTIONS_OF: &[Named] = &[
    Named {
        name: "exponential_backoff_retry",
        options: &NONE,
        gives: "exact",
        says: "Ask again, after 1 s, 2 s and 4 s at most",
    },
    Named {
        name: "use_cached_data",
        options: &CACHED,
        gives: "stale",
        says: "Give a kept copy, with its age",
    },
    Named {
        name: "reduce_request_size",
        options: &REDUCED,
        gives: "exact",
        says: "Ask for half as much, and for the other half where rows can be counted off",
    },
    Named {
        name: "request_queuing",
        options: &NONE,
        gives: "exact",
        says: "Let requests wait for the quota",
    },
    Named {
        name: "batch_requests",
        options: &BATCH,
        gives: "exact",
        says: "Ask for a list in parts, and for single things in one call",
    },
    Named {
        name: "alternate_endpoint",
        options: &NONE,
        gives: "exact",
        says: "Ask another address of the same source",
    },
    Named {
        name: "hedged_request",
        options: &HEDGED,
        gives: "exact",
        says: "Ask another address of the same source while the first call takes long, and give what comes first",
    },
    Named {
        name: "api_key_rotation",
        options: &NONE,
        gives: "exact",
        says: "Ask with the next of the operator's own keys",
    },
    Named {
        name: "crumb_renewal",
        options: &CRUMB,
        gives: "exact",
        says: "Ask Yahoo Finance again with a new cookie and crumb",
    },
    Named {
        name: "fallback",
        options: &FALLBACK,
        gives: "equivalent",
        says: "Ask another route, and give its answer in this route's shape",
    },
    Named {
        name: "compute",
        options: &COMPUTE,
        gives: "equivalent",
        says: "Ask for two other things, and compute the answer from both",
    },
    Named {
        name: "alternate_series",
        options: &SERIES,
        gives: "reduced",
        says: "Give a coarser series of the same quantity",
    },
    Named {
        name: "etf_proxy",
        options: &ETF,
        gives: "substitute",
        says: "Give the ETF of the sector, as itself",
    },
    Named {
        name: "etf_estimate",
        options: &ESTIMATE,
        gives: "estimate",
        says: "Move the last price of a share by what its ETF did since, with an error bar",
    },
    Named {
        name: "historical_fallback",
        options: &HISTORICAL,
        gives: "reduced",
        says: "Give daily data for real-time data",
    },
    Named {
        name: "previous_trading_day",
        options: &DAY,
        gives: "reduced",
        says: "Give the trading day before one that is not there yet",
    },
    Named {
        name: "shorter_range",
        options: &SHORTER,
        gives: "reduced",
        says: "Give the later part of a span that the plan does not have whole",
    },
    Named {
        name: "daily_instead_of_intraday",
        options: &SPANS,
        gives: "reduced",
        says: "Give daily rows for finer ones",
    },
    Named {
        name: "aggregate_data",
        options: &SPANS,
        gives: "reduced",
        says: "Give longer spans for shorter ones",
    },
    Named {
        name: "polygon_fallback_yahoo",
        options: &NONE,
        gives: "equivalent",
        says: "Ask Yahoo Finance for what Polygon.io refuses",
    },
    Named {
        name: "alphavantage_fallback_yahoo",
        options: &NONE,
        gives: "equivalent",
        says: "Ask Yahoo Finance for what Alpha Vantage refuses",
    },
    Named {
        name: "fred_fallback_csv",
        options: &NONE,
        gives: "equivalent",
        says: "Ask FRED's CSV, which needs no key, for what its API refuses",
    },
    Named {
        name: "alphavantage_aggressive_cache",
        options: &NONE,
        gives: "stale",
        says: "Give a kept copy of up to 24 h, with its age",
    },
];

static NONE: Shape = Shape {
    what: "strategy without options",
    keys: &[],
};

static CACHED: Shape = Shape {
    what: "use_cached_data",
    keys: &[Key::optional(
        "up_to",
        Kind::Span,
        "How old a copy may be; by default `heal_for`",
    )],
};

static HEDGED: Shape = Shape {
    what: "hedged_request",
    keys: &[Key::new(
        "same_address",
        Kind::Bool,
        "false",
        "Whether the asked address is asked again where it is the only one: for one behind which are several machines",
    )],
};

/// Which parameter carries what is changed.
const CHANGED: Key = Key::optional(
    "param",
    Kind::Text(&WORD),
    "The parameter of the route that carries what is changed; by default the one that is called as it is usual",
);

static REDUCED: Shape = Shape {
    what: "reduce_request_size",
    keys: &[
        CHANGED,
        Key::new(
            "at_least",
            Kind::Whole(1, 1_000_000_000),
            "1",
            "The fewest rows that are asked for",
        ),
        Key::optional(
            "offset",
            Kind::Text(&WORD),
            "The parameter of the route that says how many rows are left out before the first; with it the other half is asked for, too",
        ),
        Key::optional(
            "rows",
            Kind::Text(&POINTER),
            "Where the rows stand in the answer; needed with `offset`",
        ),
    ],
};

static BATCH: Shape = Shape {
    what: "batch_requests",
    keys: &[
        CHANGED,
        Key::new(
            "separator",
            Kind::Text(&SEPARATOR),
            "\",\"",
            "What stands between the objects of a list",
        ),
        Key::new(
            "at_most",
            Kind::Whole(2, 1_000),
            "50",
            "The most objects in one call",
        ),
        Key::optional(
            "rows",
            Kind::WordOr("columns", &Kind::Text(&POINTER)),
            "Where the objects' rows stand in the answer, or `columns` for a CSV with a column for each; built in for Yahoo's quotes and FRED's CSV",
        ),
        Key::optional(
            "object",
            Kind::Text(&TEXT),
            "The field of a row that names its object; without it `rows` leads to a map by their names",
        ),
    ],
};

static CRUMB: Shape = Shape {
    what: "crumb_renewal",
    keys: &[
        CHANGED,
        Key::new(
            "cookies",
            Kind::Origin,
            "https://fc.yahoo.com",
            "Who sets the cookies",
        ),
    ],
};

static DAY: Shape = Shape {
    what: "previous_trading_day",
    keys: &[
        CHANGED,
        Key::new(
            "calendar",
            Kind::Known(Known::Calendar),
            "us_equities",
            "Which days are trading days",
        ),
    ],
};

static SHORTER: Shape = Shape {
    what: "shorter_range",
    keys: &[
        CHANGED,
        Key::optional(
            "end",
            Kind::Text(&WORD),
            "The parameter of the route that carries the end of the span; by default `to`, `end` or `end_date`",
        ),
        Key::optional(
            "depth",
            Kind::Span,
            "How far back from today the plan is known to reach; without it the later half is asked for, and the half of that",
        ),
    ],
};

static SPANS: Shape = Shape {
    what: "strategy with a parameter",
    keys: &[CHANGED],
};

static ETF: Shape = Shape {
    what: "etf_proxy",
    keys: &[
        CHANGED,
        Key::new(
            "table",
            Kind::WordOr("sectors", &Kind::Named(&TEXT, &Kind::Text(&TEXT))),
            "sectors",
            "Which ETF stands for which symbol; `sectors` is the built-in table",
        ),
        Key::new(
            "status",
            Kind::Whole(200, 203),
            "203",
            "The status of such an answer: 203 or 200",
        ),
        Key::optional(
            "label",
            Kind::Text(&TEXT),
            "What the ETFs of a table of one's own are, for the label of the answer",
        ),
    ],
};

static ESTIMATE: Shape = Shape {
    what: "etf_estimate",
    keys: &[
        CHANGED,
        Key::required(
            "shares",
            Kind::Named(&TEXT, &Kind::Map(&BETA)),
            "The shares that it is for, each with its ETF and how it moves with it; none is built in",
        ),
        Key::new(
            "up_to",
            Kind::Span,
            "1h",
            "How old a last price may be; never of another session",
        ),
    ],
};

static BETA: Shape = Shape {
    what: "share of etf_estimate",
    keys: &[
        Key::required("etf", Kind::Text(&TEXT), "Its ETF"),
        Key::required(
            "beta",
            Kind::Number,
            "By how many percent it moves where the ETF moves by one",
        ),
        Key::required(
            "r2",
            Kind::Share,
            "The share of its variance that the ETF explains, by the regression that beta is from",
        ),
    ],
};

static SERIES: Shape = Shape {
    what: "alternate_series",
    keys: &[
        CHANGED,
        Key::optional(
            "map",
            Kind::Named(&TEXT, &Kind::Text(&TEXT)),
            "Which series stands for which; without it FRED's daily series have their monthly averages",
        ),
        Key::optional(
            "label",
            Kind::Text(&TEXT),
            "What the other series are, for the label of the answer; needed with `map`",
        ),
    ],
};

static FALLBACK: Shape = Shape {
    what: "fallback",
    keys: &[
        Key::required("route", Kind::Template, "The other route"),
        LENT_PARAMS,
        LENT_ONLY,
        LENT_READS,
        LENT_MAP,
        LENT_SAME,
    ],
};

static COMPUTE: Shape = Shape {
    what: "compute",
    keys: &[
        Key::optional(
            "first",
            Kind::Map(&TERM),
            "What is asked first; without `first`, `second` and `map`, what is built in for FRED's T10Y2Y",
        ),
        Key::optional("second", Kind::Map(&TERM), "What is asked then"),
        LENT_ONLY,
        Key::optional(
            "map",
            Kind::Text(&TEXT),
            "The answer in this route's shape, in jq, from `.first` and `.second`",
        ),
        Key::optional(
            "label",
            Kind::Text(&TEXT),
            "What it is computed of, for the label of the answer",
        ),
        LENT_SAME,
    ],
};

static TERM: Shape = Shape {
    what: "term of compute",
    keys: &[
        Key::optional(
            "route",
            Kind::Template,
            "Another route; without it, this one",
        ),
        LENT_PARAMS,
    ],
};

static HISTORICAL: Shape = Shape {
    what: "historical_fallback",
    keys: &[
        Key::optional(
            "route",
            Kind::Template,
            "The route with daily data; without it, what is built in for Polygon.io's last trade",
        ),
        LENT_PARAMS,
        LENT_ONLY,
        LENT_READS,
        LENT_MAP,
        LENT_SAME,
    ],
};

const LENT_PARAMS: Key = Key::new(
    "params",
    Kind::Named(&WORD, &Kind::Scalar),
    "{}",
    "Its parameters, beside those of the same name here: a value, or \"{name}\" for the value of the parameter of that name here",
);

/// What a request may hold, so that another answer is still one to it.
const LENT_ONLY: Key = Key::optional(
    "only",
    Kind::Named(&TEXT, &Kind::List(&Kind::Scalar)),
    "What the query of a request here may hold, so that it is used: each parameter with the values that it may have, `any`, or \"\" where it may be absent",
);

const LENT_READS: Key = Key::new(
    "reads",
    Kind::Word(&["json", "csv"]),
    "json",
    "What the other route answers with; the map reads CSV as an array of its lines, the head first, each an array of texts",
);

const LENT_MAP: Key = Key::optional(
    "map",
    Kind::Text(&TEXT),
    "The other answer in this route's shape, in jq",
);

const LENT_SAME: Key = Key::optional(
    "same",
    Kind::Map(&SAME),
    "What both answers agree in; without it nothing is given",
);

static SAME: Shape = Shape {
    what: "map of same",
    keys: &[
        Key::optional("unit", Kind::Text(&TEXT), "The unit of both"),
        Key::optional("currency", Kind::Text(&TEXT), "The currency of both"),
        Key::optional(
            "adjustment",
            Kind::Text(&TEXT),
            "For what both are adjusted",
        ),
        Key::optional("calendar", Kind::Text(&TEXT), "When both have news"),
        Key::optional(
            "granularity",
            Kind::Text(&TEXT),
            "How far apart the rows of both are: tick, 5m, 1h, 1d, 1mo",
        ),
    ],
};

/// The strategy of a name.
pub(crate) fn strategy(name: &str) -> Option<&'static Named> {
    OPTIONS_OF.iter().find(|named| named.name == name)
}
