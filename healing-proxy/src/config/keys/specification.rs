//! The keys of the specification's own, shorter file (its step 2).

use crate::config::{
    forms::{ENDPOINT, SLUG, TEXT},
    keys::PRIORITIES,
    shape::{Key, Kind, Shape},
};

pub(super) static DATABASE: Shape = Shape {
    what: "map of database",
    keys: &[
        Key::optional("dbname", Kind::Secret, "The database's name"),
        Key::optional("user", Kind::Secret, "The role"),
        Key::optional("password", Kind::Secret, "Its password"),
        Key::optional("host", Kind::Text(&TEXT), "The server"),
        Key::optional("port", Kind::Whole(1, 65_535), "Its port"),
    ],
};

pub(super) static MONITORING: Shape = Shape {
    what: "map of monitoring",
    keys: &[
        Key::optional(
            "check_interval",
            Kind::Seconds,
            "How often an endpoint of high priority is probed",
        ),
        Key::new(
            "endpoints",
            Kind::List(&Kind::Map(&ENDPOINT_KEYS)),
            "[]",
            "The endpoints, which become routes",
        ),
    ],
};

static ENDPOINT_KEYS: Shape = Shape {
    what: "watched endpoint",
    keys: &[
        Key::required("source", Kind::Text(&SLUG), "Whose data it is"),
        Key::required(
            "url",
            Kind::Text(&ENDPOINT),
            "Where it is: its path becomes the route, the rest the upstream",
        ),
        Key::new(
            "priority",
            Kind::Word(PRIORITIES),
            "medium",
            "As of a route",
        ),
        Key::optional("timeout", Kind::Seconds, "As of a route"),
    ],
};

pub(super) static ALERTS: Shape = Shape {
    what: "map of alerts",
    keys: &[
        Key::optional("email", Kind::Map(&EMAIL), "Messages by email"),
        Key::optional("sms", Kind::Map(&SMS), "Messages by SMS"),
    ],
};

static EMAIL: Shape = Shape {
    what: "map of email",
    keys: &[
        Key::optional("smtp_host", Kind::Text(&TEXT), "The server that takes mail"),
        Key::optional("smtp_port", Kind::Whole(1, 65_535), "Its port"),
        Key::optional("from_email", Kind::Text(&TEXT), "Who it is from"),
        Key::new(
            "recipients",
            Kind::List(&Kind::Text(&TEXT)),
            "[]",
            "Who gets it",
        ),
    ],
};

static SMS: Shape = Shape {
    what: "map of sms",
    keys: &[
        Key::optional("provider", Kind::Word(&["twilio"]), "Who sends it"),
        Key::optional("account_sid", Kind::Secret, "The account"),
        Key::optional("auth_token", Kind::Secret, "Its token"),
        Key::new(
            "recipients",
            Kind::List(&Kind::Secret),
            "[]",
            "The numbers that get it, with their country code",
        ),
    ],
};
