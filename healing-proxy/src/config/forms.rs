//! Texts of a certain form: what they must be, and whether one is.

use std::net::{IpAddr, SocketAddr};

use healing_core::Source;
use ipnet::IpNet;

use crate::config::shape::Form;

pub(super) static ADDRESS: Form = Form {
    must_be: "an address with a port such as 127.0.0.1:8080",
    fits: |text| text.parse::<SocketAddr>().is_ok(),
    may_be_secret: false,
};
pub(super) static NETWORK: Form = Form {
    must_be: "an address or a network such as 10.0.0.0/8",
    fits: |text| network(text).is_some(),
    may_be_secret: false,
};
pub(super) static TEXT: Form = Form {
    must_be: "a text",
    fits: |text| !text.trim().is_empty(),
    may_be_secret: false,
};
pub(super) static TOKEN: Form = Form {
    must_be: "a name of letters, digits, `-`, `_` and `.`",
    fits: |text| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    },
    may_be_secret: false,
};
pub(super) static SLUG: Form = Form {
    must_be: "1 to 64 of a-z, 0-9, `_` and `-`, starting with a letter or digit",
    fits: |text| Source::new(text).is_ok(),
    may_be_secret: false,
};
pub(super) static WORD: Form = Form {
    must_be: "a name of letters, digits and `_`",
    fits: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
    may_be_secret: false,
};
pub(super) static VARIABLE: Form = Form {
    must_be: "the name of an environment variable such as FRED_KEY, not its value",
    fits: is_variable,
    may_be_secret: true,
};
pub(super) static ZONE: Form = Form {
    must_be: "a time zone such as UTC or America/New_York",
    fits: |text| jiff::tz::TimeZone::get(text).is_ok(),
    may_be_secret: false,
};
pub(super) static POINTER: Form = Form {
    must_be: "a JSON pointer such as /items/0/value (RFC 6901)",
    fits: |text| text.is_empty() || text.starts_with('/'),
    may_be_secret: false,
};
pub(super) static SEPARATOR: Form = Form {
    must_be: "one character such as , or |",
    fits: |text| text.chars().count() == 1,
    may_be_secret: false,
};
pub(super) static MOUNT: Form = Form {
    must_be: "a path such as /yahoo that begins with / and does not end with it",
    fits: |text| {
        text.len() > 1
            && text.starts_with('/')
            && !text.ends_with('/')
            && !text.contains(['{', '?', '#', '*', ' '])
    },
    may_be_secret: false,
};
pub(super) static REQUEST: Form = Form {
    must_be: "a path with its query, such as /api/quote?symbol=AAPL",
    fits: |text| {
        let uri = text.parse::<http::Uri>().ok();
        text.starts_with('/') && uri.is_some_and(|uri| uri.authority().is_none())
    },
    may_be_secret: false,
};
pub(super) static STORE: Form = Form {
    must_be: "memory, sqlite:FILE or postgres://...",
    fits: |text| {
        let file = text.strip_prefix("sqlite:");
        text == "memory"
            || text.starts_with("postgres://")
            || file.is_some_and(|file| !file.is_empty())
    },
    may_be_secret: true,
};
pub(super) static REDIS: Form = Form {
    must_be: "a URL such as redis://127.0.0.1:6379",
    fits: |text| {
        let scheme = text.starts_with("redis://") || text.starts_with("rediss://");
        let uri = text.parse::<http::Uri>().ok();
        scheme && uri.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
    },
    may_be_secret: true,
};
pub(super) static ENDPOINT: Form = Form {
    must_be: "a URL such as http://localhost:5002/api/yahoo/quote",
    fits: |text| {
        text.parse()
            .is_ok_and(|uri: http::Uri| uri.scheme().is_some() && uri.authority().is_some())
    },
    may_be_secret: false,
};

/// A network, or an address alone.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(alone)
}

fn is_variable(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    !text.is_empty() && text.bytes().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}
